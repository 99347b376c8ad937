/* SPDX-License-Identifier: MIT */
/*
 * Tests the description of devices in a /sys of our own. An attribute that cannot be read is
 * unknown: it must never count as a kind of device, nor as "there is none".
 */
#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "stack/stack.h"
#include "suite.h"

#define TOP "/sys/dev/block/"

enum { MAJOR = 4000 }; /* no driver has it */

static struct stack stack;
static const struct stack_layer *first = &stack.layers[0];

/* Each test has a process of its own, and so a namespace. */
static void own_sys(void)
{
	ck_assert_int_eq(unshare(CLONE_NEWNS), 0);
	ck_assert_int_eq(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	ck_assert_int_eq(mount("none", "/sys/dev/block", "tmpfs", 0, NULL), 0);
}

static void make_folders(char *path)
{
	for (char *slash = path + sizeof(TOP) - 1; (slash = strchr(slash, '/')); *slash++ = '/') {
		*slash = '\0';
		mkdir(path, 0755);
	}
}

/* text NULL: a folder, which cannot be read as a file. */
static void put(const char *name, const char *text)
{
	char path[256];

	snprintf(path, sizeof(path), TOP "%s%s", name, text ? "" : "/");
	make_folders(path);
	FILE *file = text ? fopen(path, "we") : NULL;
	ck_assert(!text || file);
	if (file) {
		fputs(text, file);
		fclose(file);
	}
}

static void point(const char *name, const char *target)
{
	char path[256];

	snprintf(path, sizeof(path), TOP "%s", name);
	make_folders(path);
	ck_assert_int_eq(symlink(target, path), 0);
}

static void put_queue(const char *folder, const char *nomerges)
{
	static const char *const files[][2] = { { "max_sectors_kb", "512" },
						{ "max_segments", "127" },
						{ "chunk_sectors", "8" } };
	char name[128];

	snprintf(name, sizeof(name), "%s/queue/nomerges", folder);
	put(name, nomerges);
	for (int i = 0; i < 3; i++) {
		snprintf(name, sizeof(name), "%s/queue/%s", folder, files[i][0]);
		put(name, files[i][1]);
	}
}

static enum stack_answer describe(void)
{
	static struct stack_finding findings[STACK_FINDINGS];
	const struct stack_finding *worst;

	stack_describe(makedev(MAJOR, 0), &stack);
	return stack_verdict(findings, stack_judge(&stack, 4096, 4096, findings), &worst);
}

START_TEST(device_that_sys_does_not_know)
{
	ck_assert_int_eq(describe(), STACK_UNKNOWN);
}
END_TEST

START_TEST(device_of_no_kind)
{
	put("4000:0/dev", "4000:0");
	ck_assert_int_eq(describe(), STACK_NO);
	ck_assert_int_eq(first->kind, STACK_REFUSED);
	ck_assert_ptr_nonnull(strstr(first->why, "does not know"));
}
END_TEST

START_TEST(loop)
{
	put("4000:0/loop/backing_file", "/file");
	ck_assert_int_eq(describe(), STACK_NO);
	ck_assert_ptr_nonnull(strstr(first->why, "loop device"));
}
END_TEST

START_TEST(scsi)
{
	put("4000:0/dev", "4000:0");
	point("4000:0/device/subsystem", "../../bus/scsi");
	ck_assert_int_eq(describe(), STACK_NO);
	ck_assert_ptr_nonnull(strstr(first->why, "SCSI"));
}
END_TEST

/* A file in place of a link, or a folder in place of a file: an error, not "there is none". */
static const struct {
	const char *name, *text;
} errors[] = {
	{ "4000:0/dm/name", NULL },
	{ "4000:0/md/level", NULL },
	{ "4000:0/loop/backing_file", NULL },
	{ "4000:0/device/subsystem", "no link" },
};

START_TEST(error_is_no_answer)
{
	put(errors[_i].name, errors[_i].text);
	ck_assert_int_eq(describe(), STACK_UNKNOWN);
	ck_assert_int_lt(first->error, 0);
}
END_TEST

START_TEST(mapped_device_without_its_table)
{
	put("4000:0/dm/name", "volume");
	ck_assert_int_eq(describe(), STACK_UNKNOWN);
	ck_assert_int_eq(first->kind, STACK_LINEAR);
}
END_TEST

static void put_array(const char *level, const char *members)
{
	put("4000:0/md/level", level);
	put("4000:0/md/chunk_size", "65536");
	put("4000:0/md/raid_disks", members);
	put("4000:0/md/dev-a/offset", "2048");
	put("4000:0/md/dev-a/block/dev", "4000:1");
	put("4000:0/md/dev-b/offset", "4096");
	put("4000:0/md/dev-b/block/dev", "4000:2");
}

START_TEST(array)
{
	put_array("raid0", "2");
	put_queue("4000:0", "0");
	describe();
	ck_assert_int_eq(first->error, 0);
	ck_assert_int_eq(first->kind, STACK_STRIPES);
	ck_assert_uint_eq(first->chunk, 65536);
	ck_assert_uint_eq(first->count, 2);
	ck_assert_uint_eq(stack.spans[0].offset + stack.spans[1].offset, 6144 * 512);
	ck_assert_uint_eq(first->queue.chunk, 4096);
}
END_TEST

START_TEST(array_of_which_a_member_is_missing)
{
	put_array("raid0", "3");
	ck_assert_int_eq(describe(), STACK_UNKNOWN);
	ck_assert_int_eq(first->error, -ENXIO);
}
END_TEST

START_TEST(array_that_writes_twice)
{
	put_array("raid1", "2");
	ck_assert_int_eq(describe(), STACK_NO);
	ck_assert_int_eq(first->kind, STACK_REFUSED);
}
END_TEST

/* An NVMe disk that may have several controllers, and `count` hidden paths of it. */
static void put_paths(int count)
{
	char name[64];

	put("nvme7n1/dev", "4000:0");
	point("4000:0", "nvme7n1");
	put("nvme7n1/device/nqn", "nqn");
	point("nvme7n1/device/subsystem", "/sys/class/nvme-subsystem");
	for (int i = 0; i < count; i++) {
		snprintf(name, sizeof(name), "nvme7n1/device/nvme%d/nvme7c%dn1", i, i);
		put_queue(name, "2");
	}
}

START_TEST(paths)
{
	put_paths(2);
	describe();
	ck_assert_int_eq(first->kind, STACK_DISK);
	ck_assert(first->has_paths);
	ck_assert_uint_eq(first->count, 2);
	ck_assert_uint_eq(stack.layer_count, 3);
	ck_assert_int_eq(stack.layers[1].kind, STACK_PATH);
	ck_assert_uint_eq(stack.layers[2].queue.nomerges, 2);
	ck_assert_int_ne(first->error, -ENXIO);
}
END_TEST

START_TEST(paths_that_nobody_sees)
{
	put_paths(0);
	ck_assert_int_eq(describe(), STACK_UNKNOWN);
	ck_assert(first->has_paths);
	ck_assert_int_eq(first->error, -ENXIO);
}
END_TEST

START_TEST(more_paths_than_fit)
{
	put_paths(STACK_LAYERS + 6);
	describe();
	ck_assert_int_eq(first->kind, STACK_REFUSED);
	ck_assert_ptr_nonnull(strstr(first->why, "more paths"));
}
END_TEST

START_TEST(partition)
{
	put("disk/dev", "4000:1");
	put("disk/part/partition", "1");
	put("disk/part/start", "2048");
	point("4000:0", "disk/part");
	point("4000:1", "disk");
	ck_assert_int_eq(describe(), STACK_NO);
	ck_assert_int_eq(first->kind, STACK_PARTITION);
	ck_assert_uint_eq(stack.spans[0].offset, 2048 * 512);
	ck_assert_int_eq(stack.layers[stack.spans[0].below].kind, STACK_REFUSED);
}
END_TEST

/* The node with the device's name is another device's. */
START_TEST(node_of_another)
{
	put("null/dev", "4000:0");
	point("4000:0", "null");
	ck_assert_int_eq(stack_open(makedev(MAJOR, 0)), -ENODEV);
}
END_TEST

static bool can_have_own_sys(void)
{
	return geteuid() == 0 && access("/sys/dev/block", F_OK) == 0 &&
	       system("unshare --mount mount -t tmpfs none /sys/dev/block 2> /dev/null") == 0;
}

Suite *suite(void)
{
	Suite *s = suite_create("stack_describe");
	TCase *tc = tcase_create("stack_describe");

	if (!can_have_own_sys())
		suite_skip("no mount namespaces");
	tcase_add_checked_fixture(tc, own_sys, NULL);
	tcase_add_test(tc, device_that_sys_does_not_know);
	tcase_add_test(tc, device_of_no_kind);
	tcase_add_test(tc, loop);
	tcase_add_test(tc, scsi);
	tcase_add_loop_test(tc, error_is_no_answer, 0, sizeof(errors) / sizeof(errors[0]));
	tcase_add_test(tc, mapped_device_without_its_table);
	tcase_add_test(tc, array);
	tcase_add_test(tc, array_of_which_a_member_is_missing);
	tcase_add_test(tc, array_that_writes_twice);
	tcase_add_test(tc, paths);
	tcase_add_test(tc, paths_that_nobody_sees);
	tcase_add_test(tc, more_paths_than_fit);
	tcase_add_test(tc, partition);
	tcase_add_test(tc, node_of_another);
	suite_add_tcase(s, tc);
	return s;
}
