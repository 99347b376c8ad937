/* SPDX-License-Identifier: MIT */
/*
 * Describes an NVMe disk: what it promises, and its queues. If several controllers may lead to the
 * disk, the kernel keeps one hidden device for each controller. Writes are then merged in the
 * queues of these hidden devices, and the disk's own queue merges nothing. stack.c calls
 * stack_add_disk().
 */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/sysfs.h"
#include "device/device.h"
#include "stack/stack.h"

static bool read_attribute(const char *folder, const char *name, uint64_t *ret_number)
{
	char path[256], text[32] = "", *end;

	snprintf(path, sizeof(path), "%s/queue/%s", folder, name);
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || read(fd, text, sizeof(text) - 1) <= 0)
		return false;
	*ret_number = strtoull(text, &end, 10);
	return end != text;
}

/* Returns false if no more layers fit. */
static bool add_path(struct stack *stack, const char *folder)
{
	struct stack_layer *path = stack_new_layer(stack);
	uint64_t nomerges = 0, max_kb = 0, segments = 0, chunk = 0;

	if (!path)
		return false;
	path->kind = STACK_PATH;
	snprintf(path->name, sizeof(path->name), "%s", strrchr(folder, '/') + 1);
	path->queue.is_read = read_attribute(folder, "nomerges", &nomerges) &&
			      read_attribute(folder, "max_sectors_kb", &max_kb) &&
			      read_attribute(folder, "max_segments", &segments) &&
			      read_attribute(folder, "chunk_sectors", &chunk);
	path->queue.nomerges = (unsigned)nomerges;
	path->queue.max = max_kb * 1024;
	path->queue.segments = (uint32_t)segments;
	path->queue.chunk = chunk * 512;
	return true;
}

/* The hidden devices of nvme1n2 are called nvme1cXn2. Each lies in its controller's folder. Without
 * one, nobody knows in which queue a write would be merged. */
static void add_paths(struct stack *stack, unsigned index)
{
	struct stack_layer *disk = &stack->layers[index];
	unsigned subsystem, head;
	char pattern[160];
	glob_t found;

	disk->has_paths = true;
	disk->error = -ENXIO;
	if (sscanf(disk->name, "nvme%un%u", &subsystem, &head) != 2)
		return;
	snprintf(pattern, sizeof(pattern), "/sys/dev/block/%u:%u/device/nvme*/nvme%uc*n%u",
		 major(disk->number), minor(disk->number), subsystem, head);
	if (glob(pattern, 0, NULL, &found) != 0)
		return;
	disk->error = 0;
	for (size_t i = 0; i < found.gl_pathc; i++) {
		struct stack_span span = { .below = stack->layer_count };
		if (add_path(stack, found.gl_pathv[i]))
			stack_add_span(stack, index, &span);
		else
			stack_refuse(disk, "it has more paths than untorn can judge");
	}
	globfree(&found);
}

static int ask_limits(const struct stack_layer *disk, struct limits *ret_limits)
{
	struct device device;
	AUTO_CLOSE int fd = stack_open(disk->number);

	int error = device_derive(fd < 0 ? -1 : fd, disk->number, NULL, &device);
	if (!error)
		error = device.error;
	if (!error)
		*ret_limits = device.disk.limits;
	return error;
}

void stack_add_disk(struct stack *stack, unsigned index, bool has_paths)
{
	struct stack_layer *disk = &stack->layers[index];

	disk->kind = STACK_DISK;
	if (has_paths)
		add_paths(stack, index);
	int error = ask_limits(disk, &disk->limits);
	if (!disk->error)
		disk->error = error;
}
