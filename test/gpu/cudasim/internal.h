/*
 * internal.h - what the parts of the simulated runtime know of each other.
 */
#ifndef CUDASIM_INTERNAL_H
#define CUDASIM_INTERNAL_H

#include "runtime.h"

namespace cudasim
{

/* What a piece of memory is. */
enum class Memory
{
	pageable, /* of the host, and nothing else known */
	pinned,
	device
};

/* Return what memory this is; whole: are all the bytes in one allocation? */
Memory memory_kind(const void *pointer, std::size_t bytes, bool *whole);

/* Give all memory back, at a reset. */
void release_memory();

/* Return the number of allocations. */
std::size_t allocation_count();

/* Note an error for cudaGetLastError and return it. */
cudaError_t note(cudaError_t error);

/* Begin a call of the API: return what stands in its way, a broken device or a fork. */
cudaError_t enter();

/* Return the error that waits for the next operation of a stream, which then is the device's. */
cudaError_t strike();

/* Is this a stream that exists? */
bool is_stream(cudaStream_t stream);

/* Put an operation at the end of a stream. */
void enqueue(cudaStream_t stream, std::function<void()> run);

/* Run all that is in a stream, or in all streams. */
void drain(cudaStream_t stream);
void drain_all();

/* Forget all streams and events, and what is in them, at a reset. */
void release_streams();

/* Return the number of streams and events. */
std::size_t stream_count();

} // namespace cudasim

#endif /* CUDASIM_INTERNAL_H */
