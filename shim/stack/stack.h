/* SPDX-License-Identifier: MIT */
/*
 * Describes what lies below a device, down to the disks, for rules/stack.h to judge. Reads /sys,
 * and as root the tables of device mapper; asks NVMe disks. For the command: it allocates.
 */
#ifndef STACK_STACK_H
#define STACK_STACK_H

#include <sys/types.h>

#include "rules/stack.h"

/* What cannot be read is in the layer's error. Too many layers or spans: the last is STACK_REFUSED.
 */
void stack_describe(dev_t device, struct stack *ret_stack);

/* stack/table.c: the table of a device mapper device, as layers below this one; it needs
 * CAP_SYS_ADMIN. */
void stack_add_mapped(struct stack *stack, unsigned layer);
/* stack/array.c: an md array. */
void stack_add_array(struct stack *stack, unsigned layer);
/* stack/disk.c: what the disk promises, and its paths. */
void stack_add_disk(struct stack *stack, unsigned layer);

/* stack/stack.c: the layer of this device, new or known, and all below it. */
unsigned stack_add(struct stack *stack, dev_t device);
/* One that the layers must not be added to; NULL: no more fit. */
struct stack_layer *stack_new_layer(struct stack *stack);
/* A layer's spans stand together: all layers below are added before the first of them. */
void stack_add_span(struct stack *stack, unsigned layer, const struct stack_span *span);
void stack_refuse(struct stack_layer *layer, const char *why);

#endif
