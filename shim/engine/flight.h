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
	} nodes[OWN_RING_FILES];
	unsigned node_count;
	/* That the number of a hold is still the disk's: asked once for those that are sent
	 * together. */
	struct flight_proof {
		bool known;
		const struct hold *hold;
	} proof;
	bool ready; /* a command that the kernel has not been told of */
};

/* Goes together with others; else the thread waits for it. Not what has no data: the command would
 * write what happens to lie in the kernel's memory. */
bool flight_takes(const struct work *work);

/* Before some are begun that flight_advance() then sends. */
void flight_gather(struct flight *flight);

/* Then done() will be called, or has been. */
void flight_begin(struct flight *flight, struct work *work);

/* From done() or posted(): a completion for that ring. Then posted() will be called. */
void flight_post(struct flight *flight, struct work *work, int ring, uint64_t user_data,
		 int result);

/* How many more there is room for. */
unsigned flight_room(const struct flight *flight);

/* Waits for some of what is under way. */
void flight_advance(struct flight *flight);

#endif
