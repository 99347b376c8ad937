/* SPDX-License-Identifier: MIT */
/* Helpers of hold.c and hold_end.c: nodes, holds and their numbers. */
#ifndef TEST_HOLD_H
#define TEST_HOLD_H

#include "device/hold.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "suite.h"
#include "tables_disk.h"

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))

enum { FIRST = 512, PLACES = 128 };

static struct test_disk disk;

static int open_node(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC);

	ck_assert_msg(fd >= 0, "%s", path);
	return fd;
}

static int open_disk(void)
{
	return open_node(disk.path, O_RDWR | O_DIRECT);
}

static struct look look_of(int fd)
{
	struct look look;

	ck_assert_int_eq(look_at(fd, &look, NULL), 0);
	return look;
}

static struct hold *get(int fd)
{
	struct look look = look_of(fd);
	struct hold *hold = NULL;

	ck_assert_int_eq(hold_get(fd, &look, &hold), 0);
	ck_assert_ptr_nonnull(hold);
	ck_assert(look_is_same_node(&hold->node, &look));
	ck_assert(hold_is_sound(hold) && hold_owns((unsigned)hold->fd));
	return hold;
}

/* Gets a hold and puts it; returns its number. */
static int number_of(int fd)
{
	struct hold *hold = get(fd);
	int number = hold->fd;

	hold_put(hold);
	return number;
}

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

/* Past the doors: by the kernel's own system call. */
static void close_past_the_doors(int number)
{
	ck_assert_int_eq(syscall(__NR_close_range, number, number, 0), 0);
}

/* As the door on close(). */
static void close_through_the_door(int fd)
{
	hold_before_change((unsigned)fd, (unsigned)fd);
	close(fd);
	hold_after_change();
}

#endif
