/* SPDX-License-Identifier: MIT */
/* The dynamic section of an ELF file of our own class. Reads hostile files too. */
#ifndef ELF_DYNAMIC_H
#define ELF_DYNAMIC_H

#include <stdbool.h>
#include <stdint.h>

/* Does the file open on fd have an entry with this tag (DT_NEEDED ...) whose text begins so? */
bool elf_dynamic_has(int fd, int64_t tag, const char *beginning);

#endif
