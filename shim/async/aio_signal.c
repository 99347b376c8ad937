/* SPDX-License-Identifier: MIT */
#include "async/aio_signal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/racy.h"
#include "base/real.h"
#include "engine/flight.h"

enum { FIRST_NUMBER = 512, KEPT = FLIGHT_SIGNALS };

/* Set with F_SETSIG on our eventfds, and without effect there: so they are known again. */
enum { MARK = 57 };

static struct kept {
	struct aio_signal signal;
	bool in_use;
	unsigned made; /* so many times */
} kept[KEPT];
static unsigned used; /* those below have been made */

static bool is_ours(int fd)
{
	return fcntl(fd, F_GETSIG) == MARK;
}

static int make(void)
{
	int low = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (low < 0)
		return -1;
	int high = fcntl(low, F_DUPFD_CLOEXEC, FIRST_NUMBER);
	if (high < 0) /* RLIMIT_NOFILE is lower */
		high = low;
	else
		real_close(low);
	fcntl(high, F_SETSIG, MARK);
	return high;
}

static bool make_kept(struct kept *one, int number)
{
	one->signal = (struct aio_signal){ .fd = make(), .kept = number };
	one->made++;
	return one->signal.fd >= 0;
}

/* NULL: all are in use. */
static struct kept *find(void)
{
	unsigned i = 0;

	while (i < used && kept[i].in_use)
		i++;
	return i < KEPT ? &kept[i] : NULL;
}

bool aio_signal_take(struct aio_signal *ret_signal)
{
	struct kept *one = find();

	if (!one) {
		*ret_signal = (struct aio_signal){ .fd = make(), .kept = -1 };
		return ret_signal->fd >= 0;
	}
	int number = (int)(one - kept);
	if ((number == (int)used || !is_ours(one->signal.fd)) && !make_kept(one, number))
		return false;
	used += number == (int)used;
	one->in_use = true;
	*ret_signal = one->signal;
	return true;
}

void aio_signal_give_back(const struct aio_signal *signal)
{
	if (signal->kept >= 0) {
		kept[signal->kept].signal.full = signal->full;
		kept[signal->kept].in_use = false;
	} else if (is_ours(signal->fd)) {
		real_close(signal->fd);
	}
}

/* A number that is another file's by now is left alone. */
static void fire_by_call(int fd, bool full)
{
	uint64_t value = UINT64_MAX - 1;

	if (!is_ours(fd))
		return;
	ssize_t done = full ? read(fd, &value, sizeof(value)) : write(fd, &value, sizeof(value));
	(void)done; /* nobody else reads or writes it */
}

static bool goes_with(struct flight *flight, const struct aio_signal *signal)
{
	if (!flight || signal->kept < 0)
		return false;
	unsigned number = (unsigned)signal->kept, made = kept[number].made;
	return flight_has_signal(flight, number, made) ||
	       (is_ours(signal->fd) && flight_add_signal(flight, number, made, signal->fd));
}

bool aio_signal_fire(struct aio_signal *signal, struct flight *flight, struct work *work)
{
	bool full = signal->full, later = goes_with(flight, signal);

	signal->full = !full;
	if (later)
		flight_signal(flight, work, (unsigned)signal->kept, full);
	else
		fire_by_call(signal->fd, full);
	return !later;
}

void aio_signal_fire_again(const struct aio_signal *signal)
{
	fire_by_call(signal->fd, !signal->full);
}

RACY void aio_signal_after_fork(void)
{
	for (unsigned i = 0; i < used; i++) {
		if (is_ours(kept[i].signal.fd))
			real_close(kept[i].signal.fd);
		kept[i].in_use = false;
	}
	used = 0;
}
