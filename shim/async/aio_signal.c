/* SPDX-License-Identifier: MIT */
/* Start reading at aio_signal_take(). The lock of aio_table.c guards all of this. */
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

/* We set it with F_SETSIG on our eventfds, where it has no effect, and know them by it. */
enum { MARK = 57 };

static struct kept {
	struct aio_signal signal; /* fd -1: none yet */
	unsigned made;            /* how often */
} kept[KEPT];
static int vacant[KEPT], vacant_count; /* those that are not in use; the last is taken first */
static bool begun;

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

static bool make_kept(struct kept *one)
{
	one->signal = (struct aio_signal){ .fd = make(), .kept = (int)(one - kept) };
	one->made++;
	return one->signal.fd >= 0;
}

static void begin(void)
{
	for (int i = 0; i < KEPT; i++) {
		kept[i].signal.fd = -1;
		vacant[i] = KEPT - 1 - i;
	}
	vacant_count = KEPT;
	begun = true;
}

static void prove_all(void)
{
	for (int i = 0; i < KEPT; i++) {
		if (kept[i].signal.fd >= 0 && !is_ours(kept[i].signal.fd))
			kept[i].signal.fd = -1;
	}
}

static bool take_kept(bool prove, struct aio_signal *ret_signal)
{
	struct kept *one = &kept[vacant[vacant_count - 1]];

	if (prove && one->signal.fd >= 0 && !is_ours(one->signal.fd))
		prove_all();
	if (one->signal.fd < 0 && !make_kept(one))
		return false;
	vacant_count--;
	*ret_signal = one->signal;
	return true;
}

bool aio_signal_take(bool prove, struct aio_signal *ret_signal)
{
	if (!begun)
		begin();
	if (vacant_count)
		return take_kept(prove, ret_signal);
	*ret_signal = (struct aio_signal){ .fd = make(), .kept = -1 };
	return ret_signal->fd >= 0;
}

void aio_signal_forget(unsigned first, unsigned last)
{
	for (int i = 0; begun && i < KEPT; i++) {
		unsigned fd = (unsigned)kept[i].signal.fd;
		if (fd >= first && fd <= last)
			kept[i].signal.fd = -1;
	}
}

void aio_signal_give_back(const struct aio_signal *signal)
{
	if (signal->kept >= 0) {
		kept[signal->kept].signal.full = signal->full;
		vacant[vacant_count++] = signal->kept;
	} else if (is_ours(signal->fd)) {
		real_close(signal->fd);
	}
}

/* Does nothing if the number is another file's by now. */
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
	for (int i = 0; begun && i < KEPT; i++) {
		if (kept[i].signal.fd >= 0 && is_ours(kept[i].signal.fd))
			real_close(kept[i].signal.fd);
	}
	begun = false;
}
