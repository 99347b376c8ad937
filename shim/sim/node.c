/* SPDX-License-Identifier: MIT */
/* Finds the node that a path, a descriptor or a number means; fills in stat and statx of it. */
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

static void name_of(const struct sim_node *node, char name[16])
{
	if (node->generic)
		strcpy(name, "sg");
	else if (node->part)
		snprintf(name, 16, "p%u", node->part);
	else
		strcpy(name, "disk");
}

static void path_of(const struct sim_node *node, char path[SIM_PATH])
{
	char name[16];

	name_of(node, name);
	sim_place(node->disk, name, path);
}

bool sim_node_of_number(unsigned minor, struct sim_node *ret_node)
{
	const struct sim_disk *disk = sim_disk_at(minor / SIM_MINORS);

	if (!disk || minor % SIM_MINORS > disk->part_count)
		return false;
	set_node(disk, minor % SIM_MINORS, ret_node);
	return true;
}

/* True: the path is "sgN" beside NODE. */
static bool is_generic(const struct sim_disk *disk, const char *path)
{
	if (!disk->has_sg)
		return false;
	const char *slash = strrchr(disk->node, '/');
	int directory = slash ? (int)(slash - disk->node) + 1 : 0;
	char generic[128];

	snprintf(generic, sizeof(generic), "%.*ssg%u", directory, disk->node, disk->sg);
	return strcmp(path, generic) == 0;
}

/* True: the path is "NODE", "NODEp1" or the like, or the generic node. */
static bool is_node(const struct sim_disk *disk, const char *path, struct sim_node *ret_node)
{
	size_t length = disk->node_length;

	if (is_generic(disk, path)) {
		set_generic(disk, ret_node);
		return true;
	}
	if (strncmp(path, disk->node, length) != 0)
		return false;
	const char *rest = path + length;
	if (!*rest)
		return sim_node_of_number(disk->index * SIM_MINORS, ret_node);
	if (rest[0] != 'p' || rest[1] < '1' || rest[1] > '9' || rest[2])
		return false;
	return sim_node_of_number(disk->index * SIM_MINORS + (unsigned)(rest[1] - '0'), ret_node);
}

bool sim_node_of_path(const char *path, struct sim_node *ret_node)
{
	for (unsigned i = 0; path && i < sim_disk_count() && sim_may_be_node(path); i++) {
		if (is_node(sim_disk_at(i), path, ret_node))
			return true;
	}
	return false;
}

/* The nodes' files, as this process last opened or found them; 0: none. Readers take no lock, so a
 * file is one word: they never see the device of one file and the inode of another. */
enum { PLACES = SIM_MAX_PARTS + 2, KNOWN = SIM_MAX_DISKS * PLACES };
static _Atomic uint64_t known[KNOWN];

_Atomic bool sim_node_any;

/* Two files of one device never have the same word; those of two devices hardly ever. */
static uint64_t word_of(const struct stat *st)
{
	return st->st_dev * UINT64_C(0x9e3779b97f4a7c15) + st->st_ino;
}

static void learn(const struct sim_node *node, const struct stat *st)
{
	unsigned place = node->generic ? PLACES - 1 : node->part;

	atomic_store_explicit(&known[node->disk->index * PLACES + place], word_of(st),
			      memory_order_release);
}

static void set_known(unsigned i, struct sim_node *ret_node)
{
	if (i % PLACES == PLACES - 1)
		set_generic(sim_disk_at(i / PLACES), ret_node);
	else
		set_node(sim_disk_at(i / PLACES), i % PLACES, ret_node);
}

static bool find(const struct stat *st, struct sim_node *ret_node)
{
	uint64_t word = word_of(st);

	for (unsigned i = 0; i < KNOWN && S_ISREG(st->st_mode); i++) {
		if (atomic_load_explicit(&known[i], memory_order_acquire) != word)
			continue;
		set_known(i, ret_node);
		return true;
	}
	return false;
}

/* Lets the disk fail from now on: data got past our doors into the node's file. */
static void fail(const struct sim_node *node)
{
	if (!sim_state(node->disk)->dead)
		sim_say("a way in which the disk was written to", ", and from now on it fails");
	sim_state(node->disk)->dead = 1;
}

bool sim_node_find(int fd, struct sim_node *ret_node)
{
	struct stat st;

	if (sim_fstat(fd, &st) < 0 || !find(&st, ret_node))
		return false;
	if (st.st_size)
		fail(ret_node);
	return true;
}

/* Data may have got past the doors after the last call that looked. */
__attribute__((destructor)) static void at_end(void)
{
	struct sim_node node;
	struct stat st;
	char path[SIM_PATH];

	for (unsigned i = 0; sim_node_any && i < KNOWN; i++) {
		if (!known[i])
			continue;
		set_known(i, &node);
		path_of(&node, path);
		if (sim_stat(path, &st) == 0 && st.st_size && find(&st, &node))
			fail(&node);
	}
}

bool sim_file_find(int fd, struct sim_file *ret_file)
{
	if (!sim_node_find(fd, &ret_file->node))
		return false;
	ret_file->flags = sim_next()->fcntl(fd, F_GETFL);
	return true;
}

/* Makes the node's file, empty, if it is missing. 0 or -errno. */
static int make_file(const struct sim_node *node)
{
	char name[16];

	name_of(node, name);
	int fd = sim_place_open(node->disk, name);
	if (fd >= 0)
		close(fd);
	return fd < 0 ? fd : 0;
}

int sim_node_open(const struct sim_node *node, int flags)
{
	char path[SIM_PATH];
	struct stat st;

	if (!node->disk->size)
		return -ENXIO; /* a configuration that was not understood */
	if ((node->generic ? node->disk->sg_closed : node->disk->closed) && !(flags & O_PATH))
		return -EACCES;
	int error = sim_place_make(node->disk);
	if (!error)
		error = make_file(node);
	if (error)
		return error;
	path_of(node, path);
	int fd = sim_next()->open(path, flags & ~(O_CREAT | O_EXCL | O_TRUNC));
	if (fd < 0)
		return -errno;
	if (sim_fstat(fd, &st) == 0)
		learn(node, &st);
	atomic_store(&sim_node_any, true);
	return fd;
}

void sim_node_empty(const struct sim_disk *disk)
{
	struct sim_node node;
	char path[SIM_PATH];

	for (unsigned part = 0; part <= disk->part_count + 1; part++) {
		if (part <= disk->part_count)
			set_node(disk, part, &node);
		else
			set_generic(disk, &node);
		path_of(&node, path);
		if (sim_next()->truncate(path, 0) < 0)
			continue; /* there is none yet */
	}
}

static void learn_file(const struct sim_node *node)
{
	char path[SIM_PATH];
	struct stat st;

	path_of(node, path);
	if (sim_stat(path, &st) == 0)
		learn(node, &st);
}

static void learn_disk(const struct sim_disk *disk)
{
	struct sim_node node;

	for (unsigned part = 0; part <= disk->part_count; part++) {
		set_node(disk, part, &node);
		learn_file(&node);
	}
	set_generic(disk, &node);
	learn_file(&node);
}

void sim_node_arrived(void)
{
	for (unsigned i = 0; i < sim_disk_count(); i++)
		learn_disk(sim_disk_at(i));
	sim_node_any = sim_disk_count() > 0;
}

/* Looks only at low descriptors: those that came through exec are low. */
void sim_node_start(void)
{
	enum { LOW = 1024 };
	struct sim_node node;
	struct stat st;

	for (unsigned i = 0; i < sim_disk_count(); i++)
		learn_disk(sim_disk_at(i));
	for (int fd = 0; fd < LOW && sim_disk_count() && !sim_node_any; fd++)
		sim_node_any = sim_fstat(fd, &st) == 0 && find(&st, &node);
}

static mode_t mode_of(const struct sim_node *node)
{
	return (node->generic ? S_IFCHR : S_IFBLK) | 0660;
}

static dev_t number_of(const struct sim_node *node)
{
	return node->generic ? makedev(SIM_GENERIC_MAJOR, node->disk->sg)
			     : makedev(SIM_MAJOR, node->disk->index * SIM_MINORS + node->part);
}

void sim_node_stat(const struct sim_node *node, struct stat *st)
{
	st->st_mode = mode_of(node);
	st->st_rdev = number_of(node);
	st->st_size = 0;
	st->st_blocks = 0;
}

/* Fills in stx as a kernel before 6.1 does: newer fields stay 0. */
void sim_node_statx(const struct sim_node *node, struct statx *stx)
{
	const size_t newer = 0x98; /* from stx_dio_mem_align on (6.1) */

	stx->stx_mask &= STATX_ALL;
	stx->stx_mode = (uint16_t)mode_of(node);
	stx->stx_rdev_major = major(number_of(node));
	stx->stx_rdev_minor = minor(number_of(node));
	stx->stx_size = 0;
	stx->stx_blocks = 0;
	stx->stx_attributes = 0;
	stx->stx_attributes_mask = 0;
	memset((char *)stx + newer, 0, sizeof(*stx) - newer);
}
