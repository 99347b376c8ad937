/* SPDX-License-Identifier: MIT */
/*
 * Tests Identify, and the NVMe transport's use of it, with our own ioctl(), which compares each
 * command field by field and returns scripted results. Everything is done twice: by ioctl, as in
 * the shim, and through libnvme, as in the command. Both must look the same. The choice lasts for a
 * process: so each test needs a process of its own, which Check gives it.
 */
#include <dirent.h>
#include <errno.h>
#include <linux/nvme_ioctl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/config.h"
#include "command/libraries.h"
#include "device/identify.h"
#include "device/published.h"
#include "suite.h"
#include "device/transport.h"

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))

enum {
	DISK_FD = 1077, /* nothing is open there: only the fake driver knows it */
	STEPS = 4,      /* of a script, the end included */
	PAGE = 4096,
};

enum kind { END, ID, CONTROLLER, NAMESPACE };
static const char *const kinds[] = { "no ioctl", "ID", "Identify Controller",
				     "Identify Namespace" };

/* result: what the ioctl returns, or -errno. */
struct step {
	enum kind kind;
	int result;
};

static struct {
	const char *why;
	const struct step *script;
	int calls;
	uint32_t nsid; /* the result of ID */
	uint8_t *asked_into[STEPS];
	uint8_t controller[PAGE], namespace[PAGE];
} driver;

#define SAME(got, want, field)                                                                     \
	ck_assert_msg((got)->field == (want)->field, "%s: " #field " is %#llx, expected %#llx",    \
		      driver.why, (unsigned long long)(got)->field,                                \
		      (unsigned long long)(want)->field)

static void check_admin(const struct nvme_passthru_cmd *got, enum kind kind)
{
	struct nvme_passthru_cmd want = {
		.opcode = 0x06,
		.nsid = kind == NAMESPACE ? driver.nsid : 0,
		.addr = got->addr, /* checked by the data that arrive there */
		.data_len = 4096,
		.cdw10 = kind == NAMESPACE ? 0 : 1,
	};

	SAME(got, &want, opcode);
	SAME(got, &want, flags);
	SAME(got, &want, rsvd1);
	SAME(got, &want, nsid);
	SAME(got, &want, cdw2);
	SAME(got, &want, cdw3);
	SAME(got, &want, metadata);
	SAME(got, &want, metadata_len);
	SAME(got, &want, data_len);
	SAME(got, &want, cdw10);
	SAME(got, &want, cdw11);
	SAME(got, &want, cdw12);
	SAME(got, &want, cdw13);
	SAME(got, &want, cdw14);
	SAME(got, &want, cdw15);
	SAME(got, &want, timeout_ms);
	SAME(got, &want, result);
}

static void answer_admin(const struct nvme_passthru_cmd *command, enum kind kind, int result)
{
	uint8_t *page = (uint8_t *)(uintptr_t)command->addr;

	check_admin(command, kind);
	driver.asked_into[driver.calls] = page;
	if (result == 0)
		memcpy(page, kind == NAMESPACE ? driver.namespace : driver.controller, PAGE);
}

static enum kind kind_of(unsigned long request, const void *argument)
{
	if (request == NVME_IOCTL_ID)
		return ID;
	ck_assert_msg(request == NVME_IOCTL_ADMIN_CMD, "%s: ioctl %#lx", driver.why, request);
	return ((const struct nvme_passthru_cmd *)argument)->cdw10 ? CONTROLLER : NAMESPACE;
}

/* Visible, so that libnvme calls it, too. */
__attribute__((visibility("default"))) int ioctl(int fd, unsigned long request, ...)
{
	va_list arguments;
	va_start(arguments, request);
	void *argument = va_arg(arguments, void *);
	va_end(arguments);

	const struct step *step = &driver.script[driver.calls];
	enum kind kind = kind_of(request, argument);
	ck_assert_msg(kind == step->kind, "%s: call %d is %s, expected %s", driver.why,
		      driver.calls + 1, kinds[kind], kinds[step->kind]);
	ck_assert_int_eq(fd, DISK_FD);
	if (kind == ID)
		driver.nsid = (uint32_t)step->result;
	else
		answer_admin(argument, kind, step->result);
	driver.calls++;
	if (step->result >= 0)
		return step->result;
	errno = -step->result;
	return -1;
}

static void driver_start(const char *why, const struct step *script)
{
	driver.why = why;
	driver.script = script;
	driver.calls = 0;
}

static void driver_end(void)
{
	enum kind next = driver.script[driver.calls].kind;

	ck_assert_msg(next == END, "%s: no %s after %d calls", driver.why, kinds[next],
		      driver.calls);
}

/* Neighbouring bytes differ, and so do the bytes at the same place of the two pages. */
static void fill_pages(void)
{
	for (int i = 0; i < PAGE; i++) {
		driver.controller[i] = (uint8_t)(i * 7 + i / 256);
		driver.namespace[i] = (uint8_t)(i * 7 + i / 256 + 101);
	}
}

static int open_files(void)
{
	DIR *directory = opendir("/proc/self/fd");
	int count = 0;

	ck_assert_ptr_nonnull(directory);
	while (readdir(directory))
		count++;
	closedir(directory);
	return count;
}

static void put16(uint8_t *page, int offset, unsigned value)
{
	page[offset] = (uint8_t)value;
	page[offset + 1] = (uint8_t)(value >> 8);
}

START_TEST(the_shim_asks_by_ioctl)
{
	ck_assert_str_eq(identify_means, "ioctl");
}
END_TEST

START_TEST(the_command_asks_through_libnvme)
{
#ifdef LIBNVME
	ck_assert_str_eq(identify_means, "libnvme");
#else
	ck_assert_str_eq(identify_means, "ioctl");
#endif
}
END_TEST

static const int nsids[] = { 1, 2, 0x100, 0x12345678, 0x7fffffff };

START_TEST(pages_are_what_the_controller_answers)
{
	static struct nvme_identity identity;
	struct step script[STEPS] = { { ID, nsids[_i] }, { CONTROLLER, 0 }, { NAMESPACE, 0 } };

	memset(&identity, 0xee, sizeof(identity));
	fill_pages();
	for (int again = 0; again < 2; again++) {
		driver_start("fine", script);
		errno = ENODEV; /* has no meaning */
		ck_assert_int_eq(identify_nvme(DISK_FD, &identity), 0);
		driver_end();
		ck_assert_uint_eq(identity.nsid, (uint32_t)nsids[_i]);
		ck_assert_ptr_eq(driver.asked_into[1], identity.controller);
		ck_assert_ptr_eq(driver.asked_into[2], identity.namespace);
		ck_assert_mem_eq(identity.controller, driver.controller, PAGE);
		ck_assert_mem_eq(identity.namespace, driver.namespace, PAGE);
	}
}
END_TEST

static const struct {
	const char *why;
	struct step script[STEPS];
	int expected;
} failures[] = {
	{ "namespace 0", { { ID, 0 } }, -ENOTTY },
	{ "no NVMe disk", { { ID, -ENOTTY } }, -ENOTTY },
	{ "ID: EINVAL", { { ID, -EINVAL } }, -EINVAL },
	{ "ID: EBADF", { { ID, -EBADF } }, -EBADF },
	{ "ID: EPERM, which is -1", { { ID, -EPERM } }, -EPERM },
	{ "ID: gone", { { ID, -ENODEV } }, -ENODEV },
	{ "no privilege", { { ID, 1 }, { CONTROLLER, -EACCES } }, -EACCES },
	{ "EPERM, which is -1", { { ID, 1 }, { CONTROLLER, -EPERM } }, -EPERM },
	{ "ENOTTY", { { ID, 1 }, { CONTROLLER, -ENOTTY } }, -ENOTTY },
	{ "cancelled", { { ID, 1 }, { CONTROLLER, -EINTR } }, -EAGAIN },
	{ "EINVAL", { { ID, 1 }, { CONTROLLER, -EINVAL } }, -EINVAL },
	{ "ENODEV", { { ID, 1 }, { CONTROLLER, -ENODEV } }, -ENODEV },
	{ "ENOMEM", { { ID, 1 }, { CONTROLLER, -ENOMEM } }, -ENOMEM },
	{ "no path", { { ID, 1 }, { CONTROLLER, -EWOULDBLOCK } }, -EWOULDBLOCK },
	{ "invalid opcode", { { ID, 1 }, { CONTROLLER, 0x4001 } }, -EOPNOTSUPP },
	{ "status 1 is not -1", { { ID, 1 }, { CONTROLLER, 0x0001 } }, -EOPNOTSUPP },
	{ "invalid field", { { ID, 1 }, { CONTROLLER, 0x6002 } }, -EOPNOTSUPP },
	{ "internal error", { { ID, 1 }, { CONTROLLER, 0x0006 } }, -EIO },
	{ "not ready, not again", { { ID, 1 }, { CONTROLLER, 0x2082 } }, -EREMOTEIO },
	{ "host path error", { { ID, 1 }, { CONTROLLER, 0x0370 } }, -EAGAIN },
	{ "2nd: EACCES", { { ID, 1 }, { CONTROLLER, 0 }, { NAMESPACE, -EACCES } }, -EACCES },
	{ "2nd: EPERM", { { ID, 1 }, { CONTROLLER, 0 }, { NAMESPACE, -EPERM } }, -EPERM },
	{ "2nd: gone", { { ID, 1 }, { CONTROLLER, 0 }, { NAMESPACE, -ENODEV } }, -ENODEV },
	{ "2nd: cancelled", { { ID, 1 }, { CONTROLLER, 0 }, { NAMESPACE, -EINTR } }, -EAGAIN },
	{ "path, for good", { { ID, 1 }, { CONTROLLER, 0x4370 } }, -ENOLINK },
	{ "2nd: invalid nsid",
	  { { ID, 9 }, { CONTROLLER, 0 }, { NAMESPACE, 0x400b } },
	  -EOPNOTSUPP },
	{ "2nd: unknown", { { ID, 9 }, { CONTROLLER, 0 }, { NAMESPACE, 0x7ff } }, -EIO },
};

START_TEST(failure_ends_it_and_is_an_errno)
{
	static struct nvme_identity identity;

	driver_start(failures[_i].why, failures[_i].script);
	int error = identify_nvme(DISK_FD, &identity);
	driver_end();
	ck_assert_msg(error == failures[_i].expected, "%s: %d, expected %d", driver.why, error,
		      failures[_i].expected);
}
END_TEST

START_TEST(nothing_is_left_open)
{
	static const struct step fine[] = { { ID, 1 }, { CONTROLLER, 0 }, { NAMESPACE, 0 }, {} };
	static struct nvme_identity identity;
	int before = open_files();

	driver_start("fine", fine);
	ck_assert_int_eq(identify_nvme(DISK_FD, &identity), 0);
	ck_assert_int_eq(open_files(), before);
	for (int i = 0; i < COUNT(failures); i++) {
		driver_start(failures[i].why, failures[i].script);
		ck_assert_int_lt(identify_nvme(DISK_FD, &identity), 0);
	}
	ck_assert_int_eq(open_files(), before);
}
END_TEST

/* The transport. Nobody has published anything in this directory. */
static char nowhere[] = P_tmpdir "/untorn-identify-XXXXXX";

static void make_nowhere(void)
{
	ck_assert_ptr_nonnull(mkdtemp(nowhere));
	published_directory = nowhere;
}

static void remove_nowhere(void)
{
	ck_assert_int_eq(rmdir(nowhere), 0); /* also checks that it is empty */
}

static const struct {
	const char *why;
	int nsid;
	unsigned awun, awupf; /* of the controller, in blocks, less one */
	uint8_t format, shift, metadata;
	/* The expected result. */
	uint32_t block;
	bool protected;
} disks[] = {
	{ "small blocks", 1, 127, 31, 0, 9, 0, 512, false },
	{ "large blocks", 1, 15, 3, 0, 12, 0, 4096, false },
	{ "one block only", 1, 0, 0, 0, 12, 0, 4096, false },
	{ "the second format", 2, 15, 3, 1, 12, 0, 4096, false },
	{ "the third format", 0x7fffffff, 127, 31, 2, 9, 0, 512, false },
	{ "protected, small blocks", 1, 127, 31, 0, 9, 8, 512, true },
	{ "protected, large blocks", 3, 15, 3, 1, 12, 8, 4096, true },
};

/* NVM Command Set 1.0 figure 97, NVMe Base 2.0 figure 275; all other formats have another size. */
static void make_pages(int row)
{
	uint8_t *namespace = driver.namespace;

	memset(driver.controller, 0, PAGE);
	memset(namespace, 0, PAGE);
	put16(driver.controller, 526, disks[row].awun);
	put16(driver.controller, 528, disks[row].awupf);
	namespace[2] = 16;      /* NSZE: 2^20 blocks */
	namespace[10] = 16;     /* NCAP */
	namespace[24] = 1 << 1; /* NSFEAT: NAWUN, NAWUPF are there */
	put16(namespace, 34, disks[row].awun);
	put16(namespace, 36, disks[row].awupf);
	namespace[25] = 2;                 /* NLBAF, less one */
	namespace[26] = disks[row].format; /* FLBAS */
	if (disks[row].metadata)
	namespace[29] = 1; /* DPS: type 1 */
	for (int format = 0; format < 3; format++)
	namespace[128 + 4 * format + 2] = 16;
	put16(namespace, 128 + 4 * disks[row].format, disks[row].metadata);
	namespace[128 + 4 * disks[row].format + 2] = disks[row].shift;
}

static bool same(const struct limits *a, const struct limits *b)
{
	return a->unit_min == b->unit_min && a->unit_max == b->unit_max && a->max == b->max &&
	       a->boundary == b->boundary && a->refusal == b->refusal && a->origin == b->origin;
}

static struct limits expected_limits(void)
{
	static struct nvme_identity identity;

	memcpy(identity.controller, driver.controller, PAGE);
	memcpy(identity.namespace, driver.namespace, PAGE);
	identity.nsid = driver.nsid;
	return limits_nvme(&identity, NVME_POLICY_NAMESPACE);
}

START_TEST(disk_is_what_its_pages_say)
{
	struct step script[STEPS] = { { ID, disks[_i].nsid }, { CONTROLLER, 0 }, { NAMESPACE, 0 } };
	struct disk disk;

	memset(&disk, 0xee, sizeof(disk));
	make_pages(_i);
	driver_start(disks[_i].why, script);
	ck_assert_int_eq(transport_nvme.identify(DISK_FD, 0, NVME_POLICY_NAMESPACE, &disk), 0);
	driver_end();
	struct limits limits = expected_limits();
	ck_assert_msg(same(&disk.limits, &limits), "%s", disks[_i].why);
	ck_assert_msg(disk.block == disks[_i].block, "%s: %u", driver.why, disk.block);
	ck_assert_msg(disk.protected == disks[_i].protected, "%s", driver.why);
	ck_assert_uint_eq(disk.nsid, (uint32_t)disks[_i].nsid);
}
END_TEST

START_TEST(disk_that_promises_more_has_other_limits)
{
	struct step script[STEPS] = { { ID, 1 }, { CONTROLLER, 0 }, { NAMESPACE, 0 } };
	struct disk more = { .nsid = 0 }, less = { .nsid = 0 };

	make_pages(1);
	driver_start(disks[1].why, script);
	ck_assert_int_eq(transport_nvme.identify(DISK_FD, 0, NVME_POLICY_NAMESPACE, &more), 0);
	make_pages(2);
	driver_start(disks[2].why, script);
	ck_assert_int_eq(transport_nvme.identify(DISK_FD, 0, NVME_POLICY_NAMESPACE, &less), 0);
	ck_assert(!same(&more.limits, &less.limits));
}
END_TEST

START_TEST(failure_is_kept_where_nobody_published)
{
	struct disk disk, untouched;

	memset(&disk, 0xee, sizeof(disk));
	memset(&untouched, 0xee, sizeof(untouched));
	driver_start(failures[_i].why, failures[_i].script);
	int error = transport_nvme.identify(DISK_FD, 0, NVME_POLICY_NAMESPACE, &disk);
	driver_end();
	ck_assert_msg(error == failures[_i].expected, "%s: %d, expected %d", driver.why, error,
		      failures[_i].expected);
	ck_assert_mem_eq(&disk, &untouched, sizeof(disk));
}
END_TEST

START_TEST(disk_that_is_not_open_is_not_asked)
{
	static const struct step script[STEPS] = { { END, 0 } };
	struct disk disk;

	driver_start("not open", script);
	ck_assert_int_eq(transport_nvme.identify(-1, 0, NVME_POLICY_NAMESPACE, &disk), -EBADF);
}
END_TEST

START_TEST(transport_leaves_nothing_open)
{
	static const struct step fine[] = { { ID, 1 }, { CONTROLLER, 0 }, { NAMESPACE, 0 }, {} };
	struct disk disk;
	int before = open_files();

	make_pages(0);
	driver_start("fine", fine);
	ck_assert_int_eq(transport_nvme.identify(DISK_FD, 0, NVME_POLICY_NAMESPACE, &disk), 0);
	ck_assert_int_eq(open_files(), before);
	ck_assert_int_eq(transport_nvme.identify(-1, 0, NVME_POLICY_NAMESPACE, &disk), -EBADF);
	for (int i = 0; i < COUNT(failures); i++) {
		driver_start(failures[i].why, failures[i].script);
		ck_assert_int_lt(transport_nvme.identify(DISK_FD, 0, NVME_POLICY_NAMESPACE, &disk),
				 0);
	}
	ck_assert_int_eq(open_files(), before);
}
END_TEST

static void add_identify_tests(TCase *tc)
{
	tcase_add_loop_test(tc, pages_are_what_the_controller_answers, 0, COUNT(nsids));
	tcase_add_loop_test(tc, failure_ends_it_and_is_an_errno, 0, COUNT(failures));
	tcase_add_test(tc, nothing_is_left_open);
}

Suite *suite(void)
{
	Suite *s = suite_create("identify");
	TCase *tc = tcase_create("by ioctl");

	tcase_add_test(tc, the_shim_asks_by_ioctl);
	add_identify_tests(tc);
	suite_add_tcase(s, tc);

	tc = tcase_create("through libnvme");
	tcase_add_checked_fixture(tc, cmd_use_libraries, NULL);
	tcase_add_test(tc, the_command_asks_through_libnvme);
	add_identify_tests(tc);
	suite_add_tcase(s, tc);

	tc = tcase_create("transport");
	tcase_add_checked_fixture(tc, make_nowhere, remove_nowhere);
	tcase_add_loop_test(tc, disk_is_what_its_pages_say, 0, COUNT(disks));
	tcase_add_test(tc, disk_that_promises_more_has_other_limits);
	tcase_add_loop_test(tc, failure_is_kept_where_nobody_published, 0, COUNT(failures));
	tcase_add_test(tc, disk_that_is_not_open_is_not_asked);
	tcase_add_test(tc, transport_leaves_nothing_open);
	suite_add_tcase(s, tc);
	return s;
}
