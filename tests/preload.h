/* SPDX-License-Identifier: MIT */
/*
 * For tests of the shim over the simulated disk. A test file has bodies, which are ordinary
 * programs, and a suite(). Each test runs one body in a process of its own, under the preloads and
 * with the simulated disk that the test asks for. The test program itself is not preloaded.
 */
#ifndef PRELOAD_H
#define PRELOAD_H

#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "suite.h"

/* 64 MiB at this path, 512-byte blocks, an atomic unit of 16 KiB. */
#define DISK      "/dev/sim0n1"
#define DISK_SIZE (64 << 20)
#define UNIT      16384

struct body {
	const char *name;
	void (*run)(void);
};

/* Defined by the test file. An empty entry ends the list. */
extern const struct body bodies[];

/* Runs the body with DISK simulated and these further options (",nabo=8" or ""). environment is
 * NULL or further "NAME=VALUE\nNAME=VALUE". Fails the test unless the body ends well. */
void preload_run(const char *body, const char *disk_options, const char *environment);

/* Counts the lines with this text in the simulated disk's log of the last preload_run(). The log
 * has a line for each device command that writes and for each plain write. */
int preload_log_count(const char *containing);

/* A body, further options of the disk, further environment, and the number of commands that must
 * then be in the disk's log; -1: any number. */
struct preload_row {
	const char *body, *disk, *environment;
	int commands;
};

/* A suite with a test for each row. The rows are static. */
Suite *preload_suite(const char *name, const struct preload_row *rows, size_t count);

/* In a body: ends the process with a message unless the condition holds. */
#define want(condition)                                                                            \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			fprintf(stderr, "%s:%d: not so: %s (errno %m)\n", __FILE__, __LINE__,      \
				#condition);                                                       \
			exit(1);                                                                   \
		}                                                                                  \
	} while (0)

/* The same unless the call returns -1 with this errno. */
#define want_error(call, error)                                                                    \
	do {                                                                                       \
		errno = 0;                                                                         \
		long result_ = (call);                                                             \
		if (result_ != -1 || errno != (error)) {                                           \
			fprintf(stderr, "%s:%d: %s: %ld, errno %m, not " #error "\n", __FILE__,    \
				__LINE__, #call, result_);                                         \
			exit(1);                                                                   \
		}                                                                                  \
	} while (0)

/* In a body: DISK opened read-write and direct; an aligned buffer of size bytes of this letter; an
 * atomic write of one segment. */
int open_disk(void);
char *buffer(size_t size, char letter);
ssize_t atomic_write(int fd, const void *data, size_t length, off_t offset);
/* In a body: an atomic write of a unit succeeds and is read back; statx reports the unit; waits for
 * a child and returns its status. */
void check_write(int fd, off_t offset, char letter);
void check_statx(int fd);
int status_of(pid_t child);
/* In a body: starts a thread that calls dup2(by, number) after 200 ms. The caller joins it. */
pthread_t replace_soon(int number, int by);
/* The number of entries of a folder, "." and ".." too. */
int entries_in(const char *path);
/* Reads the range through fd: is every byte this letter? */
int holds(int fd, off_t offset, size_t length, char letter);
/* The image file; the same check on it, past the simulation. */
const char *image_path(void);
int image_holds(off_t offset, size_t length, char letter);

/* A body's function that writes this letter to the eight units from `place` on. The first runner
 * forks after one write: then parent and child write at the same time. The second writes once in
 * this thread, then in eight threads at the same time. */
typedef void write_eight_units(int fd, off_t place, char letter);
void write_in_a_child_too(write_eight_units *write);
void write_in_threads(write_eight_units *write);

#endif
