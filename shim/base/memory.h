/* SPDX-License-Identifier: MIT */
/* The program's memory, of which a system call says EFAULT when it is not there. */
#ifndef MEMORY_H
#define MEMORY_H

#include <stdbool.h>
#include <stddef.h>

/* The next two ask process_vm_readv(2); where that is forbidden the memory is trusted. errno may be
 * changed.
 */

/* False: it cannot be read. */
bool memory_read(void *ret_data, const void *from, size_t size);

/* Of one byte; without touching it. */
bool memory_is_there(const void *address);

/* Can the aligned word at this address be read? One system call that changes nothing, and the
 * cheapest that tells. */
bool memory_has_word(const void *address);

#endif
