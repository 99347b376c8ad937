/* SPDX-License-Identifier: MIT */
/* The C library's functions that read and write. A call for a descriptor that is not a node's goes
 * on untouched. */
#include "sim_doors/doors.h"

enum { READING, WRITING };

/* Reads or writes by the driver of the generic node, not on the medium. */
static ssize_t move_generic(int way, int fd, const struct sim_io *io)
{
	const struct sim_node *node = &io->file->node;

	if (io->count != 1 || io->flags)
		return -EINVAL;
	return way == WRITING ? sim_sg_write(node, fd, io->iov->iov_base, io->iov->iov_len)
			      : sim_sg_read(fd, io->iov->iov_base, io->iov->iov_len);
}

/* Reads or writes at the offset; with -1 at the file position, which then moves. */
static ssize_t move(int way, int fd, struct sim_io *io)
{
	bool positioned = io->offset == -1;

	if (io->file->node.generic)
		return ret_errno(positioned ? move_generic(way, fd, io) : -ESPIPE);
	if (io->offset < -1)
		return ret_errno(-EINVAL);
	if (positioned)
		io->offset = sim_next()->lseek(fd, 0, SEEK_CUR);
	ssize_t result = way == WRITING ? sim_io_write(io) : sim_io_read(io);
	if (positioned && result > 0)
		sim_next()->lseek(fd, io->offset + result, SEEK_SET);
	return ret_errno(result);
}

static ssize_t move_one(int way, const struct sim_file *file, int fd, const void *data, size_t size,
			off_t offset)
{
	struct iovec iov = { (void *)(uintptr_t)data, size };
	struct sim_io io = { file, &iov, 1, offset, 0 };

	return move(way, fd, &io);
}

static ssize_t move_many(int way, int fd, struct sim_io io)
{
	return move(way, fd, &io);
}

EXPORT ssize_t pread(int fd, void *data, size_t size, off_t offset)
{
	struct sim_file file;

	PASS(pread(fd, data, size, offset));
	if (!sim_file_of_fd(fd, &file))
		return sim_next()->pread(fd, data, size, offset);
	return offset < 0 ? ret_errno(-EINVAL) : move_one(READING, &file, fd, data, size, offset);
}
ALIAS_OF(pread) ssize_t pread64(int fd, void *data, size_t size, off64_t offset);

EXPORT ssize_t pwrite(int fd, const void *data, size_t size, off_t offset)
{
	struct sim_file file;

	PASS(pwrite(fd, data, size, offset));
	if (!sim_file_of_fd(fd, &file))
		return sim_next()->pwrite(fd, data, size, offset);
	return offset < 0 ? ret_errno(-EINVAL) : move_one(WRITING, &file, fd, data, size, offset);
}
ALIAS_OF(pwrite) ssize_t pwrite64(int fd, const void *data, size_t size, off64_t offset);

EXPORT ssize_t read(int fd, void *data, size_t size)
{
	struct sim_file file;

	PASS(read(fd, data, size));
	return sim_file_of_fd(fd, &file) ? move_one(READING, &file, fd, data, size, -1)
					 : sim_next()->read(fd, data, size);
}

EXPORT ssize_t write(int fd, const void *data, size_t size)
{
	struct sim_file file;

	PASS(write(fd, data, size));
	return sim_file_of_fd(fd, &file) ? move_one(WRITING, &file, fd, data, size, -1)
					 : sim_next()->write(fd, data, size);
}

EXPORT ssize_t readv(int fd, const struct iovec *iov, int count)
{
	struct sim_file file;

	PASS(readv(fd, iov, count));
	return sim_file_of_fd(fd, &file)
		       ? move_many(READING, fd, (struct sim_io){ &file, iov, count, -1, 0 })
		       : sim_next()->readv(fd, iov, count);
}

EXPORT ssize_t writev(int fd, const struct iovec *iov, int count)
{
	struct sim_file file;

	PASS(writev(fd, iov, count));
	return sim_file_of_fd(fd, &file)
		       ? move_many(WRITING, fd, (struct sim_io){ &file, iov, count, -1, 0 })
		       : sim_next()->writev(fd, iov, count);
}

EXPORT ssize_t preadv(int fd, const struct iovec *iov, int count, off_t offset)
{
	struct sim_file file;

	PASS(preadv(fd, iov, count, offset));
	if (!sim_file_of_fd(fd, &file))
		return sim_next()->preadv(fd, iov, count, offset);
	return offset < 0 ? ret_errno(-EINVAL)
			  : move_many(READING, fd, (struct sim_io){ &file, iov, count, offset, 0 });
}
ALIAS_OF(preadv) ssize_t preadv64(int fd, const struct iovec *iov, int count, off64_t offset);

EXPORT ssize_t pwritev(int fd, const struct iovec *iov, int count, off_t offset)
{
	struct sim_file file;

	PASS(pwritev(fd, iov, count, offset));
	if (!sim_file_of_fd(fd, &file))
		return sim_next()->pwritev(fd, iov, count, offset);
	return offset < 0 ? ret_errno(-EINVAL)
			  : move_many(WRITING, fd, (struct sim_io){ &file, iov, count, offset, 0 });
}
ALIAS_OF(pwritev) ssize_t pwritev64(int fd, const struct iovec *iov, int count, off64_t offset);

EXPORT ssize_t preadv2(int fd, const struct iovec *iov, int count, off_t offset, int flags)
{
	struct sim_file file;

	PASS(preadv2(fd, iov, count, offset, flags));
	return sim_file_of_fd(fd, &file)
		       ? move_many(READING, fd, (struct sim_io){ &file, iov, count, offset, flags })
		       : sim_next()->preadv2(fd, iov, count, offset, flags);
}
ALIAS_OF(preadv2)
ssize_t preadv64v2(int fd, const struct iovec *iov, int count, off64_t offset, int flags);

EXPORT ssize_t pwritev2(int fd, const struct iovec *iov, int count, off_t offset, int flags)
{
	struct sim_file file;

	PASS(pwritev2(fd, iov, count, offset, flags));
	return sim_file_of_fd(fd, &file)
		       ? move_many(WRITING, fd, (struct sim_io){ &file, iov, count, offset, flags })
		       : sim_next()->pwritev2(fd, iov, count, offset, flags);
}
ALIAS_OF(pwritev2)
ssize_t pwritev64v2(int fd, const struct iovec *iov, int count, off64_t offset, int flags);
