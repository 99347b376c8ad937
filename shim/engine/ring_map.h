/* SPDX-License-Identifier: MIT */
/*
 * The memory that a ring shares with the kernel, as io_uring_setup(2) lays it out: of our own rings
 * (own_ring.c), and of the program's (async/ring_table.c). A mapping keeps the ring alive.
 */
#ifndef RING_MAP_H
#define RING_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/uring_uapi.h"

struct ring_map {
	uint32_t *sq_head, *sq_tail, *sq_flags, *sq_dropped, *cq_head, *cq_tail;
	uint32_t *sq_array; /* NULL: IORING_SETUP_NO_SQARRAY */
	uint32_t sq_mask, cq_mask;
	struct io_uring_sqe *sqes;
	struct io_uring_cqe *cqes;
	void *rings;
	size_t rings_size, sqes_size;
};

/* params: as io_uring_setup() filled them in. False: no memory, or Linux before 5.4. */
bool ring_map(int ring, const struct io_uring_params *params, struct ring_map *ret_map);
void ring_unmap(struct ring_map *map);

#endif
