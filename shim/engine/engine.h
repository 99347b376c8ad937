/* SPDX-License-Identifier: MIT */
/*
 * One atomic write on its one way: gather what is asked, know the device, judge, send, land. A
 * write that is waited for does the two halves one after the other. Each function returns what a
 * native kernel would, >= 0 or -errno, and leaves errno as it was. Thread-safe; to be called with
 * cancellation disabled.
 */
#ifndef ENGINE_H
#define ENGINE_H

#include <sys/types.h>
#include <sys/uio.h>

#include "base/config.h"
#include "device/device.h"
#include "device/hold.h"
#include "rules/entrance.h"
#include "rules/request.h"
#include "untorn_uapi.h"

/* A file as it was found, for the others of several writes that are submitted together: until the
 * next command is sent. engine_begin(), engine_forget(). */
struct engine_file {
	bool known;
	int fd;
	struct look look;
	uint64_t since;              /* real_now() when it was found, or before */
	off_t position;              /* of the same open file, where the call's offset is -1 */
	struct hold *hold;           /* in use; NULL: the file is not open for writing */
	const struct device *device; /* the hold's, or what follows */
	struct device own;
	uint64_t size; /* UINT64_MAX: the look into the page cache tells whether a write fits */
	bool later;    /* the caller has the page cache asked later: engine/span.h, engine_ask() */
};
void engine_begin(struct engine_file *file);
void engine_forget(struct engine_file *file); /* it may be found anew */

struct write_call {
	int fd;
	enum door door; /* of an asynchronous one, the form says it */
	const struct iovec *iov;
	int count;
	off_t offset;             /* -1: the file position */
	int flags;                /* RWF_*, RWF_ATOMIC among them */
	bool registered;          /* the memory is a buffer registered with a ring */
	bool vector;              /* iov is the program's, and may be unreadable */
	bool waits;               /* whatever the flags say: done by a thread of the kernel's */
	struct engine_file *file; /* NULL: it is submitted alone */
};

enum lane {
	LANE_KERNEL,  /* untouched to the kernel */
	LANE_COMMAND, /* checked by us, and if it is good, one device command */
};

/* Pure. */
enum lane engine_decide(const struct device *device, enum mode mode);

ssize_t engine_write(const struct write_call *call);

/* One write between its halves. */
struct engine_job {
	struct request request;
	struct hold *hold; /* in use, if the write is good: until it has been finished or dropped */
	bool by_hold;      /* the device is the hold's */
	bool asks;         /* the page cache is still to be asked about */
	uint64_t since;    /* real_now() when its file was found; 0: it is done at once */
	struct device own; /* else this */
	uint64_t began;    /* engine_prepare() */
	bool has_node;     /* it may be sent together with others, by the functions at the end */
};
static inline const struct device *engine_device(const struct engine_job *job)
{
	return job->by_hold ? &job->hold->device : &job->own;
}
enum { ENGINE_KERNEL = 2 };

/*
 * The first half, in the caller's thread: every check, and the page cache. call->iov is an array of
 * call->count segments that may be unreadable. REQUEST_GOOD: engine_finish() does the rest, or
 * engine_drop() none of it; REQUEST_EMPTY; ENGINE_KERNEL: not ours; or -errno, which is the result
 * of the call that submits it if *ret_early, else of the write.
 */
int engine_start(const struct write_call *call, enum form form, struct engine_job *ret_job,
		 bool *ret_early);
void engine_drop(struct engine_job *job);

/* Asks about the page cache, which file.later left undone: REQUEST_GOOD, or the result. */
int engine_ask(struct engine_job *job);

/* The caller goes on, and another thread will do the second half. */
void engine_leave(struct engine_job *job);

/* The second half: the length, or -errno. */
ssize_t engine_finish(struct engine_job *job);

/* Or by an entry of an io_uring, see struct transport_queue; not without data. Is the disk still
 * there? False: engine_finish() tells more. */
bool engine_is_sound(const struct engine_job *job);
/* Has it not waited so long that block size and promise may be others? */
bool engine_is_still(const struct engine_job *job, uint64_t now);
int engine_open_node(const struct engine_job *job);
void engine_prepare(struct engine_job *job, struct io_uring_sqe *sqe);
/* From the completion's result: the length, -errno; or 0, engine_finish() must do it. After
 * span_after(). */
ssize_t engine_land(struct engine_job *job, int result);

int engine_statx(int dirfd, const char *path, int flags, unsigned mask, struct statx *stx);

/* Between the engine's files. */
/* Length and address, as the kernel takes them from the program: 0, -EFAULT or -EINVAL. */
int engine_import(const struct write_call *call, struct request *request);
/* call->fd is file->fd, if that is known. REQUEST_GOOD: found; ENGINE_KERNEL; or the result, from
 * the kernel itself or -errno. */
int engine_find(const struct write_call *call, enum form form, const struct request *request,
		struct engine_file *file);
/* REQUEST_GOOD, and nothing of the range is cached, unless `later`; or the result. */
int engine_judge(const struct hold *hold, struct request *request, const struct limits *limits,
		 bool later);
struct command engine_command(const struct device *device, const struct request *request);
/* Is it to be durable, on a disk that knows no FUA? */
bool engine_flushes(const struct device *device, const struct request *request);
ssize_t engine_send(const struct hold *hold, const struct device *device,
		    const struct request *request);

#endif
