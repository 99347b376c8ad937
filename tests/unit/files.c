/* SPDX-License-Identifier: MIT */
/* Tests the files that are registered with rings: their ring, which of them the shim keeps, and
 * when its descriptors are closed. */
#include <errno.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "async/files.h"
#include "async/ring.h"
#include "async/ring_table.h"
#include "suite.h"
#include "tables_disk.h"

static struct test_disk disk;
static struct ring one = { .id = 1 }, two = { .id = 2 };

static bool has(const struct ring *ring, unsigned slot)
{
	struct file *file;
	int fd = files_get(ring, slot, &file);

	if (file)
		files_put(file);
	ck_assert_int_eq(fd >= 0, file != NULL);
	return fd >= 0;
}

/* The quick look at an entry must miss nothing that the slow ones find. */
START_TEST(nothing_is_passed_over)
{
	for (unsigned i = 0; i < 256 * 256; i++) {
		struct io_uring_sqe sqe = {
			.opcode = (uint8_t)i,
			.flags = i & 1 << 8 ? IOSQE_IO_DRAIN : IOSQE_IO_LINK,
			.rw_flags = i & 1 << 9 ? RWF_ATOMIC : ~RWF_ATOMIC,
			.file_index = i >> 10 & 1,
			.addr = i >> 11 & 1,
		};
		bool concerns = ring_is_atomic_write(&sqe) || (sqe.flags & IOSQE_IO_DRAIN) ||
				sqe.opcode == IORING_OP_CLOSE ||
				files_changed_by(&sqe) != FILES_STAY;
		if (concerns)
			ck_assert_msg(ring_concern(&sqe), "operation %u", sqe.opcode);
	}
	for (unsigned i = 0; i <= IORING_OP_LAST_KNOWN; i++) {
		struct io_uring_sqe sqe = { .opcode = (uint8_t)i, .file_index = 1, .addr = 1 };
		int changes = ring_kinds[i] & RING_KIND_CHANGES;
		ck_assert_int_eq(ring_concern(&sqe), changes);
		ck_assert(changes || files_changed_by(&sqe) == FILES_STAY);
	}
}
END_TEST

START_TEST(each_ring_has_its_own)
{
	int fd = open(disk.path, O_RDWR), none = -1, stays = -2;

	files_set(&one, 3, &fd, 1);
	ck_assert(has(&one, 3) && !has(&one, 2) && !has(&two, 3) && !has(NULL, 3));
	files_set(&two, 3, &none, 1);
	files_set(&one, 3, &stays, 1);
	files_forget(two.id);
	ck_assert(has(&one, 3));
	files_set(&one, 3, &none, 1);
	ck_assert(!has(&one, 3));
	files_set(&one, 4, &fd, 1);
	files_forget_all();
	ck_assert(!has(&one, 4));
}
END_TEST

START_TEST(what_is_done_to_a_ring_that_is_not_known_may_be_done_to_any)
{
	int fd = open(disk.path, O_RDWR);

	files_set(NULL, 0, &fd, 1);
	files_set(&one, 0, &fd, 1);
	files_before_register(NULL, IORING_REGISTER_BUFFERS);
	files_before_register(&two, IORING_UNREGISTER_FILES);
	files_before_change(&two, FILES_OF_RING);
	files_before_change(NULL, FILES_STAY);
	ck_assert(has(&one, 0));
	files_before_register(NULL, IORING_REGISTER_FILES_UPDATE);
	ck_assert(!has(&one, 0));
	files_set(&one, 0, &fd, 1);
	files_before_change(NULL, FILES_OF_RING);
	ck_assert(!has(&one, 0));
	files_set(&one, 0, &fd, 1);
	files_before_register(&two, URING_REGISTER_SEND_MSG_RING);
	ck_assert(!has(&one, 0));
	files_set(&one, 0, &fd, 1);
	files_before_register(&two, URING_REGISTER_LAST_KNOWN + 1);
	ck_assert(!has(&one, 0));
}
END_TEST

START_TEST(only_what_can_be_written_is_of_interest)
{
	int fd = open(disk.path, O_RDONLY), file = open("/dev/null", O_RDWR);
	int before = dup(fd);

	close(before);
	files_set(&one, 0, &fd, 1);
	files_set(&one, 1, &file, 1);
	ck_assert(!has(&one, 0) && !has(&one, 1));
	ck_assert_int_eq(dup(fd), before);
}
END_TEST

static bool is_locked(int fd)
{
	struct flock lock = { .l_type = F_WRLCK };
	int status;

	pid_t child = fork();
	if (child == 0)
		_exit(fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type == F_UNLCK ? 0 : 1);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	return status != 0;
}

/* Closing our descriptor would drop the locks: it is closed when they are gone. */
START_TEST(locks_of_the_program_stay)
{
	int fd = open(disk.path, O_RDWR), none = -1;
	struct flock lock = { .l_type = F_WRLCK };
	struct file *file;

	ck_assert_int_eq(fcntl(fd, F_SETLK, &lock), 0);
	files_set(&one, 0, &fd, 1);
	int own = files_get(&one, 0, &file);
	files_put(file);
	files_forget(one.id);
	ck_assert(!has(&one, 0) && is_locked(fd) && fcntl(own, F_GETFD) >= 0);
	lock.l_type = F_UNLCK;
	ck_assert_int_eq(fcntl(fd, F_SETLK, &lock), 0);
	files_set(&two, 0, &fd, 1);
	files_set(&two, 0, &none, 1);
	ck_assert_int_eq(fcntl(own, F_GETFD), -1);
}
END_TEST

START_TEST(one_that_is_in_use_stays_open)
{
	int fd = open(disk.path, O_RDWR);
	struct file *file;

	files_set(&one, 0, &fd, 1);
	int own = files_get(&one, 0, &file);
	files_forget(one.id);
	ck_assert(!has(&one, 0) && fcntl(own, F_GETFD) >= 0);
	files_put(file);
	ck_assert_int_eq(fcntl(own, F_GETFD), -1);
}
END_TEST

Suite *suite(void)
{
	Suite *suite = suite_create("registered files");
	TCase *tc = tcase_create("rings");

	suite_add_tcase(suite, tc);
	if (!test_disk_make(&disk, 512))
		return suite;
	tcase_add_test(tc, nothing_is_passed_over);
	tcase_add_test(tc, each_ring_has_its_own);
	tcase_add_test(tc, what_is_done_to_a_ring_that_is_not_known_may_be_done_to_any);
	tcase_add_test(tc, only_what_can_be_written_is_of_interest);
	tcase_add_test(tc, locks_of_the_program_stay);
	tcase_add_test(tc, one_that_is_in_use_stays_open);
	return suite;
}
