/* SPDX-License-Identifier: MIT */
/*
 * The doors for liburing's functions that set up a ring or register its files. They note a new ring
 * because it may have the number of one that was closed unseen.
 */
#include <linux/types.h>

#include "door/entry.h"
#include "door/uring.h"
#include "async/files.h"
#include "async/ring_prepared.h"
#include "async/ring_table.h"
#include "base/cleanup.h"
#include "base/config.h"

int io_uring_register_files(struct uring *ring, const int *files, unsigned count);
int io_uring_register_files_tags(struct uring *ring, const int *files, const __u64 *tags,
				 unsigned count);
int io_uring_register_files_sparse(struct uring *ring, unsigned count);
int io_uring_register_files_update(struct uring *ring, unsigned first, const int *files,
				   unsigned count);
int io_uring_register_files_update_tag(struct uring *ring, unsigned first, const int *files,
				       const __u64 *tags, unsigned count);
int io_uring_unregister_files(struct uring *ring);
int io_uring_queue_init(unsigned entries, struct uring *ring, unsigned flags);
int io_uring_queue_init_params(unsigned entries, struct uring *ring, struct io_uring_params *p);
int io_uring_queue_init_mem(unsigned entries, struct uring *ring, struct io_uring_params *p,
			    void *memory, size_t size);
int io_uring_queue_mmap(int fd, struct io_uring_params *p, struct uring *ring);

/* A ring without a descriptor has an index in ring_fd, which could be any file's number. */
static bool is_of_interest(int result, const struct uring *ring)
{
	return result >= 0 && config_get().mode != MODE_OFF &&
	       !(ring->flags & IORING_SETUP_REGISTERED_FD_ONLY);
}

static int began(int result, const struct uring *ring)
{
	KEEP_ERRNO;
	if (is_of_interest(result, ring))
		ring_table_note(ring->ring_fd, ring->flags, ring->sq.khead);
	return result;
}

EXPORT int io_uring_queue_init(unsigned entries, struct uring *ring, unsigned flags)
{
	return began(NEXT(io_uring_queue_init, entries, ring, flags), ring);
}

EXPORT int io_uring_queue_init_params(unsigned entries, struct uring *ring,
				      struct io_uring_params *p)
{
	return began(NEXT(io_uring_queue_init_params, entries, ring, p), ring);
}

EXPORT int io_uring_queue_init_mem(unsigned entries, struct uring *ring, struct io_uring_params *p,
				   void *memory, size_t size)
{
	return began(NEXT(io_uring_queue_init_mem, entries, ring, p, memory, size), ring);
}

EXPORT int io_uring_queue_mmap(int fd, struct io_uring_params *p, struct uring *ring)
{
	int result = NEXT(io_uring_queue_mmap, fd, p, ring);

	KEEP_ERRNO;
	if (is_of_interest(result, ring))
		ring_table_note_mapped(fd, ring->flags, ring->sq.khead);
	return result;
}

/* Notes all files of a new table. */
static int registered(int result, const struct uring *uring, const int *files, unsigned count)
{
	KEEP_ERRNO;
	struct ring *ring = result < 0 ? NULL : ring_of(uring);

	if (ring) {
		files_forget(ring->id);
		files_set(ring, 0, files, count);
		ring_table_put(ring);
	}
	return result;
}

EXPORT int io_uring_register_files(struct uring *ring, const int *files, unsigned count)
{
	return registered(NEXT(io_uring_register_files, ring, files, count), ring, files, count);
}

EXPORT int io_uring_register_files_tags(struct uring *ring, const int *files, const __u64 *tags,
					unsigned count)
{
	return registered(NEXT(io_uring_register_files_tags, ring, files, tags, count), ring, files,
			  count);
}

EXPORT int io_uring_register_files_sparse(struct uring *ring, unsigned count)
{
	return registered(NEXT(io_uring_register_files_sparse, ring, count), ring, NULL, 0);
}

/* Notes changed slots. An update may stop half way; the result is how many it changed. */
static int updated(int result, const struct uring *uring, unsigned first, const int *files)
{
	KEEP_ERRNO;
	struct ring *ring = result <= 0 ? NULL : ring_of(uring);

	if (ring) {
		files_set(ring, first, files, (unsigned)result);
		ring_table_put(ring);
	}
	return result;
}

EXPORT int io_uring_register_files_update(struct uring *ring, unsigned first, const int *files,
					  unsigned count)
{
	return updated(NEXT(io_uring_register_files_update, ring, first, files, count), ring, first,
		       files);
}

EXPORT int io_uring_register_files_update_tag(struct uring *ring, unsigned first, const int *files,
					      const __u64 *tags, unsigned count)
{
	return updated(NEXT(io_uring_register_files_update_tag, ring, first, files, tags, count),
		       ring, first, files);
}

EXPORT int io_uring_unregister_files(struct uring *ring)
{
	struct ring *known = ring_of(ring);

	files_before_register(known, IORING_UNREGISTER_FILES);
	if (known)
		ring_table_put(known);
	return NEXT(io_uring_unregister_files, ring);
}
