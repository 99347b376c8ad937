/* SPDX-License-Identifier: MIT */
/* The program's memory, of which a system call says EFAULT when it is not there. */
#ifndef MEMORY_H
#define MEMORY_H

#include <stdbool.h>
#include <stddef.h>

/* False: it cannot be read. Where process_vm_readv(2) is forbidden the memory is trusted. errno may
 * be changed. */
bool memory_read(void *ret_data, const void *from, size_t size);

#endif
