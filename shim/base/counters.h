/* SPDX-License-Identifier: MIT */
/*
 * Counts the outcomes of atomic writes per device and door, in memory that a forked child shares
 * with its parent. engine/account.c counts; `untorn stat` and `untorn run --report` read. Memory
 * that `untorn run --report` made outlives parent and child.
 *
 * The layout is an interface between processes, perhaps of two versions: a change of it needs a new
 * COUNTERS_VERSION. All numbers are relaxed atomics. Counting takes no lock; only counters_end()
 * waits.
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
#define COUNTERS_NAME  "untorn-stat"                /* part of the name of the memory's file */
enum {
	COUNTERS_VERSION = 3,
	COUNTERS_SLOTS = 16, /* the last one counts all devices that found no other */
	COUNTERS_REASONS = 40,
	COUNTERS_BUCKETS = 24, /* [0]: below 1 us; [n]: below 2^n us; the last: all above too */
	COUNTERS_NAME_WORDS = 4,
	COUNTERS_LENGTHS = 256, /* a power of two */
	COUNTERS_SAMPLE = 8,    /* one command in 8 is timed: the clock costs more than all else */
};

typedef _Atomic uint64_t counters_number;

struct counters_door {
	counters_number kernel;        /* left to the kernel */
	counters_number kernel_failed; /* of these, failures that were seen */
	counters_number refused[COUNTERS_REASONS];
	counters_number errors;                    /* commands that failed */
	counters_number done, bytes;               /* commands that succeeded, and their bytes */
	counters_number latency[COUNTERS_BUCKETS]; /* of a process's first COUNTERS_SAMPLE commands,
						      and of one in COUNTERS_SAMPLE of the others */
	counters_number time;                      /* sum over all that latency counts, in ns */
};

struct counters_slot {
	counters_number key; /* 0: free; else the device's number + 1, so 1 for no block device.
				UINT64_MAX: the last slot */
	counters_number
		name[COUNTERS_NAME_WORDS]; /* its letters; 0 while nobody has filled it in */
	counters_number statx;             /* statx() calls that we answered */
	counters_number told;              /* a bit for each reason already logged */
	struct counters_door doors[DOOR_COUNT];
};

/* The number of refused writes of one device, door, reason and length. */
struct counters_length {
	counters_number key, count; /* key: key_of() in counters_sum.c; 0: free */
};

/* The program and its reporter, under `untorn run --report`. */
enum counters_state { COUNTERS_COUNTS, COUNTERS_ENDS, COUNTERS_TOLD };
struct counters_report {
	uint64_t id;            /* 0: there is no reporter */
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
		processes; /* that began to count here, and children that they forked since */
	counters_number uncaught; /* times that deep mode stopped catching a thread's calls */
	struct counters_length lengths[COUNTERS_LENGTHS];
	struct counters_slot slots[COUNTERS_SLOTS];
};

/* Called in the constructor. Maps the memory of `untorn run --report`, if there is one, because the
 * program may later lose access to it. */
void counters_start(void);

/* Called in the destructor. Tells the reporter that the program ends, and waits for the report, a
 * second at most: so the report is made before the program has ended and its parent goes on. */
void counters_end(void);

/* Returns this process's counters, never NULL. The first call makes them: before it there is no
 * memory and no descriptor, unless UNTORN_STAT names the memory. Thread- and async-signal-safe;
 * errno may be changed. */
struct counters *counters_get(void);

/* The same for an event that is not an atomic write. It makes no memory that nobody asked for: NULL
 * before the first atomic write, unless UNTORN_STAT names the memory. */
struct counters *counters_get_if_any(void);

/* Returns the device's slot. *ret_new: it is new, and the caller fills in its name. */
struct counters_slot *counters_slot(struct counters *counters, dev_t number, bool *ret_new);
void counters_set_name(struct counters_slot *slot, const char *name);

/* *ret_name is empty if the slot has no name. */
void counters_name(const struct counters_slot *slot, char ret_name[8 * COUNTERS_NAME_WORDS + 1]);

static inline void counters_add(counters_number *number, uint64_t amount)
{
	atomic_fetch_add_explicit(number, amount, memory_order_relaxed);
}

static inline uint64_t counters_read(const counters_number *number)
{
	return atomic_load_explicit(number, memory_order_relaxed);
}

/* Counts a refused write's length. Drops it if the entries that it may use hold other lengths. */
void counters_add_length(struct counters *counters, const struct counters_slot *slot,
			 enum door door, unsigned reason, uint64_t length);

/* Returns the latency bucket of a time in ns. */
unsigned counters_bucket(uint64_t time);

/* The maker of the memory calls the first; a process that finds some checks it by the second. */
void counters_initialise(struct counters *counters);
bool counters_are_ours(const struct counters *counters, size_t size);

/* Adds `part`, such as another user's process has counted in memory of its own, to `sum`. */
void counters_sum(struct counters *sum, const struct counters *part);

/* Returns how many of these refused writes had the commonest length; 0: no length is known. */
uint64_t counters_commonest(const struct counters *counters, const struct counters_slot *slot,
			    enum door door, unsigned reason, uint64_t *ret_length);

/* Called in a forked child, which goes on counting in its parent's memory. */
void counters_after_fork(void);

const char *counters_door_name(enum door door);

#endif
