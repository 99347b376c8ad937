/* SPDX-License-Identifier: MIT */
/*
 * engine_statx(), for the doors: the kernel answers first. If it is a block device that gets its
 * atomic writes from us, we then fill in the atomic fields.
 */
#include "engine/engine.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "engine/account.h"
#include "engine/own_table.h"
#include "base/cleanup.h"
#include "base/real.h"
#include "untorn_uapi.h"

/* Opens the very node that statx was asked about. -1: it is another one by now, or may not be
 * opened. */
static int open_node(int dirfd, const char *path, int flags, dev_t number)
{
	char link[40];
	struct look look;
	int nofollow = flags & AT_SYMLINK_NOFOLLOW ? O_NOFOLLOW : 0;

	snprintf(link, sizeof(link), "/proc/thread-self/fd/%d", dirfd);
	bool by_fd = !path || !*path;
	int fd = real_open(by_fd ? AT_FDCWD : dirfd, by_fd ? link : path,
			   O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC | (by_fd ? 0 : nofollow));
	if (fd < 0)
		return -1;
	if (look_at_node(fd, &look) == 0 && look.number == number)
		return fd;
	real_close(fd);
	return -1;
}

/* If the node cannot be opened, asks by the program's descriptor, or goes by /sys and what root
 * published. */
static int ask(int dirfd, const char *path, int flags, dev_t number, struct device *ret_device)
{
	bool by_fd = !path || !*path;
	int fd = open_node(dirfd, path, flags, number);
	int error = device_get(fd < 0 && by_fd ? dirfd : fd, number, ret_device);

	if (fd >= 0)
		real_close(fd);
	return error;
}

static void fill(struct statx *stx, const struct limits *limits)
{
	struct untorn_statx_atomic *atomic = untorn_statx_atomic(stx);
	bool supported = limits->unit_max != 0;

	stx->stx_mask &= ~STATX_WRITE_ATOMIC;
	stx->stx_attributes &= ~(uint64_t)STATX_ATTR_WRITE_ATOMIC;
	stx->stx_attributes_mask &= ~(uint64_t)STATX_ATTR_WRITE_ATOMIC;
	if (supported) {
		stx->stx_mask |= STATX_WRITE_ATOMIC;
		stx->stx_attributes |= STATX_ATTR_WRITE_ATOMIC;
		stx->stx_attributes_mask |= STATX_ATTR_WRITE_ATOMIC;
	}
	atomic->unit_min = limits->unit_min;
	atomic->unit_max = limits->unit_max;
	atomic->segments_max = supported ? 1 : 0; /* bdev_statx(): one segment, on every device */
	atomic->unit_max_opt = 0;
}

struct question {
	int dirfd;
	const char *path;
	int flags;
	dev_t number;
	struct device device;
	int error;
};

static void put(void *argument)
{
	struct question *q = argument;

	q->error = ask(q->dirfd, q->path, q->flags, q->number, &q->device);
	if (!q->error && q->device.error == -EMFILE)
		q->error = -EMFILE;
}

/* An answer of the last second, which is still about this disk. */
static bool is_known(struct question *q)
{
	q->error = device_recall(q->number, &q->device) < DEVICE_OLD / 2
			   ? device_get(-1, q->number, &q->device)
			   : -ENODATA;
	return !q->error && !q->device.error;
}

/* Closing the node in the program's table of descriptors would drop the program's locks on it. So
 * where there may be locks, a thread with a table of its own asks. */
static void ask_somehow(struct question *q)
{
	bool by_path = q->path && *q->path;

	if ((!by_path && !hold_has_locks(q->dirfd)) || !own_table_run(put, q))
		put(q);
	if (q->error == -EMFILE)
		own_table_run_with_room(put, q, q->dirfd < 0 ? INT_MAX : q->dirfd);
}

bool engine_serves(int dirfd, const char *path, int flags, dev_t number, struct limits *ret_limits)
{
	struct question q = { .dirfd = dirfd, .path = path, .flags = flags, .number = number };

	if (!is_known(&q)) {
		if (!device_may_be_disk(number))
			return false;
		ask_somehow(&q);
	}
	*ret_limits = q.device.limits;
	return !q.error && engine_lane(&q.device, config_get().mode) == LANE_COMMAND;
}

static void add_limits(int dirfd, const char *path, int flags, struct statx *stx)
{
	dev_t number = makedev(stx->stx_rdev_major, stx->stx_rdev_minor);
	struct limits limits;

	if (engine_serves(dirfd, path, flags, number, &limits)) {
		fill(stx, &limits);
		account_statx(number);
	}
}

int engine_statx(int dirfd, const char *path, int flags, unsigned mask, struct statx *stx)
{
	KEEP_ERRNO;
	int error = real_statx(dirfd, path, flags, mask, stx);

	if (!error && (mask & STATX_WRITE_ATOMIC) && S_ISBLK(stx->stx_mode) &&
	    config_get().mode != MODE_OFF)
		add_limits(dirfd, path, flags, stx);
	return error;
}
