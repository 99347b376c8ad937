/* SPDX-License-Identifier: MIT */
/* Files that are registered with rings: of which ring, and which cannot be told. Rings are any open
 * files here. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "async/files.h"
#include "suite.h"
#include "tables_disk.h"

static struct test_disk disk;

static bool has(int ring, unsigned slot)
{
	return files_find(ring, slot) >= 0;
}

START_TEST(each_ring_has_its_own)
{
	int one = open("/dev/null", O_RDWR), two = open("/dev/zero", O_RDWR), again = dup(one);
	int fd = open(disk.path, O_RDWR), none = -1;

	files_set(one, 3, &fd, 1);
	ck_assert(has(one, 3) && !has(one, 2) && !has(two, 3));
	files_set(two, 3, &none, 1);
	ck_assert(has(one, 3));
	files_set(again, 3, &none, 1);
	ck_assert(!has(one, 3));
	files_set(again, 4, &fd, 1);
	files_set(one, 5, &fd, 1);
	files_forget(two);
	ck_assert(has(again, 4) && has(again, 5));
	files_forget_all();
	ck_assert(!has(again, 4) && !has(again, 5));
}
END_TEST

/* -1: of a ring without a descriptor, or of one whose index we do not know. */
START_TEST(rings_without_a_name_have_none)
{
	int one = open("/dev/null", O_RDWR), fd = open(disk.path, O_RDWR);

	files_set(-1, 0, &fd, 1);
	ck_assert(!has(-1, 0));
	files_set(one, 0, &fd, 1);
	files_before_register(-1, IORING_REGISTER_BUFFERS);
	files_forget(-1); /* another ring without a descriptor begins, or ends */
	ck_assert(has(one, 0));
	files_before_register(-1, IORING_REGISTER_FILES_UPDATE);
	ck_assert(!has(one, 0));
}
END_TEST

/* The number is closed, past the doors: whether another ring is that one cannot be told. */
START_TEST(what_cannot_be_told_is_forgotten)
{
	int one = open("/dev/null", O_RDWR), two = open("/dev/zero", O_RDWR);
	int fd = open(disk.path, O_RDWR);

	files_set(one, 0, &fd, 1);
	close(one);
	files_set(two, 1, &fd, 1);
	ck_assert(!has(one, 0) && has(two, 1));
}
END_TEST

Suite *suite(void)
{
	Suite *suite = suite_create("registered files");
	TCase *tc = tcase_create("rings");

	suite_add_tcase(suite, tc);
	if (!test_disk_make(&disk, 512))
		return suite;
	tcase_add_test(tc, each_ring_has_its_own);
	tcase_add_test(tc, rings_without_a_name_have_none);
	tcase_add_test(tc, what_cannot_be_told_is_forgotten);
	return suite;
}
