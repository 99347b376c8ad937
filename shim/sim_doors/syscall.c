/* SPDX-License-Identifier: MIT */
/*
 * syscall() of the simulated disk. Programs call it, and the shim above us. A call that may concern
 * a node goes to our function of the call's name (read(), openat() ...), or to aio.c or ring.c. All
 * other calls go to the next syscall(), mostly the C library's. No state and no lock of its own.
 */
#include <linux/aio_abi.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/syscall.h>

#include "sim_doors/doors.h"

#ifndef SYS_cachestat
#define SYS_cachestat 451
#endif

enum { ARGUMENTS = 6, NUMBERS = 512 };

/* The kind of a call; most are NOT_OURS and go to the next syscall(). PATH_FIRST and PATH_SECOND
 * say which argument is the path. EARLY calls may bring a node, or concern a queue that may have
 * entries of one: like the paths, they are ours even while no node is open. The order matters:
 * calls from DATA on are ours only while a node is open. */
enum kind { NOT_OURS, PATH_FIRST, PATH_SECOND, EARLY, DATA, DESCRIPTOR, MEMORY, QUEUE };
static const uint8_t kinds[NUMBERS] = {
#ifdef SYS_open
	[SYS_open] = PATH_FIRST,
	[SYS_stat] = PATH_FIRST,
	[SYS_lstat] = PATH_FIRST,
	[SYS_access] = PATH_FIRST,
	[SYS_readlink] = PATH_FIRST,
#endif
	[SYS_truncate] = PATH_FIRST,
	[SYS_openat] = PATH_SECOND,
	[SYS_newfstatat] = PATH_SECOND,
	[SYS_statx] = PATH_SECOND,
	[SYS_faccessat] = PATH_SECOND,
	[SYS_read] = DATA,
	[SYS_write] = DATA,
	[SYS_pread64] = DATA,
	[SYS_pwrite64] = DATA,
	[SYS_readv] = DATA,
	[SYS_writev] = DATA,
	[SYS_preadv] = DATA,
	[SYS_pwritev] = DATA,
	[SYS_preadv2] = DATA,
	[SYS_pwritev2] = DATA,
	[SYS_sendfile] = DATA,
	[SYS_splice] = DATA,
	[SYS_copy_file_range] = DATA,
	[SYS_fstat] = DESCRIPTOR,
	[SYS_ioctl] = DESCRIPTOR,
	[SYS_lseek] = DESCRIPTOR,
	[SYS_fsync] = DESCRIPTOR,
	[SYS_fdatasync] = DESCRIPTOR,
	[SYS_fallocate] = DESCRIPTOR,
	[SYS_ftruncate] = DESCRIPTOR,
	[SYS_msync] = DESCRIPTOR,
	[SYS_cachestat] = DESCRIPTOR,
	[SYS_mmap] = MEMORY,
	[SYS_recvmsg] = EARLY,
	[SYS_io_submit] = QUEUE,
	[SYS_io_getevents] = EARLY,
	[SYS_io_pgetevents] = EARLY,
	[SYS_io_destroy] = EARLY,
	[SYS_io_uring_setup] = EARLY,
	[SYS_io_uring_enter] = QUEUE,
	[SYS_io_uring_register] = EARLY,
};

#define POINTER(n) ((void *)arguments[n])
#define NUMBER(n)  ((int)arguments[n])
#define SIZE(n)    ((size_t)arguments[n])

/* Each by_...() makes the call through our function for it. False: it did not; the call then goes
 * to the next syscall(). */
static bool by_path(long number, const long *arguments, long *ret_result)
{
	switch (number) {
#ifdef SYS_open
	case SYS_open:
		*ret_result = open(POINTER(0), NUMBER(1), arguments[2]);
		return true;
	case SYS_stat:
		*ret_result = stat(POINTER(0), POINTER(1));
		return true;
	case SYS_lstat:
		*ret_result = lstat(POINTER(0), POINTER(1));
		return true;
	case SYS_access:
		*ret_result = access(POINTER(0), NUMBER(1));
		return true;
	case SYS_readlink:
		*ret_result = readlink(POINTER(0), POINTER(1), SIZE(2));
		return true;
#endif
	case SYS_openat:
		*ret_result = openat(NUMBER(0), POINTER(1), NUMBER(2), arguments[3]);
		return true;
	case SYS_newfstatat:
		*ret_result = fstatat(NUMBER(0), POINTER(1), POINTER(2), NUMBER(3));
		return true;
	case SYS_statx:
		*ret_result =
			statx(NUMBER(0), POINTER(1), NUMBER(2), (unsigned)arguments[3], POINTER(4));
		return true;
	case SYS_faccessat:
		*ret_result = faccessat(NUMBER(0), POINTER(1), NUMBER(2), 0);
		return true;
	case SYS_truncate:
		*ret_result = truncate(POINTER(0), arguments[1]);
		return true;
	default:
		return false;
	}
}

static bool by_data(long number, const long *arguments, long *ret_result)
{
	switch (number) {
	case SYS_read:
		*ret_result = read(NUMBER(0), POINTER(1), SIZE(2));
		return true;
	case SYS_write:
		*ret_result = write(NUMBER(0), POINTER(1), SIZE(2));
		return true;
	case SYS_pread64:
		*ret_result = pread(NUMBER(0), POINTER(1), SIZE(2), arguments[3]);
		return true;
	case SYS_pwrite64:
		*ret_result = pwrite(NUMBER(0), POINTER(1), SIZE(2), arguments[3]);
		return true;
	case SYS_readv:
		*ret_result = readv(NUMBER(0), POINTER(1), NUMBER(2));
		return true;
	case SYS_writev:
		*ret_result = writev(NUMBER(0), POINTER(1), NUMBER(2));
		return true;
	case SYS_preadv:
		*ret_result = preadv(NUMBER(0), POINTER(1), NUMBER(2), arguments[3]);
		return true;
	case SYS_pwritev:
		*ret_result = pwritev(NUMBER(0), POINTER(1), NUMBER(2), arguments[3]);
		return true;
	case SYS_preadv2:
		*ret_result = preadv2(NUMBER(0), POINTER(1), NUMBER(2), arguments[3], NUMBER(5));
		return true;
	case SYS_pwritev2:
		*ret_result = pwritev2(NUMBER(0), POINTER(1), NUMBER(2), arguments[3], NUMBER(5));
		return true;
	case SYS_sendfile:
		*ret_result = sendfile(NUMBER(0), NUMBER(1), POINTER(2), SIZE(3));
		return true;
	case SYS_splice:
		*ret_result = splice(NUMBER(0), POINTER(1), NUMBER(2), POINTER(3), SIZE(4),
				     (unsigned)arguments[5]);
		return true;
	case SYS_copy_file_range:
		*ret_result = copy_file_range(NUMBER(0), POINTER(1), NUMBER(2), POINTER(3), SIZE(4),
					      (unsigned)arguments[5]);
		return true;
	default:
		return false;
	}
}

static bool by_descriptor(long number, const long *arguments, long *ret_result)
{
	struct sim_node node;

	switch (number) {
	case SYS_fstat:
		*ret_result = fstat(NUMBER(0), POINTER(1));
		return true;
	case SYS_ioctl:
		*ret_result = ioctl(NUMBER(0), (unsigned long)arguments[1], arguments[2]);
		return true;
	case SYS_lseek:
		*ret_result = lseek(NUMBER(0), arguments[1], NUMBER(2));
		return true;
	case SYS_fsync:
		*ret_result = fsync(NUMBER(0));
		return true;
	case SYS_fdatasync:
		*ret_result = fdatasync(NUMBER(0));
		return true;
	case SYS_fallocate:
		*ret_result = fallocate(NUMBER(0), NUMBER(1), arguments[2], arguments[3]);
		return true;
	case SYS_ftruncate:
		*ret_result = ftruncate(NUMBER(0), arguments[1]);
		return true;
	case SYS_msync:
		*ret_result = msync(POINTER(0), SIZE(1), NUMBER(2));
		return true;
	case SYS_cachestat:
		/* For a node always ENOSYS: a kernel with cachestat() (6.5) would look at the empty
		 * file on which the descriptor is open, not at the disk. */
		*ret_result = ret_errno(-ENOSYS);
		return sim_node_of_fd(NUMBER(0), &node);
	default:
		return false;
	}
}

/* EARLY and QUEUE. */
static bool by_queue(long number, const long *arguments, long *ret_result)
{
	switch (number) {
	case SYS_recvmsg:
		*ret_result = recvmsg(NUMBER(0), POINTER(1), NUMBER(2));
		return true;
	case SYS_io_submit:
		*ret_result = ret_errno(
			sim_aio_submit((unsigned long)arguments[0], arguments[1], POINTER(2)));
		return true;
	case SYS_io_getevents:
	case SYS_io_pgetevents:
		*ret_result = ret_errno(sim_aio_getevents(number, (unsigned long)arguments[0],
							  arguments[1], arguments[2], POINTER(3),
							  POINTER(4), POINTER(5)));
		return true;
	case SYS_io_destroy:
		*ret_result = ret_errno(sim_aio_destroy((unsigned long)arguments[0]));
		return true;
	case SYS_io_uring_setup:
		*ret_result = ret_errno(sim_ring_setup((unsigned)arguments[0], POINTER(1)));
		return true;
	case SYS_io_uring_enter:
		*ret_result = ret_errno(sim_ring_enter(
			(unsigned)arguments[0], (unsigned)arguments[1], (unsigned)arguments[2],
			(unsigned)arguments[3], POINTER(4), SIZE(5)));
		return true;
	case SYS_io_uring_register:
		*ret_result =
			ret_errno(sim_ring_register((unsigned)arguments[0], (unsigned)arguments[1],
						    POINTER(2), (unsigned)arguments[3]));
		return true;
	default:
		return false;
	}
}

/* Only mappings of nodes go through mmap(). A sanitizer's runtime makes mappings of its own by
 * system calls, and the sanitizer's mmap() would refuse these. */
static bool by_memory(const long *arguments, long *ret_result)
{
	struct sim_file file;

	if ((NUMBER(3) & MAP_ANONYMOUS) || !sim_file_of_fd(NUMBER(4), &file))
		return false;
	*ret_result =
		(long)mmap(POINTER(0), SIZE(1), NUMBER(2), NUMBER(3), NUMBER(4), arguments[5]);
	return true;
}

/* False: the path cannot be read. Then only the kernel may look at it: it returns EFAULT, our
 * function would crash. */
static bool is_there(const void *path)
{
	char byte;

	return sim_memory_read(&byte, path, 1) == 0;
}

static bool is_done(enum kind kind, long number, const long *arguments, long *ret_result)
{
	switch (kind) {
	case PATH_FIRST:
		return is_there(POINTER(0)) && by_path(number, arguments, ret_result);
	case PATH_SECOND:
		return is_there(POINTER(1)) && by_path(number, arguments, ret_result);
	case DATA:
		return by_data(number, arguments, ret_result);
	case DESCRIPTOR:
		return by_descriptor(number, arguments, ret_result);
	case MEMORY:
		return by_memory(arguments, ret_result);
	default:
		return by_queue(number, arguments, ret_result);
	}
}

/* A call of sim_fstat() or sim_stat() that deep mode trapped. */
static bool is_own_look(long number)
{
	return sim_next_is_own && (number == SYS_fstat || number == SYS_newfstatat);
}

/* Like the C library's syscall(), passes on six arguments even if the call takes fewer. */
EXPORT long sim_syscall(long number, long a, long b, long c, long d, long e,
			long f) __asm__("syscall");
EXPORT long sim_syscall(long number, long a, long b, long c, long d, long e, long f)
{
	enum kind kind = number >= 0 && number < NUMBERS ? kinds[number] : NOT_OURS;

	if ((kind == NOT_OURS || (kind >= DATA && !sim_has_any())) &&
	    atomic_load_explicit(&sim_next_resolved, memory_order_acquire))
		return sim_next_table.syscall(number, a, b, c, d, e, f);
	const long arguments[ARGUMENTS] = { a, b, c, d, e, f };
	long result;
	if (kind != NOT_OURS && !is_own_look(number) && sim_disk_count() &&
	    is_done(kind, number, arguments, &result))
		return result;
	return sim_next()->syscall(number, a, b, c, d, e, f);
}
