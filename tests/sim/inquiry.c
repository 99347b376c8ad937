/* SPDX-License-Identifier: MIT */
/*
 * The simulated SCSI disk's answers to INQUIRY and READ CAPACITY, field by field at the offsets of
 * SPC-4 and SBC-4, and the same values in /sys.
 */
#include "call.h"

#include <linux/fs.h>

#define SYS "/sys/dev/block/240:"

/* Sends a command that answers with a page; `room` bytes of it have room. */
static long ask(const uint8_t *cdb, uint8_t *page, unsigned room, int *ret_resid)
{
	struct call call;

	set_call(&call, READ_16, page, 0, 0);
	memcpy(call.cdb, cdb, sizeof(call.cdb));
	call.header.dxfer_len = room;
	long result = run(open_disk(), &call);
	*ret_resid = call.header.resid;
	return result;
}

/* page -1: the standard data. */
static long inquiry(int page, uint8_t *data, unsigned room, int *ret_resid)
{
	uint8_t cdb[16] = { 0x12, page >= 0, page < 0 ? 0 : (uint8_t)page };

	put(cdb + 3, 2, room);
	return ask(cdb, data, room, ret_resid);
}

/* SIM_FIELD is "PAGE:OFFSET:BYTES:VALUE"; page -1 is the standard data, -10 and -16 are the
 * capacity's. */
static void field(void)
{
	int page, resid;
	unsigned offset, bytes;
	long long value, got = 0;
	uint8_t data[256], cdb_10[16] = { 0x25 }, cdb_16[16] = { 0x9e, 0x10, [13] = 255 };

	memset(data, 0xa5, sizeof(data));
	want(sscanf(getenv("SIM_FIELD"), "%i:%u:%u:%lli", &page, &offset, &bytes, &value) == 4);
	if (page < -1)
		want(ask(page == -10 ? cdb_10 : cdb_16, data, 255, &resid) == 0);
	else
		want(inquiry(page, data, 255, &resid) == 0);
	for (unsigned i = 0; i < bytes; i++)
		got = got << 8 | data[offset + i];
	if (got != value)
		fprintf(stderr, "%s: %#llx\n", getenv("SIM_FIELD"), (unsigned long long)got);
	want(got == value);
}

/* SIM_LENGTH is "PAGE:LENGTH": the answer has that many bytes, or fewer if less is asked for. */
static void lengths(void)
{
	uint8_t data[256];
	int page, length, resid;

	want(sscanf(getenv("SIM_LENGTH"), "%i:%i", &page, &length) == 2);
	for (int room = 0; room <= 255; room++) {
		int expected = room < length ? room : length;
		memset(data, 0xa5, sizeof(data));
		want(inquiry(page, data, (unsigned)room, &resid) == 0);
		want(resid == room - expected);
		for (int i = expected; i < 256; i++)
			want(data[i] == 0xa5);
	}
	want(page < 0 ? data[4] == length - 5 : (data[2] << 8 | data[3]) == length - 4);
	want(page < 0 || data[1] == page);
}

static void refusals(void)
{
	static const uint8_t cdbs[][16] = {
		{ 0x12, 0, 0xb0 }, { 0x12, 1, 0x01 },           { 0x12, 1, 0xb3 },
		{ 0x12, 1, 0xff }, { 0x9e, 0x11, [13] = 0x20 }, { 0x9e, 0, [13] = 0x20 },
	};
	uint8_t data[64];
	int resid;

	for (size_t i = 0; i < COUNT(cdbs); i++) {
		want(ask(cdbs[i], data, sizeof(data), &resid) == INVALID_FIELD);
		want(resid == sizeof(data));
	}
}

static void texts(void)
{
	static const uint8_t pages[] = { 0x00, 0x80, 0x83, 0xb0, 0xb1, 0xb2 };
	uint8_t data[64];
	int resid;

	want(inquiry(-1, data, sizeof(data), &resid) == 0);
	want(memcmp(data + 8, "untorn  simulated disk  1   ", 28) == 0);
	want(inquiry(0x80, data, sizeof(data), &resid) == 0);
	want(memcmp(data + 4, "untorn-sim", 10) == 0);
	want(inquiry(0x00, data, sizeof(data), &resid) == 0);
	want(memcmp(data + 4, pages, sizeof(pages)) == 0);
}

/* SIM_SYS is "NAME=TEXT", or "NAME" for a file that must not exist. _ stands for a blank. */
static void sysfs_text(void)
{
	char path[128], text[128] = "", expected[128];
	const char *name = getenv("SIM_SYS"), *value = strchr(name, '=');
	int length = (int)strcspn(name, "=");

	snprintf(path, sizeof(path), SYS "%.*s", length, name);
	int fd = open(path, O_RDONLY);
	if (!value) {
		want(fd < 0 && errno == ENOENT);
		return;
	}
	snprintf(expected, sizeof(expected), "%s\n", value + 1);
	for (char *blank = expected; (blank = strchr(blank, '_'));)
		*blank = ' ';
	want(fd >= 0 && read(fd, text, sizeof(text) - 1) > 0);
	if (strcmp(text, expected) != 0)
		fprintf(stderr, "%s: %s", name, text);
	want(strcmp(text, expected) == 0);
}

static void sysfs_page(void)
{
	uint8_t page[256] = { 0 }, file[256] = { 0 };
	int resid, length = atoi(getenv("SIM_PAGE"));
	int fd = open(SYS "1/../device/vpd_pgb0", O_RDONLY);

	want(inquiry(0xb0, page, sizeof(page) - 1, &resid) == 0);
	want(fd >= 0 && read(fd, file, sizeof(file)) == length);
	want(memcmp(page, file, (size_t)length) == 0);
}

/* SIM_LINK as SIM_SYS. */
static void sysfs_link(void)
{
	char path[128], text[128] = "";
	const char *name = getenv("SIM_LINK"), *value = strchr(name, '=');

	snprintf(path, sizeof(path), SYS "%.*s", (int)strcspn(name, "="), name);
	ssize_t length = readlink(path, text, sizeof(text) - 1);
	want(value ? length == (ssize_t)strlen(text) && strcmp(text, value + 1) == 0
		   : length == -1 && errno == ENOENT);
	if (value)
		want(readlink(path, text, 3) == 3);
}

static void physical_block(void)
{
	unsigned physical = 0;

	want(ioctl(open_disk(), BLKPBSZGET, &physical) == 0);
	want(physical == strtoul(getenv("SIM_BLOCK"), NULL, 0));
}

const struct body bodies[] = {
	{ "field", field },
	{ "lengths", lengths },
	{ "refusals", refusals },
	{ "texts", texts },
	{ "sysfs_text", sysfs_text },
	{ "sysfs_page", sysfs_page },
	{ "sysfs_link", sysfs_link },
	{ "physical_block", physical_block },
	{ NULL, NULL },
};

#define SCSI   ",kind=scsi"
#define LIMITS SCSI ",max_atomic=0x11223344,atomic_align=2,atomic_gran=3,max_atomic_bndry=65536"
#define PART   SCSI ",part=2048+4096"

static const struct {
	const char *body, *disk, *environment;
} rows[] = {
	{ "field", SCSI, "SIM_FIELD=-1:0:1:0" },
	{ "field", SCSI, "SIM_FIELD=-1:2:1:6" },
	{ "field", SCSI, "SIM_FIELD=-1:3:1:2" },
	{ "field", SCSI, "SIM_FIELD=-1:5:1:0" },
	{ "field", SCSI ",pi=1", "SIM_FIELD=-1:5:1:1" },
	{ "field", SCSI ",pi=3", "SIM_FIELD=-1:5:1:1" },
	{ "field", SCSI, "SIM_FIELD=0x83:4:4:0x01030008" },
	{ "field", SCSI, "SIM_FIELD=0x83:8:1:0x30" },
	{ "field", LIMITS, "SIM_FIELD=0xb0:44:4:0x11223344" },
	{ "field", LIMITS, "SIM_FIELD=0xb0:48:4:2" },
	{ "field", LIMITS, "SIM_FIELD=0xb0:52:4:3" },
	{ "field", LIMITS, "SIM_FIELD=0xb0:56:4:65536" },
	{ "field", LIMITS, "SIM_FIELD=0xb0:60:4:0" },
	{ "field", SCSI ",max_bndry=4294967295", "SIM_FIELD=0xb0:60:4:0xffffffff" },
	{ "field", SCSI ",max_bndry=64", "SIM_FIELD=0xb0:4:8:0" },
	{ "field", SCSI ",max_bndry=64", "SIM_FIELD=0xb0:44:8:0" },
	{ "field", SCSI, "SIM_FIELD=0xb1:4:2:1" },
	{ "field", SCSI, "SIM_FIELD=0xb2:4:4:0" },
	{ "field", SCSI, "SIM_FIELD=-10:0:8:0x0001ffff00000200" },
	{ "field", SCSI ",size=4096G,lba=4096", "SIM_FIELD=-10:0:8:0x3fffffff00001000" },
	{ "field", SCSI ",size=4096G", "SIM_FIELD=-10:0:4:0xffffffff" },
	{ "field", SCSI ",size=4096G", "SIM_FIELD=-16:0:8:0x1ffffffff" },
	{ "field", SCSI ",lba=4096", "SIM_FIELD=-16:0:8:16383" },
	{ "field", SCSI ",lba=4096", "SIM_FIELD=-16:8:4:4096" },
	{ "field", SCSI, "SIM_FIELD=-16:12:4:0" },
	{ "field", SCSI ",pi=1", "SIM_FIELD=-16:12:1:1" },
	{ "field", SCSI ",pi=2", "SIM_FIELD=-16:12:1:3" },
	{ "field", SCSI ",pi=3", "SIM_FIELD=-16:12:1:5" },
	{ "field", SCSI ",lbppbe=3", "SIM_FIELD=-16:13:1:3" },
	{ "lengths", SCSI, "SIM_LENGTH=-1:36" },
	{ "lengths", SCSI, "SIM_LENGTH=0x00:10" },
	{ "lengths", SCSI, "SIM_LENGTH=0x80:14" },
	{ "lengths", SCSI, "SIM_LENGTH=0x83:16" },
	{ "lengths", LIMITS, "SIM_LENGTH=0xb0:64" },
	{ "lengths", LIMITS ",vpd_length=16", "SIM_LENGTH=0xb0:16" },
	{ "lengths", LIMITS ",vpd_length=255", "SIM_LENGTH=0xb0:255" },
	{ "lengths", SCSI, "SIM_LENGTH=0xb1:64" },
	{ "lengths", SCSI, "SIM_LENGTH=0xb2:8" },
	{ "refusals", SCSI, NULL },
	{ "texts", SCSI, NULL },
	{ "sysfs_text", SCSI, "SIM_SYS=0/device/type=0" },
	{ "sysfs_text", SCSI, "SIM_SYS=0/device/scsi_level=7" },
	{ "sysfs_text", SCSI, "SIM_SYS=0/device/vendor=untorn__" },
	{ "sysfs_text", PART, "SIM_SYS=1/../device/model=simulated_disk__" },
	{ "sysfs_text", SCSI, "SIM_SYS=0/device/rev=1___" },
	{ "sysfs_text", PART, "SIM_SYS=1/device/rev" },
	{ "sysfs_text", "", "SIM_SYS=0/device/rev" },
	{ "sysfs_text", ",kind=none", "SIM_SYS=0/device/type" },
	{ "sysfs_text", "", "SIM_SYS=0/device/vpd_pgb0" },
	{ "sysfs_text", SCSI ",no_vpd", "SIM_SYS=0/device/vpd_pgb0" },
	{ "sysfs_text", SCSI, "SIM_SYS=0/device/vpd_pgb1" },
	{ "sysfs_text", SCSI ",lbppbe=3", "SIM_SYS=0/queue/physical_block_size=4096" },
	{ "sysfs_text", "", "SIM_SYS=0/queue/physical_block_size=512" },
	{ "sysfs_page", LIMITS ",part=0+8", "SIM_PAGE=64" },
	{ "sysfs_page", LIMITS ",part=0+8,vpd_length=60", "SIM_PAGE=60" },
	{ "sysfs_page", LIMITS ",part=0+8,vpd_length=255", "SIM_PAGE=255" },
	{ "sysfs_link", SCSI, "SIM_LINK=0/device=../../../2:0:1:0" },
	{ "sysfs_link", PART, "SIM_LINK=1/../device=../../../2:0:1:0" },
	{ "sysfs_link", SCSI, "SIM_LINK=0/device/subsystem=../../../../../../bus/scsi" },
	{ "sysfs_link", SCSI ",sg=sg12", "SIM_LINK=0/device/generic=scsi_generic/sg12" },
	{ "sysfs_link", SCSI, "SIM_LINK=0/device/generic" },
	{ "sysfs_link", PART ",sg=sg1", "SIM_LINK=1/device/generic" },
	{ "sysfs_link", PART, "SIM_LINK=1/device" },
	{ "sysfs_link", "", "SIM_LINK=0/device" },
	{ "physical_block", SCSI ",lbppbe=3", "SIM_BLOCK=4096" },
	{ "physical_block", SCSI ",lba=65536,lbppbe=15", "SIM_BLOCK=0x80000000" },
};

START_TEST(the_disk_is_what_it_says)
{
	preload_run(rows[_i].body, rows[_i].disk, rows[_i].environment);
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("the simulated SCSI disk's pages");
	TCase *tc = tcase_create("rows");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, the_disk_is_what_it_says, 0, COUNT(rows));
	suite_add_tcase(s, tc);
	return s;
}
