/* SPDX-License-Identifier: MIT */
/*
 * readdir(3) and closedir(3). In a disk's queue folder, readdir() adds the files of attribute.c
 * that the kernel lacks, after the kernel's own. The C library's scandir(), glob() and nftw() do
 * not come through here, so their callers do not see these files. No lock: a place in `lists` is
 * claimed atomically.
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

/* The queue folders being listed. If all places are taken, a folder lists only what the kernel has.
 */
enum { LISTS = 16 };
static struct list {
	DIR *_Atomic folder;
	enum attribute next;
	struct dirent entry;
} lists[LISTS];

static struct list *find(DIR *folder)
{
	for (int i = 0; i < LISTS; i++) {
		if (atomic_load(&lists[i].folder) == folder)
			return &lists[i];
	}
	return NULL;
}

static struct list *begin(DIR *folder)
{
	for (int i = 0; i < LISTS; i++) {
		DIR *none = NULL;
		if (atomic_compare_exchange_strong(&lists[i].folder, &none, folder))
			return &lists[i];
	}
	return NULL;
}

static void forget(DIR *folder)
{
	struct list *list = find(folder);

	if (list)
		atomic_store(&list->folder, NULL);
}

static bool is_missing(int folder, enum attribute which)
{
	struct stat st;
	char text[ATTRIBUTE_TEXT];

	return real_syscall(SYS_newfstatat, folder, (long)attribute_names[which], (long)&st, 0, 0,
			    0) == -ENOENT &&
	       attribute_text(folder, which, false, text);
}

/* The next entry that the kernel lacks; NULL: no more. */
static struct dirent *next_of(struct list *list, DIR *folder)
{
	NO_CANCELLATION;

	while (list->next < ATTRIBUTES && !is_missing(dirfd(folder), list->next))
		list->next++;
	if (list->next == ATTRIBUTES)
		return NULL;
	list->entry = (struct dirent){ .d_ino = (ino_t)(UINT32_MAX - list->next),
				       .d_reclen = sizeof(list->entry),
				       .d_type = DT_REG };
	strcpy(list->entry.d_name, attribute_names[list->next++]);
	return &list->entry;
}

static struct dirent *add(DIR *folder)
{
	KEEP_ERRNO;
	struct list *list = find(folder);

	return list ? next_of(list, folder) : NULL;
}

/* A queue folder is recognised by another file in it (ATTRIBUTE_LIKE), each time it is read. So the
 * list begins anew after rewinddir(), or for another DIR at the same address, and no other folder
 * costs an extra system call. */
static struct dirent *note(DIR *folder, struct dirent *entry)
{
	if (strcmp(entry->d_name, ATTRIBUTE_LIKE) != 0)
		return entry;
	struct list *list = find(folder);
	list = list ? list : begin(folder);
	if (list)
		list->next = 0;
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

EXPORT int closedir(DIR *folder)
{
	forget(folder);
	return REAL(closedir)(folder);
}
