/* SPDX-License-Identifier: MIT */
/*
 * Tests one question about the page cache for several writes, on a loop disk: when one is enough,
 * and that each write asks for itself when it is not.
 *
 * Links: -Wl,--wrap=cache_clear
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/mman.h>
#include <unistd.h>

#include "device/cache.h"
#include "engine/span.h"
#include "suite.h"
#include "tables_disk.h"

enum { PAGE = 4096, COUNT = 3, APART = 8 * PAGE };

static struct test_disk disk;
static int direct, buffered, questions;
static char memory[PAGE];

int __real_cache_clear(int fd, uint64_t offset, uint32_t length);
int __wrap_cache_clear(int fd, uint64_t offset, uint32_t length);
int __wrap_cache_clear(int fd, uint64_t offset, uint32_t length)
{
	questions++;
	return __real_cache_clear(fd, offset, length);
}

static struct hold hold_on(int fd)
{
	struct hold hold = { .state = 100, .fd = fd };

	look_at_node(fd, &hold.node);
	hold.node.flags = O_RDWR;
	return hold;
}

/* A write of a page that is good, unless the page cache has the page. */
static void ask(struct work *work, struct hold *hold, uint64_t offset, struct work *next)
{
	*work = (struct work){
		.next = next,
		.result = REQUEST_GOOD,
		.job = { .hold = hold,
			 .asks = true,
			 .own.limits = { .unit_min = 512, .unit_max = PAGE },
			 .request = { .offset = offset,
				      .length = PAGE,
				      .address = (uintptr_t)memory,
				      .segments = 1,
				      .size = UINT64_MAX,
				      .block = 512,
				      .physical = 512,
				      .open_flags = O_RDWR | O_DIRECT } },
	};
}

static void empty_cache(void)
{
	ck_assert_int_eq(ioctl(buffered, BLKFLSBUF, 0), 0);
}

static void ask_some(struct work works[COUNT], struct hold *hold)
{
	for (int i = 0; i < COUNT; i++)
		ask(&works[i], hold, (uint64_t)i * APART, i < COUNT - 1 ? &works[i + 1] : NULL);
	questions = 0;
}

static bool is_cached(off_t offset)
{
	unsigned char there;
	void *page = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, buffered, offset);

	ck_assert(page != MAP_FAILED && mincore(page, PAGE, &there) == 0);
	munmap(page, PAGE);
	return there & 1;
}

static void bring_in(off_t offset)
{
	char page[PAGE];

	ck_assert_int_eq(posix_fadvise(buffered, 0, 0, POSIX_FADV_RANDOM), 0);
	ck_assert_int_eq(pread(buffered, page, sizeof(page), offset), PAGE);
	ck_assert(is_cached(offset));
}

static void want_good(const struct work works[COUNT])
{
	for (int i = 0; i < COUNT; i++) {
		ck_assert_int_eq(works[i].result, REQUEST_GOOD);
		ck_assert(!works[i].job.asks);
	}
}

START_TEST(one_question_where_nothing_is_cached)
{
	struct hold hold = hold_on(direct);
	struct work works[COUNT];

	ask_some(works, &hold);
	span_before(works);
	want_good(works);
	ck_assert_int_eq(questions, 0);
}
END_TEST

START_TEST(what_is_cached_in_one_is_dropped)
{
	struct hold hold = hold_on(direct);
	struct work works[COUNT];

	bring_in(APART);
	ask_some(works, &hold);
	span_before(works);
	want_good(works);
	ck_assert(questions == COUNT && !is_cached(APART));
}
END_TEST

START_TEST(what_is_cached_between_stays)
{
	struct hold hold = hold_on(direct);
	struct work works[COUNT];

	bring_in(APART + 2 * PAGE);
	ask_some(works, &hold);
	span_before(works);
	want_good(works);
	ck_assert(questions == COUNT && is_cached(APART + 2 * PAGE));
	span_after(works);
	ck_assert(is_cached(APART + 2 * PAGE));
}
END_TEST

START_TEST(one_that_does_not_fit_is_refused)
{
	struct hold hold = hold_on(direct);
	struct work works[COUNT];

	ask_some(works, &hold);
	works[1].job.request.offset = TEST_DISK_SIZE;
	span_before(works);
	ck_assert_int_eq(works[0].result, REQUEST_GOOD);
	ck_assert_int_eq(works[1].result, -ENOSPC);
	ck_assert_ptr_null(works[1].job.hold);
	ck_assert_int_eq(works[2].result, REQUEST_GOOD);
}
END_TEST

START_TEST(each_hold_by_itself)
{
	struct hold one = hold_on(direct), two = hold_on(direct);
	struct work works[COUNT];

	ask_some(works, &one);
	works[1].job.hold = &two;
	span_before(works);
	want_good(works);
	ck_assert_int_eq(questions, 1); /* a write that is alone asks for itself */
}
END_TEST

START_TEST(what_came_in_meanwhile_is_dropped)
{
	struct hold hold = hold_on(direct);
	struct work works[COUNT];

	ask_some(works, &hold);
	bring_in(2 * APART);
	span_after(works);
	want_good(works);
	ck_assert(!is_cached(2 * APART));
}
END_TEST

Suite *suite(void)
{
	Suite *suite = suite_create("spans");
	TCase *tc = tcase_create("a loop disk");

	suite_add_tcase(suite, tc);
	if (!test_disk_make(&disk, 512))
		return suite;
	direct = open(disk.path, O_RDWR | O_DIRECT);
	buffered = open(disk.path, O_RDWR);
	tcase_add_checked_fixture(tc, empty_cache, NULL);
	tcase_add_test(tc, one_question_where_nothing_is_cached);
	tcase_add_test(tc, what_is_cached_in_one_is_dropped);
	tcase_add_test(tc, what_is_cached_between_stays);
	tcase_add_test(tc, one_that_does_not_fit_is_refused);
	tcase_add_test(tc, each_hold_by_itself);
	tcase_add_test(tc, what_came_in_meanwhile_is_dropped);
	return suite;
}
