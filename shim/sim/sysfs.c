/* SPDX-License-Identifier: MIT */
/*
 * /sys/dev/block/240:N of the simulated disk and its partitions: the attributes that tell what a
 * block device is, and the SCSI device's. Anything else under /sys is the kernel's.
 */
#include "sim/sim.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "sim/next.h"
#include "sim/scsi.h"

#define ROOT "/sys/dev/block/240:"

/* Finds the node of the path, and returns the part behind its directory, with "../" resolved. NULL:
 * not ours. */
static const char *split(const char *path, struct sim_node *ret_node)
{
	char *rest;

	if (!sim_disk_count() || strncmp(path, ROOT, strlen(ROOT)) != 0)
		return NULL;
	unsigned long minor = strtoul(path + strlen(ROOT), &rest, 10);
	if (rest == path + strlen(ROOT) || *rest++ != '/' ||
	    !sim_node_of_number((unsigned)minor, ret_node))
		return NULL;
	if (ret_node->part && strncmp(rest, "../", 3) == 0) {
		sim_node_of_number(ret_node->disk->index * SIM_MINORS, ret_node);
		rest += 3;
	}
	return rest;
}

static int number(char *text, size_t size, unsigned long long value)
{
	return snprintf(text, size, "%llu\n", value);
}

static int queue_attribute(const struct sim_disk *disk, const char *name, char *text, size_t size)
{
	if (strcmp(name, "logical_block_size") == 0)
		return number(text, size, disk->kernel_block ? disk->kernel_block : disk->block);
	if (strcmp(name, "physical_block_size") == 0)
		return number(text, size, (unsigned long long)disk->block << disk->lbppbe);
	if (strcmp(name, "max_hw_sectors_kb") == 0)
		return number(text, size, disk->max_hw_kb);
	if (strcmp(name, "max_segments") == 0)
		return number(text, size, disk->max_segments);
	if (strcmp(name, "chunk_sectors") == 0)
		return number(text, size, disk->chunk_sectors);
	if (strcmp(name, "dma_alignment") == 0)
		return number(text, size, disk->dma_alignment);
	if (strcmp(name, "zoned") == 0)
		return snprintf(text, size, "%s\n", disk->zoned);
	if (strcmp(name, "write_cache") == 0)
		return snprintf(text, size, "write %s\n", disk->no_cache ? "through" : "back");
	if (strcmp(name, "fua") == 0)
		return number(text, size, !disk->no_cache && !disk->no_fua);
	return -ENOENT;
}

/* Linux 6.1, drivers/scsi/scsi_sysfs.c; scsi_level is the INQUIRY version + 1. */
static int scsi_attribute(const struct sim_disk *disk, const char *name, char *text, size_t size)
{
	static const char *const texts[][2] = {
		{ "type", "0\n" },          { "scsi_level", "7\n" },
		{ "vendor", "untorn  \n" }, { "model", "simulated disk  \n" },
		{ "rev", "1   \n" },
	};

	if (strcmp(name, "vpd_pgb0") == 0 && !disk->no_vpd)
		return sim_scsi_inquiry(disk, 0xb0, (uint8_t *)text);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		if (strcmp(name, texts[i][0]) == 0)
			return snprintf(text, size, "%s", texts[i][1]);
	}
	return -ENOENT;
}

static int attribute(const struct sim_node *node, const char *name, char *text, size_t size)
{
	const char *base = strrchr(node->disk->node, '/') + 1;
	unsigned minor = node->disk->index * SIM_MINORS + node->part;
	bool part = node->part;

	if (strcmp(name, "dev") == 0)
		return snprintf(text, size, "%d:%u\n", SIM_MAJOR, minor);
	if (strcmp(name, "size") == 0)
		return number(text, size, node->size / SIM_SECTOR);
	if (strcmp(name, "ro") == 0)
		return number(text, size, sim_disk_is_read_only(node->disk));
	if (part && strcmp(name, "start") == 0)
		return number(text, size, node->start / SIM_SECTOR);
	if (part && strcmp(name, "partition") == 0)
		return number(text, size, node->part);
	if (part)
		return -ENOENT;
	if (strcmp(name, "diskseq") == 0)
		return number(text, size, 1 + node->disk->index);
	if (strcmp(name, "uevent") == 0)
		return snprintf(text, size, "MAJOR=%d\nMINOR=%u\nDEVNAME=%s\nDEVTYPE=disk\n",
				SIM_MAJOR, minor, base);
	if (strncmp(name, "queue/", 6) == 0)
		return queue_attribute(node->disk, name + 6, text, size);
	if (node->disk->kind == SIM_SCSI && strncmp(name, "device/", 7) == 0)
		return scsi_attribute(node->disk, name + 7, text, size);
	if (node->disk->kind == SIM_NVME && strcmp(name, "device/model") == 0)
		return snprintf(text, size, "untorn simulated disk\n");
	if (node->disk->kind == SIM_NVME && strcmp(name, "device/serial") == 0)
		return snprintf(text, size, "untorn-sim          \n");
	return -ENOENT;
}

/* Puts the text into a file without a name, which can be read like any other. */
static int file_with(const char *text, size_t length)
{
	int fd = memfd_create("untorn-sim", MFD_CLOEXEC);

	if (fd < 0)
		return -errno;
	if (sim_next()->pwrite(fd, text, length, 0) != (ssize_t)length) {
		close(fd);
		return -EIO;
	}
	return fd;
}

int sim_sysfs_open(const char *path)
{
	struct sim_node node;
	char text[SIM_SCSI_PAGE] = "";

	const char *name = split(path, &node);
	if (!name)
		return -EXDEV;
	int length = attribute(&node, name, text, sizeof(text));
	return length < 0 ? length : file_with(text, (size_t)length);
}

static int link_target(const struct sim_disk *disk, const char *name, char *text, size_t size)
{
	bool scsi = disk->kind == SIM_SCSI;

	if (strcmp(name, "device/subsystem") == 0 && disk->kind != SIM_NEITHER)
		return snprintf(text, size,
				scsi ? "../../../../../../bus/scsi" : "../../../../class/nvme");
	if (strcmp(name, "device") == 0 && scsi)
		return snprintf(text, size, "../../../2:0:%u:0", 1 + disk->index);
	if (strcmp(name, "device/generic") == 0 && disk->has_sg)
		return snprintf(text, size, "scsi_generic/sg%u", disk->sg);
	return -ENOENT;
}

/* The target of the link /sys/dev/block/240:N. */
static int node_target(const struct sim_node *node, char *text, size_t size)
{
	const char *base = strrchr(node->disk->node, '/') + 1;

	if (!node->part)
		return snprintf(text, size, "../../devices/virtual/block/%s", base);
	return snprintf(text, size, "../../devices/virtual/block/%s/%sp%u", base, base, node->part);
}

/* True: the path is /sys/dev/block/240:N and ends there. */
static bool is_number(const char *path, struct sim_node *ret_node)
{
	char *rest;

	if (!sim_disk_count() || strncmp(path, ROOT, strlen(ROOT)) != 0)
		return false;
	unsigned long minor = strtoul(path + strlen(ROOT), &rest, 10);
	return !*rest && sim_node_of_number((unsigned)minor, ret_node);
}

ssize_t sim_sysfs_readlink(const char *path, char *buffer, size_t size)
{
	struct sim_node node;
	char target[256];
	int length;

	const char *name = split(path, &node);
	if (name)
		length = node.part ? -ENOENT : link_target(node.disk, name, target, sizeof(target));
	else if (is_number(path, &node))
		length = node_target(&node, target, sizeof(target));
	else
		return -EXDEV;
	if (length < 0)
		return length;
	if ((size_t)length > size)
		length = (int)size;
	memcpy(buffer, target, (size_t)length);
	return length;
}

int sim_sysfs_stat(const char *path, struct stat *st)
{
	struct sim_node node;

	const char *name = split(path, &node);
	if (!name)
		return -EXDEV;
	bool is_part = node.part && strcmp(name, "partition") == 0;
	if (*name && !is_part)
		return -ENOENT;
	memset(st, 0, sizeof(*st));
	st->st_mode = is_part ? S_IFREG | 0444 : S_IFDIR | 0755;
	st->st_ino = 0x51000000 + node.disk->index * SIM_MINORS + node.part; /* "SI" */
	return 0;
}
