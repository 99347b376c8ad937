/* SPDX-License-Identifier: MIT */
/*
 * Just as much of an ELF file as decides whether LD_PRELOAD works: the header, the program headers
 * (PT_INTERP), and the names of the sections (Go's). Every offset comes from the file and is only
 * ever used in a pread, which finds it inside the file or fails.
 */
#include "elf.h"

#include <elf.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

enum { MAX_HEADERS = 512, MAX_NAMES = 4096 };

#if defined(__x86_64__)
enum { MACHINE = EM_X86_64 };
#elif defined(__aarch64__)
enum { MACHINE = EM_AARCH64 };
#endif

static bool read_at(int fd, void *data, size_t size, uint64_t offset)
{
	return offset <= INT64_MAX && pread(fd, data, size, (off_t)offset) == (ssize_t)size;
}

static bool is_ours(const Elf64_Ehdr *header)
{
	return header->e_ident[EI_CLASS] == ELFCLASS64 && header->e_machine == MACHINE &&
	       header->e_phentsize == sizeof(Elf64_Phdr);
}

/* The loader's path, empty if there is none. */
static void read_loader(int fd, const Elf64_Ehdr *header, char path[256])
{
	Elf64_Phdr program;

	memset(path, 0, 256);
	for (unsigned i = 0; i < header->e_phnum && i < MAX_HEADERS; i++) {
		if (!read_at(fd, &program, sizeof(program), header->e_phoff + i * sizeof(program)))
			return;
		if (program.p_type == PT_INTERP && program.p_filesz < 256) {
			if (!read_at(fd, path, program.p_filesz, program.p_offset))
				*path = '\0';
			return;
		}
	}
}

static bool has_name(const char *names, size_t size, const char *name)
{
	return memmem(names, size, name, strlen(name) + 1) != NULL;
}

/* By its sections: .go.buildinfo since Go 1.13, .note.go.buildid before. */
static bool is_go(int fd, const Elf64_Ehdr *header)
{
	Elf64_Shdr section;
	char names[MAX_NAMES] = { 0 };

	if (header->e_shentsize != sizeof(section) ||
	    !read_at(fd, &section, sizeof(section),
		     header->e_shoff + (uint64_t)header->e_shstrndx * sizeof(section)))
		return false;
	size_t size = section.sh_size < sizeof(names) ? section.sh_size : sizeof(names);
	return read_at(fd, names, size, section.sh_offset) &&
	       (has_name(names, size, ".go.buildinfo") ||
		has_name(names, size, ".note.go.buildid"));
}

int elf_kind(int fd)
{
	Elf64_Ehdr header = { 0 };
	char loader[256];

	ssize_t length = pread(fd, &header, sizeof(header), 0);
	if (length < 0)
		return -errno;
	if (length < EI_NIDENT || memcmp(header.e_ident, ELFMAG, SELFMAG) != 0)
		return ELF_NOT_ELF;
	if (length != sizeof(header) || !is_ours(&header))
		return ELF_OTHER_CLASS;
	if (is_go(fd, &header))
		return ELF_GO;
	read_loader(fd, &header, loader);
	if (!*loader)
		return ELF_STATIC;
#ifdef __GLIBC__
	if (strstr(loader, "/ld-musl-"))
		return ELF_OTHER_LIBC;
#endif
	return ELF_DYNAMIC;
}
