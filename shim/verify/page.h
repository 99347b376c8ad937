/* SPDX-License-Identifier: MIT */
/*
 * Self-describing pages. The head of each sector names the write that it belongs to; the rest of
 * the sector follows from the head. So each sector that is read back can be identified. target.c
 * fills pages, race.c and check.c look at them. Pure.
 */
#ifndef VERIFY_PAGE_H
#define VERIFY_PAGE_H

#include <stdint.h>

enum { VERIFY_SECTOR = 512 };

/* One write. Sequence numbers start at 1; 0 stands for data from before this run. */
struct verify_tag {
	uint64_t run, sequence;
	uint64_t after; /* the number of records in the log when this write began */
	uint64_t offset;
	uint32_t length, writer;
};

enum verify_state {
	VERIFY_WHOLE,   /* all of one write; with sequence 0: all from before this run */
	VERIFY_TORN,    /* parts of several writes, each sector whole */
	VERIFY_GARBLED, /* a sector has this run's head, but no write to this place made it */
};

struct verify_sight {
	enum verify_state state;
	uint64_t sequence; /* of the first sector */
	uint64_t other;    /* torn: of the first sector that differs */
	uint32_t sector;   /* torn: that sector; garbled: the garbled one */
	uint64_t after;    /* of the first sector's write */
};

/* data: tag->length bytes, aligned for uint64_t. */
void verify_page_fill(void *data, const struct verify_tag *tag);
struct verify_sight verify_page_look(const void *data, uint64_t run, uint64_t offset,
				     uint32_t length);

/* Returns a number that looks random; the same arguments give the same number. */
uint64_t verify_random(uint64_t seed, uint64_t n);

#endif
