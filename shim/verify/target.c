/* SPDX-License-Identifier: MIT */
/* Calls the engine directly, so that the shim in this process makes no difference. */
#include "verify/target.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "command/command.h"
#include "engine/engine.h"
#include "base/real.h"
#include "base/sysfs.h"
#include "untorn_uapi.h"

enum { ALIGNMENT = 4096 };

/* The kernel splits reads that are longer than this setting. The limits of atomic writes do not
 * depend on it, so the pieces of such a read may be of different writes. */
static uint32_t longest_read(dev_t number)
{
	uint64_t kilobytes;

	if (sysfs_disk_number(number, "queue/max_sectors_kb", &kilobytes) < 0 ||
	    kilobytes > UINT32_MAX / 1024)
		return UINT32_MAX;
	return (uint32_t)kilobytes * 1024;
}

int verify_target_size(int fd, uint64_t *ret_size)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (S_ISBLK(st.st_mode))
		return real_ioctl(fd, BLKGETSIZE64, ret_size);
	*ret_size = (uint64_t)st.st_size;
	return 0;
}

static int ask(const char *path, int fd, struct verify_layout *layout, dev_t *ret_number)
{
	struct statx stx;
	struct stat st;
	const struct untorn_statx_atomic *atomic = untorn_statx_atomic(&stx);
	int error = engine_statx(fd, "", AT_EMPTY_PATH, STATX_WRITE_ATOMIC, &stx);

	if (!error)
		error = verify_target_size(fd, &layout->size);
	if (error || fstat(fd, &st) < 0)
		return cmd_fail(CMD_USAGE, "%s: %s", path, strerror(error ? -error : errno));
	if (!(stx.stx_mask & STATX_WRITE_ATOMIC) || !atomic->unit_max)
		return cmd_fail(CMD_USAGE,
				"%s has no atomic writes to verify; untorn doctor %s says why. "
				"--plain tests writes without the flag",
				path, path);
	layout->unit_min = atomic->unit_min;
	layout->unit_max = atomic->unit_max;
	*ret_number = S_ISBLK(st.st_mode) ? st.st_rdev : st.st_dev;
	return 0;
}

/* The caller has set the layout's units and size. */
static int lay_out(struct verify_layout *layout, const char *path, uint32_t pages)
{
	layout->pages = verify_layout_pages(layout->size, layout->unit_max, pages);
	if (!layout->pages)
		return cmd_fail(CMD_USAGE, "%s is smaller than one write", path);
	if (getrandom(&layout->run, sizeof(layout->run), 0) != sizeof(layout->run))
		return cmd_fail(CMD_USAGE, "no random number for this run: %m");
	return 0;
}

int verify_target_prepare_plain(struct verify_target *target, const char *path, int fd,
				uint32_t pages, uint32_t page)
{
	*target = (struct verify_target){
		.fd = fd,
		.layout = { .unit_min = page, .unit_max = page, .is_dense = true },
		.reads_whole = page,
		.is_plain = true,
	};
	int error = verify_target_size(fd, &target->layout.size);
	return error ? cmd_fail(CMD_USAGE, "%s: %s", path, strerror(-error))
		     : lay_out(&target->layout, path, pages);
}

int verify_target_prepare(struct verify_target *target, const char *path, int fd, uint32_t pages)
{
	struct verify_layout *layout = &target->layout;
	dev_t number;

	*target = (struct verify_target){ .fd = fd };
	int status = ask(path, fd, layout, &number);
	if (status)
		return status;
	target->reads_whole = longest_read(number);
	return lay_out(layout, path, pages);
}

void verify_target_shorten(struct verify_target *target)
{
	struct verify_layout *layout = &target->layout;

	while (layout->unit_max > target->reads_whole && layout->unit_max > layout->unit_min)
		layout->unit_max /= 2;
}

void *verify_target_buffer(const struct verify_target *target)
{
	size_t size = target->layout.unit_max;

	size *= target->is_plain ? VERIFY_RUN : 1;
	return aligned_alloc(ALIGNMENT, size < ALIGNMENT ? ALIGNMENT : size);
}

int verify_target_write(const struct verify_target *target, void *buffer,
			const struct verify_tag *tag, bool durable)
{
	struct iovec iov = { buffer, tag->length };
	struct write_call call = {
		.fd = target->fd,
		.iov = &iov,
		.count = 1,
		.offset = (off_t)tag->offset,
		.flags = RWF_ATOMIC | (durable ? RWF_DSYNC : 0),
	};

	verify_page_fill(buffer, tag);
	if (target->is_plain)
		call.flags &= ~RWF_ATOMIC;
	ssize_t written = target->is_plain
				  ? real_pwritev2(call.fd, &iov, 1, call.offset, call.flags)
				  : engine_write(&call);
	if (written < 0)
		return (int)written;
	return written == (ssize_t)tag->length ? 0 : -EIO;
}

/* Waits until `count` writes have ended, so that no result is left for the next run. Returns 0, or
 * the error of one of them. */
static int reap(const struct verify_target *target, aio_context_t context, long count)
{
	struct io_event events[VERIFY_RUN];
	int error = 0;

	while (count > 0) {
		long got = syscall(SYS_io_getevents, context, count, count, events, NULL);
		if (got < 0 && errno != EINTR)
			return -errno;
		for (long i = 0; i < got; i++) {
			if (events[i].res != target->layout.unit_max)
				error = events[i].res < 0 ? (int)events[i].res : -EIO;
		}
		count -= got > 0 ? got : 0;
	}
	return error;
}

/* The context is the thread's own, and lives until the process ends. */
static int submit(const struct verify_target *target, struct iocb *list[], long count)
{
	static __thread aio_context_t context;

	if (!context && syscall(SYS_io_setup, VERIFY_RUN, &context) < 0)
		return -errno;
	long accepted = syscall(SYS_io_submit, context, count, list);
	if (accepted < 0)
		return -errno;
	int error = reap(target, context, accepted);
	return error || accepted == count ? error : -EIO;
}

int verify_target_write_run(const struct verify_target *target, void *buffer,
			    const struct verify_tag *tags, unsigned count, bool durable)
{
	struct iocb entries[VERIFY_RUN] = { 0 }, *list[VERIFY_RUN];

	if (count == 1)
		return verify_target_write(target, buffer, tags, durable);
	for (unsigned i = 0; i < count; i++) {
		char *data = (char *)buffer + (size_t)i * target->layout.unit_max;
		verify_page_fill(data, &tags[i]);
		entries[i] = (struct iocb){ .aio_lio_opcode = IOCB_CMD_PWRITE,
					    .aio_fildes = (uint32_t)target->fd,
					    .aio_buf = (uintptr_t)data,
					    .aio_nbytes = tags[i].length,
					    .aio_offset = (int64_t)tags[i].offset,
					    .aio_rw_flags = durable ? RWF_DSYNC : 0 };
		list[i] = &entries[i];
	}
	return submit(target, list, count);
}

int verify_target_read(const struct verify_target *target, void *buffer, struct verify_place place)
{
	ssize_t got = pread(target->fd, buffer, place.length, (off_t)place.offset);

	if (got < 0)
		return -errno;
	return got == (ssize_t)place.length ? 0 : -EIO;
}
