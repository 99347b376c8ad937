/* SPDX-License-Identifier: MIT */
/*
 * By what the kernel is told that an event is to come: an eventfd on which a poll waits. It is
 * empty or full, and the other one afterwards, so that one call does it and none puts it back. 64
 * are kept; more are made and closed. One thread at a time.
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

/* False: no descriptor left. `prove`: its number may have become another file's unseen; to be asked
 * for one of those that are submitted together. If it has, so may have the others, which are all
 * asked about then. */
bool aio_signal_take(bool prove, struct aio_signal *ret_signal);
/* The program is about to close these numbers: they are not used again. */
void aio_signal_forget(unsigned first, unsigned last);
void aio_signal_give_back(const struct aio_signal *signal);

static inline unsigned aio_signal_events(const struct aio_signal *signal)
{
	return signal->full ? POLLOUT : POLLIN;
}

/* The event comes. False: with the flight's next entries, and then work->posted() is called. */
struct flight;
struct work;
bool aio_signal_fire(struct aio_signal *signal, struct flight *flight, struct work *work);
/* It did not come by itself: now. */
void aio_signal_fire_again(const struct aio_signal *signal);

void aio_signal_after_fork(void); /* the meaning of the parent's stays with it */

#endif
