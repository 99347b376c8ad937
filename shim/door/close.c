/* SPDX-License-Identifier: MIT */
/*
 * close(2), what closes many, and what gives a number to another file: a ring ends there, but not
 * with writes under way, whose memory is the program's, nor while we hold on to it.
 */

#include "door/entry.h"
#include "device/kept.h"
#include "base/real.h"
#include "async/ring_op.h"
#include "async/ring_table.h"
#include "async/substitute.h"

#ifndef CLOSE_RANGE_CLOEXEC
#define CLOSE_RANGE_CLOEXEC (1U << 2)
#endif

void closefrom(int first);

static void before(unsigned first, unsigned last)
{
	ring_op_await(first, last);
	ring_table_before_close(first, last);
	substitute_before_close(first, last);
	kept_before_close(first, last);
}

EXPORT int close(int fd)
{
	before((unsigned)fd, (unsigned)fd);
	return real()->close(fd);
}

EXPORT int dup2(int old, int new)
{
	if (old != new)
		before((unsigned)new, (unsigned)new);
	return real()->dup2(old, new);
}

EXPORT int dup3(int old, int new, int flags)
{
	if (old != new)
		before((unsigned)new, (unsigned)new);
	return real()->dup3(old, new, flags);
}

EXPORT int close_range(unsigned first, unsigned last, int flags)
{
	if (!(flags & CLOSE_RANGE_CLOEXEC))
		before(first, last);
	return (int)ret_errno(real_syscall(SYS_close_range, first, last, flags, 0, 0, 0));
}

EXPORT void closefrom(int first)
{
	static void *_Atomic known;
	void (*next)(int) = (void (*)(int))real_find(&known, "libc.so.6", "closefrom");

	before(first < 0 ? 0 : (unsigned)first, ~0U);
	if (next)
		next(first);
}
