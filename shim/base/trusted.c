/* SPDX-License-Identifier: MIT */
/* A file is checked by its open descriptor, so that nobody can replace it after the check. */
#include "base/trusted.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/real.h"

/* Returns the descriptor if root alone may write its file; else closes it and returns -EPERM. */
static int only_if_root_writes(int fd, mode_t type)
{
	struct stat st;

	if (fd < 0 || (fstat(fd, &st) == 0 && (st.st_mode & S_IFMT) == type && st.st_uid == 0 &&
		       !(st.st_mode & (S_IWGRP | S_IWOTH))))
		return fd;
	real_close(fd);
	return -EPERM;
}

/* True if every user ID of this namespace is the machine's: the map is "0 0 4294967295". */
static bool knows_root(void)
{
	char map[64];
	unsigned inside, outside, count;

	AUTO_CLOSE int fd = real_open(AT_FDCWD, "/proc/self/uid_map", O_RDONLY | O_CLOEXEC);
	if (fd == -ENOENT) /* a kernel without user namespaces; or no /proc, which says nothing */
		return access("/proc/self", F_OK) == 0;
	ssize_t length = fd < 0 ? -1 : read(fd, map, sizeof(map) - 1);
	if (length <= 0)
		return false;
	map[length] = '\0';
	return sscanf(map, "%u %u %u", &inside, &outside, &count) == 3 && inside == 0 &&
	       outside == 0 && count == UINT32_MAX;
}

int trusted_directory(const char *path)
{
	int fd = real_open(AT_FDCWD, path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return only_if_root_writes(fd, S_IFDIR);
}

int trusted_open(const char *directory, const char *name)
{
	enum { HOW = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC };

	AUTO_CLOSE int folder = trusted_directory(directory);
	if ((folder >= 0 || folder == -EPERM) && !knows_root())
		return -EXDEV;
	if (folder < 0)
		return folder;
	return only_if_root_writes(real_open(folder, name, HOW), S_IFREG);
}
