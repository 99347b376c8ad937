/* SPDX-License-Identifier: MIT */
/* Asks an NVMe namespace and its controller, and adds what they say. Start reading at the end. */
#include <errno.h>

#include "doctor/examine.h"
#include "doctor/formats.h"
#include "device/identify.h"
#include "device/published.h"

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
			    : "not set: the namespace has no valid fields of its own");
	if (valid) {
		blocks_fact(e, "NAWUN", f->nawun, block);
		if (f->nawupf)
			blocks_fact(e, "NAWUPF", f->nawupf, block);
		else
			evidence_fact(e, "identify", "NAWUPF",
				      "0: no value of the namespace's own");
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

static void look_at_format(const struct nvme_identity *identity, const struct nvme_fields *f,
			   struct evidence *e)
{
	const struct nvme_format now = limits_nvme_format(identity), *format = &now;

	evidence_fact(e, "identify", "format",
		      "%u bytes of data, %u of metadata%s, "
		      "protection type %u",
		      format->block, format->metadata, format->extended ? " in the block" : "",
		      format->protection);
	formats_list(identity, e);
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

void cmd_examine_ask_nvme(struct patient *p)
{
	struct nvme_identity published;
	uint64_t asked;

	p->asked = p->fd >= 0 ? identify_nvme(p->fd, &p->identity.nvme) : -EACCES;
	p->believed = published_read(p->device.number, &published, &asked);
	p->identified = p->asked == 0 || p->believed == 0;
	if (p->asked != 0 && p->believed == 0)
		p->identity.nvme = published;
}

void cmd_examine_nvme(const struct patient *p, struct evidence *e)
{
	struct nvme_fields f = limits_nvme_fields(&p->identity.nvme);
	struct nvme_format format = limits_nvme_format(&p->identity.nvme);
	evidence_fact(e, "identify", "asked through", "%s",
		      p->asked == 0 ? identify_means : "the record that root published");
	evidence_fact(e, "identify", "vendor", "%04x%s", f.vid, f.vid == 0x1d0f ? ", Amazon" : "");
	look_at_namespace_fields(&f, format.block, e);
	blocks_fact(e, "AWUN", f.awun, format.block);
	blocks_fact(e, "AWUPF", f.awupf, format.block);
	look_at_format(&p->identity.nvme, &f, e);
}
