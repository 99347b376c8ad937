/* SPDX-License-Identifier: MIT */
/* The C library's functions behind the simulated disk's doors. */
#ifndef SIM_NEXT_H
#define SIM_NEXT_H

#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

/* clang-format off */
#define SIM_NEXT_NAMES(X)                                                                          \
	X(open) X(openat) X(fstat) X(stat) X(lstat) X(fstatat) X(statx) X(readlink) X(ioctl)       \
	X(fcntl) X(lseek) X(ftruncate) X(truncate) X(fallocate) X(posix_fallocate) X(access)       \
	X(faccessat) X(euidaccess) X(realpath) X(fopen) X(fdopen) X(freopen) X(mmap) X(msync) X(madvise)      \
	X(posix_madvise) X(syscall)                                                                \
	X(pread) X(pwrite) X(read) X(write) X(readv) X(writev) X(preadv) X(pwritev) X(preadv2)     \
	X(pwritev2) X(sendfile) X(splice) X(copy_file_range) X(fsync) X(fdatasync) X(sync)         \
	X(syncfs) X(recvmsg)
/* clang-format on */

/* Before glibc 2.33 the stat family is inline, and the library has it under these names only. Later
 * versions keep the names for programs that were built before. */
int __fxstat(int version, int fd, struct stat *st);
int __xstat(int version, const char *path, struct stat *st);
int __lxstat(int version, const char *path, struct stat *st);
int __fxstatat(int version, int dirfd, const char *path, struct stat *st, int flags);
#define SIM_NEXT_OLD_NAMES(X) X(__fxstat) X(__xstat) X(__lxstat) X(__fxstatat)

struct sim_next {
#define SIM_NEXT_FIELD(name) __typeof__(name) *name;
	SIM_NEXT_NAMES(SIM_NEXT_FIELD)
	SIM_NEXT_OLD_NAMES(SIM_NEXT_FIELD)
#undef SIM_NEXT_FIELD
};

/* For our own use. They bypass other preloads, whose fstat() may call our __fxstat(). */
int sim_fstat(int fd, struct stat *ret_st);
int sim_stat(const char *path, struct stat *ret_st);
/* True during these two in this thread. If deep mode traps the next syscall(), which an older C
 * library or another preload has, then the call comes back to our syscall(). It must then reach the
 * kernel, because we look for the kernel's answer. */
extern __thread bool sim_next_is_own __attribute__((tls_model("initial-exec")));

/* Maps memory of our own. ThreadSanitizer must learn that it is new. */
#ifdef __SANITIZE_THREAD__
void *__interceptor_mmap(void *address, size_t length, int protection, int flags, int fd,
			 off_t offset);
#define sim_mmap __interceptor_mmap
#else
#define sim_mmap sim_next()->mmap
#endif

/* Finds all functions. Thread-safe, idempotent. */
const struct sim_next *sim_next_resolve(void);
extern struct sim_next sim_next_table;
extern _Atomic bool sim_next_resolved;

static inline const struct sim_next *sim_next(void)
{
	return atomic_load_explicit(&sim_next_resolved, memory_order_acquire) ? &sim_next_table
									      : sim_next_resolve();
}

#endif
