/* SPDX-License-Identifier: MIT */
/* The table has block devices only. They are few, so it is short and searched from end to end. A
 * user counts its use of a file, without the lock (base/uses.h). */
#include "async/files.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "async/ring_table.h"
#include "base/config.h"
#include "base/guard.h"
#include "base/racy.h"
#include "base/real.h"
#include "base/uses.h"
#include "device/hold.h"

enum place { FREE, TAKEN, WAITING /* until its descriptor may be closed */ };
enum { MAX_FILES = 256, SKIP = -2 /* IORING_REGISTER_FILES_SKIP */ };

static struct file {
	_Atomic unsigned uses;
	_Atomic int place;     /* enum place */
	_Atomic uint32_t ring; /* its id */
	_Atomic unsigned slot;
	int fd;
	struct look look; /* proves the descriptor: programs close what is none of theirs */
} files[MAX_FILES];
static _Atomic unsigned used;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* held to set or forget files */

static bool is_sound(const struct file *file)
{
	struct look now;

	return look_at_node(file->fd, &now) == 0 && look_is_same_node(&now, &file->look);
}

/* False: somebody may hold locks on the node, and closing our descriptor would drop the process's
 * POSIX locks. It stays open then until find_place() tries again. */
static bool is_closed(struct file *file)
{
	if (is_sound(file)) {
		if (hold_has_locks(file->fd))
			return false;
		real_close(file->fd);
	}
	return true;
}

static void discard(struct file *file)
{
	atomic_store(&file->place, is_closed(file) ? FREE : WAITING);
}

void files_put(struct file *file)
{
	if (uses_end(&file->uses))
		discard(file);
}

static void drop(struct file *file)
{
	if (!uses_begin(&file->uses))
		return;
	uses_close(&file->uses);
	files_put(file);
}

static bool is_of(const struct file *file, uint32_t ring, unsigned slot)
{
	return file->ring == ring && file->slot == slot;
}

/* The file, in use; or NULL. */
static struct file *get(uint32_t ring, unsigned slot)
{
	unsigned count = atomic_load_explicit(&used, memory_order_acquire);

	for (unsigned i = 0; i < count; i++) {
		if (!is_of(&files[i], ring, slot) || !uses_begin(&files[i].uses))
			continue;
		if (is_of(&files[i], ring, slot))
			return &files[i];
		files_put(&files[i]);
	}
	return NULL;
}

/* With the lock. Tries again to close descriptors that waited for locks to go. */
static struct file *find_place(void)
{
	struct file *place = NULL;

	for (unsigned i = 0; i < used; i++) {
		int waiting = WAITING;
		if (atomic_compare_exchange_strong(&files[i].place, &waiting, TAKEN))
			discard(&files[i]);
		if (files[i].place == FREE && !place)
			place = &files[i];
	}
	return place || used == MAX_FILES ? place : &files[used];
}

static bool may_write(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	return flags >= 0 && !(flags & O_PATH) && (flags & O_ACCMODE) != O_RDONLY;
}

static void fill(struct file *file, uint32_t ring, unsigned slot, int fd, const struct look *look)
{
	file->fd = hold_duplicate(fd);
	if (file->fd < 0)
		return;
	file->ring = ring;
	file->slot = slot;
	file->look = *look;
	file->place = TAKEN;
	uses_open(&file->uses);
	if (file == &files[used])
		atomic_store_explicit(&used, used + 1, memory_order_release);
}

/* With the lock. */
static void set(uint32_t ring, unsigned slot, int fd)
{
	struct file *file = get(ring, slot);
	struct look look;

	if (file) {
		drop(file);
		files_put(file);
	}
	if (fd < 0 || look_at_node(fd, &look) < 0 || !may_write(fd))
		return;
	file = find_place();
	if (file)
		fill(file, ring, slot, fd, &look);
}

void files_set(const struct ring *ring, unsigned first, const int *fds, unsigned count)
{
	if (!ring || config_get().mode == MODE_OFF)
		return;
	GUARDED;
	pthread_mutex_lock(&lock);
	for (unsigned i = 0; i < count; i++) {
		if (fds[i] != SKIP)
			set(ring->id, first + i, fds[i]);
	}
	pthread_mutex_unlock(&lock);
}

static void forget(bool all, uint32_t ring)
{
	if (!atomic_load_explicit(&used, memory_order_relaxed))
		return;
	GUARDED;
	pthread_mutex_lock(&lock);
	for (unsigned i = 0; i < used; i++) {
		if (all || files[i].ring == ring)
			drop(&files[i]);
	}
	pthread_mutex_unlock(&lock);
}

void files_forget(uint32_t ring)
{
	forget(false, ring);
}

void files_forget_all(void)
{
	forget(true, 0);
}

void files_before_change(const struct ring *ring, enum files_change change)
{
	if (change == FILES_OF_ANY || (change == FILES_OF_RING && !ring))
		files_forget_all();
	else if (change == FILES_OF_RING)
		files_forget(ring->id);
}

static bool is_about_files(unsigned opcode)
{
	return opcode == IORING_REGISTER_FILES || opcode == IORING_UNREGISTER_FILES ||
	       opcode == IORING_REGISTER_FILES_UPDATE || opcode == IORING_REGISTER_FILES2 ||
	       opcode == IORING_REGISTER_FILES_UPDATE2;
}

/* An unknown ring may be a known one under another number. */
void files_before_register(const struct ring *ring, unsigned opcode)
{
	if (opcode > URING_REGISTER_LAST_KNOWN || opcode == URING_REGISTER_SEND_MSG_RING ||
	    (!ring && is_about_files(opcode)))
		files_forget_all();
	else if (opcode == IORING_UNREGISTER_FILES)
		files_forget(ring->id);
}

/* The ring has got a new table of files. */
static void set_all(const struct ring *ring, const int *fds, unsigned count)
{
	if (ring)
		files_forget(ring->id);
	files_set(ring, 0, fds, count);
}

/* An update may stop half way: its result is how many slots it has set. */
void files_after_register(const struct ring *ring, unsigned opcode, const void *argument,
			  unsigned count, long result)
{
	const struct io_uring_files_update *old = argument;
	const struct uring_rsrc_register *all = argument;
	const struct io_uring_rsrc_update2 *new = argument;

	if (opcode == IORING_REGISTER_FILES)
		set_all(ring, argument, count);
	if (opcode == IORING_REGISTER_FILES2)
		set_all(ring, (const int *)(uintptr_t)all->data,
			all->flags & IORING_RSRC_REGISTER_SPARSE ? 0 : all->nr);
	if (opcode == IORING_REGISTER_FILES_UPDATE)
		files_set(ring, old->offset, (const int *)(uintptr_t)old->fds, (unsigned)result);
	if (opcode == IORING_REGISTER_FILES_UPDATE2)
		files_set(ring, new->offset, (const int *)(uintptr_t) new->data, (unsigned)result);
}

int files_get(const struct ring *ring, unsigned slot, struct file **ret_file)
{
	struct file *file = ring ? get(ring->id, slot) : NULL;

	if (file && !is_sound(file)) {
		files_put(file);
		file = NULL;
	}
	*ret_file = file;
	return file ? file->fd : -1;
}

bool files_is_on(const struct file *file, const struct look *look)
{
	return look_is_same_node(&file->look, look);
}

RACY void files_after_fork(void)
{
	lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
}
