/* SPDX-License-Identifier: MIT */
/*
 * Turns READ CAPACITY (16) and VPD page B0h into limits, by the rule of Linux 6.12 to 7.2
 * (drivers/scsi/sd.c: sd_config_atomic); limits.c adds the block layer's strictness of 7.2. Offsets
 * are those of SBC-4, "READ CAPACITY (16) parameter data" and "Block Limits VPD page".
 */
#include "rules/limits_scsi.h"

#include <stddef.h>

enum {
	CAPACITY_BLOCK = 8,
	CAPACITY_PROTECTION = 12, /* bit 0 PROT_EN, bits 1 to 3 P_TYPE */
	CAPACITY_EXPONENT = 13,   /* bits 0 to 3: physical blocks are that power of two larger */
	LIMITS_PAGE_CODE = 1,
	LIMITS_PAGE_LENGTH = 2, /* of what follows the first four bytes */
	LIMITS_MAX_ATOMIC = 44,
	LIMITS_ALIGNMENT = 48,
	LIMITS_GRANULARITY = 52,
	LIMITS_MAX_WITH_BOUNDARY = 56,
	LIMITS_MAX_BOUNDARY = 60,
	BLOCK_MIN = 512, /* the smallest that the kernel takes */
	BLOCK_MAX = 65536,
};

static uint16_t be16(const uint8_t *bytes)
{
	return (uint16_t)(bytes[0] << 8 | bytes[1]);
}

static uint32_t be32(const uint8_t *bytes)
{
	return (uint32_t)be16(bytes) << 16 | be16(bytes + 2);
}

static void read_capacity(const uint8_t *bytes, struct scsi_fields *fields)
{
	uint32_t block = be32(bytes + CAPACITY_BLOCK);

	if (block < BLOCK_MIN || block > BLOCK_MAX || (block & (block - 1)))
		return;
	fields->block = block;
	fields->physical = block << (bytes[CAPACITY_EXPONENT] & 0xf);
	if (bytes[CAPACITY_PROTECTION] & 1)
		fields->protection = (uint8_t)(((bytes[CAPACITY_PROTECTION] >> 1) & 7) + 1);
}

struct scsi_fields limits_scsi_fields(const struct scsi_identity *identity)
{
	const uint8_t *page = identity->block_limits;
	struct scsi_fields fields = { 0 };

	read_capacity(identity->capacity, &fields);
	fields.has_limits = page[LIMITS_PAGE_CODE] == 0xb0 &&
			    be16(page + LIMITS_PAGE_LENGTH) + 4 >= BLOCK_LIMITS_SIZE;
	if (!fields.has_limits)
		return fields;
	fields.max_atomic = be32(page + LIMITS_MAX_ATOMIC);
	fields.alignment = be32(page + LIMITS_ALIGNMENT);
	fields.granularity = be32(page + LIMITS_GRANULARITY);
	fields.max_with_boundary = be32(page + LIMITS_MAX_WITH_BOUNDARY);
	fields.max_boundary = be32(page + LIMITS_MAX_BOUNDARY);
	return fields;
}

static enum refusal check_fields(const struct scsi_fields *f)
{
	if (!f->block || f->protection > 3)
		return REFUSAL_GARBAGE;
	if (!f->max_atomic && !f->max_with_boundary)
		return REFUSAL_NO_ATOMIC;
	return f->protection == 2 ? REFUSAL_PROTECTION_TYPE : REFUSAL_NONE;
}

/* True if each unit is a multiple of the grain; all are in blocks. */
static bool divides(uint32_t grain, uint64_t unit_min, uint64_t unit_max)
{
	return grain <= 1 || ((unit_min <= 1 || unit_min % grain == 0) &&
			      (unit_max <= 1 || unit_max % grain == 0));
}

/* Takes the limits without boundaries if the device has them, because a boundary is one more
 * command field that the device must get right. */
struct limits limits_scsi(const struct scsi_identity *identity)
{
	struct scsi_fields f = limits_scsi_fields(identity);
	enum refusal refusal = check_fields(&f);

	if (refusal)
		return limits_refused(refusal);
	uint64_t max = f.max_atomic ? f.max_atomic : f.max_with_boundary;
	uint64_t unit_min = limits_floor_pow2(f.granularity ? f.granularity : f.physical / f.block);
	uint64_t unit_max = limits_floor_pow2(f.max_atomic ? f.max_atomic : f.max_boundary);
	if (!divides(f.granularity, unit_min, unit_max) ||
	    !divides(f.alignment, unit_min, unit_max))
		return limits_refused(REFUSAL_GRANULARITY);
	if (unit_min > unit_max || unit_max > max || max * f.block > UINT32_MAX)
		return limits_refused(REFUSAL_GARBAGE);
	uint64_t granularity = f.granularity ? f.granularity : 1;
	uint64_t alignment = f.alignment ? f.alignment : 1;
	return (struct limits){
		.unit_min = (uint32_t)(unit_min * f.block),
		.unit_max = (uint32_t)(unit_max * f.block),
		.max = max * f.block,
		.most = f.max_atomic ? max * f.block : 0, /* else the command names a boundary */
		.granularity = (uint32_t)(granularity * f.block),
		.alignment = (uint32_t)(alignment * f.block),
		.origin = f.max_atomic ? ORIGIN_MAX_ATOMIC : ORIGIN_MAX_BOUNDARY,
	};
}
