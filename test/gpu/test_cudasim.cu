/*
 * test_cudasim.cu - the simulator's threads: what kernels call, and defects that it has to see.
 *
 * A planted defect that must end the process runs in a child, whose message is looked at.
 * What only a sanitizer sees is skipped, and said so, without one.
 */
#include "cudasim.h"

#include "test_cudasim.h"

namespace
{

/* Return the pseudorandom number of an index. */
__host__ __device__ unsigned
mixed(unsigned i)
{
	i = (i ^ i >> 16) * 0x45d9f3bu;
	i = (i ^ i >> 16) * 0x45d9f3bu;
	return i ^ i >> 16;
}

/* Write what a thread sees of itself. */
__global__ void
identity(unsigned *out)
{
	unsigned threads = blockDim.x * blockDim.y * blockDim.z;
	unsigned thread = (threadIdx.z * blockDim.y + threadIdx.y) * blockDim.x + threadIdx.x;
	unsigned number = (blockIdx.z * gridDim.y + blockIdx.y) * gridDim.x + blockIdx.x;

	out[number * threads + thread] += number * threads + thread + 1;
}

/* Apply every shuffle and vote to pseudorandom values. */
__global__ void
warps(unsigned *out)
{
	unsigned t = threadIdx.x;
	unsigned v = mixed(t);
	unsigned mask = 0xffffffffu;
	int s = static_cast<int>(v);

	out += t * 32;
	out[0] = __shfl_sync(mask, v, static_cast<int>(t * 7));
	out[1] = __shfl_up_sync(mask, v, 3);
	out[2] = __shfl_down_sync(mask, v, 5);
	out[3] = __shfl_xor_sync(mask, v, 9);
	out[4] = __shfl_sync(mask, v, 5, 8);
	out[5] = __shfl_up_sync(mask, v, 3, 16);
	out[6] = __shfl_down_sync(mask, v, 3, 4);
	out[7] = __shfl_xor_sync(mask, v, 16, 16);
	out[8] = __ballot_sync(mask, v & 1);
	out[9] = __any_sync(mask, t % 32 == 9);
	out[10] = __all_sync(mask, t % 32 != 9);
	out[11] = __any_sync(mask, 0);
	out[12] = __all_sync(mask, 1);
	out[13] = __reduce_add_sync(mask, v);
	out[14] = __reduce_min_sync(mask, v);
	out[15] = __reduce_max_sync(mask, v);
	out[16] = static_cast<unsigned>(__reduce_min_sync(mask, s));
	out[17] = static_cast<unsigned>(__reduce_max_sync(mask, s));
	out[18] = __reduce_and_sync(mask, v | 0xff00u);
	out[19] = __reduce_or_sync(mask, v & 0xff00u);
	out[20] = __reduce_xor_sync(mask, v);
	out[21] = __match_any_sync(mask, v & 3);
	/* halves of a warp, apart */
	if (t % 2 == 0)
		out[22] = __reduce_add_sync(0x55555555u, 1u);
	else
		out[22] = __ballot_sync(0xaaaaaaaau, v & 1);
	__syncwarp();
	out[23] = static_cast<unsigned>(__shfl_sync(mask, t + 0.5, 3) * 2);
	out[24] = static_cast<unsigned>(__shfl_sync(mask, t * 0x100000001ull, 4) >> 32);
}

/* Return the value of a lane of the same warp. */
unsigned
lane_value(unsigned t, unsigned lane)
{
	return mixed(t / 32 * 32 + lane);
}

/* Check what `warps` has written for a thread. */
bool
warps_right(const unsigned *out, unsigned t)
{
	unsigned lane = t % 32;
	unsigned want[25] = {};
	unsigned ballot = 0;
	unsigned sum = 0;
	unsigned low = UINT_MAX;
	unsigned high = 0;
	int low_signed = INT_MAX;
	int high_signed = INT_MIN;
	unsigned all_bits = UINT_MAX;
	unsigned any_bits = 0;
	unsigned flipped = 0;
	unsigned equal = 0;

	for (unsigned i = 0; i < 32; i++)
	{
		unsigned v = lane_value(t, i);

		ballot |= (v & 1) << i;
		sum += v;
		low = std::min(low, v);
		high = std::max(high, v);
		low_signed = std::min(low_signed, static_cast<int>(v));
		high_signed = std::max(high_signed, static_cast<int>(v));
		all_bits &= v | 0xff00u;
		any_bits |= v & 0xff00u;
		flipped ^= v;
		equal |= ((v & 3) == (mixed(t) & 3) ? 1u : 0u) << i;
	}
	want[0] = lane_value(t, t * 7 % 32);
	want[1] = lane_value(t, lane >= 3 ? lane - 3 : lane);
	want[2] = lane_value(t, lane + 5 < 32 ? lane + 5 : lane);
	want[3] = lane_value(t, lane ^ 9);
	want[4] = lane_value(t, lane / 8 * 8 + 5);
	want[5] = lane_value(t, lane % 16 >= 3 ? lane - 3 : lane);
	want[6] = lane_value(t, lane % 4 + 3 < 4 ? lane + 3 : lane);
	want[7] = lane_value(t, lane >= 16 ? lane - 16 : lane);
	want[8] = ballot;
	want[9] = 1;
	want[12] = 1;
	want[13] = sum;
	want[14] = low;
	want[15] = high;
	want[16] = static_cast<unsigned>(low_signed);
	want[17] = static_cast<unsigned>(high_signed);
	want[18] = all_bits;
	want[19] = any_bits;
	want[20] = flipped;
	want[21] = equal;
	want[22] = lane % 2 == 0 ? 16 : ballot & 0xaaaaaaaau;
	want[23] = (t / 32 * 32 + 3) * 2 - t / 32 * 32 * 2 + t / 32 * 64 + 1;
	want[24] = t / 32 * 32 + 4;
	/* lane 3's value is its thread number */
	want[23] = 2 * (t / 32 * 32 + 3) + 1;
	for (unsigned i = 0; i < 25; i++)
		if (out[i] != want[i])
		{
			std::printf("# thread %u: value %u is %08x, not %08x\n", t, i, out[i], want[i]);
			return false;
		}
	return true;
}

/* Vote in barriers. */
__global__ void
votes(int *out)
{
	int t = static_cast<int>(threadIdx.x);

	out += t * 6;
	out[0] = __syncthreads_or(t == 70);
	out[1] = __syncthreads_or(0);
	out[2] = __syncthreads_and(t != 70);
	out[3] = __syncthreads_and(1);
	out[4] = __syncthreads_count(t % 3 == 0);
	__syncthreads();
	out[5] = __syncthreads_count(0);
}

/* Apply every atomic operation from all threads of all blocks. */
__global__ void
atomics(int *i, unsigned *u, unsigned long long *l, long long *s)
{
	unsigned t = blockIdx.x * blockDim.x + threadIdx.x;

	atomicAdd(&i[0], 2);
	atomicMax(&i[1], static_cast<int>(t) - 50);
	atomicMin(&i[2], static_cast<int>(t) - 50);
	atomicSub(&i[3], 1);
	atomicAdd(&u[0], t);
	atomicOr(&u[1], 1u << t % 32);
	atomicAnd(&u[2], ~(1u << t % 20));
	atomicXor(&u[3], t);
	atomicAdd(&l[0], 1ull << 33);
	atomicMax(&l[1], static_cast<unsigned long long>(t) << 40);
	atomicMin(&s[0], -static_cast<long long>(t) * (1ll << 40));
	/* a sum by compare and swap */
	unsigned long long seen = l[2];

	for (;;)
	{
		unsigned long long was = atomicCAS(&l[2], seen, seen + t);

		if (was == seen)
			break;
		seen = was;
	}
	/* each thread leaves its ticket: all tickets are taken once */
	u[4 + atomicAdd(&i[4], 1)] = atomicExch(&u[4 + 1024], t) + 1;
}

/* Test the functions on bits of one thread. */
__global__ void
bits(int *bad)
{
	for (int i = 0; i < 32; i++)
	{
		*bad += __clz(static_cast<int>(1u << i | 1)) != (i == 0 ? 31 : 31 - i);
		*bad += __ffs(static_cast<int>(~0u << i)) != i + 1;
		*bad += __popc(~0u << i) != 32 - i;
		*bad += __brev(1u << i) != 1u << (31 - i);
	}
	for (int i = 0; i < 64; i++)
	{
		*bad += __clzll(static_cast<long long>(1ull << i | 1)) != (i == 0 ? 63 : 63 - i);
		*bad += __ffsll(static_cast<long long>(~0ull << i)) != i + 1;
		*bad += __popcll(~0ull << i) != 64 - i;
		*bad += __brevll(1ull << i) != 1ull << (63 - i);
	}
	*bad += __clz(0) != 32 || __clzll(0) != 64 || __ffs(0) != 0 || __ffsll(0) != 0;
	*bad += __float_as_uint(1.0f) != 0x3f800000u || __uint_as_float(0x40000000u) != 2.0f;
	*bad += __float_as_int(-0.0f) != INT_MIN || __int_as_float(0) != 0.0f;
	*bad += __double_as_longlong(1.0) != 0x3ff0000000000000ll;
	*bad += __longlong_as_double(0x4000000000000000ll) != 2.0;
	*bad += __hiloint2double(__double2hiint(0.1), __double2loint(0.1)) != 0.1;
	*bad += __umulhi(~0u, ~0u) != ~0u - 1 || __umul64hi(~0ull, ~0ull) != ~0ull - 1;
	*bad += min(3, 4u) != 3 || max(2.5, 1) != 2.5 || min(-1, 1) != -1;
	*bad += __ldg(bad) != *bad;
	*bad += __dadd_rn(0.1, 0.2) != 0.1 + 0.2 || __fma_rn(0.1, 10.0, -1.0) != fma(0.1, 10.0, -1.0);
	*bad += warpSize != 32;
}

/* Reverse a block's values by shared memory of both kinds, in a template. */
template <int N, class T>
__global__ void
reverse(T *x)
{
	SFS_DYNAMIC_SHARED(T, dynamic);
	__shared__ T fixed[N];
	unsigned t = threadIdx.x;

	fixed[t] = x[blockIdx.x * N + t];
	dynamic[N - 1 - t] = fixed[t];
	__syncthreads();
	x[blockIdx.x * N + t] = dynamic[t] + fixed[N - 1 - t];
}

/* Leave a value in shared memory, and read what a block before has left. */
__global__ void
forget(unsigned *out)
{
	SFS_DYNAMIC_SHARED(unsigned, dynamic);
	__shared__ unsigned fixed;

	out[2 * blockIdx.x] = fixed;
	out[2 * blockIdx.x + 1] = dynamic[0];
	fixed = dynamic[0] = 7;
}

/* Sum neighbours, without the barrier that it needs. */
__global__ void
missing_barrier(int *out, bool forwards)
{
	__shared__ int s[64];
	unsigned t = threadIdx.x;

	s[t] = static_cast<int>(t);
	out[t] = s[forwards ? (t + 1) % 64 : (t + 63) % 64];
}

/* Wait for a flag of another thread. */
__global__ void
wait_for_flag(volatile int *flag)
{
	if (threadIdx.x == 0)
		while (*flag == 0)
			__nanosleep(100);
	if (threadIdx.x == 31)
		*flag = 1;
}

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

/* Test threads, warps and barriers that are as they should be. */
void
test_right()
{
	std::vector<unsigned> h(64 * 32);
	unsigned *u;
	int *i;
	bool right = true;
	const dim3 grid(2, 3, 2);
	const dim3 size(4, 3, 5);

	(void) cudaMalloc(&u, 720 * sizeof(*u));
	(void) cudaMemset(u, 0, 720 * sizeof(*u));
	SFS_LAUNCH(identity, grid, size, 0, nullptr, u);
	(void) cudaMemcpy(h.data(), u, 720 * sizeof(*u), cudaMemcpyDeviceToHost);
	for (unsigned k = 0; k < 720; k++)
		right = right && h[k] == k + 1;
	ok(right, "each thread of each block runs once");
	(void) cudaFree(u);

	(void) cudaMalloc(&u, 64 * 32 * sizeof(*u));
	SFS_LAUNCH(warps, 1, 64, 0, nullptr, u);
	(void) cudaMemcpy(h.data(), u, 64 * 32 * sizeof(*u), cudaMemcpyDeviceToHost);
	right = true;
	for (unsigned t = 0; t < 64; t++)
		right = right && warps_right(&h[t * 32], t);
	ok(right, "shuffles, votes and reductions of a warp");
	(void) cudaFree(u);

	std::vector<int> v(96 * 6);

	(void) cudaMalloc(&i, v.size() * sizeof(*i));
	SFS_LAUNCH(votes, 1, 96, 0, nullptr, i);
	(void) cudaMemcpy(v.data(), i, v.size() * sizeof(*i), cudaMemcpyDeviceToHost);
	right = true;
	for (unsigned t = 0; t < 96; t++)
		right = right && v[6 * t] == 1 && v[6 * t + 1] == 0 && v[6 * t + 2] == 0 &&
				v[6 * t + 3] == 1 && v[6 * t + 4] == 32 && v[6 * t + 5] == 0;
	ok(right, "barriers that vote");
	(void) cudaFree(i);

	int bad = 0;

	(void) cudaMalloc(&i, sizeof(*i));
	(void) cudaMemset(i, 0, sizeof(*i));
	SFS_LAUNCH(bits, 1, 1, 0, nullptr, i);
	(void) cudaMemcpy(&bad, i, sizeof(bad), cudaMemcpyDeviceToHost);
	ok(bad == 0, "functions on bits");
	(void) cudaMemset(i, 0, sizeof(*i));
	SFS_LAUNCH(wait_for_flag, 1, 32, 0, nullptr, const_cast<volatile int *>(i));
	ok(cudaDeviceSynchronize() == cudaSuccess, "__nanosleep lets others run");
	(void) cudaFree(i);
}

/* Test atomic operations. */
void
test_atomics()
{
	std::vector<int> hi = {0, INT_MIN, INT_MAX, 0, 0};
	std::vector<unsigned> hu(4 + 1025, 0);
	std::vector<unsigned long long> hl = {0, 0, 0};
	long long hs = 0;
	int *i;
	unsigned *u;
	unsigned long long *l;
	long long *s;
	unsigned n = 1000;
	unsigned flipped = 0;
	std::vector<bool> seen(n + 2);
	bool once = true;

	hu[2] = ~0u;
	hu[4 + 1024] = n;
	(void) cudaMalloc(&i, hi.size() * sizeof(*i));
	(void) cudaMalloc(&u, hu.size() * sizeof(*u));
	(void) cudaMalloc(&l, hl.size() * sizeof(*l));
	(void) cudaMalloc(&s, sizeof(*s));
	(void) cudaMemcpy(i, hi.data(), hi.size() * sizeof(*i), cudaMemcpyHostToDevice);
	(void) cudaMemcpy(u, hu.data(), hu.size() * sizeof(*u), cudaMemcpyHostToDevice);
	(void) cudaMemcpy(l, hl.data(), hl.size() * sizeof(*l), cudaMemcpyHostToDevice);
	(void) cudaMemcpy(s, &hs, sizeof(*s), cudaMemcpyHostToDevice);
	SFS_LAUNCH(atomics, 10, 100, 0, nullptr, i, u, l, s);
	(void) cudaMemcpy(hi.data(), i, hi.size() * sizeof(*i), cudaMemcpyDeviceToHost);
	(void) cudaMemcpy(hu.data(), u, hu.size() * sizeof(*u), cudaMemcpyDeviceToHost);
	(void) cudaMemcpy(hl.data(), l, hl.size() * sizeof(*l), cudaMemcpyDeviceToHost);
	(void) cudaMemcpy(&hs, s, sizeof(*s), cudaMemcpyDeviceToHost);
	for (unsigned t = 0; t < n; t++)
	{
		flipped ^= t;
		once = once && !seen[hu[4 + t]];
		seen[hu[4 + t]] = true;
	}
	ok(hi[0] == 2000 && hi[1] == 949 && hi[2] == -50 && hi[3] == -1000 && hi[4] == 1000,
	   "atomics on int");
	ok(hu[0] == 499500 && hu[1] == ~0u && hu[2] == ~0u << 20 && hu[3] == flipped,
	   "atomics on unsigned int");
	ok(hl[0] == 1000ull << 33 && hl[1] == 999ull << 40 && hl[2] == 499500 && hs == -(999ll << 40),
	   "atomics on 64 bits");
	ok(once, "atomicExch hands each value on once");
	(void) cudaFree(i);
	(void) cudaFree(u);
	(void) cudaFree(l);
	(void) cudaFree(s);
}

/* Test shared memory. */
void
test_shared()
{
	std::vector<double> x(3 * 64);
	std::vector<unsigned> left(6);
	bool right = true;
	double *d;
	unsigned *u;

	for (unsigned k = 0; k < x.size(); k++)
		x[k] = k;
	(void) cudaMalloc(&d, x.size() * sizeof(*d));
	(void) cudaMemcpy(d, x.data(), x.size() * sizeof(*d), cudaMemcpyHostToDevice);
	SFS_LAUNCH((reverse<64, double>), 3, 64, 64 * sizeof(double), nullptr, d);
	(void) cudaMemcpy(x.data(), d, x.size() * sizeof(*d), cudaMemcpyDeviceToHost);
	for (unsigned k = 0; k < x.size(); k++)
		right = right && x[k] == 2.0 * (k / 64 * 64 + 63 - k % 64);
	ok(right, "shared memory of both kinds, in a template");
	(void) cudaFree(d);
	(void) cudaMalloc(&u, left.size() * sizeof(*u));
	SFS_LAUNCH(forget, 3, 1, sizeof(unsigned), nullptr, u);
	(void) cudaMemcpy(left.data(), u, left.size() * sizeof(*u), cudaMemcpyDeviceToHost);
	right = true;
	for (unsigned value : left)
		right = right && value == 0xa5a5a5a5u;
	ok(right, "a block finds nothing of another one in shared memory");
	(void) cudaFree(u);
}

/* Test that a missing barrier shows. */
void
test_missing_barrier()
{
	bool differs = true;
	int h[64];
	int *out;

	(void) cudaMalloc(&out, sizeof(h));
	for (int forwards = 0; forwards < 2; forwards++)
	{
		unsigned wrong_values = 0;

		SFS_LAUNCH(missing_barrier, 1, 64, 0, nullptr, out, forwards != 0);
		(void) cudaMemcpy(h, out, sizeof(h), cudaMemcpyDeviceToHost);
		for (int t = 0; t < 64; t++)
			wrong_values += h[t] != (forwards != 0 ? (t + 1) % 64 : (t + 63) % 64);
		differs = differs && wrong_values > 0;
	}
	ok(differs, "a missing barrier changes results");
	(void) cudaFree(out);
}

} // namespace

/* Test the simulator with kernels that are right, and with some that are not. */
int
main()
{
	/* children have no device once their parent has one */
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
	test_runtime_defects();
	test_right();
	test_atomics();
	test_shared();
	test_missing_barrier();
	test_runtime();
	return done_testing();
}
