/* SPDX-License-Identifier: MIT */
/*
 * untorn doctor: the shim's own judgement of a device, and everything that it rests on. Start
 * reading at cmd_doctor(); doctor/judge.c gives the verdict, doctor/examine.c collects the
 * evidence.
 *
 * It opens and asks the device, and never writes it.
 */
#include "command/command.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "doctor/drive.h"
#include "doctor/examine.h"
#include "doctor/judge.h"
#include "doctor/list.h"
#include "doctor/throttle.h"
#include "doctor/way.h"
#include "untorn.h"

struct options {
	bool json, report;
	const char *page, *sample;
	struct way_options way;
};

static int read_numbers(struct options *options)
{
	struct way_options *way = &options->way;
	char *end = NULL;

	way->page = options->page ? way_parse_page(options->page) : WAY_PAGE;
	if (!way->page)
		return cmd_fail(CMD_USAGE,
				"--page=%s: not a power of two from 512 to 1024k, such as 16k",
				options->page);
	if (options->sample)
		way->sample = strtoull(options->sample, &end, 10);
	if (options->sample && (!way->sample || *end || *options->sample == '-'))
		return cmd_fail(CMD_USAGE, "--sample=%s: not a number of pages", options->sample);
	way->quiet = options->json;
	return 0;
}

static int check(struct options *options, int devices)
{
	if (devices > 1)
		return cmd_fail(CMD_USAGE, "name one device or path; see untorn doctor --help");
	if ((options->page || options->sample) && (!devices || options->report))
		return cmd_fail(CMD_USAGE, "--page and --sample need one path, and cannot go with "
					   "--report");
	if (options->report && !devices)
		return cmd_fail(CMD_USAGE, "--report needs a device");
	if (options->report && options->json)
		return cmd_fail(CMD_USAGE, "--report prints text; it cannot go with --json");
	return read_numbers(options);
}

static int parse(int argc, char **argv, struct options *ret_options)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "report", no_argument, NULL, 'r' },
		{ "page", required_argument, NULL, 'p' },
		{ "sample", required_argument, NULL, 's' },
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
		case 'p':
			ret_options->page = optarg;
			break;
		case 's':
			ret_options->sample = optarg;
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

static int print_verdict(const struct patient *patient, const struct evidence *evidence,
			 const struct options *options)
{
	if (!print(patient, evidence, options))
		return cmd_fail(VERDICT_UNKNOWN, "cannot write the answer: %m");
	return (int)evidence->verdict;
}

static int examine_way(const char *path, const struct options *options)
{
	static struct evidence evidence;

	evidence.device = path;
	int error = way_examine(path, &options->way, &evidence);
	if (error == -EINVAL)
		return cmd_fail(VERDICT_UNKNOWN,
				"%s is neither a file, a folder nor a block device", path);
	if (error)
		return cmd_fail(VERDICT_UNKNOWN, "%s: %s", path, strerror(-error));
	return print_verdict(NULL, &evidence, options);
}

static int examine_device(const char *path, dev_t number, const struct options *options)
{
	static struct patient patient;
	static struct evidence evidence;

	patient.path = evidence.device = path;
	patient.number = number;
	judge_ask(&patient);
	cmd_examine_all(&patient, &evidence);
	judge_conclude(&patient, &evidence);
	if (strcmp(evidence.lane, "command") == 0)
		throttle_warn(&patient, &evidence);
	judge_release(&patient);
	return print_verdict(&patient, &evidence, options);
}

static int examine(const char *path, const struct options *options)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return cmd_fail(VERDICT_UNKNOWN, "%s: %m", path);
	if (S_ISCHR(st.st_mode))
		return cmd_fail(VERDICT_UNKNOWN,
				"%s is a character device; name the disk, such as /dev/nvme0n1",
				path);
	if (S_ISBLK(st.st_mode) && !options->page && !options->sample)
		return examine_device(path, st.st_rdev, options);
	if (options->report)
		return cmd_fail(CMD_USAGE, "--report needs a disk; %s is not one", path);
	return examine_way(path, options);
}

int cmd_doctor(int argc, char **argv)
{
	struct options options = { .json = false };

	int status = parse(argc, argv, &options);
	if (status)
		return status;
	return argv[optind] ? examine(argv[optind], &options)
			    : list_print(LIST_DISKS, options.json);
}
