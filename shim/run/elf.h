/* SPDX-License-Identifier: MIT */
/* Would the dynamic loader put a preload into this program? Reads ELF headers, hostile ones too. */
#ifndef ELF_H
#define ELF_H

enum elf_kind {
	ELF_DYNAMIC,	   /* of our own class and machine, with a loader: reachable */
	ELF_NOT_ELF,	   /* a script, or garbage */
	ELF_STATIC,	   /* names no loader; static-pie too */
	ELF_OTHER_MACHINE, /* 32 bits and not 64, or another machine */
	ELF_OTHER_LIBC,	   /* its loader is not that of the C library we were built with */
	ELF_GO,		   /* makes its system calls itself, though it may have a loader */
};

/* The kind of the program open on fd, or -errno. */
int elf_kind(int fd);

#endif
