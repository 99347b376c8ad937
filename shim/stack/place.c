/* SPDX-License-Identifier: MIT */
/*
 * Describes a file or folder by statx(), /proc/self/mountinfo, the superblock of ext4, and FIEMAP.
 * It opens the path for reading and writes nothing. Start reading at place_describe().
 */
#include "stack/place.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/real.h"
#include "stack/stack.h"

enum {
	EXTENTS = 512,         /* in one FIEMAP call */
	OFTEN = 1 << 18,       /* pages between two calls of progress() */
	STATX_DIRECT = 0x2000, /* STATX_DIOALIGN (6.1), which older headers lack */
	DIRECT_OFFSET = 0x9c,  /* of stx_dio_offset_align */
};

/* The fields of a line are, by proc(5): id, parent, major:minor, root, mount point, options,
 * optional ones, "-", type, source, options of the filesystem. The last matching line wins: it is
 * the newest mount. */
static void read_mount(dev_t device, struct place *place)
{
	unsigned major_number, minor_number;
	char line[4096], options[1024];
	FILE *file = fopen("/proc/self/mountinfo", "re");

	while (file && fgets(line, sizeof(line), file)) {
		char *rest = strstr(line, " - ");
		if (!rest || sscanf(line, "%*s %*s %u:%u", &major_number, &minor_number) != 2 ||
		    makedev(major_number, minor_number) != device ||
		    sscanf(rest, " - %31s %*s %1023s", place->type, options) != 2)
			continue;
		place->is_journaled = strstr(options, "data=journal");
	}
	if (file)
		fclose(file);
}

static uint32_t le32(const uint8_t *bytes)
{
	return bytes[0] | bytes[1] << 8 | bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

/* Reads the allocation unit: the cluster size with bigalloc, else the block size. The superblock is
 * at byte 1024 (Documentation/filesystems/ext4/super.rst). Clusters and blocks of 2 KiB or more
 * begin at byte 0 of the device, so the unit is also the alignment. */
static int read_ext4_unit(dev_t device, uint64_t *ret_unit)
{
	enum {
		PLACE = 1024,
		SIZE = 0x68,
		LOG_BLOCK = 0x18,
		LOG_CLUSTER = 0x1c,
		MAGIC = 0x38,
		RO_COMPAT = 0x64,
		BIGALLOC = 0x200,
		MOST = 16
	};
	uint8_t block[SIZE];

	AUTO_CLOSE int fd = stack_open(device);
	if (fd < 0)
		return fd;
	if (pread(fd, block, SIZE, PLACE) != SIZE)
		return -EIO;
	bool has_clusters = le32(block + RO_COMPAT) & BIGALLOC;
	uint32_t shift = le32(block + (has_clusters ? LOG_CLUSTER : LOG_BLOCK));
	if (block[MAGIC] != 0x53 || block[MAGIC + 1] != 0xef || shift > MOST)
		return -EINVAL;
	*ret_unit = 1024ULL << shift;
	return 0;
}

static void read_unit(int fd, struct place *place)
{
	struct statfs fs;

	if (strncmp(place->type, "ext", 3) == 0)
		place->unit_error = read_ext4_unit(place->device, &place->unit);
	else if (fstatfs(fd, &fs) == 0)
		place->unit = (uint64_t)fs.f_bsize;
	else
		place->unit_error = -errno;
}

static int read_attributes(int fd, struct place *place)
{
	struct statx stx;
	uint32_t direct = 0;

	int error = real_statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS | STATX_DIRECT, &stx);
	if (error)
		return error;
	memcpy(&direct, (const char *)&stx + DIRECT_OFFSET, sizeof(direct));
	place->is_folder = S_ISDIR(stx.stx_mode);
	place->size = stx.stx_size;
	place->is_encrypted = stx.stx_attributes & STATX_ATTR_ENCRYPTED;
	place->is_compressed = stx.stx_attributes & STATX_ATTR_COMPRESSED;
	place->is_verity = stx.stx_attributes & 0x100000; /* STATX_ATTR_VERITY */
	place->has_direct = !(stx.stx_mask & STATX_DIRECT) || direct || place->is_folder;
	place->direct = stx.stx_mask & STATX_DIRECT ? direct : 0;
	place->device = makedev(stx.stx_dev_major, stx.stx_dev_minor);
	return S_ISDIR(stx.stx_mode) || S_ISREG(stx.stx_mode) ? 0 : -EINVAL;
}

/* A file of the realtime section of XFS lies on a device of its own, which statx() does not name.
 */
static int read_realtime(int fd, struct place *place)
{
	struct fsxattr attributes;

	if (strcmp(place->type, "xfs") != 0)
		return 0;
	if (ioctl(fd, FS_IOC_FSGETXATTR, &attributes) < 0)
		return -errno;
	place->is_realtime = attributes.fsx_xflags & (FS_XFLAG_REALTIME | FS_XFLAG_RTINHERIT);
	return 0;
}

static struct place_piece piece_of(const struct fiemap_extent *extent)
{
	uint32_t flags = extent->fe_flags;

	return (struct place_piece){
		.start = extent->fe_logical,
		.length = extent->fe_length,
		.physical = extent->fe_physical,
		.is_unwritten = flags & FIEMAP_EXTENT_UNWRITTEN,
		.is_delayed = flags & (FIEMAP_EXTENT_DELALLOC | FIEMAP_EXTENT_UNKNOWN),
		.is_shared = flags & FIEMAP_EXTENT_SHARED,
		.is_encoded = flags & (FIEMAP_EXTENT_ENCODED | FIEMAP_EXTENT_DATA_INLINE |
				       FIEMAP_EXTENT_DATA_TAIL | FIEMAP_EXTENT_NOT_ALIGNED),
	};
}

/* Walks the extents up to `end`. The first extent may begin before the walk's start, and the last
 * may end after `end`. */
static int walk(int fd, struct place_walk *walk, uint64_t end, place_progress *progress,
		struct place *place)
{
	AUTO_FREE struct fiemap *map =
		calloc(1, sizeof(*map) + EXTENTS * sizeof(map->fm_extents[0]));
	uint64_t told = place->seen;
	bool is_last = !map;

	while (!is_last && walk->next < end) {
		*map = (struct fiemap){ .fm_start = walk->next,
					.fm_length = end - walk->next,
					.fm_extent_count = EXTENTS };
		if (ioctl(fd, FS_IOC_FIEMAP, map) < 0)
			return -errno;
		is_last = map->fm_mapped_extents < EXTENTS;
		for (unsigned i = 0; i < map->fm_mapped_extents; i++) {
			struct place_piece piece = piece_of(&map->fm_extents[i]);
			if (piece.start + piece.length > end)
				piece.length = piece.start < end ? end - piece.start : 0;
			place_add(place, walk, &piece);
		}
		if (progress && place->seen - told >= OFTEN)
			progress(told = place->seen, place->pages);
	}
	if (!map)
		return -ENOMEM;
	place_end(place, walk, end);
	return 0;
}

static int walk_from(int fd, uint64_t start, uint64_t end, uint64_t page, place_progress *progress,
		     struct place *place)
{
	struct place_walk from = { .page = page, .at = start, .next = start };

	return walk(fd, &from, end, progress, place);
}

static int walk_samples(int fd, uint64_t page, uint64_t sample, place_progress *progress,
			struct place *place)
{
	int error = 0;

	for (uint64_t i = 0; i < sample && !error; i++) {
		uint64_t number = i;
		if (getrandom(&number, sizeof(number), 0) < 0)
			return -errno;
		number %= place->pages;
		error = walk_from(fd, number * page, (number + 1) * page, page, NULL, place);
		if (progress && i && i % 4096 == 0)
			progress(i, sample);
	}
	return error;
}

static void read_pages(int fd, uint64_t page, uint64_t sample, place_progress *progress,
		       struct place *place)
{
	place->pages = place->size / page;
	if (sample && sample < place->pages)
		place->map_error = walk_samples(fd, page, sample, progress, place);
	else
		place->map_error = walk_from(fd, 0, place->pages * page, page, progress, place);
}

int place_describe(const char *path, uint64_t page, uint64_t sample, place_progress *progress,
		   struct place *ret_place)
{
	*ret_place = (struct place){ .align = page };
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	int error = fd < 0 ? -errno : read_attributes(fd, ret_place);
	if (error)
		return error;
	read_mount(ret_place->device, ret_place);
	error = read_realtime(fd, ret_place);
	if (error)
		return error;
	if (!major(ret_place->device)) /* no block device of its own: tmpfs, btrfs, overlay */
		ret_place->device = 0;
	else
		read_unit(fd, ret_place);
	if (!ret_place->is_folder && ret_place->device)
		read_pages(fd, page, sample, progress, ret_place);
	if (ret_place->is_folder && ret_place->unit)
		ret_place->align = stack_alignment(ret_place->unit, page);
	return 0;
}
