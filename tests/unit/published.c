/* SPDX-License-Identifier: MIT */
/*
 * Tests root's records in /run/untorn, here in a directory of our own: a round trip, then every
 * known way in which a record may be another user's, about another disk, or broken.
 */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/types.h>
#include <sys/wait.h>

#include "identify_page.h"
#include "device/published.h"
#include "device/transport.h"
#include "suite.h"
#include "base/sysfs.h"
#include "tables_disk.h"

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))

enum { NOBODY = 65534 };

static struct test_disk disk;
static char top[] = "/tmp/untorn-test-XXXXXX", directory[64], file[96];
static struct nvme_identity written, found;

static const struct decision decided = { NVME_POLICY_SINGLE, RULES_DEVICE };
static uint64_t asked;

/* Each test starts with a directory that holds one good record. */
static void remove_all(const char *path)
{
	DIR *stream = opendir(path);
	struct dirent *entry;
	char name[512];

	while (stream && (entry = readdir(stream))) {
		snprintf(name, sizeof(name), "%s/%s", path, entry->d_name);
		if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..") && unlink(name) < 0)
			remove_all(name);
	}
	if (stream)
		closedir(stream);
	if (rmdir(path) < 0)
		unlink(path);
}

static void publish(void)
{
	umask(022);
	snprintf(directory, sizeof(directory), "%s/run", top);
	snprintf(file, sizeof(file), "%s/%u:%u", directory, major(disk.number), minor(disk.number));
	remove_all(directory);
	published_directory = directory;
	for (unsigned i = 0; i < sizeof(written); i++)
		((uint8_t *)&written)[i] = (uint8_t)(i * 7 + i / 251);
	ck_assert_int_eq(published_write(disk.number, &written, decided), 0);
}

static void make_top(void)
{
	ck_assert_ptr_nonnull(mkdtemp(top));
	chmod(top, 0755);
}

static void remove_top(void)
{
	remove_all(top);
}

START_TEST(what_was_written_is_read)
{
	ck_assert_int_eq(published_read(disk.number, &found, &asked), 0);
	ck_assert_mem_eq(&found, &written, sizeof(found));
}
END_TEST

START_TEST(partition_reads_and_writes_its_disks_record)
{
	ck_assert_int_eq(published_read(disk.partition[1], &found, &asked), 0);
	ck_assert_mem_eq(&found, &written, sizeof(found));
	written.controller[5] ^= 1;
	ck_assert_int_eq(published_write(disk.partition[0], &written, decided), 0);
	ck_assert_int_eq(published_read(disk.number, &found, &asked), 0);
	ck_assert_mem_eq(&found, &written, sizeof(found));
}
END_TEST

START_TEST(everybody_may_read)
{
	ck_assert_int_eq(seteuid(NOBODY), 0);
	int error = published_read(disk.number, &found, &asked);
	ck_assert_int_eq(seteuid(0), 0);
	ck_assert_int_eq(error, 0);
}
END_TEST

/* Records are for users who may not ask the disk: root's umask must not keep them from reading. */
START_TEST(everybody_may_read_whatever_the_umask)
{
	remove_all(directory);
	umask(077);
	ck_assert_int_eq(published_write(disk.number, &written, decided), 0);
	ck_assert_int_eq(seteuid(NOBODY), 0);
	int error = published_read(disk.number, &found, &asked);
	ck_assert_int_eq(seteuid(0), 0);
	ck_assert_int_eq(error, 0);
}
END_TEST

START_TEST(nobody_else_may_write_whatever_the_umask)
{
	struct stat st;

	remove_all(directory);
	umask(0);
	ck_assert_int_eq(published_write(disk.number, &written, decided), 0);
	ck_assert_int_eq(stat(directory, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0755);
	ck_assert_int_eq(stat(file, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0644);
}
END_TEST

/* A process that has the old record open goes on reading the old record. */
START_TEST(record_is_replaced_at_once)
{
	static struct nvme_identity old;
	struct published head;
	int fd = open(file, O_RDONLY | O_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	old = written;
	written.namespace[24] ^= 2;
	ck_assert_int_eq(published_write(disk.number, &written, decided), 0);
	ck_assert_int_eq(read(fd, &head, sizeof(head)), sizeof(head));
	ck_assert_int_eq(read(fd, &found, sizeof(found)), sizeof(found));
	ck_assert_mem_eq(&found, &old, sizeof(found));
	ck_assert_int_eq(published_read(disk.number, &found, &asked), 0);
	ck_assert_mem_eq(&found, &written, sizeof(found));
}
END_TEST

static int temporary(char *path, size_t size)
{
	return snprintf(path, size, "%s/.%u:%u.%d", directory, major(disk.number),
			minor(disk.number), getpid());
}

START_TEST(what_a_crash_left_behind_is_in_nobodys_way)
{
	char path[128];

	temporary(path, sizeof(path));
	ck_assert_int_eq(symlink("/tmp/untorn-test-target", path), 0);
	ck_assert_int_eq(published_write(disk.number, &written, decided), 0);
	ck_assert_int_eq(access("/tmp/untorn-test-target", F_OK), -1);
	ck_assert_int_eq(published_read(disk.number, &found, &asked), 0);
	ck_assert_int_eq(access(path, F_OK), -1);
}
END_TEST

/* Each process writes its own file and renames it. */
START_TEST(three_publish_at_once)
{
	pid_t children[3];
	int status;

	for (int i = 0; i < 3; i++) {
		children[i] = fork();
		if (children[i] == 0) {
			for (int j = 0; j < 200; j++) {
				if (published_write(disk.number, &written, decided) < 0)
					_exit(1);
			}
			_exit(0);
		}
	}
	for (int i = 0; i < 3; i++)
		ck_assert(waitpid(children[i], &status, 0) == children[i] && status == 0);
	ck_assert_int_eq(published_read(disk.number, &found, &asked), 0);
}
END_TEST

START_TEST(failure_leaves_no_temporary_file)
{
	char path[128];

	ck_assert_int_eq(unlink(file), 0);
	ck_assert_int_eq(mkdir(file, 0755), 0); /* no file can be renamed over a folder */
	ck_assert_int_lt(published_write(disk.number, &written, decided), 0);
	temporary(path, sizeof(path));
	ck_assert_int_eq(access(path, F_OK), -1);
}
END_TEST

/* A record serves a process that may not or cannot ask. It does not replace the answer of a disk
 * that gave none. */
START_TEST(record_is_no_answer_of_the_disks)
{
	struct disk asked_disk;
	int fd = open(disk.path, O_RDWR | O_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(
		transport_nvme.identify(-1, disk.number, NVME_POLICY_NAMESPACE, &asked_disk), 0);
	ck_assert(asked_disk.published);
	ck_assert_int_lt(
		transport_nvme.identify(fd, disk.number, NVME_POLICY_NAMESPACE, &asked_disk), 0);
	close(fd);
}
END_TEST

START_TEST(number_that_nobody_has_is_enoent)
{
	ck_assert_int_eq(published_read(makedev(4000, 77), &found, &asked), -ENOENT);
	ck_assert_int_eq(published_write(makedev(4000, 77), &written, decided), -ENOENT);
}
END_TEST

/* The forgeries. Each spoils the good record in one way. */
static void patch(off_t offset, const void *bytes, size_t length)
{
	int fd = open(file, O_WRONLY | O_CLOEXEC);

	ck_assert_int_eq(pwrite(fd, bytes, length, offset), (ssize_t)length);
	close(fd);
}

static void owned_by_another(void)
{
	ck_assert_int_eq(chown(file, NOBODY, (gid_t)-1), 0);
}

static void group_may_write(void)
{
	ck_assert_int_eq(chmod(file, 0664), 0);
}

static void all_may_write(void)
{
	ck_assert_int_eq(chmod(file, 0646), 0);
}

static void directory_of_another(void)
{
	ck_assert_int_eq(chown(directory, NOBODY, (gid_t)-1), 0);
}

static void group_may_write_directory(void)
{
	ck_assert_int_eq(chmod(directory, 0775), 0);
}

static void all_may_write_directory(void)
{
	ck_assert_int_eq(chmod(directory, 01757), 0); /* sticky is not enough */
}

static void another_group(void)
{
	ck_assert_int_eq(chown(file, 0, NOBODY), 0);
}

static void link_to_record(void)
{
	char other[128];

	snprintf(other, sizeof(other), "%s/other", directory);
	ck_assert_int_eq(rename(file, other), 0);
	ck_assert_int_eq(symlink("other", file), 0);
}

static void link_to_directory(void)
{
	char other[128];

	snprintf(other, sizeof(other), "%s/real", top);
	remove_all(other);
	ck_assert_int_eq(rename(directory, other), 0);
	ck_assert_int_eq(symlink("real", directory), 0);
}

static void shorter_by_one(void)
{
	ck_assert_int_eq(truncate(file, sizeof(struct published) + sizeof(written) - 1), 0);
}

static void only_the_head(void)
{
	ck_assert_int_eq(truncate(file, sizeof(struct published)), 0);
}

static void empty(void)
{
	ck_assert_int_eq(truncate(file, 0), 0);
}

static void longer_by_one(void)
{
	ck_assert_int_eq(truncate(file, sizeof(struct published) + sizeof(written) + 1), 0);
}

static void another_magic(void)
{
	patch(0, "garbage!", 8);
}

static void another_version(void)
{
	patch(7, "\1", 1);
}

static void another_kind(void)
{
	patch(offsetof(struct published, kind), "\2\0\0\0", 4);
}

static void stale_block(void)
{
	patch(offsetof(struct published, block), &(uint32_t){ 4096 }, 4);
}

static void stale_disk(void)
{
	patch(offsetof(struct published, diskseq), &(uint64_t){ UINT64_MAX }, 8);
}

static void stale_inode(void)
{
	patch(offsetof(struct published, inode), &(uint64_t){ UINT64_MAX }, 8);
}

static void a_fifo(void)
{
	unlink(file);
	ck_assert_int_eq(mkfifo(file, 0644), 0);
}

static void a_directory(void)
{
	unlink(file);
	ck_assert_int_eq(mkdir(file, 0755), 0);
}

static void a_device(void)
{
	unlink(file);
	ck_assert_int_eq(mknod(file, S_IFCHR | 0644, makedev(1, 5)), 0); /* /dev/zero */
}

static void no_file(void)
{
	unlink(file);
}

static void no_directory(void)
{
	remove_all(directory);
}

/* The record's file is named after another device number. */
static void another_number(void)
{
	char other[128];

	snprintf(other, sizeof(other), "%s/259:0", directory);
	ck_assert_int_eq(rename(file, other), 0);
}

static const struct {
	const char *why;
	void (*forge)(void);
	int expected;
} forgeries[] = {
	{ "the file is another's", owned_by_another, -EPERM },
	{ "its group may write it", group_may_write, -EPERM },
	{ "all may write it", all_may_write, -EPERM },
	{ "the directory is another's", directory_of_another, -EPERM },
	{ "its group may write the directory", group_may_write_directory, -EPERM },
	{ "all may write the directory", all_may_write_directory, -EPERM },
	{ "the group alone is no harm", another_group, 0 },
	{ "the file is a link", link_to_record, -ELOOP },
	{ "the directory is a link", link_to_directory, -ENOTDIR },
	{ "one byte is missing", shorter_by_one, -EBADMSG },
	{ "the pages are missing", only_the_head, -EBADMSG },
	{ "all is missing", empty, -EBADMSG },
	{ "there is a byte more than a record has", longer_by_one, -EBADMSG },
	{ "another magic", another_magic, -EBADMSG },
	{ "another version", another_version, -EBADMSG },
	{ "another kind", another_kind, -EBADMSG },
	{ "the disk was reformatted", stale_block, -ESTALE },
	{ "the number is another disk's now", stale_disk, -ESTALE },
	{ "the directory in /sys is another", stale_inode, -ESTALE },
	{ "a fifo: to be refused without waiting", a_fifo, -EPERM },
	{ "a directory", a_directory, -EPERM },
	{ "a device", a_device, -EPERM },
	{ "no record of this disk", no_file, -ENOENT },
	{ "nothing was ever published", no_directory, -ENOENT },
	{ "only another disk's", another_number, -ENOENT },
};

START_TEST(forged_record_is_not_believed)
{
	forgeries[_i].forge();
	int error = published_read(disk.number, &found, &asked);
	ck_assert_msg(error == forgeries[_i].expected, "%s: %d", forgeries[_i].why, error);
}
END_TEST

START_TEST(root_does_not_write_where_others_may)
{
	static void (*const forge[])(void) = { directory_of_another, group_may_write_directory,
					       all_may_write_directory };

	forge[_i]();
	ck_assert_int_eq(published_write(disk.number, &written, decided), -EPERM);
}
END_TEST

START_TEST(root_does_not_write_through_a_link)
{
	link_to_directory();
	ck_assert_int_eq(published_write(disk.number, &written, decided), -ENOTDIR);
}
END_TEST

START_TEST(reformatted_disk_needs_publishing_again)
{
	ck_assert_int_eq(ioctl(disk.fd, LOOP_SET_BLOCK_SIZE, 1024), 0);
	int error = published_read(disk.number, &found, &asked);
	int again = published_write(disk.number, &written, decided);
	int after = published_read(disk.number, &found, &asked);
	ck_assert_int_eq(ioctl(disk.fd, LOOP_SET_BLOCK_SIZE, 512), 0);
	ck_assert_int_eq(error, -ESTALE);
	ck_assert_int_eq(again, 0);
	ck_assert_int_eq(after, 0);
	ck_assert_int_eq(published_read(disk.number, &found, &asked), -ESTALE);
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("published");
	TCase *tc = tcase_create("files");

	if (geteuid() != 0 || !test_disk_make(&disk, 512))
		suite_skip("no loop disk, or not root");
	tcase_add_unchecked_fixture(tc, make_top, remove_top);
	tcase_add_checked_fixture(tc, publish, NULL);
	tcase_add_test(tc, what_was_written_is_read);
	tcase_add_test(tc, partition_reads_and_writes_its_disks_record);
	tcase_add_test(tc, everybody_may_read);
	tcase_add_test(tc, everybody_may_read_whatever_the_umask);
	tcase_add_test(tc, nobody_else_may_write_whatever_the_umask);
	tcase_add_test(tc, record_is_replaced_at_once);
	tcase_add_test(tc, what_a_crash_left_behind_is_in_nobodys_way);
	tcase_add_test(tc, three_publish_at_once);
	tcase_add_test(tc, failure_leaves_no_temporary_file);
	tcase_add_test(tc, record_is_no_answer_of_the_disks);
	tcase_add_test(tc, number_that_nobody_has_is_enoent);
	tcase_add_loop_test(tc, forged_record_is_not_believed, 0, COUNT(forgeries));
	tcase_add_loop_test(tc, root_does_not_write_where_others_may, 0, 3);
	tcase_add_test(tc, root_does_not_write_through_a_link);
	tcase_add_test(tc, reformatted_disk_needs_publishing_again);
	suite_add_tcase(s, tc);
	return s;
}
