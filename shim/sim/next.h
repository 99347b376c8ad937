/* SPDX-License-Identifier: MIT */
/* The C library behind the simulated disk's doors: every name that it stands in for. */
#ifndef SIM_NEXT_H
#define SIM_NEXT_H

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define SIM_NEXT_NAMES(X)                                                                          \
	X(open)                                                                                    \
	X(openat)                                                                                  \
	X(fstat) X(stat) X(lstat) X(fstatat) X(statx) X(ioctl) X(pread) X(pwrite) X(read) X(write) \
		X(readv) X(writev) X(preadv) X(pwritev) X(preadv2) X(pwritev2) X(readlink)         \
			X(fsync) X(fdatasync)

#ifdef _STAT_VER /* glibc before 2.33 */
#define SIM_NEXT_OLD_NAMES(X) X(__fxstat) X(__xstat) X(__lxstat) X(__fxstatat)
#else
#define SIM_NEXT_OLD_NAMES(X)
#endif

struct sim_next {
#define SIM_NEXT_FIELD(name) __typeof__(name) *name;
	SIM_NEXT_NAMES(SIM_NEXT_FIELD)
	SIM_NEXT_OLD_NAMES(SIM_NEXT_FIELD)
#undef SIM_NEXT_FIELD
};

/* Thread-safe, idempotent. */
const struct sim_next *sim_next(void);

#endif
