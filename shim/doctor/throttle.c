/* SPDX-License-Identifier: MIT */
/*
 * Looks for limits on writes in cgroups of version 2 (Linux,
 * Documentation/admin-guide/cgroup-v2.rst, "IO"). The limits of each ancestor hold too. The files
 * name whole disks, by number.
 */
#include "doctor/throttle.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/sysfs.h"

enum { LIMIT = 128 };

/* Where version 2 is mounted: alone, or beside version 1. */
static const char *find_root(void)
{
	static const char *const roots[] = { "/sys/fs/cgroup", "/sys/fs/cgroup/unified" };
	char path[64];

	for (int i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "%s/cgroup.controllers", roots[i]);
		if (access(path, F_OK) == 0)
			return roots[i];
	}
	return NULL;
}

/* Reads the path of this process's cgroup from the line "0::/PATH", cgroups(7); "" for the root. */
static bool read_own(char ret_path[PATH_MAX])
{
	FILE *file = fopen("/proc/self/cgroup", "re");
	bool found = false;

	while (file && !found && fgets(ret_path, PATH_MAX, file))
		found = strncmp(ret_path, "0::/", 4) == 0;
	if (file)
		fclose(file);
	if (!found)
		return false;
	ret_path[strcspn(ret_path, "\n")] = '\0';
	memmove(ret_path, ret_path + 3, strlen(ret_path + 3) + 1);
	if (strcmp(ret_path, "/") == 0)
		*ret_path = '\0';
	return true;
}

/* Finds the disk's line in a file: its number, then its limits. Returns the limits. */
static bool read_line(const char *root, const char *cgroup, const char *name, const char *disk,
		      char ret_line[LIMIT])
{
	char path[2 * PATH_MAX], line[LIMIT];
	size_t length = strlen(disk);
	bool found = false;

	snprintf(path, sizeof(path), "%s%s/%s", root, cgroup, name);
	FILE *file = fopen(path, "re");
	while (file && !found && fgets(line, sizeof(line), file))
		found = strncmp(line, disk, length) == 0 && line[length] == ' ';
	if (file)
		fclose(file);
	if (found)
		snprintf(ret_line, LIMIT, "%.*s", (int)strcspn(line + length + 1, "\n"),
			 line + length + 1);
	return found;
}

static bool starts_with(const char *text, const char *start)
{
	return strncmp(text, start, strlen(start)) == 0;
}

/* True for the words of io.max that hold back writes, and for any limit in the other files. */
static bool is_limit(const char *file, const char *word)
{
	if (strcmp(file, "io.max") == 0)
		return *word == 'w' && !strstr(word, "=max");
	if (strcmp(file, "io.latency") == 0)
		return starts_with(word, "target=");
	return strcmp(word, "enable=1") == 0;
}

static bool find_limit(const char *file, char *line, char ret_limit[LIMIT])
{
	size_t length = (size_t)snprintf(ret_limit, LIMIT, "%s", file), bare = length;

	for (char *word; length < LIMIT && (word = strsep(&line, " "));) {
		if (is_limit(file, word))
			length += (size_t)snprintf(ret_limit + length, LIMIT - length, " %s", word);
	}
	return length > bare;
}

static bool look_into(const char *root, const char *cgroup, const char *disk, char ret_limit[LIMIT])
{
	static const char *const files[] = { "io.max", "io.latency", "io.cost.qos" };
	char line[LIMIT];

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		if (read_line(root, cgroup, files[i], disk, line) &&
		    find_limit(files[i], line, ret_limit))
			return true;
	}
	return false;
}

/* Climbs to the nearest cgroup that has a limit, up to the root; `cgroup` then names it. */
static bool climb(const char *root, char *cgroup, const char *disk, char ret_limit[LIMIT])
{
	char *slash;

	while (!look_into(root, cgroup, disk, ret_limit)) {
		if (!*cgroup)
			return false;
		slash = strrchr(cgroup, '/');
		*(slash ? slash : cgroup) = '\0';
	}
	return true;
}

void throttle_warn(const struct patient *p, struct evidence *e)
{
	char cgroup[PATH_MAX], disk[32], limit[LIMIT];
	const char *root = find_root();

	if (!root || !read_own(cgroup) ||
	    sysfs_disk_text(p->number, "dev", disk, sizeof(disk)) < 0 ||
	    !climb(root, cgroup, disk, limit))
		return;
	snprintf(e->warning, sizeof(e->warning),
		 "the cgroup %.200s limits writes to this disk (%s); untorn's commands bypass that "
		 "limit",
		 *cgroup ? cgroup : "/", limit);
}
