/* SPDX-License-Identifier: MIT */
/*
 * How large, how aligned and within which boundaries a write must be for the device to promise that
 * it is done whole or not at all. Pure arithmetic: no I/O, no state. All values are bytes.
 */
#ifndef LIMITS_H
#define LIMITS_H

#include <stdbool.h>
#include <stdint.h>

enum { LIMITS_MAX = 2 << 20 }; /* no unit is larger: as much as device/cache.c can prepare */

/* Why a device is refused. The order is that of the table in limits_explain(). */
enum refusal {
	REFUSAL_NONE,
	REFUSAL_NOT_A_DISK, /* no driver that we know how to command */
	REFUSAL_IDENTIFY,   /* the device could not be asked, and nobody published its answer */
	REFUSAL_GARBAGE,    /* identify data that contradict themselves or the kernel */
	REFUSAL_ZONED,
	REFUSAL_BOUNDARY_OFFSET, /* NABO */
	REFUSAL_BOUNDARY,        /* not a power of two, or smaller than the unit */
	REFUSAL_METADATA,
	REFUSAL_PROTECTION_TYPE, /* type 2 */
	REFUSAL_CHUNK,           /* chunk_sectors and the boundary or the unit do not agree */
	REFUSAL_QUEUE,           /* the kernel's queue limits could not be read */
	REFUSAL_PARTITION,       /* starts off the unit or the boundary */
	REFUSAL_NO_ATOMIC,       /* the device says that it has none */
	REFUSAL_GRANULARITY,     /* atomic alignment or granularity and the unit do not agree */
	REFUSAL_PRIVILEGE,       /* this process would not be let send a write command */
	REFUSAL_COUNT
};

/* Which field the unit was taken from. */
enum origin {
	ORIGIN_BLOCK,
	ORIGIN_NAWUPF,
	ORIGIN_VENDOR,
	ORIGIN_AWUPF,
	ORIGIN_MAX_ATOMIC,   /* SCSI: MAXIMUM ATOMIC TRANSFER LENGTH */
	ORIGIN_MAX_BOUNDARY, /* SCSI: MAXIMUM ATOMIC BOUNDARY SIZE, to be named in the command */
	ORIGIN_COUNT
};

struct limits {
	uint32_t unit_min; /* power of two; 0: no atomic writes, and refusal says why */
	uint32_t unit_max; /* power of two */
	uint64_t max;      /* what the device or the queue promises for one command; any number */
	uint32_t boundary; /* 0, or a power of two: no write may cross a multiple of it, counted
			      from the start of the whole disk */
	/* By device rules (UNTORN_RULES=device): a write of any length up to `most`, at any place,
	 * as long as length and place on the disk are multiples of these. 0: by Linux's rules. */
	uint64_t most;
	uint32_t granularity, alignment;
	enum refusal refusal;
	enum origin origin;
};

/* A write becomes durable by FUA in the command, by a flush after it, or by itself, where the disk
 * has no volatile cache. */
enum durable { DURABLE_BY_FUA, DURABLE_ANYWAY, DURABLE_BY_FLUSH };

/* The disk's request queue: what the kernel knows of the disk, and lets through in one piece. */
struct queue {
	uint32_t block;    /* logical block size */
	uint32_t physical; /* physical block size */
	uint64_t max_hw;   /* largest command the hardware and driver take */
	uint32_t segments; /* largest scatter list */
	uint32_t chunk;    /* commands should not cross a multiple of it; 0: none */
	uint32_t dma_mask; /* bits that must be 0 in a buffer's address */
	bool zoned;
	enum durable durable;
};

/* The largest power of two that is not larger; 0 for 0. */
uint64_t limits_floor_pow2(uint64_t value);

struct limits limits_refused(enum refusal refusal);

/* The device's limits, cut down to what the queue can send as one command. page_size in bytes. */
struct limits limits_cap(struct limits device, const struct queue *queue, uint32_t page_size);

/* The disk's limits as they hold on a partition that starts at this byte. */
struct limits limits_of_partition(struct limits disk, uint64_t start);

/* One clause of plain English. Static. */
const char *limits_explain(enum refusal refusal);
const char *limits_origin(enum origin origin);

#endif
