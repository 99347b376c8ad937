/* SPDX-License-Identifier: MIT */
/*
 * A SCSI disk with atomic writes, served to the running kernel through its TCM user-space backend
 * (Documentation/target/tcmu-design.rst), for kernels whose own scsi_debug knows no WRITE ATOMIC:
 *
 *	scsi_target [OPTION=VALUE]... /dev/uioN
 *
 * block=512 exponent=0 max=32 align=0 gran=0 max_bndry=0 bndry=0   as in READ CAPACITY (16) and VPD
 *                   page B0h, in logical blocks
 * pause=0           microseconds between the blocks of a plain write, so that a reader sees it half
 *                   done; a lock keeps readers out while an atomic write is stored
 * log=FILE          a line for each write
 * fault=N:KK/AA/QQ  the N-th WRITE ATOMIC (16) ends with this sense key, code and qualifier (hex)
 * fault=N:status=HH or with this status
 * fault=N:hold=MS   or is done after so many milliseconds
 */
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

/* The kernel's header defines its own struct iovec, which differs only in the type's name. */
#define iovec kernel_iovec
#include <linux/target_core_user.h>
#undef iovec

enum { WORKERS = 4, QUEUE = 256, VECTORS = 512, FAULTS = 8, SIZE = 64 << 20 };
enum { GOOD = 0x00, CHECK_CONDITION = 0x02 };

static struct {
	unsigned block, exponent, max, align, gran, max_bndry, bndry, pause, no_fua;
	struct {
		unsigned number, status, sense, hold;
	} faults[FAULTS];
	unsigned fault_count;
	FILE *log;
} disk = { .block = 512, .max = 32 };

/* One command, copied out of the ring. */
struct task {
	uint16_t id;
	uint8_t cdb[16];
	struct iovec iov[VECTORS];
	unsigned iov_count;
	uint8_t status, sense[18];
};

static struct tcmu_mailbox *mailbox;
static int uio;
static char store[SIZE];
static pthread_rwlock_t store_lock = PTHREAD_RWLOCK_INITIALIZER;
static pthread_mutex_t ring_lock = PTHREAD_MUTEX_INITIALIZER, log_lock = PTHREAD_MUTEX_INITIALIZER;

static struct {
	struct task *tasks[QUEUE];
	unsigned first, last;
	pthread_mutex_t lock;
	pthread_cond_t filled;
} queue = { .lock = PTHREAD_MUTEX_INITIALIZER, .filled = PTHREAD_COND_INITIALIZER };

static uint64_t be(const uint8_t *bytes, unsigned size)
{
	uint64_t value = 0;

	while (size--)
		value = value << 8 | *bytes++;
	return value;
}

static void put(uint8_t *bytes, unsigned size, uint64_t value)
{
	for (; size-- > 0; value >>= 8)
		bytes[size] = (uint8_t)value;
}

/* KKAAQQ; fixed format, SPC-4. */
static void fail(struct task *task, unsigned sense)
{
	task->status = CHECK_CONDITION;
	task->sense[0] = 0x70;
	task->sense[2] = sense >> 16 & 0xf;
	task->sense[7] = 10;
	task->sense[12] = sense >> 8 & 0xff;
	task->sense[13] = sense & 0xff;
}

/* Copies between the command's data, from byte `skip` on, and a flat buffer. */
static void move(const struct task *task, size_t skip, char *flat, size_t size, bool out)
{
	for (unsigned i = 0; i < task->iov_count && size; i++) {
		size_t length = task->iov[i].iov_len;
		if (skip >= length) {
			skip -= length;
			continue;
		}
		size_t part = length - skip < size ? length - skip : size;
		char *data = (char *)task->iov[i].iov_base + skip;
		if (out)
			memcpy(flat, data, part);
		else
			memcpy(data, flat, part);
		flat += part;
		size -= part;
		skip = 0;
	}
}

static void answer(struct task *task, const uint8_t *data, size_t size, size_t allocated)
{
	move(task, 0, (char *)(uintptr_t)data, size < allocated ? size : allocated, false);
}

/* SPC-4: standard INQUIRY data; vital product data pages. */
static void inquiry(struct task *task)
{
	static const uint8_t standard[] = "\0\0\x06\x12\x1f\0\0\x02UNTORN  TEST TARGET     0001";
	static const uint8_t pages[] = { 0, 0x00, 0, 6, 0x00, 0x80, 0x83, 0xb0, 0xb1, 0xb2 };
	static const uint8_t serial[] = { 0, 0x80, 0, 4, 'u', 't', '0', '1' };
	static const uint8_t names[] = { 0,    0x83, 0,    12,   1,   3,   0,   8,
					 0x60, 0x01, 0x40, 0x50, 'u', 't', '0', '1' };
	uint8_t limits[64] = { 0, 0xb0, 0, 60 }, other[64] = { 0, task->cdb[2], 0, 60 };
	size_t allocated = be(task->cdb + 3, 2);

	put(limits + 44, 4, disk.max);
	put(limits + 48, 4, disk.align);
	put(limits + 52, 4, disk.gran);
	put(limits + 56, 4, disk.max_bndry);
	put(limits + 60, 4, disk.bndry);
	if (!(task->cdb[1] & 1))
		answer(task, standard, sizeof(standard) - 1, allocated);
	else if (task->cdb[2] == 0x00)
		answer(task, pages, sizeof(pages), allocated);
	else if (task->cdb[2] == 0x80)
		answer(task, serial, sizeof(serial), allocated);
	else if (task->cdb[2] == 0x83)
		answer(task, names, sizeof(names), allocated);
	else if (task->cdb[2] == 0xb0)
		answer(task, limits, sizeof(limits), allocated);
	else if (task->cdb[2] == 0xb1 || task->cdb[2] == 0xb2)
		answer(task, other, sizeof(other), allocated);
	else
		fail(task, 0x052400);
}

static void read_capacity(struct task *task, bool is_16)
{
	uint64_t last = SIZE / disk.block - 1;
	uint8_t data[32] = { 0 };

	put(data, is_16 ? 8 : 4, last);
	put(data + (is_16 ? 8 : 4), 4, disk.block);
	data[13] = (uint8_t)disk.exponent;
	answer(task, data, is_16 ? 32 : 8, is_16 ? be(task->cdb + 10, 4) : 8);
}

/* The caching mode page reports a volatile cache (WCE). The header reports FUA (DPOFUA) or not. */
static void mode_sense(struct task *task, bool is_10)
{
	uint8_t data[28] = { 0 }, *page = data + (is_10 ? 8 : 4);

	page[0] = 0x08;
	page[1] = 0x12;
	page[2] = 0x04;
	size_t size = (size_t)(page - data) + 20;
	put(data, is_10 ? 2 : 1, size - (is_10 ? 2 : 1));
	data[is_10 ? 3 : 2] = disk.no_fua ? 0 : 0x10;
	answer(task, data, size, is_10 ? be(task->cdb + 7, 2) : task->cdb[4]);
}

/* Finds the offset of the command's blocks. If they do not exist: sets a sense, returns false. */
static bool range_of(struct task *task, uint64_t lba, uint64_t blocks, uint64_t *ret_offset)
{
	if (lba > SIZE / disk.block || blocks > SIZE / disk.block - lba) {
		fail(task, 0x052100);
		return false;
	}
	*ret_offset = lba * disk.block;
	return true;
}

static void read_blocks(struct task *task, uint64_t lba, uint64_t blocks)
{
	uint64_t offset;

	if (!range_of(task, lba, blocks, &offset))
		return;
	pthread_rwlock_rdlock(&store_lock);
	move(task, 0, store + offset, blocks * disk.block, false);
	pthread_rwlock_unlock(&store_lock);
}

static void note(const struct task *task, uint64_t lba, uint64_t blocks, unsigned boundary)
{
	if (!disk.log)
		return;
	pthread_mutex_lock(&log_lock);
	fprintf(disk.log, "opcode=%02x lba=%llu blocks=%llu boundary=%u fua=%d\n", task->cdb[0],
		(unsigned long long)lba, (unsigned long long)blocks, boundary,
		!!(task->cdb[1] & 8));
	fflush(disk.log);
	pthread_mutex_unlock(&log_lock);
}

static void store_piece(const struct task *task, size_t skip, uint64_t offset, size_t size)
{
	pthread_rwlock_wrlock(&store_lock);
	move(task, skip, store + offset, size, true);
	pthread_rwlock_unlock(&store_lock);
}

static void write_blocks(struct task *task, uint64_t lba, uint64_t blocks)
{
	uint64_t offset;

	note(task, lba, blocks, 0);
	if (!range_of(task, lba, blocks, &offset))
		return;
	for (uint64_t i = 0; i < blocks; i++) {
		store_piece(task, i * disk.block, offset + i * disk.block, disk.block);
		if (disk.pause)
			usleep(disk.pause);
	}
}

static bool injected(struct task *task)
{
	static unsigned count;
	unsigned number = __atomic_add_fetch(&count, 1, __ATOMIC_RELAXED);

	for (unsigned i = 0; i < disk.fault_count; i++) {
		if (disk.faults[i].number != number)
			continue;
		if (disk.faults[i].hold) {
			usleep(disk.faults[i].hold * 1000);
			return false;
		}
		if (disk.faults[i].status)
			task->status = (uint8_t)disk.faults[i].status;
		else
			fail(task, disk.faults[i].sense);
		return true;
	}
	return false;
}

/* SBC-4, WRITE ATOMIC (16): allows only what the Block Limits page promises. */
static bool is_allowed(struct task *task, uint64_t lba, unsigned blocks, unsigned boundary)
{
	bool fits =
		boundary ? blocks <= disk.max_bndry && boundary <= disk.bndry : blocks <= disk.max;

	if (!disk.max && !disk.max_bndry)
		fail(task, 0x052000);
	else if (!fits || (disk.align > 1 && lba % disk.align) ||
		 (disk.gran > 1 && blocks % disk.gran))
		fail(task, 0x052400);
	return task->status == GOOD;
}

static void write_atomic(struct task *task)
{
	uint64_t lba = be(task->cdb + 2, 8), offset;
	unsigned boundary = (unsigned)be(task->cdb + 10, 2);
	unsigned blocks = (unsigned)be(task->cdb + 12, 2);

	note(task, lba, blocks, boundary);
	if (disk.no_fua && (task->cdb[1] & 8))
		fail(task, 0x052400);
	else if (!injected(task) && is_allowed(task, lba, blocks, boundary) &&
		 range_of(task, lba, blocks, &offset))
		store_piece(task, 0, offset, (size_t)blocks * disk.block);
}

static void execute(struct task *task)
{
	const uint8_t *cdb = task->cdb;

	switch (cdb[0]) {
	case 0x00: /* TEST UNIT READY */
		return;
	case 0x35: /* SYNCHRONIZE CACHE (10), (16) */
	case 0x91:
		return note(task, 0, 0, 0);
	case 0x12:
		return inquiry(task);
	case 0x1a:
		return mode_sense(task, false);
	case 0x5a:
		return mode_sense(task, true);
	case 0x25:
		return read_capacity(task, false);
	case 0x9e:
		return (cdb[1] & 0x1f) == 0x10 ? read_capacity(task, true) : fail(task, 0x052400);
	case 0x28:
		return read_blocks(task, be(cdb + 2, 4), be(cdb + 7, 2));
	case 0x88:
		return read_blocks(task, be(cdb + 2, 8), be(cdb + 10, 4));
	case 0x2a:
		return write_blocks(task, be(cdb + 2, 4), be(cdb + 7, 2));
	case 0x8a:
		return write_blocks(task, be(cdb + 2, 8), be(cdb + 10, 4));
	case 0x9c:
		return write_atomic(task);
	default:
		fail(task, 0x052000);
	}
}

static struct tcmu_cmd_entry *entry_at(uint32_t place)
{
	return (void *)((char *)mailbox + mailbox->cmdr_off + place);
}

static void advance(uint32_t *place, const struct tcmu_cmd_entry *entry)
{
	*place = (*place + tcmu_hdr_get_len(entry->hdr.len_op)) % mailbox->cmdr_size;
}

/* Answers fill the ring's entries in turn, whatever command came in each: the identifier names the
 * command (TCMU_MAILBOX_FLAG_CAP_OOOC). */
static void complete(const struct task *task)
{
	uint32_t poke = 0;

	pthread_mutex_lock(&ring_lock);
	uint32_t tail = mailbox->cmd_tail;
	struct tcmu_cmd_entry *entry = entry_at(tail);
	while (tcmu_hdr_get_op(entry->hdr.len_op) != TCMU_OP_CMD) {
		advance(&tail, entry);
		entry = entry_at(tail);
	}
	entry->hdr.cmd_id = task->id;
	memset(&entry->rsp, 0, sizeof(entry->rsp));
	entry->rsp.scsi_status = task->status;
	memcpy(entry->rsp.sense_buffer, task->sense, sizeof(task->sense));
	advance(&tail, entry);
	__atomic_store_n(&mailbox->cmd_tail, tail, __ATOMIC_RELEASE);
	if (write(uio, &poke, sizeof(poke)) < 0)
		perror("scsi_target: uio");
	pthread_mutex_unlock(&ring_lock);
}

static void *work(void *unused)
{
	for (;;) {
		pthread_mutex_lock(&queue.lock);
		while (queue.first == queue.last)
			pthread_cond_wait(&queue.filled, &queue.lock);
		struct task *task = queue.tasks[queue.first++ % QUEUE];
		pthread_mutex_unlock(&queue.lock);
		execute(task);
		complete(task);
		free(task);
	}
	return unused;
}

static void take(const struct tcmu_cmd_entry *entry)
{
	struct task *task = calloc(1, sizeof(*task));

	task->id = entry->hdr.cmd_id;
	memcpy(task->cdb, (char *)mailbox + entry->req.cdb_off, sizeof(task->cdb));
	task->iov_count = entry->req.iov_cnt < VECTORS ? entry->req.iov_cnt : VECTORS;
	for (unsigned i = 0; i < task->iov_count; i++) {
		task->iov[i].iov_base = (char *)mailbox + (size_t)entry->req.iov[i].iov_base;
		task->iov[i].iov_len = entry->req.iov[i].iov_len;
	}
	pthread_mutex_lock(&queue.lock);
	queue.tasks[queue.last++ % QUEUE] = task;
	pthread_cond_signal(&queue.filled);
	pthread_mutex_unlock(&queue.lock);
}

static void serve(void)
{
	uint32_t taken = mailbox->cmd_tail, events;

	for (;;) {
		while (taken != __atomic_load_n(&mailbox->cmd_head, __ATOMIC_ACQUIRE)) {
			/* Safe without a lock: complete() only overwrites entries already taken. */
			const struct tcmu_cmd_entry *entry = entry_at(taken);
			if (tcmu_hdr_get_op(entry->hdr.len_op) == TCMU_OP_CMD)
				take(entry);
			advance(&taken, entry);
		}
		if (read(uio, &events, sizeof(events)) != sizeof(events))
			exit(0); /* the disk was removed */
	}
}

static bool parse_fault(const char *value)
{
	unsigned key, code, qualifier;
	__typeof__(*disk.faults) *fault = &disk.faults[disk.fault_count++];

	if (disk.fault_count > FAULTS)
		return false;
	if (sscanf(value, "%u:status=%x", &fault->number, &fault->status) == 2 ||
	    sscanf(value, "%u:hold=%u", &fault->number, &fault->hold) == 2)
		return true;
	fault->sense = sscanf(value, "%u:%x/%x/%x", &fault->number, &key, &code, &qualifier) == 4
			       ? key << 16 | code << 8 | qualifier
			       : 0;
	return fault->sense;
}

static bool parse(const char *option)
{
	static const struct {
		const char *name;
		unsigned *value;
	} numbers[] = {
		{ "block=", &disk.block },   { "exponent=", &disk.exponent },
		{ "max=", &disk.max },       { "align=", &disk.align },
		{ "gran=", &disk.gran },     { "max_bndry=", &disk.max_bndry },
		{ "bndry=", &disk.bndry },   { "pause=", &disk.pause },
		{ "no_fua=", &disk.no_fua },
	};

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		size_t length = strlen(numbers[i].name);
		if (strncmp(option, numbers[i].name, length) == 0)
			return sscanf(option + length, "%u", numbers[i].value) == 1;
	}
	if (strncmp(option, "log=", 4) == 0)
		return (disk.log = fopen(option + 4, "a"));
	return strncmp(option, "fault=", 6) == 0 && parse_fault(option + 6);
}

/* The first map of the UIO device: mailbox, ring and data. */
static void *map_ring(const char *path)
{
	char name[96];
	unsigned long size = 0;

	snprintf(name, sizeof(name), "/sys/class/uio/%s/maps/map0/size", strrchr(path, '/') + 1);
	FILE *file = fopen(name, "r");
	if (!file || fscanf(file, "%lx", &size) != 1)
		return MAP_FAILED;
	fclose(file);
	uio = open(path, O_RDWR | O_CLOEXEC);
	return mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, uio, 0);
}

int main(int argc, char **argv)
{
	pthread_t thread;

	for (int i = 1; i < argc - 1; i++) {
		if (!parse(argv[i])) {
			fprintf(stderr, "scsi_target: %s: not understood\n", argv[i]);
			return 2;
		}
	}
	mailbox = argc > 1 ? map_ring(argv[argc - 1]) : MAP_FAILED;
	if (mailbox == MAP_FAILED) {
		perror("scsi_target: the UIO device");
		return 1;
	}
	for (int i = 0; i < WORKERS; i++)
		pthread_create(&thread, NULL, work, NULL);
	serve();
}
