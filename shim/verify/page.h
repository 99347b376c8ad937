/* SPDX-License-Identifier: MIT */
/*
 * Self-describing pages: each sector of one says which write it belongs to, and the rest of it
 * follows from that, so that of whatever is read back it can be told what it is. Pure.
 */
#ifndef VERIFY_PAGE_H
#define VERIFY_PAGE_H

#include <stdint.h>

enum { VERIFY_SECTOR = 512 };

/* One write. Sequence numbers start at 1: 0 is what was there before. */
struct verify_tag {
	uint64_t run, sequence;
	uint64_t after; /* so many records were in the log when it was begun */
	uint64_t offset;
	uint32_t length, writer;
};

enum verify_state {
	VERIFY_WHOLE,   /* one write's, or with sequence 0 all from before this run */
	VERIFY_TORN,    /* of several writes, each sector whole */
	VERIFY_GARBLED, /* a sector is this run's, but no write's to this place */
};

struct verify_sight {
	enum verify_state state;
	uint64_t sequence; /* of the first sector */
	uint64_t other;    /* torn: of the first sector that differs; */
	uint32_t sector;   /* which one that is, or which one is garbled */
	uint64_t after;    /* of the first sector's write */
};

/* data: tag->length bytes, aligned for uint64_t. */
void verify_page_fill(void *data, const struct verify_tag *tag);
struct verify_sight verify_page_look(const void *data, uint64_t run, uint64_t offset,
				     uint32_t length);

/* A number that looks random, the same for the same two. */
uint64_t verify_random(uint64_t seed, uint64_t n);

#endif
