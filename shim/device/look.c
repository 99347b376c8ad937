/* SPDX-License-Identifier: MIT */
/*
 * Looks at descriptor numbers, keeps their marks and counts their changes. Start reading at
 * look_at().
 *
 * Changes are counted twice, when they begin and when they end. Two answers belong to one open file
 * if no change was under way before the first and none had begun after the second. If changes never
 * pause, the number's fdinfo tells flags and inode in one reading (5.14). It is read in
 * /proc/thread-self, because the calling thread may have its own table of descriptors.
 */
#include "device/look.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/racy.h"
#include "base/real.h"

#ifndef STATX_MNT_ID
#define STATX_MNT_ID 0x1000U /* 5.8 */
#endif

enum {
	AT_ONCE = 64, /* tries without a sleep between them */
	TRIES = 1024,
	PATIENCE = 2048,
	MOUNT_PLACE = 0x90, /* offset of stx_mnt_id, which older headers lack */
};

/* True: the process has one thread. The C library tells that from glibc 2.32 on. */
extern char __libc_single_threaded __attribute__((weak));
static bool is_alone(void)
{
	return &__libc_single_threaded && __libc_single_threaded;
}

_Atomic uint64_t look_marks[LOOK_NUMBERS / LOOK_WORD];
static _Atomic unsigned marks_end; /* one more than the highest number that was ever marked */
static _Atomic unsigned begun, ended;
static _Atomic unsigned waiting; /* looks that met a change: the next changes wait for them */

/* ThreadSanitizer's fstat() comes before ours. It would report that we ask about a descriptor that
 * it has seen closed: so this calls the C library's. */
static int ask_below(int fd, struct stat *ret_st)
{
#ifdef __SANITIZE_THREAD__
	static void *_Atomic known;
	__typeof__(fstat) *next = (__typeof__(fstat) *)real_find(&known, "libc.so.6", "fstat");
	if (next)
		return next(fd, ret_st) < 0 ? -errno : 0;
#endif
	return fstat(fd, ret_st) < 0 ? -errno : 0;
}

/* Makes the bare system call: fstat() of glibc before 2.39 makes another one, which takes five
 * times as long before Linux 6.11. To the kernel, a simulated disk below us is a regular file; only
 * fstat() knows it. */
int look_at_node(int fd, struct look *ret_look)
{
	struct stat st;

	int error = (int)real_syscall2(SYS_fstat, fd, (long)&st);
	if (!error && S_ISREG(st.st_mode))
		error = ask_below(fd, &st);
	if (error)
		return error;
	*ret_look = (struct look){ st.st_dev, st.st_ino, st.st_rdev, 0 };
	return S_ISBLK(st.st_mode) ? 0 : -ENOTBLK;
}

bool look_is_same_node(const struct look *a, const struct look *b)
{
	return a->inode == b->inode && a->filesystem == b->filesystem && a->number == b->number;
}

/* Returns false if the number was marked before. */
static bool mark_anew(unsigned number)
{
	unsigned end = atomic_load_explicit(&marks_end, memory_order_relaxed);

	if (number >= LOOK_NUMBERS || look_is_marked(number))
		return false;
	while (number >= end && !atomic_compare_exchange_weak(&marks_end, &end, number + 1))
		continue;
	atomic_fetch_or(&look_marks[number / LOOK_WORD], UINT64_C(1) << (number % LOOK_WORD));
	return true;
}

void look_mark(unsigned number)
{
	mark_anew(number);
}

/* A door in another thread may have read the mark just before, and be about to change the number
 * without counting that. The wait lets it do so. */
static void mark_and_wait(unsigned number)
{
	if (mark_anew(number) && !is_alone())
		real_pause(1000);
}

unsigned look_next(unsigned number)
{
	unsigned end = atomic_load(&marks_end);

	while (number < end) {
		uint64_t word = look_marks[number / LOOK_WORD] >> (number % LOOK_WORD);
		if (word)
			return number + (unsigned)__builtin_ctzll(word);
		number = (number / LOOK_WORD + 1) * LOOK_WORD;
	}
	return LOOK_NONE;
}

void look_hold_off(void)
{
	atomic_fetch_add(&waiting, 1);
}

void look_let_go(void)
{
	atomic_fetch_sub(&waiting, 1);
}

/* Changes that other threads had begun end in the parent. */
RACY void look_after_fork(void)
{
	atomic_store(&ended, atomic_load(&begun));
	atomic_store(&waiting, 0);
}

void look_before_change(void)
{
	for (int i = 0; atomic_load(&waiting) && i < PATIENCE; i++)
		sched_yield();
	atomic_fetch_add(&begun, 1);
}

void look_after_change(void)
{
	atomic_fetch_add(&ended, 1);
}

int look_begin(int fd, struct look *ret_look, struct look_begun *ret_begun)
{
	if (!look_is_marked((unsigned)fd))
		mark_and_wait((unsigned)fd);
	ret_begun->changes = atomic_load(&begun);
	if (ret_begun->changes != atomic_load(&ended))
		ret_begun->changes--; /* one is under way: look_end() will fail */
	return look_at_node(fd, ret_look);
}

int look_end(int fd, const struct look_begun *first, struct look *look, off_t *ret_position)
{
	look->flags = fcntl(fd, F_GETFL);
	int error = look->flags < 0 ? -errno : 0;

	if (ret_position)
		*ret_position = lseek(fd, 0, SEEK_CUR);
	atomic_thread_fence(memory_order_acquire);
	return atomic_load(&begun) == first->changes ? error : -EAGAIN;
}

static uint64_t mount_of(const struct statx *stx)
{
	uint64_t mount;

	memcpy(&mount, (const char *)stx + MOUNT_PLACE, sizeof(mount));
	return mount;
}

/* Returns the value after "name:\t", or 0. */
static uint64_t value_of(const char *text, const char *name, int base)
{
	const char *found = strstr(text, name);

	return found ? strtoull(found + strlen(name), NULL, base) : 0;
}

static int read_fdinfo(int fd, char *ret_text, size_t size)
{
	char path[48];

	snprintf(path, sizeof(path), "/proc/thread-self/fdinfo/%d", fd);
	AUTO_CLOSE int info = real_open(AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
	if (info < 0)
		return info;
	ssize_t length = read(info, ret_text, size - 1);
	ret_text[length < 0 ? 0 : length] = '\0';
	return length < 0 ? -errno : 0;
}

/* If inode and mount are the same in both answers, so is the node, and with it the device. */
static int look_in_fdinfo(int fd, struct look *ret_look, off_t *ret_position)
{
	struct statx stx;
	char text[512];

	int error = real_statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS | STATX_MNT_ID, &stx);
	if (error) /* a filter's refusal is no answer */
		return error == -EBADF ? error : -EAGAIN;
	if (!S_ISBLK(stx.stx_mode))
		return -ENOTBLK;
	if (read_fdinfo(fd, text, sizeof(text)) < 0)
		return -EAGAIN; /* closed meanwhile, or no /proc */
	if (!(stx.stx_mask & STATX_MNT_ID) || value_of(text, "ino:\t", 10) != stx.stx_ino ||
	    value_of(text, "mnt_id:\t", 10) != mount_of(&stx))
		return -EAGAIN;
	*ret_look = (struct look){ makedev(stx.stx_dev_major, stx.stx_dev_minor), stx.stx_ino,
				   makedev(stx.stx_rdev_major, stx.stx_rdev_minor),
				   (int)value_of(text, "flags:\t", 8) };
	if (ret_position)
		*ret_position = (off_t)value_of(text, "pos:\t", 10);
	return 0;
}

static int look_twice(int fd, struct look *ret_look, off_t *ret_position)
{
	struct look_begun first;
	int error = look_begin(fd, ret_look, &first);

	return error ? error : look_end(fd, &first, ret_look, ret_position);
}

/* A change may take long, as the last close of a disk does. Before 5.14 a look can only wait for
 * its end. */
int look_at(int fd, struct look *ret_look, off_t *ret_position)
{
	int error = -EAGAIN;

	look_hold_off();
	for (int i = 0; i < TRIES && error == -EAGAIN; i++) {
		error = look_twice(fd, ret_look, ret_position);
		if (error == -EAGAIN && i % AT_ONCE == AT_ONCE - 1)
			error = look_in_fdinfo(fd, ret_look, ret_position);
		if (error == -EAGAIN)
			real_pause(i < AT_ONCE ? 0 : 1000);
	}
	look_let_go();
	return error;
}
