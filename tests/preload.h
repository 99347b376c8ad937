/* SPDX-License-Identifier: MIT */
/*
 * For tests of the shim over the simulated disk. A test file has bodies, which are ordinary
 * programs, and a suite() whose tests run a body in a process of its own, under the preloads and
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

/* Of the test file, ended by an empty entry. */
extern const struct body bodies[];

/* Runs the body with DISK simulated and these further options (",nabo=8" or ""). environment is
 * NULL or further "NAME=VALUE\nNAME=VALUE". Fails the test unless the body ends well. */
void preload_run(const char *body, const char *disk_options, const char *environment);

/* The lines of device commands and plain writes that the last preload_run() caused, from the
 * simulated disk's log; each in `line`'s form. */
int preload_log_count(const char *containing);

/* A body, further options of the disk, further environment, and how many commands the disk must
 * then have in its log; -1: any number. */
struct preload_row {
	const char *body, *disk, *environment;
	int commands;
};

/* A suite with a test for each row. The rows are static. */
Suite *preload_suite(const char *name, const struct preload_row *rows, size_t count);

/* In a body: the condition, or the end of the process with a message. */
#define want(condition)                                                                            \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			fprintf(stderr, "%s:%d: not so: %s (errno %m)\n", __FILE__, __LINE__,      \
				#condition);                                                       \
			exit(1);                                                                   \
		}                                                                                  \
	} while (0)

/* The call's result is -1 and errno is this. */
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
/* In a body: a write of a unit there does what it should; statx tells of the unit; how a child
 * ended, as waitpid() tells it. */
void check_write(int fd, off_t offset, char letter);
void check_statx(int fd);
int status_of(pid_t child);
/* In a body: in 200 ms that number means the other's file. To be joined. */
pthread_t replace_soon(int number, int by);
/* What lies there, by a direct read, is all this letter. */
int holds(int fd, off_t offset, size_t length, char letter);
/* The same of the image as it lies there, past the simulation. */
const char *image_path(void);
int image_holds(off_t offset, size_t length, char letter);

/* For a body's way of writing, to the eight units from a place on: at once in this process and in a
 * child; and first here, then at once in eight threads. */
typedef void write_eight_units(int fd, off_t place, char letter);
void write_in_a_child_too(write_eight_units *write);
void write_in_threads(write_eight_units *write);

#endif
