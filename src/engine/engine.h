/*
 * engine.h - who runs a task: the contract of an engine, and the dispatcher.
 *
 * An engine takes any task it supports and a workspace of the size it asked
 * for.  It never throws, never jumps, never changes an input.  Outputs count
 * only after SFS_OK, so whatever an engine leaves behind when it fails, the next
 * one repeats the whole task.  Every engine gives the same digits (N2).
 *
 * To add one: a struct SfsEngine in a file or library of its own and a call of
 * sfs_engine_register; test/unit/test_engine.c shows a second one.
 */
#ifndef SFS_ENGINE_H
#define SFS_ENGINE_H

#include "sfs_core.h"

#define SFS_ENGINE_ABI 1

typedef struct SfsEngineError
{
	char reason[200]; /* for an error detail; empty when there is nothing to say */
} SfsEngineError;

typedef struct SfsEngine
{
	uint32_t abi_version; /* SFS_ENGINE_ABI, checked first */
	uint32_t struct_size; /* sizeof(SfsEngine) as compiled */
	const char *name;
	/* Can and should this engine run this task?  A "no" is not an error. */
	bool (*supports)(const SfsTask *task);
	/* Bytes of host workspace that run needs; may exceed 1 GB. */
	size_t (*workspace)(const SfsTask *task);
	/* Run to completion, or to the first reason not to. */
	SfsStatus (*run)(const SfsTask *task, void *workspace, size_t bytes, const SfsHooks *hooks,
					 SfsEngineError *error);
} SfsEngine;

/* The core behind the contract; supports everything. */
extern const SfsEngine sfs_engine_cpu;

/* Offer tasks to an engine before those that are there; false: not acceptable, or no room. */
extern bool sfs_engine_register(const SfsEngine *engine);

/* Stop offering tasks to an engine. */
extern void sfs_engine_unregister(const SfsEngine *engine);

/*
 * Run a task on the first engine that supports it and does not fail; the CPU
 * comes last.  Returns SFS_OK, SFS_CANCELLED, SFS_OUT_OF_RANGE, SFS_NO_MEMORY, or SFS_REFUSED
 * from an engine that its user insists on.
 */
extern SfsStatus sfs_engine_run(const SfsTask *task, const SfsHooks *hooks, SfsEngineError *error);

#endif /* SFS_ENGINE_H */
