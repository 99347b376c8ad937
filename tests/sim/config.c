/* SPDX-License-Identifier: MIT */
/*
 * Tests every option of UNTORN_SIM by its effect. A disk with a good description opens and has the
 * given size. One with a bad description does not open, and the message must name the bad part.
 */
#include "again.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <linux/fs.h>
#include <linux/nvme_ioctl.h>

static void opens(void)
{
	int fd = open(DISK, O_RDWR);

	want(fd >= 0);
	want(pwrite(fd, "x", 1, 0) == 1);
}

static void does_not_open(void)
{
	struct stat st;

	want_error(open(DISK, O_RDWR), ENXIO);
	want_error(open(DISK, O_RDONLY), ENXIO);
	want_error(open(DISK, O_PATH), ENXIO);
	want_error(stat(DISK, &st), ENXIO);
	want_error(access(image_path(), F_OK), ENOENT);
}

static void opens_quietly(void)
{
	char said[1024];

	want(run_again("opens", NULL, said) == 0);
	want_said(said, "");
}

/* SIM_NAMED: the message must name this; empty: nothing. */
static void refused(void)
{
	char said[1024], expected[256];
	const char *named = getenv("SIM_NAMED");

	snprintf(expected, sizeof(expected), SAYS "%s%.63s" SEE, *named ? ", at: " : "", named);
	int status = run_again("does_not_open", NULL, said);
	if (status)
		fputs(said, stderr);
	want(status == 0);
	want_said(said, expected);
}

static void has_size(void)
{
	uint64_t asked = strtoull(getenv("SIM_SIZE"), NULL, 0), size = 0;
	unsigned long sectors = 0;
	int fd = open(DISK, O_RDONLY);
	struct stat st;

	want(fd >= 0);
	want(ioctl(fd, BLKGETSIZE64, &size) == 0 && size == asked);
	want(ioctl(fd, BLKGETSIZE, &sectors) == 0 && sectors == asked / 512);
	want(lseek(fd, 0, SEEK_END) == (off_t)asked);
	want(stat(image_path(), &st) == 0 && (uint64_t)st.st_size == asked);
}

static void has_block(void)
{
	int fd = open(DISK, O_RDONLY), asked = atoi(getenv("SIM_BLOCK")), block = 0;

	want(fd >= 0);
	want(ioctl(fd, BLKSSZGET, &block) == 0 && block == asked);
	block = 0;
	want(ioctl(fd, BLKPBSZGET, &block) == 0 && block == asked);
}

static void four_parts(void)
{
	static const uint64_t sizes[] = { DISK_SIZE, 16, 4096, 8, 65536 };
	char path[64];

	for (int i = 0; i <= 4; i++) {
		uint64_t size = 0;
		snprintf(path, sizeof(path), i ? DISK "p%d" : DISK, i);
		int fd = open(path, O_RDONLY);
		want(fd >= 0 && ioctl(fd, BLKGETSIZE64, &size) == 0);
		want(size == (i ? sizes[i] * 512 : sizes[0]));
	}
	static const char *const none[] = { DISK "p0",  DISK "p5", DISK "p9",   DISK "p",
					    DISK "p1x", DISK "1",  DISK "p1p1", DISK "p11" };
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		want_error(open(none[i], O_RDONLY), ENOENT);
}

static void no_parts(void)
{
	want(open(DISK, O_RDONLY) >= 0);
	want_error(open(DISK "p1", O_RDONLY), ENOENT);
}

static void sysfs_is(const char *name, const char *expected)
{
	char path[128], text[128] = "";

	snprintf(path, sizeof(path), "/sys/dev/block/240:0/%s", name);
	int fd = open(path, O_RDONLY);
	want(fd >= 0 && read(fd, text, sizeof(text) - 1) > 0);
	if (strcmp(text, expected) != 0)
		fprintf(stderr, "%s: %s", name, text);
	want(strcmp(text, expected) == 0);
	close(fd);
}

/* UNTORN_SIM=NODE=IMAGE and nothing more. */
static void defaults(void)
{
	static const struct {
		const char *name, *value;
	} rows[] = {
		{ "size", "131072\n" },
		{ "dev", "240:0\n" },
		{ "ro", "0\n" },
		{ "queue/logical_block_size", "512\n" },
		{ "queue/max_hw_sectors_kb", "512\n" },
		{ "queue/max_segments", "127\n" },
		{ "queue/chunk_sectors", "0\n" },
		{ "queue/dma_alignment", "3\n" },
		{ "queue/zoned", "none\n" },
	};
	uint8_t page[4096];
	struct nvme_admin_cmd identify = {
		.opcode = 6, .nsid = 1, .addr = (uintptr_t)page, .data_len = sizeof(page)
	};
	int fd = open(DISK, O_RDWR), read_only = 1;

	want(fd >= 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		sysfs_is(rows[i].name, rows[i].value);
	want(ioctl(fd, BLKROGET, &read_only) == 0 && !read_only);
	want(ioctl(fd, NVME_IOCTL_ADMIN_CMD, &identify) == 0);
	want(page[24] == 0 && page[34] == 0 && page[36] == 0 && page[130] == 9);
	want(page[25] == 0 && page[26] == 0);
	want_error(open(DISK "p1", O_RDONLY), ENOENT);
}

/* ",lba=4096,formats=512:512+8:4096,no_format,readonly" */
static void lists_formats(void)
{
	static const uint8_t listed[] = { 0, 0, 9, 0, 8, 0, 9, 0, 0, 0, 12, 0, 0, 0, 0, 0 };
	uint8_t page[4096];
	struct nvme_admin_cmd identify = {
		.opcode = 6, .nsid = 1, .addr = (uintptr_t)page, .data_len = sizeof(page)
	};
	int fd = open(DISK, O_RDONLY);

	want(ioctl(fd, NVME_IOCTL_ADMIN_CMD, &identify) == 0);
	want(page[25] == 2 && page[26] == 2);
	want(memcmp(page + 128, listed, sizeof(listed)) == 0);
	identify.cdw10 = 1;
	want(ioctl(fd, NVME_IOCTL_ADMIN_CMD, &identify) == 0 && page[256] == 0);
	sysfs_is("ro", "1\n");
}

static void bare(void)
{
	char sim[300], said[1024];

	snprintf(sim, sizeof(sim), DISK "=%s", image_path());
	int status = run_again("defaults", sim, said);
	want_said(said, "");
	want(status == 0);
}

/* Another process finds the disk with the written data. */
static void persists(void)
{
	char said[1024], letter = 0;
	int fd = open_disk();

	want(holds(fd, 0, 512, 0));
	want(run_again("opens", NULL, said) == 0);
	int buffered = open(DISK, O_RDONLY);
	want(pread(buffered, &letter, 1, 0) == 1 && letter == 'x');
}

const struct body bodies[] = {
	{ "opens", opens },
	{ "does_not_open", does_not_open },
	{ "opens_quietly", opens_quietly },
	{ "refused", refused },
	{ "has_size", has_size },
	{ "has_block", has_block },
	{ "four_parts", four_parts },
	{ "no_parts", no_parts },
	{ "defaults", defaults },
	{ "bare", bare },
	{ "lists_formats", lists_formats },
	{ "persists", persists },
	{ NULL, NULL },
};

static const char *const good[] = {
	"",
	",size=1M",
	",lba=4096",
	",nawun=0",
	",nawun=65535",
	",nawupf=0x1f",
	",nabsn=7",
	",nabspf=7",
	",nabo=7",
	",nsfeat=0",
	",nsfeat=0xff",
	",awun=65535,awupf=65535",
	",amazon=31:0:0",
	",amazon=65535:65535:4294967295",
	",no_answer",
	",formats=512",
	",formats=512:512+8:4096",
	",mdts=0",
	",mdts=8",
	",ms=8,pi=1",
	",ms=64",
	",kind=nvme",
	",kind=none",
	",kind=none,kind=nvme",
	",kind=scsi,sg=sg0,sg_other,sg_closed",
	",sg=sg32767,kind=scsi",
	",max_atomic=32,atomic_align=1,atomic_gran=4294967295,max_atomic_bndry=0x100,max_bndry=1",
	",kind=scsi,vpd_length=4",
	",kind=scsi,vpd_length=255,no_vpd,pi=3,lbppbe=15",
	",part=0+131072",
	",part=0+8,part=8+8,part=16+8,part=24+8",
	",readonly=0",
	",unprivileged",
	",unprivileged=1",
	",nosubmit",
	",max_hw_sectors_kb=4",
	",max_segments=1",
	",chunk_sectors=0x100",
	",dma_alignment=511",
	",zoned=host-managed",
	",zoned=fifteen-letters",
	",fault=1:0x4014",
	",fault=2:-5",
	",fault=1/7:0x4280",
	",fault=1:1,fault=2:2,fault=3:3,fault=4:4,fault=5:5,fault=6:6,fault=7:7,fault=8:8",
	",kind=scsi,fault=1:sense:05/24/FF,fault=2:status:28,fault=3:host:7,fault=4:resid:512",
	",fault=1:-5,kind=scsi",
	",delay=1",
	",tear_us=1",
	",tears=4096",
	",tears_across=24576",
	",drops=18446744073709551615",
	",gone=7",
	",cut=7",
	",cut_max=0",
	",cut=2,cut_action=eio",
	",cut=2,cut_action=kill",
	",seed=18446744073709551615"
};

START_TEST(an_option_that_is_right_is_taken_without_a_word)
{
	preload_run("opens_quietly", good[_i], NULL);
}
END_TEST

/* Each follows the usual options alone; the message must name it as it is written here. */
/* clang-format off */
static const char *const bad[] = {
	"nonsense", "nonsense=1", "Size=1M", "siz=1M", "size", "size=", "size=x", "size=-1",
	"size=+1M", "size= 1M", "size=1X", "size=1k", "size=1KK", "size=1MB",
	"size=99999999999G", "lba", "lba=1K", "lba=-512", "lba=4294967808", "lba=512 ", "nawun",
	"nawun=x", "nawun=-1", "nawun=65536", "nawupf=65536", "nabsn=65536", "nabspf=65536",
	"nabo=65536", "nabo=", "nsfeat=x", "nsfeat=256", "awun=x", "awun=65536", "awupf=",
	"awupf=65536", "amazon", "amazon=31", "amazon=31:0", "amazon=31:0:", "amazon=x:0:0",
	"amazon=31:0:0x", "amazon=-1:0:0", "amazon=65536:0:0", "mdts=x", "mdts=256", "formats",
	"formats=", "formats=512:", "formats=513", "formats=512+", "formats=256", "formats=512+65536", "formats=x", "ms=",
	"ms=65536", "pi=two", "pi=256", "kind", "kind=SCSI", "kind=NVME", "part", "part=8",
	"part=8-16", "part=x+8", "part=8+", "part=2048+4096x", "part=8+0", "readonly=x",
	"readonly=-1", "unprivileged=yes", "nosubmit=no", "max_hw_sectors_kb=1M",
	"max_segments=", "chunk_sectors=a", "dma_alignment=", "zoned=", "zoned=sixteen--letters",
	"log=", "fault", "fault=1", "fault=1:", "fault=1:0", "fault=1:x", "fault=1:5x",
	"fault=0:5", "fault=1/0:5", "fault=2/3:5", "fault=1/:5", "fault=x:1", "fault=:1", "fault=1: 5", "fault=1:sense", "fault=1:sense:",
	"fault=1:sense:05", "fault=1:sense:05/24", "fault=1:sense:5/24/00",
	"fault=1:sense:05/24/000", "fault=1:sense:10/24/00", "fault=1:sense:05/24/0x",
	"fault=1:status:", "fault=1:status:00", "fault=1:status:100", "fault=1:status:0x8",
	"fault=1:status:-8", "fault=1:host:zz", "fault=1:host:0", "fault=1:resid:",
	"fault=1:resid:0", "fault=1:resid:x", "fault=1:resid:-1", "fault=1:Status:08",
	"sg", "sg=", "sg=3", "sg=sg", "sg=sg03", "sg=sg-1", "sg=sg3x", "sg=sg32768", "sg=sda",
	"sg=sg4294967296", "sg_other=x", "sg_closed=x", "no_vpd=x", "max_atomic=",
	"max_atomic=4294967296", "atomic_align=x", "atomic_gran=-1", "max_atomic_bndry=1K",
	"max_bndry", "vpd_length=256", "vpd_length=", "lbppbe=256", "delay=1ms", "tear_us=", "tears=4K", "tears_across=4K", "drops=", "drops=1/7", "gone=",
	"gone=-1", "weakens=", "cut=first", "cut_max=", "cut_action", "cut_action=pause", "seed=", "seed=0x",
};
/* clang-format on */

START_TEST(an_option_that_is_wrong_makes_opening_fail_and_is_named)
{
	char option[64], named[96];

	snprintf(option, sizeof(option), ",%s", bad[_i]);
	snprintf(named, sizeof(named), "SIM_NAMED=%s", bad[_i]);
	preload_run("refused", option, named);
}
END_TEST

/* Options that are wrong together, or at their place. */
static const struct {
	const char *options, *named;
} refusals[] = {
	{ ",seed=1,nonsense,lba=4096", "nonsense" },
	{ ",one,two", "one" },
	{ ",seed=1,,seed=2", "" },
	{ ",part=0+8,part=8+8,part=16+8,part=24+8,part=32+8", "part=32+8" },
	{ ",fault=1:1,fault=1:1,fault=1:1,fault=1:1,fault=1:1,fault=1:1,fault=1:1,fault=1:1"
	  ",fault=1:1,fault=1:1,fault=1:1,fault=1:1,fault=1:1,fault=1:1,fault=1:1,fault=1:1,fault=9:9",
	  "fault=9:9" },
	/* Options that this kind of disk does not have. */
	{ ",sg=sg3", "" },
	{ ",formats=512:4096+8,lba=4096", "" },
	{ ",kind=none,fault=1:status:08", "" },
	{ ",kind=scsi,fault=1:0x4014", "" },
	{ ",kind=scsi,pi=4", "" },
	{ ",kind=scsi,vpd_length=3", "" },
	{ ",lbppbe=16", "" },
	{ ",nonsense=0123456789012345678901234567890123456789012345678901234567890123456789",
	  "nonsense=0123456789012345678901234567890123456789012345678901234567890" },
	{ ",part=0+131073", "" },
	{ ",part=131072+8", "" },
	{ ",part=0+16,size=4K", "" },
	{ ",part=18446744073709551615+2", "" },
	{ ",size=0", "" },
	{ ",size=511", "" },
	{ ",size=1000", "" },
	{ ",size=6K,lba=4096", "" },
	{ ",lba=0", "" },
	{ ",lba=1", "" },
	{ ",lba=256", "" },
	{ ",lba=513", "" },
	{ ",lba=1536", "" },
	{ ",lba=131072", "" },
};

START_TEST(a_disk_that_cannot_be_is_refused)
{
	char named[128];

	snprintf(named, sizeof(named), "SIM_NAMED=%s", refusals[_i].named);
	preload_run("refused", refusals[_i].options, named);
}
END_TEST

static const struct {
	const char *options, *environment, *body;
} effects[] = {
	{ "", "SIM_SIZE=67108864", "has_size" },
	{ ",size=512", "SIM_SIZE=512", "has_size" },
	{ ",size=64K", "SIM_SIZE=65536", "has_size" },
	{ ",size=3M", "SIM_SIZE=3145728", "has_size" },
	{ ",size=2G", "SIM_SIZE=2147483648", "has_size" },
	{ ",size=5G", "SIM_SIZE=5368709120", "has_size" },
	{ ",size=0x100000", "SIM_SIZE=1048576", "has_size" },
	{ ",size=1M,size=2M", "SIM_SIZE=2097152", "has_size" },
	{ ",lba=4096,size=4096", "SIM_SIZE=4096", "has_size" },
	{ "", "SIM_BLOCK=512", "has_block" },
	{ ",lba=4096", "SIM_BLOCK=4096", "has_block" },
	{ ",lba=65536", "SIM_BLOCK=65536", "has_block" },
	{ ",part=0+16,part=2048+4096,part=8192+8,part=65536+65536", NULL, "four_parts" },
	{ "", NULL, "no_parts" },
	{ "", NULL, "bare" },
	{ ",lba=4096,formats=512:512+8:4096,no_format,readonly", NULL, "lists_formats" },
	{ "", NULL, "persists" },
};

START_TEST(the_disk_is_as_it_was_described)
{
	preload_run(effects[_i].body, effects[_i].options, effects[_i].environment);
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("the simulated disk's configuration");
	TCase *tc = tcase_create("rows");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, an_option_that_is_right_is_taken_without_a_word, 0,
			    sizeof(good) / sizeof(good[0]));
	tcase_add_loop_test(tc, an_option_that_is_wrong_makes_opening_fail_and_is_named, 0,
			    sizeof(bad) / sizeof(bad[0]));
	tcase_add_loop_test(tc, a_disk_that_cannot_be_is_refused, 0,
			    sizeof(refusals) / sizeof(refusals[0]));
	tcase_add_loop_test(tc, the_disk_is_as_it_was_described, 0,
			    sizeof(effects) / sizeof(effects[0]));
	suite_add_tcase(s, tc);
	return s;
}
