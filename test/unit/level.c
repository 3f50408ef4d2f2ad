/*
 * level.c - the level of kernels (kernels.h) that a program of tests uses: the one that
 * the environment variable KERNELS names, without it the best.
 *
 * KERNELS=list prints the levels instead, one a line; what follows a name says why the
 * level cannot be used here.  Linking this file is all that a program has to do.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels.h"

/* Print the levels and end. */
static void
list_levels(void)
{
	const char *name;

	for (size_t i = 0; (name = sfs_kernels_name(i)) != NULL; i++)
		if (sfs_kernels_force(name))
			printf("%s\n", name);
		else
			printf("%s this processor has no %s\n", name, name);
	exit(0);
}

/* Use the kernels that the environment names, before any test. */
static __attribute__((constructor)) void
choose_kernels(void)
{
	const char *name = getenv("KERNELS");

	sfs_kernels_choose();
	if (name != NULL && strcmp(name, "list") == 0)
		list_levels();
	if (name != NULL && !sfs_kernels_force(name))
	{
		printf("1..0 # SKIP this processor has no %s\n", name);
		exit(0);
	}
}
