/* SPDX-License-Identifier: MIT */
/* Does a program or library make system calls by instructions of its own? Reads hostile files too.
 */
#ifndef ELF_CALLS_H
#define ELF_CALLS_H

enum elf_calls {
	ELF_CALLS_NONE,  /* none, or none of those that the shim stands in for */
	ELF_CALLS_WRITES /* calls by which an atomic write may be asked for */
};

/* What the text of the ELF file open on fd looks like; a guess from its bytes. -ENOSYS: not known
 * of this architecture; or another -errno. */
int elf_calls(int fd);

#endif
