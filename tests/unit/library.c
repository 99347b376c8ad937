/* SPDX-License-Identifier: MIT */
/* A library that is opened on first need: there, not there, half there, and after a fork. */
#include <math.h>
#include <pthread.h>

#include "base/library.h"
#include "suite.h"

/* libm is on every machine that has the C library, and not in this process before. */
static struct library mathematics(void)
{
	return (struct library){ .names = { "libuntorn-none.so.9", "libm.so.6" },
				 .symbols = { "cos", "floor" } };
}

START_TEST(second_name_is_taken)
{
	struct library library = mathematics();

	ck_assert(library_open(&library));
	double (*floor_of)(double) = (double (*)(double))library_function(&library, 1);
	ck_assert(floor_of(2.5) == 2.0);
	ck_assert(library_open(&library));
}
END_TEST

START_TEST(absent_library_stays_absent)
{
	struct library library = { .names = { "libuntorn-none.so.9" }, .symbols = { "cos" } };

	ck_assert(!library_open(&library));
	library.names[0] = "libm.so.6";
	ck_assert(!library_open(&library));
}
END_TEST

START_TEST(library_that_lacks_a_symbol_is_no_good)
{
	struct library library = mathematics();

	library.symbols[1] = "untorn_no_such_function";
	ck_assert(!library_open(&library));
}
END_TEST

START_TEST(fork_keeps_what_was_opened)
{
	struct library library = mathematics();

	ck_assert(library_open(&library));
	library_after_fork(&library);
	ck_assert(library_open(&library));
}
END_TEST

START_TEST(fork_leaves_what_nobody_tried)
{
	struct library library = mathematics();

	library_after_fork(&library);
	ck_assert(library_open(&library));
}
END_TEST

/* What another thread was opening when the process forked: 1 is that state. */
START_TEST(fork_gives_up_what_was_being_opened)
{
	struct library library = mathematics();

	atomic_store(&library.state, 1);
	library_after_fork(&library);
	ck_assert(!library_open(&library));
}
END_TEST

static void *open_it(void *library)
{
	ck_assert(library_open(library));
	ck_assert_ptr_nonnull(library_function(library, 0));
	return NULL;
}

START_TEST(many_may_be_the_first)
{
	for (int round = 0; round < 50; round++) {
		struct library library = mathematics();
		pthread_t threads[4];
		for (int i = 0; i < 4; i++)
			pthread_create(&threads[i], NULL, open_it, &library);
		for (int i = 0; i < 4; i++)
			pthread_join(threads[i], NULL);
	}
}
END_TEST

Suite *suite(void)
{
	Suite *suite = suite_create("library");
	TCase *tc = tcase_create("opening");

	tcase_add_test(tc, second_name_is_taken);
	tcase_add_test(tc, absent_library_stays_absent);
	tcase_add_test(tc, library_that_lacks_a_symbol_is_no_good);
	tcase_add_test(tc, fork_keeps_what_was_opened);
	tcase_add_test(tc, fork_leaves_what_nobody_tried);
	tcase_add_test(tc, fork_gives_up_what_was_being_opened);
	tcase_add_test(tc, many_may_be_the_first);
	suite_add_tcase(suite, tc);
	return suite;
}
