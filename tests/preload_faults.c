/* SPDX-License-Identifier: MIT */
/*
 * 10000 atomic writes to a disk of which one command in seven fails by chance: each failure reaches
 * exactly its write, as that error, by every door, and nothing else fails. The simulated disk's log
 * says which they were.
 */
#include <fcntl.h>
#include <libaio.h>
#include <linux/fs.h>
#include <string.h>

#include "ring_doors.h"

enum { MANY = 10000, DEPTH = 32, LENGTH = 4096, ERROR = ENODATA /* NVMe status 0x4280 */ };

static int results[MANY];
static char *data[DEPTH];

static void make_data(void)
{
	for (int i = 0; i < DEPTH; i++)
		data[i] = buffer(LENGTH, (char)('A' + i));
}

static void by_call(void)
{
	int fd = open_disk();

	for (int i = 0; i < MANY; i++) {
		ssize_t result = atomic_write(fd, data[i % DEPTH], LENGTH, (off_t)LENGTH * i);
		results[i] = result < 0 ? -errno : (int)result;
	}
}

static void by_aio(void)
{
	io_context_t context = NULL;
	int fd = open_disk();

	want(io_setup(DEPTH, &context) == 0);
	for (int first = 0; first < MANY; first += DEPTH) {
		struct iocb iocbs[DEPTH], *list[DEPTH];
		struct io_event events[DEPTH];
		int count = MANY - first < DEPTH ? MANY - first : DEPTH;
		for (int i = 0; i < count; i++) {
			list[i] = &iocbs[i];
			io_prep_pwrite(&iocbs[i], fd, data[i], LENGTH, (off_t)LENGTH * (first + i));
			iocbs[i].aio_rw_flags = RWF_ATOMIC;
			iocbs[i].data = (void *)(intptr_t)(first + i);
		}
		want(io_submit(context, count, list) == count);
		want(io_getevents(context, count, count, events, NULL) == count);
		for (int i = 0; i < count; i++)
			results[(intptr_t)events[i].data] = (int)(long)events[i].res;
	}
	want(io_destroy(context) == 0);
}

static void by_ring(void)
{
	struct io_uring *ring = ring_of(DEPTH);
	struct io_uring_cqe *cqe;
	int fd = open_disk(), next = 0, count;

	for (int done = 0; done < MANY; done++) {
		for (count = 0; next < MANY && next - done < DEPTH; next++, count++)
			prepare(ring, fd, data[next % DEPTH], LENGTH, (off_t)LENGTH * next,
				(uint64_t)next);
		want(submit(ring, 1) == count);
		want(io_uring_wait_cqe(ring, &cqe) == 0 && cqe->user_data < MANY);
		want(results[cqe->user_data] == 0);
		results[cqe->user_data] = cqe->res;
		io_uring_cqe_seen(ring, cqe);
	}
	end(ring);
}

/* Returns how many the log has, and checks that just these have failed. */
static int compare_with_log(void)
{
	const char *from = strstr(getenv("UNTORN_SIM"), "log=") + strlen("log=");
	static bool failed[MANY];
	unsigned long long block;
	char path[256], line[256];
	int faults = 0;

	snprintf(path, sizeof(path), "%.*s", (int)strcspn(from, ","), from);
	FILE *log = fopen(path, "r");
	want(log);
	while (fgets(line, sizeof(line), log)) {
		if (!strstr(line, "fault"))
			continue;
		want(sscanf(line, "write slba=%llu", &block) == 1);
		failed[block * 512 / LENGTH] = true;
		faults++;
	}
	fclose(log);
	for (int i = 0; i < MANY; i++)
		want(results[i] == (failed[i] ? -ERROR : LENGTH));
	return faults;
}

static void run(void (*door)(void))
{
	int fd = open_disk();

	make_data();
	door();
	int faults = compare_with_log();
	want(faults > MANY / 9 && faults < MANY / 5);
	for (int i = 0; i < MANY; i++)
		want(holds(fd, (off_t)LENGTH * i, LENGTH,
			   results[i] == LENGTH ? (char)('A' + i % DEPTH) : 0));
}

static void call(void)
{
	run(by_call);
}

static void aio(void)
{
	run(by_aio);
}

static void ring(void)
{
	run(by_ring);
}

const struct body bodies[] = { { "call", call }, { "aio", aio }, { "ring", ring }, { NULL, NULL } };

static const struct preload_row rows[] = { { "call", ",fault=1/7:0x4280", NULL, MANY },
					   { "aio", ",fault=1/7:0x4280", NULL, MANY },
					   { "ring", ",fault=1/7:0x4280", NULL, MANY },
					   { "ring", ",fault=1/7:0x4280", "DOOR=raw", MANY } };

Suite *suite(void)
{
	return preload_suite("faults by chance", rows, sizeof(rows) / sizeof(rows[0]));
}
