/* SPDX-License-Identifier: MIT */
/*
 * The files queue/atomic_write_* of a disk's folder in /sys, where the kernel has none, or has less
 * to say than the shim can do. Thread-safe; errno may be changed.
 */
#ifndef ATTRIBUTE_H
#define ATTRIBUTE_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

enum attribute {
	ATTRIBUTE_MAX_BYTES,
	ATTRIBUTE_UNIT_MIN,
	ATTRIBUTE_UNIT_MAX,
	ATTRIBUTE_BOUNDARY,
	ATTRIBUTES,
	ATTRIBUTE_NONE = ATTRIBUTES
};
extern const char *const attribute_names[ATTRIBUTES];

/* Which of them does the path name last? Asked of each path that is opened, so the end comes first.
 */
enum attribute attribute_named(const char *path);
static inline enum attribute attribute_of(const char *path)
{
	static const char end[] = "_bytes";
	size_t length = strlen(path), tail = sizeof(end) - 1;

	return length > tail && memcmp(path + length - tail, end, tail) == 0 ? attribute_named(path)
									     : ATTRIBUTE_NONE;
}

/* A file that a queue's folder has on every kernel, which is as these are but for what is in it. */
#define ATTRIBUTE_LIKE "logical_block_size"

enum { ATTRIBUTE_TEXT = 24 };

/* The content that the file is to have in the folder of which `queue` is a descriptor. Its length;
 * 0: it is not ours to give. kernel_has: there is one natively. */
size_t attribute_text(int queue, enum attribute which, bool kernel_has,
		      char ret_text[ATTRIBUTE_TEXT]);

#endif
