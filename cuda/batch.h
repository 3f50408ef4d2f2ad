/*
 * batch.h - the rows of one launch, in device memory, and how their elements are read
 * and written.
 */
#ifndef SFS_BATCH_H
#define SFS_BATCH_H

#include "gpu.h"

#include "sfs_core.h"
#include "sums.h"

/* An input: NULL data where there is none. */
struct DeviceInput
{
	const void *data;
	bool is_float;
	bool shared;
};

/* A slice of a task: inputs and output begin at its first row. */
struct Batch
{
	SfsOp op;
	int rows;			 /* in this launch */
	const uint32_t *row; /* which of the slice, or NULL: all */
	const int *offsets;	 /* of the slice's rows, or NULL */
	int length;			 /* of every row, without offsets */
	int longest;		 /* row of this launch */
	int row_bytes;		 /* of shared memory, for each row */
	DeviceInput x;
	DeviceInput y;
	DeviceInput g;
	void *out;
	bool out_is_float;
	double strength;
	bool descending;
	bool standardize;
	uint8_t *unsure; /* a byte per row of the slice */
};

/* Values of larger size, and strengths and ranges outside of this, are left to the CPU. */
#define PLAIN_MAX 0x1p400
#define PLAIN_MIN 0x1p-400

/* One list of a row. */
struct DeviceList
{
	const void *data; /* the whole input */
	size_t first;
	bool is_float;

	/* Return element i. */
	__device__ __forceinline__ double operator[](int i) const
	{
		return is_float ? (double) static_cast<const float *>(data)[first + i]
						: static_cast<const double *>(data)[first + i];
	}
};

/* Where the results of a row go. */
struct DeviceResult
{
	void *data;
	size_t first;
	bool is_float;

	/* Write element i, never -0; return whether it is finite. */
	__device__ __forceinline__ bool put(int i, double value) const
	{
		value += 0.0;
		if (isnan(value)) /* with the bits of the core's */
			value = sfs_bits_double(UINT64_C(0x7ff8000000000000));
		if (is_float)
		{
			float rounded = (float) value;

			static_cast<float *>(data)[first + i] = rounded;
			return isfinite(rounded);
		}
		static_cast<double *>(data)[first + i] = value;
		return isfinite(value);
	}
};

/* Return row `row` of an input. */
SFS_DEVICE DeviceList
list_of(const DeviceInput &input, size_t first)
{
	return {input.data, input.shared ? 0 : first, input.is_float};
}

#endif /* SFS_BATCH_H */
