/* SPDX-License-Identifier: MIT */
/* A full table keeps no more: then each write is done while its caller waits. */
#include "kept.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

enum { MAX_KEPT = 64, FIRST_NUMBER = 512 /* programs that count descriptors start at 0 */ };

static struct kept {
	int fd;
	dev_t number;
	struct identity identity;
} kept[MAX_KEPT];
static unsigned count;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

bool kept_is_of(int fd, const struct device *device)
{
	struct device now;

	return device_of_fd(fd, &now) == 0 && now.number == device->number &&
	       identity_equal(&now.identity, &device->identity) &&
	       (fcntl(fd, F_GETFL) & O_ACCMODE) != O_RDONLY;
}

int kept_duplicate(int fd)
{
	int own = fcntl(fd, F_DUPFD_CLOEXEC, FIRST_NUMBER);

	if (own < 0 && errno == EINVAL) /* RLIMIT_NOFILE is lower */
		own = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	return own < 0 ? -errno : own;
}

static struct kept *find(const struct device *device)
{
	for (unsigned i = 0; i < count; i++) {
		if (kept[i].number == device->number &&
		    identity_equal(&kept[i].identity, &device->identity))
			return &kept[i];
	}
	return NULL;
}

/* A number that is ours no more is somebody else's: it is not to be closed. */
static int find_or_add(int fd, const struct device *device)
{
	struct kept *known = find(device);

	if (known && kept_is_of(known->fd, device))
		return known->fd;
	if (!known && count == MAX_KEPT)
		return -EMFILE;
	int own = kept_duplicate(fd);
	if (own < 0)
		return own;
	known = known ? known : &kept[count++];
	*known = (struct kept){ own, device->number, device->identity };
	return own;
}

int kept_get(int fd, const struct device *device)
{
	pthread_mutex_lock(&lock);
	int own = find_or_add(fd, device);
	pthread_mutex_unlock(&lock);
	return own;
}

void kept_after_fork(void)
{
	lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
}
