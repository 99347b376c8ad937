/* SPDX-License-Identifier: MIT */
/*
 * readdir(3). In a disk's queue folder, it adds the files of attribute.c that the kernel lacks,
 * after the kernel's own. The C library's scandir(), glob() and nftw() do not come through here, so
 * their callers do not see these files. No lock: a place in `lists` is one atomic word.
 */
#include "engine/attribute.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/guard.h"
#include "base/real.h"
#include "door/entry.h"

#define ALIAS_OF(name) __attribute__((alias(#name)))

#define ENTRY(which, name)                                                                         \
	[which] = { .d_ino = (ino_t)(UINT32_MAX - (which)),                                        \
		    .d_reclen = sizeof(struct dirent),                                             \
		    .d_type = DT_REG,                                                              \
		    .d_name = name }
static const struct dirent entries[ATTRIBUTES] = { ATTRIBUTE_EACH(ENTRY) };

/* The queue folders that programs began to list last: the address of the DIR and, in the bits that
 * its alignment leaves free, the next entry. A new folder replaces the oldest, which then lists
 * only the kernel's files from there on. So no place is lost if a DIR ends without closedir(). */
enum { LISTS = 16 };
static _Atomic uintptr_t lists[LISTS];
#define NEXT ((uintptr_t)7)
_Static_assert(ATTRIBUTES <= NEXT, "these bits can say that no entry is left");

static bool is_of(uintptr_t list, DIR *folder)
{
	return (list & ~NEXT) == (uintptr_t)folder;
}

static _Atomic uintptr_t *find(DIR *folder)
{
	for (int i = 0; i < LISTS; i++) {
		if (is_of(atomic_load(&lists[i]), folder))
			return &lists[i];
	}
	return NULL;
}

static _Atomic uintptr_t *replace_oldest(void)
{
	static atomic_uint begun;

	return &lists[atomic_fetch_add(&begun, 1) % LISTS];
}

static bool is_missing(int folder, enum attribute which)
{
	struct stat st;
	char text[ATTRIBUTE_TEXT];

	return real_syscall(SYS_newfstatat, folder, (long)entries[which].d_name, (long)&st, 0, 0,
			    0) == -ENOENT &&
	       attribute_text(folder, which, false, text);
}

/* The first entry from this one on that the kernel lacks; ATTRIBUTES: none. */
static enum attribute next_missing(DIR *folder, enum attribute which)
{
	NO_CANCELLATION;

	while (which < ATTRIBUTES && !is_missing(dirfd(folder), which))
		which++;
	return which;
}

/* A program may write to the entry that it gets. */
static struct dirent *copy_of(enum attribute which)
{
	static struct dirent copies[ATTRIBUTES];

	copies[which] = entries[which];
	return &copies[which];
}

/* If another folder takes the place meanwhile, the place stays with that one. */
static struct dirent *add(DIR *folder)
{
	KEEP_ERRNO;
	_Atomic uintptr_t *list = find(folder);
	uintptr_t before = list ? atomic_load(list) : 0;

	if (!is_of(before, folder))
		return NULL;
	enum attribute which = next_missing(folder, before & NEXT);
	uintptr_t next = which < ATTRIBUTES ? which + 1 : ATTRIBUTES;
	atomic_compare_exchange_strong(list, &before, (uintptr_t)folder | next);
	return which < ATTRIBUTES ? copy_of(which) : NULL;
}

/* A queue folder is recognised by another file in it (ATTRIBUTE_LIKE), each time it is read. So the
 * list begins anew after rewinddir(), or for another DIR at the same address, and no other folder
 * costs an extra system call. */
static struct dirent *note(DIR *folder, struct dirent *entry)
{
	if (strcmp(entry->d_name, ATTRIBUTE_LIKE) != 0)
		return entry;
	_Atomic uintptr_t *list = find(folder);
	atomic_store(list ? list : replace_oldest(), (uintptr_t)folder);
	return entry;
}

EXPORT struct dirent *readdir(DIR *folder)
{
	int before = errno;

	errno = 0;
	struct dirent *entry = REAL(readdir)(folder);
	if (!entry && errno)
		return NULL;
	errno = before;
	return entry ? note(folder, entry) : add(folder);
}

#ifdef __GLIBC__ /* elsewhere this name is a macro */
_Static_assert(sizeof(struct dirent) == sizeof(struct dirent64), "the 64-name is an alias");
EXPORT struct dirent64 *readdir64(DIR *folder) ALIAS_OF(readdir);
#endif
