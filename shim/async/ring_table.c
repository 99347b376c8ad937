/* SPDX-License-Identifier: MIT */
/* A fixed table, searched from end to end: programs have few rings. */
#include "async/ring_table.h"

#include <stdatomic.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/guard.h"
#include "base/racy.h"
#include "async/files.h"
#include "async/ring_op.h"
#include "base/uring_uapi.h"

enum { MAX_RAW = 64, MAX_REGISTERED = 16 /* IO_RINGFD_REG_MAX, io_uring/tctx.c */ };

static struct raw raws[MAX_RAW];
static _Atomic unsigned used;
static uint32_t last_id;
static pthread_mutex_t table_lock = PTHREAD_MUTEX_INITIALIZER;
static _Atomic pid_t owner; /* a child of vfork() closes its own descriptors, not our memory */

/* The calling thread's registered rings, by id: a ring may be used by its index long after its
 * descriptor has become another one's. */
static __thread uint32_t registered[MAX_REGISTERED] __attribute__((tls_model("initial-exec")));

static struct raw *find_by_descriptor(int fd)
{
	unsigned count = atomic_load_explicit(&used, memory_order_acquire);

	for (unsigned i = 0; fd > 0 && i < count; i++) {
		if (atomic_load_explicit(&raws[i].fd, memory_order_relaxed) == fd)
			return &raws[i];
	}
	return NULL;
}

static struct raw *find_by_id(uint32_t id)
{
	unsigned count = atomic_load_explicit(&used, memory_order_acquire);

	for (unsigned i = 0; id && i < count; i++) {
		if (raws[i].fd > 0 && raws[i].id == id)
			return &raws[i];
	}
	return NULL;
}

struct raw *ring_table_find(unsigned fd, bool is_registered)
{
	if (!is_registered)
		return find_by_descriptor((int)fd);
	return fd < MAX_REGISTERED ? find_by_id(registered[fd]) : NULL;
}

static size_t saved_size(const struct raw *raw)
{
	return raw->entries * sizeof(struct saved);
}

static void forget(struct raw *raw)
{
	ring_unmap(&raw->map);
	munmap(raw->saved, saved_size(raw));
	atomic_store(&raw->fd, -1);
}

static struct raw *find_place(void)
{
	unsigned i = 0, count = atomic_load(&used);

	while (i < count && raws[i].fd > 0)
		i++;
	return i < MAX_RAW ? &raws[i] : NULL;
}

static bool fill(struct raw *raw, int fd, const struct io_uring_params *p)
{
	if (!raw || !ring_map(fd, p, &raw->map))
		return false;
	raw->flags = p->flags;
	raw->entries = p->sq_entries;
	raw->id = ++last_id;
	raw->woken_only = false;
	raw->saved_count = 0;
	pthread_mutex_init(&raw->lock, NULL);
	raw->saved = mmap(NULL, saved_size(raw), PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (raw->saved != MAP_FAILED)
		return true;
	ring_unmap(&raw->map);
	return false;
}

struct raw *ring_table_add(int fd, const struct io_uring_params *p)
{
	pthread_mutex_lock(&table_lock);
	struct raw *raw = find_place();
	if (fill(raw, fd, p)) {
		atomic_store(&owner, getpid());
		atomic_store(&raw->fd, fd);
		if (raw == &raws[used])
			atomic_store_explicit(&used, used + 1, memory_order_release);
	} else {
		raw = NULL;
	}
	pthread_mutex_unlock(&table_lock);
	return raw;
}

void ring_table_register(unsigned opcode, const struct io_uring_rsrc_update *updates, long count)
{
	for (long i = 0; i < count; i++) {
		const struct raw *raw = opcode == IORING_REGISTER_RING_FDS
						? find_by_descriptor((int)updates[i].data)
						: NULL;
		if (updates[i].offset < MAX_REGISTERED)
			registered[updates[i].offset] = raw ? raw->id : 0;
	}
}

static void close_one(struct raw *raw)
{
	GUARDED;
	files_forget(raw->fd);
	pthread_mutex_lock(&table_lock);
	if (raw->fd > 0)
		forget(raw);
	pthread_mutex_unlock(&table_lock);
}

void ring_table_before_close(unsigned first, unsigned last)
{
	unsigned count = atomic_load_explicit(&used, memory_order_acquire);

	for (unsigned i = 0; i < count; i++) {
		int fd = atomic_load_explicit(&raws[i].fd, memory_order_relaxed);
		if (fd > 0 && (unsigned)fd >= first && (unsigned)fd <= last && getpid() == owner)
			close_one(&raws[i]);
	}
}

RACY void ring_table_after_fork(void)
{
	table_lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
	for (unsigned i = 0; i < used; i++)
		raws[i].lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
	owner = getpid();
}
