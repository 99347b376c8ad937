/* SPDX-License-Identifier: MIT */
/*
 * Judges whether each page of a file lies in one piece on the device below its filesystem. The
 * input is what the filesystem says of the file (stack/place.h collects it). `untorn doctor` prints
 * the findings. Pure: no I/O, no state, no allocation. All values are bytes.
 */
#ifndef PLACE_H
#define PLACE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "rules/stack.h"

enum { PLACE_TYPE = 32 };

/* Why a page is not in one written piece of its own. */
enum place_fault {
	FAULT_NONE,
	FAULT_HOLE,      /* not allocated */
	FAULT_UNWRITTEN, /* allocated, never written */
	FAULT_DELAYED,   /* not on the disk yet */
	FAULT_SHARED,    /* with another file, so a write moves it */
	FAULT_ENCODED,   /* compressed or encrypted, or kept beside the inode */
	FAULT_APART,     /* in two pieces */
	FAULT_COUNT
};

/* One extent of a file, from FIEMAP. */
struct place_piece {
	uint64_t start, length, physical;
	bool is_unwritten, is_delayed, is_shared, is_encoded;
};

struct place {
	char type[PLACE_TYPE];        /* "ext4", as in /proc/mounts; "": not found there */
	bool is_folder, is_journaled; /* ext4 with data=journal */
	dev_t device;                 /* 0: the filesystem has none of its own */
	uint64_t unit;                /* allocation unit, aligned on the device; 0: unknown */
	int unit_error;               /* -errno: why the unit is unknown */
	bool has_direct;              /* false: the kernel says that O_DIRECT is not supported */
	uint64_t direct;              /* smallest alignment of a direct write; 0: unknown */
	bool is_encrypted, is_compressed, is_verity, is_realtime;
	int map_error; /* -errno: FIEMAP failed */
	uint64_t size, pages, seen;
	uint64_t faults[FAULT_COUNT]; /* pages of each kind */
	uint64_t first_fault;         /* where the first such page begins */
	enum place_fault fault;       /* its kind */
	uint64_t align;               /* smallest alignment of all whole pages on the device */
};

/* The state between two extents. */
struct place_walk {
	uint64_t page;
	uint64_t at;             /* where the current page begins */
	uint64_t next, physical; /* end of what is covered; device offset of its begin */
	enum place_fault fault;  /* of the current page, so far */
};
/* Adds the next extent, in the order of the file. */
void place_add(struct place *place, struct place_walk *walk, const struct place_piece *piece);
/* No extent covers the range from the last one up to `end`. */
void place_end(struct place *place, struct place_walk *walk, uint64_t end);

enum place_condition {
	PLACE_TYPE_KNOWN, /* the filesystem writes in place */
	PLACE_DIRECT,     /* it takes direct writes of a page */
	PLACE_KIND,       /* the file is not encrypted, compressed or journaled */
	PLACE_UNIT,       /* the allocation unit is a multiple of the page */
	PLACE_PAGES,      /* each page is written and in one piece */
	PLACE_CONDITIONS
};

struct place_finding {
	enum place_condition condition;
	enum stack_answer answer;
	const char *why; /* static; NULL: the numbers say why */
};

/* Writes the conditions that apply, and returns how many. */
unsigned place_judge(const struct place *place, uint64_t page,
		     struct place_finding ret_findings[PLACE_CONDITIONS]);

/* A few words of English; static. */
const char *place_fault(enum place_fault fault);

#endif
