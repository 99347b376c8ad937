/* SPDX-License-Identifier: MIT */
/*
 * Finds and opens a disk's generic node. The node is opened for each command: the program could
 * close a descriptor that we keep and give its number to another file, and one descriptor takes
 * only 16 commands at a time.
 *
 * The kernel reuses the numbers of sg nodes and the addresses of disks. The order of the steps is
 * the proof: opening the node pins the disk behind it; the node tells its address; then fd's disk
 * must still be alive at that address. Two living disks never have the same address.
 */
#include "device/generic.h"

#include <errno.h>
#include <fcntl.h>
#include <scsi/scsi.h>
#include <scsi/sg.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

#include "device/identity.h"
#include "base/real.h"
#include "base/sysfs.h"

/* "2:0:1:0" is the name of the disk's parent in /sys. */
static int read_address(dev_t disk, struct generic *ret_generic)
{
	char name[48];

	int error = sysfs_disk_link(disk, "device", name, sizeof(name));
	if (error)
		return error;
	return sscanf(name, "%d:%d:%d:%llu", &ret_generic->host, &ret_generic->channel,
		      &ret_generic->target, &ret_generic->logical_unit) == 4
		       ? 0
		       : -ENODEV;
}

int generic_find(dev_t disk, struct generic *ret_generic)
{
	struct generic generic = { .disk = disk };

	int error = read_address(disk, &generic);
	if (error)
		return error;
	if (sysfs_disk_link(disk, "device/generic", generic.node, sizeof(generic.node)) < 0)
		*generic.node = '\0';
	*ret_generic = generic;
	return 0;
}

static bool has_same_address(const struct generic *a, const struct generic *b)
{
	return a->host == b->host && a->channel == b->channel && a->target == b->target &&
	       a->logical_unit == b->logical_unit;
}

static bool is_node_of(const struct generic *generic, int node)
{
	struct sg_scsi_id id;

	if (real_ioctl(node, SG_GET_SCSI_ID, &id) < 0)
		return false;
	struct generic there = { .host = id.host_no,
				 .channel = id.channel,
				 .target = id.scsi_id,
				 .logical_unit = (unsigned)id.lun };
	return has_same_address(generic, &there);
}

/* True: the device number still leads to the disk that fd has open. Linux 5.15 and later give each
 * disk a sequence number, and never twice. Before that, the driver keeps a device number as long as
 * anybody has it open (drivers/scsi/sd.c: scsi_disk_release). */
static bool is_current(const struct generic *generic, int fd)
{
	uint64_t sequence;

	return identity_sequence(fd, generic->disk, &sequence) == -ENOTTY ||
	       identity_is_current(fd, generic->disk);
}

static bool is_at_its_address(const struct generic *generic)
{
	struct generic now;

	return read_address(generic->disk, &now) == 0 && has_same_address(generic, &now);
}

/* The ioctl tells the disk's address, one byte of each part, and fails once the disk is removed. On
 * a partition it needs CAP_SYS_RAWIO (else ENOTTY), so /sys is asked instead. */
static bool is_alive(const struct generic *generic, int fd)
{
	struct {
		uint32_t address, unique;
	} id;

	int error = real_ioctl(fd, SCSI_IOCTL_GET_IDLUN, &id);
	if (error == -ENOTTY)
		return is_current(generic, fd) && is_at_its_address(generic);
	return !error && (id.address >> 24 & 0xff) == ((unsigned)generic->host & 0xff) &&
	       (id.address >> 16 & 0xff) == ((unsigned)generic->channel & 0xff) &&
	       (id.address >> 8 & 0xff) == (generic->logical_unit & 0xff) &&
	       (id.address & 0xff) == ((unsigned)generic->target & 0xff);
}

int generic_open(const struct generic *generic, int fd)
{
	char path[32];

	if (!*generic->node)
		return -ENOENT;
	snprintf(path, sizeof(path), "/dev/%s", generic->node);
	/* O_NONBLOCK: do not wait for a process that has the node open with O_EXCL. */
	int node = real_open(AT_FDCWD, path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (node < 0)
		return node;
	if (is_node_of(generic, node) && (fd < 0 || is_alive(generic, fd)))
		return node;
	real_close(node);
	return -ENODEV;
}
