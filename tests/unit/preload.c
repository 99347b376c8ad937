/* SPDX-License-Identifier: MIT */
/* Tests LD_PRELOAD with our libraries first: each once, all others in their order. */
#include <linux/limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "command/preload.h"
#include "suite.h"

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))

#define SHIM "/lib/libuntorn.so"
#define SIM  "/lib/libuntorn-sim.so"

static const struct {
	const char *list, *sim, *expected;
} rows[] = {
	{ "", NULL, SHIM },
	{ "", SIM, SHIM ":" SIM },
	{ ":", NULL, SHIM },
	{ " ", SIM, SHIM ":" SIM },
	{ " : :: ", NULL, SHIM },
	/* Other entries and the separators between them stay as they are. */
	{ "a.so", NULL, SHIM ":a.so" },
	{ "a.so", SIM, SHIM ":" SIM ":a.so" },
	{ "/x/a.so:b.so", NULL, SHIM ":/x/a.so:b.so" },
	{ "b.so a.so", NULL, SHIM ":b.so a.so" },
	{ "b.so  ::  a.so", NULL, SHIM ":b.so  ::  a.so" },
	{ "a.so:", NULL, SHIM ":a.so" },
	{ "a.so ", NULL, SHIM ":a.so" },
	{ "a.so: :", SIM, SHIM ":" SIM ":a.so" },
	{ "a.so:a.so", NULL, SHIM ":a.so:a.so" },
	{ "$LIB/a.so", NULL, SHIM ":$LIB/a.so" },
	/* The shim is there already. */
	{ SHIM, NULL, SHIM },
	{ SHIM ":", NULL, SHIM },
	{ "libuntorn.so", NULL, SHIM },
	{ "./libuntorn.so", NULL, SHIM },
	{ SHIM ":a.so", NULL, SHIM ":a.so" },
	{ SHIM " a.so", NULL, SHIM ":a.so" },
	{ "a.so:" SHIM, NULL, SHIM ":a.so" },
	{ "a.so " SHIM, NULL, SHIM ":a.so" },
	{ "a.so:" SHIM ":b.so", NULL, SHIM ":a.so:b.so" },
	{ "a.so " SHIM ":b.so", NULL, SHIM ":a.so b.so" },
	{ SHIM ":" SHIM, NULL, SHIM },
	{ SHIM ":a.so:" SHIM, NULL, SHIM ":a.so" },
	{ "a.so:" SHIM ":" SHIM ":b.so", NULL, SHIM ":a.so:b.so" },
	{ "/elsewhere/libuntorn.so:a.so", NULL, SHIM ":a.so" },
	{ "/elsewhere/libuntorn.so:" SHIM, SIM, SHIM ":" SIM },
	/* The simulated disk: moved up if asked for; else an entry like all others. */
	{ SIM, SIM, SHIM ":" SIM },
	{ SIM ":" SHIM, SIM, SHIM ":" SIM },
	{ "a.so:/elsewhere/libuntorn-sim.so", SIM, SHIM ":" SIM ":a.so" },
	{ SIM ":a.so:" SIM, SIM, SHIM ":" SIM ":a.so" },
	{ "a.so:" SIM, NULL, SHIM ":a.so:" SIM },
	{ SIM ":" SHIM, NULL, SHIM ":" SIM },
	/* Names that only look alike. */
	{ "libuntorn.so.1", NULL, SHIM ":libuntorn.so.1" },
	{ "xlibuntorn.so", NULL, SHIM ":xlibuntorn.so" },
	{ "libuntorn.s", NULL, SHIM ":libuntorn.s" },
	{ "libuntorn.soo:ibuntorn.so", NULL, SHIM ":libuntorn.soo:ibuntorn.so" },
	{ "LIBUNTORN.SO", NULL, SHIM ":LIBUNTORN.SO" },
	{ "/x/libuntorn.so/a.so", NULL, SHIM ":/x/libuntorn.so/a.so" },
	{ "/x/libuntorn.so/", NULL, SHIM ":/x/libuntorn.so/" },
	{ "/x/libuntorn.so/libuntorn.so", NULL, SHIM },
	{ "xlibuntorn-sim.so:libuntorn-sim.so.0", SIM,
	  SHIM ":" SIM ":xlibuntorn-sim.so:libuntorn-sim.so.0" },
	{ "libuntorn.so-libuntorn.so", NULL, SHIM ":libuntorn.so-libuntorn.so" },
	/* A sanitizer's library stays first if it was first; elsewhere it is like any other. */
	{ "libasan.so.8", NULL, "libasan.so.8:" SHIM },
	{ "/x/libasan.so", SIM, "/x/libasan.so:" SHIM ":" SIM },
	{ "libasan.so.8:a.so", NULL, "libasan.so.8:" SHIM ":a.so" },
	{ " libtsan.so.2  a.so b.so", NULL, " libtsan.so.2:" SHIM ":a.so b.so" },
	{ SHIM ":/x/libclang_rt.asan.so:a.so", NULL, "/x/libclang_rt.asan.so:" SHIM ":a.so" },
	{ "a.so:libasan.so.8", NULL, SHIM ":a.so:libasan.so.8" },
	{ "/libasan.so/a.so", NULL, SHIM ":/libasan.so/a.so" },
	{ "xlibasan.so", NULL, SHIM ":xlibasan.so" },
	{ "a\tlibuntorn.so", NULL, SHIM ":a\tlibuntorn.so" }, /* a tab is no separator */
};

START_TEST(our_libraries_come_first_and_others_keep_their_order)
{
	AUTO_FREE char *result = cmd_preload_with(rows[_i].list, SHIM, rows[_i].sim);

	ck_assert_msg(strcmp(result, rows[_i].expected) == 0, "\"%s\" became \"%s\"", rows[_i].list,
		      result);
}
END_TEST

START_TEST(a_second_time_changes_nothing)
{
	AUTO_FREE char *once = cmd_preload_with(rows[_i].list, SHIM, rows[_i].sim);
	AUTO_FREE char *twice = cmd_preload_with(once, SHIM, rows[_i].sim);

	ck_assert_str_eq(once, twice);
}
END_TEST

/* Longer than any path or line buffer, with the shim at every hundredth place. */
START_TEST(long_lists_are_kept_whole)
{
	enum { ENTRIES = 20000, ENTRY = 64 };
	AUTO_FREE char *list = malloc((size_t)ENTRIES * ENTRY);
	AUTO_FREE char *expected = malloc((size_t)ENTRIES * ENTRY);
	size_t length = 0, expected_length = (size_t)sprintf(expected, "%s", SHIM);

	for (int i = 0; i < ENTRIES; i++) {
		if (i % 100 == 0)
			length += (size_t)sprintf(list + length, "/folder%d/libuntorn.so:", i);
		length += (size_t)sprintf(list + length, "/folder/library%d.so:", i);
		expected_length +=
			(size_t)sprintf(expected + expected_length, ":/folder/library%d.so", i);
	}
	AUTO_FREE char *result = cmd_preload_with(list, SHIM, NULL);
	ck_assert(strcmp(result, expected) == 0);
}
END_TEST

START_TEST(one_entry_may_be_longer_than_a_path)
{
	enum { LONG = 100000 };
	AUTO_FREE char *list = calloc(1, LONG + sizeof("/libuntorn.so"));

	memset(list, 'x', LONG);
	AUTO_FREE char *kept = cmd_preload_with(list, SHIM, NULL);
	ck_assert_uint_eq(strlen(kept), strlen(SHIM ":") + LONG);
	ck_assert_str_eq(kept + strlen(SHIM ":"), list);
	strcat(list, "/libuntorn.so");
	AUTO_FREE char *dropped = cmd_preload_with(list, SHIM, NULL);
	ck_assert_str_eq(dropped, SHIM);
}
END_TEST

static const char *const pieces[] = {
	"a.so",
	"/x/b.so",
	SHIM,
	"libuntorn.so",
	SIM,
	"libuntorn-sim.so",
	"libuntorn.so.1",
	"/y/libuntorn.so",
	"libuntorn.so/z",
	"xlibuntorn.so",
	":",
	" ",
	"::",
	" : ",
};

static bool is_ours(const char *entry, bool with_sim)
{
	const char *slash = strrchr(entry, '/'), *name = slash ? slash + 1 : entry;

	return strcmp(name, CMD_PRELOAD_SHIM) == 0 ||
	       (with_sim && strcmp(name, CMD_PRELOAD_SIM) == 0);
}

/* Compares both lists entry by entry; ours may be only at the result's front. */
static void check_random(const char *list, const char *result, bool with_sim)
{
	AUTO_FREE char *old = strdup(list), *new = strdup(result);
	char *old_place, *new_place;
	char *before = strtok_r(old, ": ", &old_place), *after = strtok_r(new, ": ", &new_place);

	ck_assert_str_eq(after, SHIM);
	after = strtok_r(NULL, ": ", &new_place);
	if (with_sim) {
		ck_assert_str_eq(after, SIM);
		after = strtok_r(NULL, ": ", &new_place);
	}
	for (; before; before = strtok_r(NULL, ": ", &old_place)) {
		if (is_ours(before, with_sim))
			continue;
		ck_assert_msg(after && strcmp(before, after) == 0, "\"%s\": \"%s\"", list, result);
		after = strtok_r(NULL, ": ", &new_place);
	}
	ck_assert_msg(!after, "\"%s\": \"%s\"", list, result);
}

START_TEST(random_lists)
{
	srandom(20000);
	for (int round = 0; round < 20000; round++) {
		char list[512] = "";
		bool with_sim = random() & 1;

		for (long i = random() % 16; i > 0; i--) {
			strcat(list, pieces[random() % COUNT(pieces)]);
			if (random() % 4)
				strcat(list, random() & 1 ? ":" : " ");
		}
		AUTO_FREE char *result = cmd_preload_with(list, SHIM, with_sim ? SIM : NULL);
		check_random(list, result, with_sim);
	}
}
END_TEST

/* Neither library is beside the test programs in the build folder. */
START_TEST(a_library_that_is_nowhere_is_not_found)
{
	ck_assert_ptr_null(cmd_preload_find("libuntorn-no-such-library.so"));
}
END_TEST

START_TEST(what_lies_beside_the_program_is_found_there)
{
	char self[PATH_MAX];
	ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);

	ck_assert_int_gt(length, 0);
	self[length] = '\0';
	AUTO_FREE char *path = cmd_preload_find(strrchr(self, '/') + 1);
	ck_assert_str_eq(path, self);
}
END_TEST

static const struct {
	const char *path;
	bool hinders;
} paths[] = {
	{ "/usr/lib/libuntorn.so", false },
	{ "/a b/c", true },
	{ "/a:b/c", true },
	{ "/$LIB/c", true },
	{ "/${LIB}/c", true },
	{ "/a$ORIGIN-b", true },
	{ "/$PLATFORM", true },
	{ "/$$LIB/c", true },
	{ "/$x/$LIB", true },
	{ "/$LIBS/c", false },
	{ "/${LIB/c", false },
	{ "/$LIB_/c", false },
	{ "/$LI/c", false },
	{ "/$", false },
	{ "/LIB/c", false },
	{ "/$lib/c", false },
	{ "/${LIBS}/c", false },
	{ "/a\tb", false },
};

START_TEST(paths_that_the_loader_would_read_otherwise)
{
	ck_assert_msg((cmd_preload_hinders(paths[_i].path) != NULL) == paths[_i].hinders, "%s",
		      paths[_i].path);
}
END_TEST

static void nothing_to_leave(const char *list)
{
	char *argv[] = { NULL, NULL };

	if (list)
		setenv("LD_PRELOAD", list, 1);
	else
		unsetenv("LD_PRELOAD");
	cmd_preload_leave_shim(argv);
	if (list)
		ck_assert_str_eq(getenv("LD_PRELOAD"), list);
	else
		ck_assert_ptr_null(getenv("LD_PRELOAD"));
}

/* If the shim were in the list, this call would not return. */
START_TEST(without_the_shim_there_is_no_fresh_start)
{
	nothing_to_leave(NULL);
	nothing_to_leave("");
	nothing_to_leave("a.so: b.so:");
	nothing_to_leave("/x/libuntorn-sim.so:libuntorn.so.1:xlibuntorn.so:libuntorn.so/a");
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("the preload list");
	TCase *tc = tcase_create("lists");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, our_libraries_come_first_and_others_keep_their_order, 0,
			    COUNT(rows));
	tcase_add_loop_test(tc, a_second_time_changes_nothing, 0, COUNT(rows));
	tcase_add_loop_test(tc, paths_that_the_loader_would_read_otherwise, 0, COUNT(paths));
	tcase_add_test(tc, long_lists_are_kept_whole);
	tcase_add_test(tc, one_entry_may_be_longer_than_a_path);
	tcase_add_test(tc, random_lists);
	tcase_add_test(tc, a_library_that_is_nowhere_is_not_found);
	tcase_add_test(tc, what_lies_beside_the_program_is_found_there);
	tcase_add_test(tc, without_the_shim_there_is_no_fresh_start);
	suite_add_tcase(s, tc);
	return s;
}
