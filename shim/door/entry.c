/* SPDX-License-Identifier: MIT */
/* Passes a door's arguments to the engine, with cancellation off while we are inside. libc.c and
 * syscall.c call it. */
#include "door/entry.h"

#include "base/deep.h"
#include "engine/engine.h"

ssize_t entry_write_by(enum door door, int fd, const struct iovec *iov, int count, off_t offset,
		       int flags)
{
	struct write_call call = {
		.fd = fd, .door = door, .iov = iov, .count = count, .offset = offset, .flags = flags
	};
	int state;

	pthread_testcancel();
	DEEP_INSIDE;
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
	ssize_t result = engine_write(&call);
	pthread_setcancelstate(state, &state);
	return ret_errno(result);
}

ssize_t entry_write(int fd, const struct iovec *iov, int count, off_t offset, int flags)
{
	return entry_write_by(DOOR_PWRITEV2, fd, iov, count, offset, flags);
}

int entry_statx(int dirfd, const char *path, int flags, unsigned mask, struct statx *stx)
{
	int state;

	DEEP_INSIDE;
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
	int result = engine_statx(dirfd, path, flags, mask, stx);
	pthread_setcancelstate(state, &state);
	return (int)ret_errno(result);
}
