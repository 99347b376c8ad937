/* SPDX-License-Identifier: MIT */
/*
 * Measures the memory of a process without the shim and with it: before its first write, and after
 * some writes. memory LIBRARY DEVICE
 *
 * Links: -luring
 */
#include <fcntl.h>
#include <liburing.h>
#include <string.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"
#include "untorn_uapi.h"

enum { UNIT = 16384, WRITES = 256, DEPTH = 32 };

struct memory {
	double dirty, resident; /* KiB */
};

static struct memory taken(void)
{
	FILE *file = fopen("/proc/self/smaps_rollup", "r");
	struct memory memory = { 0, 0 };
	char line[256];

	while (file && fgets(line, sizeof(line), file)) {
		sscanf(line, "Private_Dirty: %lf", &memory.dirty);
		sscanf(line, "Rss: %lf", &memory.resident);
	}
	return memory;
}

static void write_alone(int fd, char *data, int flags)
{
	struct iovec iov = { data, UNIT };

	for (int i = 0; i < WRITES; i++) {
		if (pwritev2(fd, &iov, 1, (off_t)i * UNIT, flags) != UNIT)
			exit(1);
	}
}

static void write_many(int fd, char *data, int flags)
{
	struct io_uring ring;
	struct io_uring_cqe *cqe;

	if (io_uring_queue_init(DEPTH, &ring, 0) < 0)
		exit(1);
	for (int i = 0; i < WRITES; i += DEPTH) {
		for (int k = 0; k < DEPTH; k++) {
			struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);
			io_uring_prep_write(sqe, fd, data, UNIT, (unsigned)(i + k) * UNIT);
			sqe->rw_flags = flags;
		}
		io_uring_submit(&ring);
		for (int k = 0; k < DEPTH; k++) {
			if (io_uring_wait_cqe(&ring, &cqe) < 0 || cqe->res != UNIT)
				exit(1);
			io_uring_cqe_seen(&ring, cqe);
		}
	}
}

static const struct {
	const char *what;
	void (*write)(int fd, char *data, int flags);
} rows[] = {
	{ "before the first write", NULL },
	{ "after writes by pwritev2()", write_alone },
	{ "after writes by io_uring, 32 at once", write_many },
};

/* memory NUMBER DEVICE with|without: runs in a process of its own and prints its memory. */
static int child(char **argv)
{
	static char data[UNIT] __attribute__((aligned(4096)));
	int number = atoi(argv[1]), flags = strcmp(argv[3], "with") == 0 ? RWF_ATOMIC : 0;
	int fd = open(argv[2], O_RDWR | O_DIRECT);

	memset(data, 1, sizeof(data));
	if (rows[number].write)
		rows[number].write(fd, data, flags);
	struct memory memory = taken();
	printf("%f %f\n", memory.dirty, memory.resident);
	return 0;
}

static struct memory of_child(int number, const char *device, const char *library)
{
	char command[8192];
	struct memory memory;

	snprintf(command, sizeof(command), "exec env %s%s /proc/%d/exe %d %s %s",
		 library ? "LD_PRELOAD=" : "", library ? library : "", getpid(), number, device,
		 library ? "with" : "without");
	FILE *pipe = popen(command, "r");
	if (!pipe || fscanf(pipe, "%lf %lf", &memory.dirty, &memory.resident) != 2) {
		fprintf(stderr, "no figures of: %s\n", command);
		exit(1);
	}
	pclose(pipe);
	return memory;
}

int main(int argc, char **argv)
{
	if (argc == 4)
		return child(argv);
	if (argc != 3)
		return 2;
	for (int i = 0; i < (int)(sizeof(rows) / sizeof(rows[0])); i++) {
		struct memory bare = of_child(i, argv[2], NULL),
			      with = of_child(i, argv[2], argv[1]);
		char name[64];
		snprintf(name, sizeof(name), "private, %s", rows[i].what);
		print_row(name, bare.dirty, with.dirty, "KiB", NULL, false);
		print_row("    resident, with what processes share", bare.resident, with.resident,
			  "KiB", NULL, false);
	}
	return 0;
}
