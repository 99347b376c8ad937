/* SPDX-License-Identifier: MIT */
/*
 * A signal is an eventfd on which the kernel's poll for one event waits. A poll of an empty eventfd
 * waits for POLLIN, one of a full eventfd for POLLOUT. Firing turns one into the other, so one call
 * completes the event and no call is needed to reset it. 64 signals are kept; further ones are made
 * and closed. The caller is async/aio_table.c, which holds its lock.
 */
#ifndef AIO_SIGNAL_H
#define AIO_SIGNAL_H

#include <poll.h>
#include <stdbool.h>

struct aio_signal {
	int fd;
	bool full;
	int kept; /* its number among those that are kept, or -1 */
};

/* False: no descriptor left. `prove`: ask whether the number still is this eventfd's, for the
 * program may have closed it past the doors. Callers prove one signal of each submission; if it is
 * gone, all kept ones are asked about. */
bool aio_signal_take(bool prove, struct aio_signal *ret_signal);
/* The program is about to close these numbers: they are not used again. */
void aio_signal_forget(unsigned first, unsigned last);
void aio_signal_give_back(const struct aio_signal *signal);

static inline unsigned aio_signal_events(const struct aio_signal *signal)
{
	return signal->full ? POLLOUT : POLLIN;
}

/* Completes the event: at once (true), or with the flight's next entries, which then call
 * work->posted(). */
struct flight;
struct work;
bool aio_signal_fire(struct aio_signal *signal, struct flight *flight, struct work *work);
/* After work->posted() told of an error: completes the event by a call. */
void aio_signal_fire_again(const struct aio_signal *signal);

void aio_signal_after_fork(void); /* the child closes its copies, and makes its own */

#endif
