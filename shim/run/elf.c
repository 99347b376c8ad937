/* SPDX-License-Identifier: MIT */
/*
 * Reads as much of an ELF file as decides whether LD_PRELOAD works: the header, the program headers
 * (PT_INTERP), and the names of the sections (Go's).
 */
#include "run/elf.h"

#include <elf.h>
#include <errno.h>
#include <link.h>
#include <string.h>
#include <unistd.h>

#include "run/elf_dynamic.h"
#include "run/elf_read.h"

enum { MAX_HEADERS = 512, MAX_NAMES = 4096 };

/* The linker's name for our own header, which has the class and machine to compare with. */
extern const ElfW(Ehdr) __ehdr_start __attribute__((visibility("hidden")));

static bool is_our_machine(const ElfW(Ehdr) * header)
{
	const ElfW(Ehdr) *ours = &__ehdr_start;

	return header->e_ident[EI_CLASS] == ours->e_ident[EI_CLASS] &&
	       header->e_ident[EI_DATA] == ours->e_ident[EI_DATA] &&
	       header->e_machine == ours->e_machine;
}

/* Reads the loader's path; empty if there is none. */
static void read_loader(int fd, const ElfW(Ehdr) * header, char ret_path[ELF_LOADER_PATH])
{
	ElfW(Phdr) program;

	memset(ret_path, 0, ELF_LOADER_PATH);
	for (unsigned i = 0; i < header->e_phnum && i < MAX_HEADERS; i++) {
		if (!elf_read_at(fd, &program, sizeof(program),
				 header->e_phoff + i * sizeof(program)))
			return;
		if (program.p_type == PT_INTERP && program.p_filesz < ELF_LOADER_PATH) {
			if (!elf_read_at(fd, ret_path, program.p_filesz, program.p_offset))
				*ret_path = '\0';
			return;
		}
	}
}

static bool has_name(const char *names, size_t size, const char *name)
{
	return memmem(names, size, name, strlen(name) + 1) != NULL;
}

/* Knows Go by its sections: .go.buildinfo since Go 1.13, .note.go.buildid before. */
static bool is_go(int fd, const ElfW(Ehdr) * header)
{
	ElfW(Shdr) section;
	char names[MAX_NAMES];

	if (header->e_shentsize != sizeof(section) ||
	    !elf_read_at(fd, &section, sizeof(section),
			 header->e_shoff + (uint64_t)header->e_shstrndx * sizeof(section)))
		return false;
	size_t size = section.sh_size < sizeof(names) ? section.sh_size : sizeof(names);
	return elf_read_at(fd, names, size, section.sh_offset) &&
	       (has_name(names, size, ".go.buildinfo") ||
		has_name(names, size, ".note.go.buildid"));
}

static bool is_our_libc(const char *loader)
{
	bool musl = strstr(loader, "/ld-musl-") != NULL;

#ifdef __GLIBC__
	return !musl;
#else
	return musl;
#endif
}

bool elf_loader(int fd, char ret_path[ELF_LOADER_PATH])
{
	ElfW(Ehdr) header = { 0 };

	*ret_path = '\0';
	if (elf_read_at(fd, &header, sizeof(header), 0) && header.e_phentsize == sizeof(ElfW(Phdr)))
		read_loader(fd, &header, ret_path);
	return *ret_path != '\0';
}

int elf_kind(int fd)
{
	ElfW(Ehdr) header = { 0 };
	char loader[ELF_LOADER_PATH];

	ssize_t length = pread(fd, &header, sizeof(header), 0);
	if (length < 0)
		return -errno;
	if (length < EI_NIDENT || memcmp(header.e_ident, ELFMAG, SELFMAG) != 0)
		return ELF_NOT_ELF;
	if (length != sizeof(header) || !is_our_machine(&header))
		return ELF_OTHER_MACHINE;
	if (is_go(fd, &header))
		return ELF_GO;
	if (header.e_phentsize == sizeof(ElfW(Phdr)))
		read_loader(fd, &header, loader);
	else
		*loader = '\0';
	if (!*loader) /* the loaders' own names: ld-linux-x86-64.so.2, ld64.so.2, ld.so.1 */
		return elf_dynamic_has(fd, DT_SONAME, "ld") ? ELF_LOADER : ELF_STATIC;
	return is_our_libc(loader) ? ELF_DYNAMIC : ELF_OTHER_LIBC;
}
