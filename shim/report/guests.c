/* SPDX-License-Identifier: MIT */
/*
 * Guests, for reporter.c. Only the reporter's main thread runs this code, without a lock. It reads
 * guests with pread() and never maps them. When MOST are kept, it adds up and closes those that no
 * process maps any more: the kernel seals a file against writing only if nobody has it mapped for
 * writing.
 */
#include "report/guests.h"

#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/counters_share.h"

enum { MOST = 256 };

static int guests[MOST];
static unsigned count, lost;
static struct counters past;

static void add(struct counters *sum, int fd)
{
	static struct counters part;

	if (pread(fd, &part, sizeof(part), 0) == (ssize_t)sizeof(part) &&
	    counters_are_ours(&part, sizeof(part)))
		counters_sum(sum, &part);
}

static void add_ended(void)
{
	unsigned left = 0;

	for (unsigned i = 0; i < count; i++) {
		if (fcntl(guests[i], F_ADD_SEALS, F_SEAL_WRITE) < 0) {
			guests[left++] = guests[i];
			continue;
		}
		add(&past, guests[i]);
		close(guests[i]);
	}
	count = left;
}

/* Takes only descriptors with seals, which only memory has: reading from it never blocks. */
static void keep(int fd)
{
	int seals = fcntl(fd, F_GET_SEALS);

	if (count == MOST)
		add_ended();
	if (seals >= 0 && (seals & F_SEAL_SHRINK) && count < MOST) {
		guests[count++] = fd;
		return;
	}
	lost++;
	close(fd);
}

/* Returns the descriptor that came with the message, or -1. */
static int descriptor_of(struct msghdr *message)
{
	const struct cmsghdr *header = CMSG_FIRSTHDR(message);
	int fd = -1;

	if (header && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS)
		memcpy(&fd, CMSG_DATA(header), sizeof(fd));
	return fd;
}

static bool take(int socket, const char *secret)
{
	char said[COUNTERS_SECRET_HALF];
	union {
		char space[CMSG_SPACE(sizeof(int))];
		struct cmsghdr header;
	} control;
	struct iovec iov = { said, sizeof(said) };
	struct msghdr message = { .msg_iov = &iov,
				  .msg_iovlen = 1,
				  .msg_control = &control,
				  .msg_controllen = sizeof(control) };

	ssize_t length = recvmsg(socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	int fd = length >= 0 ? descriptor_of(&message) : -1;
	bool is_right = length == (ssize_t)sizeof(said) &&
			memcmp(said, secret + COUNTERS_SECRET_HALF, sizeof(said)) == 0;
	if (fd >= 0 && is_right)
		keep(fd);
	else if (fd >= 0)
		close(fd);
	return length >= 0;
}

void guests_take(int socket, const char *secret)
{
	while (socket >= 0 && take(socket, secret))
		;
}

unsigned guests_end(struct counters *sum)
{
	counters_sum(sum, &past);
	for (unsigned i = 0; i < count; i++)
		add(sum, guests[i]);
	return lost;
}
