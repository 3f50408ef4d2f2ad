/*
 * test_cudasim_runtime.cu - the simulator's runtime: memory, streams, events, limits.
 */
#include "cudasim.h"

#include <csignal>
#include <sys/wait.h>
#include <unistd.h>

#include "test_cudasim.h"

/* See test_cudasim.h. */
void
dies(void (*function)(int), int argument, const char *text, const char *name)
{
	int ends[2];
	std::string said;
	char buffer[4096];
	int status = 0;
	pid_t child;
	ssize_t n;

	std::fflush(nullptr);
	if (pipe(ends) != 0 || (child = fork()) < 0)
	{
		ok(false, "%s: no process", name);
		return;
	}
	if (child == 0)
	{
		(void) dup2(ends[1], 1);
		(void) dup2(ends[1], 2);
		close(ends[0]);
		alarm(60);
		function(argument);
		std::_Exit(0);
	}
	close(ends[1]);
	while ((n = read(ends[0], buffer, sizeof(buffer))) > 0)
		said.append(buffer, static_cast<std::size_t>(n));
	close(ends[0]);
	(void) waitpid(child, &status, 0);

	bool ended = WIFSIGNALED(status) ? WTERMSIG(status) != SIGALRM : WEXITSTATUS(status) != 0;

	if (!ok(ended && (text == nullptr || said.find(text) != std::string::npos), "caught: %s", name))
		std::printf("# status %d: %s\n", status, said.substr(0, 2000).c_str());
}

/* See test_cudasim.h. */
void
dies_sanitized(void (*function)(int), int argument, const char *text, const char *name)
{
	static bool skipped;

	if (CUDASIM_ASAN)
		dies(function, argument, text, name);
	else if (!skipped)
		skipped = ok(true, "what only sanitizers catch # SKIP needs a build with SANITIZE=1");
}

namespace
{

constexpr int n = 100;

/* Add to each value. */
__global__ void
add(int *x, int value)
{
	x[threadIdx.x] += value;
}

/* Do nothing. */
__global__ void
nothing(int *)
{
}

/* Return the sum of a list. */
long
sum(const int *x)
{
	long result = 0;

	for (int i = 0; i < n; i++)
		result += x[i];
	return result;
}

/* Use memory after it was freed in the stream. */
void
run_freed(int)
{
	cudaStream_t stream;
	int *x;

	(void) cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking);
	(void) cudaMallocAsync(&x, n * sizeof(*x), stream);
	(void) cudaFreeAsync(x, stream);
	SFS_LAUNCH(add, 1, n, 0, stream, x, 1);
	(void) cudaStreamSynchronize(stream);
}

/* Copy to memory that is freed before the copy runs. */
void
run_copy_to_freed(int)
{
	cudaStream_t stream;
	int *x;
	int h[n] = {};

	(void) cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking);
	(void) cudaMalloc(&x, sizeof(h));
	(void) cudaFreeAsync(x, stream);
	(void) cudaMemcpyAsync(x, h, sizeof(h), cudaMemcpyHostToDevice, stream);
	(void) cudaStreamSynchronize(stream);
}

/* Free memory twice in a stream. */
void
run_double_free(int)
{
	int *x;

	(void) cudaMalloc(&x, n * sizeof(*x));
	(void) cudaFreeAsync(x, nullptr);
	(void) cudaFreeAsync(x, nullptr);
	(void) cudaDeviceSynchronize();
}

/* Give a kernel a pointer to memory of the host. */
void
run_host_pointer(int)
{
	int x[n] = {};

	SFS_LAUNCH(add, 1, n, 0, nullptr, x, 1);
	(void) cudaDeviceSynchronize();
}

/* Use the device in a child of the process that has it; ends it when that fails. */
void
run_after_fork(int)
{
	int *x;

	if (cudaMalloc(&x, 4) == cudaErrorInitializationError)
		std::abort();
}

/* Test allocations and copies. */
void
test_memory()
{
	std::size_t before = cudasim_live();
	std::size_t unused;
	std::size_t total;
	int *x = nullptr;
	int *y = nullptr;
	int *pinned;
	int h[n];

	cudasim_set_memory(1000);
	ok(cudaMalloc(&x, 400) == cudaSuccess && cudasim_bytes() == 400 &&
		   cudaMemGetInfo(&unused, &total) == cudaSuccess && unused == 600 && total == 1000,
	   "memory is counted");
	ok(cudaMalloc(&y, 601) == cudaErrorMemoryAllocation && y == nullptr &&
		   cudaGetLastError() == cudaErrorMemoryAllocation && cudaGetLastError() == cudaSuccess,
	   "out of memory: an error, which is told once");
	(void) cudaFreeAsync(x, nullptr);
	ok(cudaMallocAsync(&y, 800, nullptr) == cudaSuccess, "what a stream frees can be had again");
	ok(cudaFree(y) == cudaSuccess && cudaFree(y) == cudaErrorInvalidValue &&
		   cudaFree(h) == cudaErrorInvalidValue,
	   "free: what was allocated, and once");
	cudasim_set_memory(0);

	(void) cudaMalloc(&x, sizeof(h));
	(void) cudaMemcpy(h, x, sizeof(h), cudaMemcpyDeviceToHost);
	ok(static_cast<unsigned>(h[3]) == 0xa5a5a5a5u, "new memory is filled with a pattern");
	ok(cudaMemcpy(x, h, sizeof(h) + 1, cudaMemcpyHostToDevice) == cudaErrorInvalidValue &&
		   cudaMemcpy(h, x + 1, sizeof(h), cudaMemcpyDeviceToHost) == cudaErrorInvalidValue &&
		   cudaMemset(x + 1, 0, sizeof(h)) == cudaErrorInvalidValue,
	   "copies beyond an allocation are refused");
	ok(cudaMemcpy(x, h, sizeof(h), cudaMemcpyDeviceToHost) == cudaErrorInvalidValue &&
		   cudaMemcpy(h, h, sizeof(h), cudaMemcpyHostToDevice) == cudaErrorInvalidValue &&
		   cudaMemcpy(x, x, sizeof(h), cudaMemcpyDefault) == cudaSuccess,
	   "copies in a wrong direction are refused");
	(void) cudaMallocHost(&pinned, sizeof(h));
	ok(cudasim_live() == before + 2, "live allocations are counted");
	ok(cudaFreeHost(x) == cudaErrorInvalidValue && cudaFree(pinned) == cudaErrorInvalidValue,
	   "memory of the host and of the device are freed by their own functions");
	(void) cudaFreeHost(pinned);
	(void) cudaFree(x);
	ok(cudaHostRegister(h, sizeof(h), cudaHostRegisterDefault) == cudaSuccess &&
		   cudaHostRegister(h, sizeof(h), 0) == cudaErrorHostMemoryAlreadyRegistered &&
		   cudaHostUnregister(h) == cudaSuccess &&
		   cudaHostUnregister(h) == cudaErrorHostMemoryNotRegistered,
	   "memory of the caller can be pinned");
	(void) cudaGetLastError();
	ok(cudasim_live() == before, "nothing is left");
}

/* Test that work is put off until it is waited for. */
void
test_streams()
{
	cudaStream_t a;
	cudaStream_t b;
	cudaEvent_t event;
	cudaEvent_t later;
	int *x;
	int *in;
	int *out;
	int pageable[n];
	float ms = -1.0f;
	bool lazy = std::getenv("CUDASIM_SEED") == nullptr;

	(void) cudaStreamCreateWithFlags(&a, cudaStreamNonBlocking);
	(void) cudaStreamCreateWithFlags(&b, cudaStreamNonBlocking);
	(void) cudaEventCreate(&event);
	(void) cudaEventCreateWithFlags(&later, cudaEventDefault);
	(void) cudaMalloc(&x, n * sizeof(*x));
	(void) cudaMallocHost(&in, n * sizeof(*in));
	(void) cudaMallocHost(&out, n * sizeof(*out));
	std::fill(in, in + n, 1);
	std::fill(out, out + n, 0);
	(void) cudaMemcpyAsync(x, in, n * sizeof(*x), cudaMemcpyHostToDevice, a);
	(void) cudaEventRecord(event, a);
	SFS_LAUNCH(add, 1, n, 0, a, x, 1);
	(void) cudaMemcpyAsync(out, x, n * sizeof(*x), cudaMemcpyDeviceToHost, a);
	if (lazy)
	{
		ok(sum(out) == 0, "a result that is not waited for is not there");
		ok(cudaEventQuery(event) == cudaErrorNotReady && cudaEventQuery(event) == cudaSuccess,
		   "a query runs one operation");
		ok(cudaStreamQuery(a) == cudaErrorNotReady && sum(out) == 0, "the result is still missing");
		ok(cudaStreamQuery(a) == cudaSuccess, "the last operation has run");
	}
	ok(cudaStreamSynchronize(a) == cudaSuccess && sum(out) == 2 * n, "the result is there");

	/* the input of a copy that has not run is changed */
	(void) cudaMemcpyAsync(x, in, n * sizeof(*x), cudaMemcpyHostToDevice, a);
	std::fill(in, in + n, 5);
	(void) cudaMemcpyAsync(out, x, n * sizeof(*x), cudaMemcpyDeviceToHost, a);
	(void) cudaStreamSynchronize(a);
	if (lazy)
		ok(sum(out) == 5 * n, "a pinned buffer that is changed too early shows");
	std::fill(pageable, pageable + n, 7);
	(void) cudaMemcpyAsync(x, pageable, sizeof(pageable), cudaMemcpyHostToDevice, a);
	std::fill(pageable, pageable + n, 0);
	(void) cudaMemcpyAsync(pageable, x, sizeof(pageable), cudaMemcpyDeviceToHost, a);
	ok(sum(pageable) == 7 * n, "pageable memory is read and written before the call returns");

	/* the order between streams, with an event and without */
	std::fill(in, in + n, 1);
	for (int ordered = 0; ordered < 2; ordered++)
	{
		(void) cudaMemsetAsync(x, 0, n * sizeof(*x), a);
		(void) cudaStreamSynchronize(a);
		(void) cudaMemcpyAsync(x, in, n * sizeof(*x), cudaMemcpyHostToDevice, a);
		(void) cudaEventRecord(event, a);
		if (ordered != 0)
			(void) cudaStreamWaitEvent(b, event);
		SFS_LAUNCH(add, 1, n, 0, b, x, 10);
		(void) cudaMemcpyAsync(out, x, n * sizeof(*x), cudaMemcpyDeviceToHost, b);
		(void) cudaEventRecord(later, b);
		(void) cudaEventSynchronize(later);
		if (ordered != 0)
			ok(sum(out) == 11 * n, "a stream waits for an event of another one");
		else if (lazy)
			ok(sum(out) == 10 * n, "without the event it reads old data");
		(void) cudaDeviceSynchronize();
	}
	ok(cudaEventElapsedTime(&ms, event, later) == cudaSuccess && ms >= 0.0f, "time between events");
	ok(cudaStreamDestroy(a) == cudaSuccess &&
		   cudaStreamSynchronize(a) == cudaErrorInvalidResourceHandle &&
		   cudaEventDestroy(event) == cudaSuccess &&
		   cudaEventRecord(event, b) == cudaErrorInvalidResourceHandle,
	   "streams and events that are gone are refused");
	(void) cudaStreamDestroy(b);
	(void) cudaEventDestroy(later);
	(void) cudaFree(x);
	(void) cudaFreeHost(in);
	(void) cudaFreeHost(out);
	(void) cudaGetLastError();
}

/* Try a launch; return its error. */
cudaError_t
try_launch(dim3 grid, dim3 size, std::size_t shared)
{
	int *x = nullptr;

	SFS_LAUNCH(nothing, grid, size, shared, nullptr, x);
	(void) cudaDeviceSynchronize();
	return cudaGetLastError();
}

/* Test the limits of launches. */
void
test_limits()
{
	int value = 0;
	int blocks = 0;
	cudaDeviceProp properties;
	cudaFuncAttributes attributes;

	ok(try_launch(1, 1024, 0) == cudaSuccess &&
		   try_launch(1, 1025, 0) == cudaErrorInvalidConfiguration &&
		   try_launch(1, dim3(1, 1, 65), 0) == cudaErrorInvalidConfiguration &&
		   try_launch(1, 0, 0) == cudaErrorInvalidConfiguration,
	   "threads of a block");
	ok(try_launch(0, 1, 0) == cudaErrorInvalidConfiguration &&
		   try_launch(dim3(1, 65535), 1, 0) == cudaSuccess &&
		   try_launch(dim3(1, 65536), 1, 0) == cudaErrorInvalidConfiguration &&
		   try_launch(dim3(1, 1, 65536), 1, 0) == cudaErrorInvalidConfiguration,
	   "blocks of a grid");
	ok(try_launch(1, 1, 48 << 10) == cudaSuccess &&
		   try_launch(1, 1, (48 << 10) + 1) == cudaErrorInvalidValue,
	   "dynamic shared memory without asking");
	(void) cudaDeviceGetAttribute(&value, cudaDevAttrMaxSharedMemoryPerBlockOptin, 0);
	ok(cudaFuncSetAttribute(nothing, cudaFuncAttributeMaxDynamicSharedMemorySize, value + 1) ==
			   cudaErrorInvalidValue &&
		   cudaFuncSetAttribute(nothing, cudaFuncAttributeMaxDynamicSharedMemorySize, value) ==
			   cudaSuccess &&
		   cudaFuncGetAttributes(&attributes, nothing) == cudaSuccess &&
		   attributes.maxDynamicSharedSizeBytes == value,
	   "asking for more of it");
	(void) cudaGetLastError();
	ok(try_launch(1, 1, static_cast<std::size_t>(value)) == cudaSuccess &&
		   try_launch(1, 1, static_cast<std::size_t>(value) + 1) == cudaErrorInvalidValue,
	   "dynamic shared memory after asking");
	ok(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, nothing, 256, 0) == cudaSuccess &&
		   blocks == 8 &&
		   cudaOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, nothing, 256, 100 << 10) ==
			   cudaSuccess &&
		   blocks == 2,
	   "occupancy");
	ok(cudaGetDeviceProperties(&properties, 0) == cudaSuccess && properties.warpSize == 32 &&
		   std::strstr(properties.name, "simulated") != nullptr &&
		   cudaGetDeviceProperties(&properties, 1) == cudaErrorInvalidDevice,
	   "properties");
	(void) cudaGetLastError();
}

/* Test a device that breaks, and one that is not there. */
void
test_broken()
{
	int *x;
	int h[n];
	int count = -1;

	(void) cudaMalloc(&x, sizeof(h));
	cudasim_break(cudaErrorIllegalAddress);
	SFS_LAUNCH(add, 1, n, 0, nullptr, x, 1);
	ok(cudaGetLastError() == cudaSuccess && cudaDeviceSynchronize() == cudaErrorIllegalAddress &&
		   cudaGetLastError() == cudaErrorIllegalAddress &&
		   cudaGetLastError() == cudaErrorIllegalAddress &&
		   cudaMalloc(&x, 4) == cudaErrorIllegalAddress &&
		   std::strcmp(cudaGetErrorName(cudaErrorIllegalAddress), "cudaErrorIllegalAddress") == 0,
	   "a broken device stays broken");
	ok(cudaDeviceReset() == cudaSuccess && cudasim_live() == 0 && cudaMalloc(&x, 4) == cudaSuccess,
	   "until a reset");
	(void) cudaFree(x);
	(void) setenv("CUDASIM_DEVICES", "0", 1);
	ok(cudaGetDeviceCount(&count) == cudaErrorNoDevice && count == 0 &&
		   cudaMalloc(&x, 4) == cudaErrorNoDevice,
	   "a machine without a device");
	(void) unsetenv("CUDASIM_DEVICES");
	(void) cudaGetLastError();
}

} // namespace

/* See test_cudasim.h. */
void
test_runtime_defects()
{
	dies_sanitized(run_freed, 0, "heap-use-after-free", "a kernel that uses freed memory");
	dies(run_copy_to_freed, 0, "freed before", "a copy to freed memory");
	dies(run_double_free, 0, "freed before", "memory that is freed twice in a stream");
	dies(run_host_pointer, 0, "memory of the host", "a kernel that is given a pointer to the host");
}

/* See test_cudasim.h. */
void
test_runtime()
{
	test_memory();
	test_streams();
	test_limits();
	test_broken();
	dies(run_after_fork, 0, nullptr, "use after fork");
}
