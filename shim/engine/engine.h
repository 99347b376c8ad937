/* SPDX-License-Identifier: MIT */
/*
 * What the doors ask: do this write, now or by and by; fill this statx. Each returns what a native
 * kernel would,
 * >= 0 or -errno, and leaves errno as it was. Thread-safe; to be called with cancellation disabled.
 */
#ifndef ENGINE_H
#define ENGINE_H

#include <sys/types.h>
#include <sys/uio.h>

#include "base/config.h"
#include "device/device.h"
#include "rules/entrance.h"
#include "rules/request.h"
#include "untorn_uapi.h"

/* A file as it was found, for the others of several writes that are submitted together: until the
 * next command is sent. */
struct engine_file {
	bool known;
	int fd, open_flags;
	struct device device;
};

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
	struct engine_file *file; /* of an asynchronous one; NULL: it is submitted alone */
};

enum lane {
	LANE_KERNEL,  /* untouched to the kernel */
	LANE_COMMAND, /* checked by us, and if it is good, one device command */
};

/* Pure. */
enum lane engine_decide(const struct device *device, enum mode mode);

ssize_t engine_write(const struct write_call *call);

/* One write in two halves, for those who do not wait for it. */
struct engine_job {
	struct device device;
	struct request request;
	int fd;         /* the caller's, or our own */
	bool is_kept;   /* our own: the caller's may be another file's by the time it is done */
	uint64_t began; /* engine_prepare() */
	bool has_node;  /* it may be sent together with others, by the functions at the end */
};
enum { ENGINE_KERNEL = 2 };

/*
 * The first half, in the caller's thread: every check, and the page cache. call->iov is an array of
 * call->count segments that may be unreadable. REQUEST_GOOD: engine_finish() does the rest;
 * REQUEST_EMPTY; ENGINE_KERNEL: not ours; or -errno, which is the result of the call that submits
 * it if *ret_early, else of the write.
 */
int engine_start(const struct write_call *call, enum form form, struct engine_job *ret_job,
		 bool *ret_early);

/* To be asked before the caller goes on and the second half is done by another thread. False: do it
 * now. form as before. */
bool engine_keep(struct engine_job *job, enum form form);

/* The second half: the length, or -errno. */
ssize_t engine_finish(const struct engine_job *job);

/* Or by an entry of an io_uring, see struct transport_queue; not without data. Is the disk still
 * there? False: engine_finish() tells more. */
bool engine_is_sound(const struct engine_job *job);
int engine_open_node(const struct engine_job *job);
void engine_prepare(struct engine_job *job, struct io_uring_sqe *sqe);
/* From the completion's result: the length, -errno; or 0, engine_finish() must do it. */
ssize_t engine_land(const struct engine_job *job, int result);

int engine_statx(int dirfd, const char *path, int flags, unsigned mask, struct statx *stx);

/* What the two lanes share. The request is of unlimited size until it is made ready; then
 * REQUEST_GOOD, or the result. */
int engine_known_flags(int flags);
int engine_gather(const struct write_call *call, const struct device *device, int open_flags,
		  struct request *ret_request);
int engine_make_ready(int fd, struct request *request, const struct limits *limits);
struct command engine_command(const struct request *request);
ssize_t engine_send(int fd, const struct device *device, const struct request *request);

#endif
