/*
 * state_io.c - text and binary forms of softsort_state.
 *
 * The binary form is canonical: version, options, count, then the x and the y of
 * the pairs sorted by (x, y); equal states have equal bytes.  The text form is the
 * binary one in hexadecimal digits.  Anything else is refused: the bytes may
 * come from anywhere.
 */
#include "postgres.h"

#include <ctype.h>
#include <math.h>

#include "libpq/pqformat.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "array_arg.h"
#include "errors.h"
#include "pg_compat.h"
#include "run.h"
#include "state.h"

#define TEXT_STEP 65536 /* even */
#define WIRE_VERSION 1
#define WIRE_HEADER (4 * sizeof(uint8) + sizeof(double) + sizeof(int64))

PG_FUNCTION_INFO_V1(softsort_state_in);
PG_FUNCTION_INFO_V1(softsort_state_out);
PG_FUNCTION_INFO_V1(softsort_state_recv);
PG_FUNCTION_INFO_V1(softsort_state_send);

/* Append a column to a message. */
static void
send_column(StringInfo message, const double *value, int64 count)
{
	enlargeStringInfo(message, (int) (sizeof(double) * (Size) count));
	for (int64 i = 0; i < count; i++)
	{
		if (i % SFS_INTERRUPT_STEP == 0)
			CHECK_FOR_INTERRUPTS();
		pq_sendfloat8(message, value[i]);
	}
}

/* Write the binary form of a state to a message. */
static void
send_state(StringInfo message, Datum datum)
{
	SfsState state = sfs_state_view(datum);

	if (!sfs_run_pairs_ordered(state.x, state.y, state.count))
		state = sfs_state_view(sfs_state_canonical(&state));
	pq_sendbyte(message, WIRE_VERSION);
	pq_sendbyte(message, state.options.set);
	pq_sendbyte(message, state.options.standardize);
	pq_sendbyte(message, (uint8) state.options.regularization);
	pq_sendfloat8(message, state.options.strength);
	pq_sendint64(message, state.count);
	send_column(message, state.x, state.count);
	send_column(message, state.y, state.count);
}

/* Read a byte that is at most `most`. */
static uint8
read_byte(StringInfo message, uint8 most, int sqlstate)
{
	int value = pq_getmsgbyte(message);

	if (value > most)
		sfs_error_state_input(sqlstate, "Unknown version or option.");
	return (uint8) value;
}

/* Read a column of values that are not NaN and not -0. */
static void
read_column(StringInfo message, double *value, int64 count, int sqlstate)
{
	for (int64 i = 0; i < count; i++)
	{
		if (i % SFS_INTERRUPT_STEP == 0)
			CHECK_FOR_INTERRUPTS();
		value[i] = pq_getmsgfloat8(message);
		if (isnan(value[i]) || (value[i] == 0.0 && signbit(value[i])))
			sfs_error_state_input(sqlstate, "A value is NaN or negative zero.");
	}
}

/* Read the binary form of a state, to the end of the message. */
static Datum
read_state(StringInfo message, int sqlstate)
{
	SfsStateOptions options;
	int64 count;
	double *x;
	double *y;
	Datum result;

	if ((Size) (message->len - message->cursor) < WIRE_HEADER)
		sfs_error_state_input(sqlstate, "Data end early.");
	if (read_byte(message, UINT8_MAX, sqlstate) != WIRE_VERSION)
		sfs_error_state_input(sqlstate, "Unknown version or option.");
	options.set = read_byte(message, 1, sqlstate) != 0;
	options.standardize = read_byte(message, options.set, sqlstate) != 0;
	options.regularization =
		(SfsRegularization) read_byte(message, options.set ? SFS_REG_COUNT - 1 : 0, sqlstate);
	options.strength = pq_getmsgfloat8(message);
	if (!isfinite(options.strength) || signbit(options.strength) ||
		(!options.set && options.strength != 0.0))
		sfs_error_state_input(sqlstate, "Unknown version or option.");
	count = pq_getmsgint64(message);
	if (count < 0 || (message->len - message->cursor) % (int) SFS_PAIR_BYTES != 0 ||
		count != (message->len - message->cursor) / (int) SFS_PAIR_BYTES)
		sfs_error_state_input(sqlstate, "The number of pairs is wrong.");
	result = sfs_state_make(&options, count, &x, &y);
	read_column(message, x, count, sqlstate);
	read_column(message, y, count, sqlstate);
	if (!sfs_run_pairs_ordered(x, y, count))
		sfs_error_state_input(sqlstate, "Pairs are not in order.");
	return result;
}

/* Read a state from text, piece by piece, so that it can be cancelled. */
Datum
softsort_state_in(PG_FUNCTION_ARGS)
{
	const char *digits = PG_GETARG_CSTRING(0);
	Size length = strlen(digits);
	StringInfoData message;

	message.data = palloc(length / 2 + 1);
	message.maxlen = (int) (length / 2 + 1);
	message.len = 0;
	message.cursor = 0;
	for (Size first = 0; first < length; first += TEXT_STEP)
	{
		Size count = Min(TEXT_STEP, length - first);

		CHECK_FOR_INTERRUPTS();
		for (Size i = first; i < first + count; i++)
			if (!isxdigit((unsigned char) digits[i]) || length % 2 != 0)
				sfs_error_state_input(ERRCODE_INVALID_TEXT_REPRESENTATION,
									  "The text form is an even number of hexadecimal digits.");
		message.len += (int) hex_decode(digits + first, count, message.data + message.len);
	}
	PG_RETURN_DATUM(read_state(&message, ERRCODE_INVALID_TEXT_REPRESENTATION));
}

/* Write a state as text, piece by piece likewise. */
Datum
softsort_state_out(PG_FUNCTION_ARGS)
{
	StringInfoData message;
	char *digits;
	char *end;

	initStringInfo(&message);
	send_state(&message, PG_GETARG_DATUM(0));
	if (!AllocSizeIsValid(2 * (Size) message.len + 1))
		sfs_error_state_size((message.len - (int64) WIRE_HEADER) / (int64) SFS_PAIR_BYTES,
							 SFS_STATE_ROWS_HINT);
	digits = palloc(2 * (Size) message.len + 1);
	end = digits;
	for (int first = 0; first < message.len; first += TEXT_STEP)
	{
		CHECK_FOR_INTERRUPTS();
		end += hex_encode(message.data + first, Min(TEXT_STEP, message.len - first), end);
	}
	*end = '\0';
	pfree(message.data);
	PG_RETURN_CSTRING(digits);
}

/* Read a state from its binary form. */
Datum
softsort_state_recv(PG_FUNCTION_ARGS)
{
	StringInfo message = (StringInfo) PG_GETARG_POINTER(0);

	PG_RETURN_DATUM(read_state(message, ERRCODE_INVALID_BINARY_REPRESENTATION));
}

/* Write a state in its binary form. */
Datum
softsort_state_send(PG_FUNCTION_ARGS)
{
	StringInfoData message;

	pq_begintypsend(&message);
	send_state(&message, PG_GETARG_DATUM(0));
	PG_RETURN_BYTEA_P(pq_endtypsend(&message));
}
