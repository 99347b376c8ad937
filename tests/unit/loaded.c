/* SPDX-License-Identifier: MIT */
/* Functions found by the hash tables of libraries must be those that dlsym() finds. */
#include <dlfcn.h>
#include <gnu/lib-names.h>

#include "base/loaded.h"
#include "base/real.h"
#include "suite.h"

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))

/* Functions of one version and of several, aliases, and names that do not exist. */
static const char *const names[] = { "close",           "pwritev2",
				     "fclose",          "pthread_create",
				     "sigaction",       "__sysv_signal",
				     "openat",          "pthread_sigmask",
				     "pthread_join",    "sched_getaffinity",
				     "qsort",           "no_such_function",
				     "io_uring_submit", "" };

START_TEST(a_library_is_searched_as_by_dlsym)
{
	void *libc = dlopen(LIBC_SO, RTLD_NOW | RTLD_NOLOAD);

	ck_assert_ptr_nonnull(libc);
	ck_assert_ptr_eq(loaded_find(LIBC_SO, names[_i]), dlsym(libc, names[_i]));
	ck_assert_ptr_null(loaded_find("libno.such.library", names[_i]));
}
END_TEST

START_TEST(the_next_ones_are_those_of_dlsym)
{
	void *found[COUNT(names)] = { NULL };

	loaded_next(names, (unsigned)COUNT(names), found);
	for (int i = 0; i < COUNT(names); i++) {
		if (found[i])
			ck_assert_ptr_eq(found[i], dlsym(RTLD_NEXT, names[i]));
	}
#if defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
	ck_assert_ptr_nonnull(found[0]);
#endif
}
END_TEST

/* memcpy is not a plain function: its code is chosen at its first call. So it and all names behind
 * it are left to the loader. A name that was already found stays. */
START_TEST(what_is_not_plain_is_left)
{
	static const char *const two[] = { "memcpy", "close" };
	void *found[] = { NULL, (void *)two };

	loaded_next(two, 2, found);
	ck_assert(!found[0] || found[0] == dlsym(RTLD_NEXT, "memcpy"));
	ck_assert_ptr_eq(found[1], (void *)two);
}
END_TEST

START_TEST(every_real_function_is_the_next_one)
{
	const struct real *functions = real();

#define CHECK(name) ck_assert_ptr_eq((void *)functions->name, dlsym(RTLD_NEXT, #name));
	REAL_NAMES(CHECK)
#undef CHECK
}
END_TEST

Suite *suite(void)
{
	Suite *suite = suite_create("loaded libraries");
	TCase *tc = tcase_create("symbols");

	tcase_add_loop_test(tc, a_library_is_searched_as_by_dlsym, 0, COUNT(names));
	tcase_add_test(tc, the_next_ones_are_those_of_dlsym);
	tcase_add_test(tc, what_is_not_plain_is_left);
	tcase_add_test(tc, every_real_function_is_the_next_one);
	suite_add_tcase(suite, tc);
	return suite;
}
