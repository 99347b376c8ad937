/* SPDX-License-Identifier: MIT */
/*
 * The layers around a device: device mapper, md and filesystems above it, and below it the devices
 * that it lies on if it is such a layer itself. A layer may split a write, or send it elsewhere, so
 * atomic writes go to the disk itself.
 */
#include "doctor/examine.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "base/sysfs.h"
#include "doctor/judge.h"

enum { NAMES = USAGE_NAMES, MAX_DEPTH = 8 };

/* Leaves out a name that no longer fits. */
static void append_to(char *names, size_t size, const char *name)
{
	if (strlen(names) + strlen(name) + 2 > size)
		return;
	if (*names)
		strcat(names, " ");
	strcat(names, name);
}

static void append(char names[NAMES], const char *name)
{
	append_to(names, NAMES, name);
}

/* Lists the entries of the device's directory in /sys, with spaces between. False: there is no such
 * directory. */
static bool list(dev_t device, const char *directory, char *ret_names, size_t size)
{
	char path[64];

	*ret_names = '\0';
	snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/%s", major(device), minor(device),
		 directory);
	DIR *open = opendir(path);
	for (struct dirent *entry; open && (entry = readdir(open));) {
		if (*entry->d_name != '.')
			append_to(ret_names, size, entry->d_name);
	}
	if (open)
		closedir(open);
	return open;
}

/* Finds the number of a device that is named in a directory of this one: "slaves/", or "" for one
 * of its partitions. */
static bool number_of(dev_t device, const char *directory, const char *name, dev_t *ret_number)
{
	char attribute[96], text[32];
	unsigned major_number, minor_number;

	snprintf(attribute, sizeof(attribute), "%s%s/dev", directory, name);
	if (sysfs_text(device, attribute, text, sizeof(text)) < 0 ||
	    sscanf(text, "%u:%u", &major_number, &minor_number) != 2)
		return false;
	*ret_number = makedev(major_number, minor_number);
	return true;
}

/* True if the device has atomic writes, or if this user cannot tell. */
static bool may_be_able(const char *name, dev_t number)
{
	struct patient below = { .number = number };
	struct evidence evidence = { 0 };
	char path[64];

	snprintf(path, sizeof(path), "/dev/%s", name);
	below.path = path;
	judge_ask_gently(&below);
	judge_conclude(&below, &evidence);
	judge_release(&below);
	return evidence.verdict != VERDICT_NO;
}

static void add_bottom(const char *name, dev_t number, char names[NAMES], char able[NAMES])
{
	append(names, name);
	if (may_be_able(name, number))
		append(able, name);
}

/* Adds the devices at the bottom of all that this one lies on to `names`, and those of them that
 * may have atomic writes to `able`. */
static void add_bottoms(dev_t device, int depth, char names[NAMES], char able[NAMES])
{
	char slaves[NAMES], below[NAMES], *rest = slaves;
	dev_t number;

	if (depth == MAX_DEPTH || !list(device, "slaves", slaves, sizeof(slaves)))
		return;
	for (char *name; (name = strsep(&rest, " "));) {
		if (!*name || !number_of(device, "slaves/", name, &number))
			continue;
		if (list(number, "slaves", below, sizeof(below)) && *below)
			add_bottoms(number, depth + 1, names, able);
		else
			add_bottom(name, number, names, able);
	}
}

static void look_below(const struct patient *p, struct evidence *e)
{
	static const struct {
		const char *attribute, *kind;
	} kinds[] = {
		{ "dm/name", "device mapper:" },
		{ "md/level", "md array:" },
		{ "loop/backing_file", "loop device over the file" },
	};
	char text[128], names[NAMES] = "", able[NAMES] = "";

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (sysfs_disk_text(p->device.number, kinds[i].attribute, text, sizeof(text)) == 0)
			evidence_fact(e, "layers", "is a layer", "%s %s", kinds[i].kind, text);
	}
	add_bottoms(p->device.number, 0, names, able);
	if (!*names)
		return;
	evidence_fact(e, "layers", "lies on", "%s", names);
	if (!p->device.native.unit_max && *able)
		evidence_advise(e,
				"a layer may split a write or send it elsewhere: let the program "
				"open the devices below %s (%s)",
				p->path, able);
}

/* A partition is a directory in its disk's directory. */
static void list_partitions(dev_t disk, char ret_names[NAMES])
{
	char entries[2048], attribute[96], *rest = entries;
	uint64_t number;

	*ret_names = '\0';
	if (!list(disk, "", entries, sizeof(entries)))
		return;
	for (char *name; (name = strsep(&rest, " "));) {
		snprintf(attribute, sizeof(attribute), "%s/partition", name);
		if (sysfs_number(disk, attribute, &number) == 0)
			append(ret_names, name);
	}
}

static void add_mounts(dev_t device, char names[NAMES])
{
	char line[1024], point[128];
	unsigned major_number, minor_number;
	FILE *file = fopen("/proc/self/mountinfo", "re");

	/* proc(5): id, parent, major:minor, root, mount point */
	while (file && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%*s %*s %u:%u %*s %127s", &major_number, &minor_number, point) ==
			    3 &&
		    makedev(major_number, minor_number) == device)
			append(names, point);
	}
	if (file)
		fclose(file);
}

static void add_holders(dev_t device, char names[NAMES])
{
	char holders[NAMES];

	if (list(device, "holders", holders, sizeof(holders)) && *holders)
		append(names, holders);
}

void cmd_examine_usage(dev_t device, struct usage *ret_usage)
{
	char copy[NAMES], *rest = copy;
	dev_t number;

	*ret_usage = (struct usage){ 0 };
	list_partitions(device, ret_usage->partitions);
	add_holders(device, ret_usage->holders);
	add_mounts(device, ret_usage->mounts);
	strcpy(copy, ret_usage->partitions);
	for (char *name; (name = strsep(&rest, " "));) {
		if (!*name || !number_of(device, "", name, &number))
			continue;
		add_holders(number, ret_usage->holders);
		add_mounts(number, ret_usage->mounts);
	}
}

void cmd_examine_layers(const struct patient *p, struct evidence *e)
{
	struct usage usage;

	look_below(p, e);
	cmd_examine_usage(p->device.number, &usage);
	if (*usage.partitions)
		evidence_fact(e, "layers", "partitions", "%s", usage.partitions);
	if (*usage.holders) {
		evidence_fact(e, "layers", "used by", "%s", usage.holders);
		if (p->device.limits.unit_max || p->device.native.unit_max)
			evidence_advise(e,
					"%s is used by %s: only programs that open %s itself have "
					"atomic writes",
					p->path, usage.holders, p->path);
	}
	if (*usage.mounts)
		evidence_fact(e, "layers", "mounted on", "%s (untorn does not handle files)",
			      usage.mounts);
}
