/* SPDX-License-Identifier: MIT */
/*
 * Does each page of a file lie in one piece on the device below its filesystem? The conditions,
 * over what a filesystem says of the file. Pure. All values are bytes.
 */
#ifndef PLACE_H
#define PLACE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "rules/stack.h"

enum { PLACE_TYPE = 32 };

/* What is wrong with the first page that is not in one piece. */
enum place_fault {
	FAULT_NONE,
	FAULT_HOLE,      /* nothing is there yet */
	FAULT_UNWRITTEN, /* allocated, and never written */
	FAULT_DELAYED,   /* not on the disk yet */
	FAULT_SHARED,    /* with another file: a write goes elsewhere */
	FAULT_ENCODED,   /* compressed or encrypted, or kept beside the inode */
	FAULT_APART,     /* in two pieces */
	FAULT_COUNT
};

/* One piece of a file: FIEMAP's extent. */
struct place_piece {
	uint64_t start, length, physical;
	bool is_unwritten, is_delayed, is_shared, is_encoded;
};

struct place {
	char type[PLACE_TYPE];        /* "ext4", as in /proc/mounts; "": not found there */
	bool is_folder, is_journaled; /* ext4 with data=journal */
	dev_t device;                 /* 0: the filesystem has none of its own */
	uint64_t unit;                /* it allocates in multiples of this, aligned; 0: unknown */
	int unit_error;               /* -errno: why */
	bool has_direct;              /* O_DIRECT is possible, as far as is known */
	uint64_t direct;              /* the alignment that it wants of a write; 0: unknown */
	bool is_encrypted, is_compressed, is_verity;
	int map_error; /* -errno: the filesystem does not tell where the file lies */
	uint64_t size, pages, seen;
	uint64_t faults[FAULT_COUNT]; /* pages */
	uint64_t first_fault;         /* where the first such page begins */
	enum place_fault fault;       /* what it has */
	uint64_t align;               /* of the whole pages on the device; at most the page */
};

/* One more piece of the file's, in their order; the pages that begin before `end` are counted. */
struct place_walk {
	uint64_t page;
	uint64_t at;             /* the page that is being put together */
	uint64_t next, physical; /* up to where it is whole, and where its beginning lies */
	enum place_fault fault;  /* so far */
};
void place_add(struct place *place, struct place_walk *walk, const struct place_piece *piece);
/* Up to here there is nothing more. */
void place_end(struct place *place, struct place_walk *walk, uint64_t end);

enum place_condition {
	PLACE_TYPE_KNOWN, /* a filesystem that writes in place */
	PLACE_DIRECT,     /* writes with O_DIRECT, and of this alignment */
	PLACE_KIND,       /* of file: neither encrypted, compressed nor journaled */
	PLACE_UNIT,       /* what it allocates is a page, or more */
	PLACE_PAGES,      /* each page is there, in one piece, aligned */
	PLACE_CONDITIONS
};

struct place_finding {
	enum place_condition condition;
	enum stack_answer answer;
	const char *why; /* static; NULL: by the numbers */
};

/* How many: those that apply. */
unsigned place_judge(const struct place *place, uint64_t page,
		     struct place_finding ret_findings[PLACE_CONDITIONS]);

/* In a few words. Static. */
const char *place_fault(enum place_fault fault);

#endif
