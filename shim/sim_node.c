/* SPDX-License-Identifier: MIT */
/* Which node is meant by a path, a descriptor or a number; what stat says of it. */
#include "sim.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "sim_next.h"

static void set_node(const struct sim_disk *disk, unsigned part, struct sim_node *ret_node)
{
	*ret_node = (struct sim_node){ .disk = disk, .part = part, .size = disk->size };
	if (part) {
		ret_node->start = disk->parts[part - 1].start * SIM_SECTOR;
		ret_node->size = disk->parts[part - 1].count * SIM_SECTOR;
	}
}

static void file_of(const struct sim_disk *disk, unsigned part, char path[300])
{
	if (part)
		snprintf(path, 300, "%s.p%u", disk->image, part);
	else
		snprintf(path, 300, "%s", disk->image);
}

bool sim_node_of_number(unsigned minor, struct sim_node *ret_node)
{
	const struct sim_disk *disk = sim_config();

	if (!disk || minor > disk->part_count)
		return false;
	set_node(disk, minor, ret_node);
	return true;
}

/* "NODE" or "NODEp1" */
bool sim_node_of_path(const char *path, struct sim_node *ret_node)
{
	const struct sim_disk *disk = sim_config();
	size_t length = disk ? strlen(disk->node) : 0;

	if (!disk || !path || strncmp(path, disk->node, length) != 0)
		return false;
	const char *rest = path + length;
	if (!*rest)
		return sim_node_of_number(0, ret_node);
	if (rest[0] != 'p' || rest[1] < '1' || rest[1] > '9' || rest[2])
		return false;
	return sim_node_of_number((unsigned)(rest[1] - '0'), ret_node);
}

/* The inodes of the nodes' files; 0 until a node was opened once by anyone. */
bool sim_node_of_fd(int fd, struct sim_node *ret_node)
{
	const struct sim_disk *disk = sim_config();
	struct stat asked, known;
	char path[300];

	if (!disk || sim_next()->fstat(fd, &asked) < 0 || !S_ISREG(asked.st_mode))
		return false;
	for (unsigned part = 0; part <= disk->part_count; part++) {
		file_of(disk, part, path);
		if (sim_next()->stat(path, &known) == 0 && known.st_ino == asked.st_ino &&
		    known.st_dev == asked.st_dev) {
			set_node(disk, part, ret_node);
			return true;
		}
	}
	return false;
}

/* At least this large; a partition's, which holds nothing, exactly. */
static int make_file(const char *path, uint64_t size, bool exactly)
{
	struct stat st = { 0 };
	int fd = sim_next()->open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0)
		return -errno;
	int error = sim_next()->fstat(fd, &st) < 0 ? -errno : 0;
	bool good = (uint64_t)st.st_size == size || (!exactly && (uint64_t)st.st_size > size);
	if (!error && !good && ftruncate(fd, (off_t)size) < 0)
		error = -errno;
	close(fd);
	return error;
}

int sim_node_open(const struct sim_node *node, int flags)
{
	char path[300];

	if (!node->disk->size)
		return -ENXIO; /* a configuration that was not understood */
	file_of(node->disk, node->part, path);
	int error = make_file(node->disk->image, node->disk->size, false);
	if (!error && node->part)
		error = make_file(path, node->size, true);
	if (error)
		return error;
	int fd = sim_next()->open(path, flags & ~(O_CREAT | O_EXCL | O_TRUNC));
	return fd < 0 ? -errno : fd;
}

void sim_node_stat(const struct sim_node *node, struct stat *st)
{
	st->st_mode = S_IFBLK | 0660;
	st->st_rdev = makedev(SIM_MAJOR, node->part);
	st->st_size = 0;
	st->st_blocks = 0;
}

/* As a kernel before 6.1 says it: what it does not know of stays 0. */
void sim_node_statx(const struct sim_node *node, struct statx *stx)
{
	const size_t known = 0x98; /* from stx_dio_mem_align on (6.1) */

	stx->stx_mask &= STATX_ALL;
	stx->stx_mode = S_IFBLK | 0660;
	stx->stx_rdev_major = SIM_MAJOR;
	stx->stx_rdev_minor = node->part;
	stx->stx_size = 0;
	stx->stx_blocks = 0;
	stx->stx_attributes = 0;
	stx->stx_attributes_mask = 0;
	memset((char *)stx + known, 0, sizeof(*stx) - known);
}
