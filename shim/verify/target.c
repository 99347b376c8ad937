/* SPDX-License-Identifier: MIT */
/* By the engine itself, so that it is the same with and without the shim in this process. */
#include "verify/target.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "command/command.h"
#include "engine/engine.h"
#include "base/real.h"
#include "base/sysfs.h"
#include "untorn_uapi.h"

enum { ALIGNMENT = 4096 };

/* The kernel cuts reads above this setting, which the limits of atomic writes do not look at: the
 * pieces of such a read may well be of different writes. */
static uint32_t longest_read(dev_t number)
{
	uint64_t kilobytes;

	if (sysfs_disk_number(number, "queue/max_sectors_kb", &kilobytes) < 0 ||
	    kilobytes > UINT32_MAX / 1024)
		return UINT32_MAX;
	return (uint32_t)kilobytes * 1024;
}

static int ask(const char *path, int fd, struct verify_layout *layout, dev_t *ret_number)
{
	struct statx stx;
	struct stat st;
	const struct untorn_statx_atomic *atomic = untorn_statx_atomic(&stx);
	int error = engine_statx(fd, "", AT_EMPTY_PATH, STATX_WRITE_ATOMIC, &stx);

	if (!error)
		error = real_ioctl(fd, BLKGETSIZE64, &layout->size);
	if (error || fstat(fd, &st) < 0)
		return cmd_fail(CMD_USAGE, "%s: %s", path, strerror(error ? -error : errno));
	if (!(stx.stx_mask & STATX_WRITE_ATOMIC) || !atomic->unit_max)
		return cmd_fail(CMD_USAGE,
				"%s has no atomic writes that could be verified; untorn doctor %s "
				"says why",
				path, path);
	layout->unit_min = atomic->unit_min;
	layout->unit_max = atomic->unit_max;
	*ret_number = st.st_rdev;
	return 0;
}

int verify_target_prepare(struct verify_target *target, const char *path, int fd, uint32_t pages)
{
	struct verify_layout *layout = &target->layout;
	dev_t number;

	target->fd = fd;
	int status = ask(path, fd, layout, &number);
	if (status)
		return status;
	target->reads_whole = longest_read(number);
	layout->pages = verify_layout_pages(layout->size, layout->unit_max, pages);
	if (!layout->pages)
		return cmd_fail(CMD_USAGE, "%s is smaller than one atomic write", path);
	if (getrandom(&layout->run, sizeof(layout->run), 0) != sizeof(layout->run))
		return cmd_fail(CMD_USAGE, "no random number for this run: %m");
	return 0;
}

void verify_target_shorten(struct verify_target *target)
{
	struct verify_layout *layout = &target->layout;

	while (layout->unit_max > target->reads_whole && layout->unit_max > layout->unit_min)
		layout->unit_max /= 2;
}

void *verify_target_buffer(const struct verify_target *target)
{
	uint32_t size = target->layout.unit_max;

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
	ssize_t written = engine_write(&call);
	if (written < 0)
		return (int)written;
	return written == (ssize_t)tag->length ? 0 : -EIO;
}

int verify_target_read(const struct verify_target *target, void *buffer, struct verify_place place)
{
	ssize_t got = pread(target->fd, buffer, place.length, (off_t)place.offset);

	if (got < 0)
		return -errno;
	return got == (ssize_t)place.length ? 0 : -EIO;
}
