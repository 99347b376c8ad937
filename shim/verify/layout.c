/* SPDX-License-Identifier: MIT */
/*
 * The device is cut into slots of the largest length. Each page gets an equal stretch of slots and
 * takes one of them at random. A disk that tears only at some places therefore has pages at places
 * of every kind.
 */
#include "verify/layout.h"

#include "verify/page.h"

uint32_t verify_layout_pages(uint64_t size, uint32_t unit_max, uint32_t wanted)
{
	uint64_t slots = unit_max ? size / unit_max : 0;

	return slots < wanted ? (uint32_t)slots : wanted;
}

/* At least every second page, on average, has the largest length: the most places to tear at. */
static uint32_t length_of(const struct verify_layout *layout, uint64_t random)
{
	uint32_t lengths = 1, length = layout->unit_max;

	for (uint32_t i = layout->unit_min; i < layout->unit_max; i *= 2)
		lengths++;
	return random & 1 ? length : length >> (random >> 1) % lengths;
}

struct verify_place verify_layout_place(const struct verify_layout *layout, uint32_t page)
{
	if (layout->is_dense)
		return (struct verify_place){ (uint64_t)page * layout->unit_max, layout->unit_max };
	uint64_t stretch = layout->size / layout->unit_max / layout->pages;
	uint64_t slot = page * stretch + verify_random(layout->run, UINT64_C(3) * page) % stretch;
	uint32_t length = length_of(layout, verify_random(layout->run, UINT64_C(3) * page + 1));
	uint64_t within =
		verify_random(layout->run, UINT64_C(3) * page + 2) % (layout->unit_max / length);

	return (struct verify_place){ slot * layout->unit_max + within * length, length };
}
