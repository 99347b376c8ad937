/* SPDX-License-Identifier: MIT */
#include "run/elf_dynamic.h"

#include <elf.h>
#include <link.h>
#include <string.h>

#include "run/elf_read.h"

enum { MAX_HEADERS = 512, MAX_ENTRIES = 4096, MAX_TEXT = 64 };

struct view {
	int fd;
	ElfW(Ehdr) header;
	ElfW(Phdr) dynamic;
};

static bool read_segment(const struct view *view, unsigned i, ElfW(Phdr) * ret_segment)
{
	return i < view->header.e_phnum && i < MAX_HEADERS &&
	       elf_read_at(view->fd, ret_segment, sizeof(*ret_segment),
			   view->header.e_phoff + i * sizeof(*ret_segment));
}

static bool find_dynamic(struct view *view)
{
	for (unsigned i = 0; read_segment(view, i, &view->dynamic); i++) {
		if (view->dynamic.p_type == PT_DYNAMIC)
			return true;
	}
	return false;
}

/* Returns the file's offset for this address, or UINT64_MAX, which no read accepts. */
static uint64_t offset_of(const struct view *view, uint64_t address)
{
	ElfW(Phdr) segment;

	for (unsigned i = 0; read_segment(view, i, &segment); i++) {
		if (segment.p_type == PT_LOAD && address >= segment.p_vaddr &&
		    address - segment.p_vaddr < segment.p_filesz)
			return segment.p_offset + (address - segment.p_vaddr);
	}
	return UINT64_MAX;
}

static bool read_entry(const struct view *view, unsigned i, ElfW(Dyn) * ret_entry)
{
	return i < MAX_ENTRIES && (i + 1) * sizeof(*ret_entry) <= view->dynamic.p_filesz &&
	       elf_read_at(view->fd, ret_entry, sizeof(*ret_entry),
			   view->dynamic.p_offset + i * sizeof(*ret_entry)) &&
	       ret_entry->d_tag != DT_NULL;
}

static uint64_t find_texts(const struct view *view)
{
	ElfW(Dyn) entry;

	for (unsigned i = 0; read_entry(view, i, &entry); i++) {
		if (entry.d_tag == DT_STRTAB)
			return offset_of(view, entry.d_un.d_ptr);
	}
	return UINT64_MAX;
}

static bool begins(const struct view *view, uint64_t offset, const char *beginning)
{
	char text[MAX_TEXT];
	size_t length = strnlen(beginning, sizeof(text));

	return elf_read_at(view->fd, text, length, offset) && memcmp(text, beginning, length) == 0;
}

bool elf_dynamic_has(int fd, int64_t tag, const char *beginning)
{
	struct view view = { .fd = fd };
	ElfW(Dyn) entry;

	if (!elf_read_at(fd, &view.header, sizeof(view.header), 0) ||
	    view.header.e_phentsize != sizeof(view.dynamic) || !find_dynamic(&view))
		return false;
	uint64_t texts = find_texts(&view);
	for (unsigned i = 0; texts <= INT64_MAX && read_entry(&view, i, &entry); i++) {
		if (entry.d_tag == tag && entry.d_un.d_val <= INT64_MAX &&
		    begins(&view, texts + entry.d_un.d_val, beginning))
			return true;
	}
	return false;
}
