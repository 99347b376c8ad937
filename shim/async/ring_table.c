/* SPDX-License-Identifier: MIT */
/* A fixed table, searched from end to end: programs have few rings. */
#include "async/ring_table.h"

#include <errno.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "async/files.h"
#include "base/guard.h"
#include "base/racy.h"
#include "base/real.h"
#include "base/uring_uapi.h"
#include "base/uses.h"

enum { MAX_RINGS = 256, MAX_REGISTERED = 16 /* IO_RINGFD_REG_MAX, io_uring/tctx.c */ };

static struct ring rings[MAX_RINGS];
static _Atomic unsigned used;
static uint32_t last_id;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* held to add a ring */

/* The ids of the calling thread's registered rings: a program may use a ring by its index long
 * after its descriptor has become another file's. And a number of our own for the thread: the
 * kernel and the C library give theirs out again. */
static __thread uint32_t registered[MAX_REGISTERED] __attribute__((tls_model("initial-exec")));
static __thread uint64_t self __attribute__((tls_model("initial-exec")));

static uint64_t number_of_this_thread(void)
{
	static _Atomic uint64_t last;

	if (!self)
		self = atomic_fetch_add(&last, 1) + 1;
	return self;
}

/* From 5.12 on each ring has an inode of its own. Before, all anonymous files share one: a ring and
 * an eventfd have the same then. */
enum inodes { UNKNOWN, TELL, TELL_NOTHING };
static _Atomic int inodes;

static bool inodes_are(enum inodes what, const struct ring *ring)
{
	struct stat other;

	if (inodes == UNKNOWN) {
		int fd = eventfd(0, EFD_CLOEXEC);
		if (fd < 0)
			return false;
		if (fstat(fd, &other) == 0)
			inodes = other.st_ino == ring->inode && other.st_dev == ring->filesystem
					 ? TELL_NOTHING
					 : TELL;
		real_close(fd);
	}
	return inodes == (int)what;
}

/* Makes the bare system call, as look_at_node() does: it is asked for each batch of writes. */
static bool has_its_inode(const struct ring *ring, int fd)
{
	struct stat st;

	return ring->inode && real_syscall2(SYS_fstat, fd, (long)&st) == 0 &&
	       st.st_ino == ring->inode && st.st_dev == ring->filesystem;
}

bool ring_table_is_at(const struct ring *ring, int fd)
{
	return has_its_inode(ring, fd) && inodes_are(TELL, ring);
}

bool ring_table_may_be_at(const struct ring *ring, int fd)
{
	return has_its_inode(ring, fd) && (inodes_are(TELL, ring) || inodes == TELL_NOTHING);
}

static void discard(struct ring *ring)
{
	ring_unmap(&ring->map);
	if (ring->saved)
		munmap(ring->saved, ring->entries * sizeof(*ring->saved));
	atomic_store(&ring->taken, false);
}

void ring_table_put(struct ring *ring)
{
	if (uses_end(&ring->uses))
		discard(ring);
}

void ring_table_share(struct ring *ring)
{
	atomic_fetch_add(&ring->uses, 1);
}

void ring_table_end(struct ring *ring)
{
	if (uses_close(&ring->uses))
		files_forget(ring->id);
}

/* We look for a ring by one of these: its file; its id, if not 0; its number. */
struct wanted {
	int fd;
	uint32_t id;
	const struct stat *file;
};

RACY static bool is_wanted(const struct ring *ring, const struct wanted *wanted)
{
	if (wanted->file)
		return ring->inode == wanted->file->st_ino &&
		       ring->filesystem == wanted->file->st_dev;
	return wanted->id ? ring->id == wanted->id : ring->fd == wanted->fd;
}

/* An entry may be replaced before uses_begin(), so it is compared again afterwards. */
static struct ring *get(const struct wanted *wanted)
{
	unsigned count = atomic_load_explicit(&used, memory_order_acquire);

	for (unsigned i = 0; i < count; i++) {
		if (!is_wanted(&rings[i], wanted) || !uses_begin(&rings[i].uses))
			continue;
		if (is_wanted(&rings[i], wanted))
			return &rings[i];
		ring_table_put(&rings[i]);
	}
	return NULL;
}

static struct ring *get_by_number(int fd)
{
	return fd < 0 ? NULL : get(&(struct wanted){ .fd = fd });
}

struct ring *ring_table_get(unsigned fd, bool is_registered)
{
	uint32_t id = is_registered && fd < MAX_REGISTERED ? registered[fd] : 0;
	struct ring *ring = !is_registered ? get_by_number((int)fd)
			    : id           ? get(&(struct wanted){ .fd = -1, .id = id })
					   : NULL;

	if (!ring || ring->map.sqes)
		return ring;
	ring_table_put(ring);
	return NULL;
}

/* A ring that liburing has mapped anew is the same ring if its file is the same. */
struct ring *ring_table_get_prepared(int fd, const void *head, bool by_number)
{
	struct ring *ring = get_by_number(fd);

	if (!ring || ring->head == head)
		return ring;
	if (by_number && ring_table_is_at(ring, fd)) {
		ring->head = head;
		return ring;
	}
	ring_table_put(ring);
	return NULL;
}

struct ring *ring_table_get_any(int fd)
{
	struct stat st;
	struct ring *ring = get_by_number(fd);

	if (ring && ring_table_may_be_at(ring, fd))
		return ring;
	if (ring)
		ring_table_put(ring);
	if (inodes != TELL || fstat(fd, &st) < 0)
		return NULL;
	return get(&(struct wanted){ .fd = -1, .file = &st });
}

static struct ring *find_place(void)
{
	unsigned i = 0;

	while (i < used && rings[i].taken)
		i++;
	return i < MAX_RINGS ? &rings[i] : NULL;
}

/* Ends the rings that had this number: they were closed unseen. */
static void end_others(int fd)
{
	struct ring *ring;

	while ((ring = get_by_number(fd))) {
		ring_table_end(ring);
		ring_table_put(ring);
	}
}

static void name(struct ring *ring, int fd, unsigned flags, const void *head)
{
	struct stat st;
	bool told = fstat(fd, &st) == 0;

	ring->inode = told ? st.st_ino : 0;
	ring->filesystem = told ? st.st_dev : 0;
	inodes_are(TELL, ring); /* ask now: ring_table_get_any() needs the answer later */
	ring->fd = fd;
	ring->id = ++last_id;
	ring->flags = flags;
	ring->head = head;
	ring->process = ring->issuing = getpid();
	ring->issuer = number_of_this_thread();
	ring->taken_out = 0;
}

static bool prepare(struct ring *ring, int fd, const struct io_uring_params *p)
{
	ring->map.sqes = NULL;
	ring->map.rings = NULL;
	ring->saved = NULL;
	ring->saved_count = 0;
	if (!p)
		return true;
	if (!ring_map(fd, p, &ring->map))
		return false;
	ring->entries = p->sq_entries;
	pthread_mutex_init(&ring->lock, NULL);
	struct saved *saved = mmap(NULL, ring->entries * sizeof(*saved), PROT_READ | PROT_WRITE,
				   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (saved == MAP_FAILED) {
		ring_unmap(&ring->map);
		return false;
	}
	ring->saved = saved;
	return true;
}

/* p: NULL for a ring of liburing's. */
static void add(int fd, unsigned flags, const void *head, const struct io_uring_params *p)
{
	GUARDED;
	end_others(fd);
	pthread_mutex_lock(&lock);
	struct ring *ring = find_place();
	if (ring && prepare(ring, fd, p)) {
		name(ring, fd, flags, head);
		atomic_store(&ring->taken, true);
		uses_open(&ring->uses);
		if (ring == &rings[used])
			atomic_store_explicit(&used, used + 1, memory_order_release);
	}
	pthread_mutex_unlock(&lock);
}

void ring_table_add(int fd, const struct io_uring_params *params)
{
	add(fd, params->flags, NULL, params);
}

void ring_table_note(int fd, unsigned flags, const void *head)
{
	add(fd, flags, head, NULL);
}

void ring_table_note_mapped(int fd, unsigned flags, const void *head)
{
	struct ring *ring = get_by_number(fd);
	bool same = ring && ring_table_may_be_at(ring, fd);

	if (same)
		ring->head = head;
	if (ring)
		ring_table_put(ring);
	if (!same)
		add(fd, flags, head, NULL);
}

bool ring_table_may_submit(const struct ring *ring, unsigned flags)
{
	if (flags & IORING_SETUP_R_DISABLED)
		return false;
	if (!(flags & IORING_SETUP_SINGLE_ISSUER))
		return true;
	return ring && ring->issuer == number_of_this_thread() && ring->issuing == getpid();
}

static bool is_in(int fd, unsigned first, unsigned last)
{
	return (unsigned)fd >= first && (unsigned)fd <= last;
}

bool ring_table_is_busy(unsigned first, unsigned last)
{
	unsigned count = atomic_load_explicit(&used, memory_order_acquire);

	for (unsigned i = 0; i < count; i++) {
		if (rings[i].under_way &&
		    (is_in(rings[i].fd, first, last) || is_in(rings[i].own, first, last)))
			return true;
	}
	return false;
}

void ring_table_register(unsigned opcode, const struct io_uring_rsrc_update *updates, long count)
{
	for (long i = 0; i < count; i++) {
		struct ring *ring = opcode == IORING_REGISTER_RING_FDS
					    ? get_by_number((int)updates[i].data)
					    : NULL;
		if (updates[i].offset < MAX_REGISTERED)
			registered[updates[i].offset] = ring ? ring->id : 0;
		if (ring)
			ring_table_put(ring);
	}
}

/* A child of vfork() shares our memory, but closes its own descriptors: that ends no ring. */
void ring_table_before_close(unsigned first, unsigned last)
{
	unsigned count = atomic_load_explicit(&used, memory_order_acquire);

	for (unsigned i = 0; i < count; i++) {
		if (!is_in(rings[i].fd, first, last) || !uses_begin(&rings[i].uses))
			continue;
		if (rings[i].process == getpid() && is_in(rings[i].fd, first, last))
			ring_table_end(&rings[i]);
		ring_table_put(&rings[i]);
	}
}

void ring_table_leave_all(void)
{
	for (unsigned i = 0; i < used; i++) {
		if (rings[i].under_way && ring_table_is_at(&rings[i], rings[i].own))
			real_close(rings[i].own);
		rings[i].under_way = 0;
	}
}

/* Uses by the parent's other threads stay counted: the child never discards what they used. */
RACY void ring_table_after_fork(void)
{
	lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
	self = 0;
	for (unsigned i = 0; i < used; i++) {
		rings[i].process = getpid();
		rings[i].lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
	}
}
