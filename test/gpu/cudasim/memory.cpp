/*
 * memory.cpp - memory of the device and of the host (runtime.h).
 *
 * Each allocation is one of malloc of exactly its size, so that AddressSanitizer sees what is
 * beyond and what is gone, and is filled with a pattern before and after its life.
 */
#include "internal.h"

namespace cudasim
{
namespace
{

constexpr int poison = 0xa5;
constexpr std::size_t alignment = 256;
constexpr std::size_t default_memory = std::size_t(1) << 30;

/* A live allocation. */
struct Allocation
{
	std::size_t bytes;
	Memory kind;
	bool foreign; /* registered, not allocated here */
};

std::map<std::uintptr_t, Allocation> allocations;
std::size_t used;
std::size_t size_set;

/* Return the number of an address. */
std::uintptr_t
number_of(const void *pointer)
{
	return reinterpret_cast<std::uintptr_t>(pointer);
}

/* Return the size of the device's memory. */
std::size_t
device_memory()
{
	const char *text = std::getenv("CUDASIM_MEMORY");

	if (size_set != 0)
		return size_set;
	return text != nullptr ? std::strtoull(text, nullptr, 10) : default_memory;
}

/* Allocate memory and keep it in mind. */
cudaError_t
allocate(void **pointer, std::size_t bytes, Memory kind)
{
	*pointer = nullptr;
	if (bytes == 0)
		return cudaSuccess;
	if (kind == Memory::device && bytes > device_memory() - std::min(used, device_memory()))
	{
		/* memory that is to be freed in a stream may be what is missing */
		drain_all();
		if (bytes > device_memory() - std::min(used, device_memory()))
			return note(cudaErrorMemoryAllocation);
	}
	if (posix_memalign(pointer, alignment, bytes) != 0)
	{
		*pointer = nullptr;
		return note(cudaErrorMemoryAllocation);
	}
	std::memset(*pointer, poison, bytes);
	allocations[number_of(*pointer)] = Allocation{bytes, kind, false};
	if (kind == Memory::device)
		used += bytes;
	return cudaSuccess;
}

/* Free an allocation of a kind; false: there is none. */
bool
release(void *pointer, Memory kind)
{
	auto found = allocations.find(number_of(pointer));

	if (found == allocations.end() || found->second.kind != kind || found->second.foreign)
		return false;
	if (kind == Memory::device)
		used -= found->second.bytes;
	std::memset(pointer, poison, found->second.bytes);
	allocations.erase(found);
	std::free(pointer);
	return true;
}

/* Is a copy between such memory what its kind says? */
bool
right_direction(cudaMemcpyKind kind, bool to_device, bool from_device)
{
	switch (kind)
	{
		case cudaMemcpyHostToHost:
			return !to_device && !from_device;
		case cudaMemcpyHostToDevice:
			return to_device && !from_device;
		case cudaMemcpyDeviceToHost:
			return !to_device && from_device;
		case cudaMemcpyDeviceToDevice:
			return to_device && from_device;
		default:
			return kind == cudaMemcpyDefault;
	}
}

/* End the process if memory of the device that an operation is about to use is gone by now. */
void
still_there(const void *pointer, std::size_t bytes, const char *what)
{
	bool whole;

	if (memory_kind(pointer, bytes, &whole) == Memory::device && whole)
		return;
	std::fprintf(stderr, "cudasim: %s: device memory was freed before the operation ran\n", what);
	std::fflush(nullptr);
	std::abort();
}

/* Move bytes, now. */
void
move(void *to, const void *from, std::size_t bytes, bool to_device, bool from_device)
{
	if (to_device)
		still_there(to, bytes, "cudaMemcpy");
	if (from_device)
		still_there(from, bytes, "cudaMemcpy");
	std::memmove(to, from, bytes);
}

} // namespace

/* See internal.h. */
Memory
memory_kind(const void *pointer, std::size_t bytes, bool *whole)
{
	auto next = allocations.upper_bound(number_of(pointer));

	*whole = true;
	if (next == allocations.begin())
		return Memory::pageable;
	--next;

	std::size_t offset = number_of(pointer) - next->first;

	if (offset > next->second.bytes || (offset == next->second.bytes && bytes > 0))
		return Memory::pageable;
	*whole = bytes <= next->second.bytes - offset;
	return next->second.kind;
}

/* See internal.h. */
void
release_memory()
{
	for (auto each = allocations.begin(); each != allocations.end();)
	{
		void *pointer = reinterpret_cast<void *>(each->first);
		bool foreign = each->second.foreign;

		each = allocations.erase(each);
		if (!foreign)
			std::free(pointer);
	}
	used = 0;
}

/* See internal.h. */
std::size_t
allocation_count()
{
	return allocations.size();
}

} // namespace cudasim

using namespace cudasim;

/* Allocate memory of the device. */
cudaError_t
cudaMalloc(void **pointer, std::size_t bytes)
{
	cudaError_t error = enter();

	return error != cudaSuccess ? error : allocate(pointer, bytes, Memory::device);
}

/* Free memory of the device; waits for all work, as CUDA does. */
cudaError_t
cudaFree(void *pointer)
{
	cudaError_t error = enter();

	if (error != cudaSuccess || pointer == nullptr)
		return error;
	drain_all();
	return release(pointer, Memory::device) ? cudaSuccess : note(cudaErrorInvalidValue);
}

/* Allocate memory that is there from this point of a stream on: only then its pattern is written. */
cudaError_t
cudaMallocAsync(void **pointer, std::size_t bytes, cudaStream_t stream)
{
	cudaError_t error = enter();

	if (error == cudaSuccess && !is_stream(stream))
		error = note(cudaErrorInvalidResourceHandle);
	if (error == cudaSuccess)
		error = allocate(pointer, bytes, Memory::device);
	if (error == cudaSuccess && bytes > 0)
		enqueue(stream,
				[to = *pointer, bytes]
				{
					still_there(to, bytes, "cudaMallocAsync");
					std::memset(to, poison, bytes);
				});
	return error;
}

/* Free memory at this point of a stream. */
cudaError_t
cudaFreeAsync(void *pointer, cudaStream_t stream)
{
	cudaError_t error = enter();
	bool whole;

	if (error != cudaSuccess || pointer == nullptr)
		return error;
	if (!is_stream(stream))
		return note(cudaErrorInvalidResourceHandle);
	if (memory_kind(pointer, 0, &whole) != Memory::device)
		return note(cudaErrorInvalidValue);
	enqueue(stream,
			[pointer]
			{
				if (!release(pointer, Memory::device))
				{
					std::fprintf(stderr,
								 "cudasim: cudaFreeAsync: not allocated, or freed before\n");
					std::fflush(nullptr);
					std::abort();
				}
			});
	return cudaSuccess;
}

/* Allocate pinned memory of the host. */
cudaError_t
cudaMallocHost(void **pointer, std::size_t bytes, unsigned)
{
	cudaError_t error = enter();

	return error != cudaSuccess ? error : allocate(pointer, bytes, Memory::pinned);
}

/* See cudaMallocHost. */
cudaError_t
cudaHostAlloc(void **pointer, std::size_t bytes, unsigned flags)
{
	return cudaMallocHost(pointer, bytes, flags);
}

/* Free pinned memory; waits for all work, as CUDA does. */
cudaError_t
cudaFreeHost(void *pointer)
{
	cudaError_t error = enter();

	if (error != cudaSuccess || pointer == nullptr)
		return error;
	drain_all();
	return release(pointer, Memory::pinned) ? cudaSuccess : note(cudaErrorInvalidValue);
}

/* Pin memory that the caller has. */
cudaError_t
cudaHostRegister(void *pointer, std::size_t bytes, unsigned)
{
	cudaError_t error = enter();

	if (error != cudaSuccess)
		return error;
	if (pointer == nullptr || bytes == 0)
		return note(cudaErrorInvalidValue);
	if (!allocations.emplace(number_of(pointer), Allocation{bytes, Memory::pinned, true}).second)
		return note(cudaErrorHostMemoryAlreadyRegistered);
	return cudaSuccess;
}

/* Undo cudaHostRegister. */
cudaError_t
cudaHostUnregister(void *pointer)
{
	cudaError_t error = enter();
	auto found = allocations.find(number_of(pointer));

	if (error != cudaSuccess)
		return error;
	if (found == allocations.end() || !found->second.foreign)
		return note(cudaErrorHostMemoryNotRegistered);
	drain_all();
	allocations.erase(found);
	return cudaSuccess;
}

/* Copy bytes in a stream.  From pageable memory they are read now, to it they are written now. */
cudaError_t
cudaMemcpyAsync(void *to, const void *from, std::size_t bytes, cudaMemcpyKind kind,
				cudaStream_t stream)
{
	cudaError_t error = enter();
	bool to_whole;
	bool from_whole;

	if (error != cudaSuccess || bytes == 0)
		return error;
	if (!is_stream(stream))
		return note(cudaErrorInvalidResourceHandle);

	Memory to_kind = memory_kind(to, bytes, &to_whole);
	Memory from_kind = memory_kind(from, bytes, &from_whole);
	bool to_device = to_kind == Memory::device;
	bool from_device = from_kind == Memory::device;

	if (to == nullptr || from == nullptr || !to_whole || !from_whole ||
		!right_direction(kind, to_device, from_device))
		return note(cudaErrorInvalidValue);
	if (from_kind == Memory::pageable && to_device)
	{
		const char *bytes_now = static_cast<const char *>(from);
		auto staged = std::make_shared<std::vector<char>>(bytes_now, bytes_now + bytes);

		enqueue(stream, [to, staged, bytes] { move(to, staged->data(), bytes, true, false); });
		return cudaSuccess;
	}
	enqueue(stream, [to, from, bytes, to_device, from_device]
			{ move(to, from, bytes, to_device, from_device); });
	if (to_kind == Memory::pageable)
		return cudaStreamSynchronize(stream);
	return cudaSuccess;
}

/* Copy bytes and wait. */
cudaError_t
cudaMemcpy(void *to, const void *from, std::size_t bytes, cudaMemcpyKind kind)
{
	cudaError_t error = cudaMemcpyAsync(to, from, bytes, kind, nullptr);

	return error != cudaSuccess ? error : cudaStreamSynchronize(nullptr);
}

/* Set bytes of the device in a stream. */
cudaError_t
cudaMemsetAsync(void *to, int value, std::size_t bytes, cudaStream_t stream)
{
	cudaError_t error = enter();
	bool whole;

	if (error != cudaSuccess || bytes == 0)
		return error;
	if (!is_stream(stream))
		return note(cudaErrorInvalidResourceHandle);
	if (memory_kind(to, bytes, &whole) != Memory::device || !whole)
		return note(cudaErrorInvalidValue);
	enqueue(stream,
			[to, value, bytes]
			{
				still_there(to, bytes, "cudaMemset");
				std::memset(to, value, bytes);
			});
	return cudaSuccess;
}

/* Set bytes of the device; may return before it is done, as in CUDA. */
cudaError_t
cudaMemset(void *to, int value, std::size_t bytes)
{
	return cudaMemsetAsync(to, value, bytes, nullptr);
}

/* Return how much of the device's memory is free. */
cudaError_t
cudaMemGetInfo(std::size_t *unused, std::size_t *total)
{
	cudaError_t error = enter();

	if (error != cudaSuccess)
		return error;
	*total = device_memory();
	*unused = *total - std::min(used, *total);
	return cudaSuccess;
}

/* See runtime.h. */
extern "C" __attribute__((visibility("default"))) std::size_t
cudasim_bytes(void)
{
	return used;
}

/* See runtime.h. */
extern "C" __attribute__((visibility("default"))) void
cudasim_set_memory(std::size_t bytes)
{
	size_set = bytes;
}
