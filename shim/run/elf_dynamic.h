/* SPDX-License-Identifier: MIT */
/* Reads the dynamic section of an ELF file of our own class. Takes hostile files too. */
#ifndef ELF_DYNAMIC_H
#define ELF_DYNAMIC_H

#include <stdbool.h>
#include <stdint.h>

/* True: the file open on fd has an entry with this tag (DT_NEEDED ...) and this beginning. */
bool elf_dynamic_has(int fd, int64_t tag, const char *beginning);

#endif
