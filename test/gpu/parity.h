/*
 * parity.h - comparing a device with the core, bit for bit.
 *
 *   parity.c          options, the parts of a run, the report
 *   parity_batch.c    random tasks
 *   parity_data.c     families of data and strengths
 *   parity_compare.c  running a task on both, and comparing
 *   parity_golden.c   the golden set
 */
#ifndef PARITY_H
#define PARITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "device.h"

/* Classes of row lengths that are counted. */
#define CLASSES 9

/* Counts of rows. */
typedef struct Count
{
	size_t rows;
	size_t unsure;
	size_t wrong;
} Count;

/* A device and all that was seen of it. */
typedef struct Parity
{
	const SfsDevice *device;
	SfsDeviceInfo info;
	const char *label; /* "simulated", or the device's name */
	uint64_t seed;
	size_t batch_elements; /* about how many elements a random task has */
	SfsOp only;			   /* this operation alone, or SFS_OP_COUNT */
	size_t lengths[2];	   /* random rows have from this to this many elements; 0: a mix */
	size_t longest;		   /* row of which the device has to answer most */
	bool verbose;		   /* show the inputs of a row that differs */

	Count by_class[SFS_OP_COUNT][CLASSES];
	/* of ordinary data, for which unsure rows are few */
	Count ordinary[SFS_OP_COUNT][SFS_REG_COUNT];
	Count ordinary_by_class[CLASSES];
	/* the first task of each that leaves an ordinary row unanswered */
	char example[SFS_OP_COUNT][SFS_REG_COUNT][160];
	Count *by_family;
	size_t refused[SFS_OP_COUNT][SFS_REG_COUNT]; /* tasks that are not supported */
	size_t tasks;
	size_t failed_runs; /* a status that should not be, or a wrong report */
	size_t touched;		/* bytes outside of outputs */
	size_t changed;		/* inputs */
	int shown;
} Parity;

/* A task that is compared, and where it comes from. */
typedef struct Case
{
	SfsTask task;
	char name[160]; /* what reproduces it */
	size_t family;
	bool ordinary;
} Case;

/* Return how many families of data there are, and the name of one. */
extern size_t families(void);
extern const char *family_name(size_t family);

/* Do rows of this family, at an ordinary strength, have to be answered in general? */
extern bool family_is_ordinary(size_t family);

/* The family whose rows are all singletons. */
extern size_t family_singletons(void);

/* Fill a list; some families touch at the strength; negate: the task sorts -x. */
extern void family_fill(size_t family, double strength, bool negate, double *x, size_t n);

/* Return a random strength; *ordinary: it is one that people use. */
extern double random_strength(bool *ordinary);

/* Does an operation have these inputs? */
extern bool op_has_y(SfsOp op);
extern bool op_has_g(SfsOp op);
extern const char *op_name(SfsOp op);

/* Find the operation that has a name; SFS_OP_COUNT: there is none. */
extern SfsOp find_op(const char *name);

/* Return the class of a row length, and its name. */
extern size_t length_class(size_t n);
extern const char *class_name(size_t class);

/* Make random task number `index` and compare it; return how many rows it has. */
extern size_t run_random(Parity *parity, uint64_t index);

/* Compare all supported operations on long rows of this length. */
extern void run_long(Parity *parity, size_t length);

/* Compare the records of a golden file; return how many there are. */
extern size_t run_golden(Parity *parity, const char *path);

/* Run a task on the device and on the core, and compare.  Only `out` of the task is not set yet. */
extern void compare(Parity *parity, const Case *c);

/* Allocate or end the program. */
extern void *need(size_t bytes);

#endif /* PARITY_H */
