/* SPDX-License-Identifier: MIT */
/*
 * A work has one entry in the ring at a time: its command, then its message. engine_finish() does a
 * write that the ring does not do: the kernel lets the process use no such entries, the node cannot
 * be opened, or the status is one with which the driver sends its own commands again.
 */
#include "base/real.h"
#include "engine/flight.h"
#include "engine/span.h"

#include <errno.h>
#include <sys/prctl.h>
#include <unistd.h>

/* The lowest bits of an entry's user_data; the others are an address. */
enum tag { COMMAND = 0, MESSAGE = 1, NODE = 2, SIGNAL = 3, TAGS = 3 };

/* Each may be followed by two entries, and a disk's first one needs one more before it. */
enum { MOST = OWN_RING_ENTRIES / 2 - FLIGHT_NODES };
_Static_assert((int)OWN_RING_FILES == FLIGHT_NODES + FLIGHT_SIGNALS, "a file for each");

bool flight_open(struct flight *flight)
{
	return flight->open || (flight->open = own_ring_open(&flight->ring));
}

void flight_close(struct flight *flight)
{
	if (flight->open)
		own_ring_close(&flight->ring);
	flight->open = false;
}

static struct io_uring_sqe *next_entry(struct flight *flight, const void *about, enum tag tag)
{
	struct io_uring_sqe *sqe = own_ring_next(&flight->ring);

	sqe->user_data = (uintptr_t)about | tag;
	flight->under_way++;
	return sqe;
}

/* Puts the descriptor into the ring's table of files. The next entry waits for this one. If this
 * one fails, the kernel cancels the next, which is then done without the ring. */
static void hand_over(struct io_uring_sqe *sqe, unsigned place, const int *fd)
{
	sqe->opcode = IORING_OP_FILES_UPDATE;
	sqe->flags = IOSQE_IO_LINK;
	sqe->fd = -1;
	sqe->off = place;
	sqe->addr = (uintptr_t)fd;
	sqe->len = 1;
}

/* Only errors that every disk would meet; others concern one disk alone. */
static void note_refusal(int error)
{
	if (error == -EACCES || error == -EPERM || error == -EOPNOTSUPP || error == -EINVAL)
		own_ring_lose(OWN_RING_COMMANDS);
}

/* The disk's place in the ring's table, or -1. A place never becomes another disk's. */
static int find_node(struct flight *flight, const struct engine_job *job)
{
	for (unsigned i = 0; i < flight->node_count; i++) {
		if (flight->nodes[i].disk == engine_device(job)->identity.disk)
			return (int)i;
	}
	int fd = flight->node_count < FLIGHT_NODES ? engine_open_node(job) : -ENFILE;
	if (fd < 0) {
		note_refusal(fd);
		return -1;
	}
	struct flight_node *node = &flight->nodes[flight->node_count++];
	*node = (struct flight_node){ engine_device(job)->identity.disk, fd };
	hand_over(next_entry(flight, node, NODE), (unsigned)(node - flight->nodes), &node->fd);
	return (int)(node - flight->nodes);
}

static bool is_sound(struct flight *flight, const struct engine_job *job)
{
	struct flight_proof *proof = &flight->proof;

	if (!proof->known || proof->hold != job->hold)
		*proof = (struct flight_proof){ engine_is_sound(job), job->hold };
	if (!flight->now)
		flight->now = real_now();
	return proof->known && engine_is_still(job, flight->now);
}

/* A filter that was installed after the thread began may forbid it io_uring. A program that uses
 * io_uring itself allows it; one that uses libaio need not. */
static bool is_forbidden(const struct flight *flight, const struct work *work)
{
	return flight->filtered && work->job.request.door == DOOR_LIBAIO;
}

static bool send(struct flight *flight, struct work *work)
{
	if (!flight_takes(work) || work->job.asks || is_forbidden(flight, work) ||
	    !is_sound(flight, &work->job))
		return false;
	int node = flight_open(flight) ? find_node(flight, &work->job) : -1;
	if (node < 0)
		return false;
	struct io_uring_sqe *sqe = next_entry(flight, work, COMMAND);
	engine_prepare(&work->job, sqe);
	sqe->fd = node;
	sqe->flags = IOSQE_FIXED_FILE;
	flight->ready = true;
	return true;
}

void flight_gather(struct flight *flight, const struct work *works)
{
	flight->proof.known = false;
	flight->now = 0;
	if (works && works->job.request.door == DOOR_LIBAIO && flight->open && !flight->filtered)
		flight->filtered = prctl(PR_GET_SECCOMP, 0, 0, 0, 0) > 0;
}

void flight_begin(struct flight *flight, struct work *work)
{
	if (send(flight, work))
		return;
	flight->proof.known = false; /* for it takes its time, and what is ready goes first */
	flight->now = 0;
	if (flight->ready)
		flight_advance(flight);
	if (work->result == REQUEST_GOOD)
		work->result = (int)engine_finish(&work->job);
	work->done(work, flight);
}

void flight_post(struct flight *flight, struct work *work, int ring, uint64_t user_data, int result)
{
	/* Somebody waits for this completion, and memory or descriptors are not short for ever. */
	while (!flight_open(flight))
		real_pause(1000);
	struct io_uring_sqe *sqe = next_entry(flight, work, MESSAGE);
	sqe->opcode = IORING_OP_MSG_RING;
	sqe->fd = ring;
	sqe->off = user_data;
	sqe->len = (uint32_t)result;
}

bool flight_has_signal(const struct flight *flight, unsigned number, unsigned made)
{
	return flight->open && !flight->filtered && flight->signals[number].made == made;
}

bool flight_add_signal(struct flight *flight, unsigned number, unsigned made, int fd)
{
	if (!flight->open || flight->filtered)
		return false;
	flight->signals[number].made = made;
	flight->signals[number].fd = fd;
	hand_over(next_entry(flight, &flight->signals[number].made, SIGNAL), FLIGHT_NODES + number,
		  &flight->signals[number].fd);
	return true;
}

void flight_signal(struct flight *flight, struct work *work, unsigned number, bool full)
{
	static const uint64_t most = UINT64_MAX - 1;
	struct io_uring_sqe *sqe = next_entry(flight, work, MESSAGE);

	sqe->opcode = full ? IORING_OP_READ : IORING_OP_WRITE;
	sqe->flags = IOSQE_FIXED_FILE;
	sqe->fd = (int)(FLIGHT_NODES + number);
	sqe->addr = full ? (uintptr_t)&flight->emptied : (uintptr_t)&most;
	sqe->len = sizeof(most);
}

static void land(struct flight *flight, struct work *work)
{
	int status = work->result;

	work->result = (int)engine_land(&work->job, status);
	if (!work->result) {
		note_refusal(status);
		work->result = (int)engine_finish(&work->job);
	}
	work->done(work, flight);
}

/* Works whose commands have completed, in that order. */
struct landed {
	struct work *first, **last;
};

static void append(struct landed *landed, struct work *work, int status)
{
	work->result = status;
	work->job.asks = true;
	work->next = NULL;
	*landed->last = work;
	landed->last = &work->next;
}

static void land_all(struct flight *flight, struct work *works)
{
	span_after(works);
	for (struct work *work = works, *next; work; work = next) {
		next = work->next;
		land(flight, work);
	}
}

static void take_over(struct flight_node *node, int result)
{
	real_close(node->fd);
	if (result != 1)
		own_ring_lose(OWN_RING_COMMANDS);
}

static void call_ended(struct flight *flight)
{
	struct work *works = flight->ended;

	flight->ended = NULL;
	if (works)
		works->ended(works);
}

static void end(struct flight *flight, struct work *work)
{
	if (flight->ended && flight->ended->ended != work->ended)
		call_ended(flight);
	work->next = flight->ended;
	flight->ended = work;
}

static void complete(struct flight *flight, struct landed *landed, uintptr_t user_data, int result)
{
	void *about = (void *)(user_data & ~(uintptr_t)TAGS);

	flight->under_way--;
	switch (user_data & TAGS) {
	case COMMAND:
		append(landed, about, result);
		return;
	case MESSAGE:
		if (((struct work *)about)->posted(about, flight, result))
			end(flight, about);
		return;
	case SIGNAL:
		if (result != 1)
			*(unsigned *)about = 0;
		return;
	default:
		take_over(about, result);
	}
}

unsigned flight_room(const struct flight *flight)
{
	return flight->under_way > MOST ? 0 : MOST - flight->under_way;
}

void flight_advance(struct flight *flight)
{
	struct landed landed = { NULL, &landed.first };
	uint64_t user_data;
	int32_t result;

	flight->ready = false;
	own_ring_enter(&flight->ring);
	while (own_ring_take(&flight->ring, &user_data, &result))
		complete(flight, &landed, user_data, result);
	call_ended(flight);
	land_all(flight, landed.first);
}
