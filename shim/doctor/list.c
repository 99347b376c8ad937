/* SPDX-License-Identifier: MIT */
/* untorn list: the doctor's verdict on every block device. Start reading at list_print(). */
#include "doctor/list.h"

#include <dirent.h>
#include <errno.h>
#include <getopt.h>
#include <linux/major.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/sysfs.h"
#include "command/command.h"
#include "doctor/judge.h"
#include "doctor/table.h"
#include "untorn.h"

/* NULL: out of memory. */
static struct row *add_row(struct table *table)
{
	if (table->count == table->room) {
		int room = 2 * table->room + 16;
		struct row *rows = reallocarray(table->rows, (size_t)room, sizeof(*rows));
		if (!rows)
			return NULL;
		table->rows = rows;
		table->room = room;
	}
	struct row *row = &table->rows[table->count++];
	*row = (struct row){ 0 };
	return row;
}

static void read_model(struct row *row)
{
	if (sysfs_disk_text(row->number, "device/model", row->model, sizeof(row->model)) < 0)
		*row->model = '\0';
	for (size_t end = strlen(row->model); end && row->model[end - 1] == ' '; end--)
		row->model[end - 1] = '\0';
}

static void judge(struct row *row)
{
	static struct patient patient;
	static struct evidence evidence;

	patient = (struct patient){ .path = row->path, .number = row->number };
	evidence = (struct evidence){ 0 };
	judge_ask_gently(&patient);
	judge_conclude(&patient, &evidence);
	judge_release(&patient);
	row->verdict = evidence.verdict;
	row->lane = evidence.lane;
	row->unit_min = evidence.unit_min;
	row->unit_max = evidence.unit_max;
	row->boundary = evidence.boundary;
	snprintf(row->reason, sizeof(row->reason), "%s", evidence.conclusion + evidence.reason);
}

/* False: out of memory, and no row is added. */
static bool add(struct table *table, const char *path, dev_t number)
{
	struct row *row = add_row(table);

	if (!row)
		return false;
	row->path = strdup(path);
	row->number = number;
	if (!row->path) {
		table->count--;
		return false;
	}
	read_model(row);
	judge(row);
	return true;
}

static bool is_wanted(enum list_what what, dev_t number)
{
	uint64_t size = 0;

	if (what == LIST_ALL)
		return true;
	return !sysfs_is_partition(number) && major(number) != RAMDISK_MAJOR &&
	       sysfs_number(number, "size", &size) == 0 && size;
}

/* In the kernel's names '!' stands for a folder in /dev, as in cciss!c0d0. */
static void add_device(struct table *table, enum list_what what, dev_t number, bool *good)
{
	char name[256], path[264];

	if (!is_wanted(what, number) || sysfs_name(number, name, sizeof(name)) < 0)
		return; /* or it has gone meanwhile */
	for (char *mark = name; (mark = strchr(mark, '!'));)
		*mark = '/';
	snprintf(path, sizeof(path), "/dev/%s", name);
	*good &= add(table, path, number);
}

static int compare(const void *a, const void *b)
{
	return strverscmp(((const struct row *)a)->path, ((const struct row *)b)->path);
}

/* 0 or -errno. */
static int collect(struct table *table, enum list_what what)
{
	unsigned major_number, minor_number;
	bool good = true;
	DIR *folder = opendir("/sys/dev/block");

	if (!folder)
		return -errno;
	for (struct dirent *entry; (entry = readdir(folder));) {
		if (sscanf(entry->d_name, "%u:%u", &major_number, &minor_number) == 2)
			add_device(table, what, makedev(major_number, minor_number), &good);
	}
	closedir(folder);
	if (table->count)
		qsort(table->rows, (size_t)table->count, sizeof(*table->rows), compare);
	return good ? 0 : -ENOMEM;
}

static void release(struct table *table)
{
	for (int i = 0; i < table->count; i++)
		free(table->rows[i].path);
	free(table->rows);
}

static int print(struct table *table, bool json, int status)
{
	if (json)
		table_print_json(table);
	else
		table_print(table);
	release(table);
	if (fflush(stdout) != 0 || ferror(stdout))
		return cmd_fail(VERDICT_UNKNOWN, "cannot write the list: %m");
	return status;
}

int list_print(enum list_what what, bool json)
{
	struct table table = { 0 };

	int error = collect(&table, what);
	if (!error)
		return print(&table, json, 0);
	release(&table);
	return cmd_fail(VERDICT_UNKNOWN, "cannot list the block devices: /sys/dev/block: %s",
			strerror(-error));
}

int list_print_these(char *const *paths, int count, bool json)
{
	struct table table = { 0 };
	struct stat st;
	int status = 0;

	for (int i = 0; i < count; i++) {
		if (stat(paths[i], &st) < 0)
			status = cmd_fail(VERDICT_UNKNOWN, "%s: %m", paths[i]);
		else if (!S_ISBLK(st.st_mode))
			status = cmd_fail(VERDICT_UNKNOWN, "%s is not a block device", paths[i]);
		else if (!add(&table, paths[i], st.st_rdev))
			status = cmd_fail(VERDICT_UNKNOWN, "%s: out of memory", paths[i]);
	}
	return print(&table, json, status);
}

struct options {
	enum list_what what;
	bool json;
};

static int parse(int argc, char **argv, struct options *ret_options)
{
	static const struct option options[] = {
		{ "all", no_argument, NULL, 'a' },
		{ "json", no_argument, NULL, 'j' },
		{ "nvme-limits", required_argument, NULL, 'l' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	int option, status = 0;

	while (!status && (option = getopt_long(argc, argv, "ah", options, NULL)) != -1) {
		switch (option) {
		case 'a':
			ret_options->what = LIST_ALL;
			break;
		case 'j':
			ret_options->json = true;
			break;
		case 'l':
			status = cmd_set("nvme-limits", UNTORN_ENV_NVME_LIMITS, optarg,
					 CMD_POLICIES);
			break;
		case 'h':
			exit(cmd_help("list"));
		default:
			status = cmd_fail(CMD_USAGE, "see untorn list --help");
		}
	}
	return status;
}

int cmd_list(int argc, char **argv)
{
	struct options options = { LIST_DISKS, false };

	int status = parse(argc, argv, &options);
	if (status)
		return status;
	if (optind < argc)
		return list_print_these(argv + optind, argc - optind, options.json);
	return list_print(options.what, options.json);
}
