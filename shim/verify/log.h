/* SPDX-License-Identifier: MIT */
/*
 * The log of acknowledged writes, kept where the power cut does not reach. power.c writes it,
 * verify.c reads it. Each record has a fixed size and a checksum, and is good by itself: every
 * record that survives is true, and a lost record only means that less is known.
 */
#ifndef VERIFY_LOG_H
#define VERIFY_LOG_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "verify/layout.h"

enum { VERIFY_RECORD = 64 };

struct verify_log {
	int fd;
	uint64_t run;
	_Atomic uint64_t count; /* records in the log, the start too */
	uint64_t synced;        /* of these, forced out */
	pthread_mutex_t lock;   /* one thread appends at a time */
};

/* Writes the first record, which describes the run. 0 or -errno. */
int verify_log_start(struct verify_log *log, int fd, const struct verify_layout *layout,
		     bool durable);
/* Appends a record. Call it after the device has acknowledged the write, never before.
 * Thread-safe. */
int verify_log_acknowledge(struct verify_log *log, uint32_t page, uint64_t sequence);
int verify_log_finish(struct verify_log *log);

/* The last write of a page that the log knows to be acknowledged. */
struct verify_known {
	uint64_t sequence; /* 0: none */
	uint64_t index;    /* the record's number */
};

struct verify_history {
	struct verify_layout layout;
	bool durable;
	struct verify_known *pages; /* layout.pages of them; the caller frees them */
	uint64_t acknowledged, damaged;
};

/* Reads the last run in the log. 0; -EBADMSG: not a log; or -errno. */
int verify_log_read(int fd, struct verify_history *ret_history);

#endif
