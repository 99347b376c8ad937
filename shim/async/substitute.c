/* SPDX-License-Identifier: MIT */
/*
 * A write to /dev/null results in its length, and looks at no memory. Errors come from a NOP with
 * an injected result (6.10), or from entries that fail by themselves: each of them did on 5.10, 6.1
 * and 6.12.
 */
#include "async/substitute.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "device/cache.h"
#include "rules/limits.h"
#include "engine/own_ring.h"
#include "base/real.h"
#include "untorn_uapi.h"

enum { FIRST_NUMBER = 512, UNKNOWN_FLAG = 0x40000000 };

/* Files of our own, opened at need. Programs close what is none of theirs: so we know each by its
 * inode, and open it again if its number names something else. */
enum source { NULL_DEVICE, FULL_DEVICE, FILE_IN_MEMORY, SEALED, OWN_MEMORY, SOURCES };

static struct {
	_Atomic int fd; /* 0: none yet */
	_Atomic dev_t device;
	_Atomic ino_t inode;
} files[SOURCES];

static _Atomic pid_t owner; /* a child of vfork() shares this, but closes descriptors of its own */

static int open_memory_file(unsigned seals)
{
	int fd = memfd_create("untorn", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd >= 0 && seals)
		fcntl(fd, F_ADD_SEALS, seals);
	return fd;
}

/* Without O_NONBLOCK Linux 5.10 hands each write to a kernel worker. */
static int open_source(enum source source)
{
	switch (source) {
	case NULL_DEVICE:
		return real_open(AT_FDCWD, "/dev/null", O_WRONLY | O_NONBLOCK | O_CLOEXEC);
	case FULL_DEVICE:
		return real_open(AT_FDCWD, "/dev/full", O_WRONLY | O_NONBLOCK | O_CLOEXEC);
	case FILE_IN_MEMORY:
		return open_memory_file(0);
	case SEALED:
		return open_memory_file(F_SEAL_WRITE);
	default:
		return real_open(AT_FDCWD, "/proc/self/mem", O_RDONLY | O_CLOEXEC);
	}
}

/* All writes that are done at once use /dev/null, so we do not check its inode each time, but rely
 * on substitute_before_close(). If it was closed unseen and its number is another file's, the
 * substitute fails: its memory cannot be read. */
static bool is_still_there(enum source source)
{
	struct stat st;
	int fd = files[source].fd;

	if (fd <= 0 || source == NULL_DEVICE)
		return fd > 0;
	return fstat(fd, &st) == 0 && st.st_ino == files[source].inode &&
	       st.st_dev == files[source].device;
}

static int fd_of(enum source source)
{
	struct stat st;

	if (is_still_there(source))
		return files[source].fd;
	int low = open_source(source);
	if (low < 0 || fstat(low, &st) < 0)
		return -1;
	int high = fcntl(low, F_DUPFD_CLOEXEC, FIRST_NUMBER);
	if (high >= 0)
		real_close(low);
	files[source].device = st.st_dev;
	files[source].inode = st.st_ino;
	files[source].fd = high >= 0 ? high : low;
	owner = getpid();
	return files[source].fd;
}

static void put(struct io_uring_sqe *sqe, unsigned opcode, int fd, uint32_t length, unsigned flags)
{
	sqe->opcode = (uint8_t)opcode;
	sqe->flags &= (uint8_t)~IOSQE_FIXED_FILE;
	sqe->fd = fd;
	sqe->off = 0;
	sqe->addr = (uintptr_t)cache_unreadable();
	sqe->len = length;
	sqe->rw_flags = (int)flags;
	sqe->buf_index = 0;
}

static void put_write(struct io_uring_sqe *sqe, enum source source, uint32_t length)
{
	int fd = fd_of(source);

	if (fd >= 0)
		put(sqe, IORING_OP_WRITE, fd, length, 0);
}

/* From memory that is there: the kernel finds these errors after it has looked at the memory. */
static void put_one_byte(struct io_uring_sqe *sqe, enum source source, unsigned opcode)
{
	static char byte;
	int fd = fd_of(source);

	if (fd < 0)
		return;
	put(sqe, opcode, fd, 1, 0);
	sqe->addr = (uintptr_t)&byte;
}

/* The write itself with RWF_NOWAIT, and without its memory: the kernel answers EAGAIN for the same
 * reason for which it did to us. */
static void put_again(struct io_uring_sqe *sqe)
{
	sqe->opcode = IORING_OP_WRITE;
	sqe->addr = (uintptr_t)cache_unreadable();
	sqe->len = LIMITS_MAX;
	sqe->rw_flags = RWF_NOWAIT;
	sqe->buf_index = 0;
}

/* If a file cannot be opened, the entry stays as it was: the kernel refuses it with EOPNOTSUPP. */
static void put_natural_error(struct io_uring_sqe *sqe, int error)
{
	switch (error) {
	case -EINVAL:
		put(sqe, IORING_OP_NOP, -1, 0, UNKNOWN_FLAG);
		break;
	case -EAGAIN:
		put_again(sqe);
		break;
	case -EBADF:
		put(sqe, IORING_OP_WRITE, -1, 0, 0);
		break;
	case -ENOSPC:
		put_write(sqe, FULL_DEVICE, 1);
		break;
	case -EFAULT:
		put_write(sqe, FILE_IN_MEMORY, 1);
		break;
	case -EPERM:
		put_one_byte(sqe, SEALED, IORING_OP_WRITE);
		break;
	case -EOPNOTSUPP:
		put(sqe, IORING_OP_WRITE, fd_of(NULL_DEVICE), 0, RWF_ATOMIC | UNKNOWN_FLAG);
		break;
	default: /* EIO: there is nothing at address 0 of any process */
		put_one_byte(sqe, OWN_MEMORY, IORING_OP_READ);
	}
}

void substitute_before_close(unsigned first, unsigned last)
{
	int fd = files[NULL_DEVICE].fd;

	if (fd > 0 && (unsigned)fd >= first && (unsigned)fd <= last && getpid() == owner)
		files[NULL_DEVICE].fd = 0;
}

void substitute_after_fork(void)
{
	owner = getpid();
}

int substitute_null(void)
{
	return fd_of(NULL_DEVICE);
}

bool substitute_is_ready(void)
{
	return substitute_null() >= 0;
}

void substitute_put(struct io_uring_sqe *sqe, int result)
{
	if (result >= 0)
		put_write(sqe, NULL_DEVICE, (uint32_t)result);
	else if (own_ring_can(OWN_RING_INJECTS))
		put(sqe, IORING_OP_NOP, -1, (uint32_t)result, OWN_RING_NOP_INJECT_RESULT);
	else
		put_natural_error(sqe, result);
}
