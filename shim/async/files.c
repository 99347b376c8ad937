/* SPDX-License-Identifier: MIT */
/* Only block devices are of interest: few, so the table is short, and searched from end to end. */
#include "base/real.h"
#include "async/files.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/filter.h"
#include "base/guard.h"
#include "base/racy.h"
#include "device/hold.h"

enum { MAX_FILES = 256, SKIP = -2 /* IORING_REGISTER_FILES_SKIP */ };

static struct file {
	int ring, fd; /* fd < 0: the place is free */
	unsigned slot;
	struct look look; /* to know the descriptor by: programs close what is none of theirs */
} files[MAX_FILES];
static _Atomic unsigned used;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static bool is_sound(const struct file *file)
{
	struct look now;

	return look_at_node(file->fd, &now) == 0 && look_is_same_node(&now, &file->look);
}

static void drop(struct file *file)
{
	if (is_sound(file))
		real_close(file->fd);
	file->fd = -1;
}

static struct file *find(int ring, unsigned slot)
{
	for (unsigned i = 0; i < used; i++) {
		if (files[i].fd >= 0 && files[i].ring == ring && files[i].slot == slot)
			return &files[i];
	}
	return NULL;
}

static struct file *find_place(void)
{
	unsigned i = 0;

	while (i < used && files[i].fd >= 0)
		i++;
	if (i == used && used < MAX_FILES) {
		files[i].fd = -1;
		used++;
	}
	return i < MAX_FILES ? &files[i] : NULL;
}

static void set(int ring, unsigned slot, int fd)
{
	struct file *file = find(ring, slot);
	struct look look;

	if (file)
		drop(file);
	if (fd < 0 || look_at_node(fd, &look) < 0 || !(file = find_place()))
		return;
	file->fd = hold_duplicate(fd);
	file->ring = ring;
	file->slot = slot;
	file->look = look;
}

static bool is_known(int ring)
{
	for (unsigned i = 0; i < used; i++) {
		if (files[i].fd >= 0 && files[i].ring == ring)
			return true;
	}
	return false;
}

/* Do both numbers name one ring? A number that is closed cannot tell. */
static bool is_same_ring(struct file *file, int ring, bool may_ask)
{
	enum { KCMP_FILE = 0 };
	pid_t self = getpid();
	long result = may_ask ? real_syscall(SYS_kcmp, self, self, KCMP_FILE, file->ring, ring, 0)
			      : -EPERM;

	if (result < 0)
		drop(file);
	return result == 0;
}

/* A ring that has been duplicated is known by the number by which it got its files. A file of which
 * it cannot be told - a filter may kill for the question - is forgotten. */
static int name_of(int ring)
{
	bool may_ask = ring >= 0 && used && !is_known(ring) && !filter_is_set();

	for (unsigned i = 0; ring >= 0 && i < used && !is_known(ring); i++) {
		if (files[i].fd >= 0 && is_same_ring(&files[i], ring, may_ask))
			return files[i].ring;
	}
	return ring;
}

static int name_with_lock(int ring)
{
	GUARDED;
	pthread_mutex_lock(&lock);
	int name = name_of(ring);
	pthread_mutex_unlock(&lock);
	return name;
}

/* A ring without a descriptor has no name by which its files could be told from another one's. */
void files_set(int ring, unsigned first, const int *fds, unsigned count)
{
	if (ring < 0)
		return;
	GUARDED;
	pthread_mutex_lock(&lock);
	ring = name_of(ring);
	for (unsigned i = 0; i < count; i++) {
		if (fds[i] != SKIP)
			set(ring, first + i, fds[i]);
	}
	pthread_mutex_unlock(&lock);
}

static void forget(bool all, int ring)
{
	if (!files_are_there())
		return;
	GUARDED;
	pthread_mutex_lock(&lock);
	for (unsigned i = 0; i < used; i++) {
		if (files[i].fd >= 0 && (all || files[i].ring == ring))
			drop(&files[i]);
	}
	pthread_mutex_unlock(&lock);
}

void files_forget(int ring)
{
	forget(false, ring);
}

void files_forget_all(void)
{
	forget(true, 0);
}

static bool is_about_files(unsigned opcode)
{
	return opcode == IORING_REGISTER_FILES || opcode == IORING_UNREGISTER_FILES ||
	       opcode == IORING_REGISTER_FILES_UPDATE || opcode == IORING_REGISTER_FILES2 ||
	       opcode == IORING_REGISTER_FILES_UPDATE2;
}

void files_before_register(int ring, unsigned opcode)
{
	if (ring < 0 && is_about_files(opcode)) /* of a ring that we do not know by its index */
		files_forget_all();
	if (opcode == IORING_UNREGISTER_FILES && files_are_there())
		files_forget(name_with_lock(ring));
	if (opcode > IORING_REGISTER_FILE_ALLOC_RANGE) /* who knows */
		files_forget_all();
}

/* A new table. */
static void set_all(int ring, const int *fds, unsigned count)
{
	files_forget(files_are_there() ? name_with_lock(ring) : ring);
	files_set(ring, 0, fds, count);
}

/* An update may stop half way, and says how far it came. */
void files_after_register(int ring, unsigned opcode, const void *argument, unsigned count,
			  long result)
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

int files_find(int ring, unsigned slot)
{
	pthread_mutex_lock(&lock);
	struct file *file = find(ring, slot);
	int fd = file && is_sound(file) ? file->fd : -1;
	pthread_mutex_unlock(&lock);
	return fd;
}

bool files_are_there(void)
{
	return atomic_load_explicit(&used, memory_order_relaxed) != 0;
}

RACY void files_after_fork(void)
{
	lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
}
