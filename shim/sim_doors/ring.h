/* SPDX-License-Identifier: MIT */
/*
 * The parts of io_uring's interface that are newer than Linux 5.10 (include/uapi/linux/io_uring.h
 * of Linux 6.18), the beginning of liburing's struct io_uring, and the interface of the ring files.
 */
#ifndef SIM_RING_H
#define SIM_RING_H

#include <linux/io_uring.h>
#include <stddef.h>

#include "sim/sim.h"

enum {
	RING_SETUP_SINGLE_ISSUER = 1 << 12,
	RING_SETUP_SQE128 = 1 << 10,
	RING_SETUP_NO_SQARRAY = 1 << 16,
	RING_SETUP_KNOWN = (1 << 19) - 1,
	/* Without NO_MMAP (14) and REGISTERED_FD_ONLY (15). */
	RING_SETUP_MAPPED = RING_SETUP_KNOWN & ~(3 << 14),
	RING_SETUP_SUBMIT_ALL = 1 << 7,
	RING_SKIP_SUCCESS = 1 << 6, /* IOSQE_CQE_SKIP_SUCCESS */
	RING_ENTER_REGISTERED = 1 << 4,
	RING_REGISTER_ENABLE = 12, /* IORING_REGISTER_ENABLE_RINGS */
	RING_REGISTER_FDS = 20,    /* IORING_REGISTER_RING_FDS */
	RING_UNREGISTER_FDS = 21,
	RING_REGISTER_RESIZE = 33,
	RING_OP_SOCKET = 45,
	RING_OP_URING_CMD = 46,
	RING_OP_READV_FIXED = 60,
	RING_OP_WRITEV_FIXED = 61,
	RING_OP_LAST = 65,
	RING_FEAT_EXT_ARG = 1 << 8,
	RING_FEAT_MIN_TIMEOUT = 1 << 15,
	RING_SPARSE = 1, /* IORING_RSRC_REGISTER_SPARSE */
};

/* The beginning of liburing's struct io_uring, the same in all its versions. Entries that are
 * prepared and not published yet are those from sqe_head to sqe_tail. */
struct sim_uring {
	struct {
		unsigned *khead, *ktail, *kring_mask, *kring_entries, *kflags, *kdropped, *array;
		struct io_uring_sqe *sqes;
		unsigned sqe_head, sqe_tail;
		size_t ring_size;
		void *ring;
		unsigned pad[4];
	} sq;
	char cq[88];
	unsigned flags; /* IORING_SETUP_* */
	int ring_fd;
	unsigned features; /* IORING_FEAT_* */
};
_Static_assert(offsetof(struct sim_uring, features) == 200, "liburing's layout");

/* Identifies a ring, whichever descriptor it has. */
struct sim_ring_id {
	dev_t device;
	ino_t inode; /* 0: none */
	int fd;      /* before Linux 5.12, where all rings have one inode; else 0 */
};

/* The memory in which the entries of a submission lie. */
struct sim_ring_view {
	int ring; /* a descriptor of it */
	unsigned flags, mask, entries;
	struct io_uring_sqe *sqes;
	const unsigned *array; /* NULL: they lie in their order */
};

/* An entry that was changed, to be put back. */
struct sim_ring_saved {
	struct io_uring_sqe *place, was, is;
};

/* ring_entry.c: does those of the `count` entries of a submission that are about nodes, and turns
 * them into substitutes. saved: NULL, or room for all. Returns how many entries it changed. errno
 * stays. */
unsigned sim_ring_do(const struct sim_ring_view *view, unsigned first, unsigned count,
		     struct sim_ring_saved *saved);

/* ring_result.c: turns the entry into a substitute with this result. */
void sim_ring_put_result(struct io_uring_sqe *sqe, int result);

/* ring_files.c: keeps which registered files of a ring are nodes. ring: a descriptor of it. fds: in
 * the program's memory. Thread-safe. */
void sim_ring_set_files(int ring, unsigned first, const int *fds, unsigned count);
void sim_ring_forget_files(int ring);
struct sim_ring_id sim_ring_id_of(int ring);
bool sim_ring_is_same(const struct sim_ring_id *one, const struct sim_ring_id *other);
bool sim_ring_file(int ring, unsigned slot, struct sim_file *ret_file);

#endif
