/* SPDX-License-Identifier: MIT */
/*
 * Is this write one that a native kernel would do atomically, and if not, which error would it
 * give? Pure: the same table serves every door.
 */
#ifndef REQUEST_H
#define REQUEST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/counters.h"
#include "rules/limits.h"

struct request {
	uint64_t offset;   /* bytes, on the device or partition that the fd names */
	uint64_t length;   /* bytes, over all segments */
	uint32_t segments; /* of memory, empty ones counted; > 1 too for a registered buffer */
	uintptr_t address; /* of the first one */
	int rwf;           /* RWF_* */
	int open_flags;    /* O_*, as F_GETFL gives them now */
	bool ring;         /* asked for through io_uring */
	enum door door;    /* for the counters alone */
	bool read_only;    /* the device is, by BLKROSET or by itself */
	bool swap;         /* it is in use as swap space */
	uint64_t size;     /* of the device or partition, in bytes */
	uint64_t start;    /* of the partition on the disk, in bytes; 0 for a whole disk */
	uint32_t block;    /* logical block size */
	uint32_t physical; /* physical block size */
	uint32_t dma_mask; /* bits that must be 0 in address */
};

/* RWF_* flags that the emulated kernel knows; 6.12.2's. */
#define REQUEST_RWF_KNOWN 0x7f

enum { REQUEST_EMPTY = 0, REQUEST_GOOD = 1 };

/* REQUEST_GOOD: send it. REQUEST_EMPTY: done, nothing to write. Else -errno, of the first check
 * that fails in the order in which Linux 6.12.2 and later make them. */
int request_check(const struct request *request, const struct limits *limits);

/* Has it the length and the place of an atomic write on Linux, whatever the device? */
bool request_is_linux(uint64_t length, uint64_t offset);

/* The first of these checks, which other doors make earlier. */
int request_check_flags(int rwf, const struct limits *limits);

/* When a native kernel finds out that this is -EINVAL: it looks at the page cache before it looks
 * at the alignment, and at the memory before it comes to the limits. */
enum request_lateness { REQUEST_EARLY, REQUEST_UNALIGNED, REQUEST_BEYOND_LIMITS };
enum request_lateness request_lateness(const struct request *request, const struct limits *limits);

/* True when that answer depends on the device's state (read_only, swap) being known. */
bool request_needs_state(const struct request *request, const struct limits *limits);

#endif
