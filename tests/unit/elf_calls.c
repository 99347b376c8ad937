/* SPDX-License-Identifier: MIT */
/* Tests which bytes count as a program's own system calls, at any place in its text. */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "run/elf_calls.h"
#include "suite.h"

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))

#ifdef __x86_64__

enum { BEFORE = 0x1000 };

/* A file with this text, `at` bytes into a segment of size bytes. */
static int file_with(const char *text, size_t length, uint64_t at, uint64_t size, unsigned flags)
{
	ElfW(Ehdr) header = { .e_ident = ELFMAG,
			      .e_phoff = sizeof(header),
			      .e_phentsize = sizeof(ElfW(Phdr)),
			      .e_phnum = 1 };
	ElfW(Phdr) program = {
		.p_type = PT_LOAD, .p_flags = flags, .p_offset = BEFORE, .p_filesz = size
	};
	int fd = memfd_create("elf", 0);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(pwrite(fd, &header, sizeof(header), 0), sizeof(header));
	ck_assert_int_eq(pwrite(fd, &program, sizeof(program), sizeof(header)), sizeof(program));
	ck_assert_int_eq(ftruncate(fd, (off_t)(BEFORE + size)), 0);
	ck_assert_int_eq(pwrite(fd, text, length, (off_t)(BEFORE + at)), (ssize_t)length);
	return fd;
}

#define TEXT(bytes) bytes, sizeof(bytes) - 1
#define ENTER       "\xaa\x01\x00\x00" /* 426 */
#define CALL        "\x0f\x05\x48"

static const struct {
	const char *text;
	size_t length;
	int expected;
} rows[] = {
	{ TEXT("\xb8" ENTER CALL), ELF_CALLS_WRITES },
	{ TEXT("\xb8\xa9\x01\x00\x00" CALL), ELF_CALLS_WRITES },                  /* setup */
	{ TEXT("\xb8\xab\x01\x00\x00" CALL), ELF_CALLS_NONE },                    /* register */
	{ TEXT("\xb8\x48\x01\x00\x00\x0f\x05\xc3"), ELF_CALLS_WRITES },           /* pwritev2 */
	{ TEXT("\xb8\x4c\x01\x00\x00" CALL), ELF_CALLS_WRITES },                  /* statx */
	{ TEXT("\xb8\xd1\x00\x00\x00" CALL), ELF_CALLS_WRITES },                  /* io_submit */
	{ TEXT("\xbe\x4c\x01\x00\x00" CALL), ELF_CALLS_NONE },                    /* in esi */
	{ TEXT("\x41\xb8\x4c\x01\x00\x00" CALL), ELF_CALLS_NONE },                /* in r8d */
	{ TEXT("\x41\xbd" ENTER "\x90\x90\x44\x89\xe8" CALL), ELF_CALLS_WRITES }, /* by r13d */
	{ TEXT("\xbf" ENTER CALL), ELF_CALLS_NONE },                              /* in edi */
	{ TEXT("\x41\xbf" ENTER CALL), ELF_CALLS_WRITES },                        /* in r15d */
	{ TEXT("\xb8" ENTER "\x0f\x05\x00"), ELF_CALLS_NONE }, /* a displacement */
	{ TEXT("\xb8" ENTER "\x0f\x05\xff"), ELF_CALLS_NONE },
	{ TEXT(CALL "\xb8" ENTER), ELF_CALLS_NONE },
	{ TEXT("\xb8" ENTER), ELF_CALLS_NONE },
	{ TEXT("\xb8\x01\x00\x00\x00" CALL), ELF_CALLS_NONE }, /* write */
	{ TEXT("\x90"), ELF_CALLS_NONE },
};

static const uint64_t places[] = { 1,
				   1000,
				   (1 << 20) - 40,
				   (1 << 20) - 33,
				   (1 << 20) - 32,
				   (1 << 20) - 20,
				   (1 << 20) - 5,
				   1 << 20,
				   (2 << 20) + 7 };

START_TEST(a_call_is_found_where_it_is)
{
	for (int i = 0; i < COUNT(places); i++) {
		int fd = file_with(rows[_i].text, rows[_i].length, places[i], 4 << 20, PF_R | PF_X);
		ck_assert_msg(elf_calls(fd) == rows[_i].expected, "row %d at %lu", _i, places[i]);
		close(fd);
	}
	int fd = file_with(rows[_i].text, rows[_i].length, 1, 1 + rows[_i].length, PF_R | PF_X);
	ck_assert_int_eq(elf_calls(fd), rows[_i].expected);
	close(fd);
}
END_TEST

START_TEST(what_is_not_executed_is_no_call)
{
	int fd = file_with(rows[0].text, rows[0].length, 1000, 4096, PF_R | PF_W);

	ck_assert_int_eq(elf_calls(fd), ELF_CALLS_NONE);
	close(fd);
}
END_TEST

static const int distances[][2] = { { 500, ELF_CALLS_WRITES }, { 2000, ELF_CALLS_NONE } };

START_TEST(a_number_far_before_is_another_ones)
{
	int fd = file_with(TEXT("\xb8" ENTER), 100, 1 << 16, PF_R | PF_X);

	ck_assert_int_eq(pwrite(fd, CALL, 3, BEFORE + 100 + distances[_i][0]), 3);
	ck_assert_int_eq(elf_calls(fd), distances[_i][1]);
	close(fd);
}
END_TEST

/* A file may claim anything: nothing beyond its end may be read, and the search must end. */
START_TEST(hostile_files)
{
	int fd = file_with(rows[0].text, rows[0].length, 1000, 4096, PF_R | PF_X);
	ElfW(Phdr) program = { .p_type = PT_LOAD, .p_flags = PF_X };
	static const uint64_t values[] = {
		0, 1, 4095, 1 << 20, INT64_MAX, UINT64_MAX, UINT64_MAX - 4095
	};

	for (int i = 0; i < COUNT(values); i++) {
		for (int j = 0; j < COUNT(values); j++) {
			program.p_offset = values[i];
			program.p_filesz = values[j];
			ck_assert_int_eq(pwrite(fd, &program, sizeof(program), sizeof(ElfW(Ehdr))),
					 sizeof(program));
			elf_calls(fd);
		}
	}
	ck_assert_int_eq(ftruncate(fd, 70), 0);
	ck_assert_int_eq(elf_calls(fd), -ENOEXEC);
	ck_assert_int_eq(ftruncate(fd, 3), 0);
	ck_assert_int_eq(elf_calls(fd), -ENOEXEC);
	close(fd);
	ck_assert_int_lt(elf_calls(-1), 0);
}
END_TEST

START_TEST(we_make_ours_through_the_c_library)
{
	int fd = open("/proc/self/exe", O_RDONLY);

	ck_assert_int_eq(elf_calls(fd), ELF_CALLS_NONE);
	close(fd);
}
END_TEST

#else

START_TEST(not_known_of_this_architecture)
{
	int fd = open("/proc/self/exe", O_RDONLY);

	ck_assert_int_eq(elf_calls(fd), -ENOSYS);
	close(fd);
}
END_TEST

#endif

Suite *suite(void)
{
	Suite *s = suite_create("calls in an ELF file");
	TCase *tc = tcase_create("calls");

#ifdef __x86_64__
	tcase_add_loop_test(tc, a_call_is_found_where_it_is, 0, COUNT(rows));
	tcase_add_test(tc, what_is_not_executed_is_no_call);
	tcase_add_loop_test(tc, a_number_far_before_is_another_ones, 0, COUNT(distances));
	tcase_add_test(tc, hostile_files);
	tcase_add_test(tc, we_make_ours_through_the_c_library);
#else
	tcase_add_test(tc, not_known_of_this_architecture);
#endif
	suite_add_tcase(s, tc);
	return s;
}
