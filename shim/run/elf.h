/* SPDX-License-Identifier: MIT */
/* Tells whether the dynamic loader puts a preload into a program. Reads ELF headers, hostile ones
 * too. program.c and loads.c call it. */
#ifndef ELF_H
#define ELF_H

#include <stdbool.h>

enum elf_kind {
	ELF_DYNAMIC,       /* of our own class and machine, with a loader: reachable */
	ELF_NOT_ELF,       /* a script, or garbage */
	ELF_STATIC,        /* names no loader; static-pie too */
	ELF_LOADER,        /* the dynamic loader itself; the program is its argument */
	ELF_OTHER_MACHINE, /* another class (32 bits, 64 bits), byte order or machine */
	ELF_OTHER_LIBC,    /* its loader is not that of the C library we were built with */
	ELF_GO,            /* makes its system calls itself, though it may have a loader */
};

/* The kind of the program open on fd, or -errno. */
int elf_kind(int fd);

/* Reads the path of the program's loader. False: it names none, or it cannot be read. */
enum { ELF_LOADER_PATH = 256 };
bool elf_loader(int fd, char ret_path[ELF_LOADER_PATH]);

#endif
