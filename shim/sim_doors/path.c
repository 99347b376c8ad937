/* SPDX-License-Identifier: MIT */
/* The C library's functions that take a path of a node. */
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim_doors/doors.h"

/* The mode argument is present only if the flags may make a file. */
#define MODE_ARGUMENT(flags)                                                                       \
	({                                                                                         \
		mode_t mode_ = 0;                                                                  \
		if ((flags) & (O_CREAT | __O_TMPFILE)) {                                           \
			va_list list;                                                              \
			va_start(list, flags);                                                     \
			mode_ = va_arg(list, mode_t);                                              \
			va_end(list);                                                              \
		}                                                                                  \
		mode_;                                                                             \
	})

static int open_at(int dirfd, const char *path, int flags, mode_t mode)
{
	struct sim_node node;

	path = maybe_null(path);
	if (path && sim_disk_count()) {
		if (sim_node_of_path(path, &node))
			return (int)ret_errno(sim_node_open(&node, flags));
		int fd = sim_sysfs_open(path);
		if (fd != -EXDEV)
			return (int)ret_errno(fd);
	}
	return sim_next()->openat(dirfd, path, flags, mode);
}

EXPORT int open(const char *path, int flags, ...)
{
	return open_at(AT_FDCWD, path, flags, MODE_ARGUMENT(flags));
}
ALIAS_OF(open) int open64(const char *path, int flags, ...);

EXPORT int openat(int dirfd, const char *path, int flags, ...)
{
	return open_at(dirfd, path, flags, MODE_ARGUMENT(flags));
}
ALIAS_OF(openat) int openat64(int dirfd, const char *path, int flags, ...);

/* _FORTIFY_SOURCE turns open() and openat() into these. */
EXPORT int __open_2(const char *path, int flags);
EXPORT int __open_2(const char *path, int flags)
{
	return open_at(AT_FDCWD, path, flags, 0);
}
ALIAS_OF(__open_2) int __open64_2(const char *path, int flags);

EXPORT int __openat_2(int dirfd, const char *path, int flags);
EXPORT int __openat_2(int dirfd, const char *path, int flags)
{
	return open_at(dirfd, path, flags, 0);
}
ALIAS_OF(__openat_2) int __openat64_2(int dirfd, const char *path, int flags);

EXPORT ssize_t readlink(const char *restrict path, char *restrict buffer, size_t size)
{
	path = maybe_null(path);
	ssize_t result = path ? sim_sysfs_readlink(path, buffer, size) : -EXDEV;

	return result == -EXDEV ? sim_next()->readlink(path, buffer, size) : ret_errno(result);
}

/* Answers as for the image. Succeeds while there is none: the first open of the node makes it. */
static int access_node(const struct sim_node *node, int mode)
{
	struct stat st;

	if (sim_stat(node->disk->image, &st) < 0)
		return 0;
	return sim_next()->access(node->disk->image, mode);
}

EXPORT int access(const char *path, int mode)
{
	struct sim_node node;

	return sim_node_of_path(maybe_null(path), &node) ? access_node(&node, mode)
							 : sim_next()->access(path, mode);
}

EXPORT int faccessat(int dirfd, const char *path, int mode, int flags)
{
	struct sim_node node;

	return sim_node_of_path(maybe_null(path), &node)
		       ? access_node(&node, mode)
		       : sim_next()->faccessat(dirfd, path, mode, flags);
}

EXPORT int euidaccess(const char *path, int mode)
{
	struct sim_node node;

	return sim_node_of_path(maybe_null(path), &node) ? access_node(&node, mode)
							 : sim_next()->euidaccess(path, mode);
}
ALIAS_OF(euidaccess) int eaccess(const char *path, int mode);

/* A node is not a link, so its path is the real one. */
EXPORT char *realpath(const char *restrict path, char *restrict resolved)
{
	struct sim_node node;

	path = maybe_null(path);
	if (!sim_node_of_path(path, &node))
		return sim_next()->realpath(path, resolved);
	return resolved ? strcpy(resolved, path) : strdup(path);
}

EXPORT char *__realpath_chk(const char *path, char *resolved, size_t size);
EXPORT char *__realpath_chk(const char *path, char *resolved, size_t size)
{
	(void)size; /* at least PATH_MAX, or the caller would not have been built */
	return realpath(path, resolved);
}

EXPORT char *canonicalize_file_name(const char *path)
{
	return realpath(path, NULL);
}

EXPORT int truncate(const char *path, off_t length)
{
	struct sim_node node;

	return sim_node_of_path(maybe_null(path), &node) ? (int)ret_errno(-EINVAL)
							 : sim_next()->truncate(path, length);
}
ALIAS_OF(truncate) int truncate64(const char *path, off64_t length);
