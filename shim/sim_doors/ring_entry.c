/* SPDX-License-Identifier: MIT */
/*
 * Start reading at sim_ring_do(). It does the entries of nodes in their order, before the kernel
 * sees any entry. So the kernel does other files' entries later, even where one drains.
 *
 * Not exact: an entry that the kernel refuses before it comes to it (a bad priority or buffer
 * index, say) ends the submission. Here, the nodes' entries behind it have been done already,
 * except where count_good() can tell. A submission that fails as a whole has been done, too; one by
 * system calls is done again when it comes again.
 */
#include "sim_doors/ring.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>

#include "sim_doors/async.h"
#include "sim/next.h"

enum kind { OTHER, READS, WRITES, FLUSHES, WRITES_BACK, ALLOCATES, REFUSED };

static enum kind kind_of(const struct io_uring_sqe *sqe)
{
	switch (sqe->opcode) {
	case IORING_OP_READ:
	case IORING_OP_READV:
	case IORING_OP_READ_FIXED:
	case RING_OP_READV_FIXED:
		return READS;
	case IORING_OP_WRITE:
	case IORING_OP_WRITEV:
	case IORING_OP_WRITE_FIXED:
	case RING_OP_WRITEV_FIXED:
		return WRITES;
	case IORING_OP_FSYNC:
		return FLUSHES;
	case IORING_OP_SYNC_FILE_RANGE:
		return WRITES_BACK;
	case IORING_OP_FALLOCATE:
		return ALLOCATES;
	case IORING_OP_SPLICE:
	case IORING_OP_TEE:
	case RING_OP_URING_CMD:
		return REFUSED;
	default:
		return OTHER;
	}
}

static bool is_node(int ring, int fd, bool registered, struct sim_file *ret_file)
{
	if (registered)
		return sim_ring_file(ring, (unsigned)fd, ret_file);
	return fd >= 0 && sim_file_of_fd(fd, ret_file) && !ret_file->node.generic;
}

static bool is_spliced(const struct io_uring_sqe *sqe)
{
	return sqe->opcode == IORING_OP_SPLICE || sqe->opcode == IORING_OP_TEE;
}

/* Returns the entry's kind; OTHER: it is not about a node. */
static enum kind look(int ring, const struct io_uring_sqe *sqe, struct sim_file *ret_file)
{
	enum kind kind = kind_of(sqe);

	if (kind == OTHER)
		return OTHER;
	if (is_node(ring, sqe->fd, sqe->flags & IOSQE_FIXED_FILE, ret_file) ||
	    (is_spliced(sqe) &&
	     is_node(ring, sqe->splice_fd_in, sqe->splice_flags & SPLICE_F_FD_IN_FIXED, ret_file)))
		return sqe->flags & IOSQE_BUFFER_SELECT ? REFUSED : kind;
	return OTHER;
}

static bool has_vector(const struct io_uring_sqe *sqe)
{
	return sqe->opcode == IORING_OP_READV || sqe->opcode == IORING_OP_WRITEV ||
	       sqe->opcode == RING_OP_READV_FIXED || sqe->opcode == RING_OP_WRITEV_FIXED;
}

/* Offset -1 means the file position. It does not move: on Linux 6.1, a block device's does not. */
static long set_position(const struct io_uring_sqe *sqe, struct sim_io *io)
{
	if (io->offset == -1 && (sqe->flags & IOSQE_FIXED_FILE))
		return sim_refuse("the file position of a registered file", -EOPNOTSUPP);
	if (io->offset == -1)
		io->offset = sim_next()->lseek(sqe->fd, 0, SEEK_CUR);
	return io->offset < 0 ? -EINVAL : 0;
}

/* Makes the checks in the order of io_uring/rw.c: io_rw_init_file(), then rw_verify_area(). */
static long check(const struct io_uring_sqe *sqe, struct sim_io *io, bool writes)
{
	if (!sim_async_may(io->file, writes))
		return -EBADF;
	if (io->flags & ~SIM_RWF_SUPPORTED)
		return -EOPNOTSUPP;
	return io->flags & RWF_HIPRI ? -EINVAL : set_position(sqe, io);
}

/* Does not check the end of a registered buffer, which only the kernel knows. */
static long transfer(const struct io_uring_sqe *sqe, const struct sim_file *file, bool writes,
		     bool *ret_short)
{
	void *address = (void *)(uintptr_t)sqe->addr;
	struct iovec single = { address, sqe->len };
	struct sim_io io = {
		.file = file,
		.iov = has_vector(sqe) ? address : &single,
		.count = has_vector(sqe) ? (int)sqe->len : 1,
		.offset = (off_t)sqe->off,
		.flags = (int)sqe->rw_flags,
	};

	ssize_t total = sim_async_total(&io);
	if (total < 0)
		return total;
	long error = check(sqe, &io, writes);
	if (error)
		return error;
	ssize_t result = writes ? sim_io_write(&io) : sim_io_read(&io);
	*ret_short = result < total;
	return result;
}

static long perform(const struct io_uring_sqe *sqe, enum kind kind, const struct sim_file *file,
		    bool *ret_short)
{
	switch (kind) {
	case READS:
	case WRITES:
		return transfer(sqe, file, kind == WRITES, ret_short);
	case FLUSHES:
		return sqe->fsync_flags & ~IORING_FSYNC_DATASYNC
			       ? -EINVAL
			       : sim_mirror_flush(file->node.disk);
	case WRITES_BACK:
		return sim_mirror_write_back(file->node.disk);
	case ALLOCATES:
		return sim_move_fallocate(file, (int)sqe->len, (off_t)sqe->off, (off_t)sqe->addr);
	default:
		return sim_refuse("such an io_uring entry", -EOPNOTSUPP);
	}
}

/* The state of a chain. GOES_ON: all entries before were done. UNKNOWN: the result of one is still
 * up to the kernel. BROKEN: the kernel cancels the rest by itself. SHORT: we must cancel the rest,
 * because the kernel sees no error in our result. */
enum chain { GOES_ON, UNKNOWN, BROKEN, SHORT };

struct pass {
	const struct sim_ring_view *view;
	enum chain chain;
	bool in_chain;
};

/* True: this entry does not fail, whatever comes. */
static bool is_certain(const struct io_uring_sqe *sqe)
{
	return sqe->opcode == IORING_OP_LINK_TIMEOUT ||
	       (sqe->opcode == IORING_OP_NOP && !sqe->rw_flags);
}

static enum chain do_node(struct pass *pass, struct io_uring_sqe *sqe, enum kind kind,
			  const struct sim_file *file)
{
	static const char linked[] = "an io_uring entry that is linked behind another file's";
	bool is_short = false;
	long result = pass->chain == UNKNOWN ? sim_refuse(linked, -EOPNOTSUPP)
					     : perform(sqe, kind, file, &is_short);

	if (is_short) /* a short result always makes a completion */
		sqe->flags &= (uint8_t)~RING_SKIP_SUCCESS;
	sim_ring_put_result(sqe, (int)result);
	if (pass->chain == UNKNOWN || sqe->flags & IOSQE_IO_HARDLINK)
		return pass->chain;
	return result < 0 ? BROKEN : is_short ? SHORT : GOES_ON;
}

/* The disk has no queues to poll. The kernel must refuse, as it does for a write to /dev/null. */
static enum chain do_polled(struct io_uring_sqe *sqe, enum kind kind)
{
	if (kind == READS || kind == WRITES) {
		sqe->flags &= (uint8_t)~IOSQE_FIXED_FILE;
		sqe->opcode = IORING_OP_WRITE;
		sqe->fd = sim_async_source(SIM_ASYNC_NULL);
	}
	return UNKNOWN;
}

static enum chain do_linked(struct pass *pass, struct io_uring_sqe *sqe)
{
	struct sim_file file;
	enum kind kind = look(pass->view->ring, sqe, &file);

	if (kind == OTHER)
		return is_certain(sqe) ? pass->chain : UNKNOWN;
	if (pass->view->flags & IORING_SETUP_IOPOLL)
		return do_polled(sqe, kind);
	return do_node(pass, sqe, kind, &file);
}

static enum chain cancel(struct io_uring_sqe *sqe)
{
	if (sqe->flags & IOSQE_IO_HARDLINK)
		sqe->flags ^= IOSQE_IO_HARDLINK | IOSQE_IO_LINK;
	sim_ring_put_result(sqe, -ECANCELED);
	return BROKEN;
}

static void do_entry(struct pass *pass, struct io_uring_sqe *sqe)
{
	bool linked = sqe->flags & (IOSQE_IO_LINK | IOSQE_IO_HARDLINK);

	if (!pass->in_chain)
		pass->chain = GOES_ON;
	if (pass->chain == SHORT)
		pass->chain = cancel(sqe);
	else if (pass->chain != BROKEN)
		pass->chain = do_linked(pass, sqe);
	pass->in_chain = linked;
}

/* Notes the entries by which something else may get into a slot. */
static void note_slots(int ring, const struct io_uring_sqe *sqe)
{
	unsigned slot = (unsigned)sqe->splice_fd_in; /* file_index: the slot + 1, or 0 */
	bool opens = sqe->opcode == IORING_OP_OPENAT || sqe->opcode == IORING_OP_OPENAT2 ||
		     sqe->opcode == IORING_OP_ACCEPT || sqe->opcode == IORING_OP_CLOSE ||
		     sqe->opcode == RING_OP_SOCKET;
	static const int none = -1;

	if (sqe->opcode == IORING_OP_FILES_UPDATE)
		sim_ring_set_files(ring, (unsigned)sqe->off, (const int *)(uintptr_t)sqe->addr,
				   sqe->len);
	if (opens && slot)
		sim_ring_set_files(ring, slot - 1, &none, 1);
}

/* NULL: the index names no entry. */
static struct io_uring_sqe *entry_at(const struct sim_ring_view *view, unsigned position)
{
	unsigned place = position & view->mask;
	unsigned index = view->array ? view->array[place] : place;

	return index < view->entries
		       ? &view->sqes[index << (view->flags & RING_SETUP_SQE128 ? 1 : 0)]
		       : NULL;
}

/* Returns how many entries the kernel will come to, as far as can be told. */
static unsigned count_good(const struct sim_ring_view *view, unsigned first, unsigned count)
{
	unsigned i = 0;

	for (; i < count; i++) {
		const struct io_uring_sqe *sqe = entry_at(view, first + i);
		if (!sqe || (!(view->flags & RING_SETUP_SUBMIT_ALL) &&
			     (sqe->opcode >= RING_OP_LAST || sqe->flags & 0x80)))
			break;
	}
	return i;
}

static unsigned count_writes(const struct sim_ring_view *view, unsigned first, unsigned count)
{
	struct sim_file file;
	unsigned writes = 0;

	for (unsigned i = 0; i < count; i++)
		writes += look(view->ring, entry_at(view, first + i), &file) == WRITES;
	return writes;
}

unsigned sim_ring_do(const struct sim_ring_view *view, unsigned first, unsigned count,
		     struct sim_ring_saved *saved)
{
	struct pass pass = { .view = view };
	unsigned changed = 0;
	int before = errno;

	count = count_good(view, first, count);
	sim_disk_begin_batch(count_writes(view, first, count));
	for (unsigned i = 0; i < count; i++) {
		struct io_uring_sqe *sqe = entry_at(view, first + i), was = *sqe;
		do_entry(&pass, sqe);
		note_slots(view->ring, sqe);
		if (memcmp(&was, sqe, sizeof(was)) == 0)
			continue;
		if (saved)
			saved[changed] = (struct sim_ring_saved){ sqe, was, *sqe };
		changed++;
	}
	sim_disk_end_batch();
	errno = before;
	return changed;
}
