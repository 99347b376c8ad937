/* SPDX-License-Identifier: MIT */
/*
 * Native answers of kernels 6.12 to 7.3 for an NVMe device, by geometry. Each row was measured in a
 * virtual machine; min/max/wmax are those of statx and atomic_write_{unit_min,unit_max,max}_bytes.
 * Rows that were not measured say "by the rule" instead.
 */
#ifndef TABLES_GEOMETRY_H
#define TABLES_GEOMETRY_H

#include "identify_page.h"

struct geometry_limits {
	uint32_t min, max;
	uint64_t wmax;
	uint32_t boundary;
	enum refusal refusal;
};

struct geometry {
	const char *why;
	struct identify_page page;
	uint32_t max_hw;   /* 0 in a row means 512 KiB, QEMU's MDTS 7 */
	uint32_t segments; /* 0 means 128 */
	bool zoned;
	struct geometry_limits namespace_policy;  /* of kernels from 7.0 on */
	struct geometry_limits controller_policy; /* 6.12 to 6.19; unit_max 0 and no refusal: the
						     same */
};

#define UNIT_512                                                                                   \
	{                                                                                          \
		512, 512, 512, 0, REFUSAL_NONE                                                     \
	}
#define UNIT_4096                                                                                  \
	{                                                                                          \
		4096, 4096, 4096, 0, REFUSAL_NONE                                                  \
	}
#define SAME                                                                                       \
	{                                                                                          \
		0, 0, 0, 0, REFUSAL_NONE                                                           \
	}
#define NO(reason)                                                                                 \
	{                                                                                          \
		0, 0, 0, 0, REFUSAL_##reason                                                       \
	}

static const struct geometry geometries[] = {
	{ .why = "no atomics at all is still one block", .namespace_policy = UNIT_512 },
	{ .why = "no atomics, 4096-byte blocks, by the rule",
	  .page = { .lbads = 12 },
	  .namespace_policy = UNIT_4096 },
	{ .why = "awupf 7",
	  .page = { .awupf = 7 },
	  .namespace_policy = UNIT_512,
	  .controller_policy = { 512, 4096, 4096, 0, REFUSAL_NONE } },
	{ .why = "awupf 31",
	  .page = { .awupf = 31 },
	  .namespace_policy = UNIT_512,
	  .controller_policy = { 512, 16384, 16384, 0, REFUSAL_NONE } },
	{ .why = "awupf 63",
	  .page = { .awupf = 63 },
	  .namespace_policy = UNIT_512,
	  .controller_policy = { 512, 32768, 32768, 0, REFUSAL_NONE } },
	{ .why = "awupf 255",
	  .page = { .awupf = 255 },
	  .namespace_policy = UNIT_512,
	  .controller_policy = { 512, 131072, 131072, 0, REFUSAL_NONE } },
	{ .why = "awupf counts blocks of the namespace's own size (6.16 had that wrong)",
	  .page = { .awupf = 3, .lbads = 12 },
	  .namespace_policy = UNIT_4096,
	  .controller_policy = { 4096, 16384, 16384, 0, REFUSAL_NONE } },
	{ .why = "awupf 30: the unit is rounded down, the largest request is not",
	  .page = { .awupf = 30 },
	  .namespace_policy = UNIT_512,
	  .controller_policy = { 512, 8192, 15872, 0, REFUSAL_NONE } },
	{ .why = "awupf 31, mdts 1: three segments hold less than the 8 KiB of the command",
	  .page = { .awupf = 31 },
	  .max_hw = 8192,
	  .segments = 3,
	  .namespace_policy = UNIT_512,
	  .controller_policy = { 512, 4096, 8192, 0, REFUSAL_NONE } },
	{ .why = "awupf 255, mdts 3: nine segments hold 29696 bytes",
	  .page = { .awupf = 255 },
	  .max_hw = 32768,
	  .segments = 9,
	  .namespace_policy = UNIT_512,
	  .controller_policy = { 512, 16384, 32768, 0, REFUSAL_NONE } },
	{ .why = "AWUN promises nothing at a power failure",
	  .page = { .awun = 63 },
	  .namespace_policy = UNIT_512 },
	{ .why = "awun 63, awupf 7: only the latter counts",
	  .page = { .awun = 63, .awupf = 7 },
	  .namespace_policy = UNIT_512,
	  .controller_policy = { 512, 4096, 4096, 0, REFUSAL_NONE } },
	{ .why = "type 1 protection in 8 bytes of metadata",
	  .page = { .awupf = 31, .ms = 8, .dps = 1 },
	  .namespace_policy = UNIT_512,
	  .controller_policy = { 512, 16384, 16384, 0, REFUSAL_NONE } },
	{ .why = "64 bytes of metadata: native accepts, we cannot supply them",
	  .page = { .awupf = 31, .ms = 64 },
	  .namespace_policy = NO(METADATA),
	  .controller_policy = NO(METADATA) },
	{ .why = "zoned: native accepts at the write pointer, we refuse",
	  .page = { .awupf = 31 },
	  .zoned = true,
	  .namespace_policy = NO(ZONED),
	  .controller_policy = NO(ZONED) },
	{ .why = "one of several namespaces, of 512-byte blocks",
	  .page = { .nsfeat = 2, .nawupf = 7 },
	  .namespace_policy = { 512, 4096, 4096, 0, REFUSAL_NONE } },
	{ .why = "one of several namespaces, of 4096-byte blocks",
	  .page = { .nsfeat = 2, .nawupf = 7, .lbads = 12 },
	  .namespace_policy = { 4096, 32768, 32768, 0, REFUSAL_NONE } },
	{ .why = "nawupf 31",
	  .page = { .nsfeat = 2, .nawun = 31, .nawupf = 31 },
	  .namespace_policy = { 512, 16384, 16384, 0, REFUSAL_NONE } },
	{ .why = "nawupf 63, nabspf 63: a boundary as large as the unit",
	  .page = { .nsfeat = 2, .nawupf = 63, .nabspf = 63 },
	  .namespace_policy = { 512, 32768, 32768, 32768, REFUSAL_NONE } },
	{ .why = "nawupf 31, nabspf 63: a boundary larger than the unit",
	  .page = { .nsfeat = 2, .nawupf = 31, .nabspf = 63 },
	  .namespace_policy = { 512, 16384, 16384, 32768, REFUSAL_NONE } },
	{ .why = "nawupf 31, nabspf 47: no power of two",
	  .page = { .nsfeat = 2, .nawupf = 31, .nabspf = 47 },
	  .namespace_policy = NO(BOUNDARY),
	  .controller_policy = NO(BOUNDARY) },
	{ .why = "NABSN is the boundary of AWUN, not ours",
	  .page = { .nsfeat = 2, .nawupf = 31, .nabsn = 63 },
	  .namespace_policy = { 512, 16384, 16384, 0, REFUSAL_NONE } },
	{ .why = "nabo 8",
	  .page = { .nsfeat = 2, .nawupf = 31, .nabspf = 63, .nabo = 8 },
	  .namespace_policy = NO(BOUNDARY_OFFSET),
	  .controller_policy = NO(BOUNDARY_OFFSET) },
	{ .why = "nawupf 255, mdts 2: five segments hold 13312 bytes",
	  .page = { .nsfeat = 2, .nawupf = 255 },
	  .max_hw = 16384,
	  .segments = 5,
	  .namespace_policy = { 512, 8192, 16384, 0, REFUSAL_NONE } },
	{ .why = "nawupf 63 wins over awupf 31",
	  .page = { .nsfeat = 2, .nawupf = 63, .awupf = 31 },
	  .namespace_policy = { 512, 32768, 32768, 0, REFUSAL_NONE } },
	{ .why = "nawupf 7 wins over awupf 31, by the rule",
	  .page = { .nsfeat = 2, .nawupf = 7, .awupf = 31 },
	  .namespace_policy = { 512, 4096, 4096, 0, REFUSAL_NONE } },
	{ .why = "nawun 63, nawupf 7: only the latter counts",
	  .page = { .nsfeat = 2, .nawun = 63, .nawupf = 7 },
	  .namespace_policy = { 512, 4096, 4096, 0, REFUSAL_NONE } },
	{ .why = "4096-byte blocks, nawupf 15, nabspf 15",
	  .page = { .nsfeat = 2, .nawupf = 15, .nabspf = 15, .lbads = 12 },
	  .namespace_policy = { 4096, 65536, 65536, 65536, REFUSAL_NONE } },
	{ .why = "nvmet over a disk of 512/4096-byte blocks",
	  .page = { .nsfeat = 2, .nawun = 7, .nawupf = 7 },
	  .namespace_policy = { 512, 4096, 4096, 0, REFUSAL_NONE } },
	{ .why = "nvmet over a disk of 4096/16384-byte blocks",
	  .page = { .nsfeat = 2, .nawun = 3, .nawupf = 3, .lbads = 12 },
	  .namespace_policy = { 4096, 16384, 16384, 0, REFUSAL_NONE } },
	{ .why = "nsfeat bit 1 with nawupf 0 says nothing: awupf up to 6.19, one block from 7.0",
	  .page = { .nsfeat = 2, .awupf = 31 },
	  .namespace_policy = UNIT_512,
	  .controller_policy = { 512, 16384, 16384, 0, REFUSAL_NONE } },
	{ .why = "awupf never has a boundary, whatever NABSPF says",
	  .page = { .nsfeat = 2, .awupf = 31, .nabspf = 15 },
	  .namespace_policy = UNIT_512,
	  .controller_policy = { 512, 16384, 16384, 0, REFUSAL_NONE } },
};

enum { GEOMETRIES = sizeof(geometries) / sizeof(geometries[0]) };

#endif
