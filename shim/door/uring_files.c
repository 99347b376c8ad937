/* SPDX-License-Identifier: MIT */
/*
 * liburing's functions by which a ring gets its files, and by which a ring begins: a new one may
 * have the number of one that went without a word.
 */
#include <linux/types.h>

#include "door/entry.h"
#include "door/uring.h"
#include "async/files.h"
#include "async/issuer.h"
#include "async/ring_prepared.h"

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

static int began(int result, const struct uring *ring)
{
	if (result >= 0) {
		files_forget(ring->ring_fd);
		issuer_note(ring->ring_fd, ring->flags);
	}
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

	if (result >= 0)
		files_forget(fd);
	return result;
}

/* All of a table that is new. */
static int registered(int result, const struct uring *ring, const int *files, unsigned count)
{
	if (result >= 0) {
		files_forget(ring->ring_fd);
		files_set(ring->ring_fd, 0, files, count);
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

/* It may stop half way, and says how far it came. */
static int updated(int result, const struct uring *ring, unsigned first, const int *files)
{
	if (result > 0)
		files_set(ring->ring_fd, first, files, (unsigned)result);
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
	files_before_register(ring->ring_fd, IORING_UNREGISTER_FILES);
	return NEXT(io_uring_unregister_files, ring);
}
