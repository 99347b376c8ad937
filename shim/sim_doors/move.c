/* SPDX-License-Identifier: MIT */
/* The C library's functions that move data between descriptors, map it, or make it durable. */
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>

#include "sim_doors/doors.h"
#include "sim/move.h"

static bool is_pipe(int fd)
{
	struct stat st;

	return sim_fstat(fd, &st) == 0 && S_ISFIFO(st.st_mode);
}

static struct sim_end end_of(int fd, off_t *offset)
{
	return (struct sim_end){ fd, offset, is_pipe(fd) };
}

static bool is_node(int fd)
{
	struct sim_node node;

	return sim_node_of_fd(fd, &node);
}

EXPORT ssize_t sendfile(int out, int in, off_t *offset, size_t size)
{
	if (!is_node(out) && !is_node(in))
		return sim_next()->sendfile(out, in, offset, size);
	struct sim_end from = end_of(in, offset), to = end_of(out, NULL);
	return ret_errno(from.is_pipe ? -EINVAL : sim_move(&from, &to, size));
}
ALIAS_OF(sendfile) ssize_t sendfile64(int out, int in, off64_t *offset, size_t size);

EXPORT ssize_t splice(int in, off64_t *in_offset, int out, off64_t *out_offset, size_t size,
		      unsigned flags)
{
	if (!is_node(out) && !is_node(in))
		return sim_next()->splice(in, in_offset, out, out_offset, size, flags);
	struct sim_end from = end_of(in, in_offset), to = end_of(out, out_offset);
	return ret_errno(from.is_pipe || to.is_pipe ? sim_move(&from, &to, size) : -EINVAL);
}

/* It is only for regular files. */
EXPORT ssize_t copy_file_range(int in, off64_t *in_offset, int out, off64_t *out_offset,
			       size_t size, unsigned flags)
{
	if (is_node(in) || is_node(out))
		return ret_errno(-EINVAL);
	return sim_next()->copy_file_range(in, in_offset, out, out_offset, size, flags);
}

EXPORT int fallocate(int fd, int mode, off_t offset, off_t length)
{
	struct sim_file file;

	return sim_file_of_fd(fd, &file)
		       ? (int)ret_errno(sim_move_fallocate(&file, mode, offset, length))
		       : sim_next()->fallocate(fd, mode, offset, length);
}
ALIAS_OF(fallocate) int fallocate64(int fd, int mode, off64_t offset, off64_t length);

/* The C library emulates it on regular files, by small writes of its own. */
EXPORT int posix_fallocate(int fd, off_t offset, off_t length)
{
	return is_node(fd) ? ENODEV : sim_next()->posix_fallocate(fd, offset, length);
}
ALIAS_OF(posix_fallocate) int posix_fallocate64(int fd, off64_t offset, off64_t length);

EXPORT int ftruncate(int fd, off_t length)
{
	return is_node(fd) ? (int)ret_errno(-EINVAL) : sim_next()->ftruncate(fd, length);
}
ALIAS_OF(ftruncate) int ftruncate64(int fd, off64_t length);

/* Linux 6.1, fixed_size_llseek(). */
static off_t seek(int fd, uint64_t size, off_t offset, int whence)
{
	off_t from = whence == SEEK_CUR ? sim_next()->lseek(fd, 0, SEEK_CUR)
					: (off_t)(whence == SEEK_END ? size : 0);

	if ((whence != SEEK_SET && whence != SEEK_CUR && whence != SEEK_END) || from < 0 ||
	    offset < -from || offset > (off_t)size - from)
		return ret_errno(-EINVAL);
	/* SEEK_CUR takes one step: other threads may move the position. */
	return whence == SEEK_CUR ? sim_next()->lseek(fd, offset, SEEK_CUR)
				  : sim_next()->lseek(fd, from + offset, SEEK_SET);
}

EXPORT off_t lseek(int fd, off_t offset, int whence)
{
	struct sim_file file;

	if (!sim_file_of_fd(fd, &file) || file.node.generic || (file.flags & O_PATH))
		return sim_next()->lseek(fd, offset, whence);
	return seek(fd, file.node.size, offset, whence);
}
ALIAS_OF(lseek) off64_t lseek64(int fd, off64_t offset, int whence);

EXPORT void *mmap(void *address, size_t length, int protection, int flags, int fd, off_t offset)
{
	struct sim_file file;

	if ((flags & MAP_ANONYMOUS) || !sim_file_of_fd(fd, &file))
		return sim_next()->mmap(address, length, protection, flags, fd, offset);
	return sim_mirror_map(&file, address, length, protection, flags, offset);
}
ALIAS_OF(mmap)
void *mmap64(void *address, size_t length, int protection, int flags, int fd, off64_t offset);

EXPORT int msync(void *address, size_t length, int flags)
{
	int error = sim_mirror_sync(address, length, flags & MS_SYNC);

	return error ? (int)ret_errno(error) : sim_next()->msync(address, length, flags);
}

/* True: the advice is to have the disk make blocks zero by itself, which it cannot. */
static bool removes(const void *address, int advice)
{
	return advice == MADV_REMOVE && sim_mirror_has(address);
}

EXPORT int madvise(void *address, size_t length, int advice)
{
	return removes(address, advice) ? (int)ret_errno(-EOPNOTSUPP)
					: sim_next()->madvise(address, length, advice);
}

EXPORT int posix_madvise(void *address, size_t length, int advice)
{
	return removes(address, advice) ? EOPNOTSUPP
					: sim_next()->posix_madvise(address, length, advice);
}

/* The message may bring descriptors from a process that has a node open. */
static ssize_t received(ssize_t result, const struct msghdr *message)
{
	if (result >= 0 && message->msg_controllen && !sim_has_any())
		sim_node_arrived();
	return result;
}

EXPORT ssize_t recvmsg(int fd, struct msghdr *message, int flags)
{
	return received(sim_next()->recvmsg(fd, message, flags), message);
}

static int flush_of(int fd, int (*next)(int))
{
	struct sim_file file;

	if (!sim_file_of_fd(fd, &file) || (file.flags & O_PATH))
		return next(fd);
	return (int)ret_errno(file.node.generic ? -EINVAL : sim_mirror_flush(file.node.disk));
}

EXPORT int fsync(int fd)
{
	return flush_of(fd, sim_next()->fsync);
}

EXPORT int fdatasync(int fd)
{
	return flush_of(fd, sim_next()->fdatasync);
}

EXPORT int syncfs(int fd)
{
	return flush_of(fd, sim_next()->syncfs);
}

EXPORT void sync(void)
{
	for (unsigned i = 0; sim_has_any() && i < sim_disk_count(); i++)
		sim_mirror_flush(sim_disk_at(i));
	sim_next()->sync();
}
