/* SPDX-License-Identifier: MIT */
/* The format is that of block/blk-sysfs.c, Linux 6.11 and later: bytes in decimal and a newline. */
#include "engine/attribute.h"

#include <fcntl.h>
#include <stdio.h>

#include "base/config.h"
#include "base/sysfs.h"
#include "engine/engine.h"

#define NAME(which, name) [which] = (name)
static const char *const names[ATTRIBUTES] = { ATTRIBUTE_EACH(NAME) };

enum attribute attribute_named(const char *path)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	enum attribute which = 0;

	while (which < ATTRIBUTES && strcmp(name, names[which]) != 0)
		which++;
	return which;
}

/* As statx() of the disk's node does. */
static bool is_served(dev_t number, struct limits *ret_limits)
{
	char name[64], path[80];

	if (sysfs_disk_name(number, name, sizeof(name)) < 0)
		return false;
	snprintf(path, sizeof(path), "/dev/%s", name);
	for (char *letter = path; *letter; letter++)
		*letter = *letter == '!' ? '/' : *letter;
	return engine_serves(AT_FDCWD, path, 0, number, ret_limits);
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
	struct limits limits;
	dev_t number;

	if (config_get().mode == MODE_OFF || sysfs_disk_of_queue(queue, &number) < 0)
		return 0;
	bool is_ours = is_served(number, &limits);
	if (kernel_has && !is_ours)
		return 0;
	uint64_t value = value_of(is_ours ? &limits : &none, which);
	return (size_t)snprintf(ret_text, ATTRIBUTE_TEXT, "%llu\n", (unsigned long long)value);
}
