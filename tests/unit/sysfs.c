/* SPDX-License-Identifier: MIT */
/* Tests the reading of this machine's /sys: all its block devices, and a loop disk of our own. */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/wait.h>

#include "suite.h"
#include "base/sysfs.h"
#include "tables_disk.h"

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))

static struct test_disk disk;
static dev_t numbers[64]; /* of this machine's devices */
static int number_count;

/* Loop devices come and go with other tests. */
static bool is_to_stay(DIR *directory, const char *name)
{
	char target[256] = "";

	ssize_t length = readlinkat(dirfd(directory), name, target, sizeof(target) - 1);
	return length > 0 && !strstr(target, "/loop");
}

static void find_devices(void)
{
	DIR *directory = opendir("/sys/dev/block");
	struct dirent *entry;
	unsigned high, low;

	while (directory && (entry = readdir(directory)) && number_count < COUNT(numbers)) {
		if (sscanf(entry->d_name, "%u:%u", &high, &low) == 2 &&
		    is_to_stay(directory, entry->d_name))
			numbers[number_count++] = makedev(high, low);
	}
	if (directory)
		closedir(directory);
}

static const char *directory_of(dev_t number, const char *name)
{
	static char path[256];

	snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/%s", major(number), minor(number), name);
	return path;
}

/* No driver has this number. */
static dev_t nobody(void)
{
	return makedev(4000, 77);
}

START_TEST(number_that_nobody_has_is_enoent)
{
	char text[16] = "untouched";
	uint64_t number = 42;

	ck_assert_int_eq(sysfs_text(nobody(), "dev", text, sizeof(text)), -ENOENT);
	ck_assert_int_eq(sysfs_number(nobody(), "size", &number), -ENOENT);
	ck_assert_int_eq(sysfs_link(nobody(), "subsystem", text, sizeof(text)), -ENOENT);
	ck_assert_int_eq(sysfs_inode(nobody(), &number), -ENOENT);
	ck_assert_int_eq(sysfs_disk_text(nobody(), "dev", text, sizeof(text)), -ENOENT);
	ck_assert_int_eq(sysfs_disk_number(nobody(), "size", &number), -ENOENT);
	ck_assert_int_eq(sysfs_disk_link(nobody(), "subsystem", text, sizeof(text)), -ENOENT);
	ck_assert_int_eq(sysfs_disk_inode(nobody(), &number), -ENOENT);
	ck_assert(!sysfs_is_partition(nobody()));
	/* An unknown number must not count as a whole disk. */
	ck_assert_int_eq(sysfs_find_partition(nobody(), &(bool){ false }), -ENOENT);
	ck_assert_str_eq(text, "untouched");
	ck_assert_uint_eq(number, 42);
}
END_TEST

START_TEST(device_knows_its_own_number)
{
	char text[32], expected[32];

	snprintf(expected, sizeof(expected), "%u:%u", major(numbers[_i]), minor(numbers[_i]));
	ck_assert_int_eq(sysfs_text(numbers[_i], "dev", text, sizeof(text)), 0);
	ck_assert_str_eq(text, expected);
	ck_assert_int_eq(sysfs_link(numbers[_i], "subsystem", text, sizeof(text)), 0);
	ck_assert_str_eq(text, "block");
}
END_TEST

START_TEST(partition_is_what_has_a_partition_number)
{
	bool partition = access(directory_of(numbers[_i], "partition"), F_OK) == 0;

	ck_assert(sysfs_is_partition(numbers[_i]) == partition);
}
END_TEST

/* Only the whole disk has a queue, and a partition finds it there. */
START_TEST(queue_is_the_disks)
{
	uint64_t block = 0, own = 0;

	ck_assert_int_eq(sysfs_disk_number(numbers[_i], "queue/logical_block_size", &block), 0);
	ck_assert(block >= 512 && (block & (block - 1)) == 0);
	int error = sysfs_number(numbers[_i], "queue/logical_block_size", &own);
	if (sysfs_is_partition(numbers[_i]))
		ck_assert_int_eq(error, -ENOENT);
	else
		ck_assert_uint_eq(own, block);
}
END_TEST

static void put_file(const char *folder, const char *name, const char *text)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	FILE *file = fopen(path, "w");
	ck_assert(file && fputs(text, file) >= 0 && fclose(file) == 0);
}

/* The folder looks like a queue, but the kernel has not made it. */
START_TEST(folder_of_somebody_elses_is_no_queue)
{
	char folder[64] = "/tmp/untorn-test-XXXXXX", queue[96];
	dev_t none;

	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(queue, sizeof(queue), "%s/queue", folder);
	ck_assert_int_eq(mkdir(queue, 0700), 0);
	put_file(folder, "dev", "8:0\n");
	put_file(queue, "logical_block_size", "512\n");
	int fd = open(queue, O_PATH | O_DIRECTORY);
	ck_assert_int_eq(sysfs_disk_of_queue(fd, &none), -ENOENT);
	close(fd);
	unlinkat(AT_FDCWD, strcat(queue, "/logical_block_size"), 0);
	strrchr(queue, '/')[0] = '\0';
	rmdir(queue);
	unlink(strcat(folder, "/dev"));
	strrchr(folder, '/')[0] = '\0';
	rmdir(folder);
}
END_TEST

START_TEST(queues_folder_leads_to_the_disk)
{
	dev_t found = 0, none = 0;
	bool partition = sysfs_is_partition(numbers[_i]);
	int folder = open(directory_of(numbers[_i], partition ? "../queue" : "queue"),
			  O_PATH | O_DIRECTORY);
	int other = open(directory_of(numbers[_i], partition ? ".." : "."), O_PATH | O_DIRECTORY);
	ck_assert_int_eq(sysfs_disk_of_queue(folder, &found), 0);
	ck_assert_int_eq(sysfs_disk_of_queue(other, &none), -ENOENT);
	ck_assert_int_eq(sysfs_disk_of_queue(-1, &none), -ENOENT);
	ck_assert(partition ? found != numbers[_i] : found == numbers[_i]);
	close(folder);
	close(other);
}
END_TEST

START_TEST(name_is_the_disks)
{
	char name[32], path[64], place[PATH_MAX];
	struct stat st;

	ck_assert_int_eq(sysfs_disk_name(numbers[_i], name, sizeof(name)), 0);
	snprintf(path, sizeof(path), "/sys/block/%s", name);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_ptr_nonnull(realpath(directory_of(numbers[_i], ""), place));
	bool is_own = strcmp(strrchr(place, '/') + 1, name) == 0;
	ck_assert(is_own == !sysfs_is_partition(numbers[_i]));
	ck_assert_int_eq(sysfs_disk_name(numbers[_i], name, 2), -ENAMETOOLONG);
	ck_assert_int_eq(sysfs_disk_name(nobody(), name, sizeof(name)), -ENOENT);
}
END_TEST

START_TEST(inode_is_the_directorys)
{
	struct stat st;
	uint64_t inode = 0, again = 0;

	ck_assert_int_eq(stat(directory_of(numbers[_i], ""), &st), 0);
	ck_assert_int_eq(sysfs_inode(numbers[_i], &inode), 0);
	ck_assert_uint_eq(inode, st.st_ino);
	ck_assert_int_eq(sysfs_disk_inode(numbers[_i], &again), 0);
	ck_assert((again == inode) == !sysfs_is_partition(numbers[_i]));
}
END_TEST

static const struct {
	const char *why, *name;
	int expected;
} wrong_numbers[] = {
	{ "a colon", "dev", -EINVAL },
	{ "-1, which strtoull would take", "events_poll_msecs", -EINVAL },
	{ "a word", "queue/zoned", -EINVAL },
	{ "the first of many lines is no number", "uevent", -EINVAL },
	{ "a directory", "queue", -EISDIR },
	{ "nothing of that name", "no_such_attribute", -ENOENT },
	{ "a file below a file", "dev/size", -ENOTDIR },
};

START_TEST(what_is_no_number_is_an_error)
{
	uint64_t number = 42;
	int error = sysfs_number(disk.number, wrong_numbers[_i].name, &number);

	ck_assert_msg(error == wrong_numbers[_i].expected, "%s: %d", wrong_numbers[_i].why, error);
	ck_assert_uint_eq(number, 42);
}
END_TEST

START_TEST(text_never_outgrows_its_buffer)
{
	char text[8];

	memset(text, 'x', sizeof(text));
	sysfs_text(disk.number, "queue/logical_block_size", text, 3);
	ck_assert_str_eq(text, "51");
	ck_assert(text[3] == 'x');
	memset(text, 'x', sizeof(text));
	ck_assert_int_eq(sysfs_link(disk.number, "subsystem", text, 5), -ENAMETOOLONG);
	ck_assert(text[0] == 'x');
	ck_assert_int_eq(sysfs_link(disk.number, "subsystem", text, 6), 0);
	ck_assert_str_eq(text, "block");
	ck_assert_int_eq(sysfs_link(disk.number, "dev", text, sizeof(text)), -EINVAL);
}
END_TEST

START_TEST(disk_has_the_numbers_that_it_was_made_with)
{
	uint64_t number = 0;

	ck_assert_int_eq(sysfs_number(disk.number, "size", &number), 0);
	ck_assert_uint_eq(number, TEST_DISK_SIZE / 512);
	ck_assert_int_eq(sysfs_disk_number(disk.number, "queue/logical_block_size", &number), 0);
	ck_assert_uint_eq(number, 512);
	ck_assert(!sysfs_is_partition(disk.number));
}
END_TEST

/* Counts a disk's partitions, also through a partition; and in a folder that is not there, a file,
 * and names without a number. */
START_TEST(numbered_entries_are_counted)
{
	char prefix[32];
	unsigned count = 77;

	ck_assert_int_eq(sysfs_disk_name(disk.number, prefix, sizeof(prefix) - 1), 0);
	strcat(prefix, "p");
	ck_assert_int_eq(sysfs_disk_count(disk.number, "", prefix, &count), 0);
	ck_assert_uint_eq(count, COUNT(disk.partition));
	ck_assert_int_eq(sysfs_disk_count(disk.partition[0], "", prefix, &count), 0);
	ck_assert_uint_eq(count, COUNT(disk.partition));
	ck_assert_int_eq(sysfs_disk_count(disk.number, "", "r", &count), 0); /* "ro", "range" */
	ck_assert_uint_eq(count, 0);
	ck_assert_int_eq(sysfs_disk_count(disk.number, "absent", "", &count), -ENOENT);
	ck_assert_int_eq(sysfs_disk_count(disk.number, "dev", "", &count), -ENOTDIR);
}
END_TEST

/* Runs in a child, with links of our own over those of /sys. 2: not allowed on this machine. */
static int name_behind(size_t length, char *ret_name)
{
	char target[2048];

	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("none", "/sys/dev/block", "tmpfs", 0, NULL) < 0)
		return 2;
	memset(target, 'x', length);
	memcpy(target + length - 5, "/name", 6);
	if (symlink(target, "/sys/dev/block/77:77") < 0)
		return 2;
	return sysfs_disk_name(makedev(77, 77), ret_name, 32);
}

/* A device's path may be long: a cut name would be another device's. */
START_TEST(links_are_read_whole)
{
	static const size_t lengths[] = { 200, 255, 256, 257, 1000, 1023, 1024, 1500 };
	int status;
	pid_t child = fork();

	if (child == 0) {
		char name[32] = "";
		int error = name_behind(lengths[_i], name);
		if (error == 2)
			_exit(2);
		_exit(lengths[_i] < 1024 ? error || strcmp(name, "name") != 0
					 : error != -ENAMETOOLONG);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) != 1);
}
END_TEST

START_TEST(partition_has_its_own_and_its_disks_numbers)
{
	char own[32], text[32];
	uint64_t number = 0, inode = 0;

	ck_assert(sysfs_is_partition(disk.partition[_i]));
	ck_assert_int_eq(sysfs_number(disk.partition[_i], "start", &number), 0);
	ck_assert_uint_eq(number * 512, _i ? TEST_DISK_START_2 : TEST_DISK_START_1);
	ck_assert_int_eq(sysfs_number(disk.partition[_i], "size", &number), 0);
	ck_assert_uint_eq(number * 512, TEST_DISK_PARTITION);
	ck_assert_int_eq(sysfs_disk_number(disk.partition[_i], "size", &number), 0);
	ck_assert_uint_eq(number * 512, TEST_DISK_SIZE);
	ck_assert_int_eq(sysfs_disk_text(disk.partition[_i], "dev", text, sizeof(text)), 0);
	ck_assert_int_eq(sysfs_text(disk.number, "dev", own, sizeof(own)), 0);
	ck_assert_str_eq(text, own);
	ck_assert_int_eq(sysfs_disk_inode(disk.partition[_i], &inode), 0);
	ck_assert_int_eq(sysfs_inode(disk.number, &number), 0);
	ck_assert_uint_eq(inode, number);
	ck_assert_int_eq(sysfs_disk_link(disk.partition[_i], "subsystem", text, sizeof(text)), 0);
	ck_assert_str_eq(text, "block");
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("sysfs");
	TCase *tc = tcase_create("machine");

	find_devices();
	tcase_add_test(tc, number_that_nobody_has_is_enoent);
	tcase_add_loop_test(tc, device_knows_its_own_number, 0, number_count);
	tcase_add_loop_test(tc, partition_is_what_has_a_partition_number, 0, number_count);
	tcase_add_loop_test(tc, queue_is_the_disks, 0, number_count);
	tcase_add_loop_test(tc, queues_folder_leads_to_the_disk, 0, number_count);
	tcase_add_test(tc, folder_of_somebody_elses_is_no_queue);
	tcase_add_loop_test(tc, name_is_the_disks, 0, number_count);
	tcase_add_loop_test(tc, inode_is_the_directorys, 0, number_count);
	suite_add_tcase(s, tc);
	if (!test_disk_make(&disk, 512))
		return s;
	tc = tcase_create("disk");
	tcase_add_loop_test(tc, what_is_no_number_is_an_error, 0, COUNT(wrong_numbers));
	tcase_add_test(tc, text_never_outgrows_its_buffer);
	tcase_add_test(tc, disk_has_the_numbers_that_it_was_made_with);
	tcase_add_test(tc, numbered_entries_are_counted);
	tcase_add_loop_test(tc, links_are_read_whole, 0, 8);
	tcase_add_loop_test(tc, partition_has_its_own_and_its_disks_numbers, 0, 2);
	suite_add_tcase(s, tc);
	return s;
}
