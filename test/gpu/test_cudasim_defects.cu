/*
 * test_cudasim_defects.cu - kernels that are wrong in ways that the simulator has to see.
 *
 * Such a kernel runs in a child process, whose message is looked at.  What only a sanitizer
 * sees is skipped, and said so, without one.
 */
#include "cudasim.h"

#include "test_cudasim.h"

namespace
{

/* Do what is wrong in one of several ways. */
__global__ void
wrong(int *out, int way)
{
	int t = static_cast<int>(threadIdx.x);
	unsigned all = 0xffffffffu;

	switch (way)
	{
		case 0: /* half of the threads do not come */
			if (t < 32)
				__syncthreads();
			break;
		case 1: /* two barriers */
			if (t < 32)
				__syncthreads();
			else
				(void) __syncthreads_or(1);
			break;
		case 2: /* some end before */
			if (t == 5)
				return;
			__syncthreads();
			break;
		case 3: /* a lane that is not in the mask */
			out[t] = __shfl_sync(0x0000ffffu, t, 0);
			break;
		case 4: /* the source is not in the mask */
			if (t % 32 < 16)
				out[t] = __shfl_sync(0x0000ffffu, t, 20);
			break;
		case 5: /* a lane does not come */
			if (t != 3)
				out[t] = __shfl_xor_sync(all, t, 1);
			break;
		case 6: /* two operations */
			if (t % 2 == 0)
				out[t] = __any_sync(all, 1);
			else
				out[t] = __all_sync(all, 1);
			break;
		case 7: /* a width that is none */
			out[t] = __shfl_sync(all, t, 0, 12);
			break;
		case 8: /* different masks: nobody can go on */
			out[t] = static_cast<int>(__ballot_sync(t % 32 == 0 ? all : all - 1, 1));
			break;
		default:
			break;
	}
}

/* Use more stack than there is. */
__noinline__ __device__ int
deep(volatile int *out, int levels)
{
	volatile char frame[1000];

	frame[levels % 1000] = 1;
	return levels == 0 ? *out : deep(out, levels - 1) + frame[levels % 1000];
}

/* Overflow the stack of a thread. */
__global__ void
overflow(int *out)
{
	out[threadIdx.x] = deep(out, 10000);
}

/* Write beyond memory of one of several kinds. */
__global__ void
beyond(int *out, int way, int i)
{
	SFS_DYNAMIC_SHARED(int, dynamic);
	__shared__ int fixed[32];

	if (way == 0)
		out[i] = 1;
	else if (way == 1)
		dynamic[i] = 1;
	else
		fixed[i] = 1;
	out[0] = fixed[1];
}

/* Write where a vector may not lie. */
__global__ void
misaligned(double *out)
{
	*reinterpret_cast<double2 *>(out + 1) = make_double2(1.0, 2.0);
}

/* Launch `wrong` in one way. */
void
run_wrong(int way)
{
	int *out;

	(void) cudaMalloc(&out, 64 * sizeof(*out));
	SFS_LAUNCH(wrong, 2, 64, 0, nullptr, out, way);
	(void) cudaDeviceSynchronize();
}

/* Write beyond memory. */
void
run_beyond(int way)
{
	int *out;

	(void) cudaMalloc(&out, 32 * sizeof(*out));
	SFS_LAUNCH(beyond, 1, 1, 32 * sizeof(int), nullptr, out, way, 32);
	(void) cudaDeviceSynchronize();
}

/* Overflow a stack. */
void
run_overflow(int)
{
	int *out;

	(void) cudaMalloc(&out, 64 * sizeof(*out));
	SFS_LAUNCH(overflow, 1, 32, 0, nullptr, out);
	(void) cudaDeviceSynchronize();
}

/* Write a vector where it may not lie. */
void
run_misaligned(int)
{
	double *out;

	(void) cudaMalloc(&out, 4 * sizeof(*out));
	SFS_LAUNCH(misaligned, 1, 1, 0, nullptr, out);
	(void) cudaDeviceSynchronize();
}

} // namespace

/* See test_cudasim.h. */
void
test_defects()
{
	dies(run_wrong, 0, "__syncthreads", "a barrier that half of the threads do not reach");
	dies(run_wrong, 1, "__syncthreads", "two barriers at once");
	dies(run_wrong, 2, "__syncthreads", "a thread that ends before a barrier");
	dies(run_wrong, 3, "lacks the calling lane", "a lane outside of its mask");
	dies(run_wrong, 4, "outside of the mask", "a shuffle from outside the mask");
	dies(run_wrong, 5, "not reached by every thread", "a lane that does not come");
	dies(run_wrong, 6, "another lane of the mask", "two operations of one warp at once");
	dies(run_wrong, 7, "not a power of two", "a shuffle of 12 lanes");
	dies(run_wrong, 8, "not reached by every thread", "masks that do not agree");
	dies(run_overflow, 0, nullptr, "an overflow of a stack");
	dies_sanitized(run_beyond, 0, "heap-buffer-overflow", "a write beyond memory of the device");
	dies_sanitized(run_beyond, 1, "heap-buffer-overflow", "a write beyond dynamic shared memory");
	dies_sanitized(run_beyond, 2, "out of bounds", "a write beyond an array of shared memory");
	dies_sanitized(run_misaligned, 0, "misaligned", "a vector that is not aligned");
}
