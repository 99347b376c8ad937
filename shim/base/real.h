/* SPDX-License-Identifier: MIT */
/*
 * Calls the next definition of every name that the shim exports, and makes system calls that return
 * -errno. Every folder uses it.
 *
 * Names that the shim does not export (ioctl, fstat ...) are simply called: they resolve past the
 * shim by themselves, to the C library or to a preload below us such as the simulated disk.
 */
#ifndef REAL_H
#define REAL_H

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

#include "untorn_uapi.h"

#ifndef __GLIBC__ /* musl declares pwritev2 and statx from 1.2.5 on; off64_t is a macro there */
ssize_t pwritev2(int fd, const struct iovec *iov, int count, off_t offset, int flags);
ssize_t pwritev64v2(int fd, const struct iovec *iov, int count, off_t offset, int flags);
int statx(int dirfd, const char *restrict path, int flags, unsigned mask,
	  struct statx *restrict stx);
#endif

sighandler_t __sysv_signal(int signal, sighandler_t handler);
int __xstat(int version, const char *path, struct stat *st);
int __lxstat(int version, const char *path, struct stat *st);
int __fxstatat(int version, int dirfd, const char *path, struct stat *st, int flags);

/* Only one of several names for the same function: each look-up costs every start of a program. */
/* clang-format off */
#define REAL_NAMES(X)                                                                              \
	X(pwritev2) X(pwritev64v2) X(statx) X(syscall) X(close) X(dup2) X(dup3) X(sigaction)       \
	X(signal) X(__sysv_signal) X(sigset) X(sigprocmask) X(pthread_sigmask) X(fclose)           \
	X(freopen) X(open) X(openat) X(fopen) X(access) X(faccessat) X(stat) X(lstat) X(fstatat)   \
	X(__xstat) X(__lxstat) X(__fxstatat) X(readdir)
/* clang-format on */

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations" /* sigset */
struct real {
#define REAL_FIELD(name) __typeof__(name) *name;
	REAL_NAMES(REAL_FIELD)
#undef REAL_FIELD
};
#pragma GCC diagnostic pop

/* Resolves what has not been resolved yet; a name that this process lacks stays NULL.
 * Thread-safe, idempotent. */
const struct real *real_resolve(void);
extern struct real real_next;
extern _Atomic bool real_resolved;

static inline const struct real *real(void)
{
	return atomic_load_explicit(&real_resolved, memory_order_acquire) ? &real_next
									  : real_resolve();
}

/* REAL(close)(fd) calls the next close(). The load is atomic, because another thread may be storing
 * the same pointer once more. */
#define REAL(name) __atomic_load_n(&real()->name, __ATOMIC_RELAXED)

/* Finds the next definition of a function whose library may come late (brought along by a plug-in)
 * or not at all. NULL: it is not there yet. `known` is the caller's, static and NULL at first. */
void *real_find(void *_Atomic *known, const char *library, const char *name);

/* Each returns what the kernel returns: >= 0, or -errno. errno itself may be changed. */
long real_syscall(long number, long a, long b, long c, long d, long e, long f);
long real_syscall2(long number, long a, long b);
ssize_t real_pwritev2(int fd, const struct iovec *iov, int count, off_t offset, int flags);
int real_statx(int dirfd, const char *path, int flags, unsigned mask, struct statx *stx);
int real_ioctl(int fd, unsigned long request, void *argument);
int real_open(int dirfd, const char *path, int flags);
void real_close(int fd); /* past our own door */
void real_pause(unsigned microseconds);

/* Returns CLOCK_MONOTONIC in ns, as of the last tick. The answers of disks age by it. It calls the
 * vDSO's function, whatever replaces the C library's. */
uint64_t real_now(void);

/* Returns how many pages of the range are in the page cache, or -errno (-ENOSYS before 6.5). */
int64_t real_cachestat(int fd, uint64_t offset, uint64_t length);

#endif
