/*
 * block.cpp - see block.h.
 */
#include "block.h"

#include <link.h>

#if defined(__clang__) && CUDASIM_ASAN
#define CUDASIM_CLANG_ASAN 1
#else
#define CUDASIM_CLANG_ASAN 0
#endif

namespace cudasim
{

Thread *current;
Block block;

namespace
{

constexpr unsigned char poison = 0xa5;

/* Lanes that wait for each other. */
struct Rendezvous
{
	unsigned mask;
	unsigned arrived;
	WarpOperation operation;
	Place place;
	unsigned order[warp_size]; /* the lanes as they came */
	unsigned count;
	std::uint64_t value[warp_size];
	unsigned source[warp_size];
};

/* A warp: its rendezvous that wait for lanes are the first ones of the list. */
struct Warp
{
	unsigned waiting = 0;
	std::vector<Rendezvous> list = std::vector<Rendezvous>(2);
};

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
Warp warps[threads_max / warp_size];
Barrier barrier;
Thread *lists[2][threads_max];
Thread **ready = lists[0];	 /* threads that can run */
Thread **stopped = lists[1]; /* threads at the barrier, as they came */
unsigned ready_count;
unsigned count; /* of threads in the block */
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

	for (unsigned i = 0; i < count && kinds < 8; i++)
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

/* Are two places the same? */
bool
same_place(const Place &a, const Place &b)
{
	return (a.position == b.position || std::strcmp(a.position, b.position) == 0) &&
		   (a.name == b.name || std::strcmp(a.name, b.name) == 0);
}

/* Report that nobody can go on: somebody waits for a thread that does not come. */
[[noreturn]] void
report_deadlock()
{
	for (unsigned i = 0; i < count; i++)
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
	if (ready_count == 0)
		report_deadlock();
	if (seeded)
		std::swap(ready[random_number() % ready_count], ready[ready_count - 1]);
	return ready[--ready_count];
}

/* Run another thread until somebody chooses this one. */
void
pause_thread()
{
	Thread *self = current;

	current = choose();
	if (current != self)
		switch_context(&self->context, &current->context);
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
	if (ended < count)
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
	/* clang links its AddressSanitizer into programs, whose variables would be hit */
	if (CUDASIM_CLANG_ASAN && info->dlpi_name[0] == '\0')
		return 1;
	shared_start = static_cast<char *>(info->dlpi_tls_data);
	shared_size = shared_start != nullptr ? size : 0;
	return 1;
}

/* Return the sum, minimum and so on of the values of the lanes of a rendezvous. */
std::uint64_t
reduce(const Rendezvous &meeting)
{
	std::uint64_t result = meeting.value[meeting.order[0]];

	for (unsigned i = 1; i < meeting.count; i++)
	{
		std::uint64_t value = meeting.value[meeting.order[i]];

		switch (meeting.operation)
		{
			case WarpOperation::add:
				result += value;
				break;
			case WarpOperation::min_signed:
				result = static_cast<std::uint64_t>(
					std::min(static_cast<std::int64_t>(result), static_cast<std::int64_t>(value)));
				break;
			case WarpOperation::max_signed:
				result = static_cast<std::uint64_t>(
					std::max(static_cast<std::int64_t>(result), static_cast<std::int64_t>(value)));
				break;
			case WarpOperation::min_unsigned:
				result = std::min(result, value);
				break;
			case WarpOperation::max_unsigned:
				result = std::max(result, value);
				break;
			case WarpOperation::bit_and:
				result &= value;
				break;
			case WarpOperation::bit_or:
				result |= value;
				break;
			default:
				result ^= value;
				break;
		}
	}
	return result;
}

/* Return the lanes of a rendezvous whose value is one of two: equal to `value`, or anything but. */
unsigned
lanes_with(const Rendezvous &meeting, std::uint64_t value, bool equal)
{
	unsigned lanes = 0;

	for (unsigned i = 0; i < meeting.count; i++)
		if ((meeting.value[meeting.order[i]] == value) == equal)
			lanes |= 1u << meeting.order[i];
	return lanes;
}

/* Work out the results of a rendezvous to which all lanes have come. */
void
complete(const Rendezvous &meeting, Thread *lanes)
{
	std::uint64_t result = 0;

	switch (meeting.operation)
	{
		case WarpOperation::sync:
			return;
		case WarpOperation::shuffle:
			for (unsigned i = 0; i < meeting.count; i++)
				lanes[meeting.order[i]].result = meeting.value[meeting.source[meeting.order[i]]];
			return;
		case WarpOperation::match_any:
			for (unsigned i = 0; i < meeting.count; i++)
				lanes[meeting.order[i]].result =
					lanes_with(meeting, meeting.value[meeting.order[i]], true);
			return;
		case WarpOperation::ballot:
			result = lanes_with(meeting, 0, false);
			break;
		case WarpOperation::any:
			result = lanes_with(meeting, 0, false) != 0;
			break;
		case WarpOperation::all:
			result = lanes_with(meeting, 0, false) == meeting.mask;
			break;
		default:
			result = reduce(meeting);
			break;
	}
	for (unsigned i = 0; i < meeting.count; i++)
		lanes[meeting.order[i]].result = result;
}

/* Find the rendezvous of a mask, or begin it. */
Rendezvous &
find_rendezvous(Warp *warp, const Place &place, WarpOperation operation, unsigned mask)
{
	for (unsigned i = 0; i < warp->waiting; i++)
	{
		Rendezvous &meeting = warp->list[i];

		if (meeting.mask != mask)
			continue;
		if (meeting.operation != operation || !same_place(meeting.place, place))
			die(place, "another lane of the mask %08x is in %s at %s", mask, meeting.place.name,
				meeting.place.position);
		return meeting;
	}
	if (warp->list.size() == warp->waiting)
		warp->list.emplace_back();

	Rendezvous &meeting = warp->list[warp->waiting++];

	meeting.mask = mask;
	meeting.arrived = 0;
	meeting.operation = operation;
	meeting.place = place;
	meeting.count = 0;
	return meeting;
}

/* Make the threads of a block ready to run from the beginning. */
void
begin_block()
{
	if (shared_size > 0)
		std::memset(shared_start, poison, shared_size);
	ready_count = 0;
	ended = 0;
	barrier.arrived = 0;
	barrier.votes = 0;
	for (unsigned i = count; i-- > 0;)
	{
		threads[i].ended = false;
		threads[i].waits = nullptr;
		ready[ready_count++] = &threads[i];
	}
}

/* Make threads, as many as a block has, and number them. */
void
prepare_threads(dim3 size)
{
	static dim3 numbered(0, 0, 0);

	count = size.x * size.y * size.z;
	for (; created < count; created++)
	{
		threads[created].number = created;
		create_context(&threads[created].context, created, run_thread);
	}
	if (size.x == numbered.x && size.y == numbered.y && size.z == numbered.z)
		return;
	numbered = size;
	for (unsigned i = 0; i < count; i++)
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

/* See block.h. */
std::uint64_t
random_number()
{
	/* xorshift64* */
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return state * UINT64_C(0x2545f4914f6cdd1d) >> 16;
}

/* See block.h. */
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

/* See block.h. */
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

/* See block.h. */
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
	if (barrier.arrived < count)
		pause_thread();
	else
	{
		barrier.result = vote == Vote::any	 ? barrier.votes > 0
						 : vote == Vote::all ? barrier.votes == count
											 : static_cast<int>(barrier.votes);
		barrier.arrived = 0;
		barrier.votes = 0;
		/* all are here: nobody is ready */
		std::swap(ready, stopped);
		ready_count = count;
		pause_thread();
	}
	self->waits = nullptr;
	return barrier.result;
}

/* See block.h. */
std::uint64_t
warp_rendezvous(const Place &place, WarpOperation operation, unsigned mask, std::uint64_t value,
				unsigned source)
{
	Thread *self = current;
	unsigned lane = self->number % warp_size;
	Thread *lanes = self - lane;
	unsigned first = self->number - lane;
	Warp *warp = &warps[first / warp_size];

	if ((mask >> lane & 1) == 0)
		die(place, "the mask %08x lacks the calling lane %u", mask, lane);
	if (count - first < warp_size && mask >> (count - first) != 0)
		die(place, "the mask %08x has lanes that the block does not have", mask);
	if (operation == WarpOperation::shuffle && (mask >> source & 1) == 0)
		die(place, "reads lane %u, which is outside of the mask %08x", source, mask);

	Rendezvous &meeting = find_rendezvous(warp, place, operation, mask);

	meeting.arrived |= 1u << lane;
	meeting.value[lane] = value;
	meeting.source[lane] = source;
	meeting.order[meeting.count++] = lane;
	if (meeting.arrived != mask)
	{
		self->waits = place.position;
		self->waits_for = place.name;
		pause_thread();
		self->waits = nullptr;
		return self->result;
	}
	complete(meeting, lanes);
	for (unsigned i = 0; i + 1 < meeting.count; i++)
		ready[ready_count++] = &lanes[meeting.order[i]];
	if (--warp->waiting > 0)
		std::swap(meeting, warp->list[warp->waiting]);
	if (seeded)
	{
		ready[ready_count++] = self;
		pause_thread();
	}
	return self->result;
}

/* See block.h. */
void
give_way(bool always)
{
	Thread *self = current;

	if (self == nullptr || ready_count == 0 || (!always && random_number() % 4 != 0))
		return;
	if (!seeded)
	{
		/* the list is a stack: behind all others, or the same one would come back at once */
		std::memmove(ready + 1, ready, ready_count * sizeof(*ready));
		ready[0] = self;
		ready_count++;
	}
	else
		ready[ready_count++] = self;
	pause_thread();
}

/* See block.h. */
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
