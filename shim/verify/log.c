/* SPDX-License-Identifier: MIT */
/*
 * A record is appended only after the device has acknowledged the write, so every record is true.
 * fdatasync() forces them out after every SYNC_EVERY. Reading takes every record by itself, because
 * the end of a log that was cut may be torn or full of zeros.
 */
#include "verify/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "verify/page.h"

enum { KIND_START = 1, KIND_ACKNOWLEDGED, SYNC_EVERY = 64 };

struct record {
	char magic[8];
	uint64_t run, index, sequence;
	uint32_t kind, page;         /* start: the number of pages */
	uint64_t size;               /* start: the layout's */
	uint32_t unit_min, unit_max; /* likewise */
	uint64_t sum;                /* over all fields before it */
};

_Static_assert(sizeof(struct record) == VERIFY_RECORD, "no padding");

static const char magic[8] = "untornL";

enum { DURABLE = 0x100, DENSE = 0x200 };

static uint64_t sum_of(const struct record *record)
{
	uint64_t words[VERIFY_RECORD / 8], sum = 0;

	memcpy(words, record, sizeof(words));
	for (int i = 0; i < VERIFY_RECORD / 8 - 1; i++)
		sum = verify_random(sum, words[i]);
	return sum;
}

static int write_all(int fd, const void *data, size_t length)
{
	for (const char *at = data; length;) {
		ssize_t written = write(fd, at, length);
		if (written < 0 && errno != EINTR)
			return -errno;
		at += written < 0 ? 0 : written;
		length -= written < 0 ? 0 : (size_t)written;
	}
	return 0;
}

/* A pipe cannot be forced out (EINVAL or EROFS, fdatasync(2)): its reader gets records at once. */
static int force(struct verify_log *log)
{
	log->synced = log->count;
	return fdatasync(log->fd) < 0 && errno != EINVAL && errno != EROFS ? -errno : 0;
}

/* The caller holds the lock, or no other thread runs yet. */
static int append(struct verify_log *log, struct record *record)
{
	memcpy(record->magic, magic, sizeof(magic));
	record->run = log->run;
	record->index = log->count;
	record->sum = sum_of(record);
	int error = write_all(log->fd, record, sizeof(*record));
	if (!error)
		log->count++;
	return error;
}

int verify_log_start(struct verify_log *log, int fd, const struct verify_layout *layout,
		     bool durable)
{
	struct record record = {
		.kind = KIND_START | (durable ? DURABLE : 0) | (layout->is_dense ? DENSE : 0),
		.page = layout->pages,
		.size = layout->size,
		.unit_min = layout->unit_min,
		.unit_max = layout->unit_max,
	};

	*log = (struct verify_log){ .fd = fd,
				    .run = layout->run,
				    .lock = PTHREAD_MUTEX_INITIALIZER };
	int error = append(log, &record);
	return error ? error : force(log);
}

int verify_log_acknowledge(struct verify_log *log, uint32_t page, uint64_t sequence)
{
	struct record record = { .kind = KIND_ACKNOWLEDGED, .page = page, .sequence = sequence };

	pthread_mutex_lock(&log->lock);
	int error = append(log, &record);
	if (!error && log->count - log->synced >= SYNC_EVERY)
		error = force(log);
	pthread_mutex_unlock(&log->lock);
	return error;
}

int verify_log_finish(struct verify_log *log)
{
	return force(log);
}

static bool is_sound(const struct record *record)
{
	return memcmp(record->magic, magic, sizeof(magic)) == 0 && record->sum == sum_of(record);
}

static bool is_start(const struct record *record)
{
	uint32_t min = record->unit_min, max = record->unit_max;

	return (record->kind & ~(DURABLE | DENSE)) == KIND_START && record->page &&
	       record->page <= VERIFY_MAX_PAGES && min >= VERIFY_SECTOR && max >= min &&
	       !(min & (min - 1)) && !(max & (max - 1)) && max <= record->size / record->page;
}

static int begin(struct verify_history *history, const struct record *record)
{
	free(history->pages);
	*history = (struct verify_history){
		.layout = { record->run, record->size, record->unit_min, record->unit_max,
			    record->page, record->kind & DENSE },
		.durable = record->kind & DURABLE,
		.pages = calloc(record->page, sizeof(*history->pages)),
	};
	return history->pages ? 0 : -ENOMEM;
}

static void add(struct verify_history *history, const struct record *record)
{
	struct verify_known *known = &history->pages[record->page];

	history->acknowledged++;
	if (record->sequence > known->sequence)
		*known = (struct verify_known){ record->sequence, record->index };
}

static int take(struct verify_history *history, const struct record *record)
{
	if (!is_sound(record)) {
		history->damaged++;
		return 0;
	}
	if (is_start(record))
		return begin(history, record);
	if (history->pages && record->kind == KIND_ACKNOWLEDGED &&
	    record->run == history->layout.run && record->page < history->layout.pages)
		add(history, record);
	return 0;
}

/* 1: a whole record was read; 0: the log ends, within a record or not; or -errno. */
static int next(int fd, struct record *ret_record)
{
	size_t done = 0;

	while (done < sizeof(*ret_record)) {
		ssize_t got = read(fd, (char *)ret_record + done, sizeof(*ret_record) - done);
		if (got < 0 && errno != EINTR)
			return -errno;
		if (got == 0)
			return 0;
		done += got < 0 ? 0 : (size_t)got;
	}
	return 1;
}

int verify_log_read(int fd, struct verify_history *ret_history)
{
	struct verify_history history = { .pages = NULL };
	struct record record;
	int error = 0, more = 1;

	while (!error && (more = next(fd, &record)) > 0)
		error = take(&history, &record);
	if (!error)
		error = more < 0 ? more : history.pages ? 0 : -EBADMSG;
	if (error)
		free(history.pages);
	else
		*ret_history = history;
	return error;
}
