/* SPDX-License-Identifier: MIT */
/* Parses "NODE=IMAGE[,option[=value]]..." into a struct sim_disk, for environment.c. All options
 * are in one table. Pure. */
#include "sim/sim.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

enum kind {
	KIND_SIZE,
	KIND_BYTE, /* the width of the field in Identify */
	KIND_WORD,
	KIND_NUMBER,
	KIND_COUNT,
	KIND_FLAG,
	KIND_TEXT,
	KIND_PARSER
};

enum { MAX_CACHE = 1 << 30 };

struct option {
	const char *name;
	enum kind kind;
	size_t offset, size; /* of the field; only texts use the size */
	bool (*parse)(struct sim_disk *disk, const char *value);
};

static bool parse_unsigned(const char *text, uint64_t *ret_value, char until)
{
	char *end;

	if (*text < '0' || *text > '9')
		return false;
	*ret_value = strtoull(text, &end, 0);
	return *end == until;
}

static bool parse_size(const char *text, uint64_t *ret_size)
{
	unsigned shift = 0;
	char *end;

	*ret_size = strtoull(text, &end, 0);
	if (*end == 'K' || *end == 'M' || *end == 'G')
		shift = *end == 'K' ? 10 : *end == 'M' ? 20 : 30, end++;
	if (*text < '0' || *text > '9' || *end || *ret_size > (uint64_t)INT64_MAX >> shift)
		return false;
	*ret_size <<= shift;
	return true;
}

static bool parse_namespace_field(struct sim_disk *disk, size_t offset, const char *value)
{
	uint64_t number;

	if (!parse_unsigned(value, &number, '\0') || number > UINT16_MAX)
		return false;
	*(unsigned *)((char *)disk + offset) = (unsigned)number;
	disk->nsfeat |= 2; /* NSABP: the fields are valid */
	return true;
}

#define NAMESPACE_FIELD(name)                                                                      \
	static bool parse_##name(struct sim_disk *disk, const char *value)                         \
	{                                                                                          \
		return parse_namespace_field(disk, offsetof(struct sim_disk, name), value);        \
	}
NAMESPACE_FIELD(nawun)
NAMESPACE_FIELD(nawupf)
NAMESPACE_FIELD(nabsn)
NAMESPACE_FIELD(nabspf)
NAMESPACE_FIELD(nabo)

static bool parse_kind(struct sim_disk *disk, const char *value)
{
	static const char *const names[] = { "nvme", "scsi", "none" };

	for (int i = 0; i < 3; i++) {
		disk->kind = (enum sim_kind)i;
		if (strcmp(value, names[i]) == 0)
			return true;
	}
	return false;
}

/* sscanf() alone would accept a sign, blanks, and more text behind the numbers. */
static bool has_only(const char *text, const char *characters)
{
	return strspn(text, characters) == strlen(text);
}

/* NTWPU:NTWPG:NTWPB */
static bool parse_amazon(struct sim_disk *disk, const char *value)
{
	disk->amazon = true;
	return has_only(value, "0123456789:") &&
	       sscanf(value, "%u:%u:%u", &disk->ntwpu, &disk->ntwpg, &disk->ntwpb) == 3 &&
	       disk->ntwpu <= UINT16_MAX && disk->ntwpg <= UINT16_MAX;
}

/* "BLOCK" or "BLOCK+METADATA" */
static bool parse_format(struct sim_disk *disk, const char *text)
{
	unsigned block, metadata = 0;
	int end;

	if (disk->format_count == SIM_MAX_FORMATS ||
	    sscanf(text, "%u%n+%u%n", &block, &end, &metadata, &end) < 1 || text[end] ||
	    block < SIM_SECTOR || block & (block - 1) || metadata > UINT16_MAX)
		return false;
	disk->formats[disk->format_count].block = block;
	disk->formats[disk->format_count++].metadata = metadata;
	return true;
}

/* FORMAT[:FORMAT]... */
static bool parse_formats(struct sim_disk *disk, const char *value)
{
	char copy[256], *rest = copy;
	bool good = strlen(value) < sizeof(copy) && has_only(value, "0123456789+:");

	strncat(strcpy(copy, ""), value, sizeof(copy) - 1);
	disk->format_count = 0;
	while (good && rest)
		good = parse_format(disk, strsep(&rest, ":"));
	return good;
}

/* START+COUNT in sectors */
static bool parse_part(struct sim_disk *disk, const char *value)
{
	unsigned long long start, count;

	if (disk->part_count == SIM_MAX_PARTS || !has_only(value, "0123456789+") ||
	    sscanf(value, "%llu+%llu", &start, &count) != 2 || !count)
		return false;
	disk->parts[disk->part_count].start = start;
	disk->parts[disk->part_count++].count = count;
	return true;
}

/* KK/AA/QQ */
static bool parse_sense(struct sim_fault *fault, const char *text)
{
	unsigned key, code, qualifier;
	char canonical[16];

	if (sscanf(text, "%2x/%2x/%2x", &key, &code, &qualifier) != 3)
		return false;
	snprintf(canonical, sizeof(canonical), "%02x/%02x/%02x", key, code, qualifier);
	fault->value = (int)(key << 16 | code << 8 | qualifier);
	return strcasecmp(text, canonical) == 0 && key <= 15;
}

/* sense:KK/AA/QQ, status:HH, host:HH, resid:BYTES, STATUS or -ERRNO */
static bool parse_answer(struct sim_fault *fault, const char *text)
{
	static const char *const names[] = { "", "sense:", "status:", "host:", "resid:" };
	int kind = SIM_FAULT_RESID;
	char *end;

	while (strncmp(text, names[kind], strlen(names[kind])) != 0)
		kind--;
	text += strlen(names[kind]);
	fault->kind = (enum sim_fault_kind)kind;
	if (kind == SIM_FAULT_SENSE)
		return parse_sense(fault, text);
	bool is_byte = kind == SIM_FAULT_STATUS || kind == SIM_FAULT_HOST;
	long value = strtol(text, &end, is_byte ? 16 : kind == SIM_FAULT_RESID ? 10 : 0);
	fault->value = (int)value;
	return value && !*end && value == fault->value &&
	       has_only(text, kind == SIM_FAULT_RESULT ? "-x0123456789abcdefABCDEF"
						       : "0123456789abcdefABCDEF") &&
	       (!is_byte || value <= UINT8_MAX);
}

/* COMMAND, or 1/SO-MANY by chance */
static bool parse_which(struct sim_fault *fault, const char *value)
{
	if (strncmp(value, "1/", 2) == 0)
		return parse_unsigned(value + 2, &fault->one_in, ':') && fault->one_in;
	return parse_unsigned(value, &fault->command, ':') && fault->command;
}

/* COMMAND:ANSWER */
static bool parse_fault(struct sim_disk *disk, const char *value)
{
	struct sim_fault fault = { .command = 0 };
	const char *answer = strchr(value, ':');

	if (disk->fault_count == SIM_MAX_FAULTS || !answer || !parse_which(&fault, value) ||
	    !parse_answer(&fault, answer + 1))
		return false;
	disk->faults[disk->fault_count++] = fault;
	return true;
}

/* sgN, as the kernel names it */
static bool parse_sg(struct sim_disk *disk, const char *value)
{
	char canonical[16];

	disk->has_sg = sscanf(value, "sg%u", &disk->sg) == 1;
	snprintf(canonical, sizeof(canonical), "sg%u", disk->sg);
	return strcmp(value, canonical) == 0 && disk->sg < 32768; /* SG_MAX_DEVS */
}

static bool parse_cut_action(struct sim_disk *disk, const char *value)
{
	static const char *const names[] = { "tree", "kill", "eio" };

	for (int i = 0; i < 3; i++) {
		disk->cut_action = (enum sim_cut_action)i;
		if (strcmp(value, names[i]) == 0)
			return true;
	}
	return false;
}

#define FIELD(kind, name, field)                                                                   \
	{                                                                                          \
		name, kind, offsetof(struct sim_disk, field),                                      \
			sizeof(((struct sim_disk *)0)->field), NULL                                \
	}
#define PARSER(name, function)                                                                     \
	{                                                                                          \
		name, KIND_PARSER, 0, 0, function                                                  \
	}

static const struct option options[] = {
	FIELD(KIND_SIZE, "size", size),
	FIELD(KIND_SIZE, "cache", cache),
	FIELD(KIND_FLAG, "existing", existing),
	FIELD(KIND_NUMBER, "lba", block),
	FIELD(KIND_NUMBER, "kernel_lba", kernel_block),
	PARSER("nawun", parse_nawun),
	PARSER("nawupf", parse_nawupf),
	PARSER("nabsn", parse_nabsn),
	PARSER("nabspf", parse_nabspf),
	PARSER("nabo", parse_nabo),
	FIELD(KIND_BYTE, "nsfeat", nsfeat),
	FIELD(KIND_WORD, "awun", awun),
	FIELD(KIND_WORD, "awupf", awupf),
	PARSER("amazon", parse_amazon),
	FIELD(KIND_BYTE, "mdts", mdts),
	FIELD(KIND_WORD, "ms", metadata),
	FIELD(KIND_BYTE, "pi", protection),
	PARSER("formats", parse_formats),
	FIELD(KIND_FLAG, "no_format", no_format),
	FIELD(KIND_FLAG, "no_answer", no_answer),
	PARSER("kind", parse_kind),
	FIELD(KIND_NUMBER, "max_atomic", max_atomic),
	FIELD(KIND_NUMBER, "atomic_align", atomic_align),
	FIELD(KIND_NUMBER, "atomic_gran", atomic_gran),
	FIELD(KIND_NUMBER, "max_atomic_bndry", max_atomic_bndry),
	FIELD(KIND_NUMBER, "max_bndry", max_bndry),
	FIELD(KIND_BYTE, "vpd_length", vpd_length),
	FIELD(KIND_FLAG, "no_vpd", no_vpd),
	FIELD(KIND_FLAG, "no_fua", no_fua),
	FIELD(KIND_FLAG, "no_cache", no_cache),
	FIELD(KIND_BYTE, "lbppbe", lbppbe),
	PARSER("sg", parse_sg),
	FIELD(KIND_FLAG, "sg_other", sg_other),
	FIELD(KIND_FLAG, "sg_closed", sg_closed),
	PARSER("part", parse_part),
	FIELD(KIND_FLAG, "readonly", readonly),
	FIELD(KIND_FLAG, "closed", closed),
	FIELD(KIND_FLAG, "unprivileged", unprivileged),
	FIELD(KIND_FLAG, "nosubmit", nosubmit),
	FIELD(KIND_NUMBER, "max_hw_sectors_kb", max_hw_kb),
	FIELD(KIND_NUMBER, "max_segments", max_segments),
	FIELD(KIND_NUMBER, "chunk_sectors", chunk_sectors),
	FIELD(KIND_NUMBER, "dma_alignment", dma_alignment),
	FIELD(KIND_TEXT, "zoned", zoned),
	FIELD(KIND_TEXT, "log", log),
	PARSER("fault", parse_fault),
	FIELD(KIND_NUMBER, "delay", delay_us),
	FIELD(KIND_NUMBER, "tear_us", tear_us),
	FIELD(KIND_NUMBER, "tears", tears),
	FIELD(KIND_NUMBER, "tears_across", tears_across),
	FIELD(KIND_COUNT, "drops", drops),
	FIELD(KIND_COUNT, "gone", gone),
	FIELD(KIND_COUNT, "weakens", weakens),
	FIELD(KIND_COUNT, "cut", cut),
	FIELD(KIND_COUNT, "cut_max", cut_max),
	PARSER("cut_action", parse_cut_action),
	FIELD(KIND_COUNT, "seed", seed),
};

static bool set_text(char *field, size_t size, const char *value)
{
	if (!*value || strlen(value) >= size)
		return false;
	strcpy(field, value);
	return true;
}

static bool set_number(const struct option *option, void *field, const char *value)
{
	uint64_t number, limit = option->kind == KIND_BYTE   ? UINT8_MAX
				 : option->kind == KIND_WORD ? UINT16_MAX
							     : UINT32_MAX;

	if (!parse_unsigned(value, &number, '\0'))
		return false;
	if (option->kind == KIND_COUNT)
		*(uint64_t *)field = number;
	else if (option->kind == KIND_FLAG)
		*(bool *)field = number;
	else if (number > limit)
		return false;
	else
		*(uint32_t *)field = (uint32_t)number;
	return true;
}

static bool set_option(struct sim_disk *disk, const struct option *option, const char *value)
{
	void *field = (char *)disk + option->offset;

	switch (option->kind) {
	case KIND_PARSER:
		return option->parse(disk, value);
	case KIND_TEXT:
		return set_text(field, option->size, value);
	case KIND_SIZE:
		return parse_size(value, field);
	default:
		return set_number(option, field,
				  option->kind == KIND_FLAG && !*value ? "1" : value);
	}
}

/* "name", "name=value" */
static bool parse_option(struct sim_disk *disk, char *text)
{
	char *value = strchr(text, '=');

	if (value)
		*value++ = '\0';
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		if (strcmp(options[i].name, text) == 0)
			return set_option(disk, &options[i], value ? value : "");
	}
	return false;
}

/* True: the disk has no fault, node, format or protection that its kind cannot have. */
static bool fits_kind(const struct sim_disk *disk)
{
	bool scsi = disk->kind == SIM_SCSI;

	for (unsigned i = 0; i < disk->fault_count; i++) {
		const struct sim_fault *fault = &disk->faults[i];
		if (fault->kind != SIM_FAULT_RESULT ? !scsi : scsi && fault->value > 0)
			return false;
	}
	if (disk->format_count && sim_disk_format(disk) == disk->format_count)
		return false;
	return scsi ? disk->protection <= 3 : !disk->has_sg;
}

static bool is_sound(const struct sim_disk *disk)
{
	uint64_t sectors = disk->size / SIM_SECTOR;

	for (unsigned i = 0; i < disk->part_count; i++) {
		if (disk->parts[i].start > sectors ||
		    disk->parts[i].count > sectors - disk->parts[i].start)
			return false;
	}
	return disk->block >= SIM_SECTOR && disk->block <= 65536 &&
	       !(disk->block & (disk->block - 1)) && disk->size >= disk->block &&
	       disk->size % disk->block == 0 && disk->lbppbe <= 15 && disk->vpd_length >= 4 &&
	       !(disk->cache && (disk->no_cache || disk->cache > MAX_CACHE)) && fits_kind(disk);
}

bool sim_config_parse(const char *text, struct sim_disk *ret_disk)
{
	char copy[1024], *rest = copy, *option;
	struct sim_disk disk = {
		.size = 64 << 20,
		.block = SIM_SECTOR,
		.zoned = "none",
		.max_hw_kb = 512,
		.max_segments = 127,
		.dma_alignment = 3,
		.vpd_length = 64,
		.seed = 1,
	};
	bool good = strlen(text) < sizeof(copy);

	strncat(strcpy(copy, ""), text, sizeof(copy) - 1);
	option = strsep(&rest, ",");
	char *image = strchr(option, '=');
	if (image)
		*image++ = '\0';
	good = set_text(disk.node, sizeof(disk.node), option) && image &&
	       set_text(disk.image, sizeof(disk.image), image) && good;
	while (good && (option = strsep(&rest, ","))) {
		snprintf(disk.bad_option, sizeof(disk.bad_option), "%s", option);
		good = parse_option(&disk, option);
	}
	if (good)
		*disk.bad_option = '\0';
	good = good && is_sound(&disk);
	*ret_disk = disk;
	return good;
}
