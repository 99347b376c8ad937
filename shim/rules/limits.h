/* SPDX-License-Identifier: MIT */
/*
 * The limits of a device: the length, alignment and boundary that a write must keep so that the
 * device promises to do it whole or not at all. limits_nvme.c and limits_scsi.c make them from the
 * device's bytes. device/device.c and the doctor then apply this file's caps. Pure arithmetic: no
 * I/O, no state. All values are bytes.
 */
#ifndef LIMITS_H
#define LIMITS_H

#include <stdbool.h>
#include <stdint.h>

enum { LIMITS_MAX = 2 << 20 }; /* no unit is larger: device/cache.c prepares no more */

/* The refusal: why a device has no atomic writes. limits_explain() has a text for each. */
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
	REFUSAL_NO_ATOMIC,       /* the device reports none */
	REFUSAL_GRANULARITY,     /* atomic alignment or granularity and the unit do not agree */
	REFUSAL_PRIVILEGE,       /* this process may not send a write command */
	REFUSAL_COUNT
};

/* The field that the unit was taken from. */
enum origin {
	ORIGIN_BLOCK,
	ORIGIN_NAWUPF,
	ORIGIN_VENDOR,
	ORIGIN_AWUPF,
	ORIGIN_MAX_ATOMIC,   /* SCSI: MAXIMUM ATOMIC TRANSFER LENGTH */
	ORIGIN_MAX_BOUNDARY, /* SCSI: MAXIMUM ATOMIC BOUNDARY SIZE, which the command names */
	ORIGIN_COUNT
};

struct limits {
	uint32_t unit_min; /* power of two; 0: no atomic writes, and refusal says why */
	uint32_t unit_max; /* power of two */
	uint64_t max;      /* longest command that device and queue take whole; any number */
	uint32_t boundary; /* 0, or a power of two: no write may cross a multiple of it, counted
			      from the start of the whole disk */
	/* Device rules (UNTORN_RULES=device): a write has any length up to `most`, at any place, if
	 * its length is a multiple of `granularity` and its place on the disk one of `alignment`.
	 * most 0: Linux's rules. */
	uint64_t most;
	uint32_t granularity, alignment;
	enum refusal refusal;
	enum origin origin;
};

/* A write becomes durable by FUA in the command, by a flush after it, or by itself, where the disk
 * has no volatile cache. */
enum durable { DURABLE_BY_FUA, DURABLE_ANYWAY, DURABLE_BY_FLUSH };

/* The disk's request queue: what the kernel knows of the disk, and takes as one command. */
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

/* Returns the largest power of two that is not larger than the value; 0 for 0. */
uint64_t limits_floor_pow2(uint64_t value);

struct limits limits_refused(enum refusal refusal);

/* Cuts the device's limits down to what the queue can send as one command. page_size in bytes. */
struct limits limits_cap(struct limits device, const struct queue *queue, uint32_t page_size);

/* Returns the disk's limits for a partition that starts at this byte. */
struct limits limits_of_partition(struct limits disk, uint64_t start);

/* Each returns one clause of plain English. Static. */
const char *limits_explain(enum refusal refusal);
const char *limits_origin(enum origin origin);

#endif
