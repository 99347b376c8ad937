/* SPDX-License-Identifier: MIT */
/*
 * Opens a namespace's generic node. The kernel reuses names and numbers of nodes. The order of the
 * steps is the proof: the block device has been open from before; opening the node pins the
 * namespace behind it; then the block device still has its number, and with it its name. So all the
 * while no other namespace had the node's name.
 */
#include "device/nvme_node.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/nvme_ioctl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "device/identity.h"
#include "base/real.h"
#include "base/sysfs.h"

enum { NAME_SIZE = 32 };

/* "ng0n1" is the node of the disk "nvme0n1" (drivers/nvme/host/core.c, multipath.c). */
static int read_name(dev_t device, char ret_name[NAME_SIZE])
{
	char disk[NAME_SIZE];

	int error = sysfs_disk_name(device, disk, sizeof(disk));
	if (error)
		return error;
	if (strncmp(disk, "nvme", 4) != 0)
		return -ENOENT;
	snprintf(ret_name, NAME_SIZE, "ng%s", disk + 4);
	return 0;
}

static bool has_number(int node, dev_t device, const char *name)
{
	char attribute[NAME_SIZE + 16], number[32], there[32];
	struct stat st;

	snprintf(attribute, sizeof(attribute), "device/%s/dev", name);
	if (sysfs_disk_text(device, attribute, number, sizeof(number)) < 0 ||
	    fstat(node, &st) < 0 || !S_ISCHR(st.st_mode))
		return false;
	snprintf(there, sizeof(there), "%u:%u", major(st.st_rdev), minor(st.st_rdev));
	return strcmp(number, there) == 0;
}

int nvme_node_open(int fd, dev_t device, uint32_t nsid)
{
	char name[NAME_SIZE], path[NAME_SIZE + 8];

	int error = read_name(device, name);
	if (error)
		return error;
	snprintf(path, sizeof(path), "/dev/%s", name);
	int node = real_open(AT_FDCWD, path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (node < 0)
		return node;
	if (has_number(node, device, name) && real_ioctl(node, NVME_IOCTL_ID, NULL) == (int)nsid &&
	    identity_is_current(fd, device))
		return node;
	real_close(node);
	return -ENODEV;
}
