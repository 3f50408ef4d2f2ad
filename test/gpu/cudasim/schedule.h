/*
 * schedule.h - what threads.cpp and warp.cpp share: who can run.
 */
#ifndef CUDASIM_SCHEDULE_H
#define CUDASIM_SCHEDULE_H

#include "threads.h"

namespace cudasim
{

/* The threads of the running block. */
struct Schedule
{
	Thread **ready; /* those that can run */
	unsigned ready_count;
	unsigned count; /* of all */
};

extern Schedule schedule __attribute__((visibility("hidden")));

/* Run another thread until somebody chooses this one. */
void pause_thread();

/* Are two places the same? */
inline bool
same_place(const Place &a, const Place &b)
{
	return (a.position == b.position || std::strcmp(a.position, b.position) == 0) &&
		   (a.name == b.name || std::strcmp(a.name, b.name) == 0);
}

} // namespace cudasim

#endif /* CUDASIM_SCHEDULE_H */
