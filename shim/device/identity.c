/* SPDX-License-Identifier: MIT */
/*
 * The disk's number is its sequence number (BLKGETDISKSEQ, 5.15), or before that the inode of its
 * directory in /sys, which kernfs does not give out again either. The start of a partition comes
 * from HDIO_GETGEO, the one ioctl that tells it. A whole disk is not asked, nor need it be: the
 * SCSI driver would read the partition table into its page cache (scsi_bios_ptable), where a write
 * with RWF_NOWAIT then finds it.
 */
#include "device/identity.h"

#include <errno.h>
#include <linux/hdreg.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>

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

static int read_disk(int fd, dev_t device, uint64_t *ret_disk)
{
	return identity_sequence(fd, device, ret_disk) == 0 ? 0 : sysfs_inode(device, ret_disk);
}

/* The bare system call, for fstat() of glibc before 2.39 makes another one, which takes five times
 * as long before Linux 6.11. To the kernel a simulated disk below us is a file: only fstat() knows.
 */
int identity_number(int fd, dev_t *ret_number)
{
	struct stat st;

	int error = (int)real_syscall(SYS_fstat, fd, (long)&st, 0, 0, 0, 0);
	if (!error && S_ISREG(st.st_mode) && fstat(fd, &st) < 0)
		error = -errno;
	if (error)
		return error;
	*ret_number = st.st_rdev;
	return S_ISBLK(st.st_mode) ? 0 : -ENOTBLK;
}

static int read_block(int fd, dev_t device, uint32_t *ret_block)
{
	uint64_t number;

	if (fd >= 0)
		return real_ioctl(fd, BLKSSZGET, ret_block);
	int error = sysfs_disk_number(device, "queue/logical_block_size", &number);
	if (!error)
		*ret_block = (uint32_t)number;
	return error;
}

/* As long as it is the same disk, a number stands for the whole of it or for a part. A partition
 * that were taken for the whole would be written at another place: so no guess here. */
static int read_partition(dev_t device, uint64_t disk, const struct identity *known,
			  bool *ret_partition)
{
	if (!known || known->disk != disk)
		return sysfs_find_partition(device, ret_partition);
	*ret_partition = known->partition;
	return 0;
}

int identity_read(int fd, dev_t device, const struct identity *known, struct identity *ret_identity)
{
	struct identity identity = { 0 };

	int error = read_disk(fd, device, &identity.disk);
	if (!error)
		error = read_partition(device, identity.disk, known, &identity.partition);
	if (!error && identity.partition)
		error = read_start(fd, device, &identity.start);
	if (!error)
		error = read_block(fd, device, &identity.block);
	if (!error)
		*ret_identity = identity;
	return error;
}

bool identity_equal(const struct identity *a, const struct identity *b)
{
	return a->disk == b->disk && a->partition == b->partition && a->start == b->start &&
	       a->block == b->block;
}

bool identity_is_current(int fd, dev_t device)
{
	uint64_t by_fd, by_number;

	return identity_sequence(fd, device, &by_fd) == 0 &&
	       identity_sequence(-1, device, &by_number) == 0 && by_fd == by_number;
}
