/* SPDX-License-Identifier: MIT */
/*
 * Reads and writes a node as Linux 6.1 does (fs/read_write.c, block/fops.c): makes the checks in
 * the kernel's order, then goes to the medium. No page cache keeps writes back: buffered and direct
 * writes differ only in alignment.
 */
#include "sim/io.h"

#include <errno.h>
#include <string.h>

#include "sim/sim.h"
#include "sim/next.h"

enum { RWF_SUPPORTED = 0x1f, MAX_SEGMENTS = 1024 };

static int import(const struct sim_io *io, struct iovec *ret_iov, size_t *ret_total)
{
	size_t total = 0;

	if (io->count < 0 || io->count > MAX_SEGMENTS)
		return -EINVAL;
	if (sim_memory_read(ret_iov, io->iov, (size_t)io->count * sizeof(*ret_iov)) < 0)
		return -EFAULT;
	for (int i = 0; i < io->count; i++) {
		if (ret_iov[i].iov_len > (size_t)INT64_MAX - total)
			return -EINVAL;
		total += ret_iov[i].iov_len;
	}
	*ret_total = total;
	return 0;
}

static int check_mode(const struct sim_io *io, int unwanted)
{
	int flags = io->file->flags;

	return flags < 0 || (flags & O_PATH) || (flags & O_ACCMODE) == unwanted ? -EBADF : 0;
}

/* Checks lengths by the logical block, addresses by the queue's mask. Bytes beyond total, which
 * were cut off, do not count. */
static bool is_aligned(const struct sim_node *node, const struct iovec *iov, uint64_t offset,
		       size_t total)
{
	uint64_t lengths = offset, addresses = 0;

	for (; total; iov++) {
		size_t piece = iov->iov_len < total ? iov->iov_len : total;
		lengths |= piece;
		addresses |= (uintptr_t)iov->iov_base;
		total -= piece;
	}
	return lengths % node->disk->block == 0 && !(addresses & node->disk->dma_alignment);
}

static int gather(char *data, const struct iovec *iov, size_t length)
{
	for (size_t done = 0; done < length; iov++) {
		size_t piece = iov->iov_len < length - done ? iov->iov_len : length - done;
		if (sim_memory_read(data + done, iov->iov_base, piece) < 0)
			return -EFAULT;
		done += piece;
	}
	return 0;
}

static int scatter(const char *data, const struct iovec *iov, size_t length)
{
	for (size_t done = 0; done < length; iov++) {
		size_t piece = iov->iov_len < length - done ? iov->iov_len : length - done;
		if (sim_memory_write(iov->iov_base, data + done, piece) < 0)
			return -EFAULT;
		done += piece;
	}
	return 0;
}

/* A buffered write of part of a block changes only that part. */
static int store(const struct sim_node *node, const char *data, uint64_t offset, size_t length,
		 bool fua)
{
	const struct sim_disk *disk = node->disk;
	uint64_t at = node->start + offset, head = at % disk->block;
	size_t span = (head + length + disk->block - 1) / disk->block * disk->block;
	const struct sim_fault *fault;
	char *blocks = sim_memory_get(span);

	if (!blocks)
		return -ENOMEM;
	struct sim_write write = { .data = blocks,
				   .offset = at - head,
				   .length = (uint32_t)span,
				   .fua = fua,
				   .means = SIM_PLAIN };
	int error = span == length ? 0 : (int)sim_disk_read(disk, blocks, at - head, span);
	if (error >= 0) {
		memcpy(blocks + head, data, length);
		error = sim_disk_write(disk, &write, &fault);
	}
	sim_memory_put(blocks, span);
	return error;
}

static ssize_t write_checked(const struct sim_io *io, const struct iovec *iov, size_t total)
{
	const struct sim_node *node = &io->file->node;
	int flags = io->file->flags;

	if (io->flags & ~RWF_SUPPORTED)
		return -EOPNOTSUPP;
	if (sim_disk_is_read_only(node->disk))
		return -EPERM;
	if ((uint64_t)io->offset >= node->size)
		return -ENOSPC;
	if ((io->flags & RWF_NOWAIT) && !(flags & O_DIRECT))
		return -EOPNOTSUPP;
	if (total > node->size - (uint64_t)io->offset)
		total = node->size - (uint64_t)io->offset;
	if ((flags & O_DIRECT) && !is_aligned(node, iov, (uint64_t)io->offset, total))
		return -EINVAL;
	char *data = sim_memory_get(total);
	if (!data)
		return -ENOMEM;
	int error = gather(data, iov, total);
	if (!error)
		error = store(node, data, (uint64_t)io->offset, total,
			      (flags & (O_DSYNC | O_SYNC)) || (io->flags & 0x6));
	sim_memory_put(data, total);
	return error ? error : (ssize_t)total;
}

static ssize_t read_checked(const struct sim_io *io, const struct iovec *iov, size_t total)
{
	const struct sim_node *node = &io->file->node;
	int flags = io->file->flags;

	if (io->flags & ~RWF_SUPPORTED)
		return -EOPNOTSUPP;
	if ((uint64_t)io->offset >= node->size)
		return 0;
	if (total > node->size - (uint64_t)io->offset)
		total = node->size - (uint64_t)io->offset;
	if ((flags & O_DIRECT) && !is_aligned(node, iov, (uint64_t)io->offset, total))
		return -EINVAL;
	char *data = sim_memory_get(total);
	if (!data)
		return -ENOMEM;
	ssize_t result = sim_disk_read(node->disk, data, node->start + (uint64_t)io->offset, total);
	if (result > 0 && scatter(data, iov, (size_t)result) < 0)
		result = -EFAULT;
	sim_memory_put(data, total);
	return result;
}

/* Calls `checked` if the file is open for it and there is data. `checked` gets a copy of the vector
 * and makes the checks from the flags on. */
static ssize_t transfer(const struct sim_io *io, int unwanted,
			ssize_t (*checked)(const struct sim_io *, const struct iovec *, size_t))
{
	struct iovec *iov = sim_memory_get(MAX_SEGMENTS * sizeof(*iov));
	size_t total;

	if (!iov)
		return -ENOMEM;
	ssize_t result = check_mode(io, -1);
	if (!result)
		result = import(io, iov, &total);
	if (!result)
		result = check_mode(io, unwanted);
	if (!result && total)
		result = (uint64_t)io->offset + total > INT64_MAX ? -EINVAL
								  : checked(io, iov, total);
	sim_memory_put(iov, MAX_SEGMENTS * sizeof(*iov));
	return result;
}

ssize_t sim_io_write(const struct sim_io *io)
{
	return transfer(io, O_RDONLY, write_checked);
}

ssize_t sim_io_read(const struct sim_io *io)
{
	return transfer(io, O_WRONLY, read_checked);
}
