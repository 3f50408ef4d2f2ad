/*
 * stream.cpp - streams and events (runtime.h).
 *
 * A stream is a list of operations that have not run.  With a seed some of them run early,
 * by chance, as they would on a device.
 */
#include "internal.h"

#include <chrono>

#include "threads.h"

struct Record;

/* An operation: something to run, a record to wait for, or one that is reached. */
struct Operation
{
	std::function<void()> run;
	std::shared_ptr<Record> wait;
	std::shared_ptr<Record> reached;
};

/* A stream. */
struct CUstream_st
{
	std::deque<Operation> pending;
	bool blocking;
};

/* What cudaEventRecord has put into a stream. */
struct Record
{
	CUstream_st *stream; /* valid until done */
	bool done;
	std::chrono::steady_clock::time_point time;
};

/* An event: its latest record, if any. */
struct CUevent_st
{
	std::shared_ptr<Record> record;
	bool timed;
};

namespace cudasim
{
namespace
{

CUstream_st null_stream{{}, true};
std::set<CUstream_st *> streams;
std::set<CUevent_st *> events;
std::size_t done;
bool running;

/* Return the stream behind a handle. */
CUstream_st *
stream_of(cudaStream_t stream)
{
	return stream != nullptr ? stream : &null_stream;
}

/* Run the first operation of a stream, or one that it waits for. */
void
step(CUstream_st *stream)
{
	Operation operation;

	while (!stream->pending.empty())
	{
		operation = stream->pending.front();
		if (operation.wait == nullptr || operation.wait->done)
			break;
		stream = operation.wait->stream;
	}
	if (stream->pending.empty())
		return;
	stream->pending.pop_front();
	done++;
	if (operation.reached != nullptr)
	{
		/* on a broken device, too: who waits for it comes back and sees the error */
		operation.reached->done = true;
		operation.reached->time = std::chrono::steady_clock::now();
	}
	else if (operation.run && strike() == cudaSuccess)
	{
		running = true;
		operation.run();
		running = false;
	}
}

/* Run operations until a record is reached. */
void
reach(const std::shared_ptr<Record> &record)
{
	while (!record->done)
		step(record->stream);
}

/* Return a random stream, which may have nothing to do. */
CUstream_st *
random_stream()
{
	std::size_t number = random_number() % (streams.size() + 1);

	return number == streams.size() ? &null_stream : *std::next(streams.begin(), number);
}

/* Keep the order between the null stream and those that block. */
void
order_null(CUstream_st *stream)
{
	if (stream == &null_stream)
	{
		for (CUstream_st *each : streams)
			while (each->blocking && !each->pending.empty())
				step(each);
	}
	else if (stream->blocking)
		while (!null_stream.pending.empty())
			step(&null_stream);
}

/* Put an operation at the end of a stream. */
void
append(CUstream_st *stream, Operation operation)
{
	if (running)
	{
		std::fprintf(stderr, "cudasim: a call of the API from within the work of a stream\n");
		std::fflush(nullptr);
		std::abort();
	}
	order_null(stream);
	stream->pending.push_back(std::move(operation));
	if (is_permuted())
		while (random_number() % 4 == 0)
			step(random_stream());
}

} // namespace

/* See internal.h. */
bool
is_stream(cudaStream_t stream)
{
	return stream == nullptr || streams.count(stream) != 0;
}

/* See internal.h. */
void
enqueue(cudaStream_t stream, std::function<void()> run)
{
	append(stream_of(stream), Operation{std::move(run), nullptr, nullptr});
}

/* See internal.h. */
void
drain(cudaStream_t stream)
{
	if (stream == nullptr)
		order_null(&null_stream);
	while (!stream_of(stream)->pending.empty())
		step(stream_of(stream));
}

/* See internal.h. */
void
drain_all()
{
	while (cudasim_pending() > 0)
	{
		if (is_permuted())
			step(random_stream());
		else
		{
			for (CUstream_st *each : streams)
				drain(each);
			drain(nullptr);
		}
	}
}

/* See internal.h. */
void
release_streams()
{
	for (CUstream_st *each : streams)
		delete each;
	for (CUevent_st *each : events)
		delete each;
	streams.clear();
	events.clear();
	null_stream.pending.clear();
}

/* See internal.h. */
std::size_t
stream_count()
{
	return streams.size() + events.size();
}

} // namespace cudasim

using namespace cudasim;

/* Make a stream. */
cudaError_t
cudaStreamCreateWithFlags(cudaStream_t *stream, unsigned flags)
{
	cudaError_t error = enter();

	if (error != cudaSuccess)
		return error;
	*stream = new CUstream_st{{}, (flags & cudaStreamNonBlocking) == 0};
	streams.insert(*stream);
	return cudaSuccess;
}

/* See cudaStreamCreateWithFlags. */
cudaError_t
cudaStreamCreate(cudaStream_t *stream)
{
	return cudaStreamCreateWithFlags(stream, cudaStreamDefault);
}

/* See cudaStreamCreateWithFlags. */
cudaError_t
cudaStreamCreateWithPriority(cudaStream_t *stream, unsigned flags, int)
{
	return cudaStreamCreateWithFlags(stream, flags);
}

/* Give a stream back; what is in it is still done. */
cudaError_t
cudaStreamDestroy(cudaStream_t stream)
{
	if (stream == nullptr || streams.count(stream) == 0)
		return note(cudaErrorInvalidResourceHandle);
	drain(stream);
	streams.erase(stream);
	delete stream;
	return enter();
}

/* Wait for all that is in a stream. */
cudaError_t
cudaStreamSynchronize(cudaStream_t stream)
{
	cudaError_t error = enter();

	if (error != cudaSuccess)
		return error;
	if (!is_stream(stream))
		return note(cudaErrorInvalidResourceHandle);
	drain(stream);
	return enter();
}

/* Run one operation of a stream and say whether all is done. */
cudaError_t
cudaStreamQuery(cudaStream_t stream)
{
	cudaError_t error = enter();

	if (error != cudaSuccess)
		return error;
	if (!is_stream(stream))
		return note(cudaErrorInvalidResourceHandle);
	step(stream_of(stream));
	error = enter();
	if (error != cudaSuccess)
		return error;
	return stream_of(stream)->pending.empty() ? cudaSuccess : cudaErrorNotReady;
}

/* Let a stream wait for what an event has recorded last. */
cudaError_t
cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned)
{
	cudaError_t error = enter();

	if (error != cudaSuccess)
		return error;
	if (!is_stream(stream) || events.count(event) == 0)
		return note(cudaErrorInvalidResourceHandle);
	if (event->record != nullptr)
		append(stream_of(stream), Operation{nullptr, event->record, nullptr});
	return cudaSuccess;
}

/* Let a stream call a function of the host. */
cudaError_t
cudaLaunchHostFunc(cudaStream_t stream, cudaHostFn_t function, void *argument)
{
	cudaError_t error = enter();

	if (error != cudaSuccess)
		return error;
	if (!is_stream(stream))
		return note(cudaErrorInvalidResourceHandle);
	enqueue(stream, [function, argument] { function(argument); });
	return cudaSuccess;
}

/* Make an event. */
cudaError_t
cudaEventCreateWithFlags(cudaEvent_t *event, unsigned flags)
{
	cudaError_t error = enter();

	if (error != cudaSuccess)
		return error;
	*event = new CUevent_st{nullptr, (flags & cudaEventDisableTiming) == 0};
	events.insert(*event);
	return cudaSuccess;
}

/* See cudaEventCreateWithFlags. */
cudaError_t
cudaEventCreate(cudaEvent_t *event)
{
	return cudaEventCreateWithFlags(event, cudaEventDefault);
}

/* Give an event back; what waits for it still does. */
cudaError_t
cudaEventDestroy(cudaEvent_t event)
{
	if (event == nullptr || events.erase(event) == 0)
		return note(cudaErrorInvalidResourceHandle);
	delete event;
	return enter();
}

/* Let an event stand for this point of a stream. */
cudaError_t
cudaEventRecord(cudaEvent_t event, cudaStream_t stream)
{
	cudaError_t error = enter();

	if (error != cudaSuccess)
		return error;
	if (!is_stream(stream) || events.count(event) == 0)
		return note(cudaErrorInvalidResourceHandle);

	auto record = std::make_shared<Record>();

	record->stream = stream_of(stream);
	event->record = record;
	append(record->stream, Operation{nullptr, nullptr, record});
	return cudaSuccess;
}

/* Run one operation of the event's stream and say whether the event is reached. */
cudaError_t
cudaEventQuery(cudaEvent_t event)
{
	cudaError_t error = enter();

	if (error != cudaSuccess)
		return error;
	if (events.count(event) == 0)
		return note(cudaErrorInvalidResourceHandle);

	auto record = event->record;

	if (record != nullptr && !record->done)
		step(record->stream);
	error = enter();
	if (error != cudaSuccess)
		return error;
	return record == nullptr || record->done ? cudaSuccess : cudaErrorNotReady;
}

/* Wait for what an event has recorded last. */
cudaError_t
cudaEventSynchronize(cudaEvent_t event)
{
	cudaError_t error = enter();

	if (error != cudaSuccess)
		return error;
	if (events.count(event) == 0)
		return note(cudaErrorInvalidResourceHandle);
	if (event->record != nullptr)
		reach(event->record);
	return enter();
}

/* Return the time between two events, by the clock of the host. */
cudaError_t
cudaEventElapsedTime(float *milliseconds, cudaEvent_t start, cudaEvent_t end)
{
	cudaError_t error = enter();

	if (error != cudaSuccess)
		return error;
	if (events.count(start) == 0 || events.count(end) == 0 || !start->timed || !end->timed ||
		start->record == nullptr || end->record == nullptr)
		return note(cudaErrorInvalidResourceHandle);
	if (!start->record->done || !end->record->done)
		return cudaErrorNotReady;
	*milliseconds =
		std::chrono::duration<float, std::milli>(end->record->time - start->record->time).count();
	return cudaSuccess;
}

/* Wait for everything. */
cudaError_t
cudaDeviceSynchronize()
{
	cudaError_t error = enter();

	if (error != cudaSuccess)
		return error;
	drain_all();
	return enter();
}

/* See runtime.h. */
extern "C" __attribute__((visibility("default"))) std::size_t
cudasim_done(void)
{
	return done;
}

/* See runtime.h. */
extern "C" __attribute__((visibility("default"))) std::size_t
cudasim_pending(void)
{
	std::size_t count = null_stream.pending.size();

	for (CUstream_st *each : streams)
		count += each->pending.size();
	return count;
}
