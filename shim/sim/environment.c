/* SPDX-License-Identifier: MIT */
/*
 * Reads UNTORN_SIM="NODE=IMAGE[,option[=value]]...[;NODE=IMAGE...]...": all disks of this process.
 * If a text is not understood, a message says so, and every open of its node fails: no other disk
 * than the requested one is simulated. The tables are written before there are other threads.
 */
#include "sim/sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void complain(const struct sim_disk *disk)
{
	char text[256];
	int length = snprintf(text, sizeof(text),
			      "libuntorn-sim: UNTORN_SIM (--sim) is not understood%s%s; see "
			      "libuntorn-sim(7)\n",
			      *disk->bad_option ? ", at: " : "", disk->bad_option);

	if (write(STDERR_FILENO, text, (size_t)length) < 0)
		return;
}

struct sim_disk sim_disks[SIM_MAX_DISKS];
unsigned sim_disks_known;
bool sim_disks_read;

/* Makes a relative path absolute: children in other folders must find the same file. */
static bool make_absolute(char *path, size_t size)
{
	char folder[256], absolute[512];

	if (*path == '/')
		return true;
	if (!getcwd(folder, sizeof(folder)))
		return false;
	int length = snprintf(absolute, sizeof(absolute), "%s/%s", folder, path);
	if ((size_t)length >= size)
		return false;
	strcpy(path, absolute);
	return true;
}

static bool are_apart(unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		if (strcmp(sim_disks[i].node, sim_disks[count].node) == 0 ||
		    strcmp(sim_disks[i].image, sim_disks[count].image) == 0)
			return false;
	}
	return true;
}

/* Appends "NODE=IMAGE,..." with the absolute paths. */
static void add_absolute(char *text, size_t size, const struct sim_disk *disk, const char *rest)
{
	size_t length = strlen(text);

	snprintf(text + length, size - length, "%s%s=%s", length ? ";" : "", disk->node,
		 disk->image);
	for (const char *option = rest; option && *option;) {
		size_t part = 1 + strcspn(option + 1, ",");
		length = strlen(text);
		if (strncmp(option, ",log=", 5) == 0)
			snprintf(text + length, size - length, ",log=%s", disk->log);
		else
			snprintf(text + length, size - length, "%.*s", (int)part, option);
		option += part;
	}
}

/* FNV-1a */
static uint64_t hash(const char *text)
{
	uint64_t value = UINT64_C(0xcbf29ce484222325);

	for (; *text; text++)
		value = (value ^ (uint8_t)*text) * UINT64_C(0x100000001b3);
	return value;
}

static void describe(struct sim_disk *disk, const char *text)
{
	char absolute[2048] = "";

	add_absolute(absolute, sizeof(absolute), disk, strchr(text, ','));
	disk->description = hash(absolute);
}

/* Reads the text of one disk. A bad text takes a place in the table too, so that opens of its node
 * fail. */
static bool read_disk(char *text)
{
	struct sim_disk *disk = &sim_disks[sim_disks_known];
	bool good = sim_config_parse(text, disk) &&
		    make_absolute(disk->image, sizeof(disk->image)) &&
		    (!*disk->log || make_absolute(disk->log, sizeof(disk->log)));

	describe(disk, text);
	disk->index = sim_disks_known;
	disk->node_length = strlen(disk->node);
	if (good && !are_apart(sim_disks_known)) {
		strcpy(disk->bad_option, "the same node or image twice");
		good = false;
	}
	sim_disks_known++;
	return good;
}

static void read_all(const char *text, void (*bad)(const struct sim_disk *))
{
	char copy[4096], *rest = copy, *one;

	if (strlen(text) >= sizeof(copy)) {
		struct sim_disk all = { .bad_option = "its length" };
		bad(&all);
		return;
	}
	strcpy(copy, text);
	while ((one = strsep(&rest, ";")) && sim_disks_known < SIM_MAX_DISKS) {
		if (read_disk(one))
			continue;
		bad(&sim_disks[sim_disks_known - 1]);
		sim_disks[sim_disks_known - 1].size = 0; /* every open of the node fails */
	}
	if (one) {
		struct sim_disk more = { .bad_option = "more than 4 disks" };
		bad(&more);
	}
}

/* Puts absolute paths into UNTORN_SIM for children, which may begin in another folder. */
static void tell_children(const char *text)
{
	char copy[4096], absolute[8192] = "", *rest = copy, *one;

	strcpy(copy, text);
	for (unsigned i = 0; (one = strsep(&rest, ";")) && i < sim_disks_known; i++) {
		add_absolute(absolute, sizeof(absolute), &sim_disks[i], strchr(one, ','));
	}
	setenv("UNTORN_SIM", absolute, 1);
}

static bool is_relative(void)
{
	const char *text = getenv("UNTORN_SIM");
	bool relative = false;

	for (unsigned i = 0; i < sim_disks_known; i++)
		relative |= sim_disks[i].size &&
			    (!strstr(text, sim_disks[i].image) ||
			     (*sim_disks[i].log && !strstr(text, sim_disks[i].log)));
	return relative;
}

/* Our constructor calls this first, before there are other threads. */
unsigned sim_disks_read_all(void)
{
	const char *text = secure_getenv("UNTORN_SIM");

	sim_disks_read = true;
	if (!text || !*text)
		return 0;
	read_all(text, complain);
	if (is_relative())
		tell_children(text);
	return sim_disks_known;
}

static char *first_problem;
static size_t problem_size;

static void note_problem(const struct sim_disk *disk)
{
	if (!*first_problem)
		snprintf(first_problem, problem_size, "%s",
			 *disk->bad_option ? disk->bad_option : disk->node);
}

__attribute__((visibility("default"))) bool untorn_sim_check(const char *text, char *ret_problem,
							     size_t size);
/* For untorn run, before the program starts. True: the text is understood. False: ret_problem names
 * what was not. Keeps the disks that the command itself may have. */
__attribute__((visibility("default"))) bool untorn_sim_check(const char *text, char *ret_problem,
							     size_t size)
{
	struct sim_disk saved[SIM_MAX_DISKS];
	unsigned count = sim_disks_known;

	memcpy(saved, sim_disks, sizeof(saved));
	*ret_problem = '\0';
	first_problem = ret_problem;
	problem_size = size;
	sim_disks_known = 0;
	if (*text)
		read_all(text, note_problem);
	else
		snprintf(ret_problem, size, "NODE=IMAGE");
	memcpy(sim_disks, saved, sizeof(saved));
	sim_disks_known = count;
	return !*ret_problem;
}
