/* SPDX-License-Identifier: MIT */
/* The ring is used as its manual says, by system calls: io_uring_setup(2), io_uring_enter(2). */
#include "poster.h"

#include <errno.h>
#include <linux/io_uring.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "real.h"
#include "ring_map.h"

enum { ENTRIES = 2 };

struct poster {
	struct ring_map map;
	uint32_t fd; /* or, once it is registered, its index with this thread */
	uint32_t enter_flags;
};

static bool open_ring(struct poster *ret_poster)
{
	struct io_uring_params params = { 0 };

	int ring = (int)real_syscall(SYS_io_uring_setup, ENTRIES, (long)&params, 0, 0, 0, 0);
	if (ring < 0)
		return false;
	*ret_poster = (struct poster){ .fd = (uint32_t)ring };
	if (ring_map(ring, &params, &ret_poster->map))
		return true;
	close(ring);
	return false;
}

static void close_ring(struct poster *poster)
{
	ring_unmap(&poster->map);
	close((int)poster->fd);
}

/* After that it has no descriptor any more that somebody could close. */
static bool register_ring(struct poster *poster)
{
	struct io_uring_rsrc_update update = { .offset = UINT32_MAX, .data = poster->fd };

	if (real_syscall(SYS_io_uring_register, poster->fd, IORING_REGISTER_RING_FDS, (long)&update,
			 1, 0, 0) != 1)
		return false;
	close((int)poster->fd);
	poster->fd = update.offset;
	poster->enter_flags = IORING_ENTER_REGISTERED_RING;
	return true;
}

/* The structure lies in a page of its own: this is no place for malloc. */
struct poster *poster_make(void)
{
	struct poster *poster = mmap(NULL, sizeof(*poster), PROT_READ | PROT_WRITE,
				     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (poster == MAP_FAILED)
		return NULL;
	if (open_ring(poster)) {
		if (register_ring(poster))
			return poster;
		close_ring(poster);
	}
	munmap(poster, sizeof(*poster));
	return NULL;
}

/* least: for how many completions to wait. */
static int submit_one(struct poster *poster, const struct io_uring_sqe *sqe, unsigned least)
{
	uint32_t tail = *poster->map.sq_tail, slot = tail & poster->map.sq_mask;
	long result;

	poster->map.sqes[slot] = *sqe;
	poster->map.sq_array[slot] = slot;
	__atomic_store_n(poster->map.sq_tail, tail + 1, __ATOMIC_RELEASE);
	do {
		result = real_syscall(SYS_io_uring_enter, poster->fd, 1, least,
				      poster->enter_flags | (least ? IORING_ENTER_GETEVENTS : 0), 0,
				      0);
	} while (result == -EINTR || result == -EAGAIN || result == -EBUSY);
	return result == 1 ? 0 : result < 0 ? (int)result : -EIO;
}

/* False: there is none. */
static bool take_result(struct poster *poster, int *ret_result)
{
	uint32_t head = *poster->map.cq_head;

	if (head == __atomic_load_n(poster->map.cq_tail, __ATOMIC_ACQUIRE))
		return false;
	*ret_result = poster->map.cqes[head & poster->map.cq_mask].res;
	__atomic_store_n(poster->map.cq_head, head + 1, __ATOMIC_RELEASE);
	return true;
}

/* Only a failure has a completion of its own. */
static int post_once(struct poster *poster, int ring, uint64_t user_data, int32_t result)
{
	struct io_uring_sqe sqe = {
		.opcode = IORING_OP_MSG_RING,
		.flags = IOSQE_CQE_SKIP_SUCCESS,
		.fd = ring,
		.off = user_data,
		.len = (uint32_t)result,
	};
	int failure = 0, error = submit_one(poster, &sqe, 0);

	if (!error)
		take_result(poster, &failure);
	return error ? error : failure < 0 ? failure : 0;
}

/* Where there is no room at the moment (no memory for what overflows) it must come all the same. */
int poster_post(struct poster *poster, int ring, uint64_t user_data, int32_t result)
{
	for (;;) {
		int error = post_once(poster, ring, user_data, result);
		if (error != -EOVERFLOW && error != -ENOMEM && error != -EAGAIN)
			return error;
		usleep(1000);
	}
}

static bool knows_msg_ring(uint32_t ring)
{
	struct {
		struct io_uring_probe probe;
		struct io_uring_probe_op ops[IORING_OP_MSG_RING + 1];
	} all;

	memset(&all, 0, sizeof(all));
	return real_syscall(SYS_io_uring_register, ring, IORING_REGISTER_PROBE, (long)&all,
			    IORING_OP_MSG_RING + 1, 0, 0) == 0 &&
	       all.probe.last_op >= IORING_OP_MSG_RING &&
	       (all.ops[IORING_OP_MSG_RING].flags & IO_URING_OP_SUPPORTED);
}

static bool obeys_nop(struct poster *poster)
{
	struct io_uring_sqe sqe = {
		.opcode = IORING_OP_NOP,
		.rw_flags = POSTER_NOP_INJECT_RESULT,
		.len = (uint32_t)-EXDEV,
	};
	int result = 0;

	return submit_one(poster, &sqe, 1) == 0 && take_result(poster, &result) && result == -EXDEV;
}

enum { ASKED = 1, POSTS = 2, INJECTS = 4 };

static int abilities(void)
{
	static _Atomic int known;
	struct poster ring;

	if (!known) {
		int found = ASKED;
		if (open_ring(&ring)) {
			found |= knows_msg_ring(ring.fd) ? POSTS : 0;
			found |= obeys_nop(&ring) ? INJECTS : 0;
			close_ring(&ring);
		}
		known = found;
	}
	return known;
}

bool poster_is_possible(void)
{
	return abilities() & POSTS;
}

bool poster_nop_can_inject(void)
{
	return abilities() & INJECTS;
}
