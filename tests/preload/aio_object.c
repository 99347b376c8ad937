/* SPDX-License-Identifier: MIT */
/*
 * A write by libaio stays that write, over the simulated disk, even if the program closes or
 * changes its descriptor, its iocb or the shim's eventfds, or if its process ends.
 *
 * Links: -laio
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "aio_calls.h"
#include "inline_call.h"

/* The descriptor's number becomes another file's before the command is sent. */
static void descriptor_taken_away(void)
{
	struct iocb iocb, *list = &iocb;
	struct io_event event;
	int fd = open_disk(), other = memfd_create("other", 0), kept = open_disk();
	io_context_t context = context_of(1);
	struct stat st;

	want(io_submit(context, 1,
		       (list = prepare(&iocb, fd, buffer(UNIT, 'c'), UNIT, 0), &list)) == 1);
	want(dup2(other, fd) == fd);
	want(io_getevents(context, 1, 1, &event, NULL) == 1 && event.res == UNIT);
	want(holds(kept, 0, UNIT, 'c') && fstat(other, &st) == 0 && st.st_size == 0);
	/* Now all descriptors, the shim's too. */
	close_range(3, ~0U, 0);
	fd = open_disk();
	prepare(&iocb, fd, buffer(UNIT, 'C'), UNIT, UNIT);
	want(io_submit(context, 1, &list) == 1);
	want(io_getevents(context, 1, 1, &event, NULL) == 1 && event.res == UNIT);
	want(holds(fd, UNIT, UNIT, 'C'));
}

/* The program closes all numbers while a write is under way: its event must come nevertheless. */
static void closed_under_way(void)
{
	struct iocb iocb, *list = &iocb;
	struct io_event event;
	struct timespec patience = { 3, 0 };
	int fd = open_disk();
	io_context_t context = context_of(1);

	prepare(&iocb, fd, buffer(UNIT, 'u'), UNIT, 0);
	want(io_submit(context, 1, &list) == 1);
	want(close_range(3, ~0U, 0) == 0);
	want(io_getevents(context, 1, 1, &event, &patience) == 1 && event.res == UNIT);
	want(holds(open_disk(), 0, UNIT, 'u'));
}

/* The program submits the same iocb again while it is under way. iocb.data tells the events apart.
 */
static void used_again(void)
{
	struct iocb iocb, *list = &iocb;
	struct io_event events[2];
	int fd = open_disk();
	io_context_t context = context_of(4);

	prepare(&iocb, fd, buffer(UNIT, 'g'), UNIT, 0)->data = (void *)1;
	want(io_submit(context, 1, &list) == 1);
	prepare(&iocb, fd, buffer(UNIT, 'b'), UNIT, 512)->data = (void *)2;
	want(io_submit(context, 1, &list) == 1);
	want(io_getevents(context, 2, 2, events, NULL) == 2);
	for (int i = 0; i < 2; i++)
		want((long)events[i].res == (events[i].data == (void *)1 ? UNIT : -EINVAL));
	/* Now both events are there before the program fetches one; the failed write came first. */
	prepare(&iocb, fd, buffer(UNIT, 'b'), UNIT, 512)->data = (void *)3;
	want(io_submit(context, 1, &list) == 1);
	prepare(&iocb, fd, buffer(UNIT, 'h'), UNIT, 0)->data = (void *)4;
	want(io_submit(context, 1, &list) == 1);
	usleep(300000);
	want(io_getevents(context, 2, 2, events, NULL) == 2);
	for (int i = 0; i < 2; i++)
		want((long)events[i].res == (events[i].data == (void *)4 ? UNIT : -EINVAL));
}

enum { TOGETHER = 200 };

/* Submits this many writes at once, and waits for all of them. */
static void write_together(int fd, int count, char letter)
{
	static struct iocb iocbs[TOGETHER], *list[TOGETHER];
	static struct io_event events[TOGETHER];
	io_context_t context = context_of(count);
	struct timespec patience = { 5, 0 };
	char *data = buffer(UNIT, letter);

	for (int i = 0; i < count; i++)
		list[i] = prepare(&iocbs[i], fd, data, UNIT, (off_t)UNIT * i);
	want(io_submit(context, count, list) == count);
	want(io_getevents(context, count, count, events, &patience) == count);
	for (int i = 0; i < count; i++)
		want(events[i].res == UNIT);
	want(holds(fd, 0, (size_t)count * UNIT, letter) && io_destroy(context) == 0);
}

/* More writes at once than the eventfds that the shim keeps. */
static void together(void)
{
	int fd = open_disk();

	write_together(fd, TOGETHER, 't');
	write_together(fd, TOGETHER, 'T');
}

static bool is_eventfd(int fd)
{
	char path[40], name[40] = "";

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return readlink(path, name, sizeof(name) - 1) > 0 && strstr(name, "eventfd");
}

/* Makes the n-th of the shim's eventfds, or all (0), another file. */
static void take_signals_away(int other, int which)
{
	int found = 0;

	for (int number = 3; number < 1024; number++) {
		if (!is_eventfd(number) || (++found != which && which))
			continue;
		if (getenv("UNSEEN"))
			want(inline_call(SYS_dup2, other, number, 0, 0, 0, 0) == number);
		else
			want(dup2(other, number) == number);
	}
}

/* The shim's eventfds become /dev/zero, which is always readable: that may cause no event. The shim
 * first uses the eventfd whose write ended first, and looks only at that one: so this is done ten
 * times. */
static void signals_taken_away(void)
{
	int fd = open_disk(), other = open("/dev/zero", O_RDONLY);
	int which = getenv("WHICH") ? atoi(getenv("WHICH")) : 0;

	for (int i = 0; i < 10; i++) {
		write_together(fd, 2, (char)('a' + i));
		take_signals_away(other, which);
		write_together(fd, 2, (char)('A' + i));
	}
}

/* Invalid addresses, as in libaio's own tests, and an invalid context. */
static void garbage(void)
{
	struct iocb iocb, *list = &iocb, *none = NULL, *last = (struct iocb *)-1;
	int fd = open_disk();

	want(io_submit(context_of(1), 1, NULL) == -EFAULT);
	want(io_submit(context_of(1), 1, (struct iocb **)-1) == -EFAULT);
	want(io_submit(context_of(1), 1, &none) == -EFAULT);
	want(io_submit(context_of(1), 1, &last) == -EFAULT);
	want(io_submit(context_of(1), -1, &none) == -EINVAL);
	prepare(&iocb, fd, buffer(UNIT, 'g'), UNIT, 0);
	want(io_submit((io_context_t)4096, 1, &list) == -EINVAL && holds(fd, 0, UNIT, 0));
}

/* main() returns: the shim must do all accepted writes before, also those that no worker has begun.
 */
static void main_returns(void)
{
	static struct iocb iocbs[TOGETHER], *list[TOGETHER];
	int fd = open_disk();
	char *data = buffer(UNIT, 'e');

	for (int i = 0; i < TOGETHER; i++)
		list[i] = prepare(&iocbs[i], fd, data, UNIT, (off_t)UNIT * i);
	want(io_submit(context_of(TOGETHER), TOGETHER, list) == TOGETHER);
}

const struct body bodies[] = {
	{ "descriptor_taken_away", descriptor_taken_away },
	{ "closed_under_way", closed_under_way },
	{ "used_again", used_again },
	{ "together", together },
	{ "signals_taken_away", signals_taken_away },
	{ "garbage", garbage },
	{ "main_returns", main_returns },
	{ NULL, NULL },
};

static const struct preload_row rows[] = {
	{ "descriptor_taken_away", ",delay=20000", NULL, 2 },
	{ "closed_under_way", ",delay=200000", NULL, 1 },
	{ "used_again", ",delay=100000", NULL, 2 },
	{ "together", ",delay=100", NULL, 400 },
	{ "signals_taken_away", ",delay=10000", NULL, 40 },
	{ "signals_taken_away", ",delay=10000", "WHICH=1", 40 },
	{ "signals_taken_away", ",delay=10000", "WHICH=2", 40 },
	{ "signals_taken_away", ",delay=10000", "UNSEEN=1", 40 },
	{ "garbage", "", NULL, 0 },
	{ "garbage", "", "UNTORN_AIO=inline", 0 },
	{ "main_returns", ",delay=20000", NULL, 200 },
};

Suite *suite(void)
{
	return preload_suite("writes by libaio as objects", rows, sizeof(rows) / sizeof(rows[0]));
}
