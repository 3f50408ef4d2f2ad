/*
 * warp.cpp - operations of a warp: lanes that wait for each other (threads.h).
 */
#include "schedule.h"

namespace cudasim
{
namespace
{

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

Warp warps[threads_max / warp_size];

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

} // namespace

/* See threads.h. */
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
	if (schedule.count - first < warp_size && mask >> (schedule.count - first) != 0)
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
		schedule.ready[schedule.ready_count++] = &lanes[meeting.order[i]];
	if (--warp->waiting > 0)
		std::swap(meeting, warp->list[warp->waiting]);
	if (block.permuted)
	{
		schedule.ready[schedule.ready_count++] = self;
		pause_thread();
	}
	return self->result;
}

} // namespace cudasim
