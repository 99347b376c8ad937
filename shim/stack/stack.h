/* SPDX-License-Identifier: MIT */
/*
 * Describes the devices below a device, down to the disks; rules/stack.h judges the description. It
 * reads /sys, reads device mapper's tables (root only), and asks NVMe disks for their identify
 * data. `untorn doctor` calls it. It allocates memory, takes no lock, and is not for the shim.
 */
#ifndef STACK_STACK_H
#define STACK_STACK_H

#include <sys/types.h>

#include "rules/stack.h"

/* A layer whose facts cannot be read has its error set. If there are too many layers or spans, one
 * layer is STACK_REFUSED and says so. */
void stack_describe(dev_t device, struct stack *ret_stack);

/* The following fill in the layer and add those below it. stack/table.c: a device mapper device. */
void stack_add_mapped(struct stack *stack, unsigned layer);
/* stack/array.c: an md array. */
void stack_add_array(struct stack *stack, unsigned layer);
/* stack/disk.c: an NVMe disk and, if several controllers may lead to it, its hidden paths. */
void stack_add_disk(struct stack *stack, unsigned layer, bool has_paths);

/* stack/stack.c: returns the layer of this device; adds it, and all below it, if it is new. */
unsigned stack_add(struct stack *stack, dev_t device);
/* Returns a new layer without a device number, or NULL: no more fit. */
struct stack_layer *stack_new_layer(struct stack *stack);
/* A layer's spans are contiguous in the array, so add all layers below before the first span. */
void stack_add_span(struct stack *stack, unsigned layer, const struct stack_span *span);
void stack_refuse(struct stack_layer *layer, const char *why);

/* Opens the device's node for reading. Returns a descriptor, which the caller closes, or -errno;
 * -ENODEV: the node of that name is another device. */
int stack_open(dev_t device);

#endif
