/* SPDX-License-Identifier: MIT */
/* Asks a SCSI disk, and adds what it says, and its generic node. */
#include <grp.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "doctor/examine.h"
#include "device/generic.h"
#include "device/inquiry.h"
#include "device/scsi.h"

void cmd_examine_ask_scsi(struct patient *p)
{
	p->asked = inquiry_scsi(p->fd, p->device.number, &p->identity.scsi);
	p->identified = p->asked == 0;
}

static void blocks_fact(struct evidence *e, const char *name, uint32_t value, uint32_t block)
{
	if (value)
		evidence_fact(e, "identify", name, "%u block%s, %llu bytes", value,
			      value == 1 ? "" : "s", (unsigned long long)value * block);
	else
		evidence_fact(e, "identify", name, "0");
}

static void look_at_block_limits(const struct scsi_fields *f, struct evidence *e)
{
	if (!f->has_limits) {
		evidence_fact(e, "identify", "VPD page B0h", "missing, or too short");
		return;
	}
	blocks_fact(e, "max atomic length", f->max_atomic, f->block);
	blocks_fact(e, "atomic alignment", f->alignment, f->block);
	blocks_fact(e, "atomic granularity", f->granularity, f->block);
	blocks_fact(e, "max with boundary", f->max_with_boundary, f->block);
	blocks_fact(e, "max atomic boundary", f->max_boundary, f->block);
}

void cmd_examine_scsi(const struct patient *p, struct evidence *e)
{
	struct scsi_fields f = limits_scsi_fields(&p->identity.scsi);

	evidence_fact(e, "identify", "asked through", "%s", scsi_means);
	evidence_fact(e, "identify", "blocks", "%u bytes logical, %u physical", f.block,
		      f.physical);
	evidence_fact(e, "identify", "protection", f.protection ? "type %u" : "none", f.protection);
	look_at_block_limits(&f, e);
}

static const char *group_of(const char *path, char number[16])
{
	struct stat st;
	const struct group *entry = stat(path, &st) == 0 ? getgrgid(st.st_gid) : NULL;

	snprintf(number, 16, "%u", entry ? 0 : st.st_gid);
	return entry ? entry->gr_name : number;
}

void cmd_examine_generic(const struct patient *p, struct evidence *e)
{
	const char *name = p->device.disk.generic.node;
	char path[32], number[16];
	struct stat st;

	snprintf(path, sizeof(path), "/dev/%s", name);
	if (!*name || stat(path, &st) < 0) {
		evidence_fact(e, "privilege", "generic node", "none");
		evidence_advise(e, "WRITE ATOMIC (16) needs CAP_SYS_RAWIO, or the disk's generic "
				   "node, which does not exist: as root: modprobe sg");
		return;
	}
	evidence_fact(e, "privilege", "generic node", "%s, %04o: %s", path, st.st_mode & 07777,
		      strerror(-p->means_error));
	evidence_advise(e,
			"WRITE ATOMIC (16) needs CAP_SYS_RAWIO, or the right to read and write %s, "
			"e.g. through the group %s",
			path, group_of(path, number));
}
