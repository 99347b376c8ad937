/* SPDX-License-Identifier: MIT */
/* The stat family and statx of a node, by path or descriptor. */
#include "sim_doors/doors.h"

static int stat_node(const struct sim_node *node, struct stat *st)
{
	int fd = sim_node_open(node, O_PATH | O_CLOEXEC);

	if (fd < 0)
		return (int)ret_errno(fd);
	int result = sim_next()->fstat(fd, st);
	close(fd);
	if (result == 0)
		sim_node_stat(node, st);
	return result;
}

static bool stat_path(const char *path, struct stat *st, int *ret_result)
{
	struct sim_node node;

	path = maybe_null(path);
	if (!path || !sim_disk_count())
		return false;
	if (sim_node_of_path(path, &node)) {
		*ret_result = stat_node(&node, st);
		return true;
	}
	int result = sim_sysfs_stat(path, st);
	if (result != -EXDEV)
		*ret_result = (int)ret_errno(result);
	return result != -EXDEV;
}

static int told_of(int fd, struct stat *st, int result)
{
	struct sim_node node;

	if (result == 0 && sim_node_of_fd(fd, &node))
		sim_node_stat(&node, st);
	return result;
}

EXPORT int fstat(int fd, struct stat *st)
{
	return told_of(fd, st, sim_next()->fstat(fd, st));
}
ALIAS_OF(fstat) int fstat64(int fd, struct stat64 *st);

EXPORT int stat(const char *restrict path, struct stat *restrict st)
{
	int result;

	return stat_path(path, st, &result) ? result : sim_next()->stat(path, st);
}
ALIAS_OF(stat) int stat64(const char *restrict path, struct stat64 *restrict st);

EXPORT int lstat(const char *restrict path, struct stat *restrict st)
{
	int result;

	return stat_path(path, st, &result) ? result : sim_next()->lstat(path, st);
}
ALIAS_OF(lstat) int lstat64(const char *restrict path, struct stat64 *restrict st);

/* True: the call is about the descriptor itself, by AT_EMPTY_PATH. */
static bool is_empty(const char *path, int flags)
{
	path = maybe_null(path);
	return path && !*path && (flags & AT_EMPTY_PATH);
}

EXPORT int fstatat(int dirfd, const char *restrict path, struct stat *restrict st, int flags)
{
	int result;

	if (is_empty(path, flags))
		return told_of(dirfd, st, sim_next()->fstatat(dirfd, path, st, flags));
	return stat_path(path, st, &result) ? result : sim_next()->fstatat(dirfd, path, st, flags);
}
ALIAS_OF(fstatat)
int fstatat64(int dirfd, const char *restrict path, struct stat64 *restrict st, int flags);

/* Programs that were built before glibc 2.33 call these; TSAN's interceptor still does. struct stat
 * has only one version here. Each function goes on under its own name: another preload's stat() may
 * call the next __xstat(), and that would be ours. */
EXPORT int __fxstat(int version, int fd, struct stat *st);
EXPORT int __fxstat(int version, int fd, struct stat *st)
{
	const struct sim_next *next = sim_next();

	return told_of(fd, st,
		       next->__fxstat ? next->__fxstat(version, fd, st) : next->fstat(fd, st));
}
ALIAS_OF(__fxstat) int __fxstat64(int version, int fd, struct stat64 *st);

EXPORT int __xstat(int version, const char *path, struct stat *st);
EXPORT int __xstat(int version, const char *path, struct stat *st)
{
	const struct sim_next *next = sim_next();
	int result;

	if (stat_path(path, st, &result))
		return result;
	return next->__xstat ? next->__xstat(version, path, st) : next->stat(path, st);
}
ALIAS_OF(__xstat) int __xstat64(int version, const char *path, struct stat64 *st);

EXPORT int __lxstat(int version, const char *path, struct stat *st);
EXPORT int __lxstat(int version, const char *path, struct stat *st)
{
	const struct sim_next *next = sim_next();
	int result;

	if (stat_path(path, st, &result))
		return result;
	return next->__lxstat ? next->__lxstat(version, path, st) : next->lstat(path, st);
}
ALIAS_OF(__lxstat) int __lxstat64(int version, const char *path, struct stat64 *st);

static int next_fxstatat(int version, int dirfd, const char *path, struct stat *st, int flags)
{
	const struct sim_next *next = sim_next();

	return next->__fxstatat ? next->__fxstatat(version, dirfd, path, st, flags)
				: next->fstatat(dirfd, path, st, flags);
}

EXPORT int __fxstatat(int version, int dirfd, const char *path, struct stat *st, int flags);
EXPORT int __fxstatat(int version, int dirfd, const char *path, struct stat *st, int flags)
{
	int result;

	if (is_empty(path, flags))
		return told_of(dirfd, st, next_fxstatat(version, dirfd, path, st, flags));
	return stat_path(path, st, &result) ? result
					    : next_fxstatat(version, dirfd, path, st, flags);
}
ALIAS_OF(__fxstatat)
int __fxstatat64(int version, int dirfd, const char *path, struct stat64 *st, int flags);

static int statx_node(const struct sim_node *node, int fd, unsigned mask, struct statx *stx)
{
	int result = sim_next()->statx(fd, "", AT_EMPTY_PATH, mask & STATX_ALL, stx);

	if (result == 0)
		sim_node_statx(node, stx);
	return result;
}

EXPORT int statx(int dirfd, const char *restrict path, int flags, unsigned mask,
		 struct statx *restrict stx)
{
	struct sim_node node;

	if (!sim_may_be_node(maybe_null(path)))
		PASS(statx(dirfd, path, flags, mask, stx));
	if (is_empty(path, flags) && sim_node_of_fd(dirfd, &node))
		return statx_node(&node, dirfd, mask, stx);
	if (!sim_node_of_path(maybe_null(path), &node))
		return sim_next()->statx(dirfd, path, flags, mask, stx);
	int fd = sim_node_open(&node, O_PATH | O_CLOEXEC);
	if (fd < 0)
		return (int)ret_errno(fd);
	int result = statx_node(&node, fd, mask, stx);
	close(fd);
	return result;
}
