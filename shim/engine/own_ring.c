/* SPDX-License-Identifier: MIT */
/* Drives the ring by system calls, as io_uring_setup(2) and io_uring_enter(2) describe. */
#include "engine/own_ring.h"

#include <errno.h>
#include <linux/time_types.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/filter.h"
#include "base/real.h"

/* The longest wait of own_ring_enter(): a disk that does not answer must not delay the others. */
enum { WAIT_NS = 2000000 };

/* The best first: flags of 6.1, of 5.19, of 5.18, and of every kernel. */
static const uint32_t kinds[] = {
	IORING_SETUP_SQE128 | IORING_SETUP_CQE32 | IORING_SETUP_SUBMIT_ALL |
		IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN,
	IORING_SETUP_SQE128 | IORING_SETUP_CQE32 | IORING_SETUP_SUBMIT_ALL,
	IORING_SETUP_SUBMIT_ALL,
	0,
};

static int setup(struct io_uring_params *params)
{
	int ring = -EINVAL;

	for (unsigned i = 0; i < sizeof(kinds) / sizeof(kinds[0]) && ring == -EINVAL; i++) {
		*params = (struct io_uring_params){ .flags = kinds[i] };
		ring = (int)real_syscall(SYS_io_uring_setup, OWN_RING_ENTRIES, (long)params, 0, 0,
					 0, 0);
	}
	return ring;
}

/* 0, or -errno. */
static int make(struct own_ring *ret_ring)
{
	struct io_uring_params params;

	int ring = setup(&params);
	if (ring < 0)
		return ring;
	*ret_ring = (struct own_ring){ .fd = (uint32_t)ring,
				       .wide = params.flags & IORING_SETUP_SQE128 };
	if (!ring_map(ring, &params, &ret_ring->map)) {
		real_close(ring);
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < params.sq_entries; i++)
		ret_ring->map.sq_array[i] = i;
	return 0;
}

static void unmake(struct own_ring *ring)
{
	ring_unmap(&ring->map);
	real_close((int)ring->fd);
}

/* After that the ring has no descriptor that somebody could close. */
static bool register_ring(struct own_ring *ring)
{
	struct io_uring_rsrc_update update = { .offset = UINT32_MAX, .data = ring->fd };

	if (real_syscall(SYS_io_uring_register, ring->fd, IORING_REGISTER_RING_FDS, (long)&update,
			 1, 0, 0) != 1)
		return false;
	real_close((int)ring->fd);
	ring->fd = update.offset;
	ring->enter_flags = IORING_ENTER_REGISTERED_RING;
	return true;
}

/* Registers an empty table of files. If that fails, entries that refer to files fail later. */
static void register_no_files(const struct own_ring *ring)
{
	int32_t none[OWN_RING_FILES];

	for (int i = 0; i < OWN_RING_FILES; i++)
		none[i] = -1;
	real_syscall(SYS_io_uring_register, ring->fd, IORING_REGISTER_FILES, (long)none,
		     OWN_RING_FILES, 0, 0);
}

bool own_ring_open(struct own_ring *ret_ring)
{
	if (make(ret_ring) < 0)
		return false;
	register_no_files(ret_ring);
	if (register_ring(ret_ring))
		return true;
	unmake(ret_ring);
	return false;
}

/* The registration ends with the thread. */
void own_ring_close(struct own_ring *ring)
{
	ring_unmap(&ring->map);
}

static unsigned pending(const struct own_ring *ring)
{
	return *ring->map.sq_tail - __atomic_load_n(ring->map.sq_head, __ATOMIC_ACQUIRE);
}

static long enter(struct own_ring *ring, unsigned flags, const void *argument, size_t size)
{
	return real_syscall(SYS_io_uring_enter, ring->fd, pending(ring), 1,
			    ring->enter_flags | IORING_ENTER_GETEVENTS | flags, (long)argument,
			    (long)size);
}

void own_ring_enter(struct own_ring *ring)
{
	struct __kernel_timespec most = { .tv_nsec = WAIT_NS };
	struct io_uring_getevents_arg argument = { .ts = (uintptr_t)&most };

	if (enter(ring, IORING_ENTER_EXT_ARG, &argument, sizeof(argument)) == -EAGAIN)
		real_pause(1000); /* no memory at the moment */
}

/* struct io_uring_probe, with room for the operations up to IORING_OP_URING_CMD. */
struct probe {
	uint8_t last_op, ops_length;
	uint16_t reserved[7];
	struct io_uring_probe_op ops[IORING_OP_URING_CMD + 1];
};

static bool knows(const struct probe *probe, unsigned opcode)
{
	return probe->last_op >= opcode && (probe->ops[opcode].flags & IO_URING_OP_SUPPORTED);
}

/* Both opcodes came with 5.18 or later, as registered rings did, through which we use them. */
static int ask_for_opcodes(const struct own_ring *ring)
{
	struct probe probe;

	memset(&probe, 0, sizeof(probe));
	if (real_syscall(SYS_io_uring_register, ring->fd, IORING_REGISTER_PROBE, (long)&probe,
			 IORING_OP_URING_CMD + 1, 0, 0) < 0)
		return 0;
	return (knows(&probe, IORING_OP_MSG_RING) ? OWN_RING_POSTS : 0) |
	       (ring->wide && knows(&probe, IORING_OP_URING_CMD) ? OWN_RING_COMMANDS : 0);
}

static bool obeys_nop(struct own_ring *ring)
{
	struct io_uring_sqe *sqe = own_ring_next(ring);
	uint64_t user_data;
	int32_t result = 0;

	sqe->opcode = IORING_OP_NOP;
	sqe->rw_flags = OWN_RING_NOP_INJECT_RESULT;
	sqe->len = (uint32_t)-EXDEV;
	return enter(ring, 0, NULL, 0) == 1 && own_ring_take(ring, &user_data, &result) &&
	       result == -EXDEV;
}

_Atomic int own_ring_known;

/* A filter may kill the process for a ring that the program did not make: where there is a filter,
 * we make none. 0: it cannot be told yet. */
static int find_out(void)
{
	enum { ASKED = 8 };
	struct own_ring ring;

	int filter = filter_ask(), error = filter > 0 ? -EPERM : filter < 0 ? filter : make(&ring);
	if (error == -EMFILE || error == -ENFILE || error == -ENOMEM)
		return 0;
	if (error)
		return ASKED;
	int found = ASKED | ask_for_opcodes(&ring);
	found |= obeys_nop(&ring) ? OWN_RING_INJECTS : 0;
	unmake(&ring);
	return found;
}

int own_ring_find_out(void)
{
	int found = find_out();

	own_ring_known = found;
	return found;
}
