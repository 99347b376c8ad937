/* SPDX-License-Identifier: MIT */
/*
 * Tests which programs a preload can reach. The test makes the files field by field: a header,
 * program headers, the loader's path, the section names, one section header for them. Each row
 * changes one thing. The machine is that of the test itself.
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "run/elf.h"
#include "run/elf_dynamic.h"
#include "suite.h"

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))

static const char glibc[] = "/lib64/ld-linux-x86-64.so.2", musl[] = "/lib/ld-musl-x86_64.so.1";
static const char plain_names[] = "\0.text\0.interp\0.shstrtab";
static const char go_names[] = "\0.text\0.go.buildinfo\0.shstrtab";
static const char old_go_names[] = "\0.text\0.note.go.buildid";
static const char near_names[] = "\0.text\0.go.buildinfo.old\0.note.go.build";

enum { PHDRS = 3, INTERP_AT = 1024, NAMES_AT = 2048, NAMES_MAX = 256 };

struct image {
	ElfW(Ehdr) header;
	ElfW(Phdr) programs[PHDRS];
	char gap[INTERP_AT - sizeof(ElfW(Ehdr)) - PHDRS * sizeof(ElfW(Phdr))];
	char interp[NAMES_AT - INTERP_AT];
	char names[NAMES_MAX];
	ElfW(Shdr) sections[2];
};

/* This test's own header names this machine. */
static void read_own_header(ElfW(Ehdr) * header)
{
	AUTO_CLOSE int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

	ck_assert_int_eq(read(fd, header, sizeof(*header)), sizeof(*header));
}

static void make(struct image *image, const char *loader, const char *names, size_t names_size)
{
	memset(image, 0, sizeof(*image));
	read_own_header(&image->header);
	image->header.e_type = ET_DYN;
	image->header.e_phoff = offsetof(struct image, programs);
	image->header.e_phnum = PHDRS;
	image->header.e_shoff = offsetof(struct image, sections);
	image->header.e_shnum = 2;
	image->header.e_shstrndx = 1;
	image->programs[0].p_type = PT_LOAD;
	image->programs[1].p_type = PT_DYNAMIC;
	image->programs[2].p_type = PT_NOTE;
	if (loader) {
		image->programs[2].p_type = PT_INTERP;
		image->programs[2].p_offset = INTERP_AT;
		image->programs[2].p_filesz = strlen(loader) + 1;
		strcpy(image->interp, loader);
	}
	image->sections[1].sh_type = SHT_STRTAB;
	image->sections[1].sh_offset = NAMES_AT;
	image->sections[1].sh_size = names_size;
	memcpy(image->names, names, names_size);
}

static int kind_of(const void *bytes, size_t size)
{
	AUTO_CLOSE int fd = memfd_create("program", MFD_CLOEXEC);

	ck_assert_int_eq(write(fd, bytes, size), (ssize_t)size);
	return elf_kind(fd);
}

static void nothing(struct image *image)
{
	(void)image;
}

static void other_class(struct image *image)
{
	image->header.e_ident[EI_CLASS] ^= ELFCLASS32 ^ ELFCLASS64;
}

static void other_byte_order(struct image *image)
{
	image->header.e_ident[EI_DATA] ^= ELFDATA2LSB ^ ELFDATA2MSB;
}

static void other_machine(struct image *image)
{
	image->header.e_machine = image->header.e_machine == EM_RISCV ? EM_S390 : EM_RISCV;
}

static void fixed_address(struct image *image)
{
	image->header.e_type = ET_EXEC;
}

static void other_magic(struct image *image)
{
	image->header.e_ident[EI_MAG3] = 'G';
}

static void no_section_headers(struct image *image)
{
	image->header.e_shoff = image->header.e_shnum = image->header.e_shstrndx = 0;
}

static void no_program_headers(struct image *image)
{
	image->header.e_phnum = 0;
}

static void foreign_program_header_size(struct image *image)
{
	image->header.e_phentsize = 1;
}

static void loader_beyond_the_end(struct image *image)
{
	image->programs[2].p_offset = 1 << 20;
}

static void loader_at_a_negative_offset(struct image *image)
{
	memset(&image->programs[2].p_offset, 0xff, sizeof(image->programs[2].p_offset));
}

static void loader_of_enormous_size(struct image *image)
{
	memset(&image->programs[2].p_filesz, 0xff, sizeof(image->programs[2].p_filesz));
}

static void loader_without_its_zero(struct image *image)
{
	image->programs[2].p_filesz = strlen(glibc);
}

static void loader_of_255_bytes(struct image *image)
{
	memset(image->interp, 'x', sizeof(image->interp));
	image->programs[2].p_filesz = 255;
}

static void loader_of_256_bytes(struct image *image)
{
	memset(image->interp, 'x', sizeof(image->interp));
	image->programs[2].p_filesz = 256;
}

static void most_program_headers(struct image *image)
{
	image->header.e_phnum = 0xffff;
}

static void most_sections(struct image *image)
{
	image->header.e_shnum = 0xffff;
}

static void empty_loader(struct image *image)
{
	image->programs[2].p_filesz = 0;
}

static void program_headers_beyond_the_end(struct image *image)
{
	image->header.e_phoff = 1 << 20;
}

static void program_headers_that_wrap(struct image *image)
{
	memset(&image->header.e_phoff, 0xff, sizeof(image->header.e_phoff));
	image->header.e_phnum = 0xffff;
}

static void section_headers_that_wrap(struct image *image)
{
	memset(&image->header.e_shoff, 0xff, sizeof(image->header.e_shoff));
	image->header.e_shstrndx = 0xffff;
}

static void section_names_beyond_the_end(struct image *image)
{
	image->sections[1].sh_offset = 1 << 20;
}

static void section_names_of_enormous_size(struct image *image)
{
	memset(&image->sections[1].sh_size, 0xff, sizeof(image->sections[1].sh_size));
}

static void foreign_section_header_size(struct image *image)
{
	image->header.e_shentsize = 1;
}

#define NAMES(table) (table), sizeof(table)

static const struct {
	const char *what, *loader, *names;
	size_t names_size;
	void (*change)(struct image *image);
	int expected;
} programs[] = {
	{ "dynamic", glibc, NAMES(plain_names), nothing, ELF_DYNAMIC },
	{ "not PIE", glibc, NAMES(plain_names), fixed_address, ELF_DYNAMIC },
	{ "static-pie", NULL, NAMES(plain_names), nothing, ELF_STATIC },
	{ "static", NULL, NAMES(plain_names), fixed_address, ELF_STATIC },
	{ "musl", musl, NAMES(plain_names), nothing, ELF_OTHER_LIBC },
	{ "Go", glibc, NAMES(go_names), nothing, ELF_GO },
	{ "old Go", glibc, NAMES(old_go_names), nothing, ELF_GO },
	{ "static Go", NULL, NAMES(go_names), nothing, ELF_GO },
	{ "nearly Go", glibc, NAMES(near_names), nothing, ELF_DYNAMIC },
	{ "32 bits or 64", glibc, NAMES(plain_names), other_class, ELF_OTHER_MACHINE },
	{ "big end", glibc, NAMES(plain_names), other_byte_order, ELF_OTHER_MACHINE },
	{ "machine", glibc, NAMES(plain_names), other_machine, ELF_OTHER_MACHINE },
	{ "no ELF", glibc, NAMES(plain_names), other_magic, ELF_NOT_ELF },
	{ "stripped", glibc, NAMES(plain_names), no_section_headers, ELF_DYNAMIC },
	{ "phnum", glibc, NAMES(plain_names), no_program_headers, ELF_STATIC },
	{ "phentsize", glibc, NAMES(plain_names), foreign_program_header_size, ELF_STATIC },
	{ "interp far", glibc, NAMES(plain_names), loader_beyond_the_end, ELF_STATIC },
	{ "interp < 0", glibc, NAMES(plain_names), loader_at_a_negative_offset, ELF_STATIC },
	{ "interp big", glibc, NAMES(plain_names), loader_of_enormous_size, ELF_STATIC },
	{ "interp open", glibc, NAMES(plain_names), loader_without_its_zero, ELF_DYNAMIC },
	{ "interp 255", glibc, NAMES(plain_names), loader_of_255_bytes, ELF_DYNAMIC },
	{ "interp 256", glibc, NAMES(plain_names), loader_of_256_bytes, ELF_STATIC },
	{ "phnum 65535", glibc, NAMES(plain_names), most_program_headers, ELF_DYNAMIC },
	{ "phnum 65535, static", NULL, NAMES(plain_names), most_program_headers, ELF_STATIC },
	{ "shnum 65535", glibc, NAMES(go_names), most_sections, ELF_GO },
	{ "interp empty", glibc, NAMES(plain_names), empty_loader, ELF_STATIC },
	{ "phoff far", glibc, NAMES(plain_names), program_headers_beyond_the_end, ELF_STATIC },
	{ "phoff wraps", glibc, NAMES(plain_names), program_headers_that_wrap, ELF_STATIC },
	{ "shoff wraps", glibc, NAMES(go_names), section_headers_that_wrap, ELF_DYNAMIC },
	{ "names far", glibc, NAMES(go_names), section_names_beyond_the_end, ELF_DYNAMIC },
	{ "names big", glibc, NAMES(go_names), section_names_of_enormous_size, ELF_DYNAMIC },
	{ "shentsize", glibc, NAMES(go_names), foreign_section_header_size, ELF_DYNAMIC },
};

START_TEST(program_is_told_by_its_headers)
{
	struct image image;

	make(&image, programs[_i].loader, programs[_i].names, programs[_i].names_size);
	programs[_i].change(&image);
	ck_assert_msg(kind_of(&image, sizeof(image)) == programs[_i].expected, "%s",
		      programs[_i].what);
}
END_TEST

static const struct {
	const char *bytes;
	size_t size;
	int expected;
} shorts[] = {
	{ "", 0, ELF_NOT_ELF },
	{ "#!/bin/sh\n", 10, ELF_NOT_ELF },
	{ "\177ELF", 4, ELF_NOT_ELF },
	{ "\177ELF\2\1\1\0\0\0\0\0\0\0\0\0", 16, ELF_OTHER_MACHINE },
	{ "\177ELF\377\377\377\377\377\377\377\377\377\377\377\377\377", 17, ELF_OTHER_MACHINE },
};

START_TEST(short_file_is_told_without_its_rest)
{
	ck_assert_int_eq(kind_of(shorts[_i].bytes, shorts[_i].size), shorts[_i].expected);
}
END_TEST

START_TEST(every_truncation_has_an_answer)
{
	struct image image;

	make(&image, glibc, NAMES(go_names));
	for (size_t size = 0; size < sizeof(image); size++) {
		int kind = kind_of(&image, size);
		ck_assert_msg(kind >= ELF_DYNAMIC && kind <= ELF_GO, "%zu: %d", size, kind);
		if (size < sizeof(image.header))
			ck_assert(kind == ELF_NOT_ELF || kind == ELF_OTHER_MACHINE);
		else if (size < INTERP_AT + sizeof(glibc) - 1)
			ck_assert_msg(kind != ELF_DYNAMIC, "%zu bytes have no loader", size);
	}
}
END_TEST

/* Machine and class stay good, so that the checks after them are reached. */
START_TEST(random_headers_have_an_answer)
{
	struct image image, good;
	unsigned seed = 1;

	make(&good, glibc, NAMES(plain_names));
	for (int round = 0; round < 50000; round++) {
		image = good;
		for (int i = 0; i < 8; i++) {
			size_t at = (size_t)rand_r(&seed) % sizeof(image);
			if (at < offsetof(ElfW(Ehdr), e_version))
				at += offsetof(ElfW(Ehdr), e_version);
			((unsigned char *)&image)[at] = (unsigned char)rand_r(&seed);
		}
		int kind = kind_of(&image, sizeof(image));
		ck_assert_msg(kind >= ELF_DYNAMIC && kind <= ELF_GO, "round %d: %d", round, kind);
	}
}
END_TEST

/* A test program is dynamically linked, whatever it was built with. */
START_TEST(our_own_program_is_reachable)
{
	AUTO_CLOSE int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

	ck_assert_int_eq(elf_kind(fd), ELF_DYNAMIC);
}
END_TEST

START_TEST(the_machines_programs_are_reachable)
{
	AUTO_CLOSE int fd = open("/bin/true", O_RDONLY | O_CLOEXEC);

	ck_assert_int_eq(elf_kind(fd), ELF_DYNAMIC);
}
END_TEST

/* The loader that this program names is a program, too, and takes others as arguments. */
START_TEST(the_loader_is_no_static_program)
{
	char path[ELF_LOADER_PATH];
	AUTO_CLOSE int self = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

	ck_assert(elf_loader(self, path));
	AUTO_CLOSE int loader = open(path, O_RDONLY | O_CLOEXEC);
	ck_assert_int_eq(elf_kind(loader), ELF_LOADER);
	ck_assert(!elf_loader(loader, path) && !*path);
}
END_TEST

START_TEST(the_dynamic_section_is_read)
{
	AUTO_CLOSE int self = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	AUTO_CLOSE int none = open("/dev/null", O_RDONLY | O_CLOEXEC);

	ck_assert(elf_dynamic_has(self, DT_NEEDED, "libc.so.6"));
	ck_assert(elf_dynamic_has(self, DT_NEEDED, "libc."));
	ck_assert(elf_dynamic_has(self, DT_NEEDED, ""));
	ck_assert(!elf_dynamic_has(self, DT_NEEDED, "libc.so.66"));
	ck_assert(!elf_dynamic_has(self, DT_SONAME, ""));
	ck_assert(!elf_dynamic_has(none, DT_NEEDED, ""));
	ck_assert(!elf_dynamic_has(-1, DT_NEEDED, ""));
}
END_TEST

/* A copy of this program with a few changed bytes in its headers and its dynamic section. */
START_TEST(hostile_dynamic_sections_have_an_answer)
{
	enum { SIZE = 1 << 16, ROUNDS = 20000 };
	AUTO_CLOSE int self = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	static unsigned char good[SIZE];
	AUTO_CLOSE int fd = memfd_create("hostile", MFD_CLOEXEC);
	unsigned seed = 2;

	ssize_t length = pread(self, good, sizeof(good), 0);
	ck_assert_int_eq(pwrite(fd, good, (size_t)length, 0), length);
	for (int round = 0; round < ROUNDS; round++) {
		off_t at = rand_r(&seed) % (round & 1 ? 1024 : SIZE);
		unsigned char byte = (unsigned char)rand_r(&seed);
		ck_assert_int_eq(pwrite(fd, &byte, 1, at), 1);
		elf_dynamic_has(fd, DT_NEEDED, "none");
		if (at < length)
			ck_assert_int_eq(pwrite(fd, good + at, 1, at), 1);
	}
}
END_TEST

START_TEST(unreadable_file_is_its_error)
{
	AUTO_CLOSE int directory = open("/", O_RDONLY | O_CLOEXEC);
	AUTO_CLOSE int unreadable = open("/dev/null", O_WRONLY | O_CLOEXEC);
	int closed = dup(directory);

	close(closed);
	ck_assert_int_eq(elf_kind(directory), -EISDIR);
	ck_assert_int_eq(elf_kind(unreadable), -EBADF);
	ck_assert_int_eq(elf_kind(closed), -EBADF);
	ck_assert_int_eq(elf_kind(-1), -EBADF);
}
END_TEST

Suite *suite(void)
{
	Suite *suite = suite_create("elf");
	TCase *tcase = tcase_create("kinds");

	tcase_add_loop_test(tcase, program_is_told_by_its_headers, 0, COUNT(programs));
	tcase_add_loop_test(tcase, short_file_is_told_without_its_rest, 0, COUNT(shorts));
	tcase_add_test(tcase, every_truncation_has_an_answer);
	tcase_add_test(tcase, random_headers_have_an_answer);
	tcase_add_test(tcase, the_loader_is_no_static_program);
	tcase_add_test(tcase, the_dynamic_section_is_read);
	tcase_add_test(tcase, hostile_dynamic_sections_have_an_answer);
	tcase_add_test(tcase, our_own_program_is_reachable);
	tcase_add_test(tcase, the_machines_programs_are_reachable);
	tcase_add_test(tcase, unreadable_file_is_its_error);
	suite_add_tcase(suite, tcase);
	return suite;
}
