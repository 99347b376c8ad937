/* SPDX-License-Identifier: MIT */
/*
 * Decides whether a native kernel would do this write atomically, and if not, which error it would
 * give. engine/judge.c and rules/entrance.c call it. Pure: the same checks serve every door.
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
	uint32_t segments; /* of memory, empty ones too; > 1 also for a registered buffer */
	uintptr_t address; /* of the first one */
	int rwf;           /* RWF_* */
	int open_flags;    /* O_*, as F_GETFL gives them now */
	bool ring;         /* asked for through io_uring */
	enum door door;    /* for the counters alone */
	bool read_only;    /* the device is read-only, by BLKROSET or by itself */
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

/* Returns REQUEST_GOOD: send it; REQUEST_EMPTY: done, nothing to write; or -errno of the first
 * check that fails, in the order of Linux 6.12.2 and later. */
int request_check(const struct request *request, const struct limits *limits);

/* True if Linux allows an atomic write of this length at this offset, whatever the device. */
bool request_is_linux(uint64_t length, uint64_t offset);

/* Makes the first of these checks, that of the flags. rules/entrance.c calls it too: libaio and
 * io_uring check the flags at points of their own. */
int request_check_flags(int rwf, const struct limits *limits);

/* The point at which a native kernel finds the -EINVAL of this write. It looks at the page cache
 * before it checks the alignment, and at the memory before it checks the limits. */
enum request_lateness { REQUEST_EARLY, REQUEST_UNALIGNED, REQUEST_BEYOND_LIMITS };
enum request_lateness request_lateness(const struct request *request, const struct limits *limits);

/* True if the answer of request_check() depends on the device's state (read_only, swap). */
bool request_needs_state(const struct request *request, const struct limits *limits);

#endif
