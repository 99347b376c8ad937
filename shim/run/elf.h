/* SPDX-License-Identifier: MIT */
/* Would the dynamic loader put a preload into this program? Reads ELF headers, hostile ones too. */
#ifndef ELF_H
#define ELF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum elf_kind {
	ELF_DYNAMIC, /* of our own class and machine, with a loader: reachable */
	ELF_NOT_ELF, /* a script, or garbage */
	ELF_STATIC,  /* names no loader; static-pie too */
	ELF_LOADER,  /* the dynamic loader itself, which is given the program as an argument */
	ELF_OTHER_MACHINE, /* 32 bits and not 64, or another machine */
	ELF_OTHER_LIBC,    /* its loader is not that of the C library we were built with */
	ELF_GO,            /* makes its system calls itself, though it may have a loader */
};

/* The kind of the program open on fd, or -errno. */
int elf_kind(int fd);

/* The path of its loader. False: it names none, or cannot be read. */
enum { ELF_LOADER_PATH = 256 };
bool elf_loader(int fd, char ret_path[ELF_LOADER_PATH]);

/* All of it, or false. */
bool elf_read_at(int fd, void *data, size_t size, uint64_t offset);

#endif
