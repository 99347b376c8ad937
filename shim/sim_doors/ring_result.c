/* SPDX-License-Identifier: MIT */
/*
 * Makes substitutes. From Linux 6.10 on, a NOP can have any result. Before, a write to /dev/null
 * has its length as its result and looks at no memory. For some errors there is an entry that fails
 * with them when the kernel comes to it; the other errors become EIO.
 */
#include "sim_doors/ring.h"

#include <errno.h>

#include "sim_doors/async.h"

enum { INJECT_RESULT = 1 /* IORING_NOP_INJECT_RESULT */, UNKNOWN_FLAG = 0x40000000 };

static void put(struct io_uring_sqe *sqe, unsigned opcode, int fd, unsigned length, int flags)
{
	sqe->opcode = (uint8_t)opcode;
	sqe->flags &= (uint8_t) ~(IOSQE_FIXED_FILE | IOSQE_BUFFER_SELECT);
	sqe->ioprio = 0;
	sqe->fd = fd;
	sqe->off = 0;
	sqe->addr = 0;
	sqe->len = length;
	sqe->rw_flags = flags;
	sqe->buf_index = 0;
	sqe->splice_fd_in = 0;
}

static void put_write(struct io_uring_sqe *sqe, enum sim_async_source source, unsigned length)
{
	put(sqe, IORING_OP_WRITE, sim_async_source(source), length, 0);
}

/* Reads /proc/self/mem at address 0, where no process has memory. */
static void put_eio(struct io_uring_sqe *sqe)
{
	static char byte;

	put(sqe, IORING_OP_READ, sim_async_source(SIM_ASYNC_MEMORY), 1, 0);
	sqe->addr = (uintptr_t)&byte;
}

static void put_natural_error(struct io_uring_sqe *sqe, int error)
{
	put_write(sqe, error == -ENOSPC ? SIM_ASYNC_FULL : SIM_ASYNC_NULL, 1);
	switch (error) {
	case -ENOSPC:
		break;
	case -EBADF:
		sqe->fd = -1;
		break;
	case -EINVAL:
		sqe->off = (uint64_t)-2;
		break;
	case -EFAULT: /* the kernel's own memory */
		sqe->addr = (uint64_t)-4096;
		break;
	case -EOPNOTSUPP:
		sqe->rw_flags = UNKNOWN_FLAG;
		break;
	default:
		put_eio(sqe);
	}
}

void sim_ring_put_result(struct io_uring_sqe *sqe, int result)
{
	if (sim_async_kernel_is(6, 10))
		put(sqe, IORING_OP_NOP, -1, (unsigned)result, INJECT_RESULT);
	else if (result >= 0)
		put_write(sqe, SIM_ASYNC_NULL, (unsigned)result);
	else
		put_natural_error(sqe, result);
}
