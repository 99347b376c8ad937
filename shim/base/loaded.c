/* SPDX-License-Identifier: MIT */
/* Searches the hash table of GNU's linkers (DT_GNU_HASH), which libraries have for the loader. */
#include "base/loaded.h"

#include <link.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

typedef ElfW(Sym) symbol_entry;

struct wish {
	const char *library, *name;
	void *found;
};

/* hash: number of buckets, first symbol, words of the filter, its shift; then the filter, the
 * buckets, the chains. */
struct tables {
	const char *strings;
	const symbol_entry *symbols;
	const uint16_t *versions;
	const uint32_t *hash;
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
		if (dynamic->d_tag == DT_VERSYM)
			tables.versions = value;
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

/* Skips a version that is not the default one: it is for programs that were linked with it. */
static bool is_called(const struct tables *tables, uint32_t i, const char *name)
{
	enum { HIDDEN = 0x8000 };
	const symbol_entry *symbol = &tables->symbols[i];

	return symbol->st_shndx != SHN_UNDEF &&
	       !(tables->versions && (tables->versions[i] & HIDDEN)) &&
	       strcmp(tables->strings + symbol->st_name, name) == 0;
}

static const symbol_entry *find(const struct tables *tables, const char *name)
{
	uint32_t count = tables->hash[0], first = tables->hash[1], hash = hash_of(name);
	const uint32_t *buckets =
		tables->hash + 4 + tables->hash[2] * (sizeof(ElfW(Addr)) / sizeof(uint32_t));
	const uint32_t *chain = buckets + count;

	for (uint32_t i = buckets[hash % count]; i >= first; i++) {
		if ((chain[i - first] | 1) == (hash | 1) && is_called(tables, i, name))
			return &tables->symbols[i];
		if (chain[i - first] & 1) /* the last of this bucket */
			break;
	}
	return NULL;
}

static bool can_be_searched(const struct tables *tables)
{
	return tables->hash && tables->hash[0] && tables->symbols && tables->strings;
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
	const symbol_entry *symbol = can_be_searched(&tables) ? find(&tables, wish->name) : NULL;
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

#ifdef __GLIBC__
/* False: dlsym() must resolve the rest, because this library has no such table, or one of the names
 * is not a plain function there. */
static bool look_for_all(const struct link_map *map, const char *const *names, unsigned count,
			 void **ret_found)
{
	struct tables tables = read_tables(map->l_addr, map->l_ld);

	if (!can_be_searched(&tables))
		return false;
	for (unsigned i = 0; i < count; i++) {
		const symbol_entry *symbol = ret_found[i] ? NULL : find(&tables, names[i]);
		if (symbol && ELF64_ST_TYPE(symbol->st_info) != STT_FUNC)
			return false;
		if (symbol)
			ret_found[i] = (char *)map->l_addr + symbol->st_value;
	}
	return true;
}

void loaded_next(const char *const *names, unsigned count, void **ret_found)
{
	const struct link_map *map = _r_debug.r_map;

	while (map && map->l_ld != _DYNAMIC)
		map = map->l_next;
	for (map = map ? map->l_next : NULL; map; map = map->l_next) {
		if (!look_for_all(map, names, count, ret_found))
			return;
	}
}
#else
void loaded_next(const char *const *names, unsigned count, void **ret_found)
{
	(void)names;
	(void)count;
	(void)ret_found;
}
#endif
