/*
 * threads.cpp - see threads.h.
 */
#include "schedule.h"

#include <link.h>

namespace cudasim
{

Thread *current;
Block block;
Schedule schedule;

namespace
{

constexpr unsigned char poison = 0xa5;

/* The barrier of the block. */
struct Barrier
{
	Place place;
	Vote vote;
	unsigned arrived;
	unsigned votes;
	int result;
};

Thread threads[threads_max];
unsigned created; /* threads that have a stack */
Barrier barrier;
Thread *lists[2][threads_max];
Thread **stopped = lists[1]; /* threads at the barrier, as they came */
unsigned ended;
Context host; /* where the launch was made */
const std::function<void()> *body;
const char *kernel_name = "";
std::uint64_t state; /* of the pseudorandom numbers; 0 until asked for */
bool seeded;
char *shared_start; /* static shared memory */
std::size_t shared_size;

/* Print a thread and what it waits for. */
void
print_thread(const Thread *thread)
{
	std::fprintf(stderr, "cudasim:   thread (%u, %u, %u) ", thread->index.x, thread->index.y,
				 thread->index.z);
	if (thread->ended)
		std::fprintf(stderr, "has ended\n");
	else if (thread->waits != nullptr)
		std::fprintf(stderr, "waits in %s at %s\n", thread->waits_for, thread->waits);
	else
		std::fprintf(stderr, "can run\n");
}

/* Print each kind of waiting once, and end the process. */
[[noreturn]] void
print_and_abort()
{
	const char *seen[8];
	unsigned kinds = 0;

	for (unsigned i = 0; i < schedule.count && kinds < 8; i++)
	{
		const char *kind = threads[i].ended ? "" : threads[i].waits;
		bool is_new = kind != nullptr;

		for (unsigned k = 0; k < kinds && is_new; k++)
			is_new = std::strcmp(seen[k], kind) != 0;
		if (!is_new)
			continue;
		seen[kinds++] = kind;
		print_thread(&threads[i]);
	}
	std::fflush(nullptr);
	std::abort();
}

/* Report that nobody can go on: somebody waits for a thread that does not come. */
[[noreturn]] void
report_deadlock()
{
	for (unsigned i = 0; i < schedule.count; i++)
		if (!threads[i].ended)
		{
			current = &threads[i];
			die(Place{threads[i].waits, threads[i].waits_for},
				"not reached by every thread that it waits for");
		}
	std::abort();
}

/* Choose the thread to run next and take it off the list. */
Thread *
choose()
{
	if (schedule.ready_count == 0)
		report_deadlock();
	if (block.permuted)
		std::swap(schedule.ready[random_number() % schedule.ready_count],
				  schedule.ready[schedule.ready_count - 1]);
	return schedule.ready[--schedule.ready_count];
}

/* Note the end of the running thread and run others. */
void
end_thread()
{
	Thread *self = current;

	self->ended = true;
	ended++;
	if (barrier.arrived > 0)
		die(barrier.place, "a thread ends while others wait");
	if (ended < schedule.count)
	{
		current = choose();
		switch_context(&self->context, &current->context);
	}
	else
		switch_context(&self->context, &host);
}

/* Be a thread: of one block after another. */
void
run_thread()
{
	arrive();
	for (;;)
	{
		(*body)();
		end_thread();
	}
}

/* The library has this one thread-local variable that is not shared memory. */
thread_local char anchor;

/* Find the thread-local segment of the object that this code is in. */
int
find_shared(struct dl_phdr_info *info, std::size_t, void *)
{
	std::uintptr_t here = reinterpret_cast<std::uintptr_t>(&find_shared);
	std::size_t size = 0;
	bool mine = false;

	for (int i = 0; i < info->dlpi_phnum; i++)
	{
		const auto &header = info->dlpi_phdr[i];
		std::uintptr_t start = info->dlpi_addr + header.p_vaddr;

		if (header.p_type == PT_LOAD && here >= start && here - start < header.p_memsz)
			mine = true;
		if (header.p_type == PT_TLS)
			size = header.p_memsz;
	}
	if (!mine)
		return 0;
	/* the variables of AddressSanitizer are in the program's segment */
	if (CUDASIM_CLANG_ASAN && info->dlpi_name[0] == '\0')
		return 1;
	shared_start = static_cast<char *>(info->dlpi_tls_data);
	shared_size = shared_start != nullptr ? size : 0;
	return 1;
}

/* Make the threads of a block ready to run from the beginning. */
void
begin_block()
{
	if (shared_size > 0)
		std::memset(shared_start, poison, shared_size);
	schedule.ready_count = 0;
	ended = 0;
	barrier.arrived = 0;
	barrier.votes = 0;
	for (unsigned i = schedule.count; i-- > 0;)
	{
		threads[i].ended = false;
		threads[i].waits = nullptr;
		schedule.ready[schedule.ready_count++] = &threads[i];
	}
}

/* Make threads, as many as a block has, and number them. */
void
prepare_threads(dim3 size)
{
	static dim3 numbered(0, 0, 0);

	if (schedule.ready == nullptr)
		schedule.ready = lists[0];
	schedule.count = size.x * size.y * size.z;
	for (; created < schedule.count; created++)
	{
		threads[created].number = created;
		create_context(&threads[created].context, created, run_thread);
	}
	if (size.x == numbered.x && size.y == numbered.y && size.z == numbered.z)
		return;
	numbered = size;
	for (unsigned i = 0; i < schedule.count; i++)
		threads[i].index = uint3{i % size.x, i / size.x % size.y, i / size.x / size.y};
}

/* Return a step through `total` blocks that visits each of them. */
std::uint64_t
random_step(std::uint64_t total)
{
	for (;;)
	{
		std::uint64_t step = random_number() % total + 1;
		std::uint64_t a = step;
		std::uint64_t b = total;

		while (b != 0)
			std::swap(a %= b, b);
		if (a == 1)
			return step;
	}
}

} // namespace

/* See schedule.h. */
void
pause_thread()
{
	Thread *self = current;

	current = choose();
	if (current != self)
		switch_context(&self->context, &current->context);
}

/* See threads.h. */
std::uint64_t
random_number()
{
	/* xorshift64* */
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return state * UINT64_C(0x2545f4914f6cdd1d) >> 16;
}

/* See threads.h. */
bool
is_permuted()
{
	if (state == 0)
	{
		const char *text = std::getenv("CUDASIM_SEED");
		std::uint64_t seed = text != nullptr ? std::strtoull(text, nullptr, 10) : 0;

		seeded = seed != 0;
		state = (seed + 1) * UINT64_C(0x9e3779b97f4a7c15);
		state = state != 0 ? state : 1;
	}
	return seeded;
}

/* See threads.h. */
void
die(const Place &place, const char *format, ...)
{
	va_list arguments;

	std::fflush(nullptr);
	std::fprintf(stderr, "cudasim: %s: %s: ", place.position, place.name);
	va_start(arguments, format);
	std::vfprintf(stderr, format, arguments);
	va_end(arguments);
	if (current == nullptr)
	{
		std::fprintf(stderr, "\n");
		std::abort();
	}
	std::fprintf(stderr, " (kernel %s, block (%u, %u, %u), thread (%u, %u, %u))\n", kernel_name,
				 block.index.x, block.index.y, block.index.z, current->index.x, current->index.y,
				 current->index.z);
	print_and_abort();
}

/* See threads.h. */
int
block_barrier(const Place &place, Vote vote, bool predicate)
{
	Thread *self = current;

	if (ended > 0)
		die(place, "%u threads of the block have ended", ended);
	if (barrier.arrived == 0)
	{
		barrier.place = place;
		barrier.vote = vote;
	}
	else if (barrier.vote != vote || !same_place(barrier.place, place))
		die(place, "other threads wait in %s at %s", barrier.place.name, barrier.place.position);
	self->waits = place.position;
	self->waits_for = place.name;
	stopped[barrier.arrived++] = self;
	barrier.votes += predicate;
	if (barrier.arrived < schedule.count)
		pause_thread();
	else
	{
		barrier.result = vote == Vote::any	 ? barrier.votes > 0
						 : vote == Vote::all ? barrier.votes == schedule.count
											 : static_cast<int>(barrier.votes);
		barrier.arrived = 0;
		barrier.votes = 0;
		/* all are here: nobody is ready */
		std::swap(schedule.ready, stopped);
		schedule.ready_count = schedule.count;
		pause_thread();
	}
	self->waits = nullptr;
	return barrier.result;
}

/* See threads.h. */
void
give_way(bool always)
{
	Thread *self = current;

	if (self == nullptr || schedule.ready_count == 0 || (!always && random_number() % 4 != 0))
		return;
	if (!block.permuted)
	{
		/* the list is a stack: behind all others, or the same one would come back at once */
		std::memmove(schedule.ready + 1, schedule.ready,
					 schedule.ready_count * sizeof(*schedule.ready));
		schedule.ready[0] = self;
		schedule.ready_count++;
	}
	else
		schedule.ready[schedule.ready_count++] = self;
	pause_thread();
}

/* See threads.h. */
void
run_grid(const char *kernel, dim3 grid, dim3 size, std::size_t shared,
		 const std::function<void()> &threads_body)
{
	std::uint64_t total = static_cast<std::uint64_t>(grid.x) * grid.y * grid.z;
	std::uint64_t number = 0;
	std::uint64_t step = 1;

	anchor = 0; /* or there is no thread-local segment yet */
	dl_iterate_phdr(find_shared, nullptr);
	block.grid = grid;
	block.size = size;
	block.permuted = is_permuted();
	/* of exactly this size, so that AddressSanitizer sees what is beyond */
	block.dynamic = static_cast<char *>(std::malloc(shared));
	body = &threads_body;
	kernel_name = kernel;
	prepare_threads(size);
	if (block.permuted)
	{
		number = random_number() % total;
		step = random_step(total);
	}
	for (std::uint64_t i = 0; i < total; i++)
	{
		block.index = uint3{static_cast<unsigned>(number % grid.x),
							static_cast<unsigned>(number / grid.x % grid.y),
							static_cast<unsigned>(number / grid.x / grid.y)};
		number = (number + step) % total;
		if (shared > 0)
			std::memset(block.dynamic, poison, shared);
		begin_block();
		current = choose();
		switch_context(&host, &current->context);
	}
	current = nullptr;
	std::free(block.dynamic);
	block.dynamic = nullptr;
}

} // namespace cudasim
