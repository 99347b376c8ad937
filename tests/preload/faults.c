/* SPDX-License-Identifier: MIT */
/*
 * Commands that fail on the simulated disk. Failures by number test which commands are sent again,
 * and the program's errno. Failures by chance, about one in seven of 10000, must each reach exactly
 * their write, as that error, through every door; no other write may fail. The disk's log says
 * which commands failed.
 *
 * Links: -laio -luring
 */
#include <fcntl.h>
#include <libaio.h>
#include <linux/fs.h>
#include <string.h>

#include "ring_doors.h"

enum { MANY = 10000, DEPTH = 32, LENGTH = 4096, ERROR = ENODATA /* NVMe status 0x4280 */ };

static int results[MANY];
static char *letters[DEPTH];

static void make_data(void)
{
	for (int i = 0; i < DEPTH; i++)
		letters[i] = buffer(LENGTH, (char)('A' + i));
}

static void by_call(void)
{
	int fd = open_disk();

	for (int i = 0; i < MANY; i++) {
		ssize_t result = atomic_write(fd, letters[i % DEPTH], LENGTH, (off_t)LENGTH * i);
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
			io_prep_pwrite(&iocbs[i], fd, letters[i], LENGTH,
				       (off_t)LENGTH * (first + i));
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
			prepare(ring, fd, letters[next % DEPTH], LENGTH, (off_t)LENGTH * next,
				(uint64_t)next);
		want(submit(ring, 1) == count);
		want(io_uring_wait_cqe(ring, &cqe) == 0 && cqe->user_data < MANY);
		want(results[cqe->user_data] == 0);
		results[cqe->user_data] = cqe->res;
		io_uring_cqe_seen(ring, cqe);
	}
	end(ring);
}

/* Returns the number of faults in the log, and checks that exactly these writes have failed. */
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

/* FAULT=NUMBER:ERRNO: of 200 writes exactly this one fails, with this errno; 0: none fails. */
static void one_fault(void)
{
	int fd = open_disk(), number = 0, error = 0;
	char *data = buffer(UNIT, 'q');

	want(sscanf(getenv("FAULT"), "%d:%d", &number, &error) == 2);
	for (int i = 1; i <= 200; i++) {
		memset(data, 'A' + i % 26, UNIT);
		errno = 0;
		ssize_t result = atomic_write(fd, data, UNIT, UNIT * i);
		if (i == number && error)
			want(result == -1 && errno == error);
		else
			want(result == UNIT && errno == 0);
	}
	for (int i = 1; i <= 200; i++)
		want(holds(fd, UNIT * i, UNIT, (char)(i == number && error ? 0 : 'A' + i % 26)));
}

const struct body bodies[] = { { "one_fault", one_fault },
			       { "call", call },
			       { "aio", aio },
			       { "ring", ring },
			       { NULL, NULL } };

static const struct preload_row rows[] = { { "call", ",fault=1/7:0x4280", NULL, MANY },
					   { "aio", ",fault=1/7:0x4280", NULL, MANY },
					   { "ring", ",fault=1/7:0x4280", NULL, MANY },
					   { "ring", ",fault=1/7:0x4280", "DOOR=raw", MANY } };

#define FIVE_TIMES ",fault=77:6,fault=78:6,fault=79:6,fault=80:6,fault=81:6"

static const struct {
	const char *faults; /* by command; write 77 is command 77 unless others were sent again */
	int write, error;
	int submits, ios; /* commands in all, by either ioctl */
} faults[] = {
	/* With STATUS_DNR: sent once. The errno is that of the status table. */
	{ ",fault=77:0x4280", 77, ENODATA, 200, 0 },
	{ ",fault=1:0x4280", 1, ENODATA, 200, 0 },
	{ ",fault=77:0x4081", 77, ENOSPC, 200, 0 },
	{ ",fault=77:0x4083", 77, EBADE, 200, 0 },
	/* Without STATUS_DNR: sent up to five times more. */
	{ ",fault=77:0x280", 77, 0, 201, 0 },
	{ ",fault=77:0x82,fault=78:0x82,fault=79:0x21", 77, 0, 203, 0 },
	{ FIVE_TIMES, 77, 0, 205, 0 },
	{ FIVE_TIMES ",fault=82:0x81", 77, ENOSPC, 205, 0 },
	{ ",fault=77:0x82,fault=78:0x4081", 77, ENOSPC, 201, 0 },
	{ ",fault=77:0x82,fault=78:-19", 77, ENODEV, 201, 0 },
	/* Errors of the ioctl itself: never sent again, except by the other ioctl if this one is
	 * forbidden. */
	{ ",fault=77:-19", 77, ENODEV, 200, 0 },
	{ ",fault=77:-25", 77, EOPNOTSUPP, 200, 0 },
	{ ",fault=77:-1", 77, 0, 200, 1 },
	{ ",fault=77:-13,fault=78:-13", 77, EOPNOTSUPP, 200, 1 },
	{ ",fault=77:-1,fault=78:0x4280", 77, ENODATA, 200, 1 },
};

START_TEST(fault_is_told_to_exactly_the_write_that_had_it)
{
	char expected[32];

	snprintf(expected, sizeof(expected), "FAULT=%d:%d", faults[_i].write, faults[_i].error);
	preload_run("one_fault", faults[_i].faults, expected);
	ck_assert_msg(preload_log_count("via=submit") == faults[_i].submits, "%s: %d commands",
		      faults[_i].faults, preload_log_count("via=submit"));
	ck_assert_msg(preload_log_count("via=io") == faults[_i].ios, "%s", faults[_i].faults);
	ck_assert_int_eq(preload_log_count("via=pwrite"), 0);
}
END_TEST

Suite *suite(void)
{
	Suite *s = preload_suite("faults", rows, sizeof(rows) / sizeof(rows[0]));
	TCase *tc = tcase_create("by number");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, fault_is_told_to_exactly_the_write_that_had_it, 0,
			    sizeof(faults) / sizeof(faults[0]));
	suite_add_tcase(s, tc);
	return s;
}
