/* SPDX-License-Identifier: MIT */
/*
 * Makes Identify data for tests, and reads their promises by a second implementation.
 *
 * This file uses none of the shim's parsing. It has its own copy of the offsets of the two identify
 * structures in NVMe Base 2.0 figure 275 and NVM Command Set 1.0 figure 97: so a slip in one copy
 * is found by the other.
 */
#ifndef IDENTIFY_PAGE_H
#define IDENTIFY_PAGE_H

#include <stdint.h>
#include <string.h>

#include "rules/limits_nvme.h"

enum { VENDOR_AMAZON = 0x1d0f, VENDOR_OTHER = 0x144d };

/* A row's device; every other byte of its two pages is zero. Sizes are 0's based and in logical
 * blocks, as on the wire. */
struct identify_page {
	uint16_t vid, awun, awupf;
	uint8_t nsfeat, nlbaf, flbas, dps;
	uint16_t nawun, nawupf, nabsn, nabo, nabspf;
	uint8_t lbads; /* 0 in a row means 9, 512 bytes */
	uint16_t ms;
	uint8_t entry;         /* of the format table, that lbads and ms go into */
	uint16_t ntwpu, ntwpg; /* Amazon's */
	uint32_t ntwpb;
	uint8_t cmic, fna;
	uint16_t oacs, nn;
};

static inline void put16(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)value;
	at[1] = (uint8_t)(value >> 8);
}

static inline uint32_t get16(const uint8_t *at)
{
	return at[0] + 256U * at[1];
}

static inline void identify_page(const struct identify_page *row, struct nvme_identity *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->nsid = 1;
	put16(ret->controller + 0, row->vid);
	put16(ret->controller + 526, row->awun);
	put16(ret->controller + 528, row->awupf);
	ret->controller[76] = row->cmic;
	put16(ret->controller + 256, row->oacs);
	put16(ret->controller + 516, row->nn);
	ret->controller[524] = row->fna;
	ret->namespace[24] = row->nsfeat;
	ret->namespace[25] = row->nlbaf;
	ret->namespace[26] = row->flbas;
	ret->namespace[29] = row->dps;
	put16(ret->namespace + 34, row->nawun);
	put16(ret->namespace + 36, row->nawupf);
	put16(ret->namespace + 40, row->nabsn);
	put16(ret->namespace + 42, row->nabo);
	put16(ret->namespace + 44, row->nabspf);
	put16(ret->namespace + 128 + 4 * row->entry, row->ms);
	ret->namespace[130 + 4 * row->entry] = row->lbads ? row->lbads : 9;
	put16(ret->namespace + 640, row->ntwpu);
	put16(ret->namespace + 642, row->ntwpg);
	put16(ret->namespace + 644, row->ntwpb & 0xffff);
	put16(ret->namespace + 646, row->ntwpb >> 16);
}

/* Bytes of one logical block in the format in use; 0: there is no such format. */
static inline uint64_t identify_block(const struct nvme_identity *page)
{
	unsigned low = page->namespace[26] % 16, high = page->namespace[26] / 32 % 4;
	unsigned index = page->namespace[25] < 16 ? low : low + 16 * high;
	unsigned shift = page->namespace[130 + 4 * index];

	return index > page->namespace[25] || shift < 9 || shift > 16 ? 0 : UINT64_C(1) << shift;
}

/* The bytes that the field named by origin promises to write whole. */
static inline uint64_t identify_promise(const struct nvme_identity *page, enum origin origin)
{
	uint64_t block = identify_block(page);

	switch (origin) {
	case ORIGIN_NAWUPF:
		return page->namespace[24] & 2 ? (get16(page->namespace + 36) + 1) * block : 0;
	case ORIGIN_VENDOR:
		return get16(page->controller) == VENDOR_AMAZON
			       ? (get16(page->namespace + 640) + 1) * block
			       : 0;
	case ORIGIN_AWUPF:
		return (get16(page->controller + 528) + 1) * block;
	default:
		return block;
	}
}

/* The smallest write in bytes; all writes must be multiples of it. */
static inline uint64_t identify_grain(const struct nvme_identity *page, enum origin origin)
{
	uint64_t blocks = origin == ORIGIN_VENDOR ? get16(page->namespace + 642) + 1 : 1;

	return blocks * identify_block(page);
}

static inline bool identify_is_power(uint64_t value)
{
	return __builtin_popcountll(value) == 1;
}

/* The rule that these limits of the device itself break, in words; or NULL. */
static inline const char *identify_wrong_promise(const struct nvme_identity *page,
						 const struct limits *limits,
						 enum nvme_policy policy)
{
	uint64_t block = identify_block(page);

	if (limits->refusal)
		return limits->unit_min || limits->unit_max || limits->max ? "refused, yet a unit"
									   : NULL;
	if (!identify_is_power(limits->unit_min) || !identify_is_power(limits->unit_max))
		return "a unit is a power of two";
	if (!block || block > limits->unit_min || limits->unit_min > limits->unit_max ||
	    limits->unit_max > limits->max)
		return "block <= unit_min <= unit_max <= max";
	if (limits->max > identify_promise(page, limits->origin))
		return "no more than the field named by origin says";
	if (limits->unit_min % identify_grain(page, limits->origin))
		return "a unit is made of whole grains";
	bool single = policy == NVME_POLICY_SINGLE && page->controller[76] == 0 &&
		      !(page->controller[256] & 8) &&
		      (page->controller[524] % 2 ||
		       (get16(page->controller + 516) == 1 && !get16(page->controller + 518)));
	if (limits->origin == ORIGIN_AWUPF && policy != NVME_POLICY_CONTROLLER && !single)
		return "AWUPF only by the controller policy";
	return get16(page->namespace + 42) ? "NABO is refused" : NULL;
}

/* The same for the limits after the block layer's caps. */
static inline const char *identify_wrong_cap(const struct limits *device, const struct queue *queue,
					     const struct limits *limits)
{
	if (limits->refusal)
		return limits->unit_min || limits->unit_max || limits->max ? "refused, yet a unit"
									   : NULL;
	if (device->refusal || queue->zoned)
		return "what was refused stays so";
	if (!identify_is_power(limits->unit_min) || !identify_is_power(limits->unit_max))
		return "a unit is a power of two";
	if (queue->block > limits->unit_min || limits->unit_min > limits->unit_max ||
	    limits->unit_max > limits->max)
		return "block <= unit_min <= unit_max <= max";
	if (limits->unit_max > device->unit_max || limits->max > device->max ||
	    limits->max > queue->max_hw)
		return "a cap only takes away";
	if (limits->unit_min != device->unit_min)
		return "a unit cut below the grain is not promised any more";
	if (limits->boundary != device->boundary ||
	    (limits->boundary &&
	     (!identify_is_power(limits->boundary) || limits->max > limits->boundary)))
		return "a boundary is a power of two that holds the unit";
	return queue->chunk && limits->max > queue->chunk ? "a chunk holds the unit" : NULL;
}

/* xorshift64*: the same pages in every run. It must not start with 0. */
static inline uint64_t identify_random(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * UINT64_C(2685821657736338717);
}

/* All bytes are random; then most fields that would be refused at once are usually made good. Else
 * one page in a million would pass the first check. */
static inline void identify_random_page(uint64_t *state, struct nvme_identity *ret)
{
	uint8_t *ns = ret->namespace;

	memset(ret, 0, sizeof(*ret));
	for (unsigned i = 0; i < 1024; i += 8) {
		uint64_t a = identify_random(state), b = identify_random(state);
		memcpy(ret->controller + i, &a, 8);
		memcpy(ns + i, &b, 8);
	}
	uint64_t dice = identify_random(state);
	if (dice & 3) /* NABO */
		put16(ns + 42, 0);
	if (dice & 4)
		put16(ret->controller, VENDOR_AMAZON);
	if (dice & 0x18) /* NABSPF, none or a power of two */
		put16(ns + 44, dice & 8 ? 0 : (1U << (dice >> 8 & 15)) - 1);
	if (dice & 0x60) { /* NTWPG and NTWPB, likewise */
		put16(ns + 642, (1U << (dice >> 12 & 3)) - 1);
		put16(ns + 644, dice & 0x20 ? 0 : (1U << (dice >> 14 & 15)) - 1);
		put16(ns + 646, 0);
	}
	if (dice & 0x80) { /* units as small as devices have them */
		ns[37] = ns[641] = ret->controller[529] = 0;
	}
	if (dice >> 20 & 7) { /* a format without metadata, in an entry that is there */
		unsigned low = ns[26] % 16;
		ns[25] = (uint8_t)(low + (dice >> 24) % (16 - low));
		put16(ns + 128 + 4 * low, dice >> 32 & 7 ? 0 : 8);
		ns[130 + 4 * low] = (uint8_t)(9 + (dice >> 40) % 8);
		ns[29] = ns[128 + 4 * low] ? (uint8_t)(dice >> 48) : 0;
	}
}

#endif
