/* SPDX-License-Identifier: MIT */
/*
 * The system calls of libaio. Start reading at sim_aio_submit().
 *
 * An iocb of a node is done first. While the kernel takes it, it is a write to /dev/null of as many
 * bytes as were moved. So the kernel makes the event and signals an eventfd. For an error the write
 * has no bytes, and the error is put into the event when the program fetches it. A program that
 * reads the kernel's ring of events itself sees 0.
 *
 * Not exact if the context has no room for all of one call: then some are done and not accepted.
 */
#include "sim_doors/async.h"

#include <errno.h>
#include <linux/aio_abi.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <unistd.h>

#define EXPORT  __attribute__((visibility("default")))
#define NOWHERE ((uint64_t)-4096) /* the kernel's own memory, in every process */

/* The iocbs between submission and event. There is no lock, because a child may be forked at any
 * time. */
enum { RECORDS = 1024 };
enum {
	FREE,
	SUBMITTING, /* the iocb is changed, or about to be; it will be put back */
	FAILED      /* the iocb is put back; its event will say 0 */
};
static struct record {
	_Atomic int state;
	_Atomic unsigned long context;
	_Atomic uint64_t iocb;
	_Atomic long error;
} records[RECORDS];
static _Atomic unsigned used;

static struct record *begin(unsigned long context, const struct iocb *iocb)
{
	for (int i = 0; i < RECORDS; i++) {
		int free = FREE;
		if (!atomic_compare_exchange_strong(&records[i].state, &free, SUBMITTING))
			continue;
		records[i].context = context;
		records[i].iocb = (uintptr_t)iocb;
		atomic_fetch_add(&used, 1);
		return &records[i];
	}
	return NULL;
}

static void end(struct record *record)
{
	record->state = FREE;
	atomic_fetch_sub(&used, 1);
}

static bool is_of(struct record *record, unsigned long context, uint64_t iocb)
{
	return record->state != FREE && record->context == context && record->iocb == iocb;
}

/* Waits until the iocb is put back: its event may be here before that, and the program may then
 * free the iocb. The wait has an end: the child of a fork() has the record, but not the thread. */
static void settle(unsigned long context, struct io_event *event)
{
	for (int i = 0; i < RECORDS; i++) {
		struct record *record = &records[i];
		for (int tries = 0; tries < 10000 && is_of(record, context, event->obj) &&
				    record->state == SUBMITTING;
		     tries++)
			usleep(20);
		if (event->res || !is_of(record, context, event->obj) || record->state != FAILED)
			continue;
		event->res = record->error;
		end(record);
	}
}

/* One iocb of a node. */
struct entry {
	struct iocb *place, iocb;
	struct sim_file file;
	struct record *record;
	long result;
};

static bool is_sync(const struct iocb *iocb)
{
	return iocb->aio_lio_opcode == IOCB_CMD_FSYNC || iocb->aio_lio_opcode == IOCB_CMD_FDSYNC;
}

static bool is_write(const struct iocb *iocb)
{
	return iocb->aio_lio_opcode == IOCB_CMD_PWRITE || iocb->aio_lio_opcode == IOCB_CMD_PWRITEV;
}

static bool is_read(const struct iocb *iocb)
{
	return iocb->aio_lio_opcode == IOCB_CMD_PREAD || iocb->aio_lio_opcode == IOCB_CMD_PREADV;
}

static bool read_entry(struct iocb *const *slot, struct entry *ret_entry)
{
	return sim_memory_read(&ret_entry->place, slot, sizeof(*slot)) == 0 &&
	       sim_memory_read(&ret_entry->iocb, ret_entry->place, sizeof(struct iocb)) == 0;
}

static bool is_of_node(struct entry *entry)
{
	const struct iocb *iocb = &entry->iocb;

	return (is_read(iocb) || is_write(iocb) || is_sync(iocb)) &&
	       sim_file_of_fd((int)iocb->aio_fildes, &entry->file) && !entry->file.node.generic;
}

/* Returns how many iocbs from here on are alike: of nodes (*ret_ours), or not. Ends at one that
 * cannot be read: the kernel comes no further. */
static long count_alike(struct iocb *const *slots, long count, bool *ret_ours)
{
	struct entry entry;

	for (long i = 0; i < count; i++) {
		bool readable = read_entry(slots + i, &entry),
		     ours = readable && is_of_node(&entry);
		if (i && ours != *ret_ours)
			return i;
		*ret_ours = ours;
		if (!readable)
			return i + 1;
	}
	return count;
}

static long submit(unsigned long context, long count, struct iocb *const *slots)
{
	return sim_async_call(SYS_io_submit, (long)context, count, (long)slots, 0, 0, 0);
}

static void make_null(struct iocb *iocb, unsigned opcode, uint64_t data, uint64_t size)
{
	if (is_sync(iocb))              /* the kernel checks no priority of it */
		iocb->aio_flags &= ~2U; /* IOCB_FLAG_IOPRIO */
	iocb->aio_lio_opcode = (uint16_t)opcode;
	iocb->aio_fildes = (uint32_t)sim_async_source(SIM_ASYNC_NULL);
	iocb->aio_buf = data;
	iocb->aio_nbytes = size;
	iocb->aio_offset = 0;
	iocb->aio_rw_flags = 0;
}

/* Lets the kernel check the context, the room in it, the reserved fields, the eventfd and the
 * priority: submits a copy that fails after all these checks. */
static long ask_kernel(unsigned long context, const struct entry *entry)
{
	struct iocb copy = entry->iocb, *slot = &copy;

	make_null(&copy, IOCB_CMD_PWRITEV, NOWHERE, 1);
	long result = submit(context, 1, &slot);
	return result == -EFAULT ? 0 : result < 0 ? result : -EINVAL;
}

static struct sim_io io_of(const struct entry *entry, struct iovec *single)
{
	const struct iocb *iocb = &entry->iocb;
	bool many =
		iocb->aio_lio_opcode == IOCB_CMD_PREADV || iocb->aio_lio_opcode == IOCB_CMD_PWRITEV;

	*single = (struct iovec){ (void *)(uintptr_t)iocb->aio_buf, iocb->aio_nbytes };
	return (struct sim_io){
		.file = &entry->file,
		.iov = many ? (const struct iovec *)(uintptr_t)iocb->aio_buf : single,
		.count = !many                           ? 1
			 : iocb->aio_nbytes <= INT32_MAX ? (int)iocb->aio_nbytes
							 : -1,
		.offset = iocb->aio_offset,
		.flags = (int)iocb->aio_rw_flags,
	};
}

/* Finds the errors of io_submit() itself, in its order (fs/aio.c: aio_prep_rw, aio_read,
 * aio_write). */
static long check_transfer(const struct entry *entry)
{
	struct iovec single;
	struct sim_io io = io_of(entry, &single);

	if (io.flags & ~SIM_RWF_SUPPORTED)
		return -EOPNOTSUPP;
	if (!sim_async_may(&entry->file, is_write(&entry->iocb)))
		return -EBADF;
	ssize_t total = sim_async_total(&io);
	if (total < 0)
		return total;
	return io.offset < 0 || io.offset > INT64_MAX - total ? -EINVAL : 0;
}

static long check(unsigned long context, const struct entry *entry)
{
	const struct iocb *iocb = &entry->iocb;

	if ((int64_t)iocb->aio_nbytes < 0)
		return -EINVAL;
	if (entry->file.flags & O_PATH)
		return -EBADF;
	long error = ask_kernel(context, entry);
	if (error)
		return error;
	if (sim_memory_write(entry->place, iocb, sizeof(*iocb)) < 0)
		return -EFAULT;
	if (!is_sync(iocb))
		return check_transfer(entry);
	return iocb->aio_buf || iocb->aio_offset || iocb->aio_nbytes || iocb->aio_rw_flags ? -EINVAL
											   : 0;
}

static long prepare(unsigned long context, struct iocb *const *slot, struct entry *entry)
{
	if (!read_entry(slot, entry) || !is_of_node(entry))
		return -EFAULT;
	long error = check(context, entry);
	if (error)
		return error;
	entry->record = begin(context, entry->place);
	return entry->record ? 0 : -EAGAIN;
}

static long perform(const struct entry *entry)
{
	struct iovec single;
	struct sim_io io = io_of(entry, &single);

	if (is_sync(&entry->iocb))
		return sim_mirror_flush(entry->file.node.disk);
	return is_write(&entry->iocb) ? sim_io_write(&io) : sim_io_read(&io);
}

static void perform_all(struct entry *entries, long count)
{
	unsigned writes = 0;

	for (long i = 0; i < count; i++)
		writes += is_write(&entries[i].iocb);
	sim_disk_begin_batch(writes);
	for (long i = 0; i < count; i++)
		entries[i].result = perform(&entries[i]);
	sim_disk_end_batch();
}

static long submit_results(unsigned long context, struct entry *entries, long count,
			   struct iocb *const *slots)
{
	for (long i = 0; i < count; i++)
		make_null(entries[i].place, IOCB_CMD_PWRITE, 0,
			  entries[i].result < 0 ? 0 : (uint64_t)entries[i].result);
	long accepted = submit(context, count, slots);
	for (long i = 0; i < count; i++) {
		entries[i].iocb.aio_key = entries[i].place->aio_key;
		*entries[i].place = entries[i].iocb;
	}
	return accepted;
}

static long submit_entries(unsigned long context, struct entry *entries, long count,
			   struct iocb *const *slots)
{
	long ready = 0, error = 0;

	while (ready < count && !(error = prepare(context, slots + ready, &entries[ready])))
		ready++;
	if (!ready)
		return error;
	perform_all(entries, ready);
	long accepted = submit_results(context, entries, ready, slots);
	for (long i = 0; i < ready; i++) {
		struct entry *entry = &entries[i];
		entry->record->error = entry->result;
		if (i < accepted && entry->result < 0)
			entry->record->state = FAILED;
		else
			end(entry->record);
	}
	return accepted;
}

static long submit_ours(unsigned long context, long count, struct iocb *const *slots)
{
	size_t size = (size_t)count * sizeof(struct entry);
	struct entry *entries = sim_memory_get(size);
	long result = -EAGAIN;

	if (entries && sim_async_source(SIM_ASYNC_NULL) >= 0)
		result = submit_entries(context, entries, count, slots);
	sim_memory_put(entries, size);
	return result;
}

static long submit_all(unsigned long context, long count, struct iocb *const *slots)
{
	long done = 0, alike, result;
	bool ours = false;

	do {
		alike = count_alike(slots + done, count - done, &ours);
		result = (ours ? submit_ours : submit)(context, alike, slots + done);
		done += result > 0 ? result : 0;
	} while (result == alike && done < count);
	return done ? done : result;
}

long sim_aio_submit(unsigned long context, long count, void *entries)
{
	int before = errno;

	if (count <= 0 || !sim_has_any())
		return submit(context, count, entries);
	long result = submit_all(context, count, entries);
	errno = before;
	return result;
}

long sim_aio_getevents(long number, unsigned long context, long least, long most, void *events,
		       void *timeout, void *mask)
{
	struct io_event *event = events;
	int before = errno;
	long count = sim_async_call(number, (long)context, least, most, (long)events, (long)timeout,
				    (long)mask);

	for (long i = 0; i < count && used; i++)
		settle(context, &event[i]);
	errno = before;
	return count;
}

/* Frees the context's records, because the kernel may give out its number again. */
long sim_aio_destroy(unsigned long context)
{
	long result = sim_async_call(SYS_io_destroy, (long)context, 0, 0, 0, 0, 0);

	for (int i = 0; i < RECORDS && used && !result; i++) {
		if (records[i].state == FAILED && records[i].context == context)
			end(&records[i]);
	}
	return result;
}

/* libaio's functions, which return -errno. */
int io_submit(unsigned long context, long count, void *entries);
int io_getevents(unsigned long context, long least, long most, void *events, void *timeout);
int io_pgetevents(unsigned long context, long least, long most, void *events, void *timeout,
		  void *mask);
int io_destroy(unsigned long context);

EXPORT int io_submit(unsigned long context, long count, void *entries)
{
	return (int)sim_aio_submit(context, count, entries);
}

EXPORT int io_getevents(unsigned long context, long least, long most, void *events, void *timeout)
{
	return (int)sim_aio_getevents(SYS_io_getevents, context, least, most, events, timeout,
				      NULL);
}

EXPORT int io_pgetevents(unsigned long context, long least, long most, void *events, void *timeout,
			 void *mask)
{
	struct {
		void *mask;
		size_t size;
	} set = { mask, _NSIG / 8 };

	return (int)sim_aio_getevents(SYS_io_pgetevents, context, least, most, events, timeout,
				      &set);
}

EXPORT int io_destroy(unsigned long context)
{
	return (int)sim_aio_destroy(context);
}
