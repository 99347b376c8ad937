/* SPDX-License-Identifier: MIT */
/*
 * untorn doctor: the shim's own judgement of a device, and everything that it rests on. Start
 * reading at cmd_doctor(); doctor/examine.c collects the evidence.
 *
 * The device is opened, asked and never written.
 */
#include "command/command.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "doctor/drive.h"
#include "doctor/judge.h"
#include "doctor/list.h"
#include "doctor/throttle.h"
#include "untorn.h"

static int refuse_file(const char *path, mode_t mode)
{
	if (S_ISCHR(mode))
		return cmd_fail(VERDICT_UNKNOWN,
				"%s is a character device; name the disk, as /dev/nvme0n1", path);
	return cmd_fail(VERDICT_UNKNOWN,
			"%s is not a block device; untorn handles block devices only, not files",
			path);
}

/* 0, or the exit status: there is nothing to examine. */
static int admit(struct patient *p)
{
	struct stat st;

	if (stat(p->path, &st) < 0)
		return cmd_fail(VERDICT_UNKNOWN, "%s: %m", p->path);
	if (!S_ISBLK(st.st_mode))
		return refuse_file(p->path, st.st_mode);
	p->number = st.st_rdev;
	return 0;
}

struct options {
	bool json, report;
};

static int check(const struct options *options, int devices)
{
	if (devices > 1)
		return cmd_fail(CMD_USAGE, "which device? one; see untorn doctor --help");
	if (options->report && !devices)
		return cmd_fail(CMD_USAGE, "--report is about one device; which?");
	if (options->report && options->json)
		return cmd_fail(CMD_USAGE, "--report is text; it does not go with --json");
	return 0;
}

static int parse(int argc, char **argv, struct options *ret_options)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "report", no_argument, NULL, 'r' },
		{ "nvme-limits", required_argument, NULL, 'l' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	int option, status = 0;

	while (!status && (option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (option) {
		case 'j':
			ret_options->json = true;
			break;
		case 'r':
			ret_options->report = true;
			break;
		case 'l':
			status = cmd_set("nvme-limits", UNTORN_ENV_NVME_LIMITS, optarg,
					 CMD_POLICIES);
			break;
		case 'h':
			exit(cmd_help("doctor"));
		default:
			status = cmd_fail(CMD_USAGE, "see untorn doctor --help");
		}
	}
	return status ? status : check(ret_options, argc - optind);
}

static bool print(const struct patient *patient, const struct evidence *evidence,
		  const struct options *options)
{
	if (options->report)
		return drive_print(patient, evidence);
	return options->json ? evidence_print_json(evidence) : evidence_print(evidence);
}

static int examine(const char *path, const struct options *options)
{
	static struct patient patient;
	static struct evidence evidence;

	patient.path = evidence.device = path;
	int status = admit(&patient);
	if (status)
		return status;
	judge_ask(&patient);
	cmd_examine_all(&patient, &evidence);
	judge_conclude(&patient, &evidence);
	if (strcmp(evidence.lane, "command") == 0)
		throttle_warn(&patient, &evidence);
	judge_release(&patient);
	if (!print(&patient, &evidence, options))
		return cmd_fail(VERDICT_UNKNOWN, "the answer could not be written: %m");
	return (int)evidence.verdict;
}

int cmd_doctor(int argc, char **argv)
{
	struct options options = { false, false };

	int status = parse(argc, argv, &options);
	if (status)
		return status;
	return argv[optind] ? examine(argv[optind], &options)
			    : list_print(LIST_DISKS, options.json);
}
