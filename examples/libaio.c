/* SPDX-License-Identifier: MIT */
/*
 * Atomic writes with libaio, several under way at once. They overwrite that part of the device!
 *
 *	cc -I include -o libaio examples/libaio.c -laio
 *	./libaio /dev/nvmeXnY 16384 8                    # Linux 6.11 and later, if the disk can
 *	untorn run -- ./libaio /dev/nvmeXnY 16384 8      # older kernels
 *
 * Prints "8 writes of 16384 bytes, each all or nothing", or why not.
 */
#define _GNU_SOURCE 1
#include <errno.h>
#include <fcntl.h>
#include <libaio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "untorn_uapi.h"

enum { MAX = 64 };

static const char *explain(int error)
{
	switch (error) {
	case EOPNOTSUPP:
		return "the kernel or the device has no atomic writes (try: untorn doctor)";
	case EINVAL:
		return "length not a power of two, offset not a multiple of it, or outside the "
		       "limits: untorn doctor DEVICE shows them, UNTORN_LOG=info says which";
	case EBUSY:
		return "it is in use: mounted, swap, or part of another device";
	default:
		return strerror(error);
	}
}

static int fail(const char *what, long error)
{
	fprintf(stderr, "%s: %s\n", what, explain((int)-error));
	return 1;
}

/* All may be under way at once: they lie side by side, and none reads what another writes. */
static long submit(io_context_t context, int fd, void *data, size_t length, int count)
{
	static struct iocb blocks[MAX];
	struct iocb *list[MAX];

	for (int i = 0; i < count; i++) {
		list[i] = &blocks[i];
		io_prep_pwrite(list[i], fd, data, length, (long long)length * i);
		list[i]->aio_rw_flags = RWF_ATOMIC;
	}
	/* Fewer than asked for is no error: the next call returns the error of the next write. */
	for (int done = 0; done < count;) {
		int submitted = io_submit(context, count - done, list + done);
		if (submitted <= 0)
			return submitted ? submitted : -EIO;
		done += submitted;
	}
	return 0;
}

/* A write is done only if its event has the length as res; else res is -errno. */
static long collect(io_context_t context, size_t length, int count)
{
	struct io_event events[MAX];

	for (int done = 0; done < count;) {
		int found = io_getevents(context, 1, count - done, events, NULL);
		if (found < 0 && found != -EINTR)
			return found;
		for (int i = 0; i < found; i++) {
			if (events[i].res != length)
				return (long)events[i].res < 0 ? (long)events[i].res : -EIO;
		}
		done += found > 0 ? found : 0;
	}
	return 0;
}

int main(int argc, char **argv)
{
	io_context_t context = NULL;

	if (argc != 4 || atoi(argv[3]) < 1 || atoi(argv[3]) > MAX) {
		fprintf(stderr, "usage: %s DEVICE LENGTH COUNT, up to %d\n", argv[0], MAX);
		return 2;
	}
	size_t length = strtoull(argv[2], NULL, 0);
	int count = atoi(argv[3]);
	/* Atomic writes are direct; O_EXCL refuses a device that is in use. */
	int fd = open(argv[1], O_RDWR | O_DIRECT | O_EXCL);
	if (fd < 0)
		return fail(argv[1], -errno);
	void *data = aligned_alloc(4096, (length + 4095) & ~4095UL);
	if (!data)
		return fail("memory", -ENOMEM);
	memset(data, 'L', length);
	long error = io_setup(MAX, &context);
	if (!error)
		error = submit(context, fd, data, length, count);
	if (!error)
		error = collect(context, length, count);
	if (error)
		return fail(argv[1], error);
	printf("%d writes of %zu bytes, each all or nothing\n", count, length);
	io_destroy(context);
	free(data);
	return close(fd) < 0;
}
