/* SPDX-License-Identifier: MIT */
/*
 * Reads the program's memory where a native system call would return EFAULT instead of a signal.
 * All functions are async-signal-safe and take no lock. The doors call them for pointers of the
 * program.
 */
#ifndef MEMORY_H
#define MEMORY_H

#include <stdbool.h>
#include <stddef.h>

/* The next two call process_vm_readv(2). If a filter forbids that, the memory counts as readable.
 * They may change errno. */

/* False: it cannot be read. */
bool memory_read(void *ret_data, const void *from, size_t size);

/* Of one byte; without touching it. */
bool memory_is_there(const void *address);

/* Can the aligned word at this address be read? One system call that changes nothing, and the
 * cheapest that tells. */
bool memory_has_word(const void *address);

#endif
