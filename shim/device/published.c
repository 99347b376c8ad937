/* SPDX-License-Identifier: MIT */
/*
 * /run/untorn: written whole under another name and renamed, read whole and checked like the
 * answer of a stranger. Start reading at published_read().
 */
#include "device/published.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/real.h"
#include "base/sysfs.h"

static const char magic[PUBLISHED_MAGIC_SIZE] = { 'u', 'n', 't', 'o', 'r', 'n', 0, 2 };

const char *published_directory = PUBLISHED_DIRECTORY;

/* What a record about the disk with this number must say. */
static int describe(dev_t device, struct published *ret_record)
{
	uint64_t block, diskseq, inode;

	if (sysfs_disk_number(device, "diskseq", &diskseq) < 0)
		diskseq = 0;
	int error = sysfs_disk_inode(device, &inode);
	if (!error)
		error = sysfs_disk_number(device, "queue/logical_block_size", &block);
	if (error)
		return error;
	memcpy(ret_record->magic, magic, sizeof(magic));
	ret_record->kind = PUBLISHED_KIND_NVME;
	ret_record->block = (uint32_t)block;
	ret_record->diskseq = diskseq;
	ret_record->inode = inode;
	ret_record->asked = real_now();
	return 0;
}

static bool only_root_writes(int fd, mode_t type)
{
	struct stat st;

	return fstat(fd, &st) == 0 && (st.st_mode & S_IFMT) == type && st.st_uid == 0 &&
	       !(st.st_mode & (S_IWGRP | S_IWOTH));
}

/* Is every user number of this namespace the machine's? "0 0 4294967295" says so. */
static bool knows_root(void)
{
	char map[64];
	unsigned inside, outside, count;

	AUTO_CLOSE int fd = real_open(AT_FDCWD, "/proc/self/uid_map", O_RDONLY | O_CLOEXEC);
	if (fd == -ENOENT) /* a kernel without user namespaces; or no /proc, which says nothing */
		return access("/proc/self", F_OK) == 0;
	ssize_t length = fd < 0 ? -1 : read(fd, map, sizeof(map) - 1);
	if (length <= 0)
		return false;
	map[length] = '\0';
	return sscanf(map, "%u %u %u", &inside, &outside, &count) == 3 && inside == 0 &&
	       outside == 0 && count == UINT32_MAX;
}

static int open_directory(void)
{
	return real_open(AT_FDCWD, published_directory,
			 O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

static int read_record(int directory, const char *name, struct published *ret_record,
		       struct nvme_identity *ret_identity)
{
	char more; /* that must not come */
	struct iovec parts[] = { { ret_record, sizeof(*ret_record) },
				 { ret_identity, sizeof(*ret_identity) },
				 { &more, 1 } };

	AUTO_CLOSE int fd =
		real_open(directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return fd;
	if (!only_root_writes(directory, S_IFDIR) || !only_root_writes(fd, S_IFREG))
		return -EPERM;
	ssize_t length = readv(fd, parts, 3);
	if (length < 0)
		return -errno;
	return length == sizeof(*ret_record) + sizeof(*ret_identity) ? 0 : -EBADMSG;
}

int published_check(const struct published *record, const struct published *expected)
{
	if (memcmp(record->magic, magic, sizeof(magic)) != 0 || record->kind != expected->kind)
		return -EBADMSG;
	if (record->block != expected->block || record->diskseq != expected->diskseq ||
	    record->inode != expected->inode)
		return -ESTALE;
	return 0;
}

int published_read(dev_t device, struct nvme_identity *ret_identity, uint64_t *ret_asked)
{
	struct published record, expected;
	char name[32];

	int error = sysfs_disk_text(device, "dev", name, sizeof(name));
	if (error)
		return error;
	AUTO_CLOSE int directory = open_directory();
	if (directory < 0)
		return directory;
	error = knows_root() ? 0 : -EXDEV;
	if (!error)
		error = read_record(directory, name, &record, ret_identity);
	if (!error)
		error = describe(device, &expected);
	if (!error)
		error = published_check(&record, &expected);
	if (!error)
		*ret_asked = record.asked;
	return error;
}

static int write_record(int directory, const char *name, struct published *record,
			struct nvme_identity *identity)
{
	struct iovec parts[] = { { record, sizeof(*record) }, { identity, sizeof(*identity) } };

	AUTO_CLOSE int fd =
		openat(directory, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd < 0 || fchmod(fd, 0644) < 0)
		return -errno;
	ssize_t length = writev(fd, parts, 2);
	if (length < 0)
		return -errno;
	return length == sizeof(*record) + sizeof(*identity) ? 0 : -ENOSPC;
}

/* For all to read, whatever the umask. */
static int make_directory(void)
{
	if (mkdir(published_directory, 0755) < 0)
		return errno == EEXIST ? 0 : -errno;
	return chmod(published_directory, 0755) < 0 ? -errno : 0;
}

int published_write(dev_t device, struct nvme_identity *identity)
{
	struct published record;
	char name[32], temporary[48];

	int error = sysfs_disk_text(device, "dev", name, sizeof(name));
	if (!error)
		error = describe(device, &record);
	if (error)
		return error;
	error = make_directory();
	if (error)
		return error;
	AUTO_CLOSE int directory = open_directory();
	if (directory < 0)
		return directory;
	if (!only_root_writes(directory, S_IFDIR))
		return -EPERM;
	snprintf(temporary, sizeof(temporary), ".%s.%d", name,
		 getpid()); /* others may publish too */
	unlinkat(directory, temporary, 0);
	error = write_record(directory, temporary, &record, identity);
	if (!error && renameat(directory, temporary, directory, name) < 0)
		error = -errno;
	if (error)
		unlinkat(directory, temporary, 0);
	return error;
}
