/* SPDX-License-Identifier: MIT */
/*
 * The places of the pages. They are spread over the device, at random places within their part of
 * it. Each has a length that an atomic write may have, and is naturally aligned. A dense layout
 * puts them side by side. Pure: the same run has the same pages.
 */
#ifndef VERIFY_LAYOUT_H
#define VERIFY_LAYOUT_H

#include <stdbool.h>
#include <stdint.h>

enum { VERIFY_MAX_PAGES = 65536 };

struct verify_layout {
	uint64_t run;                /* a random number that identifies this run */
	uint64_t size;               /* the device's, in bytes */
	uint32_t unit_min, unit_max; /* powers of two */
	uint32_t pages;
	bool is_dense; /* side by side from the device's beginning, each of unit_max bytes */
};

struct verify_place {
	uint64_t offset;
	uint32_t length;
};

/* Returns `wanted`, or the number of pages that fit if that is less. 0: none fits. */
uint32_t verify_layout_pages(uint64_t size, uint32_t unit_max, uint32_t wanted);
struct verify_place verify_layout_place(const struct verify_layout *layout, uint32_t page);

#endif
