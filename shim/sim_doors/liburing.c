/* SPDX-License-Identifier: MIT */
/*
 * liburing's functions. Those that submit have the prepared entries done before the next function
 * of their name publishes them, even for a ring with a kernel thread (SQPOLL). Those that are bare
 * system calls return -errno as the kernel does.
 */
#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>

#include "sim_doors/async.h"
#include "sim_doors/ring.h"

#define EXPORT __attribute__((visibility("default")))

/* RTLD_NEXT does not find a plug-in's liburing, so that is looked for by its name. */
static void *look_for(void *_Atomic *known, const char *name)
{
	void *found = dlsym(RTLD_NEXT, name), *library;

	if (!found && (library = dlopen("liburing.so.2", RTLD_LAZY | RTLD_NOLOAD))) {
		found = dlsym(library, name);
		dlclose(library); /* not kept: the library may be unloaded */
		return found;
	}
	*known = found;
	return found;
}

static inline void *find(void *_Atomic *known, const char *name)
{
	void *found = *known;

	return found ? found : look_for(known, name);
}

#define NEXT(name, ...)                                                                            \
	({                                                                                         \
		static void *_Atomic known_;                                                       \
		__typeof__(name) *next_ = (__typeof__(name) *)find(&known_, #name);                \
		next_ ? next_(__VA_ARGS__) : -ENOSYS;                                              \
	})

/* Does the prepared entries, and published ones that the kernel did not take: it may have stopped
 * before them at a bad one. */
static void before_submit(const struct sim_uring *ring)
{
	unsigned first = ring->flags & IORING_SETUP_SQPOLL
				 ? ring->sq.sqe_head
				 : __atomic_load_n(ring->sq.khead, __ATOMIC_ACQUIRE);
	struct sim_ring_view view = { .ring = ring->ring_fd,
				      .flags = ring->flags,
				      .mask = *ring->sq.kring_mask,
				      .entries = *ring->sq.kring_entries,
				      .sqes = ring->sq.sqes };

	if (!(ring->flags & ~(unsigned)RING_SETUP_KNOWN))
		sim_ring_do(&view, first, ring->sq.sqe_tail - first, NULL);
}

/* If there is no next function, nothing is submitted. */
#define SUBMITS_IF(condition, name, parameters, ...)                                               \
	int name parameters;                                                                       \
	EXPORT int name parameters                                                                 \
	{                                                                                          \
		static void *_Atomic known;                                                        \
		__typeof__(name) *next = (__typeof__(name) *)find(&known, #name);                  \
		if (sim_has_any() && next && (condition))                                          \
			before_submit(ring);                                                       \
		return next ? next(__VA_ARGS__) : -ENOSYS;                                         \
	}
#define SUBMITS(...) SUBMITS_IF(true, __VA_ARGS__)

SUBMITS(io_uring_submit, (struct sim_uring * ring), ring)
SUBMITS(io_uring_submit_and_wait, (struct sim_uring * ring, unsigned waits), ring, waits)
SUBMITS(io_uring_submit_and_get_events, (struct sim_uring * ring), ring)
SUBMITS(io_uring_submit_and_wait_timeout,
	(struct sim_uring * ring, void *cqe, unsigned waits, void *timeout, void *mask), ring, cqe,
	waits, timeout, mask)
/* Before Linux 6.12 it fails, and has submitted nothing. */
SUBMITS_IF(ring->features &RING_FEAT_MIN_TIMEOUT, io_uring_submit_and_wait_min_timeout,
	   (struct sim_uring * ring, void *cqe, unsigned waits, void *timeout, unsigned least,
	    void *mask),
	   ring, cqe, waits, timeout, least, mask)
/* It submits only if the kernel cannot take a time-out otherwise, before 5.11. */
SUBMITS_IF(timeout && !(ring->features & RING_FEAT_EXT_ARG), io_uring_wait_cqes,
	   (struct sim_uring * ring, void *cqe, unsigned waits, void *timeout, void *mask), ring,
	   cqe, waits, timeout, mask)
SUBMITS(io_uring_submit_and_wait_reg,
	(struct sim_uring * ring, void *cqe, unsigned waits, int index), ring, cqe, waits, index)
/* Notes a new table of files. */
static int registered(int result, const struct sim_uring *ring, const int *files, unsigned count)
{
	if (result >= 0) {
		sim_ring_forget_files(ring->ring_fd);
		sim_ring_set_files(ring->ring_fd, 0, files, count);
	}
	return result;
}

/* Notes an update of the table, which may stop half way; result says how far it came. */
static int updated(int result, const struct sim_uring *ring, unsigned first, const int *files)
{
	if (result > 0)
		sim_ring_set_files(ring->ring_fd, first, files, (unsigned)result);
	return result;
}

#define REGISTERS(name, parameters, note, note_with, ...)                                          \
	int name parameters;                                                                       \
	EXPORT int name parameters                                                                 \
	{                                                                                          \
		int before = errno, result = NEXT(name, __VA_ARGS__);                              \
		note(result, ring, note_with);                                                     \
		errno = before;                                                                    \
		return result;                                                                     \
	}
#define BOTH(a, b) a, b

REGISTERS(io_uring_register_files, (struct sim_uring * ring, const int *files, unsigned count),
	  registered, BOTH(files, count), ring, files, count)
REGISTERS(io_uring_register_files_tags,
	  (struct sim_uring * ring, const int *files, const void *tags, unsigned count), registered,
	  BOTH(files, count), ring, files, tags, count)
REGISTERS(io_uring_register_files_sparse, (struct sim_uring * ring, unsigned count), registered,
	  BOTH(NULL, 0), ring, count)
REGISTERS(io_uring_unregister_files, (struct sim_uring * ring), registered, BOTH(NULL, 0), ring)
REGISTERS(io_uring_register_files_update,
	  (struct sim_uring * ring, unsigned first, const int *files, unsigned count), updated,
	  BOTH(first, files), ring, first, files, count)
REGISTERS(io_uring_register_files_update_tag,
	  (struct sim_uring * ring, unsigned first, const int *files, const void *tags,
	   unsigned count),
	  updated, BOTH(first, files), ring, first, files, tags, count)

void io_uring_queue_exit(struct sim_uring *ring);
int io_uring_setup(unsigned entries, void *params);
int io_uring_enter(unsigned fd, unsigned count, unsigned waits, unsigned flags, void *mask);
int io_uring_enter2(unsigned fd, unsigned count, unsigned waits, unsigned flags, void *argument,
		    size_t size);
int io_uring_register(unsigned fd, unsigned opcode, void *argument, unsigned count);

EXPORT void io_uring_queue_exit(struct sim_uring *ring)
{
	static void *_Atomic known;
	void (*next)(struct sim_uring *) =
		(void (*)(struct sim_uring *))find(&known, "io_uring_queue_exit");

	sim_ring_forget_files(ring->ring_fd);
	if (next)
		next(ring);
}

EXPORT int io_uring_setup(unsigned entries, void *params)
{
	return (int)sim_ring_setup(entries, params);
}

EXPORT int io_uring_enter(unsigned fd, unsigned count, unsigned waits, unsigned flags, void *mask)
{
	return (int)sim_ring_enter(fd, count, waits, flags, mask, _NSIG / 8);
}

EXPORT int io_uring_enter2(unsigned fd, unsigned count, unsigned waits, unsigned flags,
			   void *argument, size_t size)
{
	return (int)sim_ring_enter(fd, count, waits, flags, argument, size);
}

EXPORT int io_uring_register(unsigned fd, unsigned opcode, void *argument, unsigned count)
{
	return (int)sim_ring_register(fd, opcode, argument, count);
}
