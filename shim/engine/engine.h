/* SPDX-License-Identifier: MIT */
/*
 * One atomic write: gather the request, know the device, judge, send, land. The doors call
 * engine_write() for a caller that waits; async/ and workers call the two halves, engine_start()
 * and engine_finish(). A result is what a native kernel would return, >= 0 or -errno.
 * engine_write(), engine_statx() and the halves leave errno as it was. Thread-safe. The caller
 * disables cancellation. A job keeps its hold in use from engine_start() to its end.
 */
#ifndef ENGINE_H
#define ENGINE_H

#include <errno.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "base/config.h"
#include "device/device.h"
#include "device/hold.h"
#include "rules/entrance.h"
#include "rules/request.h"
#include "untorn_uapi.h"

/* The file of a write, as engine_find() found it. Later writes of the same submission use it again,
 * until the next command is sent. */
struct engine_file {
	bool known;
	int fd;
	struct look look;
	uint64_t since;              /* real_now(), read before block size and size were asked */
	off_t position;              /* of the same open file; only if the call's offset is -1 */
	struct hold *hold;           /* in use; NULL: the file is not open for writing */
	const struct device *device; /* the hold's, or &own */
	struct device own;
	uint64_t size; /* UINT64_MAX: the look into the page cache shows whether a write fits */
	bool later;    /* the caller has the page cache asked later: engine/span.h, engine_ask() */
};
void engine_begin(struct engine_file *file);  /* makes it empty; all 0 is empty, too */
void engine_forget(struct engine_file *file); /* puts the hold, and is empty then */

struct write_call {
	int fd;
	enum door door; /* not used for an asynchronous write: its form tells the door */
	const struct iovec *iov;
	int count;
	off_t offset;             /* -1: the file position */
	int flags;                /* RWF_*, RWF_ATOMIC among them */
	bool registered;          /* the memory is a buffer registered with a ring */
	bool vector;              /* iov is the program's, and may be unreadable */
	bool waits;               /* a kernel thread would do it: RWF_NOWAIT has no effect */
	struct engine_file *file; /* NULL: it is submitted alone */
};

enum lane {
	LANE_KERNEL,  /* the kernel gets it, untouched */
	LANE_COMMAND, /* we check it, and send it as one device command if it is good */
};

/* Pure. */
enum lane engine_lane(const struct device *device, enum mode mode);

ssize_t engine_write(const struct write_call *call);

/* A job: one write between its halves. */
struct engine_job {
	struct request request;
	struct hold *hold; /* in use, if the write is good, until it is finished or dropped */
	bool by_hold;      /* the device is the hold's */
	bool asks;         /* the page cache is still to be asked about: before the command or, in a
			      flight, after it */
	uint64_t since;    /* engine_file.since; 0: it is sent at once */
	struct device own; /* the device, unless by_hold */
	uint64_t began;    /* account_begin() of engine_prepare() */
	bool has_node;     /* engine_leave(): it may go in a flight */
};
static inline const struct device *engine_device(const struct engine_job *job)
{
	return job->by_hold ? &job->hold->device : &job->own;
}
enum { ENGINE_KERNEL = 2 };

/*
 * The first half, in the caller's thread: makes every check, and asks the page cache unless
 * call->file->later. call->iov has call->count segments and may be unreadable.
 * REQUEST_GOOD: engine_finish() does the rest, or engine_drop() gives it up.
 * REQUEST_EMPTY: there is nothing to write. ENGINE_KERNEL: the write is not ours.
 * -errno: the submitting call fails with it if *ret_early; else the write does.
 */
int engine_start(const struct write_call *call, enum form form, struct engine_job *ret_job,
		 bool *ret_early);
void engine_drop(struct engine_job *job);

/* Asks the page cache, which file.later had put off. REQUEST_GOOD, or the write's result. */
int engine_ask(struct engine_job *job);

/* The caller goes on. Hands the hold over to the thread that does the second half, and finds out
 * whether the write may go in a flight. */
void engine_leave(struct engine_job *job);

/* The second half: the length, or -errno. */
ssize_t engine_finish(struct engine_job *job);

/* Or the second half in a flight, by an entry of an io_uring (struct transport_queue); not without
 * data. True: the hold is still what it was. False: engine_finish() finds the error. */
bool engine_is_sound(const struct engine_job *job);
/* True: block size, size and promise still hold. Either the write has hardly waited, or the answer
 * is young and block size and size were asked again. now: real_now(). */
bool engine_is_still(const struct engine_job *job, uint64_t now);
/* A descriptor for the flight's entries, which the caller closes; or -errno. */
int engine_open_node(const struct engine_job *job);
void engine_prepare(struct engine_job *job, struct io_uring_sqe *sqe);
/* Turns the completion's result into the write's: the length; -errno; or 0: engine_finish() must do
 * it. Call it after span_after(). */
ssize_t engine_land(struct engine_job *job, int result);

int engine_statx(int dirfd, const char *path, int flags, unsigned mask, struct statx *stx);
/* True: atomic writes to this device go by command, within these limits. The path leads to its
 * node, as for statx(); an answer of the last second does, too. errno may be changed. */
bool engine_serves(int dirfd, const char *path, int flags, dev_t number, struct limits *ret_limits);

/* The rest is for the engine's own files. */
/* Reads length and address from the segments, as the kernel does: 0, -EFAULT or -EINVAL. */
int engine_import(const struct write_call *call, struct request *request);
/* call->fd must be file->fd if file->known. REQUEST_GOOD: found. ENGINE_KERNEL: not ours. Else the
 * write's result, from the kernel itself or -errno. */
int engine_find(const struct write_call *call, enum form form, const struct request *request,
		struct engine_file *file);
/* REQUEST_GOOD: the write is good and, unless `later`, nothing of its range is cached. Else the
 * write's result. */
int engine_judge(const struct hold *hold, struct request *request, const struct limits *limits,
		 bool later);
/* EBADF about the hold: it was closed past the doors since it was proven. The program's own
 * descriptor is good, so the program gets EIO. */
static inline ssize_t engine_blame(ssize_t result)
{
	return result == -EBADF ? -EIO : result;
}
struct command engine_command(const struct device *device, const struct request *request);
/* True: the write is to be durable and the disk has no FUA, so a flush follows the command. */
bool engine_flushes(const struct device *device, const struct request *request);
ssize_t engine_send(const struct hold *hold, const struct device *device,
		    const struct request *request);

#endif
