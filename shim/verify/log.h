/* SPDX-License-Identifier: MIT */
/*
 * The log of acknowledged writes, kept where the power cut does not reach. Records of fixed size,
 * each with a checksum and good by itself: whatever of the log survives is true, and a lost record
 * only means that less is known.
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
	_Atomic uint64_t count;
	uint64_t synced; /* records that have been forced out */
	pthread_mutex_t lock;
};

/* Starts it, with the record of what the run is. 0 or -errno. */
int verify_log_start(struct verify_log *log, int fd, const struct verify_layout *layout,
		     bool durable);
/* To be called when the device has acknowledged the write, never before. Thread-safe. */
int verify_log_acknowledge(struct verify_log *log, uint32_t page, uint64_t sequence);
int verify_log_finish(struct verify_log *log);

/* What the log tells of a page: the last write of it that was acknowledged. */
struct verify_known {
	uint64_t sequence; /* 0: none */
	uint64_t index;    /* the record's number */
};

struct verify_history {
	struct verify_layout layout;
	bool durable;
	struct verify_known *pages; /* layout.pages; free() it */
	uint64_t acknowledged, damaged;
};

/* The last run in the log. 0; -EBADMSG: no log; or -errno. */
int verify_log_read(int fd, struct verify_history *ret_history);

#endif
