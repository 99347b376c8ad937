/* SPDX-License-Identifier: MIT */
/*
 * Writes and reads the records in /run/untorn. A record is written whole under another name, then
 * renamed. It is read whole, and checked like data from an untrusted source. Start reading at
 * published_read().
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
#include "base/trusted.h"

static const char magic[PUBLISHED_MAGIC_SIZE] = { 'u', 'n', 't', 'o', 'r', 'n', 0, 3 };

const char *published_directory = PUBLISHED_DIRECTORY;

/* Fills in the values that a record about this disk must have now. */
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

/* ret_identity NULL: reads only the part before the identity. */
static int read_record(const char *name, struct published *ret_record,
		       struct nvme_identity *ret_identity)
{
	size_t size = ret_identity ? sizeof(*ret_identity) : 0;
	char more; /* one byte too many: it must not come */
	struct iovec parts[] = { { ret_record, sizeof(*ret_record) },
				 { ret_identity, size },
				 { &more, 1 } };

	AUTO_CLOSE int fd = trusted_open(published_directory, name);
	if (fd < 0)
		return fd;
	ssize_t length = readv(fd, parts, size ? 3 : 1);
	if (length < 0)
		return -errno;
	return length == (ssize_t)(sizeof(*ret_record) + size) ? 0 : -EBADMSG;
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

/* Reads the disk's record and checks that it is about this disk. */
static int read_current(dev_t device, struct published *ret_record,
			struct nvme_identity *ret_identity)
{
	struct published expected;
	char name[32];

	int error = sysfs_disk_text(device, "dev", name, sizeof(name));
	if (!error)
		error = read_record(name, ret_record, ret_identity);
	if (!error)
		error = describe(device, &expected);
	return error ? error : published_check(ret_record, &expected);
}

int published_read(dev_t device, struct nvme_identity *ret_identity, uint64_t *ret_asked)
{
	struct published record;

	int error = read_current(device, &record, ret_identity);
	if (!error)
		*ret_asked = record.asked;
	return error;
}

int published_decision(dev_t device, struct decision *ret_decision)
{
	struct published record;

	int error = read_current(device, &record, NULL);
	if (!error && (record.nvme_policy > NVME_POLICY_CONTROLLER || record.rules > RULES_DEVICE))
		error = -EBADMSG;
	if (!error)
		*ret_decision = (struct decision){ record.nvme_policy, record.rules };
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

/* Makes the directory readable for all, whatever the umask. */
static int make_directory(void)
{
	if (mkdir(published_directory, 0755) < 0)
		return errno == EEXIST ? 0 : -errno;
	return chmod(published_directory, 0755) < 0 ? -errno : 0;
}

int published_write(dev_t device, struct nvme_identity *identity, struct decision decision)
{
	struct published record;
	char name[32], temporary[48];

	int error = sysfs_disk_text(device, "dev", name, sizeof(name));
	if (!error)
		error = describe(device, &record);
	if (error)
		return error;
	record.nvme_policy = decision.nvme_policy;
	record.rules = decision.rules;
	error = make_directory();
	if (error)
		return error;
	AUTO_CLOSE int directory = trusted_directory(published_directory);
	if (directory < 0)
		return directory;
	snprintf(temporary, sizeof(temporary), ".%s.%d", name,
		 getpid()); /* another process may publish too */
	unlinkat(directory, temporary, 0);
	error = write_record(directory, temporary, &record, identity);
	if (!error && renameat(directory, temporary, directory, name) < 0)
		error = -errno;
	if (error)
		unlinkat(directory, temporary, 0);
	return error;
}
