/* SPDX-License-Identifier: MIT */
/*
 * Tests the decision of devices.conf, in a directory of our own, for a loop disk, which has a path
 * and no other name; and which files are believed, by owner and mode.
 */
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "device/decision.h"
#include "device/published.h"
#include "suite.h"
#include "tables_disk.h"

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))

enum { NOBODY = 65534 };

static struct test_disk disk;
static char top[] = "/tmp/untorn-test-XXXXXX", directory[64], file[96];
static struct decision decision;
static struct decision_source source;

static void set_up(void)
{
	ck_assert_ptr_nonnull(mkdtemp(strcpy(top, "/tmp/untorn-test-XXXXXX")));
	snprintf(directory, sizeof(directory), "%s/etc", top);
	snprintf(file, sizeof(file), "%s/devices.conf", directory);
	ck_assert_int_eq(mkdir(directory, 0755), 0);
	decision_directory = directory;
	published_directory = "/nowhere";
	unsetenv("UNTORN_NVME_LIMITS");
	unsetenv("UNTORN_RULES");
}

static void tear_down(void)
{
	unlink(file);
	rmdir(directory);
	rmdir(top);
}

static void put(const char *text, size_t length)
{
	int fd = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	ck_assert_int_eq(write(fd, text, length), (ssize_t)length);
	close(fd);
}

/* %s in the text is the disk. */
static void say(const char *format)
{
	char text[1024];

	put(text, (size_t)snprintf(text, sizeof(text), format, disk.path));
}

static void is(dev_t number, int error, unsigned line, enum nvme_policy policy, enum rules rules)
{
	ck_assert_int_eq(decision_of(number, &decision, &source), 0);
	ck_assert_int_eq(source.error, error);
	ck_assert_uint_eq(source.line, line);
	ck_assert_uint_eq(decision.nvme_policy, policy);
	ck_assert_uint_eq(decision.rules, rules);
}

static const struct {
	const char *text;
	unsigned line;
	int error;
	enum nvme_policy policy;
	enum rules rules;
} files[] = {
	{ "", 0, 0, NVME_POLICY_NAMESPACE, RULES_LINUX },
	{ "path=%s rules=device", 1, 0, NVME_POLICY_NAMESPACE, RULES_DEVICE },
	{ "# all\n\npath=%s nvme-limits=controller\n", 3, 0, NVME_POLICY_CONTROLLER, RULES_LINUX },
	{ "path=/dev/null rules=device\npath=/nowhere rules=device\n", 0, 0, NVME_POLICY_NAMESPACE,
	  RULES_LINUX },
	{ "path=%1$s rules=linux\npath=%1$s rules=device\n", 1, 0, NVME_POLICY_NAMESPACE,
	  RULES_LINUX },
	/* A loop disk has no model: so a star matches nothing. */
	{ "model=* rules=device\nserial=* rules=device\nwwid=* rules=device\n", 0, 0,
	  NVME_POLICY_NAMESPACE, RULES_LINUX },
	{ "path=%s model=* rules=device\n", 0, 0, NVME_POLICY_NAMESPACE, RULES_LINUX },
	/* A mistake behind the line that matches. */
	{ "path=%s rules=device\n\nrules=device\n", 3, -EBADMSG, NVME_POLICY_NAMESPACE,
	  RULES_LINUX },
};

START_TEST(first_line_that_matches_decides)
{
	say(files[_i].text);
	is(disk.number, files[_i].error, files[_i].line, files[_i].policy, files[_i].rules);
	is(disk.partition[1], files[_i].error, files[_i].line, files[_i].policy, files[_i].rules);
}
END_TEST

START_TEST(path_of_a_partition_names_its_disk)
{
	char text[128];

	put(text,
	    (size_t)snprintf(text, sizeof(text), "path=%s rules=device\n", disk.partition_path[0]));
	is(disk.number, 0, 1, NVME_POLICY_NAMESPACE, RULES_DEVICE);
}
END_TEST

START_TEST(no_file_is_no_decision)
{
	is(disk.number, -ENOENT, 0, NVME_POLICY_NAMESPACE, RULES_LINUX);
	ck_assert_int_eq(rmdir(directory), 0);
	is(disk.number, -ENOENT, 0, NVME_POLICY_NAMESPACE, RULES_LINUX);
}
END_TEST

static void owned_by_another(void)
{
	ck_assert_int_eq(chown(file, NOBODY, (gid_t)-1), 0);
}

static void group_may_write(void)
{
	ck_assert_int_eq(chmod(file, 0664), 0);
}

static void all_may_write_directory(void)
{
	ck_assert_int_eq(chmod(directory, 01777), 0);
}

static const struct {
	void (*spoil)(void);
} spoilt[] = { { owned_by_another }, { group_may_write }, { all_may_write_directory } };

START_TEST(file_that_others_may_write_is_not_believed)
{
	say("path=%s rules=device\n");
	spoilt[_i].spoil();
	is(disk.number, -EPERM, 0, NVME_POLICY_NAMESPACE, RULES_LINUX);
}
END_TEST

START_TEST(line_that_is_too_long_is_not_understood)
{
	char text[700] = "path=/dev/null rules=device\n";

	memset(text + strlen(text), '#', sizeof(text) - 100);
	put(text, sizeof(text) - 1);
	is(disk.number, -EBADMSG, 2, NVME_POLICY_NAMESPACE, RULES_LINUX);
	put("#\0 rules=device\n", 16);
	is(disk.number, -EBADMSG, 1, NVME_POLICY_NAMESPACE, RULES_LINUX);
}
END_TEST

/* A line of the greatest length, with and without a newline. */
START_TEST(longest_line_is_understood)
{
	char text[513];

	memset(text, ' ', sizeof(text));
	text[sprintf(text, "path=%s rules=device", disk.path)] = ' ';
	put(text, 510);
	is(disk.number, 0, 1, NVME_POLICY_NAMESPACE, RULES_DEVICE);
	text[510] = '\n';
	put(text, 511);
	is(disk.number, 0, 1, NVME_POLICY_NAMESPACE, RULES_DEVICE);
}
END_TEST

START_TEST(no_descriptor_is_no_answer)
{
	struct rlimit none = { 0, 0 }, before;

	say("path=%s rules=device\n");
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
	none.rlim_max = before.rlim_max;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
	int error = decision_of(disk.number, &decision, &source);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
	ck_assert_int_eq(error, -EMFILE);
	ck_assert_int_eq(source.error, -EMFILE);
}
END_TEST

/* In a /sys of our own, with a disk that no driver has. 256 bytes: the longest one of SCSI. */
START_TEST(long_wwid_is_read_whole)
{
	char wwid[257], text[320];

	ck_assert_int_eq(unshare(CLONE_NEWNS), 0);
	ck_assert_int_eq(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	ck_assert_int_eq(mount("none", "/sys/dev/block", "tmpfs", 0, NULL), 0);
	ck_assert_int_eq(mkdir("/sys/dev/block/4000:0", 0755), 0);
	memset(wwid, 'a', sizeof(wwid) - 1);
	wwid[sizeof(wwid) - 1] = '\0';
	int fd = open("/sys/dev/block/4000:0/wwid", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	ck_assert_int_eq(write(fd, wwid, sizeof(wwid) - 1), sizeof(wwid) - 1);
	close(fd);
	put(text, (size_t)snprintf(text, sizeof(text), "wwid=%s rules=device\n", wwid));
	is(makedev(4000, 0), 0, 1, NVME_POLICY_NAMESPACE, RULES_DEVICE);
}
END_TEST

/* Each test is a process of its own: so the environment is read again. */
START_TEST(environment_comes_first)
{
	say("path=%s nvme-limits=controller rules=device\n");
	setenv("UNTORN_NVME_LIMITS", "single", 1);
	is(disk.number, 0, 1, NVME_POLICY_SINGLE, RULES_DEVICE);
}
END_TEST

START_TEST(published_serves_where_there_is_no_file)
{
	static struct nvme_identity identity;
	struct decision written = { NVME_POLICY_SINGLE, RULES_DEVICE };

	published_directory = directory;
	ck_assert_int_eq(published_write(disk.number, &identity, written), 0);
	is(disk.number, -ENOENT, 0, NVME_POLICY_SINGLE, RULES_DEVICE);
	is(disk.partition[0], -ENOENT, 0, NVME_POLICY_SINGLE, RULES_DEVICE);
	put("", 0);
	is(disk.number, 0, 0, NVME_POLICY_NAMESPACE, RULES_LINUX);
	ck_assert_int_eq(chmod(directory, 0777), 0);
	is(disk.number, -EPERM, 0, NVME_POLICY_NAMESPACE, RULES_LINUX);
	snprintf(file, sizeof(file), "rm -r %s", directory);
	ck_assert_int_eq(system(file), 0);
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("decision");
	TCase *tc = tcase_create("decision");

	if (!test_disk_make(&disk, 512))
		suite_skip("no loop disk can be made (root only)");
	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_loop_test(tc, first_line_that_matches_decides, 0, COUNT(files));
	tcase_add_test(tc, path_of_a_partition_names_its_disk);
	tcase_add_test(tc, no_file_is_no_decision);
	tcase_add_loop_test(tc, file_that_others_may_write_is_not_believed, 0, COUNT(spoilt));
	tcase_add_test(tc, line_that_is_too_long_is_not_understood);
	tcase_add_test(tc, longest_line_is_understood);
	tcase_add_test(tc, no_descriptor_is_no_answer);
	tcase_add_test(tc, long_wwid_is_read_whole);
	tcase_add_test(tc, environment_comes_first);
	tcase_add_test(tc, published_serves_where_there_is_no_file);
	suite_add_tcase(s, tc);
	return s;
}
