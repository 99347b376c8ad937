/* SPDX-License-Identifier: MIT */
/*
 * Turns identify bytes into limits. Policy "namespace" is the rule of Linux 7.0 and later. Policy
 * "controller" is that of 6.11 to 6.19, which believes AWUPF too. Policy "single" believes AWUPF
 * only where 7.0's objection to it does not hold (limits_nvme_is_single). Under each policy, vendor
 * fields that the vendor documents count.
 *
 * Offsets are those of NVMe Base 2.0 figure 275 (Identify Controller) and NVM Command Set 1.0
 * figure 97 (Identify Namespace). All sizes in there are 0's based and in logical blocks.
 */
#include "rules/limits_nvme.h"

#include <stddef.h>

enum {
	/* Identify Controller */
	CTRL_VID = 0,
	CTRL_MDTS = 77,
	CTRL_CMIC = 76,
	CTRL_OACS = 256,
	CTRL_NN = 516,
	CTRL_FNA = 524,
	CTRL_AWUN = 526,
	CTRL_AWUPF = 528,
	/* Identify Namespace */
	NS_NSFEAT = 24,
	NS_NLBAF = 25,
	NS_FLBAS = 26,
	NS_DPS = 29,
	NS_NAWUN = 34,
	NS_NAWUPF = 36,
	NS_NABSN = 40,
	NS_NABO = 42,
	NS_NABSPF = 44,
	NS_NOIOB = 46,
	NS_LBAF = 128, /* 64 entries of 4 bytes: MS (u16), LBADS (u8, power of two), RP */
	/* Amazon EC2 user guide, "Check instance support for torn write prevention": the fields
	 * begin at byte 256 of the vendor-specific area, which starts at 384. */
	NS_AMAZON_NTWPU = 384 + 256,
	NS_AMAZON_NTWPG = 384 + 258,
	NS_AMAZON_NTWPB = 384 + 260,
	VID_AMAZON = 0x1d0f,

	NSFEAT_NSABP = 1 << 1, /* NAWUN, NAWUPF, NABSN, NABO, NABSPF are valid */
	OACS_NAMESPACE_MANAGEMENT = 1 << 3,
	FNA_FORMAT_ALL = 1 << 0, /* to format one namespace formats all */
	FLBAS_EXTENDED = 1 << 4,
	FORMATS = 64,
	LBADS_MIN = 9,  /* 512 bytes, the smallest the kernel accepts */
	LBADS_MAX = 16, /* 64 KiB, the largest page size of a kernel */
};

static uint16_t le16(const uint8_t *bytes)
{
	return (uint16_t)(bytes[0] | bytes[1] << 8);
}

static uint32_t le32(const uint8_t *bytes)
{
	return le16(bytes) | (uint32_t)le16(bytes + 2) << 16;
}

struct nvme_fields limits_nvme_fields(const struct nvme_identity *identity)
{
	const uint8_t *ctrl = identity->controller, *ns = identity->namespace;
	struct nvme_fields fields = {
		.vid = le16(ctrl + CTRL_VID),
		.awun = le16(ctrl + CTRL_AWUN),
		.awupf = le16(ctrl + CTRL_AWUPF),
		.mdts = ctrl[CTRL_MDTS],
		.cmic = ctrl[CTRL_CMIC],
		.oacs = le16(ctrl + CTRL_OACS),
		.nn = le32(ctrl + CTRL_NN),
		.fna = ctrl[CTRL_FNA],
		.nsfeat = ns[NS_NSFEAT],
		.nawun = le16(ns + NS_NAWUN),
		.nawupf = le16(ns + NS_NAWUPF),
		.nabsn = le16(ns + NS_NABSN),
		.nabo = le16(ns + NS_NABO),
		.nabspf = le16(ns + NS_NABSPF),
		.noiob = le16(ns + NS_NOIOB),
	};

	if (fields.vid == VID_AMAZON) {
		fields.ntwpu = le16(ns + NS_AMAZON_NTWPU);
		fields.ntwpg = le16(ns + NS_AMAZON_NTWPG);
		fields.ntwpb = le32(ns + NS_AMAZON_NTWPB);
	}
	return fields;
}

unsigned limits_nvme_format_count(const struct nvme_identity *identity)
{
	unsigned count = identity->namespace[NS_NLBAF] + 1U;

	return count < FORMATS ? count : FORMATS;
}

unsigned limits_nvme_format_index(const struct nvme_identity *identity)
{
	const uint8_t *ns = identity->namespace;
	unsigned index = ns[NS_FLBAS] & 0xf;

	if (ns[NS_NLBAF] >= 16) /* only then do bits 6:5 extend the index */
		index |= (ns[NS_FLBAS] >> 1) & 0x30;
	return index;
}

struct nvme_format limits_nvme_format_at(const struct nvme_identity *identity, unsigned index)
{
	const uint8_t *lbaf = identity->namespace + NS_LBAF + index * 4;

	if (index >= FORMATS || index > identity->namespace[NS_NLBAF] || lbaf[2] < LBADS_MIN ||
	    lbaf[2] > LBADS_MAX)
		return (struct nvme_format){ 0 };
	return (struct nvme_format){ .block = 1U << lbaf[2], .metadata = le16(lbaf) };
}

struct nvme_format limits_nvme_format(const struct nvme_identity *identity)
{
	const uint8_t *ns = identity->namespace;
	struct nvme_format format =
		limits_nvme_format_at(identity, limits_nvme_format_index(identity));

	if (format.block) {
		format.extended = ns[NS_FLBAS] & FLBAS_EXTENDED;
		format.protection = ns[NS_DPS] & 7;
	}
	return format;
}

/* A write command here hands over no metadata. So the only metadata allowed are an 8-byte tuple of
 * protection information, which the controller makes itself (PRACT). */
static enum refusal check_format(const struct nvme_format *format)
{
	if (!format->block || format->protection > 3)
		return REFUSAL_GARBAGE;
	if (format->metadata == 0)
		return format->protection ? REFUSAL_GARBAGE : REFUSAL_NONE;
	if (format->metadata != 8 || format->extended || !format->protection)
		return REFUSAL_METADATA;
	return format->protection == 2 ? REFUSAL_PROTECTION_TYPE : REFUSAL_NONE;
}

/* Makes limits for a unit of `size` bytes, whole blocks; the smallest write is one grain. */
static struct limits unit(uint64_t size, uint64_t boundary, uint64_t grain, enum origin origin)
{
	struct limits limits = {
		.unit_min = (uint32_t)limits_floor_pow2(grain),
		.unit_max = (uint32_t)limits_floor_pow2(size),
		.max = size,
		.boundary = (uint32_t)boundary,
		.most = size,
		.granularity = (uint32_t)grain,
		.alignment = (uint32_t)grain,
		.origin = origin,
	};

	if (grain != limits.unit_min || limits.unit_min > limits.unit_max)
		return limits_refused(REFUSAL_GARBAGE);
	return boundary != limits.boundary ? limits_refused(REFUSAL_BOUNDARY) : limits;
}

static uint64_t boundary_bytes(uint64_t zeroes_based, uint64_t block)
{
	return zeroes_based ? (zeroes_based + 1) * block : 0;
}

/* AWUPF counts blocks of a format that it does not name. With one controller, and one format for
 * all of its namespaces, it can only be that one. */
bool limits_nvme_is_single(const struct nvme_fields *f)
{
	return !f->cmic && !(f->oacs & OACS_NAMESPACE_MANAGEMENT) &&
	       ((f->fna & FNA_FORMAT_ALL) || f->nn == 1);
}

static bool believes_awupf(const struct nvme_fields *f, enum nvme_policy policy)
{
	return policy == NVME_POLICY_CONTROLLER ||
	       (policy == NVME_POLICY_SINGLE && limits_nvme_is_single(f));
}

struct limits limits_nvme(const struct nvme_identity *identity, enum nvme_policy policy)
{
	struct nvme_fields f = limits_nvme_fields(identity);
	struct nvme_format format = limits_nvme_format(identity);
	uint64_t block = format.block;
	enum refusal refusal = check_format(&format);

	if (refusal)
		return limits_refused(refusal);
	if (f.nabo)
		return limits_refused(REFUSAL_BOUNDARY_OFFSET);
	if ((f.nsfeat & NSFEAT_NSABP) && f.nawupf)
		return unit((f.nawupf + 1) * block, boundary_bytes(f.nabspf, block), block,
			    ORIGIN_NAWUPF);
	if (f.ntwpu)
		return unit((f.ntwpu + 1) * block, boundary_bytes(f.ntwpb, block),
			    (f.ntwpg + 1) * block, ORIGIN_VENDOR);
	if (f.awupf && believes_awupf(&f, policy))
		return unit((f.awupf + 1) * block, 0, block, ORIGIN_AWUPF);
	return unit(block, 0, block, ORIGIN_BLOCK);
}
