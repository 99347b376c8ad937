/* SPDX-License-Identifier: MIT */
/* How elf.c and elf_dynamic.c read a program's file. It keeps no state, and is thread-safe. */
#ifndef ELF_READ_H
#define ELF_READ_H

#include <stdbool.h>
#include <stdint.h>
#include <unistd.h>

/* Reads exactly `size` bytes at this offset, which may come from a hostile file: the read stays
 * inside the file or fails. False: not all could be read. */
static inline bool elf_read_at(int fd, void *data, size_t size, uint64_t offset)
{
	return offset <= INT64_MAX && pread(fd, data, size, (off_t)offset) == (ssize_t)size;
}

#endif
