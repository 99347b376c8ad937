/* SPDX-License-Identifier: MIT */
/*
 * The doors that open a file by its path, or query it. They let programs find the files
 * queue/atomic_write_* of a disk, which the kernels that need us lack.
 *
 * The kernel goes first, and reads the path. If it finds no such file, an open gives a file in
 * memory, and a query gets the answer for another file of the same folder. At open, we also replace
 * a file of the kernel's that says less than we can do (engine/attribute.h).
 */
#include "engine/attribute.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/guard.h"
#include "base/real.h"
#include "door/entry.h"

#define ALIAS_OF(name) __attribute__((alias(#name)))
_Static_assert(sizeof(off_t) == 8, "the 64-names are aliases");

/* The kernel refuses a path that is a bad address. So this reads the path only after the kernel has
 * read it: the call succeeded, or failed with ENOENT. */
static inline bool concerns(bool is_there, const char *path)
{
	return (is_there || errno == ENOENT) && attribute_of(path) != ATTRIBUTE_NONE;
}

/* Copies the path with its last component replaced by name. False: too long. */
static bool rename_last(const char *path, const char *name, char ret_path[PATH_MAX])
{
	const char *slash = strrchr(path, '/');
	int length = slash ? (int)(slash - path) + 1 : 0;

	return snprintf(ret_path, PATH_MAX, "%.*s%s", length, path, name) < PATH_MAX;
}

/* Writes the content that we give the file, and returns its length; 0: not ours to give. */
static size_t text_of(int dirfd, const char *path, bool kernel_has, char ret_text[ATTRIBUTE_TEXT])
{
	char folder[PATH_MAX];

	if (!rename_last(path, ".", folder))
		return 0;
	int queue = real_open(dirfd, folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (queue < 0)
		return 0;
	size_t length = attribute_text(queue, attribute_of(path), kernel_has, ret_text);
	real_close(queue);
	return length;
}

static int make_file(const char *text, size_t length, int flags)
{
	int fd = memfd_create("atomic_write",
			      MFD_ALLOW_SEALING | (flags & O_CLOEXEC ? MFD_CLOEXEC : 0));

	if (fd < 0)
		return fd;
	if (pwrite(fd, text, length, 0) == (ssize_t)length && fchmod(fd, 0444) == 0 &&
	    fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) == 0)
		return fd;
	real_close(fd);
	return -1;
}

/* Returns our file, or -1: the kernel's answer stands. Keeps errno. */
static int open_ours(int dirfd, const char *path, int flags, bool kernel_has)
{
	KEEP_ERRNO;
	NO_CANCELLATION;
	char text[ATTRIBUTE_TEXT];

	size_t length = text_of(dirfd, path, kernel_has, text);
	return length ? make_file(text, length, flags) : -1;
}

/* fd: the kernel's answer, or -1 and errno. Our file takes over the number that the kernel gave,
 * because that is the lowest free one, as programs expect. */
static int open_instead(int fd, int dirfd, const char *path, int flags)
{
	int ours = open_ours(dirfd, path, flags, fd >= 0);

	if (ours < 0)
		return fd;
	if (fd >= 0) {
		KEEP_ERRNO;
		REAL(dup3)(ours, fd, flags & O_CLOEXEC);
		real_close(ours);
		return fd;
	}
	if (!(flags & O_DIRECTORY) && (flags & O_ACCMODE) == O_RDONLY)
		return ours;
	real_close(ours);
	return (int)ret_errno(flags & O_DIRECTORY ? -ENOTDIR : -EACCES);
}

__attribute__((used)) static int open_by(int dirfd, const char *path, int flags, mode_t mode)
{
	int fd = REAL(openat)(dirfd, path, flags, mode);

	return concerns(fd >= 0, path) ? open_instead(fd, dirfd, path, flags) : fd;
}

/* open() and openat() are variadic, but pass the mode in the same register as here (the ABIs of
 * x86-64 and arm64). If a call has no mode, the next function does not read that register either.
 */
__attribute__((used)) static int open_path(const char *path, int flags, mode_t mode)
{
	int fd = REAL(open)(path, flags, mode);

	return concerns(fd >= 0, path) ? open_instead(fd, AT_FDCWD, path, flags) : fd;
}

#ifndef __clang__
#pragma GCC diagnostic ignored "-Wattribute-alias"
#endif
EXPORT int open(const char *path, int flags, ...) ALIAS_OF(open_path);
EXPORT int openat(int dirfd, const char *path, int flags, ...) ALIAS_OF(open_by);

/* A fortified program calls these where it gives no mode. */
EXPORT int __open_2(const char *path, int flags);
EXPORT int __open_2(const char *path, int flags)
{
	return open_by(AT_FDCWD, path, flags, 0);
}

EXPORT int __openat_2(int dirfd, const char *path, int flags);
EXPORT int __openat_2(int dirfd, const char *path, int flags)
{
	return open_by(dirfd, path, flags, 0);
}

/* Gives our file only for reading: nobody may write it. A stream of the kernel's has read nothing
 * yet, so it reads our file under its number. */
EXPORT FILE *fopen(const char *restrict path, const char *restrict mode)
{
	FILE *file = REAL(fopen)(path, mode);

	if (!concerns(file != NULL, path) || *mode != 'r' || strchr(mode, '+'))
		return file;
	int fd = open_instead(file ? fileno(file) : -1, AT_FDCWD, path,
			      strchr(mode, 'e') ? O_CLOEXEC : 0);
	if (file || fd < 0)
		return file;
	file = fdopen(fd, mode);
	if (!file)
		real_close(fd);
	return file;
}

/* True if the kernel lacks the file and we give it. ret_like: a file of the same folder that is
 * like it (ATTRIBUTE_LIKE). */
static bool stands_for(int dirfd, const char *path, char ret_like[PATH_MAX])
{
	KEEP_ERRNO;
	NO_CANCELLATION;
	char text[ATTRIBUTE_TEXT];

	return text_of(dirfd, path, false, text) && rename_last(path, ATTRIBUTE_LIKE, ret_like);
}

__attribute__((noinline)) static int look_instead(int dirfd, const char *path, struct stat *ret_st,
						  int flags)
{
	char like[PATH_MAX];

	if (!stands_for(dirfd, path, like))
		return -1;
	return (int)ret_errno(
		real_syscall(SYS_newfstatat, dirfd, (long)like, (long)ret_st, flags, 0, 0));
}

__attribute__((noinline)) static int try_instead(int dirfd, const char *path, int mode, int flags)
{
	char like[PATH_MAX];

	return stands_for(dirfd, path, like) ? REAL(faccessat)(dirfd, like, mode, flags) : -1;
}

EXPORT int access(const char *path, int mode)
{
	int result = REAL(access)(path, mode);

	return result < 0 && concerns(false, path) ? try_instead(AT_FDCWD, path, mode, 0) : result;
}

EXPORT int faccessat(int dirfd, const char *path, int mode, int flags)
{
	int result = REAL(faccessat)(dirfd, path, mode, flags);

	return result < 0 && concerns(false, path) ? try_instead(dirfd, path, mode, flags) : result;
}

static inline int look(int result, int dirfd, const char *path, struct stat *ret_st, int flags)
{
	return result < 0 && concerns(false, path) ? look_instead(dirfd, path, ret_st, flags)
						   : result;
}

EXPORT int stat(const char *restrict path, struct stat *restrict st)
{
	return look(REAL(stat)(path, st), AT_FDCWD, path, st, 0);
}

EXPORT int lstat(const char *restrict path, struct stat *restrict st)
{
	return look(REAL(lstat)(path, st), AT_FDCWD, path, st, AT_SYMLINK_NOFOLLOW);
}

EXPORT int fstatat(int dirfd, const char *restrict path, struct stat *restrict st, int flags)
{
	return look(REAL(fstatat)(dirfd, path, st, flags), dirfd, path, st, flags);
}

/* Programs that were built before glibc 2.33 call these. */
EXPORT int __xstat(int version, const char *path, struct stat *st);
EXPORT int __xstat(int version, const char *path, struct stat *st)
{
	return look(REAL(__xstat)(version, path, st), AT_FDCWD, path, st, 0);
}

EXPORT int __lxstat(int version, const char *path, struct stat *st);
EXPORT int __lxstat(int version, const char *path, struct stat *st)
{
	return look(REAL(__lxstat)(version, path, st), AT_FDCWD, path, st, AT_SYMLINK_NOFOLLOW);
}

EXPORT int __fxstatat(int version, int dirfd, const char *path, struct stat *st, int flags);
EXPORT int __fxstatat(int version, int dirfd, const char *path, struct stat *st, int flags)
{
	return look(REAL(__fxstatat)(version, dirfd, path, st, flags), dirfd, path, st, flags);
}

/* Called after the kernel's statx() found no file. */
int entry_statx_missing(int dirfd, const char *path, int flags, unsigned mask, struct statx *stx)
{
	char like[PATH_MAX];

	if (!concerns(false, path) || !stands_for(dirfd, path, like))
		return -1;
	return REAL(statx)(dirfd, like, flags, mask, stx);
}

#ifdef __GLIBC__ /* elsewhere these names are macros */
EXPORT int open64(const char *path, int flags, ...) ALIAS_OF(open_path);
EXPORT int openat64(int dirfd, const char *path, int flags, ...) ALIAS_OF(open_by);
EXPORT int __open64_2(const char *path, int flags) ALIAS_OF(__open_2);
EXPORT int __openat64_2(int dirfd, const char *path, int flags) ALIAS_OF(__openat_2);
EXPORT FILE *fopen64(const char *restrict path, const char *restrict mode) ALIAS_OF(fopen);
EXPORT int stat64(const char *restrict path, struct stat64 *restrict st) ALIAS_OF(stat);
EXPORT int lstat64(const char *restrict path, struct stat64 *restrict st) ALIAS_OF(lstat);
EXPORT int fstatat64(int dirfd, const char *restrict path, struct stat64 *restrict st, int flags)
	ALIAS_OF(fstatat);
EXPORT int __xstat64(int version, const char *path, struct stat64 *st) ALIAS_OF(__xstat);
EXPORT int __lxstat64(int version, const char *path, struct stat64 *st) ALIAS_OF(__lxstat);
EXPORT int __fxstatat64(int version, int dirfd, const char *path, struct stat64 *st, int flags)
	ALIAS_OF(__fxstatat);
#endif
