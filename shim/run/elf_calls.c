/* SPDX-License-Identifier: MIT */
/*
 * The text is not disassembled. A match is a system call instruction after an instruction that puts
 * the number of one of our calls into a register. io_uring's numbers count in any register but edi,
 * where they are an argument of syscall(). The other numbers are common, as line numbers are: they
 * count only in eax, and shortly before the call.
 */
#include "run/elf_calls.h"

#include <elf.h>
#include <errno.h>
#include <link.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"

#ifdef __x86_64__

enum {
	MAX_HEADERS = 512,
	CHUNK = 1 << 20,
	FAR = 1024, /* a compiler may keep a number in a register all through a function */
	NEAR = 40,
	TAIL = 16, /* no pattern is longer */
};

/* The state of a scan through one segment. */
struct scan {
	uint64_t from, reach; /* a system call between these offsets is one of ours */
	bool found;
};

static bool is_rings(uint32_t number)
{
	return number == SYS_io_uring_enter || number == SYS_io_uring_setup;
}

/* Returns within how many bytes after this instruction a system call counts; 0: it puts no number
 * of ours into a register. The instruction is mov $number, %r32 (Intel SDM vol. 2, MOV: B8+rd id),
 * with or without REX.B. */
static size_t reach_of(const uint8_t *text, uint8_t before)
{
	uint32_t number;

	memcpy(&number, text + 1, sizeof(number));
	if ((*text & 0xf8) == 0xb8 && is_rings(number) && (*text != 0xbf || before == 0x41))
		return FAR;
	if (*text == 0xb8 && before != 0x41 &&
	    (number == SYS_pwritev2 || number == SYS_io_submit || number == SYS_statx))
		return NEAR;
	return 0;
}

/* True: 0F 05, and not a part of a displacement, whose next byte would be its sign (00 or FF). */
static bool is_call(const uint8_t *text)
{
	return text[0] == 0x0f && text[1] == 0x05 && text[2] != 0x00 && text[2] != 0xff;
}

static void scan_text(struct scan *scan, const uint8_t *text, size_t size, uint64_t offset)
{
	for (size_t i = 1; i + TAIL <= size && !scan->found; i++) {
		size_t reach = reach_of(text + i, text[i - 1]);
		if (reach && offset + i + reach > scan->reach) {
			scan->from = offset + i;
			scan->reach = offset + i + reach;
		}
		scan->found =
			offset + i > scan->from && offset + i < scan->reach && is_call(text + i);
	}
}

static int scan_segment(int fd, const ElfW(Phdr) * program, uint8_t *buffer, struct scan *scan)
{
	uint64_t offset = program->p_offset, end = offset + program->p_filesz;

	memset(buffer + CHUNK, 0, 2 * TAIL);
	while (offset < end && offset <= INT64_MAX && !scan->found) {
		size_t size = end - offset < CHUNK ? (size_t)(end - offset) : CHUNK;
		ssize_t length = pread(fd, buffer, size, (off_t)offset);
		if (length <= 0)
			return length < 0 ? -errno : 0;
		bool last = (uint64_t)length == end - offset || length <= 2 * TAIL;
		if (last) /* zeros follow the end */
			memset(buffer + length, 0, TAIL);
		scan_text(scan, buffer, (size_t)length + (last ? TAIL : 0), offset);
		offset += (uint64_t)length - (last ? 0 : 2 * TAIL);
		if (last)
			break;
	}
	return 0;
}

int elf_calls(int fd)
{
	ElfW(Ehdr) header = { 0 };
	struct scan scan = { 0 };
	AUTO_FREE uint8_t *buffer = malloc(CHUNK + 2 * TAIL);
	int error = 0;

	if (!buffer || pread(fd, &header, sizeof(header), 0) != sizeof(header) ||
	    header.e_phentsize != sizeof(ElfW(Phdr)))
		return buffer ? -ENOEXEC : -ENOMEM;
	for (unsigned i = 0; i < header.e_phnum && i < MAX_HEADERS && !error; i++) {
		ElfW(Phdr) program;
		uint64_t at = header.e_phoff + i * sizeof(program);
		if (at > INT64_MAX ||
		    pread(fd, &program, sizeof(program), (off_t)at) != sizeof(program))
			return -ENOEXEC;
		if (program.p_type == PT_LOAD && (program.p_flags & PF_X))
			error = scan_segment(fd, &program, buffer, &scan);
	}
	return error ? error : scan.found ? ELF_CALLS_WRITES : ELF_CALLS_NONE;
}

#else

int elf_calls(int fd)
{
	(void)fd;
	return -ENOSYS;
}

#endif
