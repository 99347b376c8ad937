/* SPDX-License-Identifier: MIT */
/* Tells whether a program or library makes system calls by instructions of its own. Reads hostile
 * files too. check.c calls it. */
#ifndef ELF_CALLS_H
#define ELF_CALLS_H

enum elf_calls {
	ELF_CALLS_NONE,  /* none, or none of those that the shim stands in for */
	ELF_CALLS_WRITES /* at least one that the shim stands in for */
};

/* Guesses from the bytes of the text of the ELF file open on fd. Returns enum elf_calls, or -errno;
 * -ENOSYS: not implemented for this architecture. */
int elf_calls(int fd);

#endif
