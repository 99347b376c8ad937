/* SPDX-License-Identifier: MIT */
/*
 * The system calls of io_uring. A ring's memory is mapped only while a thread submits: a longer
 * mapping would keep a ring alive that the program has closed. The program's entries are put back
 * when the kernel has taken them, because programs publish them again.
 *
 * Some rings are not understood and go to the kernel: one whose kernel thread takes entries unseen,
 * one in the program's own memory, one entered by an index after the registered descriptor was
 * closed. Writes by them are found out in the end (sim/node.c).
 */
#include "sim_doors/ring.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/syscall.h>

#include "sim_doors/async.h"
#include "sim/next.h"

enum { MAX_RINGS = 256, MAX_REGISTERED = 16 /* IO_RINGFD_REG_MAX, io_uring/tctx.c */ };

struct ring {
	struct sim_ring_id id;
	pid_t issuer; /* the thread that made or enabled it; 0: it is disabled */
	struct io_uring_params params;
};
static struct ring rings[MAX_RINGS];
static unsigned oldest;                                  /* a ring that is most likely closed */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of the table */
static pthread_mutex_t locks[MAX_RINGS];                 /* held while a thread submits to one */

/* This thread's registered descriptors, by index, and the rings that they were of. */
static __thread struct registered {
	int fd;
	struct sim_ring_id id;
} registered[MAX_REGISTERED];

/* Makes the locks anew in a child: the threads that held them are not there. */
static void unlock_all(void)
{
	lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
	for (int i = 0; i < MAX_RINGS; i++)
		locks[i] = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
}

__attribute__((constructor)) static void start(void)
{
	unlock_all();
	pthread_atfork(NULL, NULL, unlock_all);
}

/* The caller holds the lock. NULL: the ring is not known. */
static struct ring *find(const struct sim_ring_id *id)
{
	for (int i = 0; i < MAX_RINGS && id->inode; i++) {
		if (sim_ring_is_same(&rings[i].id, id))
			return &rings[i];
	}
	return NULL;
}

/* Returns a free place, or the oldest. The caller holds the lock. */
static struct ring *find_place(void)
{
	for (int i = 0; i < MAX_RINGS; i++) {
		if (!rings[i].id.inode)
			return &rings[i];
	}
	return &rings[oldest++ % MAX_RINGS];
}

/* params: NULL for a ring that is not understood, or not any more. */
static void note(int fd, const struct io_uring_params *params)
{
	struct ring new = { .id = sim_ring_id_of(fd) };

	if (params) {
		new.params = *params;
		new.issuer = params->flags &IORING_SETUP_R_DISABLED ? 0 : gettid();
	}
	pthread_mutex_lock(&lock);
	struct ring *ring = find(&new.id);
	if (params)
		*(ring ? ring : find_place()) = new;
	else if (ring)
		ring->id.inode = 0;
	pthread_mutex_unlock(&lock);
	sim_ring_forget_files(fd);
}

static void enable(int fd)
{
	struct sim_ring_id id = sim_ring_id_of(fd);

	pthread_mutex_lock(&lock);
	struct ring *ring = find(&id);
	if (ring)
		ring->issuer = gettid();
	pthread_mutex_unlock(&lock);
}

/* Copies the ring. Returns its index in the table, or -1. */
static int get(int fd, struct ring *ret_ring)
{
	struct sim_ring_id id = sim_ring_id_of(fd);

	pthread_mutex_lock(&lock);
	const struct ring *ring = find(&id);
	if (ring)
		*ret_ring = *ring;
	pthread_mutex_unlock(&lock);
	return ring ? (int)(ring - rings) : -1;
}

/* False: the kernel will refuse, with EEXIST (another thread's ring) or EBADFD (disabled). */
static bool may_submit(const struct ring *ring)
{
	return ring->issuer &&
	       (!(ring->params.flags & RING_SETUP_SINGLE_ISSUER) || ring->issuer == gettid());
}

static int fd_of_index(unsigned index)
{
	if (index >= MAX_REGISTERED || !registered[index].fd)
		return -1;
	struct sim_ring_id id = sim_ring_id_of(registered[index].fd);
	return sim_ring_is_same(&id, &registered[index].id) ? registered[index].fd : -1;
}

long sim_ring_setup(unsigned entries, void *params)
{
	const struct io_uring_params *p = params;
	long fd = sim_async_call(SYS_io_uring_setup, entries, (long)params, 0, 0, 0, 0);

	if (fd < 0 || sim_disk_count() == 0)
		return fd;
	if (p->flags & IORING_SETUP_SQPOLL)
		sim_say("a disk's I/O by an IORING_SETUP_SQPOLL ring of system calls",
			", and makes the disk fail");
	bool understood = !(p->flags & (~(unsigned)RING_SETUP_MAPPED | IORING_SETUP_SQPOLL)) &&
			  (p->features & IORING_FEAT_SINGLE_MMAP);
	note((int)fd, understood ? p : NULL);
	return fd;
}

/* One call of io_uring_enter(). */
struct call {
	unsigned fd, waits, flags;
	void *argument;
	size_t size;
};

static long enter(const struct call *call, unsigned count)
{
	return sim_async_call(SYS_io_uring_enter, call->fd, count, call->waits, call->flags,
			      (long)call->argument, (long)call->size);
}

struct memory {
	char *queue;
	struct io_uring_sqe *sqes;
	size_t queue_size, sqes_size;
};

static void *map(int fd, size_t size, off_t offset)
{
	void *at =
		sim_mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, offset);

	return at == MAP_FAILED ? NULL : at;
}

static void unmap_ring(struct memory *memory)
{
	sim_memory_put(memory->queue, memory->queue_size);
	sim_memory_put(memory->sqes, memory->sqes_size);
}

static bool map_ring(int fd, const struct ring *ring, struct memory *ret_memory)
{
	const struct io_uring_params *p = &ring->params;
	size_t entry = sizeof(struct io_uring_sqe) << (p->flags & RING_SETUP_SQE128 ? 1 : 0);
	size_t array = p->flags & RING_SETUP_NO_SQARRAY
			       ? 0
			       : p->sq_off.array + p->sq_entries * sizeof(unsigned);
	size_t size = array > p->cq_off.cqes ? array : p->cq_off.cqes;

	*ret_memory = (struct memory){ .queue_size = size, .sqes_size = p->sq_entries * entry };
	ret_memory->queue = map(fd, size, IORING_OFF_SQ_RING);
	ret_memory->sqes = map(fd, ret_memory->sqes_size, IORING_OFF_SQES);
	if (!ret_memory->queue || !ret_memory->sqes)
		unmap_ring(ret_memory);
	return ret_memory->queue && ret_memory->sqes;
}

static unsigned *field(const struct memory *memory, unsigned offset)
{
	return (unsigned *)(void *)(memory->queue + offset);
}

static struct sim_ring_view view_of(int fd, const struct ring *ring, const struct memory *memory)
{
	const struct io_uring_params *p = &ring->params;

	return (struct sim_ring_view){
		.ring = fd,
		.flags = p->flags,
		.mask = *field(memory, p->sq_off.ring_mask),
		.entries = p->sq_entries,
		.sqes = memory->sqes,
		.array = p->flags & RING_SETUP_NO_SQARRAY ? NULL : field(memory, p->sq_off.array),
	};
}

/* Puts back the entry, unless the program has prepared it anew meanwhile. */
static void put_back(const struct sim_ring_saved *saved)
{
	if (memcmp(saved->place, &saved->is, sizeof(saved->is)) == 0)
		*saved->place = saved->was;
}

/* Submits the entries without waiting, so that they are put back before anybody waits. -ENOENT:
 * none is about a node. */
static long submit(const struct call *call, const struct sim_ring_view *view, unsigned first,
		   unsigned count, struct sim_ring_saved *saved)
{
	struct call alone = { call->fd, 0, call->flags & RING_ENTER_REGISTERED, NULL, 0 };
	unsigned changed = sim_ring_do(view, first, count, saved);

	if (!changed)
		return -ENOENT;
	long result = enter(&alone, count);
	for (unsigned i = 0; i < changed; i++)
		put_back(&saved[i]);
	return result;
}

static long submit_mapped(const struct call *call, unsigned count, int fd, const struct ring *ring,
			  const struct memory *memory)
{
	struct sim_ring_view view = view_of(fd, ring, memory);
	unsigned first = __atomic_load_n(field(memory, ring->params.sq_off.head), __ATOMIC_ACQUIRE);
	unsigned there =
		__atomic_load_n(field(memory, ring->params.sq_off.tail), __ATOMIC_ACQUIRE) - first;
	size_t size = (there + 1) * sizeof(struct sim_ring_saved);
	struct sim_ring_saved *saved = there <= view.entries ? sim_memory_get(size) : NULL;

	if (!saved)
		return -ENOENT;
	long result = submit(call, &view, first, there < count ? there : count, saved);
	sim_memory_put(saved, size);
	return result;
}

/* Two threads may enter at once: the ring's lock gives each entry to one of them. */
static long submit_known(const struct call *call, unsigned count)
{
	int fd = call->flags & RING_ENTER_REGISTERED ? fd_of_index(call->fd) : (int)call->fd;
	struct memory memory;
	struct ring ring;
	long result = -ENOENT;

	int place = get(fd, &ring);
	if (place < 0 || !may_submit(&ring))
		return result;
	pthread_mutex_lock(&locks[place]);
	if (map_ring(fd, &ring, &memory)) {
		result = submit_mapped(call, count, fd, &ring, &memory);
		unmap_ring(&memory);
	}
	pthread_mutex_unlock(&locks[place]);
	return result;
}

long sim_ring_enter(unsigned fd, unsigned count, unsigned waits, unsigned flags, void *argument,
		    size_t size)
{
	struct call call = { fd, waits, flags, argument, size };
	int before = errno;

	if (!count || !sim_has_any())
		return enter(&call, count);
	long submitted = submit_known(&call, count);
	errno = before;
	if (submitted == -ENOENT)
		return enter(&call, count);
	if (submitted < (long)count || !(flags & IORING_ENTER_GETEVENTS))
		return submitted;
	enter(&call, 0);
	return submitted;
}

static void note_registered(unsigned operation, const struct io_uring_rsrc_update *updates,
			    long count)
{
	for (long i = 0; i < count; i++) {
		int fd = operation == RING_REGISTER_FDS ? (int)updates[i].data : -1;
		if (updates[i].offset < MAX_REGISTERED)
			registered[updates[i].offset] =
				(struct registered){ fd, sim_ring_id_of(fd) };
	}
}

/* struct io_uring_rsrc_register, whose flags Linux 5.10 calls reserved. */
struct table {
	uint32_t count, flags;
	uint64_t reserved, fds;
};

/* An update may stop half way; result says how far it came. */
static void note_files(int ring, unsigned operation, const void *argument, unsigned count,
		       long result)
{
	const struct io_uring_files_update *old = argument;
	const struct io_uring_rsrc_update2 *new = argument;
	const struct table *table = argument;

	if (operation == IORING_REGISTER_FILES || operation == IORING_REGISTER_FILES2 ||
	    operation == IORING_UNREGISTER_FILES)
		sim_ring_forget_files(ring);
	if (operation == IORING_REGISTER_FILES)
		sim_ring_set_files(ring, 0, argument, count);
	if (operation == IORING_REGISTER_FILES2 && !(table->flags & RING_SPARSE))
		sim_ring_set_files(ring, 0, (const int *)(uintptr_t)table->fds, table->count);
	if (operation == IORING_REGISTER_FILES_UPDATE)
		sim_ring_set_files(ring, old->offset, (const int *)(uintptr_t)old->fds,
				   (unsigned)result);
	if (operation == IORING_REGISTER_FILES_UPDATE2)
		sim_ring_set_files(ring, new->offset, (const int *)(uintptr_t) new->data,
				   (unsigned)result);
}

long sim_ring_register(unsigned fd, unsigned opcode, void *argument, unsigned count)
{
	const unsigned by_index = 1U << 31; /* IORING_REGISTER_USE_REGISTERED_RING */
	unsigned operation = opcode & ~by_index;
	int before = errno, ring = opcode & by_index ? fd_of_index(fd) : (int)fd;
	long result =
		sim_async_call(SYS_io_uring_register, fd, opcode, (long)argument, count, 0, 0);

	if (operation == RING_REGISTER_FDS || operation == RING_UNREGISTER_FDS)
		note_registered(operation, argument, result);
	else if (operation == RING_REGISTER_RESIZE && result >= 0)
		note(ring, NULL);
	else if (operation == RING_REGISTER_ENABLE && result >= 0)
		enable(ring);
	else if (result >= 0)
		note_files(ring, operation, argument, count, result);
	errno = before;
	return result;
}
