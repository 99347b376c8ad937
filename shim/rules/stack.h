/* SPDX-License-Identifier: MIT */
/*
 * Is a plain direct write of one page one command of the disk's? A stack of devices, described, and
 * the conditions that each of its layers must meet. Pure arithmetic: no I/O, no state. All values
 * are bytes. Linux sends a write as it is only if no layer has a reason to cut it, and nothing is
 * merged with it; block/blk-merge.c and the map functions of drivers/md are what this goes by.
 */
#ifndef STACK_H
#define STACK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "rules/limits.h"

enum { STACK_LAYERS = 64, STACK_SPANS = 512, STACK_NAME = 64 };

enum stack_kind {
	STACK_DISK,      /* of NVMe; its own queue is the lowest, unless it has paths */
	STACK_PATH,      /* of a disk with several controllers: another queue, hidden */
	STACK_PARTITION, /* one span */
	STACK_LINEAR,    /* spans side by side: LVM, dm-linear */
	STACK_STRIPES,   /* spans by turns, a chunk of each: dm-stripe, md raid0 */
	STACK_REFUSED, /* a kind that may cut writes, or moves them, or of which nothing is known */
};

/* What comes from `start` on in a layer lies from `offset` on in the layer below. */
struct stack_span {
	uint64_t start, offset;
	unsigned below;
};

struct stack_queue {
	bool is_read; /* false: none, or it could not be read */
	unsigned nomerges;
	uint64_t max;      /* max_sectors_kb */
	uint32_t segments; /* max_segments */
	uint64_t chunk;    /* chunk_sectors; 0: none */
};

struct stack_layer {
	char name[STACK_NAME]; /* "nvme0n1", "dm-0" */
	dev_t number;          /* 0: it has none */
	enum stack_kind kind;
	const char *why; /* STACK_REFUSED; static */
	int error;       /* -errno: what it lies on, or what the disk promises, could not be read */
	struct stack_queue queue;
	bool has_paths;        /* STACK_DISK: they are the lowest queues */
	unsigned first, count; /* its spans */
	uint64_t chunk;        /* STACK_STRIPES */
	struct limits limits;  /* STACK_DISK: the disk's own, without the kernel's caps */
};

struct stack {
	struct stack_layer layers[STACK_LAYERS]; /* the first is where the page is written */
	struct stack_span spans[STACK_SPANS];
	unsigned layer_count, span_count;
};

enum stack_condition {
	CONDITION_KIND,      /* a layer that sends writes on as they are */
	CONDITION_BELOW,     /* what it lies on is known */
	CONDITION_SPANS,     /* no page lies across two spans */
	CONDITION_STRIPES,   /* nor across two chunks */
	CONDITION_LENGTH,    /* one request may be so long */
	CONDITION_SEGMENTS,  /* and have so many pieces of memory */
	CONDITION_CHUNK,     /* and crosses nothing that the queue would cut at */
	CONDITION_MERGES,    /* nothing is put together with it */
	CONDITION_PROMISE,   /* the disk promises so much */
	CONDITION_ALIGNMENT, /* at this place, off its grain */
	CONDITION_BOUNDARY,  /* and across none of its boundaries */
	CONDITION_COUNT
};

enum stack_answer { STACK_YES, STACK_NO, STACK_UNKNOWN };

/* What holds for one layer; `value` is what it has, `wanted` what the page needs. */
struct stack_finding {
	const struct stack_layer *layer;
	enum stack_condition condition;
	enum stack_answer answer;
	uint64_t value, wanted;
};

enum { STACK_FINDINGS = STACK_LAYERS * 5 };

/* page: a power of two; align: each page begins on a multiple of this in the first layer. How many
 * findings; all conditions that apply, layer by layer. */
unsigned stack_judge(const struct stack *stack, uint64_t page, uint64_t align,
		     struct stack_finding ret_findings[STACK_FINDINGS]);

/* NO if there is one, else UNKNOWN if there is one; ret_first: the one that decides, or NULL. */
enum stack_answer stack_verdict(const struct stack_finding *findings, unsigned count,
				const struct stack_finding **ret_first);

/* The largest power of two by which the value can be divided; for 0, which any divides, `most`. */
uint64_t stack_alignment(uint64_t value, uint64_t most);

#endif
