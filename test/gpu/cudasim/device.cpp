/*
 * device.cpp - the device itself, errors, launches (runtime.h, launch.h).
 */
#include "internal.h"

#include <unistd.h>

#include "launch.h"

namespace cudasim
{
namespace
{

/* The device is one of the Hopper generation, with fewer multiprocessors. */
constexpr int major_capability = 9;
constexpr int minor_capability = 0;
constexpr int multiprocessors = 16;
constexpr int version = 13000;
constexpr int shared_default = 48 << 10;
constexpr int shared_largest = 227 << 10;
constexpr int shared_reserved = 1 << 10;
constexpr int shared_of_multiprocessor = 228 << 10;
constexpr int threads_of_multiprocessor = 2048;
constexpr int blocks_of_multiprocessor = 32;

std::map<const void *, int> shared_allowed; /* by kernel, where an attribute was set */
cudaError_t last;
cudaError_t sticky; /* of a broken device */
cudaError_t doom;	/* breaks it at the next operation */
pid_t owner;
int chosen;

/* Return how many devices there are. */
int
devices()
{
	const char *text = std::getenv("CUDASIM_DEVICES");

	return text != nullptr ? std::atoi(text) : 1;
}

/* Return the dynamic shared memory that a kernel may have. */
std::size_t
allowed(const void *kernel)
{
	auto found = shared_allowed.find(kernel);

	return found == shared_allowed.end() ? shared_default : std::max(found->second, shared_default);
}

/* An error, its name and what it says. */
struct Text
{
	cudaError_t error;
	const char *name;
	const char *text;
};

const Text texts[] = {
	{cudaSuccess, "cudaSuccess", "no error"},
	{cudaErrorInvalidValue, "cudaErrorInvalidValue", "invalid argument"},
	{cudaErrorMemoryAllocation, "cudaErrorMemoryAllocation", "out of memory"},
	{cudaErrorInitializationError, "cudaErrorInitializationError", "initialization error"},
	{cudaErrorInvalidConfiguration, "cudaErrorInvalidConfiguration",
	 "invalid configuration argument"},
	{cudaErrorInsufficientDriver, "cudaErrorInsufficientDriver",
	 "CUDA driver version is insufficient for CUDA runtime version"},
	{cudaErrorNoDevice, "cudaErrorNoDevice", "no CUDA-capable device is detected"},
	{cudaErrorInvalidDevice, "cudaErrorInvalidDevice", "invalid device ordinal"},
	{cudaErrorInvalidResourceHandle, "cudaErrorInvalidResourceHandle", "invalid resource handle"},
	{cudaErrorNotReady, "cudaErrorNotReady", "device not ready"},
	{cudaErrorIllegalAddress, "cudaErrorIllegalAddress",
	 "an illegal memory access was encountered"},
	{cudaErrorLaunchFailure, "cudaErrorLaunchFailure", "unspecified launch failure"},
	{cudaErrorNotSupported, "cudaErrorNotSupported", "operation not supported"},
};

/* Find the words for an error. */
const Text &
text_of(cudaError_t error)
{
	static const Text other = {cudaErrorUnknown, "cudaErrorUnknown", "unknown error"};

	for (const Text &each : texts)
		if (each.error == error)
			return each;
	return other;
}

} // namespace

/* See internal.h. */
cudaError_t
note(cudaError_t error)
{
	if (error != cudaSuccess)
		last = error;
	return error;
}

/* See internal.h. */
cudaError_t
enter()
{
	if (owner == 0)
		owner = getpid();
	if (owner != getpid())
		return note(cudaErrorInitializationError);
	if (devices() == 0)
		return note(cudaErrorNoDevice);
	return note(sticky);
}

/* See internal.h. */
cudaError_t
strike()
{
	if (doom != cudaSuccess)
		sticky = doom;
	doom = cudaSuccess;
	return sticky;
}

/* See launch.h. */
cudaError_t
check_launch(const void *kernel, dim3 grid, dim3 size, std::size_t shared, cudaStream_t stream)
{
	cudaError_t error = enter();
	std::uint64_t threads = static_cast<std::uint64_t>(size.x) * size.y * size.z;

	if (error != cudaSuccess)
		return error;
	if (!is_stream(stream))
		return note(cudaErrorInvalidResourceHandle);
	if (threads == 0 || threads > threads_max || size.x > 1024 || size.y > 1024 || size.z > 64)
		return note(cudaErrorInvalidConfiguration);
	if (grid.x == 0 || grid.y == 0 || grid.z == 0 || grid.x > INT32_MAX || grid.y > 65535 ||
		grid.z > 65535)
		return note(cudaErrorInvalidConfiguration);
	if (shared > allowed(kernel))
		return note(cudaErrorInvalidValue);
	return cudaSuccess;
}

/* See launch.h. */
void
check_pointer(const char *kernel, const volatile void *argument)
{
	const void *pointer = const_cast<const void *>(argument);
	bool whole;

	if (pointer == nullptr || memory_kind(pointer, 0, &whole) != Memory::pageable)
		return;
	std::fprintf(stderr, "cudasim: kernel %s: an argument points to memory of the host: %p\n",
				 kernel, pointer);
	std::fflush(nullptr);
	std::abort();
}

/* See launch.h. */
void
enqueue_launch(const char *name, dim3 grid, dim3 size, std::size_t shared, cudaStream_t stream,
			   std::function<void()> body)
{
	enqueue(stream, [name, grid, size, shared, body = std::move(body)]
			{ run_grid(name, grid, size, shared, body); });
}

} // namespace cudasim

using namespace cudasim;

/* Return how many devices there are. */
cudaError_t
cudaGetDeviceCount(int *count)
{
	*count = devices();
	return *count > 0 ? cudaSuccess : note(cudaErrorNoDevice);
}

/* Choose a device for what follows. */
cudaError_t
cudaSetDevice(int device)
{
	cudaError_t error = enter();

	if (error != cudaSuccess)
		return error;
	if (device < 0 || device >= devices())
		return note(cudaErrorInvalidDevice);
	chosen = device;
	return cudaSuccess;
}

/* Return the device that was chosen. */
cudaError_t
cudaGetDevice(int *device)
{
	*device = chosen;
	return enter();
}

/* Say how to wait for a device, which makes no difference here. */
cudaError_t
cudaSetDeviceFlags(unsigned)
{
	return enter();
}

/* Return a property of a device. */
cudaError_t
cudaDeviceGetAttribute(int *value, cudaDeviceAttr attribute, int device)
{
	cudaError_t error = enter();

	if (error != cudaSuccess)
		return error;
	if (device < 0 || device >= devices())
		return note(cudaErrorInvalidDevice);
	switch (attribute)
	{
		case cudaDevAttrMaxThreadsPerBlock:
			*value = threads_max;
			break;
		case cudaDevAttrMaxSharedMemoryPerBlock:
			*value = shared_default;
			break;
		case cudaDevAttrWarpSize:
			*value = warp_size;
			break;
		case cudaDevAttrClockRate:
			*value = 1000000;
			break;
		case cudaDevAttrMultiProcessorCount:
			*value = multiprocessors;
			break;
		case cudaDevAttrKernelExecTimeout:
		case cudaDevAttrComputeMode:
			*value = 0;
			break;
		case cudaDevAttrL2CacheSize:
			*value = 50 << 20;
			break;
		case cudaDevAttrMaxThreadsPerMultiProcessor:
			*value = threads_of_multiprocessor;
			break;
		case cudaDevAttrComputeCapabilityMajor:
			*value = major_capability;
			break;
		case cudaDevAttrComputeCapabilityMinor:
			*value = minor_capability;
			break;
		case cudaDevAttrMaxSharedMemoryPerMultiprocessor:
			*value = shared_of_multiprocessor;
			break;
		case cudaDevAttrMaxSharedMemoryPerBlockOptin:
			*value = shared_largest;
			break;
		case cudaDevAttrReservedSharedMemoryPerBlock:
			*value = shared_reserved;
			break;
		case cudaDevAttrMemoryPoolsSupported:
			*value = 1;
			break;
		default:
			return note(cudaErrorInvalidValue);
	}
	return cudaSuccess;
}

/* Return the properties of a device. */
cudaError_t
cudaGetDeviceProperties(cudaDeviceProp *properties, int device)
{
	cudaError_t error = enter();
	std::size_t unused;
	cudaDeviceProp result = {};

	if (error != cudaSuccess)
		return error;
	if (device < 0 || device >= devices())
		return note(cudaErrorInvalidDevice);
	std::snprintf(result.name, sizeof(result.name), "simulated (CPU)");
	(void) cudaMemGetInfo(&unused, &result.totalGlobalMem);
	result.sharedMemPerBlock = shared_default;
	result.regsPerBlock = 65536;
	result.warpSize = warp_size;
	result.maxThreadsPerBlock = threads_max;
	result.maxThreadsDim[0] = result.maxThreadsDim[1] = 1024;
	result.maxThreadsDim[2] = 64;
	result.maxGridSize[0] = INT32_MAX;
	result.maxGridSize[1] = result.maxGridSize[2] = 65535;
	result.major = major_capability;
	result.minor = minor_capability;
	result.multiProcessorCount = multiprocessors;
	result.asyncEngineCount = 2;
	result.l2CacheSize = 50 << 20;
	result.maxThreadsPerMultiProcessor = threads_of_multiprocessor;
	result.sharedMemPerMultiprocessor = shared_of_multiprocessor;
	result.regsPerMultiprocessor = 65536;
	result.sharedMemPerBlockOptin = shared_largest;
	result.reservedSharedMemPerBlock = shared_reserved;
	*properties = result;
	return cudaSuccess;
}

/* Return the version of the driver; 0: there is none. */
cudaError_t
cudaDriverGetVersion(int *value)
{
	*value = devices() > 0 ? version : 0;
	return cudaSuccess;
}

/* Return the version of the runtime. */
cudaError_t
cudaRuntimeGetVersion(int *value)
{
	*value = version;
	return cudaSuccess;
}

/* Give everything of the device back and mend it. */
cudaError_t
cudaDeviceReset()
{
	if (sticky == cudaSuccess && enter() == cudaSuccess)
		drain_all();
	release_streams();
	release_memory();
	shared_allowed.clear();
	sticky = doom = last = cudaSuccess;
	return enter();
}

/* Set an attribute of a kernel. */
cudaError_t
cudaFuncSetAttribute(const void *kernel, cudaFuncAttribute attribute, int value)
{
	cudaError_t error = enter();

	if (error != cudaSuccess)
		return error;
	if (attribute == cudaFuncAttributeMaxDynamicSharedMemorySize)
	{
		if (value < 0 || value > shared_largest)
			return note(cudaErrorInvalidValue);
		shared_allowed[kernel] = value;
	}
	return cudaSuccess;
}

/* Return attributes of a kernel; of those that a compiler finds out only rough ones. */
cudaError_t
cudaFuncGetAttributes(cudaFuncAttributes *attributes, const void *kernel)
{
	cudaError_t error = enter();

	if (error != cudaSuccess)
		return error;
	*attributes = cudaFuncAttributes{};
	attributes->maxThreadsPerBlock = threads_max;
	attributes->numRegs = 64;
	attributes->ptxVersion = attributes->binaryVersion = 10 * major_capability + minor_capability;
	attributes->maxDynamicSharedSizeBytes = static_cast<int>(allowed(kernel));
	return cudaSuccess;
}

/* Return how many blocks fit into a multiprocessor by their threads and dynamic shared memory. */
cudaError_t
cudaOccupancyMaxActiveBlocksPerMultiprocessor(int *blocks, const void *kernel, int threads,
											  std::size_t shared)
{
	cudaError_t error = enter();

	if (error != cudaSuccess)
		return error;
	if (threads <= 0)
		return note(cudaErrorInvalidValue);
	*blocks = 0;
	if (threads <= static_cast<int>(threads_max) && shared <= allowed(kernel))
		*blocks =
			std::min({threads_of_multiprocessor / threads, blocks_of_multiprocessor,
					  static_cast<int>(shared_of_multiprocessor / (shared + shared_reserved))});
	return cudaSuccess;
}

/* Return the latest error, and forget it unless the device is broken. */
cudaError_t
cudaGetLastError()
{
	cudaError_t result = last;

	last = sticky;
	return result;
}

/* Return the latest error. */
cudaError_t
cudaPeekAtLastError()
{
	return last;
}

/* Return the name of an error. */
const char *
cudaGetErrorName(cudaError_t error)
{
	return text_of(error).name;
}

/* Return what an error says. */
const char *
cudaGetErrorString(cudaError_t error)
{
	return text_of(error).text;
}

/* See runtime.h. */
extern "C" __attribute__((visibility("default"))) std::size_t
cudasim_live(void)
{
	return allocation_count() + stream_count();
}

/* See runtime.h. */
extern "C" __attribute__((visibility("default"))) void
cudasim_break(int error)
{
	doom = static_cast<cudaError_t>(error);
}
