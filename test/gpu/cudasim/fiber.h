/*
 * fiber.h - stacks, and switching between them.
 *
 * On x86-64 a switch is a dozen instructions; elsewhere it is swapcontext.  Below each
 * stack lies a guard that cannot be written to, so that an overflow is a fault and not damage.
 */
#ifndef CUDASIM_FIBER_H
#define CUDASIM_FIBER_H

#include <cstddef>

#if defined(__SANITIZE_ADDRESS__)
#define CUDASIM_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define CUDASIM_ASAN 1
#endif
#endif
#ifndef CUDASIM_ASAN
#define CUDASIM_ASAN 0
#endif

/* clang links its AddressSanitizer into programs, with thread-local variables of its own. */
#if defined(__clang__)
#define CUDASIM_CLANG_ASAN CUDASIM_ASAN
#else
#define CUDASIM_CLANG_ASAN 0
#endif

namespace cudasim
{

/* Where a stack of execution has stopped. */
struct Context
{
	void *sp = nullptr;			  /* x86-64: the stack pointer; else a ucontext_t */
	const void *bottom = nullptr; /* of the stack, for AddressSanitizer */
	std::size_t size = 0;
	void *fake_stack = nullptr; /* AddressSanitizer's */
};

/* Give a context a stack of its own, number `number`, on which `entry` will run; it never returns. */
void create_context(Context *context, unsigned number, void (*entry)());

/* Say, as the first thing in an entry, that the switch to it is over. */
void arrive();

/* Stop here, in `from`, and go on where `to` has stopped. */
void switch_context(Context *from, Context *to);

} // namespace cudasim

#endif /* CUDASIM_FIBER_H */
