/* SPDX-License-Identifier: MIT */
/*
 * The commands and messages that one worker has under way in an io_uring of its own: commands to
 * NVMe disks (IORING_OP_URING_CMD, 5.19), completions for the rings of programs
 * (IORING_OP_MSG_RING, 5.18), and reads and writes of libaio's eventfds.
 * engine/worker.c runs the flight; async/ sends messages from done() and posted(). A flight belongs
 * to its thread and has no lock.
 *
 * The flight looks at each command's status before it sends a message. An NVMe error is no error to
 * an io_uring, so a message linked to a command would go out after a failure too.
 */
#ifndef FLIGHT_H
#define FLIGHT_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/engine.h"
#include "engine/own_ring.h"

enum { FLIGHT_NODES = 8, FLIGHT_SIGNALS = 64 };

struct flight;

/* One write. The caller provides the memory, and keeps it until the last of these functions has
 * been called. Any thread may call them, with all signals blocked. */
struct work {
	struct engine_job job;
	int result; /* REQUEST_GOOD: the job is still to be done. Else the write's result; in a
		       flight, between completion and landing: the command's status */
	/* flight: NULL if no worker did it, but the thread that submitted it. */
	void (*done)(struct work *work, struct flight *flight);
	/* error < 0: -errno. True: the flight is to call ended(), which gets several works of the
	 * same function in one call. */
	bool (*posted)(struct work *work, struct flight *flight, int error);
	void (*ended)(struct work *works);
	struct work *next;
};

struct flight {
	struct own_ring ring;
	bool open;
	unsigned under_way;
	/* The disks' nodes. They are in the ring's table of files, where nobody can close them. */
	struct flight_node {
		uint64_t disk; /* identity.disk */
		int fd;        /* until the ring has it */
	} nodes[FLIGHT_NODES];
	unsigned node_count;
	/* Asked once for all commands that are sent together. */
	uint64_t now; /* real_now() when the first of them was begun; 0: not yet */
	struct flight_proof {
		bool known; /* engine_is_sound() of this hold */
		const struct hold *hold;
	} proof;
	struct work *ended; /* ended() is still to be called for these */
	bool ready;         /* the ring has a command that the kernel does not know of yet */
	bool filtered; /* the thread has a filter by now, which may forbid io_uring to a program
			  that uses libaio */
	/* Behind the disks in that table: the eventfds of async/aio_signal.h. */
	struct {
		unsigned made; /* tells it from an earlier one of this number; 0: none */
		int fd;        /* until the ring has it */
	} signals[FLIGHT_SIGNALS];
	uint64_t emptied;
};

/* Opens the ring that everything below needs. False: no memory, or no descriptor left. */
bool flight_open(struct flight *flight);
void flight_close(struct flight *flight);

/* True: the work may share a flight with others. False: a thread waits for it alone. A write
 * without data is none for a flight: the command would write what happens to lie in the kernel's
 * memory. */
static inline bool flight_takes(const struct work *work)
{
	return work->result == REQUEST_GOOD && work->job.has_node && work->job.request.address &&
	       own_ring_can(OWN_RING_COMMANDS);
}

/* Call it before flight_begin() of these works, which flight_advance() then sends. NULL: none. */
void flight_gather(struct flight *flight, const struct work *works);

/* Begins the work. done() is called before this returns, or by flight_advance(). */
void flight_begin(struct flight *flight, struct work *work);

/* done() and posted() call this: it posts a completion into that ring, and calls posted() later. */
void flight_post(struct flight *flight, struct work *work, int ring, uint64_t user_data,
		 int result);

/* Likewise flight_signal() makes a full eventfd empty, or an empty one full. `number` is below
 * FLIGHT_SIGNALS; `made` tells the eventfd from an earlier one of this number. False: the ring does
 * not have it; the ring cannot take it. */
bool flight_has_signal(const struct flight *flight, unsigned number, unsigned made);
bool flight_add_signal(struct flight *flight, unsigned number, unsigned made, int fd);
void flight_signal(struct flight *flight, struct work *work, unsigned number, bool full);

/* How many more works there is room for. */
unsigned flight_room(const struct flight *flight);

/* Sends what is new, waits for a completion (own_ring_enter()), and ends what has completed. */
void flight_advance(struct flight *flight);

#endif
