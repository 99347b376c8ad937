/* SPDX-License-Identifier: MIT */
/* Lists a namespace's formats, and advises on them (formats.h). Offsets are those of NVMe Base 2.0
 * figure 275 (Identify Controller) and NVM Command Set 1.0 figure 97 (Identify Namespace). */
#include "doctor/formats.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/sysfs.h"

enum {
	CTRL_OACS = 256, /* bit 1: there is a Format NVM command */
	CTRL_FNA = 524,  /* bit 0: it formats all namespaces */
	NS_MC = 27,      /* bit 1: metadata in a buffer of its own */
	NS_DPC = 28,     /* protection information: bit 0, of type 1; bit 4, as the last bytes */
	DPC_TYPE_1_LAST = 1 | 1 << 4,
	NONE = 64
};

/* "0: 512, 1: 512+8, 2: 4096 (in use)": the index is that of `nvme format --lbaf`. */
void formats_list(const struct nvme_identity *identity, struct evidence *e)
{
	unsigned now = limits_nvme_format_index(identity);
	char text[192] = "";

	for (unsigned i = 0; i < limits_nvme_format_count(identity); i++) {
		struct nvme_format format = limits_nvme_format_at(identity, i);
		size_t length = strlen(text);
		char metadata[16] = "";
		if (!format.block)
			continue;
		if (format.metadata)
			snprintf(metadata, sizeof(metadata), "+%u", format.metadata);
		snprintf(text + length, sizeof(text) - length, "%s%u: %u%s%s", length ? ", " : "",
			 i, format.block, metadata, i == now ? " (in use)" : "");
	}
	evidence_fact(e, "identify", "formats listed", "%s", text);
}

static bool can_format(const struct patient *p)
{
	return p->identity.nvme.controller[CTRL_OACS] & 2;
}

/* Before Linux 6.15 the kernel makes no block device of blocks larger than its pages, and later
 * only if it was built with transparent huge pages. The advice erases the disk, so it names no
 * format that some kernels refuse. */
static bool is_usable(const struct patient *p, struct nvme_format format)
{
	return format.block && format.block <= (unsigned)sysconf(_SC_PAGESIZE) &&
	       format.block <= p->device.queue.max_hw;
}

/* Finds the usable format without metadata with the largest blocks, larger than `block`; or NONE.
 */
static unsigned find_larger(const struct patient *p, unsigned block)
{
	unsigned found = NONE;

	for (unsigned i = 0; i < limits_nvme_format_count(&p->identity.nvme); i++) {
		struct nvme_format format = limits_nvme_format_at(&p->identity.nvme, i);
		if (!is_usable(p, format) || format.metadata || format.block <= block)
			continue;
		found = i;
		block = format.block;
	}
	return found;
}

/* Names the whole namespace, even if the device is a partition of it. */
static void advise(const struct patient *p, struct evidence *e, unsigned index, const char *options,
		   const char *change)
{
	char disk[64];
	bool all = p->identity.nvme.controller[CTRL_FNA] & 1;

	if (sysfs_disk_name(p->number, disk, sizeof(disk)) < 0)
		return;
	evidence_advise(e, "%s; this erases %s: nvme format /dev/%s --lbaf=%u%s", change,
			all ? "all namespaces of the controller" : "the namespace", disk, index,
			options);
}

void formats_advise_larger(const struct patient *p, struct evidence *e)
{
	unsigned index = can_format(p) ? find_larger(p, p->device.block) : NONE;
	char change[80];

	if (index == NONE) {
		evidence_fact(e, "policy", "larger unit",
			      "none: the disk promises one logical block, and %s",
			      can_format(p) ? "lists no suitable format with larger blocks"
					    : "has no command to change its format");
		return;
	}
	snprintf(change, sizeof(change),
		 "reformat it to blocks of %u bytes: one block is then the unit",
		 limits_nvme_format_at(&p->identity.nvme, index).block);
	advise(p, e, index, "", change);
}

/* Finds a format without metadata: with the present block size, if there is one; else the largest.
 */
static unsigned find_without_metadata(const struct patient *p)
{
	for (unsigned i = 0; i < limits_nvme_format_count(&p->identity.nvme); i++) {
		struct nvme_format format = limits_nvme_format_at(&p->identity.nvme, i);
		if (is_usable(p, format) && !format.metadata && format.block == p->device.block)
			return i;
	}
	return find_larger(p, 0);
}

/* True if the controller can make the 8-byte tuple of type 1 itself. */
static bool can_protect(const struct patient *p)
{
	const uint8_t *ns = p->identity.nvme.namespace;

	return limits_nvme_format(&p->identity.nvme).metadata == 8 && (ns[NS_MC] & 2) &&
	       (ns[NS_DPC] & DPC_TYPE_1_LAST) == DPC_TYPE_1_LAST;
}

void formats_advise_metadata(const struct patient *p, struct evidence *e)
{
	unsigned index = can_format(p) ? find_without_metadata(p) : NONE;

	if (index != NONE)
		advise(p, e, index, "", "reformat it without metadata");
	else if (can_format(p) && can_protect(p))
		advise(p, e, limits_nvme_format_index(&p->identity.nvme), " --pi=1 --ms=0",
		       "reformat it with protection information of type 1");
	else
		evidence_fact(e, "policy", "another format",
			      "none of those that the disk lists helps");
}
