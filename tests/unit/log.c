/* SPDX-License-Identifier: MIT */
/* Tests UNTORN_LOG: its values, and where its lines may go and where not. Each test is a process of
 * its own. */
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "suite.h"
#include "untorn.h"

static const struct {
	const char *text;
	enum log_level level;
	uint32_t count;
	const char *file;
} settings[] = {
	{ NULL, LOG_OFF, LOG_COUNT, NULL },
	{ "", LOG_OFF, LOG_COUNT, NULL },
	{ "off", LOG_OFF, LOG_COUNT, NULL },
	{ "error", LOG_ERROR, LOG_COUNT, NULL },
	{ "info", LOG_INFO, LOG_COUNT, NULL },
	{ "debug", LOG_DEBUG, LOG_COUNT, NULL },
	{ "debug=5", LOG_DEBUG, 5, NULL },
	{ "debug=0", LOG_DEBUG, 0, NULL },
	{ "debug=all", LOG_DEBUG, UINT32_MAX, NULL },
	{ "debug=99999999999", LOG_DEBUG, UINT32_MAX, NULL },
	{ "debug:/tmp/x", LOG_DEBUG, LOG_COUNT, "/tmp/x" },
	{ "info=7:/tmp/a:b=c", LOG_INFO, 7, "/tmp/a:b=c" },
	{ "error=all:x", LOG_ERROR, UINT32_MAX, "x" },
	{ "debug:", LOG_DEBUG, LOG_COUNT, NULL },
	{ "Debug", LOG_OFF, LOG_COUNT, NULL },
	{ "debugging", LOG_OFF, LOG_COUNT, NULL },
	{ "1", LOG_OFF, LOG_COUNT, NULL },
	{ "debug=", LOG_OFF, 0, NULL },
	{ "debug=-1", LOG_OFF, 0, NULL },
	{ "debug=5x", LOG_OFF, 0, NULL },
	{ "debug=five:/tmp/x", LOG_OFF, 0, NULL },
};

START_TEST(setting_that_is_not_understood_is_off)
{
	struct log_setting setting = log_parse(settings[_i].text);

	ck_assert_int_eq(setting.level, settings[_i].level);
	ck_assert_uint_eq(setting.count, settings[_i].count);
	ck_assert_pstr_eq(setting.file, settings[_i].file);
}
END_TEST

/* Makes fd standard error. */
static int become_stderr(int fd)
{
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(dup2(fd, STDERR_FILENO), STDERR_FILENO);
	return fd;
}

static const char *said(int fd)
{
	static char text[4096];
	ssize_t length = pread(fd, text, sizeof(text) - 1, 0);

	text[length > 0 ? length : 0] = '\0';
	return text;
}

static int lines(const char *text)
{
	int count = 0;

	while ((text = strchr(text, '\n'))) {
		text++;
		count++;
	}
	return count;
}

START_TEST(lines_go_to_standard_error)
{
	int fd = become_stderr(memfd_create("log", 0));

	setenv(UNTORN_ENV_LOG, "info", 1);
	ck_assert(log_wants(LOG_ERROR) && log_wants(LOG_INFO) && !log_wants(LOG_DEBUG));
	log_line("it is %d", 5);
	ck_assert_ptr_nonnull(strstr(said(fd), "]: it is 5\n"));
	ck_assert_int_eq(strncmp(said(fd), "untorn[", 7), 0);
}
END_TEST

START_TEST(no_more_lines_than_asked_for)
{
	int fd = become_stderr(memfd_create("log", 0));

	setenv(UNTORN_ENV_LOG, "debug=3", 1);
	for (int i = 0; i < 10; i++)
		log_line("line");
	ck_assert_int_eq(lines(said(fd)), 3);
}
END_TEST

START_TEST(a_long_line_is_cut)
{
	char text[1000];
	int fd = become_stderr(memfd_create("log", 0));

	setenv(UNTORN_ENV_LOG, "debug", 1);
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	log_line("%s", text);
	log_line("next");
	ck_assert_int_eq(lines(said(fd)), 2);
	ck_assert_int_lt((int)strlen(said(fd)), 400);
}
END_TEST

static void nothing_to_the_next_standard_error(void)
{
	setenv(UNTORN_ENV_LOG, "debug", 1);
	log_start();
	int data = become_stderr(memfd_create("data", 0));
	log_line("line");
	ck_assert_str_eq(said(data), "");
}

START_TEST(not_to_what_has_become_standard_error_since)
{
	become_stderr(memfd_create("log", 0));
	nothing_to_the_next_standard_error();
}
END_TEST

START_TEST(not_to_what_takes_the_place_of_none)
{
	close(STDERR_FILENO);
	nothing_to_the_next_standard_error();
}
END_TEST

START_TEST(a_pipe_without_reader_is_no_signal)
{
	int ends[2];
	sigset_t pending;

	ck_assert_int_eq(pipe(ends), 0);
	become_stderr(ends[1]);
	close(ends[0]);
	setenv(UNTORN_ENV_LOG, "debug", 1);
	log_line("line");
	sigpending(&pending);
	ck_assert(!sigismember(&pending, SIGPIPE));
}
END_TEST

START_TEST(the_program_keeps_its_own_signal)
{
	int ends[2];
	sigset_t mask, pending;

	ck_assert_int_eq(pipe(ends), 0);
	become_stderr(ends[1]);
	close(ends[0]);
	setenv(UNTORN_ENV_LOG, "debug", 1);
	sigemptyset(&mask);
	sigaddset(&mask, SIGPIPE);
	sigprocmask(SIG_BLOCK, &mask, NULL);
	raise(SIGPIPE);
	log_line("line");
	sigpending(&pending);
	ck_assert(sigismember(&pending, SIGPIPE));
}
END_TEST

START_TEST(lines_are_added_to_the_file)
{
	char folder[] = "/tmp/untorn-log-XXXXXX", setting[96], file[64];

	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(file, sizeof(file), "%s/log", folder);
	snprintf(setting, sizeof(setting), "debug:%s", file);
	setenv(UNTORN_ENV_LOG, setting, 1);
	int error = become_stderr(memfd_create("stderr", 0));
	log_line("one");
	log_line("two");
	int fd = open(file, O_RDONLY);
	struct stat st;
	ck_assert_int_eq(fstat(fd, &st), 0);
	unlink(file);
	rmdir(folder);
	ck_assert_int_eq(lines(said(fd)), 2);
	ck_assert_uint_eq(st.st_mode & 0777, 0600);
	ck_assert_str_eq(said(error), "");
}
END_TEST

START_TEST(a_link_is_not_followed)
{
	char folder[] = "/tmp/untorn-log-XXXXXX", setting[96], file[64], link[64];

	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(file, sizeof(file), "%s/file", folder);
	snprintf(link, sizeof(link), "%s/link", folder);
	snprintf(setting, sizeof(setting), "debug:%s", link);
	int fd = open(file, O_RDWR | O_CREAT, 0600);
	ck_assert_int_eq(symlink(file, link), 0);
	setenv(UNTORN_ENV_LOG, setting, 1);
	log_line("one");
	unlink(link);
	unlink(file);
	rmdir(folder);
	ck_assert_int_eq(lines(said(fd)), 0);
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("log");
	TCase *tc = tcase_create("log");

	tcase_add_loop_test(tc, setting_that_is_not_understood_is_off, 0,
			    sizeof(settings) / sizeof(settings[0]));
	tcase_add_test(tc, lines_go_to_standard_error);
	tcase_add_test(tc, no_more_lines_than_asked_for);
	tcase_add_test(tc, a_long_line_is_cut);
	tcase_add_test(tc, not_to_what_has_become_standard_error_since);
	tcase_add_test(tc, not_to_what_takes_the_place_of_none);
	tcase_add_test(tc, a_pipe_without_reader_is_no_signal);
	tcase_add_test(tc, the_program_keeps_its_own_signal);
	tcase_add_test(tc, lines_are_added_to_the_file);
	tcase_add_test(tc, a_link_is_not_followed);
	suite_add_tcase(s, tc);
	return s;
}
