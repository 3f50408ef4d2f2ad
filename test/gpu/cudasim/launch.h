/*
 * launch.h - putting kernels into streams.
 */
#ifndef CUDASIM_LAUNCH_H
#define CUDASIM_LAUNCH_H

#include "threads.h"
#include "runtime.h"

namespace cudasim
{

/* Look at the sizes of a launch as a GPU does; the error is what cudaGetLastError will say. */
cudaError_t check_launch(const void *kernel, dim3 grid, dim3 size, std::size_t shared,
						 cudaStream_t stream);

/* Look at an argument of a kernel: a pointer has to be one into memory that a device can read. */
void check_pointer(const char *kernel, const volatile void *pointer);

/* Put a launch into a stream. */
void enqueue_launch(const char *name, dim3 grid, dim3 size, std::size_t shared, cudaStream_t stream,
					std::function<void()> body);

/* Look at an argument that is no pointer. */
template <class T>
inline void
check_argument(const char *, const T &)
{
}

/* Look at an argument that is a pointer. */
template <class T>
inline void
check_argument(const char *kernel, T *const &pointer)
{
	check_pointer(kernel, pointer);
}

/* Launch a kernel.  Arguments are copied now, and again for each thread, as parameters are. */
template <class... P, class... A>
inline void
launch(const char *name, void (*kernel)(P...), dim3 grid, dim3 size, std::size_t shared,
	   cudaStream_t stream, A... arguments)
{
	static_assert(sizeof...(P) == sizeof...(A), "the number of arguments of the kernel");
	std::tuple<P...> parameters(arguments...);

	if (check_launch(reinterpret_cast<const void *>(kernel), grid, size, shared, stream) !=
		cudaSuccess)
		return;
	std::apply([name](const P &...each) { (check_argument(name, each), ...); }, parameters);
	enqueue_launch(name, grid, size, shared, stream,
				   [kernel, parameters] { std::apply(kernel, parameters); });
}

} // namespace cudasim

/* Launch a kernel; a template-id with commas in it has to stand in parentheses. */
#define SFS_LAUNCH(kernel, grid, block, shared_bytes, stream, ...) \
	cudasim::launch(#kernel, kernel, grid, block, shared_bytes, stream, ##__VA_ARGS__)

#endif /* CUDASIM_LAUNCH_H */
