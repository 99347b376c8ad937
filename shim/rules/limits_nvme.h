/* SPDX-License-Identifier: MIT */
/* Reads an NVMe device's identify data, and derives the limits that they promise.
 * device/transport_nvme.c, command/publish.c and the doctor call it. Pure functions over bytes. */
#ifndef LIMITS_NVME_H
#define LIMITS_NVME_H

#include <stdbool.h>
#include <stdint.h>

#include "base/config.h"
#include "rules/limits.h"

enum { IDENTIFY_SIZE = 4096 }; /* NVMe Base 2.0 section 5.17: every identify structure */

/* As the device returned them; nothing in here has been checked. */
struct nvme_identity {
	uint32_t nsid;
	uint8_t controller[IDENTIFY_SIZE]; /* CNS 01h */
	uint8_t namespace[IDENTIFY_SIZE];  /* CNS 00h */
};

/* How data lie in a namespace. */
struct nvme_format {
	uint32_t block;     /* bytes of data per logical block; 0: not readable */
	uint16_t metadata;  /* bytes of metadata per logical block */
	bool extended;      /* metadata at the end of each block, not in a buffer of its own */
	uint8_t protection; /* type of protection information, 1 to 3; 0: none */
};

struct nvme_format limits_nvme_format(const struct nvme_identity *identity);

/* The number of formats that the namespace lists; the index of the one that it has; one of them.
 * limits_nvme_format_at() fills in data and metadata alone, because the rest is chosen when a
 * namespace is formatted. */
unsigned limits_nvme_format_count(const struct nvme_identity *identity);
unsigned limits_nvme_format_index(const struct nvme_identity *identity);
struct nvme_format limits_nvme_format_at(const struct nvme_identity *identity, unsigned index);

/* The device's own limits, before the block layer's caps. */
struct limits limits_nvme(const struct nvme_identity *identity, enum nvme_policy policy);

/* The raw fields that the decision rests on, as the device reports them, for explaining it. */
struct nvme_fields {
	uint16_t vid, awun, awupf, nawun, nawupf, nabsn, nabo, nabspf, noiob;
	uint8_t nsfeat, mdts, cmic, fna;
	uint16_t oacs;
	uint32_t nn;
	uint16_t ntwpu, ntwpg; /* 0 unless the vendor is Amazon */
	uint32_t ntwpb;
};

struct nvme_fields limits_nvme_fields(const struct nvme_identity *identity);

/* True if all namespaces of the subsystem have one controller and one format. */
bool limits_nvme_is_single(const struct nvme_fields *fields);

#endif
