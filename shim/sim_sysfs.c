/* SPDX-License-Identifier: MIT */
/*
 * /sys/dev/block/240:N of the simulated disk and its partitions: the attributes that tell what a
 * block device is. Anything else under /sys is the kernel's.
 */
#include "sim.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "sim_next.h"

#define ROOT "/sys/dev/block/240:"

/* The node that the path is about, and what follows its directory, "../" resolved. */
static const char *split(const char *path, struct sim_node *ret_node)
{
	const char *rest = path + strlen(ROOT);

	if (strncmp(path, ROOT, strlen(ROOT)) != 0 || rest[0] < '0' || rest[0] > '9' ||
	    rest[1] != '/' || !sim_node_of_number((unsigned)(rest[0] - '0'), ret_node))
		return NULL;
	rest += 2;
	if (ret_node->part && strncmp(rest, "../", 3) == 0) {
		sim_node_of_number(0, ret_node);
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
		return number(text, size, disk->block);
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
		return snprintf(text, size, "write back\n");
	return strcmp(name, "fua") == 0 ? number(text, size, 1) : -ENOENT;
}

static int attribute(const struct sim_node *node, const char *name, char *text, size_t size)
{
	const char *base = strrchr(node->disk->node, '/') + 1;
	bool part = node->part;

	if (strcmp(name, "dev") == 0)
		return snprintf(text, size, "%d:%u\n", SIM_MAJOR, node->part);
	if (strcmp(name, "size") == 0)
		return number(text, size, node->size / SIM_SECTOR);
	if (part && strcmp(name, "start") == 0)
		return number(text, size, node->start / SIM_SECTOR);
	if (part && strcmp(name, "partition") == 0)
		return number(text, size, node->part);
	if (part)
		return -ENOENT;
	if (strcmp(name, "diskseq") == 0)
		return number(text, size, 1);
	if (strcmp(name, "uevent") == 0)
		return snprintf(text, size, "MAJOR=%d\nMINOR=0\nDEVNAME=%s\nDEVTYPE=disk\n",
				SIM_MAJOR, base);
	if (strncmp(name, "queue/", 6) == 0)
		return queue_attribute(node->disk, name + 6, text, size);
	if (!node->disk->no_nvme && strcmp(name, "device/model") == 0)
		return snprintf(text, size, "untorn simulated disk\n");
	return -ENOENT;
}

/* In a file without a name, so that it can be read like any other. */
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
	char text[128];

	const char *name = sim_config() ? split(path, &node) : NULL;
	if (!name)
		return -EXDEV;
	int length = attribute(&node, name, text, sizeof(text));
	return length < 0 ? length : file_with(text, (size_t)length);
}

ssize_t sim_sysfs_readlink(const char *path, char *buffer, size_t size)
{
	static const char target[] = "../../../../class/nvme";
	struct sim_node node;

	const char *name = sim_config() ? split(path, &node) : NULL;
	if (!name)
		return -EXDEV;
	if (node.part || node.disk->no_nvme || strcmp(name, "device/subsystem") != 0)
		return -ENOENT;
	size_t length = size < strlen(target) ? size : strlen(target);
	memcpy(buffer, target, length);
	return (ssize_t)length;
}

int sim_sysfs_stat(const char *path, struct stat *st)
{
	struct sim_node node;

	const char *name = sim_config() ? split(path, &node) : NULL;
	if (!name)
		return -EXDEV;
	if (*name)
		return -ENOENT;
	memset(st, 0, sizeof(*st));
	st->st_mode = S_IFDIR | 0755;
	st->st_ino = 0x51000000 + node.part; /* "SI" */
	return 0;
}
