/* SPDX-License-Identifier: MIT */
/*
 * Describes a device mapper device by its table. The ioctl is the one that dmsetup(8) makes; it
 * needs CAP_SYS_ADMIN. The kernel's Documentation/admin-guide/device-mapper describes the targets.
 * stack.c calls stack_add_mapped().
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/dm-ioctl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>

#include "base/cleanup.h"
#include "stack/stack.h"

enum { SECTOR = 512, TABLE_SIZE = 1 << 20 };

/* Encodes a device number as the ioctl wants it: low byte of the minor, major, rest of the minor.
 */
static uint64_t huge_number(dev_t device)
{
	return (minor(device) & 0xff) | (uint64_t)major(device) << 8 |
	       (uint64_t)(minor(device) & ~0xffU) << 12;
}

static int read_table(dev_t device, struct dm_ioctl *table)
{
	AUTO_CLOSE int control = open("/dev/mapper/control", O_RDWR | O_CLOEXEC);
	if (control < 0)
		return -errno;
	*table = (struct dm_ioctl){
		.version = { DM_VERSION_MAJOR, 0, 0 },
		.data_size = TABLE_SIZE,
		.data_start = sizeof(*table),
		.dev = huge_number(device),
		.flags = DM_STATUS_TABLE_FLAG | DM_NOFLUSH_FLAG,
	};
	if (ioctl(control, DM_TABLE_STATUS, table) < 0)
		return -errno;
	return table->flags & DM_BUFFER_FULL_FLAG ? -E2BIG : 0;
}

static const char *refuse_target(const char *type)
{
	static const struct {
		const char *type, *why;
	} targets[] = {
		{ "crypt", "dm-crypt cuts writes, and writes copies of its own" },
		{ "multipath",
		  "dm-multipath changes the path under way, and each path has its own queue" },
		{ "thin", "a thin volume moves blocks at their first write, and after a snapshot" },
		{ "snapshot-origin",
		  "it has a snapshot: a write is cut at its chunks, and copied first" },
		{ "snapshot", "a snapshot moves blocks at their first write" },
		{ "mirror", "a mirror writes twice" },
		{ "raid", "dm-raid is md below: it cuts writes by itself" },
		{ "cache", "dm-cache writes to one device or another" },
		{ "writecache", "dm-writecache writes blocks of its own to another device first" },
		{ "era", "dm-era cuts writes at its blocks" },
		{ "integrity", "dm-integrity writes tags and a journal with the data" },
		{ "vdo", "VDO compresses and moves blocks" },
	};

	for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
		if (strcmp(type, targets[i].type) == 0)
			return targets[i].why;
	}
	return "untorn has no rules for this target of device mapper";
}

/* Parses "MAJOR:MINOR OFFSET", the place of the data. Returns the text behind it, or NULL. */
static char *parse_place(char *text, dev_t *ret_device, uint64_t *ret_offset)
{
	unsigned major_number, minor_number;
	unsigned long long offset;
	int length = 0;

	if (sscanf(text, "%u:%u %llu%n", &major_number, &minor_number, &offset, &length) != 3)
		return NULL;
	*ret_device = makedev(major_number, minor_number);
	*ret_offset = offset * SECTOR;
	return text + length;
}

struct mapped {
	struct stack *stack;
	unsigned index;
	struct stack_span spans[STACK_SPANS];
	unsigned count;
	uint64_t chunk;  /* stripes only */
	const char *why; /* set: the table is refused */
};

static bool add_place(struct mapped *mapped, char **text, uint64_t start)
{
	uint64_t offset;
	dev_t device;

	*text = parse_place(*text, &device, &offset);
	if (!*text || mapped->count == STACK_SPANS)
		return false;
	mapped->spans[mapped->count++] = (struct stack_span){
		.start = start, .offset = offset, .below = stack_add(mapped->stack, device)
	};
	return true;
}

/* Parses "STRIPES CHUNK PLACE..." of a table that has this target alone. */
static bool add_stripes(struct mapped *mapped, char *text)
{
	unsigned stripes;
	unsigned long long chunk;
	int length = 0;

	if (sscanf(text, "%u %llu%n", &stripes, &chunk, &length) != 2)
		return false;
	mapped->chunk = chunk * SECTOR;
	text += length;
	while (stripes--) {
		if (!add_place(mapped, &text, 0))
			return false;
	}
	return true;
}

static void add_target(struct mapped *mapped, const struct dm_target_spec *target, char *text,
		       unsigned count)
{
	bool is_read = true;

	if (strcmp(target->target_type, "linear") == 0)
		is_read = add_place(mapped, &text, target->sector_start * SECTOR);
	else if (strcmp(target->target_type, "striped") == 0 && count == 1)
		is_read = add_stripes(mapped, text);
	else if (strcmp(target->target_type, "striped") == 0)
		mapped->why = "untorn has no rules for stripes beside other targets";
	else
		mapped->why = refuse_target(target->target_type);
	if (!is_read)
		mapped->why = "untorn does not understand its table, or it has too many parts";
}

static void add_targets(struct mapped *mapped, char *table)
{
	const struct dm_ioctl *head = (const void *)table;
	uint32_t at = head->data_start;

	for (unsigned i = 0; i < head->target_count && !mapped->why; i++) {
		const struct dm_target_spec *target = (const void *)(table + at);
		add_target(mapped, target, table + at + sizeof(*target), head->target_count);
		at = head->data_start + target->next;
	}
}

static void put(const struct mapped *mapped)
{
	struct stack_layer *layer = &mapped->stack->layers[mapped->index];

	layer->kind = mapped->chunk ? STACK_STRIPES : STACK_LINEAR;
	layer->chunk = mapped->chunk;
	for (unsigned i = 0; i < mapped->count && !mapped->why; i++)
		stack_add_span(mapped->stack, mapped->index, &mapped->spans[i]);
	if (mapped->why)
		stack_refuse(layer, mapped->why);
}

void stack_add_mapped(struct stack *stack, unsigned index)
{
	AUTO_FREE char *table = calloc(1, TABLE_SIZE + 1); /* one more: the last text ends with 0 */
	AUTO_FREE struct mapped *mapped = calloc(1, sizeof(*mapped));
	struct stack_layer *layer = &stack->layers[index];

	layer->kind = STACK_LINEAR;
	layer->error = table && mapped ? read_table(layer->number, (void *)table) : -ENOMEM;
	if (layer->error)
		return;
	mapped->stack = stack;
	mapped->index = index;
	add_targets(mapped, table);
	put(mapped);
}
