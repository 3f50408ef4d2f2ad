/*
 * fiber.cpp - see fiber.h.
 */
#include "fiber.h"

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <sys/mman.h>

#if CUDASIM_ASAN
#include <sanitizer/common_interface_defs.h>
#endif

/* -DCUDASIM_UCONTEXT=1 takes the portable way on x86-64, too. */
#ifndef CUDASIM_UCONTEXT
#if defined(__x86_64__) && defined(__linux__)
#define CUDASIM_UCONTEXT 0
#else
#define CUDASIM_UCONTEXT 1
#endif
#endif
#if CUDASIM_UCONTEXT
#include <ucontext.h>
#endif

#if !CUDASIM_UCONTEXT
extern "C" __attribute__((visibility("hidden"))) void cudasim_switch(void **save, void *to);

/* What the System V ABI wants to be kept lies on the stack that is left. */
asm(R"(
	.text
	.p2align 4
	.hidden cudasim_switch
	.globl cudasim_switch
	.type cudasim_switch, @function
cudasim_switch:
	pushq %rbp
	pushq %rbx
	pushq %r12
	pushq %r13
	pushq %r14
	pushq %r15
	movq %rsp, (%rdi)
	movq %rsi, %rsp
	popq %r15
	popq %r14
	popq %r13
	popq %r12
	popq %rbx
	popq %rbp
	ret
	.size cudasim_switch, . - cudasim_switch
)");
#endif

namespace cudasim
{
namespace
{

/* Frames are several times as large with AddressSanitizer. */
constexpr std::size_t stack_size = CUDASIM_ASAN ? 512 << 10 : 128 << 10;
constexpr std::size_t guard_size = 64 << 10;

/* The context that the latest switch has left. */
Context *left;

} // namespace

/* See fiber.h. */
void
create_context(Context *context, unsigned number, void (*entry)())
{
	void *map = mmap(nullptr, guard_size + stack_size, PROT_NONE,
					 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	char *bottom = static_cast<char *>(map) + guard_size;

	if (map == MAP_FAILED || mprotect(bottom, stack_size, PROT_READ | PROT_WRITE) != 0)
	{
		std::fprintf(stderr, "cudasim: no memory for the stack of a thread\n");
		std::abort();
	}
	context->bottom = bottom;
	context->size = stack_size;
#if CUDASIM_UCONTEXT
	ucontext_t *place = static_cast<ucontext_t *>(std::calloc(1, sizeof(ucontext_t)));

	(void) number;
	if (place == nullptr || getcontext(place) != 0)
		std::abort();
	place->uc_stack.ss_sp = bottom;
	place->uc_stack.ss_size = stack_size;
	makecontext(place, entry, 0);
	context->sp = place;
#else
	/* Stacks that begin at one offset in a page would fight for the same lines of the cache. */
	void **top = reinterpret_cast<void **>(bottom + stack_size - number * 5 % 64 * 64);

	*--top = nullptr;
	*--top = reinterpret_cast<void *>(entry);
	for (int i = 0; i < 6; i++)
		*--top = nullptr;
	context->sp = top;
#endif
}

/* See fiber.h. */
void
arrive()
{
#if CUDASIM_ASAN
	__sanitizer_finish_switch_fiber(nullptr, &left->bottom, &left->size);
#endif
}

/* See fiber.h. */
void
switch_context(Context *from, Context *to)
{
	left = from;
#if CUDASIM_ASAN
	__sanitizer_start_switch_fiber(&from->fake_stack, to->bottom, to->size);
#endif
#if CUDASIM_UCONTEXT
	if (from->sp == nullptr)
		from->sp = std::calloc(1, sizeof(ucontext_t));
	swapcontext(static_cast<ucontext_t *>(from->sp), static_cast<ucontext_t *>(to->sp));
#else
	cudasim_switch(&from->sp, to->sp);
#endif
#if CUDASIM_ASAN
	__sanitizer_finish_switch_fiber(from->fake_stack, &left->bottom, &left->size);
#endif
}

} // namespace cudasim
