/* SPDX-License-Identifier: MIT */
/*
 * The content of the files queue/atomic_write_* in a disk's folder in /sys. door/attribute.c shows
 * it where the kernel has no such file, or promises less there than the shim. Thread-safe; errno
 * may be changed.
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

/* X(attribute, name) for each, separated by commas. */
#define ATTRIBUTE_EACH(X)                                                                          \
	X(ATTRIBUTE_MAX_BYTES, "atomic_write_max_bytes"),                                          \
		X(ATTRIBUTE_UNIT_MIN, "atomic_write_unit_min_bytes"),                              \
		X(ATTRIBUTE_UNIT_MAX, "atomic_write_unit_max_bytes"),                              \
		X(ATTRIBUTE_BOUNDARY, "atomic_write_boundary_bytes")

/* The attribute that the last part of the path names. The doors ask this of each path that is
 * opened, so attribute_of() compares the end of the path first. */
enum attribute attribute_named(const char *path);
static inline enum attribute attribute_of(const char *path)
{
	static const char end[] = "_bytes";
	size_t length = strlen(path), tail = sizeof(end) - 1;

	return length > tail && memcmp(path + length - tail, end, tail) == 0 ? attribute_named(path)
									     : ATTRIBUTE_NONE;
}

/* A file that every kernel has in a queue's folder, and that differs only in its content. */
#define ATTRIBUTE_LIKE "logical_block_size"

enum { ATTRIBUTE_TEXT = 24 };

/* Writes the content of the file in the folder `queue`, a descriptor. Returns its length; 0: the
 * file is not ours. kernel_has: the kernel has the file. */
size_t attribute_text(int queue, enum attribute which, bool kernel_has,
		      char ret_text[ATTRIBUTE_TEXT]);

#endif
