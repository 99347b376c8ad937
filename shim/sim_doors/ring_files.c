/* SPDX-License-Identifier: MIT */
/* A table of the slots that hold nodes. It is searched from end to end: programs register few. */
#include "sim_doors/ring.h"

#include <errno.h>
#include <pthread.h>

#include "sim_doors/async.h"
#include "sim/next.h"

enum { MAX_FILES = 1024, SKIP = -2 /* IORING_REGISTER_FILES_SKIP */ };

static struct slot {
	struct sim_ring_id ring;
	unsigned number;
	struct sim_file file;
} slots[MAX_FILES];
static unsigned used;   /* all slots behind these are free */
static unsigned oldest; /* a slot of a ring that is most likely closed */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* Makes the lock anew in a child: the thread that held it is not there. */
static void unlock(void)
{
	lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
}

__attribute__((constructor)) static void start(void)
{
	pthread_atfork(NULL, NULL, unlock);
}

struct sim_ring_id sim_ring_id_of(int ring)
{
	struct stat st;

	if (ring < 0 || sim_fstat(ring, &st) < 0)
		return (struct sim_ring_id){ .inode = 0 };
	return (struct sim_ring_id){ st.st_dev, st.st_ino, sim_async_kernel_is(5, 12) ? 0 : ring };
}

bool sim_ring_is_same(const struct sim_ring_id *one, const struct sim_ring_id *other)
{
	return one->inode == other->inode && one->device == other->device && one->fd == other->fd;
}

/* The caller holds the lock. NULL: the slot has no node. */
static struct slot *find(const struct sim_ring_id *ring, unsigned number)
{
	for (unsigned i = 0; i < used && ring->inode; i++) {
		if (slots[i].number == number && sim_ring_is_same(&slots[i].ring, ring))
			return &slots[i];
	}
	return NULL;
}

static struct slot *find_place(void)
{
	unsigned i = 0;

	while (i < used && slots[i].ring.inode)
		i++;
	if (i == MAX_FILES)
		return &slots[oldest++ % MAX_FILES];
	used += i == used;
	return &slots[i];
}

static void set(const struct sim_ring_id *ring, unsigned number, int fd)
{
	struct sim_file file;
	bool node = fd >= 0 && sim_file_of_fd(fd, &file) && !file.node.generic;

	pthread_mutex_lock(&lock);
	struct slot *slot = find(ring, number);
	if (slot)
		slot->ring.inode = 0;
	if (node)
		*find_place() = (struct slot){ *ring, number, file };
	pthread_mutex_unlock(&lock);
}

void sim_ring_set_files(int ring, unsigned first, const int *fds, unsigned count)
{
	struct sim_ring_id id = sim_ring_id_of(ring);
	int fd;

	for (unsigned i = 0; i < count && sim_memory_read(&fd, fds + i, sizeof(fd)) == 0; i++) {
		if (fd != SKIP)
			set(&id, first + i, fd);
	}
}

void sim_ring_forget_files(int ring)
{
	struct sim_ring_id id = sim_ring_id_of(ring);

	pthread_mutex_lock(&lock);
	for (unsigned i = 0; i < used; i++) {
		if (sim_ring_is_same(&slots[i].ring, &id))
			slots[i].ring.inode = 0;
	}
	pthread_mutex_unlock(&lock);
}

bool sim_ring_file(int ring, unsigned number, struct sim_file *ret_file)
{
	struct sim_ring_id id = sim_ring_id_of(ring);

	pthread_mutex_lock(&lock);
	const struct slot *slot = find(&id, number);
	if (slot)
		*ret_file = slot->file;
	pthread_mutex_unlock(&lock);
	return slot != NULL;
}
