/* SPDX-License-Identifier: MIT */
/*
 * Reads the program's memory where a native system call would return EFAULT instead of a signal.
 * All functions are async-signal-safe and take no lock. engine/ and door/deep_mask.c call them for
 * pointers of the program.
 */
#ifndef MEMORY_H
#define MEMORY_H

#include <stdbool.h>
#include <stddef.h>

/* The next two call process_vm_readv(2). If a filter forbids that, the memory counts as readable.
 * They may change errno. */

/* Copies the memory. False: it cannot be read. */
bool memory_read(void *ret_data, const void *from, size_t size);

/* True if this byte can be read. */
bool memory_is_there(const void *address);

/* True if the aligned word at this address can be read. Makes one system call that changes nothing,
 * the cheapest that tells. */
bool memory_has_word(const void *address);

#endif
