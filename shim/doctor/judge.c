/* SPDX-License-Identifier: MIT */
/*
 * Opens the node, asks kernel and device, and decides as the shim does. It writes nothing: it opens
 * the node for writing only to learn whether the kernel then allows a command.
 */
#include "doctor/judge.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/real.h"
#include "base/sysfs.h"
#include "doctor/examine.h"
#include "engine/engine.h"
#include "untorn.h"
#include "untorn_uapi.h"

static const char none[] = "no atomic writes: ", cannot_tell[] = "cannot tell: ";

/* The reason begins after "no atomic writes: ". "cannot tell: " is part of it. */
static void refuse(struct evidence *e, enum verdict verdict, const char *why)
{
	const char *what = verdict == VERDICT_NO ? none : cannot_tell;

	e->verdict = verdict;
	e->lane = "none";
	e->unit_min = e->unit_max = e->boundary = 0;
	e->reason = verdict == VERDICT_NO ? strlen(none) : 0;
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
	e->reason = (size_t)snprintf(e->conclusion, sizeof(e->conclusion),
				     "atomic writes of %s bytes, ", range(limits, text));
	snprintf(e->conclusion + e->reason, sizeof(e->conclusion) - e->reason, "%s", how);
}

/* The device has atomic writes, but this process may not use them. */
static void forbid(struct evidence *e, const struct limits *limits, const char *what)
{
	char why[160], text[32];

	snprintf(why, sizeof(why), "the device can do %s bytes, but this user may not %s",
		 range(limits, text), what);
	refuse(e, VERDICT_NO, why);
}

static bool is_forbidden(int error)
{
	return error == -EACCES || error == -EPERM;
}

/* The device cannot be opened or asked, or gives no answer. */
static void conclude_unknown(const struct patient *p, struct evidence *e)
{
	int error = p->fd < 0 ? p->read_error : p->device.error;
	char why[200];

	if (p->fd < 0 && is_forbidden(error))
		snprintf(why, sizeof(why), "this user may not open the device");
	else if (p->fd < 0)
		snprintf(why, sizeof(why), "the device cannot be opened: %s", strerror(-error));
	else if (is_forbidden(error))
		snprintf(why, sizeof(why),
			 "this user may not ask the device for its identify data");
	else
		snprintf(why, sizeof(why), "the device does not answer: %s", strerror(-error));
	refuse(e, VERDICT_UNKNOWN, why);
}

/* Without /sys nothing is known of the device. */
static void conclude_lost(const struct patient *p, struct evidence *e)
{
	char why[200];

	snprintf(why, sizeof(why), "/sys/dev/block/%u:%u: %s", major(p->number), minor(p->number),
		 strerror(-p->error));
	refuse(e, VERDICT_UNKNOWN, why);
}

static void conclude_command(const struct patient *p, struct evidence *e)
{
	const struct limits *limits = &p->device.limits;
	const struct limits despite_privilege = patient_limits(p);
	char how[64];

	snprintf(how, sizeof(how), "each by one %s",
		 p->device.transport ? p->device.transport->command : "command");
	if (limits->refusal == REFUSAL_IDENTIFY)
		conclude_unknown(p, e);
	else if (limits->refusal == REFUSAL_PRIVILEGE)
		forbid(e, &despite_privilege, "send a write command");
	else if (!limits->unit_max)
		refuse(e, VERDICT_NO, limits_explain(limits->refusal));
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
		refuse(e, VERDICT_NO, "UNTORN_MODE is off");
	else if (!limits->unit_max)
		refuse(e, VERDICT_NO, limits_explain(p->device.limits.refusal));
	else if (p->open_error)
		forbid(e, limits, "open it for writing");
	else
		accept(e, "native", limits, "natively by this kernel");
}

void judge_conclude(const struct patient *p, struct evidence *e)
{
	bool has_native = p->device.native.unit_max;

	if (p->error && !has_native)
		conclude_lost(p, e);
	else if (p->read_only && (p->device.transport || has_native))
		refuse(e, VERDICT_NO, "it is read-only");
	else if (!p->error && engine_lane(&p->device, config_get().mode) == LANE_COMMAND)
		conclude_command(p, e);
	else
		conclude_native(p, e);
}

static void ask_device(struct patient *p)
{
	if (patient_is_scsi(p))
		cmd_examine_ask_scsi(p);
	else
		cmd_examine_ask_nvme(p);
	if (p->fd >= 0 && p->identified)
		p->means = p->device.transport->means(&p->device.disk, p->fd, &p->means_error);
}

/* The kernel's own answer needs neither /sys nor an open node. */
static void ask_kernel(struct patient *p)
{
	struct statx stx;

	if ((p->fd >= 0 && !p->error) ||
	    real_statx(AT_FDCWD, p->path, 0, STATX_WRITE_ATOMIC, &stx) < 0 ||
	    !(stx.stx_mask & STATX_WRITE_ATOMIC))
		return;
	p->device.native.unit_min = untorn_statx_atomic(&stx)->unit_min;
	p->device.native.unit_max = untorn_statx_atomic(&stx)->unit_max;
}

static bool is_set(int error, uint64_t value)
{
	return !error && value;
}

/* The kernel's own flag, which it also acts on. */
static bool is_read_only(const struct patient *p)
{
	uint64_t part = 0, disk = 0;
	int value = 0;

	if (p->fd >= 0 && real_ioctl(p->fd, BLKROGET, &value) == 0)
		return value;
	int error = sysfs_number(p->number, "ro", &part);
	return is_set(error, part) || is_set(sysfs_disk_number(p->number, "ro", &disk), disk);
}

/* -ENODEV: the path now leads to another device. */
static int open_same(const struct patient *p, int access)
{
	struct stat st;
	int fd = open(p->path, access | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) == 0 && st.st_rdev == p->number)
		return fd;
	close(fd);
	return -ENODEV;
}

static void open_node(struct patient *p, int access)
{
	int fd = open_same(p, access), error = fd < 0 ? fd : 0;

	p->fd = fd < 0 ? -1 : fd;
	if (access == O_RDONLY)
		p->read_error = error;
	else
		p->open_error = error;
}

static void derive(struct patient *p)
{
	p->error = device_derive(p->fd, p->number, NULL, &p->device);
	p->device.number = p->number;
}

static void ask(struct patient *p)
{
	derive(p);
	ask_kernel(p);
	p->read_only = is_read_only(p);
	if (!p->error && p->device.transport)
		ask_device(p);
}

void judge_ask(struct patient *p)
{
	open_node(p, O_RDWR);
	if (p->fd < 0)
		open_node(p, O_RDONLY);
	ask(p);
}

/* A CD drive is SCSI too, and opening it may close its tray. */
static bool may_be_disk(dev_t number)
{
	uint64_t type = 0; /* SPC-4: peripheral device type; NVMe has none */

	return device_may_be_disk(number) &&
	       !is_set(sysfs_disk_number(number, "device/type", &type), type);
}

static bool may_qualify(const struct patient *p)
{
	enum refusal refusal = p->device.limits.refusal;

	return p->device.limits.unit_max || p->device.native.unit_max ||
	       refusal == REFUSAL_IDENTIFY || refusal == REFUSAL_PRIVILEGE;
}

void judge_ask_gently(struct patient *p)
{
	p->fd = -1;
	if (may_be_disk(p->number)) {
		open_node(p, O_RDONLY);
		derive(p);
		if (may_qualify(p)) {
			judge_release(p);
			judge_ask(p);
			return;
		}
	} else if (access(p->path, W_OK) < 0) {
		p->open_error = -errno;
	}
	ask(p);
}

void judge_release(struct patient *p)
{
	if (p->fd >= 0)
		close(p->fd);
	p->fd = -1;
}
