/* SPDX-License-Identifier: MIT */
/* Moves data between two descriptors, one of them a node's, and makes blocks zero. */
#include "sim/move.h"

#include <errno.h>
#include <linux/falloc.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "sim/io.h"
#include "sim/next.h"

enum { CHUNK = 64 << 10 };

/* Calls our own doors, which know the nodes. offset NULL: at the descriptor's position, which
 * moves. */
static ssize_t load(const struct sim_end *end, void *data, size_t size)
{
	return end->offset ? pread(end->fd, data, size, *end->offset) : read(end->fd, data, size);
}

static ssize_t store(const struct sim_end *end, const void *data, size_t size)
{
	return end->offset ? pwrite(end->fd, data, size, *end->offset) : write(end->fd, data, size);
}

static void advance(const struct sim_end *end, ssize_t by)
{
	if (end->offset)
		*end->offset += by;
}

/* Gives back the data that was read and not written, if the descriptor can seek. */
static ssize_t move_chunk(const struct sim_end *in, const struct sim_end *out, char *chunk,
			  size_t size)
{
	ssize_t got = load(in, chunk, size), put = got > 0 ? store(out, chunk, (size_t)got) : got;
	int error = errno;

	if (got > 0 && put < got && !in->offset)
		sim_next()->lseek(in->fd, (put > 0 ? put : 0) - got, SEEK_CUR);
	if (put > 0) {
		advance(in, put);
		advance(out, put);
	}
	return put < 0 ? -error : put;
}

ssize_t sim_move(const struct sim_end *in, const struct sim_end *out, size_t size)
{
	char *chunk = sim_memory_get(CHUNK);
	size_t done = 0;
	ssize_t moved = chunk ? 1 : -ENOMEM;

	while (done < size && moved > 0) {
		moved = move_chunk(in, out, chunk, size - done < CHUNK ? size - done : CHUNK);
		done += moved > 0 ? (size_t)moved : 0;
		if (in->is_pipe)
			break; /* another read might wait for more */
	}
	sim_memory_put(chunk, CHUNK);
	return done ? (ssize_t)done : moved;
}

static long zero(const struct sim_file *file, off_t offset, off_t length)
{
	char *chunk = sim_memory_get(CHUNK);
	long result = chunk ? 0 : -ENOMEM;

	for (off_t done = 0; done < length && result >= 0; done += CHUNK) {
		struct iovec iov = { chunk,
				     (size_t)(length - done < CHUNK ? length - done : CHUNK) };
		struct sim_io io = { file, &iov, 1, offset + done, 0 };
		result = sim_io_write(&io);
	}
	sim_memory_put(chunk, CHUNK);
	return result < 0 ? result : 0;
}

/* Makes the checks of Linux 6.1, blkdev_fallocate() and blkdev_common_ioctl(). */
long sim_move_fallocate(const struct sim_file *file, int mode, off_t offset, off_t length)
{
	const int known = FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE;
	uint64_t size = file->node.size;

	if (offset < 0 || length <= 0)
		return -EINVAL;
	if ((file->flags & O_PATH) || (file->flags & O_ACCMODE) == O_RDONLY)
		return -EBADF;
	if ((mode & ~known) || !(mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE)))
		return -EOPNOTSUPP;
	if ((uint64_t)offset >= size)
		return -EINVAL;
	if ((uint64_t)length > size - (uint64_t)offset) {
		if (!(mode & FALLOC_FL_KEEP_SIZE))
			return -EINVAL;
		length = (off_t)(size - (uint64_t)offset);
	}
	if ((offset | length) % SIM_SECTOR)
		return -EINVAL;
	return zero(file, offset, length);
}
