/* SPDX-License-Identifier: MIT */
/*
 * Where the pages lie: spread over the device, at random places within their part of it, each of a
 * length that an atomic write may have, and naturally aligned; or dense. Pure: the same run has the
 * same pages.
 */
#ifndef VERIFY_LAYOUT_H
#define VERIFY_LAYOUT_H

#include <stdbool.h>
#include <stdint.h>

enum { VERIFY_MAX_PAGES = 65536 };

struct verify_layout {
	uint64_t run;                /* a number of this run's own */
	uint64_t size;               /* of the device, bytes */
	uint32_t unit_min, unit_max; /* powers of two */
	uint32_t pages;
	bool is_dense; /* side by side from the beginning on, each as long as can be */
};

struct verify_place {
	uint64_t offset;
	uint32_t length;
};

/* As many pages as were wanted, or as there is room for; 0: for none. */
uint32_t verify_layout_pages(uint64_t size, uint32_t unit_max, uint32_t wanted);
struct verify_place verify_layout_place(const struct verify_layout *layout, uint32_t page);

#endif
