/* SPDX-License-Identifier: MIT */
/*
 * Tests whether a node is the disk's. /dev/null stands for the node, and each row gives the answers
 * of /sys.
 *
 * Links: -Wl,--wrap=sysfs_disk_name -Wl,--wrap=sysfs_disk_text -Wl,--wrap=real_open -Wl,--wrap=real_ioctl -Wl,--wrap=identity_is_current
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "device/nvme_node.h"
#include "suite.h"

enum { NSID = 7 };

static const struct row {
	const char *why, *disk, *opened, *number;
	int nsid, expected; /* 0: opened */
	bool current;
} rows[] = {
	{ "the disk's", "nvme0n1", "/dev/null", "1:3", NSID, 0, true },
	{ "of a controller's path", "nvme12c3n4", "/dev/null", "1:3", NSID, 0, true },
	{ "no NVMe disk", "sda", "/dev/null", "1:3", NSID, -ENOENT, true },
	{ "no such node", "nvme0n1", "/dev/no such node", "1:3", NSID, -ENOENT, true },
	{ "not told of in /sys", "nvme0n1", "/dev/null", "", NSID, -ENODEV, true },
	{ "another number", "nvme0n1", "/dev/null", "1:5", NSID, -ENODEV, true },
	{ "no character device", "nvme0n1", "/etc/passwd", "0:0", NSID, -ENODEV, true },
	{ "another namespace", "nvme0n1", "/dev/null", "1:3", NSID + 1, -ENODEV, true },
	{ "the disk has gone", "nvme0n1", "/dev/null", "1:3", NSID, -ENODEV, false },
};
static const struct row *row;
static char path[64], attribute[64];

int __wrap_sysfs_disk_name(dev_t device, char *ret_name, size_t size);
int __wrap_sysfs_disk_text(dev_t device, const char *name, char *ret_text, size_t size);
int __wrap_real_open(int dirfd, const char *name, int flags);
int __wrap_real_ioctl(int fd, unsigned long request, void *argument);
bool __wrap_identity_is_current(int fd, dev_t device);

int __wrap_sysfs_disk_name(dev_t device, char *ret_name, size_t size)
{
	(void)device;
	snprintf(ret_name, size, "%s", row->disk);
	return 0;
}

int __wrap_sysfs_disk_text(dev_t device, const char *name, char *ret_text, size_t size)
{
	(void)device;
	snprintf(attribute, sizeof(attribute), "%s", name);
	snprintf(ret_text, size, "%s", row->number);
	return *row->number ? 0 : -ENOENT;
}

int __wrap_real_open(int dirfd, const char *name, int flags)
{
	snprintf(path, sizeof(path), "%s", name);
	int fd = openat(dirfd, row->opened, flags);
	return fd < 0 ? -errno : fd;
}

int __wrap_real_ioctl(int fd, unsigned long request, void *argument)
{
	(void)fd, (void)request, (void)argument;
	return row->nsid;
}

bool __wrap_identity_is_current(int fd, dev_t device)
{
	(void)fd, (void)device;
	return row->current;
}

START_TEST(only_the_disks_own_node)
{
	row = &rows[_i];
	int unused = dup(0), node = nvme_node_open(0, 1, NSID);

	ck_assert_msg(row->expected ? node == row->expected : node >= 0, "%s: %d", row->why, node);
	close(node);
	close(unused);
	int again = dup(0);
	ck_assert_msg(again == unused, "%s: a descriptor is left", row->why);
	close(again);
}
END_TEST

START_TEST(names)
{
	row = &rows[_i];
	nvme_node_open(0, 1, NSID);
	ck_assert_str_eq(path, _i ? "/dev/ng12c3n4" : "/dev/ng0n1");
	ck_assert_str_eq(attribute, _i ? "device/ng12c3n4/dev" : "device/ng0n1/dev");
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("nvme_node");
	TCase *tc = tcase_create("all");

	tcase_add_loop_test(tc, only_the_disks_own_node, 0, sizeof(rows) / sizeof(rows[0]));
	tcase_add_loop_test(tc, names, 0, 2);
	suite_add_tcase(s, tc);
	return s;
}
