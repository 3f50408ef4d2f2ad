/*
 * test_cudasim.cu - the simulator's threads: what kernels call.
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
	test_defects();
	test_runtime_defects();
	test_right();
	test_atomics();
	if (CUDASIM_CLANG_ASAN)
		ok(true, "contents of shared memory # SKIP not in a program with clang's AddressSanitizer");
	else
	{
		test_shared();
		test_missing_barrier();
	}
	test_runtime();
	return done_testing();
}
