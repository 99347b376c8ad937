/* SPDX-License-Identifier: MIT */
/*
 * Reads a disk's identity. The number of the disk is its sequence number (BLKGETDISKSEQ, 5.15), or
 * before that the inode of its directory in /sys, which kernfs does not reuse either.
 *
 * The start of a partition comes from HDIO_GETGEO, the only ioctl that tells it. A whole disk
 * starts at 0 and is not asked: the SCSI driver would read the partition table into the disk's page
 * cache (scsi_bios_ptable), where a write with RWF_NOWAIT would find it.
 */
#include "device/identity.h"

#include <errno.h>
#include <linux/hdreg.h>
#include <sys/mount.h>

#include "base/real.h"
#include "base/sysfs.h"

#ifndef BLKSSZGET
#define BLKSSZGET _IO(0x12, 104)
#endif
#ifndef BLKGETDISKSEQ
#define BLKGETDISKSEQ _IOR(0x12, 128, uint64_t)
#endif

enum { SECTOR = 512 }; /* the unit of start and size in the kernel, whatever the logical block */

static int start_from_sysfs(dev_t device, uint64_t *ret_start)
{
	uint64_t sectors = 0;

	int error = sysfs_number(device, "start", &sectors);
	if (!error)
		*ret_start = sectors * SECTOR;
	return error;
}

static int read_start(int fd, dev_t device, uint64_t *ret_start)
{
	struct hd_geometry geometry;

	if (fd < 0 || real_ioctl(fd, HDIO_GETGEO, &geometry) < 0)
		return start_from_sysfs(device, ret_start);
	*ret_start = (uint64_t)geometry.start * SECTOR;
	return 0;
}

int identity_sequence(int fd, dev_t device, uint64_t *ret_sequence)
{
	return fd >= 0 ? real_ioctl(fd, BLKGETDISKSEQ, ret_sequence)
		       : sysfs_disk_number(device, "diskseq", ret_sequence);
}

/* Linux before 5.15 has no sequence numbers: drivers return ENOTTY, the SCSI driver EINVAL, /sys
 * ENOENT. Any other error is no answer. */
static int read_disk(int fd, dev_t device, uint64_t *ret_disk)
{
	int error = identity_sequence(fd, device, ret_disk);

	if (error == -ENOTTY || error == -EINVAL || error == -ENOENT)
		return sysfs_inode(device, ret_disk);
	return error;
}

int identity_block(int fd, dev_t device, uint32_t *ret_block)
{
	uint64_t number;

	if (fd >= 0)
		return real_ioctl(fd, BLKSSZGET, ret_block);
	int error = sysfs_disk_number(device, "queue/logical_block_size", &number);
	if (!error)
		*ret_block = (uint32_t)number;
	return error;
}

/* Never guesses: a partition taken for the whole disk would be written at the wrong offset. */
int identity_read(int fd, dev_t device, struct identity *ret_identity)
{
	struct identity identity = { 0 };

	int error = read_disk(fd, device, &identity.disk);
	if (!error)
		error = sysfs_find_partition(device, &identity.partition);
	if (!error && identity.partition)
		error = read_start(fd, device, &identity.start);
	if (!error)
		*ret_identity = identity;
	return error;
}

bool identity_equal(const struct identity *a, const struct identity *b)
{
	return a->disk == b->disk && a->partition == b->partition && a->start == b->start;
}

bool identity_is_current(int fd, dev_t device)
{
	uint64_t by_fd, by_number;

	return identity_sequence(fd, device, &by_fd) == 0 &&
	       identity_sequence(-1, device, &by_number) == 0 && by_fd == by_number;
}
