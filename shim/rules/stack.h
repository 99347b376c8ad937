/* SPDX-License-Identifier: MIT */
/*
 * Judges whether a plain direct write of one page becomes exactly one command at the disk. The
 * input is a description of the stack of devices (stack/stack.h makes it); the output is one
 * finding for each condition of each layer. `untorn doctor` prints the findings. Pure arithmetic:
 * no I/O, no state, no allocation. All values are bytes. The conditions follow block/blk-merge.c
 * and drivers/md of Linux.
 */
#ifndef STACK_H
#define STACK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "rules/limits.h"

enum { STACK_LAYERS = 64, STACK_SPANS = 512, STACK_NAME = 64 };

enum stack_kind {
	STACK_DISK,      /* NVMe; its queue is the lowest one, unless it has paths */
	STACK_PATH,      /* the hidden device of one controller, with its own queue */
	STACK_PARTITION, /* one span */
	STACK_LINEAR,    /* spans side by side: LVM, dm-linear */
	STACK_STRIPES,   /* spans by turns, a chunk of each: dm-stripe, md raid0 */
	STACK_REFUSED,   /* cuts or moves writes, or is unknown */
};

/* Maps `start` in a layer to `offset` in the layer below, up to the start of the next span. */
struct stack_span {
	uint64_t start, offset;
	unsigned below;
};

struct stack_queue {
	bool is_read; /* false: there is none, or it cannot be read */
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
	int error;       /* -errno: its kind, the layers below or the disk's limits are unknown */
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
	CONDITION_KIND,      /* the layer sends writes on unchanged */
	CONDITION_BELOW,     /* the layers below are known */
	CONDITION_SPANS,     /* no page lies across two spans */
	CONDITION_STRIPES,   /* no page lies across two chunks */
	CONDITION_LENGTH,    /* a request may be as long as a page */
	CONDITION_SEGMENTS,  /* a request may have enough memory segments */
	CONDITION_CHUNK,     /* chunk_sectors cuts no page */
	CONDITION_MERGES,    /* the queue merges nothing */
	CONDITION_PROMISE,   /* the atomic unit is at least a page */
	CONDITION_ALIGNMENT, /* pages are aligned as the promise wants */
	CONDITION_BOUNDARY,  /* no page crosses an atomic boundary */
	CONDITION_COUNT
};

enum stack_answer { STACK_YES, STACK_NO, STACK_UNKNOWN };

/* One condition of one layer: `value` is the layer's, `wanted` is what the page needs. */
struct stack_finding {
	const struct stack_layer *layer;
	enum stack_condition condition;
	enum stack_answer answer;
	uint64_t value, wanted;
};

enum { STACK_FINDINGS = STACK_LAYERS * CONDITION_COUNT };

/* page: a power of two. align: pages begin at multiples of this in the first layer. Writes all
 * conditions that apply, layer by layer, and returns how many. */
unsigned stack_judge(const struct stack *stack, uint64_t page, uint64_t align,
		     struct stack_finding ret_findings[STACK_FINDINGS]);

/* NO wins over UNKNOWN, UNKNOWN over YES. ret_first: the first finding of that kind, or NULL. */
enum stack_answer stack_verdict(const struct stack_finding *findings, unsigned count,
				const struct stack_finding **ret_first);

/* The largest power of two that divides the value, at most `most`; for 0 it is `most`. */
uint64_t stack_alignment(uint64_t value, uint64_t most);

#endif
