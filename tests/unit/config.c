/* SPDX-License-Identifier: MIT */
/* Tests the settings: their values, and the meaning of unknown values. */
#include <pthread.h>
#include <stdlib.h>

#include "base/config.h"
#include "suite.h"
#include "untorn.h"

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))

/* An unknown value counts as the strictest: a typing error must not switch anything on. */
static const struct {
	const char *text;
	enum mode expected;
} modes[] = {
	{ NULL, MODE_AUTO },         { "", MODE_AUTO },        { "auto", MODE_AUTO },
	{ "command", MODE_COMMAND }, { "off", MODE_OFF },      { "Off", MODE_OFF },
	{ "OFF", MODE_OFF },         { "AUTO", MODE_OFF },     { "Command", MODE_OFF },
	{ "0", MODE_OFF },           { "1", MODE_OFF },        { "on", MODE_OFF },
	{ " auto", MODE_OFF },       { "auto ", MODE_OFF },    { "auto,command", MODE_OFF },
	{ "comman", MODE_OFF },      { "commands", MODE_OFF }, { "\n", MODE_OFF },
};

START_TEST(mode_that_is_not_known_is_off)
{
	ck_assert_int_eq(config_parse(modes[_i].text, NULL, NULL, NULL, NULL).mode,
			 modes[_i].expected);
}
END_TEST

static const struct {
	const char *text;
	enum nvme_policy expected;
} policies[] = {
	{ NULL, NVME_POLICY_UNSET },
	{ "", NVME_POLICY_UNSET },
	{ "namespace", NVME_POLICY_NAMESPACE },
	{ "controller", NVME_POLICY_CONTROLLER },
	{ "Controller", NVME_POLICY_NAMESPACE },
	{ "controllers", NVME_POLICY_NAMESPACE },
	{ "single", NVME_POLICY_SINGLE },
	{ "controller ", NVME_POLICY_NAMESPACE },
	{ "awupf", NVME_POLICY_NAMESPACE },
	{ "1", NVME_POLICY_NAMESPACE },
	{ "off", NVME_POLICY_NAMESPACE },
};

START_TEST(policy_that_is_not_known_is_the_strict_one)
{
	ck_assert_int_eq(
		config_parse(NULL, policies[_i].text, NULL, NULL, NULL).decision.nvme_policy,
		policies[_i].expected);
}
END_TEST

START_TEST(settings_do_not_disturb_each_other)
{
	struct config config = config_parse("command", "controller", "device", "inline", NULL);

	ck_assert_int_eq(config.mode, MODE_COMMAND);
	ck_assert_int_eq(config.decision.nvme_policy, NVME_POLICY_CONTROLLER);
	ck_assert(config.decision.rules == RULES_DEVICE && config.aio_inline && !config.deep);
	config = config_parse("controller", "command", "command", "command", "1");
	ck_assert_int_eq(config.mode, MODE_OFF);
	ck_assert_int_eq(config.decision.nvme_policy, NVME_POLICY_NAMESPACE);
	ck_assert(config.decision.rules == RULES_LINUX && !config.aio_inline && config.deep);
}
END_TEST

static const struct {
	const char *only, *skip, *called, *file;
	bool expected;
} served[] = {
	{ NULL, NULL, "a", "/bin/a", true },
	{ "", "", "a", "/bin/a", true },
	{ "a", NULL, "a", "/bin/b", true },
	{ "a", NULL, "b", "/bin/a", true },
	{ "a", NULL, "b", "a", true },
	{ "a", NULL, "b", "/a/b", false },
	{ "a", NULL, "ab", "/bin/aa", false },
	{ "ab", NULL, "a", "/bin/b", false },
	{ "b:a", NULL, "a", "/bin/a", true },
	{ "b:a:c", NULL, "a", "/bin/a", true },
	{ "::b::a", NULL, "a", "/bin/a", true },
	{ ":", NULL, "a", "/bin/a", false },
	{ "a b", NULL, "a", "/bin/a", false },
	{ "a b", NULL, "a b", "/bin/a", true },
	{ "A", NULL, "a", "/bin/a", false },
	{ NULL, "a", "a", "/bin/b", false },
	{ NULL, "a", "b", "/bin/a", false },
	{ NULL, "b:c", "a", "/bin/a", true },
	{ "a", "a", "a", "/bin/a", false },
	{ "a", "b", "a", "/bin/b", false },
	{ "a", NULL, NULL, NULL, false },
	{ NULL, "a", NULL, NULL, true },
	{ "a", NULL, "", "", false },
	{ "", "b", "", "/", true },
};

START_TEST(programs_are_served_by_name)
{
	ck_assert_int_eq(
		config_serves(served[_i].only, served[_i].skip, served[_i].called, served[_i].file),
		served[_i].expected);
}
END_TEST

/* Such a program has no mode and no texts: the shim counts and logs nothing. */
START_TEST(a_program_that_is_not_served_has_no_settings)
{
	char text[CONFIG_TEXT];

	setenv(UNTORN_ENV_SKIP, "another:config", 1);
	setenv(UNTORN_ENV_MODE, "command", 1);
	setenv(UNTORN_ENV_DEEP, "1", 1);
	setenv(UNTORN_ENV_LOG, "debug", 1);
	setenv(UNTORN_ENV_STAT, "/run/file", 1);
	ck_assert_int_eq(config_get().mode, MODE_OFF);
	ck_assert(!config_get().deep);
	ck_assert(!config_text(CONFIG_LOG, text) && !config_text(CONFIG_STAT, text));
}
END_TEST

/* Each test has a process of its own: so no cached value reaches the next test. */
START_TEST(environment_is_read)
{
	setenv(UNTORN_ENV_MODE, "command", 1);
	setenv(UNTORN_ENV_NVME_LIMITS, "controller", 1);
	setenv(UNTORN_ENV_AIO, "inline", 1);
	struct config config = config_get();
	ck_assert_int_eq(config.mode, MODE_COMMAND);
	ck_assert_int_eq(config.decision.nvme_policy, NVME_POLICY_CONTROLLER);
	ck_assert(config.aio_inline);
}
END_TEST

START_TEST(environment_without_settings_is_auto)
{
	unsetenv(UNTORN_ENV_MODE);
	unsetenv(UNTORN_ENV_NVME_LIMITS);
	unsetenv(UNTORN_ENV_AIO);
	struct config config = config_get();
	ck_assert_int_eq(config.mode, MODE_AUTO);
	ck_assert_int_eq(config.decision.nvme_policy, NVME_POLICY_UNSET);
	ck_assert(!config.aio_inline);
}
END_TEST

START_TEST(environment_is_read_once)
{
	setenv(UNTORN_ENV_MODE, "off", 1);
	ck_assert_int_eq(config_get().mode, MODE_OFF);
	setenv(UNTORN_ENV_MODE, "command", 1);
	ck_assert_int_eq(config_get().mode, MODE_OFF);
}
END_TEST

static void *read_mode(void *wrong)
{
	return config_get().mode == MODE_COMMAND ? NULL : wrong;
}

START_TEST(first_readers_at_once_find_the_same)
{
	pthread_t threads[8];
	void *wrong;

	setenv(UNTORN_ENV_MODE, "command", 1);
	for (int i = 0; i < COUNT(threads); i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, read_mode, threads), 0);
	for (int i = 0; i < COUNT(threads); i++) {
		pthread_join(threads[i], &wrong);
		ck_assert_ptr_null(wrong);
	}
}
END_TEST

START_TEST(aio_is_inline_by_that_word_alone)
{
	static const char *const others[] = { NULL, "", "event", "Inline", "inline ", "1", "on" };

	ck_assert(config_parse(NULL, NULL, NULL, "inline", NULL).aio_inline);
	for (int i = 0; i < COUNT(others); i++)
		ck_assert(!config_parse(NULL, NULL, NULL, others[i], NULL).aio_inline);
}
END_TEST

START_TEST(deep_is_that_word_alone)
{
	static const char *const others[] = { NULL, "", "0", "on", "yes", "11", "1 ", "deep" };

	ck_assert(config_parse(NULL, NULL, NULL, NULL, "1").deep);
	for (int i = 0; i < COUNT(others); i++)
		ck_assert(!config_parse(NULL, NULL, NULL, NULL, others[i]).deep);
	setenv(UNTORN_ENV_DEEP, "1", 1);
	ck_assert(config_get().deep && !config_get().aio_inline);
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("config");
	TCase *tc = tcase_create("parse");

	tcase_add_loop_test(tc, mode_that_is_not_known_is_off, 0, COUNT(modes));
	tcase_add_test(tc, aio_is_inline_by_that_word_alone);
	tcase_add_loop_test(tc, policy_that_is_not_known_is_the_strict_one, 0, COUNT(policies));
	tcase_add_test(tc, settings_do_not_disturb_each_other);
	suite_add_tcase(s, tc);
	tc = tcase_create("environment");
	tcase_add_test(tc, deep_is_that_word_alone);
	tcase_add_loop_test(tc, programs_are_served_by_name, 0, COUNT(served));
	tcase_add_test(tc, a_program_that_is_not_served_has_no_settings);
	tcase_add_test(tc, environment_is_read);
	tcase_add_test(tc, environment_without_settings_is_auto);
	tcase_add_test(tc, environment_is_read_once);
	tcase_add_test(tc, first_readers_at_once_find_the_same);
	suite_add_tcase(s, tc);
	return s;
}
