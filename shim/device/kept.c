/* SPDX-License-Identifier: MIT */
/* A full table keeps no more: then each write is done while its caller waits. */
#include "device/kept.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/guard.h"

enum { MAX_KEPT = 64, FIRST_NUMBER = 512 /* programs that count descriptors start at 0 */ };

static struct kept {
	_Atomic int fd; /* -1: it was closed */
	dev_t number;
	struct identity identity;
	bool has_node;
} kept[MAX_KEPT];
static _Atomic unsigned count;
static _Atomic pid_t owner; /* a child of vfork() closes its own descriptors, not our memory's */
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

static bool has_node(int fd, const struct device *device)
{
	const struct transport_queue *queue = device->transport->queue;

	AUTO_CLOSE int node = queue ? queue->open_node(&device->disk, fd, device->number) : -1;
	return node >= 0;
}

static int find_or_add(int fd, const struct device *device, struct kept **ret_kept)
{
	struct kept *known = find(device);

	*ret_kept = known;
	if (known && known->fd >= 0)
		return 0;
	if (!known && count == MAX_KEPT)
		return -EMFILE;
	int own = kept_duplicate(fd);
	if (own < 0)
		return own;
	*ret_kept = known = known ? known : &kept[count];
	known->number = device->number;
	known->identity = device->identity;
	known->has_node = has_node(own, device);
	known->fd = own;
	count += known == &kept[count];
	owner = getpid();
	return 0;
}

int kept_get(int fd, const struct device *device, bool *ret_has_node)
{
	struct kept *known;

	GUARDED;
	pthread_mutex_lock(&lock);
	int error = find_or_add(fd, device, &known);
	*ret_has_node = !error && known->has_node;
	int own = error ? error : known->fd;
	pthread_mutex_unlock(&lock);
	return own;
}

/* A number that is ours no more is somebody else's: it is not to be closed. */
void kept_before_close(unsigned first, unsigned last)
{
	for (unsigned i = 0; i < count; i++) {
		int fd = kept[i].fd;
		if (fd >= 0 && (unsigned)fd >= first && (unsigned)fd <= last && getpid() == owner)
			atomic_compare_exchange_strong(&kept[i].fd, &fd, -1);
	}
}

void kept_after_fork(void)
{
	owner = getpid();
	lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
}
