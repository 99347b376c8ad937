/* SPDX-License-Identifier: MIT */
/* As block/blk-sysfs.c of Linux 6.11 and later gives them: bytes, in decimal, and a newline. */
#include "engine/attribute.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/config.h"
#include "base/real.h"
#include "base/sysfs.h"
#include "engine/engine.h"

const char *const attribute_names[ATTRIBUTES] = {
	[ATTRIBUTE_MAX_BYTES] = "atomic_write_max_bytes",
	[ATTRIBUTE_UNIT_MIN] = "atomic_write_unit_min_bytes",
	[ATTRIBUTE_UNIT_MAX] = "atomic_write_unit_max_bytes",
	[ATTRIBUTE_BOUNDARY] = "atomic_write_boundary_bytes",
};

enum attribute attribute_named(const char *path)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	enum attribute which = 0;

	while (which < ATTRIBUTES && strcmp(name, attribute_names[which]) != 0)
		which++;
	return which;
}

static bool is_queue(int folder)
{
	struct statfs fs;
	struct stat st;

	return fstatfs(folder, &fs) == 0 && fs.f_type == SYSFS_MAGIC &&
	       fstatat(folder, ATTRIBUTE_LIKE, &st, 0) == 0;
}

/* A partition has no queue: its folder lies in its disk's, where the path has gone by "..". */
static bool read_number(int queue, dev_t *ret_number)
{
	char text[24];
	unsigned high, low;
	AUTO_CLOSE int fd = real_open(queue, "../dev", O_RDONLY | O_CLOEXEC);
	ssize_t length = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	if (length <= 0)
		return false;
	text[length] = '\0';
	if (sscanf(text, "%u:%u", &high, &low) != 2)
		return false;
	*ret_number = makedev(high, low);
	return true;
}

/* The node is asked as statx() asks it, which leaves the answer with the device. */
static bool ask(dev_t number, struct device *ret_device)
{
	char name[64], path[80];
	struct statx stx;

	if (sysfs_disk_name(number, name, sizeof(name)) == 0) {
		snprintf(path, sizeof(path), "/dev/%s", name);
		for (char *letter = path; *letter; letter++)
			*letter = *letter == '!' ? '/' : *letter;
		engine_statx(AT_FDCWD, path, 0, STATX_WRITE_ATOMIC, &stx);
	}
	return device_get(-1, number, ret_device) == 0;
}

static uint64_t value_of(const struct limits *limits, enum attribute which)
{
	if (!limits->unit_max)
		return 0;
	switch (which) {
	case ATTRIBUTE_MAX_BYTES:
		return limits->most ? limits->most : limits->max;
	case ATTRIBUTE_UNIT_MIN:
		return limits->unit_min;
	case ATTRIBUTE_UNIT_MAX:
		return limits->unit_max;
	default:
		return limits->boundary;
	}
}

size_t attribute_text(int queue, enum attribute which, bool kernel_has,
		      char ret_text[ATTRIBUTE_TEXT])
{
	const struct limits none = { .unit_max = 0 };
	struct device device;
	dev_t number;

	if (config_get().mode == MODE_OFF || !is_queue(queue) || !read_number(queue, &number))
		return 0;
	bool is_ours =
		ask(number, &device) && engine_decide(&device, config_get().mode) == LANE_COMMAND;
	if (kernel_has && !is_ours)
		return 0;
	uint64_t value = value_of(is_ours ? &device.limits : &none, which);
	return (size_t)snprintf(ret_text, ATTRIBUTE_TEXT, "%llu\n", (unsigned long long)value);
}
