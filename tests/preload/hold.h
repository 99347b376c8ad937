/* SPDX-License-Identifier: MIT */
/* For bodies that look at the shim's holds of the simulated disk. */
#ifndef HOLD_TEST_H
#define HOLD_TEST_H

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "preload.h"

enum { HOLD_FIRST = 512 }; /* holds have numbers from here on */
#define PART DISK "p1"

/* The file that /proc names for the number; "" if it is closed. */
static inline const char *hold_name(int fd)
{
	static char name[300];
	char link[40];

	snprintf(link, sizeof(link), "/proc/thread-self/fd/%d", fd);
	ssize_t length = readlink(link, name, sizeof(name) - 1);
	name[length < 0 ? 0 : length] = '\0';
	return name;
}

/* Counts the numbers from `first` on that are open on that file in this thread's table. *ret_last
 * becomes the last of them. */
static inline int hold_count_from(int first, const char *file, int *ret_last)
{
	DIR *folder = opendir("/proc/thread-self/fd");
	int count = 0;

	want(folder);
	for (struct dirent *entry; (entry = readdir(folder));) {
		int fd = atoi(entry->d_name);
		if (*entry->d_name == '.' || fd < first || strcmp(hold_name(fd), file) != 0)
			continue;
		count++;
		*ret_last = fd;
	}
	closedir(folder);
	return count;
}

/* The file behind the disk's node ("disk") or its partition's ("p1"). */
static inline const char *hold_file(const char *name)
{
	static char path[300];

	snprintf(path, sizeof(path), "%s.sim/%s", image_path(), name);
	return path;
}

/* The number of descriptors that are open on the disk; on its partition. */
static inline int hold_count(void)
{
	int last;

	return hold_count_from(0, hold_file("disk"), &last);
}

static inline int hold_count_part(void)
{
	int last;

	return hold_count_from(0, hold_file("p1"), &last);
}

/* The number of the only hold of the disk. */
static inline int hold_number(void)
{
	int number = -1;

	want(hold_count_from(HOLD_FIRST, hold_file("disk"), &number) == 1);
	return number;
}

static inline int hold_open(const char *path)
{
	int fd = open(path, O_RDWR | O_DIRECT | O_CLOEXEC);

	want(fd >= 0);
	return fd;
}

/* The number that the program's next open() gets. */
static inline int hold_next_free(void)
{
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	want(fd >= 0 && close(fd) == 0);
	return fd;
}

#endif
