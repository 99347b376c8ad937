/* SPDX-License-Identifier: MIT */
/*
 * The C library's names that lead to a node: paths and descriptors of the simulated disk are
 * answered here, everything else by the next definition. Below 64 bits of off_t the 64-names would
 * differ; here they are the same functions under two names.
 */
#include <errno.h>
#include <linux/fs.h>
#include <linux/hdreg.h>
#include <stdarg.h>
#include <string.h>

#include "sim/sim.h"
#include "sim/io.h"
#include "sim/next.h"

#define EXPORT         __attribute__((visibility("default")))
#define ALIAS_OF(name) EXPORT __attribute__((alias(#name)))

_Static_assert(sizeof(off_t) == 8, "the 64-names are aliases");

#ifndef BLKGETDISKSEQ
#define BLKGETDISKSEQ _IOR(0x12, 128, uint64_t)
#endif

__attribute__((constructor)) static void start(void)
{
	if (sim_config())
		sim_disk_start();
}

static long ret_errno(long result)
{
	if (result >= 0)
		return result;
	errno = (int)-result;
	return -1;
}

/* The headers say that a path is never NULL, and the compiler believes it; programs do it. */
static const char *maybe_null(const char *path)
{
	__asm__("" : "+r"(path));
	return path;
}

/* The mode argument is there only when a file may be made. */
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
	if (sim_config() && path) {
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

/* What _FORTIFY_SOURCE makes of the two. */
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
	if (!sim_config() || !path)
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

/* Doors never call doors: another preload may stand in front of us under the same name. */
static int stat_fd(int fd, struct stat *st)
{
	struct sim_node node;
	int result = sim_next()->fstat(fd, st);

	if (result == 0 && sim_node_of_fd(fd, &node))
		sim_node_stat(&node, st);
	return result;
}

static int stat_followed(const char *path, struct stat *st)
{
	int result;

	return stat_path(path, st, &result) ? result : sim_next()->stat(path, st);
}

static int stat_itself(const char *path, struct stat *st)
{
	int result;

	return stat_path(path, st, &result) ? result : sim_next()->lstat(path, st);
}

static int stat_at(int dirfd, const char *path, struct stat *st, int flags)
{
	int result;

	path = maybe_null(path);
	if (path && !*path && (flags & AT_EMPTY_PATH))
		return stat_fd(dirfd, st);
	return stat_path(path, st, &result) ? result : sim_next()->fstatat(dirfd, path, st, flags);
}

EXPORT int fstat(int fd, struct stat *st)
{
	return stat_fd(fd, st);
}
ALIAS_OF(fstat) int fstat64(int fd, struct stat64 *st);

EXPORT int stat(const char *restrict path, struct stat *restrict st)
{
	return stat_followed(path, st);
}
ALIAS_OF(stat) int stat64(const char *restrict path, struct stat64 *restrict st);

EXPORT int lstat(const char *restrict path, struct stat *restrict st)
{
	return stat_itself(path, st);
}
ALIAS_OF(lstat) int lstat64(const char *restrict path, struct stat64 *restrict st);

EXPORT int fstatat(int dirfd, const char *restrict path, struct stat *restrict st, int flags)
{
	return stat_at(dirfd, path, st, flags);
}
ALIAS_OF(fstatat)
int fstatat64(int dirfd, const char *restrict path, struct stat64 *restrict st, int flags);

/* What programs built before glibc 2.33 call, and what TSAN's interceptor calls to this day. The
 * version is of a struct stat that has only one here. */
EXPORT int __fxstat(int version, int fd, struct stat *st);
EXPORT int __fxstat(int version, int fd, struct stat *st)
{
	(void)version;
	return stat_fd(fd, st);
}
ALIAS_OF(__fxstat) int __fxstat64(int version, int fd, struct stat64 *st);

EXPORT int __xstat(int version, const char *path, struct stat *st);
EXPORT int __xstat(int version, const char *path, struct stat *st)
{
	(void)version;
	return stat_followed(path, st);
}
ALIAS_OF(__xstat) int __xstat64(int version, const char *path, struct stat64 *st);

EXPORT int __lxstat(int version, const char *path, struct stat *st);
EXPORT int __lxstat(int version, const char *path, struct stat *st)
{
	(void)version;
	return stat_itself(path, st);
}
ALIAS_OF(__lxstat) int __lxstat64(int version, const char *path, struct stat64 *st);

EXPORT int __fxstatat(int version, int dirfd, const char *path, struct stat *st, int flags);
EXPORT int __fxstatat(int version, int dirfd, const char *path, struct stat *st, int flags)
{
	(void)version;
	return stat_at(dirfd, path, st, flags);
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

	path = maybe_null(path);
	if (path && !*path && (flags & AT_EMPTY_PATH) && sim_node_of_fd(dirfd, &node))
		return statx_node(&node, dirfd, mask, stx);
	if (!sim_node_of_path(path, &node))
		return sim_next()->statx(dirfd, path, flags, mask, stx);
	int fd = sim_node_open(&node, O_PATH | O_CLOEXEC);
	if (fd < 0)
		return (int)ret_errno(fd);
	int result = statx_node(&node, fd, mask, stx);
	close(fd);
	return result;
}

EXPORT ssize_t readlink(const char *restrict path, char *restrict buffer, size_t size)
{
	path = maybe_null(path);
	ssize_t result = path ? sim_sysfs_readlink(path, buffer, size) : -EXDEV;

	return result == -EXDEV ? sim_next()->readlink(path, buffer, size) : ret_errno(result);
}

/* What the driver has of its own. */
static int driver_ioctl(const struct sim_node *node, int flags, unsigned long request,
			void *argument)
{
	return node->disk->kind == SIM_SCSI ? sim_sg_ioctl(node, flags, request, argument)
					    : sim_nvme_ioctl(node, request, argument);
}

/* The ioctls of every block device. */
static int block_ioctl(const struct sim_node *node, int flags, unsigned long request,
		       void *argument)
{
	struct hd_geometry geometry = { .start = node->start / SIM_SECTOR };
	unsigned long sectors = node->size / SIM_SECTOR;
	uint64_t sequence = 1;
	unsigned physical = node->disk->block << node->disk->lbppbe;
	const struct sim_disk *disk = node->disk;
	int number = (int)(disk->kernel_block ? disk->kernel_block : disk->block);

	switch (request) {
	case BLKGETSIZE64:
		return sim_memory_write(argument, &node->size, sizeof(node->size));
	case BLKGETSIZE:
		return sim_memory_write(argument, &sectors, sizeof(sectors));
	case BLKSSZGET:
		return sim_memory_write(argument, &number, sizeof(number));
	case BLKPBSZGET:
		return sim_memory_write(argument, &physical, sizeof(physical));
	case BLKROGET:
		number = sim_disk_is_read_only(node->disk);
		return sim_memory_write(argument, &number, sizeof(number));
	case BLKROSET:
		if (sim_memory_read(&number, argument, sizeof(number)) < 0)
			return -EFAULT;
		sim_disk_set_read_only(number);
		return 0;
	case BLKGETDISKSEQ:
		return sim_memory_write(argument, &sequence, sizeof(sequence));
	case BLKFLSBUF:
		return 0;
	case HDIO_GETGEO:
		return sim_memory_write(argument, &geometry, sizeof(geometry));
	default:
		return driver_ioctl(node, flags, request, argument);
	}
}

EXPORT int ioctl(int fd, unsigned long request, ...)
{
	struct sim_node node;
	va_list list;

	va_start(list, request);
	void *argument = va_arg(list, void *);
	va_end(list);
	int flags = sim_node_of_fd(fd, &node) ? fcntl(fd, F_GETFL) : O_PATH;
	if (flags & O_PATH)
		return sim_next()->ioctl(fd, request, argument); /* EBADF for O_PATH */
	return (int)ret_errno(node.generic ? driver_ioctl(&node, flags, request, argument)
					   : block_ioctl(&node, flags, request, argument));
}
