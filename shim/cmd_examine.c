/* SPDX-License-Identifier: MIT */
/*
 * One function for each link of the chain, in the order of the answer. Start reading at the end.
 *
 * No rule is written down here. Where the answer says what would be different if something were,
 * the shim's own functions are asked again about that.
 */
#include "cmd_examine.h"

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

#include "engine.h"
#include "identify.h"
#include "sysfs.h"

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
	char text[32];

	evidence_fact(e, "device", "number", "%u:%u", major(p->device.number),
		      minor(p->device.number));
	if (transport)
		evidence_fact(e, "device", "kind", "%s", transport->name);
	else if (sysfs_disk_link(p->device.number, "device/subsystem", text, sizeof(text)) == 0)
		evidence_fact(e, "device", "kind", "%s, not NVMe", text);
	else
		evidence_fact(e, "device", "kind", "not NVMe");
	sysfs_fact(p, e, "transport", "device/transport");
	sysfs_fact(p, e, "model", "device/model");
	sysfs_fact(p, e, "serial", "device/serial");
	sysfs_fact(p, e, "firmware", "device/firmware_rev");
	if (sysfs_disk_text(p->device.number, "queue/write_cache", text, sizeof(text)) == 0)
		evidence_fact(e, "device", "write cache", "%s%s", text,
			      strcmp(text, "write back") == 0
				      ? ": atomic is not durable, O_DSYNC or fdatasync is"
				      : "");
	evidence_fact(e, "device", "logical block", "%u bytes", p->device.identity.block);
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
		evidence_advise(e, "re-create the partition on a multiple of %u bytes", grain);
}

static void blocks_fact(struct evidence *e, const char *name, unsigned long long value,
			unsigned block)
{
	evidence_fact(e, "identify", name, "%llu: %llu block%s, %llu bytes", value, value + 1,
		      value ? "s" : "", (value + 1) * block);
}

static void boundary_fact(struct evidence *e, const char *name, unsigned value, unsigned block)
{
	if (value)
		blocks_fact(e, name, value, block);
	else
		evidence_fact(e, "identify", name, "0: no boundary");
}

static void look_at_namespace_fields(const struct nvme_fields *f, unsigned block,
				     struct evidence *e)
{
	bool valid = f->nsfeat & 2;

	evidence_fact(e, "identify", "NSFEAT bit 1", "%s",
		      valid ? "set: the namespace's own fields are valid"
			    : "not set: the namespace says nothing of its own");
	if (valid) {
		blocks_fact(e, "NAWUN", f->nawun, block);
		if (f->nawupf)
			blocks_fact(e, "NAWUPF", f->nawupf, block);
		else
			evidence_fact(e, "identify", "NAWUPF",
				      "0: nothing beyond the controller's");
		boundary_fact(e, "NABSN", f->nabsn, block);
		boundary_fact(e, "NABSPF", f->nabspf, block);
	}
	evidence_fact(e, "identify", "NABO", f->nabo ? "%u: the boundaries are shifted" : "%u",
		      f->nabo);
	if (f->ntwpu) {
		blocks_fact(e, "NTWPU (Amazon)", f->ntwpu, block);
		blocks_fact(e, "NTWPG (Amazon)", f->ntwpg, block);
		boundary_fact(e, "NTWPB (Amazon)", f->ntwpb, block);
	}
}

static void look_at_format(const struct nvme_fields *f, const struct nvme_format *format,
			   struct evidence *e)
{
	evidence_fact(e, "identify", "format",
		      "%u bytes of data, %u of metadata%s, "
		      "protection type %u",
		      format->block, format->metadata, format->extended ? " in the block" : "",
		      format->protection);
	if (f->noiob)
		evidence_fact(e, "identify", "NOIOB", "%u blocks, %llu bytes", f->noiob,
			      (unsigned long long)f->noiob * format->block);
	if (f->mdts && f->mdts < 32)
		evidence_fact(e, "identify", "MDTS",
			      "%u: %llu bytes, if the controller's page is 4096", f->mdts,
			      4096ULL << f->mdts);
	else
		evidence_fact(e, "identify", "MDTS", f->mdts ? "%u" : "%u: no limit", f->mdts);
}

static void look_at_identify(const struct patient *p, struct evidence *e)
{
	if (!p->identified)
		return;
	struct nvme_fields f = limits_nvme_fields(&p->identity);
	struct nvme_format format = limits_nvme_format(&p->identity);
	evidence_fact(e, "identify", "asked through", "%s",
		      p->asked == 0 ? identify_means() : "nothing; published by root");
	evidence_fact(e, "identify", "vendor", "%04x%s", f.vid, f.vid == 0x1d0f ? ", Amazon" : "");
	look_at_namespace_fields(&f, format.block, e);
	blocks_fact(e, "AWUN", f.awun, format.block);
	blocks_fact(e, "AWUPF", f.awupf, format.block);
	look_at_format(&f, &format, e);
}

/* The limits of the device, were this its queue and that the policy. */
static struct limits limits_if(const struct patient *p, struct queue queue, enum nvme_policy policy)
{
	struct limits limits = limits_nvme(&p->identity, policy);

	limits = limits_cap(limits, &queue, (uint32_t)sysconf(_SC_PAGESIZE));
	return limits_of_partition(limits, p->device.identity.start);
}

static const char *cut_by(const struct patient *p, struct queue without)
{
	return p->identified && limits_if(p, without, config_get().nvme_policy).unit_max >
					p->device.limits.unit_max
		       ? ": this cuts the unit"
		       : "";
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

static bool has_sys_admin(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { 0 };

	return syscall(SYS_capget, &header, data) == 0 &&
	       (data[CAP_TO_INDEX(CAP_SYS_ADMIN)].effective & CAP_TO_MASK(CAP_SYS_ADMIN));
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

static void look_at_node(const struct patient *p, struct evidence *e)
{
	struct stat st = { 0 };
	char user[16], group[16];

	stat(p->path, &st);
	evidence_fact(e, "privilege", "user", "%s, %s CAP_SYS_ADMIN", user_name(geteuid(), user),
		      has_sys_admin() ? "with" : "without");
	evidence_fact(e, "privilege", "node", "%s:%s %04o, %s%s", user_name(st.st_uid, user),
		      group_name(st.st_gid, group), st.st_mode & 07777,
		      !p->open_error ? "may be written"
		      : p->fd < 0    ? "may not be opened: "
				     : "may only be read: ",
		      p->open_error ? strerror(-p->open_error) : "");
	if (p->open_error == -EACCES)
		evidence_advise(e, "let this user open %s for writing, e.g. as one of the group %s",
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
		return "yes, but of another disk or format";
	case -EPERM:
		return "yes, but others than root may write it, so it is not believed";
	case -EBADMSG:
		return "yes, but it is garbage";
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
	evidence_fact(e, "privilege", "published", "%s", describe_published(p->believed));
	if (p->fd >= 0 && !p->identified)
		evidence_advise(e,
				"asking the disk takes CAP_SYS_ADMIN before Linux 6.2: "
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
	if (!p->open_error && engine_decide(&p->device, config_get().mode) == LANE_COMMAND)
		evidence_advise(
			e, "this kernel wants CAP_SYS_ADMIN for a write command, or a controller "
			   "whose Commands Supported and Effects log allows it");
}

static void look_at_privilege(const struct patient *p, struct evidence *e)
{
	look_at_node(p, e);
	if (!p->device.transport)
		return;
	look_at_identify_right(p, e);
	look_at_write_right(p, e);
}

static void look_at_policy(const struct patient *p, struct evidence *e)
{
	static const char *const modes[] = { "auto", "command", "off" };
	const struct config config = config_get();

	evidence_fact(e, "policy", "UNTORN_MODE", "%s", modes[config.mode]);
	evidence_fact(e, "policy", "UNTORN_NVME_LIMITS", "%s",
		      config.nvme_policy == NVME_POLICY_CONTROLLER ? "controller" : "namespace");
	if (config.mode == MODE_OFF)
		evidence_advise(e, "UNTORN_MODE is off, or not a word that is known: unset it");
	if (!p->identified)
		return;
	if (p->device.disk.limits.unit_max)
		evidence_fact(e, "policy", "unit taken from", "%s",
			      limits_origin(p->device.disk.limits.origin));
	struct limits other = limits_if(p, p->device.queue, NVME_POLICY_CONTROLLER);
	if (other.unit_max > p->device.limits.unit_max &&
	    other.unit_max > p->device.native.unit_max)
		evidence_advise(
			e,
			"AWUPF would make it %u bytes, but in blocks of a format that it does "
			"not name: if the vendor vouches for it, --nvme-limits=controller",
			other.unit_max);
}

static void advise_on_refusal(const struct patient *p, struct evidence *e)
{
	switch (p->device.limits.refusal) {
	case REFUSAL_METADATA:
	case REFUSAL_PROTECTION_TYPE:
		evidence_advise(e, "format the namespace without metadata (nvme format erases it)");
		break;
	case REFUSAL_GARBAGE:
		if (p->device.disk.block && p->device.disk.block != p->device.identity.block)
			evidence_advise(
				e,
				"the disk was formatted anew: have the kernel scan it again "
				"(nvme ns-rescan); as root: untorn publish %s",
				p->path);
		break;
	default:
		break;
	}
}

void cmd_examine_all(const struct patient *patient, struct evidence *evidence)
{
	look_at_kernel(patient, evidence);
	look_at_device(patient, evidence);
	look_at_partition(patient, evidence);
	cmd_examine_layers(patient, evidence);
	look_at_identify(patient, evidence);
	look_at_caps(patient, evidence);
	look_at_privilege(patient, evidence);
	look_at_policy(patient, evidence);
	advise_on_refusal(patient, evidence);
}
