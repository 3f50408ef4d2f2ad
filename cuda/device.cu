/*
 * device.cu - opening and closing a device; memory and errors.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "context.h"

State sfs_state;

/* What a slot's buffers begin with. */
#define FIRST_BYTES ((size_t) 1 << 20)

/* How long a slice takes under SFS_FAULT_SLOW, in microseconds. */
#define SLOW_US INT64_C(4000000)

/* See context.h. */
int64_t
clock_us()
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t) now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* See context.h. */
bool
check(cudaError_t error, const char *doing)
{
	if (error == cudaSuccess)
		return true;
	if (sfs_state.error == cudaSuccess)
	{
		sfs_state.error = error;
		sfs_state.doing = doing;
	}
	(void) cudaGetLastError(); /* or the next launch would report it again */
	return false;
}

/* See context.h: memory shortage and wrong arguments leave the context as it was. */
SfsStatus
failure(SfsDeviceReport *report, SfsEngineError *reason)
{
	cudaError_t error = sfs_state.error;

	sfs_state.error = cudaSuccess;
	if (error == cudaSuccess)
		return SFS_OK;
	snprintf(reason->reason, sizeof(reason->reason), "%s: %s (CUDA error %d)", sfs_state.doing,
			 cudaGetErrorString(error), (int) error);
	if (error == cudaErrorMemoryAllocation)
		return SFS_NO_MEMORY;
	sfs_state.lost = sfs_state.lost ||
					 (error != cudaErrorInvalidValue && error != cudaErrorInvalidConfiguration &&
					  error != cudaErrorNotSupported);
	if (report != nullptr)
		report->lost = sfs_state.lost;
	return SFS_FAILED;
}

/* See context.h. */
bool
release_device(Buffer *buffer)
{
	if (buffer->data != nullptr && !check(cudaFree(buffer->data), "free device memory"))
		return false;
	sfs_state.memory_used -= buffer->bytes;
	*buffer = {nullptr, 0};
	return true;
}

/* See context.h. */
bool
reserve_device(Buffer *buffer, size_t bytes)
{
	if (buffer->bytes >= bytes)
		return true;
	if (!release_device(buffer))
		return false;
	if (sfs_state.fault == SFS_FAULT_OOM || sfs_state.memory_used + bytes > sfs_state.memory_limit)
		return check(cudaErrorMemoryAllocation, "allocate device memory");
	if (!check(cudaMalloc((void **) &buffer->data, bytes), "allocate device memory"))
	{
		buffer->data = nullptr;
		return false;
	}
	buffer->bytes = bytes;
	sfs_state.memory_used += bytes;
	return true;
}

/* See context.h. */
bool
reserve_host(Buffer *buffer, size_t bytes)
{
	if (buffer->bytes >= bytes)
		return true;
	if (buffer->data != nullptr && !check(cudaFreeHost(buffer->data), "free pinned memory"))
		return false;
	*buffer = {nullptr, 0};
	if (sfs_state.fault == SFS_FAULT_OOM)
		return check(cudaErrorMemoryAllocation, "allocate pinned memory");
	if (!check(cudaMallocHost((void **) &buffer->data, bytes), "allocate pinned memory"))
	{
		buffer->data = nullptr;
		return false;
	}
	buffer->bytes = bytes;
	return true;
}

/* Has the work of a slot ended?  An error counts as an end. */
static bool
has_ended(Slot *slot)
{
	cudaError_t error;

	if (sfs_state.fault == SFS_FAULT_STICKY)
		return !check(cudaErrorIllegalAddress, "run kernels");
	if (slot->ready_at > clock_us())
		return false;
	error = cudaEventQuery(slot->event[3]);
	if (error == cudaErrorNotReady)
		return false;
	(void) check(error, "run kernels");
	return true;
}

/* Sleep, or let the host do so; true: stop. */
static bool
sleep_a_little(const SfsHooks *hooks, long microseconds)
{
	struct timespec time = {0, microseconds * 1000};

	if (hooks->wait != nullptr)
		return hooks->wait(hooks->arg, microseconds);
	nanosleep(&time, nullptr);
	return hooks->poll != nullptr && hooks->poll(hooks->arg);
}

/* See context.h. */
SfsStatus
wait_for(Slot *slot, const SfsHooks *hooks)
{
	const int64_t spin = 50;		 /* most slices end so soon that sleeping would cost more */
	const int64_t patience = 100000; /* with work that shall be stopped */
	const SfsHooks nobody = SfsHooks();
	int64_t start = clock_us();
	int64_t stop = 0;

	while (slot->busy)
	{
		if (has_ended(slot))
			slot->busy = false;
		else if (stop != 0 && clock_us() - stop > patience)
			return SFS_CANCELLED;
		else if (stop != 0)
			(void) sleep_a_little(&nobody, 200);
		else if (clock_us() - start > spin && sleep_a_little(hooks, 200))
			stop = clock_us();
	}
	return stop != 0 ? SFS_CANCELLED : SFS_OK;
}

/* See context.h: the error that broke the run off is the one to be told. */
void
keep_track()
{
	if (sfs_state.lost)
		return;
	for (Slot &slot : sfs_state.slot)
	{
		slot.busy = true;
		(void) cudaEventRecord(slot.event[3], slot.stream);
	}
}

/* Give a slot's resources back; errors do not matter any more. */
static void
release(Slot *slot)
{
	if (slot->stream != nullptr)
		(void) cudaStreamSynchronize(slot->stream);
	(void) cudaFreeHost(slot->host.data);
	(void) cudaFree(slot->device.data);
	for (int k = 0; k < 4; k++)
		if (slot->event[k] != nullptr)
			(void) cudaEventDestroy(slot->event[k]);
	if (slot->stream != nullptr)
		(void) cudaStreamDestroy(slot->stream);
	*slot = Slot();
}

/* See device.h: SfsDevice.close.  A lost device is not touched: its calls may not return. */
static void
close_device()
{
	bool lost = sfs_state.lost;
	SfsDeviceFault fault = sfs_state.fault;

	if (sfs_state.is_open && !lost)
	{
		for (Slot &slot : sfs_state.slot)
			release(&slot);
		(void) cudaFreeHost(sfs_state.long_host.data);
		(void) cudaFree(sfs_state.long_device.data);
		(void) cudaDeviceReset();
	}
	sfs_state = State();
	sfs_state.lost = lost;
	sfs_state.fault = fault;
}

/* Does nothing; to see whether this device can run what the library was compiled for. */
__global__ void
nothing()
{
}

/* Can the device run kernels of this library? */
static bool
has_kernels(SfsEngineError *error)
{
	cudaFuncAttributes attributes;
	cudaError_t found = cudaFuncGetAttributes(&attributes, nothing);

	if (found == cudaSuccess)
		return true;
	(void) cudaGetLastError();
	snprintf(error->reason, sizeof(error->reason),
			 "the library was not compiled for this device: %s (CUDA error %d)",
			 cudaGetErrorString(found), (int) found);
	return false;
}

/* Describe a device. */
static void
describe(int device, SfsDeviceInfo *info)
{
	cudaDeviceProp properties;

	*info = SfsDeviceInfo();
	info->device = device;
	(void) cudaDriverGetVersion(&info->driver);
	(void) cudaRuntimeGetVersion(&info->runtime);
	if (!check(cudaGetDeviceProperties(&properties, device), "describe the device"))
		return;
	snprintf(info->name, sizeof(info->name), "%.127s", properties.name);
	info->major = properties.major;
	info->minor = properties.minor;
	info->memory = properties.totalGlobalMem;
#ifdef SFS_SIMULATED
	info->simulated = true;
#endif
}

/* See device.h: SfsDevice.open. */
static SfsStatus
open_device(int device, uint64_t memory, SfsDeviceInfo *info, SfsEngineError *error)
{
	State &state = sfs_state;
	int devices = 0;
	cudaError_t found;

	error->reason[0] = '\0';
	if (state.lost)
	{
		snprintf(error->reason, sizeof(error->reason), "the device was lost by this process");
		return SFS_FAILED;
	}
	close_device();
	found = state.fault == SFS_FAULT_ABSENT ? cudaErrorNoDevice : cudaGetDeviceCount(&devices);
	if (found != cudaSuccess || device >= devices)
	{
		(void) cudaGetLastError();
		if (found != cudaSuccess)
			snprintf(error->reason, sizeof(error->reason), "%s", cudaGetErrorString(found));
		else
			snprintf(error->reason, sizeof(error->reason), "there is no device %d, but %d devices",
					 device, devices);
		return SFS_NOT_SUPPORTED;
	}
	state.device = device;
	state.is_open = check(cudaSetDevice(device), "select the device");
	describe(device, info);
	if (state.error == cudaSuccess && !has_kernels(error))
	{
		close_device();
		return SFS_NOT_SUPPORTED;
	}
	state.memory_limit = memory == 0 ? (size_t) (info->memory / 4) : (size_t) memory;
	if (state.error == cudaSuccess)
		(void) (check(cudaDeviceGetAttribute(&state.shared_limit,
											 cudaDevAttrMaxSharedMemoryPerBlockOptin, device),
					  "ask for shared memory") &&
				check(cudaDeviceGetAttribute(&state.processors, cudaDevAttrMultiProcessorCount,
											 device),
					  "ask for processors"));
	for (Slot &slot : state.slot)
	{
		if (state.error == cudaSuccess)
			(void) check(cudaStreamCreateWithFlags(&slot.stream, cudaStreamNonBlocking),
						 "create a stream");
		for (int k = 0; k < 4 && state.error == cudaSuccess; k++)
			(void) check(cudaEventCreate(&slot.event[k]), "create an event");
		/* a context that has no memory for small tasks is of no use */
		(void) (state.error == cudaSuccess && reserve_host(&slot.host, FIRST_BYTES) &&
				reserve_device(&slot.device, FIRST_BYTES));
	}
	if (state.error != cudaSuccess)
	{
		SfsStatus status = failure(nullptr, error);

		/* not lost, but unusable now: another try is for a later time */
		state.lost = false;
		close_device();
		return status;
	}
	return SFS_OK;
}

/* See device.h: SfsDevice.inject. */
static void
inject_fault(SfsDeviceFault fault)
{
	sfs_state.fault = fault;
}

/* Return how long a slice that begins now is held back by a fault. */
int64_t
fault_delay()
{
	return sfs_state.fault == SFS_FAULT_SLOW ? SLOW_US : 0;
}

static const SfsDevice cuda_device = {
	SFS_DEVICE_ABI, sizeof(SfsDevice), sizeof(SfsTask), sizeof(SfsHooks), SOFTSORT_VERSION, "cuda",
	open_device,	close_device,	   supports_task,	run_task,		  inject_fault,
};

/* Return the device: SFS_DEVICE_ENTRY. */
extern "C" __attribute__((visibility("default"))) const SfsDevice *
softsort_device(void)
{
	return &cuda_device;
}
