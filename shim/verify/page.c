/* SPDX-License-Identifier: MIT */
/* Start reading at verify_page_look(). A sector belongs to the write in its head only if every byte
 * of it is as verify_page_fill() would write it there. */
#include "verify/page.h"

#include <stdbool.h>
#include <string.h>

struct sector {
	char magic[8];
	uint64_t run, sequence, after, offset;
	uint32_t length, writer, index, zero;
	uint64_t fill[57];
};

_Static_assert(sizeof(struct sector) == VERIFY_SECTOR, "one sector");

static const char magic[8] = { 'u', 'n', 't', 'o', 'r', 'n', '\r', '\n' };

/* Any mixing of bits will do, as long as near numbers come out far apart. */
uint64_t verify_random(uint64_t seed, uint64_t n)
{
	uint64_t x = (seed ^ (n << 32 | n >> 32)) + n;

	for (int i = 0; i < 3; i++) {
		x ^= x >> 29;
		x *= UINT64_C(0xd6e8feb86659fd93);
	}
	return x ^ x >> 32;
}

/* The seed depends on every field of the head: if one changes, the fill no longer fits. */
static uint64_t seed_of(const struct verify_tag *tag, uint32_t index)
{
	uint64_t seed = verify_random(tag->run, tag->sequence);

	seed = verify_random(seed, tag->after);
	seed = verify_random(seed, tag->offset);
	seed = verify_random(seed, (uint64_t)tag->length << 32 | tag->writer);
	return verify_random(seed, index);
}

static void fill_sector(struct sector *sector, const struct verify_tag *tag, uint32_t index)
{
	uint64_t seed = seed_of(tag, index);

	*sector = (struct sector){
		.run = tag->run,
		.sequence = tag->sequence,
		.after = tag->after,
		.offset = tag->offset,
		.length = tag->length,
		.writer = tag->writer,
		.index = index,
	};
	memcpy(sector->magic, magic, sizeof(magic));
	for (unsigned i = 0; i < sizeof(sector->fill) / sizeof(sector->fill[0]); i++)
		sector->fill[i] = verify_random(seed, i);
}

void verify_page_fill(void *data, const struct verify_tag *tag)
{
	struct sector *sectors = data;

	for (uint32_t i = 0; i < tag->length / VERIFY_SECTOR; i++)
		fill_sector(&sectors[i], tag, i);
}

static bool is_of_run(const struct sector *sector, uint64_t run)
{
	return memcmp(sector->magic, magic, sizeof(magic)) == 0 && sector->run == run;
}

/* True: this sector is, to the last byte, that of a write to this place. */
static bool is_intact(const struct sector *sector, uint64_t offset, uint32_t length, uint32_t index)
{
	struct sector wanted;
	struct verify_tag tag = {
		.run = sector->run,
		.sequence = sector->sequence,
		.after = sector->after,
		.offset = offset,
		.length = length,
		.writer = sector->writer,
	};

	fill_sector(&wanted, &tag, index);
	return memcmp(&wanted, sector, sizeof(wanted)) == 0;
}

struct verify_sight verify_page_look(const void *data, uint64_t run, uint64_t offset,
				     uint32_t length)
{
	const struct sector *sectors = data;
	struct verify_sight sight = { .state = VERIFY_WHOLE };

	for (uint32_t i = 0; i < length / VERIFY_SECTOR; i++) {
		bool ours = is_of_run(&sectors[i], run);
		uint64_t sequence = ours ? sectors[i].sequence : 0;
		if (ours && !is_intact(&sectors[i], offset, length, i))
			return (struct verify_sight){ .state = VERIFY_GARBLED, .sector = i };
		if (i == 0) {
			sight.sequence = sequence;
			sight.after = ours ? sectors[i].after : 0;
		} else if (sequence != sight.sequence && sight.state == VERIFY_WHOLE) {
			sight.state = VERIFY_TORN;
			sight.other = sequence;
			sight.sector = i;
		}
	}
	return sight;
}
