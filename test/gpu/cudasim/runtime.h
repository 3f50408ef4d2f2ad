/*
 * runtime.h - the part of CUDA's runtime API that host code calls.
 *
 * The work of a stream is put off until somebody waits for it or asks for it: what reads a
 * result too early reads old data.  cudaStreamQuery and cudaEventQuery run one operation each.
 * Numbers of errors and attributes are CUDA's.
 */
#ifndef CUDASIM_RUNTIME_H
#define CUDASIM_RUNTIME_H

#include "qualifiers.h"

enum cudaError
{
	cudaSuccess = 0,
	cudaErrorInvalidValue = 1,
	cudaErrorMemoryAllocation = 2,
	cudaErrorInitializationError = 3,
	cudaErrorInvalidConfiguration = 9,
	cudaErrorInvalidMemcpyDirection = 21,
	cudaErrorInsufficientDriver = 35,
	cudaErrorNoDevice = 100,
	cudaErrorInvalidDevice = 101,
	cudaErrorNoKernelImageForDevice = 209,
	cudaErrorECCUncorrectable = 214,
	cudaErrorUnsupportedPtxVersion = 222,
	cudaErrorInvalidResourceHandle = 400,
	cudaErrorNotReady = 600,
	cudaErrorIllegalAddress = 700,
	cudaErrorLaunchOutOfResources = 701,
	cudaErrorLaunchTimeout = 702,
	cudaErrorHostMemoryAlreadyRegistered = 712,
	cudaErrorHostMemoryNotRegistered = 713,
	cudaErrorLaunchFailure = 719,
	cudaErrorNotSupported = 801,
	cudaErrorUnknown = 999
};
typedef enum cudaError cudaError_t;

enum cudaMemcpyKind
{
	cudaMemcpyHostToHost = 0,
	cudaMemcpyHostToDevice = 1,
	cudaMemcpyDeviceToHost = 2,
	cudaMemcpyDeviceToDevice = 3,
	cudaMemcpyDefault = 4
};

enum
{
	cudaStreamDefault = 0,
	cudaStreamNonBlocking = 1,
	cudaEventDefault = 0,
	cudaEventBlockingSync = 1,
	cudaEventDisableTiming = 2,
	cudaHostAllocDefault = 0,
	cudaHostAllocPortable = 1,
	cudaHostAllocMapped = 2,
	cudaHostAllocWriteCombined = 4,
	cudaHostRegisterDefault = 0,
	cudaHostRegisterReadOnly = 8,
	cudaDeviceScheduleAuto = 0,
	cudaDeviceScheduleSpin = 1,
	cudaDeviceScheduleYield = 2,
	cudaDeviceScheduleBlockingSync = 4
};

enum cudaDeviceAttr
{
	cudaDevAttrMaxThreadsPerBlock = 1,
	cudaDevAttrMaxSharedMemoryPerBlock = 8,
	cudaDevAttrWarpSize = 10,
	cudaDevAttrClockRate = 13,
	cudaDevAttrMultiProcessorCount = 16,
	cudaDevAttrKernelExecTimeout = 17,
	cudaDevAttrComputeMode = 20,
	cudaDevAttrL2CacheSize = 38,
	cudaDevAttrMaxThreadsPerMultiProcessor = 39,
	cudaDevAttrComputeCapabilityMajor = 75,
	cudaDevAttrComputeCapabilityMinor = 76,
	cudaDevAttrMaxSharedMemoryPerMultiprocessor = 81,
	cudaDevAttrMaxSharedMemoryPerBlockOptin = 97,
	cudaDevAttrReservedSharedMemoryPerBlock = 111,
	cudaDevAttrMemoryPoolsSupported = 115
};

enum cudaFuncAttribute
{
	cudaFuncAttributeMaxDynamicSharedMemorySize = 8,
	cudaFuncAttributePreferredSharedMemoryCarveout = 9
};

struct cudaFuncAttributes
{
	std::size_t sharedSizeBytes;
	std::size_t constSizeBytes;
	std::size_t localSizeBytes;
	int maxThreadsPerBlock;
	int numRegs;
	int ptxVersion;
	int binaryVersion;
	int maxDynamicSharedSizeBytes;
};

struct cudaDeviceProp
{
	char name[256];
	std::size_t totalGlobalMem;
	std::size_t sharedMemPerBlock;
	int regsPerBlock;
	int warpSize;
	int maxThreadsPerBlock;
	int maxThreadsDim[3];
	int maxGridSize[3];
	int major;
	int minor;
	int multiProcessorCount;
	int integrated;
	int asyncEngineCount;
	int l2CacheSize;
	int maxThreadsPerMultiProcessor;
	std::size_t sharedMemPerMultiprocessor;
	int regsPerMultiprocessor;
	std::size_t sharedMemPerBlockOptin;
	std::size_t reservedSharedMemPerBlock;
};

typedef struct CUstream_st *cudaStream_t;
typedef struct CUevent_st *cudaEvent_t;
typedef void (*cudaHostFn_t)(void *);

/* Memory (memory.cpp). */
cudaError_t cudaMalloc(void **pointer, std::size_t bytes);
cudaError_t cudaFree(void *pointer);
cudaError_t cudaMallocAsync(void **pointer, std::size_t bytes, cudaStream_t stream);
cudaError_t cudaFreeAsync(void *pointer, cudaStream_t stream);
cudaError_t cudaMallocHost(void **pointer, std::size_t bytes, unsigned flags = 0);
cudaError_t cudaHostAlloc(void **pointer, std::size_t bytes, unsigned flags);
cudaError_t cudaFreeHost(void *pointer);
cudaError_t cudaHostRegister(void *pointer, std::size_t bytes, unsigned flags);
cudaError_t cudaHostUnregister(void *pointer);
cudaError_t cudaMemcpy(void *to, const void *from, std::size_t bytes, cudaMemcpyKind kind);
cudaError_t cudaMemcpyAsync(void *to, const void *from, std::size_t bytes, cudaMemcpyKind kind,
							cudaStream_t stream = nullptr);
cudaError_t cudaMemset(void *to, int value, std::size_t bytes);
cudaError_t cudaMemsetAsync(void *to, int value, std::size_t bytes, cudaStream_t stream = nullptr);
cudaError_t cudaMemGetInfo(std::size_t *unused, std::size_t *total);

/* Streams and events (stream.cpp). */
cudaError_t cudaStreamCreate(cudaStream_t *stream);
cudaError_t cudaStreamCreateWithFlags(cudaStream_t *stream, unsigned flags);
cudaError_t cudaStreamCreateWithPriority(cudaStream_t *stream, unsigned flags, int priority);
cudaError_t cudaStreamDestroy(cudaStream_t stream);
cudaError_t cudaStreamSynchronize(cudaStream_t stream);
cudaError_t cudaStreamQuery(cudaStream_t stream);
cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned flags = 0);
cudaError_t cudaLaunchHostFunc(cudaStream_t stream, cudaHostFn_t function, void *argument);
cudaError_t cudaEventCreate(cudaEvent_t *event);
cudaError_t cudaEventCreateWithFlags(cudaEvent_t *event, unsigned flags);
cudaError_t cudaEventDestroy(cudaEvent_t event);
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream = nullptr);
cudaError_t cudaEventQuery(cudaEvent_t event);
cudaError_t cudaEventSynchronize(cudaEvent_t event);
cudaError_t cudaEventElapsedTime(float *milliseconds, cudaEvent_t start, cudaEvent_t end);
cudaError_t cudaDeviceSynchronize();

/* The device, kernels, errors (device.cpp). */
cudaError_t cudaGetDeviceCount(int *count);
cudaError_t cudaSetDevice(int device);
cudaError_t cudaGetDevice(int *device);
cudaError_t cudaSetDeviceFlags(unsigned flags);
cudaError_t cudaDeviceGetAttribute(int *value, cudaDeviceAttr attribute, int device);
cudaError_t cudaGetDeviceProperties(cudaDeviceProp *properties, int device);
cudaError_t cudaDriverGetVersion(int *version);
cudaError_t cudaRuntimeGetVersion(int *version);
cudaError_t cudaDeviceReset();
cudaError_t cudaFuncSetAttribute(const void *kernel, cudaFuncAttribute attribute, int value);
cudaError_t cudaFuncGetAttributes(cudaFuncAttributes *attributes, const void *kernel);
cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessor(int *blocks, const void *kernel,
														  int threads, std::size_t shared);
cudaError_t cudaGetLastError();
cudaError_t cudaPeekAtLastError();
const char *cudaGetErrorName(cudaError_t error);
const char *cudaGetErrorString(cudaError_t error);

/* Allocate memory for objects of a type. */
template <class T>
inline cudaError_t
cudaMalloc(T **pointer, std::size_t bytes)
{
	return cudaMalloc(reinterpret_cast<void **>(pointer), bytes);
}

/* See cudaMalloc. */
template <class T>
inline cudaError_t
cudaMallocAsync(T **pointer, std::size_t bytes, cudaStream_t stream)
{
	return cudaMallocAsync(reinterpret_cast<void **>(pointer), bytes, stream);
}

/* See cudaMalloc. */
template <class T>
inline cudaError_t
cudaMallocHost(T **pointer, std::size_t bytes, unsigned flags = 0)
{
	return cudaMallocHost(reinterpret_cast<void **>(pointer), bytes, flags);
}

/* See cudaMalloc. */
template <class T>
inline cudaError_t
cudaHostAlloc(T **pointer, std::size_t bytes, unsigned flags)
{
	return cudaHostAlloc(reinterpret_cast<void **>(pointer), bytes, flags);
}

/* Set an attribute of a kernel. */
template <class... P>
inline cudaError_t
cudaFuncSetAttribute(void (*kernel)(P...), cudaFuncAttribute attribute, int value)
{
	return cudaFuncSetAttribute(reinterpret_cast<const void *>(kernel), attribute, value);
}

/* Get the attributes of a kernel. */
template <class... P>
inline cudaError_t
cudaFuncGetAttributes(cudaFuncAttributes *attributes, void (*kernel)(P...))
{
	return cudaFuncGetAttributes(attributes, reinterpret_cast<const void *>(kernel));
}

/* Get how many blocks of a kernel fit into a multiprocessor. */
template <class... P>
inline cudaError_t
cudaOccupancyMaxActiveBlocksPerMultiprocessor(int *blocks, void (*kernel)(P...), int threads,
											  std::size_t shared)
{
	return cudaOccupancyMaxActiveBlocksPerMultiprocessor(blocks,
														 reinterpret_cast<const void *>(kernel),
														 threads, shared);
}

/*
 * For tests, also by dlsym.  All are C functions that the library exports.
 */
extern "C"
{
	/* Return how many allocations, streams and events there are. */
	std::size_t cudasim_live(void);

	/* Return how many bytes of device memory are in use. */
	std::size_t cudasim_bytes(void);

	/* Set the size of the device's memory; 0: as CUDASIM_MEMORY says, or 1 GB. */
	void cudasim_set_memory(std::size_t bytes);

	/* Let all calls fail with this error from the next operation of a stream on, until a reset. */
	void cudasim_break(int error);

	/* Return how many operations have run and are pending. */
	std::size_t cudasim_done(void);
	std::size_t cudasim_pending(void);
}

#endif /* CUDASIM_RUNTIME_H */
