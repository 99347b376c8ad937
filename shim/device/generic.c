/* SPDX-License-Identifier: MIT */
/*
 * The node is opened for each command: a descriptor that is kept could be closed by the program
 * and its number given to something else, and takes 16 commands at a time.
 *
 * Numbers of sg nodes, and addresses of disks, are given out again. Order makes the proof: the node
 * is opened first, which pins what is behind it; it says which address it has; and then the disk
 * must still be alive at that address, for two living disks never have the same.
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

/* Does the device number still lead to the disk that the fd has open? Kernels from 5.15 on number
 * disks, and never again. Before that the driver keeps a device number for as long as anybody has
 * it open (drivers/scsi/sd.c: scsi_disk_release). */
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

/* The disk itself says so, until it is taken away: one byte of each part. A partition's descriptor
 * may not ask it, but for those who have CAP_SYS_RAWIO. */
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
	/* Without waiting for somebody who has it for himself. */
	int node = real_open(AT_FDCWD, path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (node < 0)
		return node;
	if (is_node_of(generic, node) && (fd < 0 || is_alive(generic, fd)))
		return node;
	real_close(node);
	return -ENODEV;
}
