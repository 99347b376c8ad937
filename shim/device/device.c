/* SPDX-License-Identifier: MIT */
/*
 * Asks disks what they promise, and stores their answers in slots. Start reading at
 * device_of_hold().
 *
 * A sequence count guards each slot, and is odd while a thread writes it. A reader that meets an
 * odd or a changed count reads again; after PATIENCE tries it asks the disk itself. A thread that
 * cannot write at once uses its own answer and leaves the slot as it is.
 */
#include "device/device.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "base/config.h"
#include "base/guard.h"
#include "base/racy.h"
#include "base/real.h"
#include "base/sysfs.h"
#include "device/decision.h"
#include "device/hold.h"
#include "device/path.h"
#include "device/scsi.h"
#include "untorn_uapi.h"

enum { MAX_SLOTS = 64, DMA_MASK_DEFAULT = 3, PATIENCE = 100 };

struct slot {
	_Atomic unsigned sequence;
	_Atomic bool asking;
	_Atomic uint64_t told; /* device.told; 0: nothing is known */
	_Atomic uint64_t number;
	struct device device;
};

static struct slot slots[MAX_SLOTS];

static int read_u32(dev_t number, const char *name, uint32_t *ret_value)
{
	uint64_t value;

	int error = sysfs_disk_number(number, name, &value);
	if (!error)
		*ret_value = value > UINT32_MAX ? UINT32_MAX : (uint32_t)value;
	return error;
}

/* Reads "none", "host-aware" or "host-managed". If that fails, the disk counts as zoned. */
static int read_zoned(dev_t number, bool *ret_zoned)
{
	char model[16];
	int error = sysfs_disk_text(number, "queue/zoned", model, sizeof(model));

	*ret_zoned = error || strcmp(model, "none") != 0;
	return error;
}

/* Reads what the driver told blk_queue_write_cache(). The kernel passes REQ_FUA only to a disk that
 * supports it and has a volatile cache. */
static int read_durable(dev_t number, enum durable *ret_durable)
{
	char cache[16];
	uint32_t fua = 1;

	int error = sysfs_disk_text(number, "queue/write_cache", cache, sizeof(cache));
	if (!error)
		error = read_u32(number, "queue/fua", &fua);
	if (!error && strcmp(cache, "write back") != 0)
		*ret_durable = DURABLE_ANYWAY;
	else
		*ret_durable = fua ? DURABLE_BY_FUA : DURABLE_BY_FLUSH;
	return error;
}

/* Keeps the first error that counts. An attribute that this kernel lacks stays at its default; any
 * other error, such as EMFILE, is temporary. */
static void note(int error, int *first)
{
	if (error && error != -ENOENT && !*first)
		*first = error;
}

/* Every kernel has logical_block_size: its absence is an error too. */
static int read_queue(dev_t number, struct queue *ret_queue)
{
	struct queue queue = { 0 };
	uint32_t max_hw_kb = 0, chunk = 0;

	int first = read_u32(number, "queue/logical_block_size", &queue.block);
	queue.dma_mask = DMA_MASK_DEFAULT;
	note(read_zoned(number, &queue.zoned), &first);
	note(read_durable(number, &queue.durable), &first);
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

/* Chooses by the subsystem of the disk's parent in /sys. Device mapper, md and loop devices have no
 * parent and get NULL. */
static int choose_transport(dev_t number, const struct transport **ret_transport)
{
	char subsystem[32];

	*ret_transport = NULL;
	int error = sysfs_disk_link(number, "device/subsystem", subsystem, sizeof(subsystem));
	if (error)
		return error == -ENOENT ? 0 : error;
	if (strcmp(subsystem, "nvme") == 0 || strcmp(subsystem, "nvme-subsystem") == 0)
		*ret_transport = &transport_nvme;
	else if (strcmp(subsystem, "scsi") == 0)
		*ret_transport = &transport_scsi;
	return 0;
}

/* If the kernel does not answer, *native stays as it is. */
static void read_native(int fd, struct limits *native)
{
	struct statx stx;

	if (fd < 0 || real_statx(fd, "", AT_EMPTY_PATH, STATX_WRITE_ATOMIC, &stx) < 0)
		return;
	*native = (struct limits){ 0 };
	if (!(stx.stx_mask & STATX_WRITE_ATOMIC))
		return;
	native->unit_min = untorn_statx_atomic(&stx)->unit_min;
	native->unit_max = untorn_statx_atomic(&stx)->unit_max;
}

static struct limits derive_limits(const struct device *device)
{
	if (!device->transport)
		return limits_refused(REFUSAL_NOT_A_DISK);
	if (device->error)
		return limits_refused(REFUSAL_IDENTIFY);
	struct limits limits = device->disk.limits;
	if (!limits.refusal &&
	    (device->disk.block != device->block || device->disk.block != device->queue.block))
		return limits_refused(REFUSAL_GARBAGE);
	if (device->decision.rules == RULES_LINUX)
		limits.most = 0;
	limits = limits_cap(limits, &device->queue, (uint32_t)sysconf(_SC_PAGESIZE));
	return limits_of_partition(limits, device->identity.start);
}

/* Reads from /sys and the kernel: identity, block size, transport and queue. */
static int read_place(int fd, struct device *device)
{
	int error = identity_read(fd, device->number, &device->identity);
	if (!error)
		error = identity_block(fd, device->number, &device->block);
	if (!error)
		error = choose_transport(device->number, &device->transport);
	if (!error)
		device->error = read_queue(device->number, &device->queue);
	return error;
}

/* Takes identity, queue, decision and transport from the last answer: a disk that is held has not
 * moved. The kernel still tells the block size without /sys. */
static int keep_place(int fd, const struct device *known, struct device *device)
{
	device->identity = known->identity;
	device->queue = known->queue;
	device->decision = known->decision;
	device->transport = known->transport;
	device->error = 0;
	return identity_block(fd, device->number, &device->block);
}

int device_derive(int fd, dev_t number, const struct device *known, struct device *ret_device)
{
	struct device device = { .number = number };

	int error = read_place(fd, &device);
	if (!error && !device.error && device.transport)
		device.error = decision_of(number, &device.decision, NULL);
	if (known && (error || device.error))
		error = keep_place(fd, known, &device);
	if (error)
		return error;
	if (device.transport && !device.error)
		device.error = device.transport->identify(fd, number, device.decision.nvme_policy,
							  &device.disk);
	if (known)
		device.native = known->native;
	read_native(fd, &device.native);
	device.limits = derive_limits(&device);
	*ret_device = device;
	return 0;
}

static bool is_same_disk(const struct disk *a, const struct disk *b)
{
	return a->block == b->block && a->nsid == b->nsid && a->protected == b->protected &&
	       a->boundary == b->boundary && a->published == b->published &&
	       strcmp(a->generic.node, b->generic.node) == 0;
}

static bool are_same_limits(const struct limits *a, const struct limits *b)
{
	return a->unit_min == b->unit_min && a->unit_max == b->unit_max && a->max == b->max &&
	       a->boundary == b->boundary && a->most == b->most &&
	       a->granularity == b->granularity && a->alignment == b->alignment &&
	       a->refusal == b->refusal;
}

bool device_is_same(const struct device *a, const struct device *b)
{
	return identity_equal(&a->identity, &b->identity) && a->block == b->block &&
	       a->queue.physical == b->queue.physical && a->queue.dma_mask == b->queue.dma_mask &&
	       a->queue.durable == b->queue.durable && a->transport == b->transport &&
	       a->error == b->error && is_same_disk(&a->disk, &b->disk) &&
	       are_same_limits(&a->limits, &b->limits) && are_same_limits(&a->native, &b->native);
}

bool device_may_be_disk(dev_t number)
{
	const struct transport *transport;

	return choose_transport(number, &transport) != 0 || transport;
}

static struct slot *find(dev_t number)
{
	for (int i = 0; i < MAX_SLOTS; i++) {
		if (atomic_load_explicit(&slots[i].number, memory_order_relaxed) == number)
			return &slots[i];
	}
	return NULL;
}

RACY static bool read_slot_once(struct slot *slot, struct device *ret_device)
{
	unsigned before = atomic_load_explicit(&slot->sequence, memory_order_acquire);

	*ret_device = slot->device;
	atomic_thread_fence(memory_order_acquire);
	return !(before & 1) &&
	       atomic_load_explicit(&slot->sequence, memory_order_relaxed) == before;
}

/* Writing takes a moment only; but in a child of _Fork() a copied slot may stay half written. So
 * the tries are limited. */
static bool read_slot(struct slot *slot, struct device *ret_device)
{
	for (int i = 0; i < PATIENCE; i++) {
		if (read_slot_once(slot, ret_device))
			return true;
		sched_yield();
	}
	return false;
}

/* Returns a free slot, else the one with the oldest answer. */
static struct slot *choose_slot(void)
{
	struct slot *oldest = slots;

	for (int i = 0; i < MAX_SLOTS && atomic_load(&oldest->number); i++) {
		if (!atomic_load(&slots[i].number) ||
		    atomic_load(&slots[i].told) < atomic_load(&oldest->told))
			oldest = &slots[i];
	}
	return oldest;
}

RACY static void write_slot(const struct device *device)
{
	struct slot *slot = find(device->number);

	slot = slot ? slot : choose_slot();
	unsigned before = atomic_load(&slot->sequence);
	if ((before & 1) || !atomic_compare_exchange_strong(&slot->sequence, &before, before + 1))
		return;
	atomic_thread_fence(memory_order_release);
	atomic_store(&slot->number, device->number);
	atomic_store(&slot->told, device->told);
	slot->device = *device;
	atomic_store_explicit(&slot->sequence, before + 2, memory_order_release);
}

/* A slot that another thread of the parent was writing at the fork stays half written: empty it. */
RACY void device_after_fork(void)
{
	for (int i = 0; i < MAX_SLOTS; i++) {
		struct slot *slot = &slots[i];
		atomic_store(&slot->asking, false);
		if (atomic_load(&slot->sequence) & 1) {
			atomic_store(&slot->number, 0);
			atomic_store(&slot->told, 0);
			atomic_fetch_add(&slot->sequence, 1);
		}
	}
}

void device_expire(dev_t number)
{
	struct slot *slot = find(number);

	if (slot)
		atomic_store(&slot->told, 0);
}

uint64_t device_recall(dev_t number, struct device *ret_device)
{
	struct slot *slot = number ? find(number) : NULL;
	uint64_t told = slot ? atomic_load_explicit(&slot->told, memory_order_relaxed) : 0;

	if (!told || !read_slot(slot, ret_device) || ret_device->number != number)
		return UINT64_MAX;
	return real_now() - told;
}

static bool may_not_ask(const struct device *device)
{
	return device->error == -EACCES || device->error == -EPERM ||
	       device->disk.limits.refusal == REFUSAL_PRIVILEGE;
}

/* Only complete answers are kept: one caller's missing permission must not become another one's
 * answer, nor this one's after it has got that permission. */
static bool is_told_in_full(const struct device *device)
{
	return !device->error && device->disk.limits.refusal != REFUSAL_PRIVILEGE;
}

/* A process that may no longer identify the disk (it dropped root) keeps using the last answer. One
 * that root published serves only if it is the newer one. */
static bool is_better(const struct device *known, const struct device *now)
{
	return may_not_ask(now) || (now->disk.published && now->disk.asked < known->disk.asked);
}

/* Asks the disk and stores the answer in its slot. held: fd is a hold's. known: the last answer
 * about this very disk, or NULL. */
static int ask(int fd, dev_t number, bool held, const struct device *known,
	       struct device *ret_device)
{
	uint64_t told = real_now();
	struct device now;

	GUARDED;
	int error = device_derive(fd, number, held ? known : NULL, &now);
	if (error)
		return error;
	now.held = held;
	if (known && identity_equal(&known->identity, &now.identity) && is_better(known, &now)) {
		now = *known;
		now.held |= held;
	}
	now.told = told;
	if (is_told_in_full(&now))
		write_slot(&now);
	*ret_device = now;
	return 0;
}

/* The first thread that finds the answer a second old asks; the others use it until it is two. */
static bool is_to_ask(struct slot *slot)
{
	return slot && !atomic_exchange(&slot->asking, true);
}

/* While no path leads to the disk, a write waits for one. */
static int ask_hold(const struct hold *hold, const struct device *known, struct device *ret_device)
{
	unsigned waits = 0;
	int error;

	do
		error = ask(hold->fd, hold->node.number, true, known, ret_device);
	while (!error && ret_device->error == -EAGAIN && !(error = path_await(hold->fd, waits++)));
	return error;
}

static bool is_told(const struct hold *hold, struct device *device)
{
	return device_recall(hold->node.number, device) < DEVICE_OLD && device->held &&
	       identity_equal(&device->identity, &hold->identity);
}

/* Returns the result of a write whose disk does not answer. 0: the disk has never answered, and its
 * limits say that it promises nothing. */
static int no_answer(int error, bool has_answered)
{
	if (error == -ENODEV || error == -ENXIO)
		return -ENODEV;
	return has_answered ? -EIO : 0;
}

static int find_out(const struct hold *hold, struct device *device)
{
	uint64_t age = device_recall(hold->node.number, device);
	bool is_it = age != UINT64_MAX && identity_equal(&device->identity, &hold->identity);
	bool serves = is_it && device->held && age < DEVICE_OLD;
	struct device now;

	if (serves && age < DEVICE_AGAIN)
		return 0;
	struct slot *slot = find(hold->node.number);
	if (serves && !is_to_ask(slot))
		return 0;
	int error = ask_hold(hold, is_it ? device : NULL, &now);
	if (slot)
		atomic_store(&slot->asking, false);
	if (!error && now.error && !may_not_ask(&now))
		error = no_answer(now.error, is_it && device->held);
	if (error && is_told(hold, device)) /* still young enough, or another thread got one */
		return 0;
	if (error)
		return error;
	*device = now;
	return identity_equal(&now.identity, &hold->identity) ? 0 : -ESTALE;
}

int device_of_hold(struct hold *hold, struct device *ret_device)
{
	int error = find_out(hold, ret_device);

	if (!error && is_told_in_full(ret_device))
		hold_tell(hold, ret_device);
	return error;
}

int device_get(int fd, dev_t number, struct device *ret_device)
{
	struct identity identity;
	struct device known;
	uint32_t block;

	int error = identity_read(fd, number, &identity);
	if (!error)
		error = identity_block(fd, number, &block);
	if (error)
		return error;
	uint64_t age = device_recall(number, &known);
	bool is_it = age != UINT64_MAX && identity_equal(&known.identity, &identity) &&
		     known.block == block;
	if (!is_it || age >= DEVICE_AGAIN)
		return ask(fd, number, false, is_it ? &known : NULL, ret_device);
	*ret_device = known;
	return 0;
}
