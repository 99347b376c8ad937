/* SPDX-License-Identifier: MIT */
/*
 * What one thread has under way at once, through an io_uring of its own: commands to NVMe disks
 * (IORING_OP_URING_CMD, 5.19), and completions for the rings of programs
 * (IORING_OP_MSG_RING, 5.18).
 *
 * Each command's status is looked at here before anybody is told: an NVMe error is no error to an
 * io_uring, so a message that were linked to a command would go out after a failure too.
 */
#ifndef FLIGHT_H
#define FLIGHT_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/engine.h"
#include "engine/own_ring.h"

enum { FLIGHT_NODES = 8, FLIGHT_SIGNALS = 64 };

struct flight;

/* One write. The memory is the caller's, until the last of these has been called; in any thread,
 * all signals blocked. */
struct work {
	struct engine_job job;
	int result; /* REQUEST_GOOD: the job is to be done. Else, and then: what it came to */
	/* flight: NULL if the thread that started it did it. */
	void (*done)(struct work *work, struct flight *flight);
	void (*posted)(struct work *work, struct flight *flight, int error); /* 0 or -errno */
	struct work *next;
};

struct flight {
	struct own_ring ring;
	bool open;
	unsigned under_way;
	/* Of the disks that commands go to, in the ring's table of files: nobody can close them. */
	struct flight_node {
		uint64_t disk; /* identity.disk */
		int fd;        /* until the ring has it */
	} nodes[FLIGHT_NODES];
	unsigned node_count;
	/* That the number of a hold is still the disk's: asked once for those that are sent
	 * together. */
	uint64_t now; /* when the first of them was begun; 0: not yet */
	struct flight_proof {
		bool known;
		const struct hold *hold;
	} proof;
	bool ready;    /* a command that the kernel has not been told of */
	bool filtered; /* the thread has got a filter, which may forbid what libaio's users do not
			  do */
	/* Behind the disks in that table: eventfds, by which libaio's events come. */
	struct {
		unsigned made; /* which one it is; 0: none */
		int fd;        /* until the ring has it */
	} signals[FLIGHT_SIGNALS];
	uint64_t emptied;
};

/* Gets the ring that everything below needs. False: no memory, or no descriptor left. */
bool flight_open(struct flight *flight);
void flight_close(struct flight *flight);

/* Goes together with others; else the thread waits for it. Not what has no data: the command would
 * write what happens to lie in the kernel's memory. */
bool flight_takes(const struct work *work);

/* Before these are begun, which flight_advance() then sends. */
void flight_gather(struct flight *flight, const struct work *works);

/* Then done() will be called, or has been. */
void flight_begin(struct flight *flight, struct work *work);

/* From done() or posted(): a completion for that ring. Then posted() will be called. */
void flight_post(struct flight *flight, struct work *work, int ring, uint64_t user_data,
		 int result);

/* Likewise an eventfd, empty or full, becomes the other. `number` is below FLIGHT_SIGNALS, `made`
 * what tells one that had a number from the next. False: the thread's ring is not for that. */
bool flight_has_signal(const struct flight *flight, unsigned number, unsigned made);
bool flight_add_signal(struct flight *flight, unsigned number, unsigned made, int fd);
void flight_signal(struct flight *flight, struct work *work, unsigned number, bool full);

/* How many more there is room for. */
unsigned flight_room(const struct flight *flight);

/* Waits for some of what is under way. */
void flight_advance(struct flight *flight);

#endif
