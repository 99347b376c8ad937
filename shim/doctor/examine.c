/* SPDX-License-Identifier: MIT */
/*
 * Collects the evidence about a device: one function for each link of the chain, in the order of
 * the answer. Start reading at cmd_examine_all(), at the end.
 *
 * No rule is written down here. To say what would be different under other limits or another
 * policy, it asks the shim's own functions again.
 */
#include "doctor/examine.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/deep.h"
#include "engine/engine.h"
#include "base/sysfs.h"
#include "doctor/formats.h"

static void look_at_kernel(const struct patient *p, struct evidence *e)
{
	struct utsname name;
	unsigned major_version = 0, minor_version = 0;

	uname(&name);
	sscanf(name.release, "%u.%u", &major_version, &minor_version);
	evidence_fact(e, "kernel", "release", "%s", name.release);
	if (p->device.native.unit_max)
		evidence_fact(e, "kernel", "natively", "atomic writes of %u to %u bytes",
			      p->device.native.unit_min, p->device.native.unit_max);
	else if (major_version < 6 || (major_version == 6 && minor_version < 11))
		evidence_fact(e, "kernel", "natively", "none: RWF_ATOMIC came with Linux 6.11");
	else
		evidence_fact(e, "kernel", "natively", "no atomic writes on this device");
	evidence_fact(
		e, "kernel", "deep mode", "%s",
		deep_probe() == 0
			? "available, for programs that make system calls without the C library (see untorn run --check)"
			: "not available (needs Linux 5.11, x86-64): the shim does not reach "
			  "system calls made without the C library (see untorn run --check)");
}

static void sysfs_fact(const struct patient *p, struct evidence *e, const char *name,
		       const char *attribute)
{
	char text[96];

	if (sysfs_disk_text(p->device.number, attribute, text, sizeof(text)) < 0)
		return;
	/* Identify's texts are padded with blanks. */
	for (size_t end = strlen(text); end && text[end - 1] == ' '; end--)
		text[end - 1] = '\0';
	if (*text)
		evidence_fact(e, "device", name, "%s", text);
}

static void look_at_device(const struct patient *p, struct evidence *e)
{
	const struct transport *transport = p->device.transport;
	bool scsi = patient_is_scsi(p);
	char text[32];

	evidence_fact(e, "device", "number", "%u:%u", major(p->device.number),
		      minor(p->device.number));
	if (transport)
		evidence_fact(e, "device", "kind", "%s", transport->name);
	else if (sysfs_disk_link(p->device.number, "device/subsystem", text, sizeof(text)) == 0)
		evidence_fact(e, "device", "kind", "%s, neither NVMe nor SCSI", text);
	else
		evidence_fact(e, "device", "kind", "neither NVMe nor SCSI");
	sysfs_fact(p, e, "transport", "device/transport");
	sysfs_fact(p, e, "vendor", "device/vendor");
	sysfs_fact(p, e, "model", "device/model");
	sysfs_fact(p, e, "serial", "device/serial");
	sysfs_fact(p, e, "firmware", scsi ? "device/rev" : "device/firmware_rev");
	if (sysfs_disk_text(p->device.number, "queue/write_cache", text, sizeof(text)) == 0)
		evidence_fact(e, "device", "write cache", "%s%s", text,
			      strcmp(text, "write back") == 0
				      ? ": for durable writes use O_DSYNC, RWF_DSYNC or fdatasync"
				      : "");
	evidence_fact(e, "device", "logical block", "%u bytes", p->device.block);
	if (p->read_only)
		evidence_fact(e, "device", "read-only", "yes");
}

static void look_at_partition(const struct patient *p, struct evidence *e)
{
	const struct limits *disk = &p->device.disk.limits;
	unsigned long long start = p->device.identity.start;
	unsigned grain = disk->boundary > disk->unit_max ? disk->boundary : disk->unit_max;

	if (!sysfs_is_partition(p->device.number))
		return;
	evidence_fact(e, "partition", "start", "byte %llu, a multiple of %llu", start,
		      start ? start & -start : 0ULL);
	if (p->device.limits.refusal == REFUSAL_PARTITION)
		evidence_advise(
			e, "re-create the partition so that it starts at a multiple of %u bytes",
			grain);
}

static const char *cut_by(const struct patient *p, struct queue without)
{
	if (!p->identified)
		return "";
	struct limits uncut = patient_limits_if(p, without, p->device.decision.nvme_policy);
	return uncut.unit_max > patient_limits(p).unit_max ? ": this cuts the unit" : "";
}

static void look_at_caps(const struct patient *p, struct evidence *e)
{
	const struct queue *queue = &p->device.queue;
	const struct limits *disk = &p->device.disk.limits, *limits = &p->device.limits;
	struct queue more_hw = *queue, more_segments = *queue, no_chunk = *queue;

	more_hw.max_hw = UINT32_MAX;
	more_segments.segments = UINT16_MAX;
	no_chunk.chunk = 0;
	evidence_fact(e, "caps", "largest command", "%llu bytes%s",
		      (unsigned long long)queue->max_hw, cut_by(p, more_hw));
	evidence_fact(e, "caps", "segments", "%u%s", queue->segments, cut_by(p, more_segments));
	if (queue->chunk)
		evidence_fact(e, "caps", "chunk", "%u bytes%s", queue->chunk, cut_by(p, no_chunk));
	if (p->identified && limits->unit_max && limits->unit_max < disk->unit_max)
		evidence_fact(e, "caps", "unit", "cut from %u to %u bytes", disk->unit_max,
			      limits->unit_max);
}

static bool has_capability(unsigned capability)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { 0 };

	return syscall(SYS_capget, &header, data) == 0 &&
	       (data[CAP_TO_INDEX(capability)].effective & CAP_TO_MASK(capability));
}

/* "root", or "0" where it has no name. */
static const char *user_name(uid_t user, char number[16])
{
	const struct passwd *entry = getpwuid(user);

	snprintf(number, 16, "%u", user);
	return entry ? entry->pw_name : number;
}

static const char *group_name(gid_t group, char number[16])
{
	const struct group *entry = getgrgid(group);

	snprintf(number, 16, "%u", group);
	return entry ? entry->gr_name : number;
}

static void examine_node(const struct patient *p, struct evidence *e)
{
	unsigned needed = patient_is_scsi(p) ? CAP_SYS_RAWIO : CAP_SYS_ADMIN;
	struct stat st = { 0 };
	char user[16], group[16];

	stat(p->path, &st);
	evidence_fact(e, "privilege", "user", "%s, %s %s", user_name(geteuid(), user),
		      has_capability(needed) ? "with" : "without",
		      needed == CAP_SYS_RAWIO ? "CAP_SYS_RAWIO" : "CAP_SYS_ADMIN");
	evidence_fact(e, "privilege", "node", "%s:%s %04o, %s%s", user_name(st.st_uid, user),
		      group_name(st.st_gid, group), st.st_mode & 07777,
		      !p->open_error ? "this user may write it"
		      : p->fd < 0    ? "cannot be opened: "
				     : "can only be opened for reading: ",
		      p->open_error ? strerror(-p->open_error) : "");
	if (p->open_error == -EACCES)
		evidence_advise(e, "let this user open %s for writing, e.g. through the group %s",
				p->path, group_name(st.st_gid, group));
}

static const char *describe_published(int believed)
{
	switch (believed) {
	case 0:
		return "yes, and up to date";
	case -ENOENT:
		return "no";
	case -ESTALE:
		return "yes, but the record is of another disk or format";
	case -EPERM:
		return "yes, but users other than root may write it, so it is not believed";
	case -EXDEV:
		return "not believed: this user namespace does not know the machine's root";
	case -EBADMSG:
		return "yes, but the record is damaged";
	default:
		return strerror(-believed);
	}
}

static void look_at_identify_right(const struct patient *p, struct evidence *e)
{
	evidence_fact(e, "privilege", "identify", "%s",
		      p->fd < 0       ? "not asked"
		      : p->asked == 0 ? "allowed"
				      : strerror(-p->asked));
	if (patient_is_scsi(p))
		return;
	evidence_fact(e, "privilege", "published", "%s", describe_published(p->believed));
	if (p->fd >= 0 && !p->identified && p->believed == -EXDEV)
		evidence_advise(
			e,
			"before Linux 6.2 nobody in this user namespace may ask the disk, and the "
			"shim cannot check here who wrote root's record: run the program outside "
			"the namespace, or on a later kernel");
	else if (p->fd >= 0 && !p->identified && (p->asked == -EACCES || p->asked == -EPERM))
		evidence_advise(e,
				"before Linux 6.2 only CAP_SYS_ADMIN may ask the disk; "
				"as root, at every boot: untorn publish %s",
				p->path);
}

static void look_at_write_right(const struct patient *p, struct evidence *e)
{
	if (p->means) {
		evidence_fact(e, "privilege", "write command", "%s", p->means);
		return;
	}
	if (!p->identified || p->fd < 0)
		return;
	evidence_fact(e, "privilege", "write command", "not allowed: %s",
		      strerror(-p->means_error));
	if (patient_is_scsi(p))
		cmd_examine_generic(p, e);
	else if (!p->open_error && engine_lane(&p->device, config_get().mode) == LANE_COMMAND)
		evidence_advise(
			e, "this kernel requires CAP_SYS_ADMIN for a write command, unless the "
			   "controller's Commands Supported and Effects log allows it");
}

static void look_at_privilege(const struct patient *p, struct evidence *e)
{
	examine_node(p, e);
	if (!p->device.transport)
		return;
	look_at_identify_right(p, e);
	look_at_write_right(p, e);
}

static void advise_on_refusal(const struct patient *p, struct evidence *e)
{
	bool scsi = patient_is_scsi(p);

	switch (p->device.limits.refusal) {
	case REFUSAL_METADATA:
	case REFUSAL_PROTECTION_TYPE:
		if (!scsi)
			formats_advise_metadata(p, e);
		else
			evidence_advise(e,
					"reformat it without protection information; this "
					"erases the disk: sg_format --format --fmtpinfo=0 %s",
					p->path);
		break;
	case REFUSAL_GARBAGE:
		if (!p->device.disk.block || p->device.disk.block == p->device.block)
			break;
		evidence_advise(e, "the disk was reformatted: have the kernel scan it again (%s)",
				scsi ? "write 1 to its device/rescan in /sys" : "nvme ns-rescan");
		if (!scsi)
			evidence_advise(e, "then, as root: untorn publish %s", p->path);
		break;
	default:
		break;
	}
}

/* Advises only if the kernel alone holds it read-only, and could let go. */
static void advise_on_read_only(const struct patient *p, struct evidence *e)
{
	enum { NSATTR = 99 }; /* NVM Command Set 1.0 figure 97: bit 0, write protected */

	if (p->read_only && p->identified && !patient_is_scsi(p) &&
	    !(p->identity.nvme.namespace[NSATTR] & 1) && !p->device.queue.zoned)
		evidence_advise(
			e, "only a setting of the kernel makes it read-only: blockdev --setrw %s",
			p->path);
}

void cmd_examine_all(const struct patient *patient, struct evidence *evidence)
{
	look_at_kernel(patient, evidence);
	if (patient->error) {
		evidence_advise(evidence,
				"mount sysfs on /sys: untorn reads there what a device is");
		return;
	}
	look_at_device(patient, evidence);
	look_at_partition(patient, evidence);
	cmd_examine_layers(patient, evidence);
	if (patient->identified && patient_is_scsi(patient))
		cmd_examine_scsi(patient, evidence);
	else if (patient->identified)
		cmd_examine_nvme(patient, evidence);
	look_at_caps(patient, evidence);
	look_at_privilege(patient, evidence);
	cmd_examine_policy(patient, evidence);
	advise_on_refusal(patient, evidence);
	advise_on_read_only(patient, evidence);
}
