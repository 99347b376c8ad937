/* SPDX-License-Identifier: MIT */
/*
 * What became of atomic writes, counted per device and door in memory that a forked child shares
 * with its parent, that outlives both, and that `untorn stat` and `untorn run --report` read.
 *
 * The layout is an interface between processes, perhaps of two versions: a change of it is a new
 * COUNTERS_VERSION. All numbers are relaxed atomics; nobody locks or waits.
 */
#ifndef COUNTERS_H
#define COUNTERS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum door { DOOR_PWRITEV2, DOOR_SYSCALL, DOOR_LIBAIO, DOOR_IO_URING, DOOR_COUNT };

#define COUNTERS_MAGIC UINT64_C(0x545354524f544e55) /* "UNTORTST" */
#define COUNTERS_NAME  "untorn-stat"                /* part of what its file is called */
enum {
	COUNTERS_VERSION = 3,
	COUNTERS_SLOTS = 16, /* the last one is for all devices that found no other */
	COUNTERS_REASONS = 40,
	COUNTERS_BUCKETS = 24, /* [0]: below 1 us; [n]: below 2^n us; the last: all above too */
	COUNTERS_NAME_WORDS = 4,
	COUNTERS_LENGTHS = 256, /* a power of two */
	COUNTERS_SAMPLE = 8,    /* to read the clock costs more than all else */
};

typedef _Atomic uint64_t counters_number;

struct counters_door {
	counters_number kernel;        /* left to the kernel */
	counters_number kernel_failed; /* of these, as far as it was seen */
	counters_number refused[COUNTERS_REASONS];
	counters_number errors;                    /* commands that failed */
	counters_number done, bytes;               /* of the commands that did not */
	counters_number latency[COUNTERS_BUCKETS]; /* of a process's first COUNTERS_SAMPLE, and one
						    in COUNTERS_SAMPLE of the others */
	counters_number time;                      /* of all that latency counts, in ns */
};

struct counters_slot {
	counters_number key; /* 0: free; else the device's number + 1. Of no block device: 1 */
	counters_number
		name[COUNTERS_NAME_WORDS]; /* its letters; 0 while nobody has filled it in */
	counters_number statx;             /* answered by us */
	counters_number told;              /* a bit for each reason that the log has had */
	struct counters_door doors[DOOR_COUNT];
};

/* How many refused writes of one device, door and reason had one length. */
struct counters_length {
	counters_number key, count; /* counters_length_key(); 0: free */
};

/* The program and the process that tells of it, under `untorn run --report`. */
enum counters_state { COUNTERS_COUNTS, COUNTERS_ENDS, COUNTERS_TOLD };
struct counters_report {
	uint64_t id;            /* 0: nobody tells */
	uint64_t namespace;     /* the inode of the PID namespace of both */
	int32_t program;        /* its process ID there */
	int32_t reporter;       /* likewise */
	_Atomic uint32_t state; /* enum counters_state; a futex */
};

struct counters {
	uint64_t magic;
	uint32_t version, size;
	struct counters_report report;
	counters_number
		processes; /* that wrote here: those that met it, and the children that they forked
			    */
	counters_number uncaught; /* times that deep mode stopped catching a thread's calls */
	struct counters_length lengths[COUNTERS_LENGTHS];
	struct counters_slot slots[COUNTERS_SLOTS];
};

/* In the constructor: maps the memory of `untorn run --report`, if there is one, because the
 * program may come to be where it cannot be opened. */
void counters_start(void);

/* In the destructor: the report is made before the program that it is about has ended, and so
 * before its parent goes on. Waits for that, a second at most. */
void counters_end(void);

/* This process's. Made at the first call: until then, no memory and no descriptor, unless
 * UNTORN_STAT names the memory. Thread- and async-signal-safe; errno may be changed. */
struct counters *counters_get(void);

/* The same for what is no atomic write, and so makes nothing that was not asked for: NULL before
 * the first one, unless UNTORN_STAT names the memory. */
struct counters *counters_get_if_any(void);

/* The device's; *ret_new: its name is to be filled in. */
struct counters_slot *counters_slot(struct counters *counters, dev_t number, bool *ret_new);
void counters_set_name(struct counters_slot *slot, const char *name);

/* Empty if it has none. */
void counters_name(const struct counters_slot *slot, char ret_name[8 * COUNTERS_NAME_WORDS + 1]);

static inline void counters_add(counters_number *number, uint64_t amount)
{
	atomic_fetch_add_explicit(number, amount, memory_order_relaxed);
}

static inline uint64_t counters_read(const counters_number *number)
{
	return atomic_load_explicit(number, memory_order_relaxed);
}

/* A refused write's length. Where COUNTERS_LENGTHS are known, further ones are not counted. */
void counters_add_length(struct counters *counters, const struct counters_slot *slot,
			 enum door door, unsigned reason, uint64_t length);

/* Of nanoseconds. */
unsigned counters_bucket(uint64_t time);

/* For who makes the memory, and who finds some. */
void counters_initialise(struct counters *counters);
bool counters_are_ours(const struct counters *counters, size_t size);

/* Adds what another user's process has counted in a memory of its own. */
void counters_sum(struct counters *sum, const struct counters *part);

/* How many of such refused writes had the commonest length; 0: of none is it known. */
uint64_t counters_commonest(const struct counters *counters, const struct counters_slot *slot,
			    enum door door, unsigned reason, uint64_t *ret_length);

/* In a forked child, which goes on counting where its parent does. */
void counters_after_fork(void);

const char *counters_door_name(enum door door);

#endif
