/*
 * kernels.c - the choice of a level of SIMD instructions.
 */
#include "kernels.h"

#include <string.h>

#include "avx512.h"

const SfsKernels *sfs_kernels = &sfs_kernels_portable;

/* Return whether this processor, and its system, have what a level needs. */
static bool
is_usable(const SfsKernels *kernels)
{
#ifdef SFS_AVX512
	if (kernels == &sfs_kernels_avx512)
	{
		__builtin_cpu_init();
		return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
			   __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
			   __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("popcnt");
	}
#endif
	return kernels == &sfs_kernels_portable;
}

/* The levels, the best last. */
static const SfsKernels *const levels[] = {
	&sfs_kernels_portable,
#ifdef SFS_AVX512
	&sfs_kernels_avx512,
#endif
};
#define LEVELS (sizeof(levels) / sizeof(levels[0]))

/* See kernels.h. */
const char *
sfs_kernels_name(size_t i)
{
	return i < LEVELS ? levels[i]->name : NULL;
}

/* See kernels.h. */
void
sfs_kernels_choose(void)
{
	for (size_t i = 0; i < LEVELS; i++)
		if (is_usable(levels[i]))
			sfs_kernels = levels[i];
}

/* See kernels.h. */
bool
sfs_kernels_force(const char *name)
{
	for (size_t i = 0; i < LEVELS; i++)
		if (strcmp(levels[i]->name, name) == 0 && is_usable(levels[i]))
		{
			sfs_kernels = levels[i];
			return true;
		}
	return false;
}
