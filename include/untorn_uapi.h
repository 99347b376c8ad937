/* SPDX-License-Identifier: MIT */
/*
 * Linux's atomic-write interface for systems whose headers are older than it (Linux 6.11).
 *
 * The values are those of linux/fs.h and linux/stat.h; nothing here is invented. `struct statx` has
 * had its 256 bytes since 4.11, and older headers call the bytes of the new fields spare. So read
 * the fields through untorn_statx_atomic(), which works with every header.
 */
#ifndef UNTORN_UAPI_H
#define UNTORN_UAPI_H

#include <stdint.h>
#include <sys/stat.h>
#ifndef STATX_TYPE /* musl before 1.2.5 */
#include <linux/stat.h>
#endif

/* pwritev2(2), aio_rw_flags, sqe->rw_flags; linux/fs.h */
#ifndef RWF_HIPRI
#define RWF_HIPRI 0x00000001
#endif
#ifndef RWF_DSYNC
#define RWF_DSYNC 0x00000002
#endif
#ifndef RWF_SYNC
#define RWF_SYNC 0x00000004
#endif
#ifndef RWF_NOWAIT
#define RWF_NOWAIT 0x00000008
#endif
#ifndef RWF_APPEND
#define RWF_APPEND 0x00000010
#endif
#ifndef RWF_NOAPPEND /* 6.9 */
#define RWF_NOAPPEND 0x00000020
#endif
#ifndef RWF_ATOMIC /* 6.11 */
#define RWF_ATOMIC 0x00000040
#endif
#ifndef RWF_DONTCACHE /* 6.14 */
#define RWF_DONTCACHE 0x00000080
#endif

/* statx(2), linux/stat.h; 6.11 */
#ifndef STATX_WRITE_ATOMIC
#define STATX_WRITE_ATOMIC 0x00010000U
#endif
#ifndef STATX_ATTR_WRITE_ATOMIC
#define STATX_ATTR_WRITE_ATOMIC 0x00400000
#endif

/* The fields of struct statx from offset 0xa8 on, in its layout: the four of atomic writes, and one
 * between them. Bytes, except segments_max. */
struct untorn_statx_atomic {
	uint32_t unit_min;     /* stx_atomic_write_unit_min */
	uint32_t unit_max;     /* stx_atomic_write_unit_max */
	uint32_t segments_max; /* stx_atomic_write_segments_max */
	uint32_t dio_read_offset_align;
	uint32_t unit_max_opt; /* stx_atomic_write_unit_max_opt, 6.16; 0 on block devices */
};

#define UNTORN_STATX_ATOMIC_OFFSET 0xa8

static inline struct untorn_statx_atomic *untorn_statx_atomic(struct statx *stx)
{
	return (struct untorn_statx_atomic *)(void *)((char *)stx + UNTORN_STATX_ATOMIC_OFFSET);
}

_Static_assert(sizeof(struct statx) == 0x100, "struct statx is 256 bytes in every kernel");

#endif
