/* SPDX-License-Identifier: MIT */
/* Builds the description layer by layer, from the top down. Start reading at stack_describe(). */
#include "stack/stack.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "base/sysfs.h"

enum { SECTOR = 512, NOTHING = STACK_LAYERS - 1 /* this layer says that no more fit */ };

void stack_refuse(struct stack_layer *layer, const char *why)
{
	layer->kind = STACK_REFUSED;
	layer->why = why;
}

struct stack_layer *stack_new_layer(struct stack *stack)
{
	struct stack_layer *layer = &stack->layers[stack->layer_count];

	if (stack->layer_count >= NOTHING)
		return NULL;
	*layer = (struct stack_layer){ .kind = STACK_REFUSED };
	stack->layer_count++;
	return layer;
}

void stack_add_span(struct stack *stack, unsigned index, const struct stack_span *span)
{
	struct stack_layer *layer = &stack->layers[index];

	if (stack->span_count == STACK_SPANS) {
		stack_refuse(layer, "it has more parts than can be judged here");
		layer->count = 0;
		return;
	}
	if (!layer->count)
		layer->first = stack->span_count;
	stack->spans[stack->span_count++] = *span;
	layer->count++;
}

static int read_number(dev_t device, const char *name, uint64_t unit, uint64_t *ret_bytes)
{
	uint64_t number;

	int error = sysfs_disk_number(device, name, &number);
	if (!error)
		*ret_bytes = number * unit;
	return error;
}

static void read_queue(dev_t device, struct stack_queue *queue)
{
	uint64_t nomerges = 0, segments = 0;

	queue->is_read = !read_number(device, "queue/nomerges", 1, &nomerges) &&
			 !read_number(device, "queue/max_sectors_kb", 1024, &queue->max) &&
			 !read_number(device, "queue/max_segments", 1, &segments) &&
			 !read_number(device, "queue/chunk_sectors", SECTOR, &queue->chunk);
	queue->nomerges = (unsigned)nomerges;
	queue->segments = (uint32_t)segments;
}

static void add_partition(struct stack *stack, unsigned index)
{
	struct stack_layer *layer = &stack->layers[index];
	struct stack_span span = { 0 };
	unsigned major_number, minor_number;
	char text[32];
	uint64_t start;

	layer->kind = STACK_PARTITION;
	layer->error = sysfs_number(layer->number, "start", &start);
	if (!layer->error)
		layer->error = sysfs_disk_text(layer->number, "dev", text, sizeof(text));
	if (!layer->error && sscanf(text, "%u:%u", &major_number, &minor_number) != 2)
		layer->error = -EINVAL;
	if (layer->error)
		return;
	span.offset = start * SECTOR;
	span.below = stack_add(stack, makedev(major_number, minor_number));
	stack_add_span(stack, index, &span);
}

static bool has(dev_t device, const char *name)
{
	char text[256];

	return sysfs_disk_text(device, name, text, sizeof(text)) == 0;
}

/* Says why a disk that is not NVMe is refused. */
static const char *refuse_disk(dev_t device)
{
	char subsystem[32];

	if (has(device, "loop/backing_file"))
		return "a loop device: what it writes to its file is another write; judge that file";
	if (sysfs_disk_link(device, "device/subsystem", subsystem, sizeof(subsystem)) == 0 &&
	    strcmp(subsystem, "scsi") == 0)
		return "SCSI promises it for WRITE ATOMIC (16) alone, and a plain write is none";
	return "nothing is known of what such a device promises";
}

static bool is_nvme(dev_t device)
{
	char subsystem[32];

	return sysfs_disk_link(device, "device/subsystem", subsystem, sizeof(subsystem)) == 0 &&
	       strncmp(subsystem, "nvme", 4) == 0;
}

static void add_below(struct stack *stack, unsigned index)
{
	struct stack_layer *layer = &stack->layers[index];
	dev_t device = layer->number;
	bool is_partition;

	layer->error = sysfs_find_partition(device, &is_partition);
	if (layer->error) {
		layer->kind = STACK_PARTITION;
		return;
	}
	if (is_partition) {
		add_partition(stack, index);
		return;
	}
	read_queue(device, &layer->queue);
	if (has(device, "dm/name"))
		stack_add_mapped(stack, index);
	else if (has(device, "md/level"))
		stack_add_array(stack, index);
	else if (is_nvme(device))
		stack_add_disk(stack, index);
	else
		stack_refuse(layer, refuse_disk(device));
}

unsigned stack_add(struct stack *stack, dev_t device)
{
	for (unsigned i = 0; i < stack->layer_count; i++) {
		if (stack->layers[i].number == device)
			return i;
	}
	struct stack_layer *layer = stack_new_layer(stack);
	if (!layer) {
		layer = &stack->layers[NOTHING];
		snprintf(layer->name, sizeof(layer->name), "the rest");
		stack_refuse(layer, "there are more devices than can be judged here");
		stack->layer_count = STACK_LAYERS;
		return NOTHING;
	}
	unsigned index = stack->layer_count - 1;
	layer->number = device;
	if (sysfs_name(device, layer->name, sizeof(layer->name)) < 0)
		snprintf(layer->name, sizeof(layer->name), "%u:%u", major(device), minor(device));
	add_below(stack, index);
	return index;
}

void stack_describe(dev_t device, struct stack *ret_stack)
{
	memset(ret_stack, 0, sizeof(*ret_stack));
	stack_add(ret_stack, device);
}
