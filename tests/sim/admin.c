/* SPDX-License-Identifier: MIT */
/*
 * The simulated NVMe controller's Identify data, field by field at the specification's offsets
 * (NVMe Base 2.0 figure 275, NVM Command Set 1.0 figure 97), and the errors of admin commands.
 */
#include "preload.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/nvme_ioctl.h>

static long identify(int fd, unsigned cns, unsigned nsid, void *page, unsigned length)
{
	struct nvme_admin_cmd command = {
		.opcode = 6, .nsid = nsid, .addr = (uintptr_t)page, .data_len = length, .cdw10 = cns
	};

	return ioctl(fd, NVME_IOCTL_ADMIN_CMD, &command);
}

/* SIM_FIELD is "CNS:OFFSET:BYTES:VALUE". */
static void identify_field(void)
{
	unsigned cns, offset, bytes;
	long long value, got = 0;
	uint8_t page[4096];

	memset(page, 0xa5, sizeof(page));
	want(sscanf(getenv("SIM_FIELD"), "%u:%u:%u:%lli", &cns, &offset, &bytes, &value) == 4);
	want(identify(open_disk(), cns, cns ? 0 : 1, page, 4096) == 0);
	for (unsigned i = bytes; i-- > 0;)
		got = got << 8 | page[offset + i];
	if (got != value)
		fprintf(stderr, "%lld, not %lld\n", got, value);
	want(got == value);
}

static void identify_names(void)
{
	char page[4096];

	want(identify(open_disk(), 1, 0, page, 4096) == 0);
	want(memcmp(page + 4, "untorn-sim          ", 20) == 0);
	want(memcmp(page + 24, "untorn simulated disk                   ", 40) == 0);
	want(memcmp(page + 64, "1       ", 8) == 0);
}

static void want_zeros(const uint8_t *page, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++)
		want(page[i] == 0);
}

/* Every byte outside the fields is zero, and no byte beyond the page is written. */
static void identify_rest_is_zero(void)
{
	uint8_t page[4096 + 64];

	memset(page, 0xa5, sizeof(page));
	want(identify(open_disk(), 0, 1, page, sizeof(page)) == 0);
	for (size_t i = 0; i < 64; i++)
		want(page[4096 + i] == 0xa5);
	want_zeros(page, 131, 384);
	want_zeros(page, 395, 4096); /* behind the vendor's bytes */
	want(identify(open_disk(), 1, 0, page, 4096) == 0);
	want_zeros(page, 530, 768);
	want_zeros(page, 800, 3072); /* behind SUBNQN */
	want_zeros(page, 3100, 4096);
}

static void admin_errors(void)
{
	int fd = open_disk();
	char page[4096], *hole = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct nvme_admin_cmd command = { .opcode = 2, .nsid = 1, .addr = (uintptr_t)page };

	memset(page, 'z', sizeof(page));
	want(identify(fd, 0x02, 1, page, 4096) == 0x4002);
	want(identify(fd, 0x10, 1, page, 4096) == 0x4002);
	want(identify(fd, 0x00, 0, page, 4096) == 0x400b);
	want(identify(fd, 0x00, 2, page, 4096) == 0x400b);
	want(identify(fd, 0x00, 0xffffffff, page, 4096) == 0x400b);
	want(ioctl(fd, NVME_IOCTL_ADMIN_CMD, &command) == 0x4001);
	want_error(identify(fd, 0, 1, page, 4095), EINVAL);
	want_error(identify(fd, 1, 0, page, 512), EINVAL);
	want_error(identify(fd, 1, 0, page, 0), EINVAL);
	for (size_t i = 0; i < sizeof(page); i++)
		want(page[i] == 'z');
	want_error(identify(fd, 0, 1, NULL, 4096), EFAULT);
	want_error(identify(fd, 1, 0, hole, 4096), EFAULT);
	want_error(ioctl(fd, NVME_IOCTL_ADMIN_CMD, hole), EFAULT);
	want_error(ioctl(fd, NVME_IOCTL_IO_CMD, hole), EFAULT);
	want_error(ioctl(fd, NVME_IOCTL_SUBMIT_IO, hole), EFAULT);
}

static void which_ioctls(void)
{
	int fd = open_disk(), path = open(DISK, O_PATH), part = open(DISK "p1", O_RDONLY);

	want(ioctl(fd, NVME_IOCTL_ID) == 1);
	want(ioctl(part, NVME_IOCTL_ID) == 1);
	want_error(ioctl(path, NVME_IOCTL_ID), EBADF);
	want_error(ioctl(fd, NVME_IOCTL_RESET), ENOTTY);
	want_error(ioctl(fd, _IO('N', 0x7f)), ENOTTY);
	want_error(ioctl(-1, NVME_IOCTL_ID), EBADF);
	want_error(ioctl(open("/dev/null", O_RDWR), NVME_IOCTL_ID), ENOTTY);
}

static void unprivileged(void)
{
	int fd = open_disk();
	char *page = buffer(4096, 'u');

	want(ioctl(fd, NVME_IOCTL_ID) == 1);
	want_error(identify(fd, 0, 1, page, 4096), EACCES);
	want_error(identify(fd, 1, 0, page, 4096), EACCES);
	want_error(identify(fd, 2, 0, page, 1), EACCES);
	want(page[0] == 'u' && page[4095] == 'u');
}

const struct body bodies[] = {
	{ "identify_field", identify_field },
	{ "identify_names", identify_names },
	{ "identify_rest_is_zero", identify_rest_is_zero },
	{ "admin_errors", admin_errors },
	{ "which_ioctls", which_ioctls },
	{ "unprivileged", unprivileged },
	{ NULL, NULL },
};

static const struct {
	const char *disk, *field; /* "CNS:OFFSET:BYTES:VALUE" */
} fields[] = {
	{ "", "0:0:8:131072" },
	{ "", "0:8:8:131072" },
	{ "", "0:16:8:131072" },
	{ ",size=5G", "0:0:8:10485760" },
	{ ",lba=4096", "0:0:8:16384" },
	{ "", "0:24:1:2" },
	{ ",nsfeat=0", "0:24:1:0" },
	{ ",nsfeat=0x12", "0:24:1:0x12" },
	{ ",nsfeat=0,nabo=0", "0:24:1:2" },
	{ "", "0:25:1:0" },
	{ "", "0:29:1:0" },
	{ ",pi=1", "0:29:1:1" },
	{ ",pi=3", "0:29:1:3" },
	{ "", "0:34:2:31" },
	{ ",nawun=65535", "0:34:2:65535" },
	{ ",nawupf=258", "0:36:2:258" },
	{ "", "0:38:2:0" },
	{ ",nabsn=259", "0:40:2:259" },
	{ ",nabo=260", "0:42:2:260" },
	{ ",nabspf=261", "0:44:2:261" },
	{ ",ms=8", "0:128:2:8" },
	{ ",ms=264", "0:128:2:264" },
	{ "", "0:130:1:9" },
	{ ",lba=4096", "0:130:1:12" },
	{ ",lba=65536", "0:130:1:16" },
	{ "", "0:640:8:0" },
	{ ",amazon=31:63:65537", "0:640:2:31" },
	{ ",amazon=31:63:65537", "0:642:2:63" },
	{ ",amazon=31:63:65537", "0:644:4:65537" },
	{ "", "1:0:2:0x1b36" },
	{ ",amazon=31:0:0", "1:0:2:0x1d0f" },
	{ "", "1:77:1:0" },
	{ ",mdts=9", "1:77:1:9" },
	{ "", "1:525:1:1" },
	{ "", "1:526:4:0" },
	{ ",awun=258", "1:526:2:258" },
	{ ",awupf=259", "1:528:2:259" },
};

START_TEST(identify_says_what_was_configured)
{
	char environment[64];

	snprintf(environment, sizeof(environment), "SIM_FIELD=%s", fields[_i].field);
	preload_run("identify_field", fields[_i].disk, environment);
}
END_TEST

static const struct {
	const char *body, *disk;
} rows[] = {
	{ "identify_names", "" },
	{ "identify_rest_is_zero", "" },
	{ "admin_errors", "" },
	{ "which_ioctls", ",part=2048+4096" },
	{ "unprivileged", ",unprivileged" },
};

START_TEST(asking_the_controller_goes_as_the_driver_lets_it)
{
	preload_run(rows[_i].body, rows[_i].disk, NULL);
	ck_assert_int_eq(preload_log_count(""), 0);
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("the simulated controller");
	TCase *tc = tcase_create("rows");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, identify_says_what_was_configured, 0,
			    sizeof(fields) / sizeof(fields[0]));
	tcase_add_loop_test(tc, asking_the_controller_goes_as_the_driver_lets_it, 0,
			    sizeof(rows) / sizeof(rows[0]));
	suite_add_tcase(s, tc);
	return s;
}
