/* SPDX-License-Identifier: MIT */
/* Reads what a SCSI disk reports of itself, and derives the limits that it promises.
 * device/transport_scsi.c and the doctor call it. Pure functions over bytes. */
#ifndef LIMITS_SCSI_H
#define LIMITS_SCSI_H

#include <stdbool.h>
#include <stdint.h>

#include "rules/limits.h"

enum {
	CAPACITY_SIZE = 32,     /* SBC-4: READ CAPACITY (16) parameter data */
	BLOCK_LIMITS_SIZE = 64, /* SBC-4: Block Limits VPD page, B0h */
};

/* As the device returned them; nothing in here has been checked. */
struct scsi_identity {
	uint8_t capacity[CAPACITY_SIZE];
	uint8_t block_limits[BLOCK_LIMITS_SIZE]; /* all 0: it has no such page */
};

struct scsi_fields {
	uint32_t block;      /* logical block size, bytes; 0: not readable */
	uint32_t physical;   /* physical block size, bytes */
	uint8_t protection;  /* protection type, 1 to 3 (a device may claim up to 8); 0: none */
	bool has_limits;     /* the page is there, and long enough for the rest */
	uint32_t max_atomic; /* in logical blocks, as all that follow */
	uint32_t alignment, granularity;
	uint32_t max_with_boundary, max_boundary;
};

struct scsi_fields limits_scsi_fields(const struct scsi_identity *identity);

/* The device's own limits, before the block layer's caps. */
struct limits limits_scsi(const struct scsi_identity *identity);

#endif
