/* SPDX-License-Identifier: MIT */
/*
 * untorn doctor: the shim's own judgement of a device, and everything that it rests on. Start
 * reading at examine(); each look_at_*() is one link of the chain.
 *
 * The device is opened, asked and never written.
 */
#include "cmd.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "cleanup.h"
#include "device.h"
#include "engine.h"
#include "evidence.h"
#include "identify.h"
#include "published.h"
#include "sysfs.h"
#include "untorn.h"

/* What is being examined. */
struct patient {
	const char *path;
	int fd;
	bool writable; /* the fd */
	struct device device;
	struct nvme_identity identity;
	bool identified;     /* identity is there, by whatever means */
	int asked, believed; /* 0 or -errno: of asking the device, of what root published */
};

static void look_at_kernel(const struct patient *p, struct evidence *e)
{
	struct utsname name;

	uname(&name);
	evidence_fact(e, "kernel", "release", "%s", name.release);
	if (p->device.native.unit_max)
		evidence_fact(e, "kernel", "natively", "atomic writes of %u to %u bytes",
			      p->device.native.unit_min, p->device.native.unit_max);
	else
		evidence_fact(e, "kernel", "natively", "no atomic writes on this device%s",
			      p->fd < 0 ? ", as far as can be told without opening it" : "");
}

static void sysfs_fact(const struct patient *p, struct evidence *e, const char *name,
		       const char *attribute)
{
	char text[96];

	if (sysfs_disk_text(p->device.number, attribute, text, sizeof(text)) == 0 && *text)
		evidence_fact(e, "device", name, "%s", text);
}

static void look_at_device(const struct patient *p, struct evidence *e)
{
	const struct transport *transport = p->device.transport;

	evidence_fact(e, "device", "number", "%u:%u", major(p->device.number),
		      minor(p->device.number));
	evidence_fact(e, "device", "kind", "%s",
		      transport ? transport->name : "not an NVMe namespace");
	sysfs_fact(p, e, "model", "device/model");
	sysfs_fact(p, e, "serial", "device/serial");
	sysfs_fact(p, e, "firmware", "device/firmware_rev");
	sysfs_fact(p, e, "write cache", "queue/write_cache");
	evidence_fact(e, "device", "logical block", "%u bytes", p->device.identity.block);
}

static void look_at_partition(const struct patient *p, struct evidence *e)
{
	const struct limits *disk = &p->device.disk.limits;
	unsigned grain = disk->boundary > disk->unit_min ? disk->boundary : disk->unit_min;

	if (!sysfs_is_partition(p->device.number))
		return;
	evidence_fact(e, "partition", "start", "byte %llu",
		      (unsigned long long)p->device.identity.start);
	if (!grain)
		return;
	evidence_fact(e, "partition", "must be multiple of", "%u bytes", grain);
	if (p->device.limits.refusal == REFUSAL_PARTITION)
		evidence_advise(
			e, "re-create the partition so that it starts on a multiple of %u bytes",
			grain);
}

/* Device mapper and md above the device, or below it when it is one itself. */
static void look_at_layers(const struct patient *p, struct evidence *e)
{
	char names[160];

	if (sysfs_list(p->device.number, "holders", names, sizeof(names)) == 0 && *names) {
		evidence_fact(e, "layers", "used by", "%s", names);
		evidence_advise(e,
				"writes through %s do not reach the device as they are: "
				"open %s itself",
				names, p->path);
	}
	if (sysfs_list(p->device.number, "slaves", names, sizeof(names)) == 0 && *names) {
		evidence_fact(e, "layers", "lies on", "%s", names);
		evidence_advise(e, "a layer may split a write: use the device below it (%s)",
				names);
	}
}

static void blocks_fact(struct evidence *e, const char *name, unsigned value, unsigned block)
{
	evidence_fact(e, "identify", name, "%u: %u blocks, %llu bytes", value, value + 1,
		      (value + 1ULL) * block);
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
		blocks_fact(e, "NAWUPF", f->nawupf, block);
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

static void look_at_identify(const struct patient *p, struct evidence *e)
{
	if (!p->identified)
		return;
	struct nvme_fields f = limits_nvme_fields(&p->identity);
	struct nvme_format format = limits_nvme_format(&p->identity);
	evidence_fact(e, "identify", "asked through", "%s",
		      p->asked == 0 ? identify_means() : "nothing; published by root");
	look_at_namespace_fields(&f, format.block, e);
	blocks_fact(e, "AWUN", f.awun, format.block);
	blocks_fact(e, "AWUPF", f.awupf, format.block);
	evidence_fact(e, "identify", "format",
		      "%u bytes of data, %u of metadata%s, protection type %u", format.block,
		      format.metadata, format.extended ? " in the block" : "", format.protection);
	if (f.mdts)
		evidence_fact(e, "identify", "MDTS", "%u: 2^%u pages of the controller", f.mdts,
			      f.mdts);
	else
		evidence_fact(e, "identify", "MDTS", "0: no limit");
}

static void look_at_caps(const struct patient *p, struct evidence *e)
{
	const struct queue *queue = &p->device.queue;
	const struct limits *disk = &p->device.disk.limits, *limits = &p->device.limits;

	evidence_fact(e, "caps", "largest command", "%llu bytes",
		      (unsigned long long)queue->max_hw);
	evidence_fact(e, "caps", "segments", "%u", queue->segments);
	if (queue->chunk)
		evidence_fact(e, "caps", "chunk", "%u bytes", queue->chunk);
	if (p->identified && limits->unit_max && limits->unit_max < disk->unit_max)
		evidence_fact(e, "caps", "cut", "from %u to %u bytes by this kernel's queue",
			      disk->unit_max, limits->unit_max);
}

static void look_at_privilege(const struct patient *p, struct evidence *e)
{
	int error = 0;

	evidence_fact(e, "privilege", "user", "%u, the node is %s", geteuid(),
		      p->fd < 0     ? "closed to it"
		      : p->writable ? "open for writing"
				    : "read-only");
	if (!p->device.transport)
		return;
	evidence_fact(e, "privilege", "identify", "%s",
		      p->asked == 0 ? "allowed" : strerror(-p->asked));
	evidence_fact(e, "privilege", "published", "%s",
		      p->believed == 0         ? "yes, and current"
		      : p->believed == -ENOENT ? "no"
		      : p->believed == -ESTALE ? "yes, but of another disk or format"
		      : p->believed == -EPERM  ? "yes, but others than root may write it"
					       : strerror(-p->believed));
	if (!p->identified)
		evidence_advise(e,
				"before Linux 6.2 asking the disk needs CAP_SYS_ADMIN: "
				"as root run 'untorn publish %s' at every boot",
				p->path);
	if (!p->writable)
		evidence_advise(e, "writing needs a node that this user may open for writing");
	const char *means = p->fd < 0 || !p->identified
				    ? NULL
				    : p->device.transport->means(&p->device.disk, p->fd, &error);
	if (means)
		evidence_fact(e, "privilege", "write command", "%s", means);
	else if (error)
		evidence_fact(e, "privilege", "write command", "not allowed: %s", strerror(-error));
}

static void look_at_policy(const struct patient *p, struct evidence *e)
{
	enum nvme_policy policy = config_get().nvme_policy;
	const struct limits *ours = &p->device.disk.limits;

	evidence_fact(e, "policy", "UNTORN_NVME_LIMITS", "%s",
		      policy == NVME_POLICY_CONTROLLER ? "controller" : "namespace");
	if (!p->identified)
		return;
	evidence_fact(e, "policy", "unit taken from", "%s", limits_origin(ours->origin));
	struct limits other = limits_nvme(&p->identity, NVME_POLICY_CONTROLLER);
	if (other.unit_max > ours->unit_max)
		evidence_advise(
			e,
			"AWUPF promises %u bytes, but in blocks of a format that it does not "
			"name: if the vendor vouches for it, use --nvme-limits=controller",
			other.unit_max);
}

static bool may_write(const struct patient *p)
{
	int error;

	return p->writable && p->device.transport->means(&p->device.disk, p->fd, &error);
}

static void conclude(const struct patient *p, struct evidence *e)
{
	const struct limits *limits = &p->device.limits;
	bool native = engine_decide(&p->device, config_get().mode) == LANE_KERNEL;

	if (native)
		limits = &p->device.native;
	e->unit_min = limits->unit_min;
	e->unit_max = limits->unit_max;
	e->boundary = native ? 0 : limits->boundary;
	e->lane = !limits->unit_max ? "none" : native ? "native" : "command";
	e->verdict = limits->unit_max ? VERDICT_YES : VERDICT_NO;
	if (!limits->unit_max) {
		if (p->device.limits.refusal == REFUSAL_IDENTIFY || p->fd < 0)
			e->verdict = VERDICT_UNKNOWN;
		snprintf(e->conclusion, sizeof(e->conclusion), "no atomic writes: %s",
			 limits_explain(p->device.limits.refusal));
	} else if (native) {
		snprintf(e->conclusion, sizeof(e->conclusion),
			 "atomic writes of %u to %u bytes, natively by this kernel",
			 limits->unit_min, limits->unit_max);
	} else if (!may_write(p)) {
		e->verdict = VERDICT_NO;
		snprintf(e->conclusion, sizeof(e->conclusion),
			 "the device has atomic writes of %u to %u bytes, "
			 "but this user may not send them",
			 limits->unit_min, limits->unit_max);
	} else {
		snprintf(e->conclusion, sizeof(e->conclusion),
			 "atomic writes of %u to %u bytes, each by one %s Write", limits->unit_min,
			 limits->unit_max, p->device.transport->name);
	}
}

static void ask(struct patient *p)
{
	p->asked = p->fd >= 0 ? identify_nvme(p->fd, &p->identity) : -EACCES;
	p->identified = p->asked == 0;
	struct nvme_identity published;
	p->believed = published_read(p->device.number, &published);
	if (!p->identified && p->believed == 0) {
		p->identity = published;
		p->identified = true;
	}
}

static void examine(struct patient *p, struct evidence *e)
{
	if (p->device.transport)
		ask(p);
	look_at_kernel(p, e);
	look_at_device(p, e);
	look_at_partition(p, e);
	look_at_layers(p, e);
	look_at_identify(p, e);
	look_at_caps(p, e);
	look_at_privilege(p, e);
	look_at_policy(p, e);
	conclude(p, e);
}

/* Read-only first to learn what it is; for writing only if it is a block device. */
static int admit(struct patient *p)
{
	struct stat st;

	if (stat(p->path, &st) < 0)
		return cmd_fail(2, "%s: %m", p->path);
	if (!S_ISBLK(st.st_mode))
		return cmd_fail(2,
				"%s is not a block device; files on a filesystem are the kernel's",
				p->path);
	p->fd = open(p->path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	p->writable = p->fd >= 0;
	if (p->fd < 0)
		p->fd = open(p->path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	int error = device_derive(p->fd, st.st_rdev, &p->device);
	return error ? cmd_fail(2, "%s: %s", p->path, strerror(-error)) : 0;
}

static int parse(int argc, char **argv, bool *ret_json)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "nvme-limits", required_argument, NULL, 'l' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	int option;

	while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (option) {
		case 'j':
			*ret_json = true;
			break;
		case 'l':
			setenv(UNTORN_ENV_NVME_LIMITS, optarg, 1);
			break;
		case 'h':
			cmd_help("doctor");
			exit(0);
		default:
			return 2;
		}
	}
	return optind + 1 == argc ? 0 : cmd_fail(2, "which device? one; see untorn doctor --help");
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
	examine(&patient, &evidence);
	if (!(json ? evidence_print_json(&evidence) : evidence_print(&evidence)))
		return 2;
	return (int)evidence.verdict;
}
