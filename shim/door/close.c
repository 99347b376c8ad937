/* SPDX-License-Identifier: MIT */
/*
 * close(), the calls that close many numbers (close_range(), closefrom()), and those that give a
 * number to another file (dup2(), dup3(), freopen()).
 *
 * Before a ring's descriptor is closed, we wait for its writes under way, because they use the
 * program's memory; then we release the ring. A hold ends before the program closes, or gives to
 * another file, its last descriptor through which atomic writes to that node went (device/hold.h).
 * The program cannot close our own numbers, which hold_owns() knows: close() returns EBADF,
 * close_range() leaves them open, and dup2() onto one first takes the hold out of the table. For a
 * number that no look or hold has marked, the check for holds is one load.
 */
#include <limits.h>
#include <stdio.h>
#include <fcntl.h>

#include "async/aio_table.h"
#include "async/ring_op.h"
#include "async/ring_table.h"
#include "async/substitute.h"
#include "base/cleanup.h"
#include "base/guard.h"
#include "base/real.h"
#include "device/hold.h"
#include "door/entry.h"

#ifndef CLOSE_RANGE_CLOEXEC
#define CLOSE_RANGE_UNSHARE (1U << 1)
#define CLOSE_RANGE_CLOEXEC (1U << 2)
#endif

void closefrom(int first);

/* If these numbers have our eventfds of libaio or the program's rings, waits for their writes under
 * way. Then forgets what we know of the numbers. */
static void before(unsigned first, unsigned last)
{
	aio_table_before_close(first, last);
	ring_op_before_close(first, last);
	ring_table_before_close(first, last);
	substitute_before_close(first, last);
}

/* Begins a change of these numbers, which ends with the scope: a system call that closes them or
 * gives them to other files. GUARDED holds off signals and cancellation. Between begin and end, a
 * handler that jumps away or a cancellation would keep the change open for ever. */
#define CHANGE(first, last)                                                                        \
	GUARDED;                                                                                   \
	__attribute__((cleanup(end_change), unused)) char change;                                  \
	begin_change(first, last)

static void begin_change(unsigned first, unsigned last)
{
	KEEP_ERRNO;

	hold_before_change(first, last);
}

static void end_change(const char *unused)
{
	(void)unused;
	hold_after_change();
}

/* True: the number is a hold's or borrowed, so the program must not close it. */
static bool is_ours(int fd)
{
	KEEP_ERRNO;

	return hold_owns((unsigned)fd);
}

/* True if a marked number still names a node. If not, its close must not be guarded: the close of
 * another kind of file may block for ever, and signals must then be able to interrupt it. */
static bool names_node(int fd)
{
	KEEP_ERRNO;
	struct look look;

	return look_at_node(fd, &look) == 0;
}

static int close_marked(int fd)
{
	if (is_ours(fd))
		return (int)ret_errno(-EBADF);
	if (!names_node(fd))
		return REAL(close)(fd);
	pthread_testcancel(); /* CHANGE keeps close() from being a cancellation point */
	CHANGE((unsigned)fd, (unsigned)fd);
	return REAL(close)(fd);
}

EXPORT int close(int fd)
{
	before((unsigned)fd, (unsigned)fd);
	if (look_is_marked((unsigned)fd))
		return close_marked(fd);
	return REAL(close)(fd);
}

/* Returns the stream's descriptor, or -1 if it has none, such as a stream in memory. */
static int number_of(FILE *stream)
{
	KEEP_ERRNO;

	return stream ? fileno(stream) : -1;
}

static bool is_marked_stream(FILE *stream)
{
	int fd = number_of(stream);

	return fd >= 0 && look_is_marked((unsigned)fd) && names_node(fd);
}

EXPORT int fclose(FILE *stream)
{
	if (!is_marked_stream(stream))
		return REAL(fclose)(stream);
	int fd = number_of(stream);
	CHANGE((unsigned)fd, (unsigned)fd);
	return REAL(fclose)(stream);
}

static FILE *reopen(const char *path, const char *mode, FILE *stream)
{
	if (!is_marked_stream(stream))
		return REAL(freopen)(path, mode, stream);
	int fd = number_of(stream);
	CHANGE((unsigned)fd, (unsigned)fd);
	return REAL(freopen)(path, mode, stream);
}

EXPORT FILE *freopen(const char *restrict path, const char *restrict mode, FILE *restrict stream)
{
	return reopen(path, mode, stream);
}

/* With a 64-bit off_t it is the same function. */
#undef freopen64
FILE *freopen64(const char *restrict path, const char *restrict mode, FILE *restrict stream);
EXPORT FILE *freopen64(const char *restrict path, const char *restrict mode, FILE *restrict stream)
{
	return reopen(path, mode, stream);
}

/* If the number to copy is not open, dup2() fails, the target keeps its file, and no hold ends. */
static bool is_open(int fd)
{
	KEEP_ERRNO;

	return real_syscall(SYS_fcntl, fd, F_GETFD, 0, 0, 0, 0) >= 0;
}

/* If the number is a hold's or borrowed, waits until no write uses it, so that the program can have
 * it. 0 or -errno. */
static int make_way(int number)
{
	KEEP_ERRNO;

	return hold_owns((unsigned)number) ? hold_move((unsigned)number) : 0;
}

static int dup_onto_marked(int old, int new, int flags)
{
	int error = make_way(new);
	if (error)
		return (int)ret_errno(error);
	CHANGE((unsigned)new, (unsigned)new);
	return flags < 0 ? REAL(dup2)(old, new) : REAL(dup3)(old, new, flags);
}

/* True: the call takes the number `to` away from a node. */
static bool takes_a_node(int old, int to)
{
	return old != to && look_is_marked((unsigned)to) && names_node(to) && is_open(old);
}

EXPORT int dup2(int old, int new)
{
	if (old != new)
		before((unsigned)new, (unsigned)new);
	if (takes_a_node(old, new))
		return dup_onto_marked(old, new, -1);
	return REAL(dup2)(old, new);
}

EXPORT int dup3(int old, int new, int flags)
{
	if (old != new)
		before((unsigned)new, (unsigned)new);
	if (!(flags & ~O_CLOEXEC) && takes_a_node(old, new))
		return dup_onto_marked(old, new, flags);
	return REAL(dup3)(old, new, flags);
}

/* True: a marked number in this range names a node. */
static bool has_node(unsigned first, unsigned last)
{
	for (unsigned i = look_next(first); i <= last && i != LOOK_NONE; i = look_next(i + 1)) {
		if (names_node((int)i))
			return true;
	}
	return false;
}

/* Closes the range, except our own descriptors in it. */
static int close_pieces(unsigned first, unsigned last)
{
	int before_all = errno;
	long result = 0;
	unsigned own;

	CHANGE(first, last);
	while (!result && (own = hold_next(first)) <= last && own != UINT_MAX) {
		if (own > first)
			result = real_syscall(SYS_close_range, first, own - 1, 0, 0, 0, 0);
		first = own + 1;
	}
	if (!result && first <= last)
		result = real_syscall(SYS_close_range, first, last, 0, 0, 0, 0);
	errno = before_all;
	return (int)ret_errno(result);
}

EXPORT int close_range(unsigned first, unsigned last, int flags)
{
	bool closes = first <= last && !(flags & ~(int)CLOSE_RANGE_UNSHARE);

	if (closes)
		before(first, last);
	/* With CLOSE_RANGE_UNSHARE a thread that shares its table of descriptors gets a copy first,
	 * and the kernel closes the numbers only there. The shared table keeps them, so no hold
	 * ends. */
	if (closes && !flags && has_node(first, last))
		return close_pieces(first, last);
	return (int)ret_errno(real_syscall(SYS_close_range, first, last, flags, 0, 0, 0));
}

EXPORT void closefrom(int first)
{
	static void *_Atomic known;
	void (*next)(int) = (void (*)(int))real_find(&known, "libc.so.6", "closefrom");
	unsigned from = first < 0 ? 0 : (unsigned)first;

	before(from, ~0U);
	if (has_node(from, ~0U) && close_pieces(from, ~0U) == 0)
		return;
	if (next)
		next(first);
}
