/* SPDX-License-Identifier: MIT */
/*
 * Eight threads with eight rings each over the simulated disk, for STORM_SECONDS (3): good and bad
 * atomic writes, plain writes, fsyncs, NOPs and cancellations in batches, and rings that are closed
 * with all that under way. Each entry must have exactly one completion, with an allowed result.
 *
 * Links: -luring
 */
#include <fcntl.h>
#include <linux/fs.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

#include "ring_doors.h"

enum { THREADS = 8, RINGS = 8, ENTRIES = 16, MOST = 32 /* room for completions */ };
enum kind { FREE, ATOMIC, BAD, PLAIN, FSYNC, NOP, CANCEL, KINDS };

struct storm {
	int disk, file;
	off_t region;
	char *data;
	uint64_t random, submitted, completed, abandoned;
	struct ring {
		struct io_uring *ring;
		enum kind kinds[MOST];
		int length[MOST], count;
		unsigned flags;
	} rings[RINGS];
};

static unsigned dice(struct storm *storm, unsigned sides)
{
	storm->random = storm->random * UINT64_C(6364136223846793005) + 1442695040888963407U;
	return (unsigned)(storm->random >> 33) % sides;
}

static void prepare_one(struct storm *storm, struct ring *ring, unsigned tag)
{
	enum kind kind = ring->kinds[tag] = dice(storm, 2) ? ATOMIC : 1 + dice(storm, KINDS - 1);
	int length = ring->length[tag] = kind == BAD ? 12288 : 512 << dice(storm, 6);
	off_t place = storm->region + (off_t)dice(storm, 64) * UNIT;
	struct io_uring_sqe *sqe;

	ring->count++;
	if (kind == ATOMIC || kind == BAD) {
		sqe = prepare(ring->ring, storm->disk, storm->data, (unsigned)length, place, tag);
		sqe->flags = dice(storm, 8) ? 0 : IOSQE_ASYNC;
		return;
	}
	want((sqe = next_entry(ring->ring)));
	if (kind == PLAIN)
		io_uring_prep_write(sqe, storm->file, storm->data, (unsigned)length, 0);
	else if (kind == FSYNC)
		io_uring_prep_fsync(sqe, storm->file, 0);
	else if (kind == NOP)
		io_uring_prep_nop(sqe);
	else
		io_uring_prep_cancel(sqe, (void *)(uintptr_t)dice(storm, MOST), 0);
	sqe->user_data = tag;
}

static bool is_possible(enum kind kind, int length, int result)
{
	switch (kind) {
	case ATOMIC:
		return result == length;
	case BAD:
		return result == -EINVAL;
	case PLAIN:
		return result == length || result == -ECANCELED || result == -EINTR;
	case FSYNC:
	case NOP:
		return result == 0 || result == -ECANCELED;
	case CANCEL:
		return result == 0 || result == -ENOENT || result == -EALREADY ||
		       result == -ECANCELED;
	default:
		return false; /* no such entry, or completed twice */
	}
}

static void reap(struct storm *storm, struct ring *ring, bool all)
{
	struct io_uring_cqe *cqe;

	while (ring->count && (all ? io_uring_wait_cqe(ring->ring, &cqe)
				   : io_uring_peek_cqe(ring->ring, &cqe)) == 0) {
		uint64_t tag = cqe->user_data;
		want(tag < MOST && is_possible(ring->kinds[tag], ring->length[tag], cqe->res));
		ring->kinds[tag] = FREE;
		ring->count--;
		storm->completed++;
		io_uring_cqe_seen(ring->ring, cqe);
	}
	want(!all || (ring->count == 0 && io_uring_peek_cqe(ring->ring, &cqe) == -EAGAIN));
}

static void submit_some(struct storm *storm, struct ring *ring)
{
	int count = 0, most = 1 + (int)dice(storm, 8);

	for (unsigned tag = 0; tag < MOST && count < most; tag++) {
		if (ring->kinds[tag] == FREE) {
			prepare_one(storm, ring, tag);
			count++;
		}
	}
	storm->submitted += (uint64_t)count;
	if (count)
		want(submit(ring->ring, dice(storm, 3) ? 0 : 1) == count);
}

static void open_ring(struct storm *storm, struct ring *ring)
{
	static const unsigned flags[] = { 0, IORING_SETUP_COOP_TASKRUN,
					  IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN };

	memset(ring, 0, sizeof(*ring));
	ring->flags = flags[dice(storm, 3)];
	ring->ring = ring_with(ENTRIES, ring->flags);
}

static void close_ring(struct storm *storm, struct ring *ring)
{
	if (dice(storm, 2))
		reap(storm, ring, true);
	storm->abandoned += (uint64_t)ring->count;
	end_by_close(ring->ring);
	free(ring->ring);
	ring->ring = NULL;
}

static void step(struct storm *storm)
{
	struct ring *ring = &storm->rings[dice(storm, RINGS)];

	if (!ring->ring)
		open_ring(storm, ring);
	submit_some(storm, ring);
	reap(storm, ring, dice(storm, 16) == 0);
	if (dice(storm, 64) == 0)
		close_ring(storm, ring);
}

static void *rage(void *argument)
{
	struct storm *storm = argument;
	const char *seconds = getenv("STORM_SECONDS");
	time_t stop = time(NULL) + (seconds ? atoi(seconds) : 3);

	while (time(NULL) < stop)
		step(storm);
	for (int i = 0; i < RINGS; i++) {
		if (!storm->rings[i].ring)
			continue;
		reap(storm, &storm->rings[i], true);
		close_ring(storm, &storm->rings[i]);
	}
	want(storm->submitted == storm->completed + storm->abandoned);
	return NULL;
}

static void storm(void)
{
	static struct storm storms[THREADS];
	pthread_t threads[THREADS];
	uint64_t sum = 0;

	for (int i = 0; i < THREADS; i++) {
		storms[i].disk = open_disk();
		storms[i].file = memfd_create("file", 0);
		storms[i].region = (off_t)i * 64 * UNIT;
		storms[i].data = buffer(UNIT, (char)('A' + i));
		storms[i].random = (uint64_t)i;
		want(pthread_create(&threads[i], NULL, rage, &storms[i]) == 0);
	}
	for (int i = 0; i < THREADS; i++) {
		want(pthread_join(threads[i], NULL) == 0);
		sum += storms[i].completed;
	}
	fprintf(stderr, "%llu completions\n", (unsigned long long)sum);
	want(sum > 1000);
}

const struct body bodies[] = { { "storm", storm }, { NULL, NULL } };

static const struct preload_row rows[] = {
#ifndef __SANITIZE_THREAD__ /* it does not see liburing's mmap(), and takes new memory for old */
	{ "storm", "", NULL, -1 },
	{ "storm", ",delay=2000", NULL, -1 },
#endif
	{ "storm", "", "DOOR=raw", -1 },
	{ "storm", ",delay=2000", "DOOR=raw", -1 },
};

Suite *suite(void)
{
	return preload_suite("a storm of rings", rows, sizeof(rows) / sizeof(rows[0]));
}
