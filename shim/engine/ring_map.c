/* SPDX-License-Identifier: MIT */
/* Both queues share one mapping: IORING_FEAT_SINGLE_MMAP, 5.4. */
#include "engine/ring_map.h"

#include <sys/mman.h>

#include "base/uring_uapi.h"

static void *map(int ring, size_t size, uint64_t offset)
{
	void *mapped = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring,
			    (off_t)offset);

	return mapped == MAP_FAILED ? NULL : mapped;
}

static uint32_t *field(const struct ring_map *map, uint32_t offset)
{
	return (uint32_t *)(void *)((char *)map->rings + offset);
}

static void lay_out(struct ring_map *map, const struct io_uring_params *p)
{
	map->sq_head = field(map, p->sq_off.head);
	map->sq_tail = field(map, p->sq_off.tail);
	map->sq_flags = field(map, p->sq_off.flags);
	map->sq_dropped = field(map, p->sq_off.dropped);
	map->sq_array = p->flags & IORING_SETUP_NO_SQARRAY ? NULL : field(map, p->sq_off.array);
	map->sq_mask = *field(map, p->sq_off.ring_mask);
	map->cq_head = field(map, p->cq_off.head);
	map->cq_tail = field(map, p->cq_off.tail);
	map->cq_mask = *field(map, p->cq_off.ring_mask);
	map->cqes = (struct io_uring_cqe *)(void *)field(map, p->cq_off.cqes);
}

static size_t rings_size(const struct io_uring_params *p)
{
	size_t cqe = sizeof(struct io_uring_cqe) << (p->flags & IORING_SETUP_CQE32 ? 1 : 0);
	size_t completions = p->cq_off.cqes + p->cq_entries * cqe;
	size_t array = p->sq_off.array + p->sq_entries * sizeof(uint32_t);

	return completions > array || p->flags & IORING_SETUP_NO_SQARRAY ? completions : array;
}

bool ring_map(int ring, const struct io_uring_params *p, struct ring_map *ret_map)
{
	struct ring_map new = {
		.rings_size = rings_size(p),
		.sqes_size = p->sq_entries * sizeof(struct io_uring_sqe)
			     << (p->flags & IORING_SETUP_SQE128 ? 1 : 0),
	};

	if (!(p->features & IORING_FEAT_SINGLE_MMAP))
		return false;
	new.rings = map(ring, new.rings_size, IORING_OFF_SQ_RING);
	new.sqes = map(ring, new.sqes_size, IORING_OFF_SQES);
	if (!new.rings || !new.sqes) {
		ring_unmap(&new);
		return false;
	}
	lay_out(&new, p);
	*ret_map = new;
	return true;
}

void ring_unmap(struct ring_map *map)
{
	if (map->rings)
		munmap(map->rings, map->rings_size);
	if (map->sqes)
		munmap(map->sqes, map->sqes_size);
}
