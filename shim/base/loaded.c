/* SPDX-License-Identifier: MIT */
/* By the hash table of GNU's linkers (DT_GNU_HASH), which libraries have for the loader. */
#include "base/loaded.h"

#include <link.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct wish {
	const char *library, *name;
	void *found;
};

struct tables {
	const char *strings;
	const ElfW(Sym) * symbols;
	const uint32_t
		*hash; /* buckets, first symbol, words of the filter, shift; the filter ... */
};

/* The GNU C library has added the address already, musl has not. */
static const void *place(ElfW(Addr) base, ElfW(Addr) value)
{
	return (const void *)(value < base ? base + value : value);
}

static struct tables read_tables(ElfW(Addr) base, const ElfW(Dyn) * dynamic)
{
	struct tables tables = { 0 };

	for (; dynamic->d_tag != DT_NULL; dynamic++) {
		const void *value = place(base, dynamic->d_un.d_ptr);
		if (dynamic->d_tag == DT_STRTAB)
			tables.strings = value;
		if (dynamic->d_tag == DT_SYMTAB)
			tables.symbols = value;
		if (dynamic->d_tag == DT_GNU_HASH)
			tables.hash = value;
	}
	return tables;
}

static uint32_t hash_of(const char *name)
{
	uint32_t hash = 5381;

	for (; *name; name++)
		hash = hash * 33 + (unsigned char)*name;
	return hash;
}

static const ElfW(Sym) * find(const struct tables *tables, const char *name)
{
	uint32_t count = tables->hash[0], first = tables->hash[1], hash = hash_of(name);
	const uint32_t *buckets =
		tables->hash + 4 + tables->hash[2] * (sizeof(ElfW(Addr)) / sizeof(uint32_t));
	const uint32_t *chain = buckets + count;

	for (uint32_t i = buckets[hash % count]; i >= first; i++) {
		const ElfW(Sym) *symbol = &tables->symbols[i];
		if (symbol->st_shndx != SHN_UNDEF &&
		    strcmp(tables->strings + symbol->st_name, name) == 0)
			return symbol;
		if (chain[i - first] & 1) /* the last of this bucket */
			break;
	}
	return NULL;
}

static int look_into(struct dl_phdr_info *info, size_t size, void *data)
{
	struct wish *wish = data;
	const char *slash = strrchr(info->dlpi_name, '/');
	struct tables tables = { 0 };

	(void)size;
	if (strcmp(slash ? slash + 1 : info->dlpi_name, wish->library) != 0)
		return 0;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		if (info->dlpi_phdr[i].p_type == PT_DYNAMIC)
			tables = read_tables(info->dlpi_addr,
					     place(info->dlpi_addr, info->dlpi_phdr[i].p_vaddr));
	}
	const ElfW(Sym) *symbol = tables.hash && tables.hash[0] ? find(&tables, wish->name) : NULL;
	if (symbol)
		wish->found = (char *)info->dlpi_addr + symbol->st_value;
	return symbol != NULL;
}

void *loaded_find(const char *library, const char *name)
{
	struct wish wish = { library, name, NULL };

	dl_iterate_phdr(look_into, &wish);
	return wish.found;
}
