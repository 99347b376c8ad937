/* SPDX-License-Identifier: MIT */
/*
 * Prints the report (drive.h). Offsets are those of NVMe Base 2.0 figure 275 (Identify Controller)
 * and NVM Command Set 1.0 figure 97 (Identify Namespace).
 *
 * A vendor's own bytes may hold a serial number anywhere. So all are kept back, except Amazon's
 * that a decision rests on. Of a SCSI disk it prints only pages that hold no serial number: not 80h
 * nor 83h.
 */
#include "doctor/drive.h"

#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

enum { LINE = 16, SERIAL_AT = 4, SERIAL_SIZE = 20, SERIAL_LEAST = 4, VENDOR_AMAZON = 0x1d0f };

struct page {
	const uint8_t *bytes;
	size_t size;
	bool kept_back[IDENTIFY_SIZE];
};

struct range {
	unsigned first, last;
};

/* SN, FGUID, SUBNQN, vendor specific */
static const struct range controller_ranges[] = {
	{ 4, 23 }, { 112, 127 }, { 768, 1023 }, { 3072, 4095 }
};
/* NGUID and EUI64, vendor specific; amazon_ranges spares NTWPU, NTWPG and NTWPB */
static const struct range namespace_ranges[] = { { 104, 127 }, { 384, 4095 } };
static const struct range amazon_ranges[] = { { 104, 127 }, { 384, 639 }, { 648, 4095 } };

static void keep_back(struct page *page, unsigned first, unsigned last)
{
	for (unsigned i = first; i <= last && i < page->size; i++)
		page->kept_back[i] = true;
}

static void keep_back_ranges(struct page *page, const struct range *ranges, size_t count)
{
	for (size_t i = 0; i < count; i++)
		keep_back(page, ranges[i].first, ranges[i].last);
}

/* Keeps back the serial number wherever else it appears. */
static void keep_back_serial(struct page *page, const uint8_t *serial)
{
	size_t length = SERIAL_SIZE;
	const uint8_t *at = page->bytes, *end = page->bytes + page->size;

	for (; length && *serial == ' '; length--)
		serial++;
	while (length && (serial[length - 1] == ' ' || !serial[length - 1]))
		length--;
	while (length >= SERIAL_LEAST && (at = memmem(at, (size_t)(end - at), serial, length))) {
		keep_back(page, (unsigned)(at - page->bytes),
			  (unsigned)(at - page->bytes + (ptrdiff_t)length - 1));
		at++;
	}
}

static bool says_nothing(const struct page *page, size_t from)
{
	for (size_t i = from; i < from + LINE && i < page->size; i++) {
		if (!page->kept_back[i] && page->bytes[i])
			return false;
	}
	return true;
}

static void print_line(const struct page *page, size_t from)
{
	printf("%04zx ", from);
	for (size_t i = from; i < from + LINE && i < page->size; i++) {
		if (page->kept_back[i])
			fputs(" xx", stdout);
		else
			printf(" %02x", page->bytes[i]);
	}
	putchar('\n');
}

static void print_page(const struct page *page, const char *name)
{
	printf("\n%s, %zu bytes\n", name, page->size);
	for (size_t from = 0; from < page->size; from += LINE) {
		if (!says_nothing(page, from))
			print_line(page, from);
	}
}

static void print_nvme(const struct nvme_identity *identity)
{
	static struct page controller, namespace;
	bool amazon = limits_nvme_fields(identity).vid == VENDOR_AMAZON;
	const uint8_t *serial = identity->controller + SERIAL_AT;

	controller = (struct page){ .bytes = identity->controller, .size = IDENTIFY_SIZE };
	namespace = (struct page){ .bytes = identity->namespace, .size = IDENTIFY_SIZE };
	keep_back_ranges(&controller, controller_ranges, 4);
	keep_back_ranges(&namespace, amazon ? amazon_ranges : namespace_ranges, amazon ? 3 : 2);
	keep_back_serial(&controller, serial);
	keep_back_serial(&namespace, serial);
	print_page(&controller, "Identify Controller");
	print_page(&namespace, "Identify Namespace");
}

static void print_scsi(const struct scsi_identity *identity)
{
	static struct page page;

	page = (struct page){ .bytes = identity->capacity, .size = CAPACITY_SIZE };
	print_page(&page, "READ CAPACITY (16)");
	page = (struct page){ .bytes = identity->block_limits, .size = BLOCK_LIMITS_SIZE };
	print_page(&page, "VPD page B0h");
}

/* True for facts about the drive and the kernel. False for those about the machine, its users and
 * what lies on the disk, and for this disk's serial number. */
static bool is_public(const struct fact *fact)
{
	static const char *const private[][2] = {
		{ "device", "number" },  { "device", "serial" },  { "layers", NULL },
		{ "privilege", "user" }, { "privilege", "node" }, { "privilege", "generic node" },
	};

	for (size_t i = 0; i < sizeof(private) / sizeof(private[0]); i++) {
		if (strcmp(fact->group, private[i][0]) == 0 &&
		    (!private[i][1] || strcmp(fact->name, private[i][1]) == 0))
			return false;
	}
	return true;
}

static void print_facts(const struct evidence *e)
{
	const char *group = "";

	for (int i = 0; i < e->fact_count; i++) {
		if (is_public(&e->facts[i]))
			evidence_print_fact(&e->facts[i], &group);
	}
}

static void print_limits(const struct limits *limits, const char *name)
{
	if (limits->unit_max)
		printf("%-12s %u..%u, boundary %u\n", name, limits->unit_min, limits->unit_max,
		       limits->boundary);
	else
		printf("%-12s none: %s\n", name, limits_explain(limits->refusal));
}

/* Prints the limits by each policy, so that a reader need not compute them. */
static void print_verdicts(const struct patient *p, const struct evidence *e)
{
	struct limits namespace = patient_limits_by(p, NVME_POLICY_NAMESPACE);
	struct limits single = patient_limits_by(p, NVME_POLICY_SINGLE);
	struct limits controller = patient_limits_by(p, NVME_POLICY_CONTROLLER);

	printf("%-12s %s: %s\n", "verdict", evidence_verdict(e->verdict), e->conclusion);
	printf("%-12s %s\n", "lane", e->lane);
	if (!p->identified)
		return;
	print_limits(&namespace, patient_is_scsi(p) ? "limits" : "namespace");
	if (patient_is_scsi(p))
		return;
	print_limits(&single, "single");
	print_limits(&controller, "controller");
}

bool drive_print(const struct patient *p, const struct evidence *e)
{
	struct utsname name;

	uname(&name);
	printf("untorn drive report 1\n"
	       "%-12s " VERSION ", Linux %s %s\n",
	       "untorn", name.release, name.machine);
	print_verdicts(p, e);
	print_facts(e);
	if (p->identified) {
		printf("\nbytes in hexadecimal; xx: withheld, such as serial numbers; "
		       "lines of zeros and xx only are left out\n");
		if (patient_is_scsi(p))
			print_scsi(&p->identity.scsi);
		else
			print_nvme(&p->identity.nvme);
	}
	puts("\nend of report");
	return fflush(stdout) == 0 && !ferror(stdout);
}
