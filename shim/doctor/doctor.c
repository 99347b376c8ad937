/* SPDX-License-Identifier: MIT */
/*
 * untorn doctor: the shim's own judgement of a device, and everything that it rests on. Start
 * reading at cmd_doctor(); doctor/examine.c collects the evidence.
 *
 * The device is opened, asked and never written.
 */
#include "command/command.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "doctor/examine.h"
#include "engine/engine.h"
#include "base/real.h"
#include "untorn.h"
#include "untorn_uapi.h"

static void refuse(struct evidence *e, enum verdict verdict, const char *what, const char *why)
{
	e->verdict = verdict;
	e->lane = "none";
	e->unit_min = e->unit_max = e->boundary = 0;
	snprintf(e->conclusion, sizeof(e->conclusion), "%s%s", what, why);
}

/* "512 to 16384" */
static const char *range(const struct limits *limits, char text[32])
{
	if (limits->unit_min == limits->unit_max)
		snprintf(text, 32, "%u", limits->unit_max);
	else
		snprintf(text, 32, "%u to %u", limits->unit_min, limits->unit_max);
	return text;
}

static void accept(struct evidence *e, const char *lane, const struct limits *limits,
		   const char *how)
{
	char text[32];

	e->verdict = VERDICT_YES;
	e->lane = lane;
	e->unit_min = limits->unit_min;
	e->unit_max = limits->unit_max;
	e->boundary = limits->boundary;
	snprintf(e->conclusion, sizeof(e->conclusion), "atomic writes of %s bytes, %s",
		 range(limits, text), how);
}

static const char none[] = "no atomic writes: ";

/* The device can, but this process may not. */
static void forbid(struct evidence *e, const struct limits *limits, const char *what)
{
	char why[160], text[32];

	snprintf(why, sizeof(why), "the device has them, of %s bytes, but this user may not %s",
		 range(limits, text), what);
	refuse(e, VERDICT_NO, none, why);
}

static void conclude_command(const struct patient *p, struct evidence *e)
{
	const struct limits *limits = &p->device.limits;
	const struct limits despite_privilege = cmd_examine_limits(p);
	char how[64];

	snprintf(how, sizeof(how), "each by one %s",
		 p->device.transport ? p->device.transport->command : "command");
	if (limits->refusal == REFUSAL_IDENTIFY)
		refuse(e, VERDICT_UNKNOWN, "cannot tell: ", limits_explain(limits->refusal));
	else if (limits->refusal == REFUSAL_PRIVILEGE)
		forbid(e, &despite_privilege, "send a write command");
	else if (!limits->unit_max)
		refuse(e, VERDICT_NO, none, limits_explain(limits->refusal));
	else if (p->open_error)
		forbid(e, limits, "open it for writing");
	else if (!p->means)
		forbid(e, limits, "send a write command");
	else
		accept(e, "command", limits, how);
}

static void conclude_native(const struct patient *p, struct evidence *e)
{
	const struct limits *limits = &p->device.native;

	if (!limits->unit_max && config_get().mode == MODE_OFF)
		refuse(e, VERDICT_NO, none, "UNTORN_MODE is off");
	else if (!limits->unit_max)
		refuse(e, VERDICT_NO, none, limits_explain(p->device.limits.refusal));
	else if (p->open_error)
		forbid(e, limits, "open it for writing");
	else
		accept(e, "native", limits, "natively by this kernel");
}

/* By the shim's own decision. */
static void conclude(const struct patient *p, struct evidence *e)
{
	if (engine_decide(&p->device, config_get().mode) == LANE_COMMAND)
		conclude_command(p, e);
	else
		conclude_native(p, e);
}

static void ask_device(struct patient *p)
{
	if (cmd_examine_is_scsi(p))
		cmd_examine_ask_scsi(p);
	else
		cmd_examine_ask_nvme(p);
	if (p->fd >= 0 && p->identified)
		p->means = p->device.transport->means(&p->device.disk, p->fd, &p->means_error);
}

/* For the kernel's own answer the node need not be opened. */
static void ask_kernel(struct patient *p)
{
	struct statx stx;

	if (p->fd >= 0 || real_statx(AT_FDCWD, p->path, 0, STATX_WRITE_ATOMIC, &stx) < 0 ||
	    !(stx.stx_mask & STATX_WRITE_ATOMIC))
		return;
	p->device.native.unit_min = untorn_statx_atomic(&stx)->unit_min;
	p->device.native.unit_max = untorn_statx_atomic(&stx)->unit_max;
}

/* For writing if that is possible, for it matters what the kernel then allows; only to ask. */
static void open_node(struct patient *p)
{
	p->fd = open(p->path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (p->fd >= 0)
		return;
	p->open_error = -errno;
	p->fd = open(p->path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
}

static int refuse_file(const char *path, mode_t mode)
{
	if (S_ISCHR(mode))
		return cmd_fail(VERDICT_UNKNOWN,
				"%s is a character device; name the disk, as /dev/nvme0n1", path);
	return cmd_fail(VERDICT_UNKNOWN,
			"%s is not a block device; what files on a filesystem can do is the "
			"kernel's affair",
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
	open_node(p);
	int error = device_derive(p->fd, st.st_rdev, NULL, &p->device);
	if (error)
		return cmd_fail(VERDICT_UNKNOWN, "%s: cannot tell: /sys/dev/block/%u:%u: %s", p->path,
				major(st.st_rdev), minor(st.st_rdev), strerror(-error));
	ask_kernel(p);
	if (p->device.transport)
		ask_device(p);
	return 0;
}

static int parse(int argc, char **argv, bool *ret_json)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "nvme-limits", required_argument, NULL, 'l' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	int option, status = 0;

	while (!status && (option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (option) {
		case 'j':
			*ret_json = true;
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
	if (!status && optind + 1 != argc)
		status = cmd_fail(CMD_USAGE, "which device? one; see untorn doctor --help");
	return status;
}

int cmd_doctor(int argc, char **argv)
{
	static struct patient patient;
	static struct evidence evidence;
	bool json = false;

	int status = parse(argc, argv, &json);
	if (status)
		return status;
	patient.path = evidence.device = argv[optind];
	status = admit(&patient);
	if (status)
		return status;
	cmd_examine_all(&patient, &evidence);
	conclude(&patient, &evidence);
	if (!(json ? evidence_print_json(&evidence) : evidence_print(&evidence)))
		return cmd_fail(VERDICT_UNKNOWN, "the answer could not be written: %m");
	return (int)evidence.verdict;
}
