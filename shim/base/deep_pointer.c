/* SPDX-License-Identifier: MIT */
/*
 * `known` has the thread pointers of armed threads. If the current one is not among them, the
 * kernel gives the list of robust mutexes that the C library registered for this thread. Its head
 * lies at the same distance from each thread's pointer.
 */
#include "base/deep_pointer.h"

#ifdef __x86_64__

#include <stdatomic.h>
#include <sys/auxv.h>
#include <sys/syscall.h>

#include "base/deep.h"
#include "base/real.h"

enum {
	FSGSBASE = 1 << 1, /* HWCAP2_FSGSBASE, arch/x86/include/uapi/asm/hwcap2.h */
	PLACES = 1024,
	NEAR = 8,
};

static _Atomic uintptr_t known[PLACES];
static uintptr_t distance;
static bool can;

static inline uintptr_t get(void)
{
	uintptr_t pointer;

	__asm__ volatile("rdfsbase %0" : "=r"(pointer));
	return pointer;
}

static inline void put(uintptr_t pointer)
{
	__asm__ volatile("wrfsbase %0" ::"r"(pointer) : "memory");
}

static unsigned first_place(uintptr_t pointer)
{
	return (unsigned)((pointer >> 6) * UINT64_C(0x9e3779b97f4a7c15) >> 54);
}

static inline __attribute__((always_inline)) bool is_known(uintptr_t pointer)
{
	unsigned first = first_place(pointer);

	if (!pointer) /* a free place */
		return false;
	if (atomic_load_explicit(&known[first], memory_order_relaxed) == pointer)
		return true;
	for (unsigned i = first + 1; i < first + NEAR; i++) {
		if (atomic_load_explicit(&known[i % PLACES], memory_order_relaxed) == pointer)
			return true;
	}
	return false;
}

/* If all its places are taken, the last one is overwritten, and the kernel is asked about that
 * thread again. */
DEEP_BARE static void remember(uintptr_t pointer)
{
	unsigned first = first_place(pointer), place = first;

	while (place < first + NEAR - 1 && atomic_load(&known[place % PLACES]))
		place++;
	atomic_store(&known[place % PLACES], pointer);
}

/* Returns the C library's pointer, or 0. The call fails for no thread, so it does not touch
 * errno. */
DEEP_BARE static uintptr_t ask(void)
{
	uintptr_t head = 0;
	size_t size;

	if (real_syscall(SYS_get_robust_list, 0, (long)&head, (long)&size, 0, 0, 0) < 0)
		return 0;
	return head - distance;
}

void deep_pointer_start(void)
{
	uintptr_t head = getauxval(AT_HWCAP2) & FSGSBASE ? ask() : 0;

	can = head != 0;
	if (can)
		distance = head - get();
}

void deep_pointer_learn(void)
{
	if (can && !is_known(get()))
		remember(get());
}

DEEP_BARE void deep_pointer_enter(struct deep_pointer *ret_pointer)
{
	ret_pointer->is_theirs = false;
	if (!can)
		return;
	ret_pointer->theirs = get();
	if (is_known(ret_pointer->theirs))
		return;
	uintptr_t ours = ask();
	if (ours == ret_pointer->theirs)
		remember(ours);
	else if (is_known(ours)) {
		put(ours);
		ret_pointer->is_theirs = true;
	}
}

DEEP_BARE void deep_pointer_leave(const struct deep_pointer *pointer)
{
	if (pointer->is_theirs)
		put(pointer->theirs);
}

bool deep_pointer_can(void)
{
	return can;
}

void deep_pointer_set(struct deep_pointer *pointer, uintptr_t value)
{
	pointer->theirs = value;
	pointer->is_theirs = value != get();
}

#else

void deep_pointer_start(void)
{
}

void deep_pointer_learn(void)
{
}

void deep_pointer_enter(struct deep_pointer *ret_pointer)
{
	ret_pointer->is_theirs = false;
}

void deep_pointer_leave(const struct deep_pointer *pointer)
{
	(void)pointer;
}

#endif
