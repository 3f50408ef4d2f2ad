/*
 * cudasim.h - run CUDA sources on the CPU, for tests on machines without a GPU.
 *
 * A .cu file is compiled as C++17 with -DSFS_SIMULATED and linked with the *.cpp of this
 * folder.  Each CUDA thread is a fiber, and the blocks of a launch run one after another.
 * Barriers and the *_sync operations of a warp are exact rendezvous: what a GPU leaves
 * undefined (a divergent barrier, a shuffle from a lane outside of its mask, a lane that does
 * not come) ends the process with file and line.  README.md says what is not seen.
 *
 *   qualifiers.h   __global__ and the like, dim3, vector types
 *   fiber.h        stacks and switching between them
 *   threads.h      the threads of a block, barriers, warps, launches
 *   intrinsics.h   barriers, and operations of a warp
 *   atomics.h      atomic operations
 *   scalar.h       functions of one thread's values
 *   runtime.h      what host code calls: memory, streams, events, properties
 *   launch.h       SFS_LAUNCH
 *
 * Environment: CUDASIM_SEED (a number; 0 or none: a fixed order) permutes the order of threads,
 * blocks and streams; CUDASIM_MEMORY, bytes of the device; CUDASIM_DEVICES, how many there are.
 */
#ifndef CUDASIM_H
#define CUDASIM_H

#include "qualifiers.h"
#include "fiber.h"
#include "threads.h"
#include "intrinsics.h"
#include "atomics.h"
#include "scalar.h"
#include "runtime.h"
#include "launch.h"

namespace cudasim
{

/* There is no GPU here: results are to be labelled as simulated. */
constexpr bool is_simulated = true;

} // namespace cudasim

#endif /* CUDASIM_H */
