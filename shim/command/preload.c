/* SPDX-License-Identifier: MIT */
/*
 * The list is of paths with colons or spaces between them (ld.so(8)), and there is no way to quote
 * either. Libraries are told apart by file name, so that a build folder's and the installed one are
 * never both loaded.
 */
#include "command/preload.h"

#include <errno.h>
#include <linux/limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"

#define SEPARATORS ": "

static char *find_in(const char *folder, int length, const char *name)
{
	char *path;

	if (asprintf(&path, "%.*s/%s", length, folder, name) < 0)
		return NULL;
	if (access(path, R_OK) == 0)
		return path;
	free(path);
	return NULL;
}

char *cmd_preload_find(const char *name)
{
	char self[PATH_MAX];
	ssize_t length = readlink("/proc/self/exe", self, sizeof(self));
	const char *slash = length > 0 ? memrchr(self, '/', (size_t)length) : NULL;
	char *found = slash ? find_in(self, (int)(slash - self), name) : NULL;
	int error = errno; /* of the likelier place */

	if (!found)
		found = find_in(LIBDIR, (int)strlen(LIBDIR), name);
	errno = error;
	return found;
}

/* The entry of that file name, whatever its folder. */
static char *find(char *list, const char *name, size_t *ret_length)
{
	for (size_t length; *(list += strspn(list, SEPARATORS)); list += length) {
		length = strcspn(list, SEPARATORS);
		const char *slash = memrchr(list, '/', length);
		size_t folder = slash ? (size_t)(slash + 1 - list) : 0;
		if (length - folder == strlen(name) &&
		    memcmp(list + folder, name, length - folder) == 0) {
			*ret_length = length;
			return list;
		}
	}
	return NULL;
}

/* With the separators that are then too many. True: there was one. */
static bool remove_all(char *list, const char *name)
{
	size_t length;
	bool found = false;

	for (char *entry; (entry = find(list, name, &length)); found = true) {
		length += entry[length] != '\0';
		memmove(entry, entry + length, strlen(entry + length) + 1);
	}
	for (size_t end = strlen(list); end && strchr(SEPARATORS, list[end - 1]); end--)
		list[end - 1] = '\0';
	return found;
}

char *cmd_preload_with(const char *list, const char *shim, const char *sim)
{
	AUTO_FREE char *rest = strdup(list);
	char *result;

	if (!rest)
		return NULL;
	remove_all(rest, CMD_PRELOAD_SHIM);
	if (sim)
		remove_all(rest, CMD_PRELOAD_SIM);
	if (asprintf(&result, "%s%s%s%s%s", shim, sim ? ":" : "", sim ? sim : "", *rest ? ":" : "",
		     rest) < 0)
		return NULL;
	return result;
}

void cmd_preload_leave_shim(char **argv)
{
	const char *list = getenv("LD_PRELOAD");
	AUTO_FREE char *rest = list ? strdup(list) : NULL;

	if (rest && remove_all(rest, CMD_PRELOAD_SHIM) && setenv("LD_PRELOAD", rest, 1) == 0)
		execv("/proc/self/exe", argv);
}
