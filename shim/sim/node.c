/* SPDX-License-Identifier: MIT */
/* Which node is meant by a path, a descriptor or a number; what stat says of it. */
#include "sim/sim.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "sim/next.h"

static void set_node(const struct sim_disk *disk, unsigned part, struct sim_node *ret_node)
{
	*ret_node = (struct sim_node){ .disk = disk, .part = part, .size = disk->size };
	if (part) {
		ret_node->start = disk->parts[part - 1].start * SIM_SECTOR;
		ret_node->size = disk->parts[part - 1].count * SIM_SECTOR;
	}
}

static void set_generic(const struct sim_disk *disk, struct sim_node *ret_node)
{
	*ret_node = (struct sim_node){ .disk = disk, .generic = true };
}

static void file_of(const struct sim_node *node, char path[300])
{
	const char *image = node->disk->image;

	if (node->generic)
		snprintf(path, 300, "%s.sg", image);
	else if (node->part)
		snprintf(path, 300, "%s.p%u", image, node->part);
	else
		snprintf(path, 300, "%s", image);
}

bool sim_node_of_number(unsigned minor, struct sim_node *ret_node)
{
	const struct sim_disk *disk = sim_config();

	if (!disk || minor > disk->part_count)
		return false;
	set_node(disk, minor, ret_node);
	return true;
}

/* "sg0" beside NODE */
static bool is_generic(const struct sim_disk *disk, const char *path)
{
	const char *slash = strrchr(disk->node, '/');
	int directory = slash ? (int)(slash - disk->node) + 1 : 0;
	char generic[128];

	snprintf(generic, sizeof(generic), "%.*ssg%u", directory, disk->node, disk->sg);
	return disk->has_sg && strcmp(path, generic) == 0;
}

/* "NODE" or "NODEp1" */
bool sim_node_of_path(const char *path, struct sim_node *ret_node)
{
	const struct sim_disk *disk = sim_config();
	size_t length = disk ? strlen(disk->node) : 0;

	if (!disk || !path)
		return false;
	if (is_generic(disk, path)) {
		set_generic(disk, ret_node);
		return true;
	}
	if (strncmp(path, disk->node, length) != 0)
		return false;
	const char *rest = path + length;
	if (!*rest)
		return sim_node_of_number(0, ret_node);
	if (rest[0] != 'p' || rest[1] < '1' || rest[1] > '9' || rest[2])
		return false;
	return sim_node_of_number((unsigned)(rest[1] - '0'), ret_node);
}

/* A node's file is there from its first opening on, by anyone. */
static bool is_file_of(const struct sim_node *node, const struct stat *asked)
{
	struct stat known;
	char path[300];

	file_of(node, path);
	return sim_next()->stat(path, &known) == 0 && known.st_ino == asked->st_ino &&
	       known.st_dev == asked->st_dev;
}

bool sim_node_of_fd(int fd, struct sim_node *ret_node)
{
	const struct sim_disk *disk = sim_config();
	struct stat asked;

	if (!disk || sim_next()->fstat(fd, &asked) < 0 || !S_ISREG(asked.st_mode))
		return false;
	for (unsigned part = 0; part <= disk->part_count; part++) {
		set_node(disk, part, ret_node);
		if (is_file_of(ret_node, &asked))
			return true;
	}
	set_generic(disk, ret_node);
	return disk->has_sg && is_file_of(ret_node, &asked);
}

/* Whoever opens the node is told the error alone, as if it were the node's. */
static void complain(const char *file, int error)
{
	static _Atomic bool said;
	char text[400];

	if (atomic_exchange(&said, true))
		return;
	int length = snprintf(text, sizeof(text), "libuntorn-sim: %s: %s\n", file, strerror(error));
	if (sim_next()->write(STDERR_FILENO, text, (size_t)length) < 0)
		return;
}

/* At least this large; a partition's, which holds nothing, exactly. */
static int make_file(const char *path, uint64_t size, bool exactly)
{
	struct stat st = { 0 };
	int fd = sim_next()->open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	int error = fd < 0 || sim_next()->fstat(fd, &st) < 0 ? -errno : 0;

	if (fd < 0) {
		complain(path, -error);
		return error;
	}
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
	if (node->generic && node->disk->sg_closed && !(flags & O_PATH))
		return -EACCES;
	file_of(node, path);
	int error = make_file(node->disk->image, node->disk->size, false);
	if (!error && (node->part || node->generic))
		error = make_file(path, node->size, true);
	if (error)
		return error;
	int fd = sim_next()->open(path, flags & ~(O_CREAT | O_EXCL | O_TRUNC));
	return fd < 0 ? -errno : fd;
}

static mode_t mode_of(const struct sim_node *node)
{
	return (node->generic ? S_IFCHR : S_IFBLK) | 0660;
}

static dev_t number_of(const struct sim_node *node)
{
	return node->generic ? makedev(SIM_GENERIC_MAJOR, node->disk->sg)
			     : makedev(SIM_MAJOR, node->part);
}

void sim_node_stat(const struct sim_node *node, struct stat *st)
{
	st->st_mode = mode_of(node);
	st->st_rdev = number_of(node);
	st->st_size = 0;
	st->st_blocks = 0;
}

/* As a kernel before 6.1 says it: what it does not know of stays 0. */
void sim_node_statx(const struct sim_node *node, struct statx *stx)
{
	const size_t known = 0x98; /* from stx_dio_mem_align on (6.1) */

	stx->stx_mask &= STATX_ALL;
	stx->stx_mode = (uint16_t)mode_of(node);
	stx->stx_rdev_major = major(number_of(node));
	stx->stx_rdev_minor = minor(number_of(node));
	stx->stx_size = 0;
	stx->stx_blocks = 0;
	stx->stx_attributes = 0;
	stx->stx_attributes_mask = 0;
	memset((char *)stx + known, 0, sizeof(*stx) - known);
}
