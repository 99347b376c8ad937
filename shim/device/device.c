/* SPDX-License-Identifier: MIT */
/*
 * A fixed table of entries, searched newest first; entries are published by storing the count, so
 * that readers need no lock. No heap: the doors may be called where malloc must not be.
 *
 * Adding holds a lock with all signals blocked, so that a handler which calls a door cannot find
 * its own thread holding it. A vforked child, which shares our memory but not our process, only
 * reads.
 *
 * A format or new firmware changes what a disk promises, but does not make it another disk, and
 * the kernels that need us tell nobody. So a disk that is written to is asked again each second:
 * by one thread, while the others go on.
 */
#include "device/device.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/guard.h"
#include "device/identify.h"
#include "base/real.h"
#include "device/scsi.h"
#include "base/sysfs.h"
#include "untorn_uapi.h"

enum { MAX_DEVICES = 256, DMA_MASK_DEFAULT = 3 };

struct entry {
	struct device device;
	_Atomic time_t asked; /* in this second of CLOCK_MONOTONIC */
};

static struct entry entries[MAX_DEVICES];
static _Atomic unsigned count;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static _Atomic pid_t owner; /* the process that this memory belongs to */

static int read_u32(dev_t number, const char *name, uint32_t *ret_value)
{
	uint64_t value;

	int error = sysfs_disk_number(number, name, &value);
	if (!error)
		*ret_value = value > UINT32_MAX ? UINT32_MAX : (uint32_t)value;
	return error;
}

/* "none", "host-aware" or "host-managed"; what cannot be read is not trusted. */
static int read_zoned(dev_t number, bool *ret_zoned)
{
	char model[16];
	int error = sysfs_disk_text(number, "queue/zoned", model, sizeof(model));

	*ret_zoned = error || strcmp(model, "none") != 0;
	return error;
}

/* What this kernel lacks stays at its default; anything else, as EMFILE, is of the moment. */
static void note(int error, int *first)
{
	if (error && error != -ENOENT && !*first)
		*first = error;
}

static int read_queue(dev_t number, struct queue *ret_queue)
{
	struct queue queue = { 0 };
	uint32_t max_hw_kb = 0, chunk = 0;
	int first = 0;

	queue.dma_mask = DMA_MASK_DEFAULT;
	note(read_zoned(number, &queue.zoned), &first);
	note(read_u32(number, "queue/logical_block_size", &queue.block), &first);
	note(read_u32(number, "queue/physical_block_size", &queue.physical), &first);
	note(read_u32(number, "queue/max_hw_sectors_kb", &max_hw_kb), &first);
	note(read_u32(number, "queue/max_segments", &queue.segments), &first);
	note(read_u32(number, "queue/chunk_sectors", &chunk), &first);
	note(read_u32(number, "queue/dma_alignment", &queue.dma_mask), &first);
	queue.max_hw = (uint64_t)max_hw_kb * 1024;
	queue.chunk = chunk > UINT32_MAX / 512 ? UINT32_MAX : chunk * 512;
	*ret_queue = queue;
	return first;
}

/* By the disk's parent in /sys, which device mapper, md and loop devices do not have. */
static const struct transport *choose_transport(dev_t number)
{
	char subsystem[32];

	if (sysfs_disk_link(number, "device/subsystem", subsystem, sizeof(subsystem)) < 0)
		return NULL;
	if (strcmp(subsystem, "nvme") == 0 || strcmp(subsystem, "nvme-subsystem") == 0)
		return &transport_nvme;
	return strcmp(subsystem, "scsi") == 0 ? &transport_scsi : NULL;
}

static struct limits read_native(int fd)
{
	struct limits native = { 0 };
	struct statx stx;

	if (fd < 0 || real_statx(fd, "", AT_EMPTY_PATH, STATX_WRITE_ATOMIC, &stx) < 0 ||
	    !(stx.stx_mask & STATX_WRITE_ATOMIC))
		return native;
	native.unit_min = untorn_statx_atomic(&stx)->unit_min;
	native.unit_max = untorn_statx_atomic(&stx)->unit_max;
	return native;
}

static struct limits derive_limits(const struct device *device)
{
	if (!device->transport)
		return limits_refused(REFUSAL_NOT_A_DISK);
	if (device->error)
		return limits_refused(REFUSAL_IDENTIFY);
	struct limits limits = device->disk.limits;
	if (!limits.refusal && (device->disk.block != device->identity.block ||
				device->disk.block != device->queue.block))
		return limits_refused(REFUSAL_GARBAGE);
	limits = limits_cap(limits, &device->queue, (uint32_t)sysconf(_SC_PAGESIZE));
	return limits_of_partition(limits, device->identity.start);
}

int device_derive(int fd, dev_t number, struct device *ret_device)
{
	struct device device = { .number = number };

	int error = identity_read(fd, number, NULL, &device.identity);
	if (error)
		return error;
	device.transport = choose_transport(number);
	device.error = read_queue(number, &device.queue);
	if (device.transport && !device.error)
		device.error = device.transport->identify(fd, number, &device.disk);
	device.native = read_native(fd);
	device.limits = derive_limits(&device);
	*ret_device = device;
	return 0;
}

static struct entry *newest(dev_t number, unsigned used)
{
	while (used-- > 0) {
		if (entries[used].device.number == number)
			return &entries[used];
	}
	return NULL;
}

/* What we know, if it is still true. */
static struct entry *find(int fd, dev_t number)
{
	unsigned used = atomic_load_explicit(&count, memory_order_acquire);
	struct entry *known = newest(number, used);
	struct identity now;

	if (!known || identity_read(fd, number, &known->device.identity, &now) < 0)
		return NULL;
	while (known && !identity_equal(&known->device.identity, &now))
		known = newest(number, (unsigned)(known - entries));
	return known;
}

static time_t this_second(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	return now.tv_sec;
}

static bool is_fresh(struct entry *known)
{
	return atomic_load_explicit(&known->asked, memory_order_relaxed) == this_second();
}

/* True for one thread a second. */
static bool is_to_ask(struct entry *known)
{
	time_t now = this_second();

	return atomic_exchange_explicit(&known->asked, now, memory_order_relaxed) != now;
}

/* Only what a fd could tell in full is kept, so that nobody's missing permission becomes another
 * one's answer, nor this one's after it has got that permission. */
static bool is_told_in_full(const struct device *device)
{
	return !device->error && device->disk.limits.refusal != REFUSAL_PRIVILEGE;
}

/* In a full table nothing more is kept, only derived. */
static void keep(const struct device *device)
{
	unsigned used = atomic_load_explicit(&count, memory_order_relaxed);

	if (!is_told_in_full(device) || used == MAX_DEVICES)
		return;
	entries[used].device = *device;
	atomic_store_explicit(&entries[used].asked, this_second(), memory_order_relaxed);
	atomic_store_explicit(&count, used + 1, memory_order_release);
}

static bool is_same_disk(const struct disk *a, const struct disk *b)
{
	return a->block == b->block && a->nsid == b->nsid && a->protected == b->protected &&
	       a->boundary == b->boundary && strcmp(a->generic.node, b->generic.node) == 0;
}

static bool is_same_promise(const struct device *a, const struct device *b)
{
	return a->limits.unit_min == b->limits.unit_min &&
	       a->limits.unit_max == b->limits.unit_max && a->limits.max == b->limits.max &&
	       a->limits.boundary == b->limits.boundary && is_same_disk(&a->disk, &b->disk) &&
	       a->native.unit_min == b->native.unit_min && a->native.unit_max == b->native.unit_max;
}

/* Who may no longer ask, as a server that has given up root's rights, goes by what it was told. */
static void ask_again(int fd, const struct device *known, struct device *ret_device)
{
	struct device now;

	*ret_device = *known;
	if (device_derive(fd, known->number, &now) < 0 || !is_told_in_full(&now))
		return;
	if (!is_same_promise(known, &now))
		keep(&now);
	*ret_device = now;
}

static int derive_and_keep(int fd, dev_t number, struct device *ret_device)
{
	const struct entry *known = find(fd, number);
	int error = 0;

	if (known) /* another thread was faster */
		*ret_device = known->device;
	else
		error = device_derive(fd, number, ret_device);
	if (!known && !error && fd >= 0)
		keep(ret_device);
	return error;
}

static bool is_own_memory(void)
{
	pid_t self = getpid(), nobody = 0;

	return atomic_compare_exchange_strong(&owner, &nobody, self) || nobody == self;
}

int device_get(int fd, dev_t number, struct device *ret_device)
{
	struct entry *known = find(fd, number);
	int error = 0;

	if (known && (fd < 0 || is_fresh(known) || !is_own_memory() || !is_to_ask(known))) {
		*ret_device = known->device;
		return 0;
	}
	if (!is_own_memory())
		return -EAGAIN;
	GUARDED;
	pthread_mutex_lock(&lock);
	if (known)
		ask_again(fd, &known->device, ret_device);
	else
		error = derive_and_keep(fd, number, ret_device);
	pthread_mutex_unlock(&lock);
	return error;
}

int device_of_fd(int fd, struct device *ret_device)
{
	dev_t number;

	int error = identity_number(fd, &number);
	return error ? error : device_get(fd, number, ret_device);
}

__attribute__((no_sanitize("thread"))) void device_after_fork(void)
{
	identify_after_fork();
	scsi_after_fork();
	lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
	atomic_store(&owner, getpid());
}
