/* SPDX-License-Identifier: MIT */
/*
 * Describes an md array by its folder "md" in /sys (Documentation/admin-guide/md.rst). Only raid0
 * can be judged: it sends each chunk to one member. stack.c calls stack_add_array().
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "base/sysfs.h"
#include "stack/stack.h"

static const char *refuse_level(const char *level)
{
	if (strcmp(level, "raid1") == 0 || strcmp(level, "raid10") == 0)
		return "md raid1 and raid10 cut a write at a bad block, and send it twice";
	if (strcmp(level, "linear") == 0)
		return "untorn has no rules for md linear";
	return "md raid4, raid5 and raid6 write a stripe in pieces of 4096 bytes";
}

/* Reads one member, md/dev-NAME: the first sector of the member's data, and the member's device
 * number. */
static int read_member(dev_t array, const char *name, uint64_t *ret_offset, dev_t *ret_member)
{
	unsigned major_number, minor_number;
	char path[300], text[32];

	snprintf(path, sizeof(path), "md/%s/offset", name);
	int error = sysfs_disk_number(array, path, ret_offset);
	snprintf(path, sizeof(path), "md/%s/block/dev", name);
	if (!error)
		error = sysfs_disk_text(array, path, text, sizeof(text));
	if (!error && sscanf(text, "%u:%u", &major_number, &minor_number) != 2)
		error = -EINVAL;
	if (!error)
		*ret_member = makedev(major_number, minor_number);
	return error;
}

struct members {
	struct stack_span spans[STACK_LAYERS];
	unsigned count;
};

/* Fails with -ENXIO if there are fewer members than md/raid_disks, or more than fit. */
static int add_members(struct stack *stack, dev_t array, DIR *folder, struct members *members)
{
	uint64_t offset, wanted;
	dev_t member;

	int error = sysfs_disk_number(array, "md/raid_disks", &wanted);
	if (error)
		return error;
	for (struct dirent *entry; (entry = readdir(folder));) {
		if (strncmp(entry->d_name, "dev-", 4) != 0 || members->count == STACK_LAYERS)
			continue;
		error = read_member(array, entry->d_name, &offset, &member);
		if (error)
			return error;
		members->spans[members->count++] =
			(struct stack_span){ .offset = offset * 512,
					     .below = stack_add(stack, member) };
	}
	return members->count && members->count == wanted ? 0 : -ENXIO;
}

void stack_add_array(struct stack *stack, unsigned index)
{
	dev_t array = stack->layers[index].number;
	struct members members = { .count = 0 };
	char level[32], path[64];

	int error = sysfs_disk_text(array, "md/level", level, sizeof(level));
	if (!error && strcmp(level, "raid0") != 0) {
		stack_refuse(&stack->layers[index], refuse_level(level));
		return;
	}
	stack->layers[index].kind = STACK_STRIPES;
	if (!error)
		error = sysfs_disk_number(array, "md/chunk_size", &stack->layers[index].chunk);
	snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/md", major(array), minor(array));
	DIR *folder = error ? NULL : opendir(path);
	if (!error)
		error = folder ? add_members(stack, array, folder, &members) : -errno;
	if (folder)
		closedir(folder);
	stack->layers[index].error = error;
	for (unsigned i = 0; i < members.count && !error; i++)
		stack_add_span(stack, index, &members.spans[i]);
}
