/* SPDX-License-Identifier: MIT */
/*
 * LD_PRELOAD is a list of paths, separated by colons or spaces; neither can be quoted (ld.so(8)).
 * We recognise our libraries by file name, so that a build folder's library and the installed one
 * are never both loaded.
 */
#include "command/preload.h"

#include <ctype.h>
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

const char cmd_preload_place[] = LIBDIR;

/* Looks in the places where "make install" may have put it, relative to the command's folder,
 * because a whole installation may be moved. It looks only beside a folder named bin: somebody else
 * may write to the folder above another one. */
static char *find_beside_bin(const char *self, const char *end, const char *name)
{
	static const char *const places[] = { "lib", "lib64", "lib/" MULTIARCH,
					      "lib/" MULTIARCH "/untorn", "lib/untorn" };
	char folder[PATH_MAX + 64];
	char *found = NULL;

	if (end - self < 4 || memcmp(end - 4, "/bin", 4) != 0)
		return NULL;
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]) && !found; i++) {
		int length = snprintf(folder, sizeof(folder), "%.*s/%s", (int)(end - 4 - self),
				      self, places[i]);
		found = find_in(folder, length, name);
	}
	return found;
}

char *cmd_preload_find(const char *name)
{
	char self[PATH_MAX];
	ssize_t length = readlink("/proc/self/exe", self, sizeof(self));
	const char *slash = length > 0 ? memrchr(self, '/', (size_t)length) : NULL;
	char *found = slash ? find_in(self, (int)(slash - self), name) : NULL;
	int error = errno; /* to report: this place is the likelier */

	if (!found && slash)
		found = find_beside_bin(self, slash, name);
	if (!found)
		found = find_in(LIBDIR, (int)strlen(LIBDIR), name);
	errno = error;
	return found;
}

#ifdef __GLIBC__
/* As is_dst() in glibc's elf/dl-load.c. */
static bool begins_with_token(const char *text)
{
	static const char *const tokens[] = { "ORIGIN", "LIB", "PLATFORM" };
	bool curly = *text == '{';

	for (size_t i = 0; i < sizeof(tokens) / sizeof(tokens[0]); i++) {
		size_t length = strlen(tokens[i]);
		const char *end = text + curly + length;
		if (strncmp(text + curly, tokens[i], length) == 0 &&
		    (curly ? *end == '}' : !isalnum((unsigned char)*end) && *end != '_'))
			return true;
	}
	return false;
}
#endif

const char *cmd_preload_hinders(const char *path)
{
	if (strpbrk(path, SEPARATORS))
		return "a space or colon";
#ifdef __GLIBC__
	for (const char *place = path; (place = strchr(place, '$')); place++) {
		if (begins_with_token(place + 1))
			return "$ORIGIN, $LIB or $PLATFORM, which it replaces";
	}
#endif
	return NULL;
}

/* Finds the entry with this file name, in any folder. */
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

/* Removes all entries with this file name, and the separators left over. True: there was one. */
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

static bool is_sanitizer(const char *entry, size_t length)
{
	static const char *const names[] = { "libasan.so", "libtsan.so", "liblsan.so",
					     "libclang_rt." };
	const char *slash = memrchr(entry, '/', length);
	const char *name = slash ? slash + 1 : entry;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strncmp(name, names[i], strlen(names[i])) == 0)
			return true;
	}
	return false;
}

/* The length of the first entry, with the separators before it, if it must stay first: a
 * sanitizer's library refuses to come second. Else 0. */
static size_t length_of_sanitizer(const char *list)
{
	size_t start = strspn(list, SEPARATORS), length = strcspn(list + start, SEPARATORS);

	return length && is_sanitizer(list + start, length) ? start + length : 0;
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
	size_t first = length_of_sanitizer(rest);
	const char *behind = rest + first + strspn(rest + first, SEPARATORS);
	if (asprintf(&result, "%.*s%s%s%s%s%s%s", (int)first, rest, first ? ":" : "", shim,
		     sim ? ":" : "", sim ? sim : "", *behind ? ":" : "", behind) < 0)
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
