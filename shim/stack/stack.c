/* SPDX-License-Identifier: MIT */
/* Builds the description layer by layer, from the top down. Start reading at stack_describe(). */
#include "stack/stack.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/sysfs.h"

enum { SECTOR = 512, BUS = 32, NOTHING = STACK_LAYERS - 1 /* this layer says that no more fit */ };

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
		stack_refuse(layer, "it has more parts than untorn can judge");
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

int stack_open(dev_t device)
{
	char name[STACK_NAME], path[STACK_NAME + 8];
	struct stat st;

	int error = sysfs_name(device, name, sizeof(name));
	if (error)
		return error;
	snprintf(path, sizeof(path), "/dev/%s", name);
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) == 0 && S_ISBLK(st.st_mode) && st.st_rdev == device)
		return fd;
	close(fd);
	return -ENODEV;
}

/* Reads the name of the bus or class of the disk's parent: "nvme", "nvme-subsystem", "scsi"; "": it
 * has none. Returns 0 or -errno. */
static int read_bus(dev_t device, char ret_name[BUS])
{
	int error = sysfs_disk_link(device, "device/subsystem", ret_name, BUS);

	if (error == -ENOENT)
		*ret_name = '\0';
	return error == -ENOENT ? 0 : error;
}

/* Returns 1 if the attribute exists, 0 if not; -errno: no answer. */
static int has(dev_t device, const char *name)
{
	char text[256];
	int error = sysfs_disk_text(device, name, text, sizeof(text));

	return error == -ENOENT ? 0 : error ? error : 1;
}

/* Says why a disk that is not NVMe is refused. */
static const char *refuse_disk(const char *bus, bool is_loop)
{
	if (is_loop)
		return "a loop device writes to a file: name that file instead";
	if (strcmp(bus, "scsi") == 0)
		return "SCSI promises it for WRITE ATOMIC (16) alone, and a plain write is not one";
	return "untorn does not know what such a device promises";
}

static void add_by_bus(struct stack *stack, unsigned index)
{
	struct stack_layer *layer = &stack->layers[index];
	char bus[BUS];
	int is_loop = has(layer->number, "loop/backing_file");

	layer->error = is_loop < 0 ? is_loop : read_bus(layer->number, bus);
	if (layer->error)
		return;
	if (strncmp(bus, "nvme", 4) == 0)
		stack_add_disk(stack, index, strcmp(bus, "nvme-subsystem") == 0);
	else
		stack_refuse(layer, refuse_disk(bus, is_loop));
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
	int is_mapped = has(device, "dm/name"), is_array = has(device, "md/level");
	if (is_mapped > 0)
		stack_add_mapped(stack, index);
	else if (is_array > 0)
		stack_add_array(stack, index);
	else if (is_mapped < 0 || is_array < 0)
		layer->error = is_mapped < 0 ? is_mapped : is_array;
	else
		add_by_bus(stack, index);
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
		stack_refuse(layer, "there are more devices than untorn can judge");
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
