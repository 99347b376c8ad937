/* SPDX-License-Identifier: MIT */
/*
 * Tests which file a name means and whether a preload reaches it: execvp and the kernel must do the
 * same with the same files. The exit status of a found script tells which one it is. A copy of this
 * program, named "secure", tells whether the loader ignores preloads (AT_SECURE).
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/xattr.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "run/program.h"
#include "suite.h"

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))

enum { NOBODY = 65534, OTHER = 65533, FAILED = 100 /* and errno */ };

static char folder[64];

__attribute__((constructor)) static void answer(int argc, char **argv)
{
	if (argc == 1 && strcmp(argv[0], "secure") == 0)
		_exit(getauxval(AT_SECURE) != 0);
}

static void write_file(const char *name, const char *text, size_t length, mode_t mode)
{
	AUTO_CLOSE int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	ck_assert_msg(fd >= 0, "%s: %m", name);
	ck_assert_int_eq(write(fd, text, length), length);
	ck_assert_int_eq(fchmod(fd, mode), 0);
}

/* Makes a script with this exit status. */
static void script(const char *name, int status, mode_t mode)
{
	char text[64];

	write_file(name, text, (size_t)sprintf(text, "#!/bin/sh\nexit %d\n", status), mode);
}

static void copy_self(const char *name, mode_t mode)
{
	AUTO_CLOSE int self = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	AUTO_CLOSE int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	struct stat st;

	ck_assert_int_eq(fstat(self, &st), 0);
	ck_assert_int_eq(sendfile(fd, self, NULL, (size_t)st.st_size), st.st_size);
	ck_assert_int_eq(fchmod(fd, mode), 0);
}

static void fill_folder(void)
{
	static const char *const folders[] = {
		"empty", "a", "b", "plain", "dirs", "links", "shut"
	};

	for (int i = 0; i < COUNT(folders); i++)
		ck_assert_int_eq(mkdir(folders[i], 0755), 0);
	script("prog", 1, 0755);
	script("a/prog", 2, 0755);
	script("b/prog", 3, 0755);
	script("b/only-b", 4, 0755);
	script("plain/prog", 5, 0644);
	script("plain/only-plain", 6, 0644);
	ck_assert_int_eq(mkdir("dirs/prog", 0755), 0);
	ck_assert_int_eq(symlink("../b/prog", "links/prog"), 0);
	ck_assert_int_eq(symlink("nothing", "links/dangling"), 0);
	ck_assert_int_eq(symlink("loop", "links/loop"), 0);
	ck_assert_int_eq(symlink("../plain/prog", "links/plain"), 0);
	script("shut/prog", 7, 0755);
	script("b/group", 8, 0010);
	ck_assert_int_eq(chmod("shut", 0600), 0);
	write_file("b/noline", "exit 9\n", 7, 0755);
}

static void set_up(void)
{
	const char *parent = getenv("TMPDIR");

	snprintf(folder, sizeof(folder), "%s/untorn-test-XXXXXX", parent ? parent : "/var/tmp");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	ck_assert_int_eq(chmod(folder, 0755), 0);
	ck_assert_int_eq(chdir(folder), 0);
	fill_folder();
}

static void tear_down(void)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	ck_assert_int_eq(chdir("/"), 0);
	unsetenv("PATH");
	ck_assert_int_eq(system(command), 0);
}

static int status_of(pid_t child)
{
	int status;

	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void become(uid_t user)
{
	if (user && (setgroups(0, NULL) < 0 || setgid(user) < 0 || setuid(user) < 0))
		_exit(99);
}

static int by_execvp(const char *name, uid_t user)
{
	pid_t child = fork();

	if (child == 0) {
		become(user);
		execlp(name, name, (char *)NULL);
		_exit(FAILED + errno);
	}
	return status_of(child);
}

static int by_us(const char *name, uid_t user)
{
	pid_t child = fork();

	if (child == 0) {
		char path[PATH_MAX];
		become(user);
		int error = cmd_program_find(name, path);
		if (error == 0 && !strchr(path, '/'))
			_exit(98);
		if (error == 0)
			execlp(path, path, (char *)NULL);
		_exit(FAILED + (error ? -error : errno));
	}
	return status_of(child);
}

#define NO_PATH NULL

/* %s is the temporary folder, which is also the current one. */
static const struct {
	const char *path, *name;
	int expected;
} finds[] = {
	{ "%s/a:%s/b", "prog", 2 },
	{ "%s/b:%s/a", "prog", 3 },
	{ "%s/a:%s/b", "only-b", 4 },
	{ "%s/a", "only-b", FAILED + ENOENT },
	{ "%s/none:%s/empty:%s/a", "prog", 2 },
	{ "%s/none", "prog", FAILED + ENOENT },
	{ "%s/prog:%s/a", "prog", 2 }, /* a file for a folder */
	{ "%s/prog", "prog", FAILED + ENOTDIR },
	/* The current folder: empty entries, relative ones. */
	{ "", "prog", 1 },
	{ ":%s/a", "prog", 1 },
	{ "%s/a:", "prog", 2 },
	{ "%s/empty:", "prog", 1 },
	{ "%s/empty::%s/a", "prog", 1 },
	{ ":", "only-b", FAILED + ENOENT },
	{ "a", "prog", 2 },
	{ "./b", "prog", 3 },
	{ "a/../b", "prog", 3 },
	{ "%s/b/", "prog", 3 },
	{ "%s/a:%s/b", "./prog", 1 },
	{ "%s/a", "b/prog", 3 },
	{ NO_PATH, "sh", 0 },
	{ NO_PATH, "prog", FAILED + ENOENT },
	{ NO_PATH, "b/prog", 3 },
	/* Files that exist but are not executable. */
	{ "%s/plain:%s/a", "prog", 2 },
	{ "%s/plain", "prog", FAILED + EACCES },
	{ "%s/plain:%s/none", "prog", FAILED + EACCES },
	{ "%s/plain:%s/a", "only-plain", FAILED + EACCES },
	{ "%s/a", "plain/prog", FAILED + EACCES },
	{ "%s/dirs:%s/a", "prog", 2 },
	{ "%s/dirs", "prog", FAILED + EACCES },
	{ "%s/a", "dirs/prog", FAILED + EACCES },
	{ "%s/a", "a/", FAILED + EACCES },
	{ "%s/a", "prog/", FAILED + ENOTDIR },
	{ "%s/a", "prog/below", FAILED + ENOTDIR },
	{ "%s/a", "none/prog", FAILED + ENOENT },
	/* Symbolic links. */
	{ "%s/links:%s/a", "prog", 3 },
	{ "%s/links", "dangling", FAILED + ENOENT },
	{ "%s/links", "plain", FAILED + EACCES },
	{ "%s/a", "links/dangling", FAILED + ENOENT },
	{ "%s/a", "links/loop", FAILED + ELOOP },
	{ "%s/b", "noline", 9 },
	{ "%s/a", "", FAILED + ENOENT },
};

static void set_path(const char *format)
{
	char path[1024];

	snprintf(path, sizeof(path), format ? format : "", folder, folder, folder);
	if (format)
		setenv("PATH", path, 1);
	else
		unsetenv("PATH");
}

START_TEST(the_file_is_the_one_that_execvp_takes)
{
	set_path(finds[_i].path);
	ck_assert_ptr_nonnull(freopen("/dev/null", "r", stdin)); /* in case a shell is found */
	int native = by_execvp(finds[_i].name, 0);
	ck_assert_int_eq(native, finds[_i].expected);
	/* For a name without a slash we return ENOENT, whichever folders lack it. */
	if (native == FAILED + ENOTDIR && !strchr(finds[_i].name, '/'))
		native = FAILED + ENOENT;
	ck_assert_int_eq(by_us(finds[_i].name, 0), native);
}
END_TEST

/* Root may enter any folder, and one x bit of three is enough: so test as another user. */
START_TEST(the_file_is_the_one_that_execvp_takes_for_another_user)
{
	if (geteuid() != 0)
		return;
	set_path("%s/shut:%s/b");
	ck_assert_int_eq(by_us("prog", 0), by_execvp("prog", 0));
	ck_assert_int_eq(by_us("prog", NOBODY), by_execvp("prog", NOBODY));
	ck_assert_int_eq(by_us("prog", NOBODY), 3);
	ck_assert_int_eq(by_us("group", NOBODY), FAILED + EACCES);
	ck_assert_int_eq(by_execvp("group", NOBODY), FAILED + EACCES);
	ck_assert_int_eq(by_us("group", 0), by_execvp("group", 0));
	set_path("%s/shut");
	ck_assert_int_eq(by_us("prog", NOBODY), FAILED + EACCES);
	ck_assert_int_eq(by_execvp("prog", NOBODY), FAILED + EACCES);
}
END_TEST

/* Judges a program; path becomes the judged file. */
static const char *hindrance_of(char path[PATH_MAX])
{
	static struct cmd_program program;
	char *words[] = { path, NULL };

	cmd_program_set(&program, path, words);
	const char *hindrance = cmd_program_hindrance(&program);
	strcpy(path, program.path);
	return hindrance;
}

/* First line, and the file that is judged: it is made set-user-ID, so that there is a hindrance. */
static const struct {
	const char *text;
	const char *judged;
} lines[] = {
	{ "#!%s/suid\n", "suid" },
	{ "#! %s/suid\n", "suid" },
	{ "#!\t %s/suid\n", "suid" },
	{ "#!%s/suid \n", "suid" },
	{ "#!%s/suid -x\n", "suid" },
	{ "#!%s/suid\t-x y z\n", "suid" },
	{ "#!%s/suid", "suid" },
	{ "#!%s/suid -x", "suid" },
	{ "#!%s/suid\n#!/bin/false\n", "suid" },
	{ "#!%s/suid\r\n", "suid\r" }, /* for the kernel the CR is part of the name */
	{ "#!%s/plain/prog\n", NULL },
	{ "#!\n%s/suid\n", NULL }, /* no name: execvp tries the shell */
	{ "#! \t \n", NULL },
	{ "#!", NULL },
	{ "#", NULL },
	{ "", NULL },
	{ "exit 0\n", NULL },
	{ "\n#!%s/suid\n", NULL },
	{ " #!%s/suid\n", NULL },
};

static void make_suid(const char *name)
{
	copy_self(name, 0755);
	ck_assert_int_eq(chown(name, NOBODY, NOBODY), 0);
	ck_assert_int_eq(chmod(name, 04755), 0);
}

START_TEST(a_script_is_judged_by_its_interpreter)
{
	char text[512], path[PATH_MAX] = "script", expected[PATH_MAX];

	if (geteuid() != 0)
		return;
	make_suid("suid");
	make_suid("suid\r");
	snprintf(text, sizeof(text), lines[_i].text, folder);
	write_file("script", text, strlen(text), 04755);
	const char *hindrance = hindrance_of(path);
	if (!lines[_i].judged) {
		ck_assert_ptr_null(hindrance);
		return;
	}
	snprintf(expected, sizeof(expected), "%s/%s", folder, lines[_i].judged);
	ck_assert_ptr_nonnull(hindrance);
	ck_assert_str_eq(path, expected);
}
END_TEST

/* A chain of scripts, as deep as the kernel allows: a set-user-ID program at its end is found. */
START_TEST(a_chain_of_scripts_is_followed_as_far_as_the_kernel_does)
{
	char name[16], text[128], path[PATH_MAX], *argv[] = { path, NULL };

	if (geteuid() != 0)
		return;
	ck_assert_int_eq(symlink("end", "s0"), 0);
	for (int i = 1; i <= _i; i++) {
		snprintf(name, sizeof(name), "s%d", i);
		int length = sprintf(text, "#!%s/s%d\n", folder, i - 1);
		write_file(name, text, (size_t)length, 0755);
	}
	ck_assert_int_eq(symlink("/bin/true", "end"), 0);
	snprintf(path, sizeof(path), "%s/s%d", folder, _i);
	pid_t child = fork();
	if (child == 0) {
		execv(path, argv);
		_exit(FAILED + errno);
	}
	int native = status_of(child);
	ck_assert(native == 0 || native == FAILED + ELOOP);
	ck_assert_int_eq(unlink("end"), 0);
	make_suid("end");
	ck_assert_msg((hindrance_of(path) != NULL) == (native == 0), "%d deep, %d", _i, native);
}
END_TEST

START_TEST(a_loop_of_scripts_has_an_end)
{
	char text[128], path[PATH_MAX] = "self";

	write_file("self", text, (size_t)sprintf(text, "#!%s/self\n", folder), 0755);
	ck_assert_ptr_null(hindrance_of(path));
}
END_TEST

/* Longer than the kernel reads: an interpreter counts only if its name ends before. */
START_TEST(a_very_long_first_line)
{
	enum { LONG = 1000 };
	char text[LONG + 128], path[PATH_MAX] = "script", cut[512], *argv[] = { path, NULL };

	if (geteuid() != 0)
		return;
	make_suid("suid");
	int length = sprintf(text, "#!%s/suid ", folder);
	memset(text + length, 'x', LONG);
	write_file("script", text, (size_t)(length + LONG), 0755);
	ck_assert_ptr_nonnull(hindrance_of(path));
	/* A cut name does not count, even if a file of the cut name exists. */
	int name = sprintf(text, "#!%s/", folder);
	memset(text + name, 'x', LONG);
	write_file("script", text, (size_t)(name + LONG), 0755);
	snprintf(cut, sizeof(cut), "%.*s", 256 - 2, text + 2);
	make_suid(cut);
	strcpy(path, "script");
	pid_t child = fork();
	if (child == 0) {
		execv(path, argv);
		_exit(FAILED + errno);
	}
	ck_assert_int_eq(status_of(child), FAILED + ENOEXEC);
	ck_assert_ptr_null(hindrance_of(path));
}
END_TEST

START_TEST(what_cannot_be_read_is_no_hindrance)
{
	static const char *const names[] = { "nothing", "a", "links/loop", "/dev/null", "prog/x" };
	char path[PATH_MAX];

	for (int i = 0; i < COUNT(names); i++) {
		strcpy(path, names[i]);
		ck_assert_msg(!hindrance_of(path), "%s", names[i]);
	}
}
END_TEST

enum caps { NO_CAPS, EMPTY, PERMITTED, EFFECTIVE, BOTH };

/* The user who runs the program; its owner, mode and capabilities. */
static const struct {
	uid_t user, owner;
	gid_t group;
	mode_t mode;
	enum caps caps;
	bool no_new_privileges;
	int secure;
} programs[] = {
	{ 0, 0, 0, 0755, NO_CAPS, false, 0 },
	{ 0, 0, 0, 06755, NO_CAPS, false, 0 },
	{ 0, NOBODY, 0, 04755, NO_CAPS, false, 1 },
	{ 0, 0, NOBODY, 02755, NO_CAPS, false, 1 },
	{ 0, 0, NOBODY, 02745, NO_CAPS, false, 0 }, /* no x for the group: mandatory locking */
	{ 0, NOBODY, NOBODY, 0755, NO_CAPS, false, 0 },
	{ 0, NOBODY, NOBODY, 06755, NO_CAPS, true, 0 },
	{ 0, 0, 0, 0755, BOTH, false, 0 },
	{ 0, 0, 0, 0755, PERMITTED, false, 0 },
	{ NOBODY, 0, 0, 0755, NO_CAPS, false, 0 },
	{ NOBODY, 0, 0, 04755, NO_CAPS, false, 1 },
	{ NOBODY, 0, 0, 04711, NO_CAPS, false, 1 }, /* not readable */
	{ NOBODY, 0, 0, 02755, NO_CAPS, false, 1 },
	{ NOBODY, 0, 0, 02745, NO_CAPS, false, 0 },
	{ NOBODY, 0, 0, 06755, NO_CAPS, true, 0 },
	{ NOBODY, NOBODY, NOBODY, 06755, NO_CAPS, false, 0 },
	{ NOBODY, OTHER, NOBODY, 06755, NO_CAPS, false, 1 },
	{ NOBODY, 0, 0, 0711, NO_CAPS, false, 0 },
	{ NOBODY, 0, 0, 0755, EMPTY, false, 0 },
	{ NOBODY, 0, 0, 0755, PERMITTED, false, 1 },
	{ NOBODY, 0, 0, 0755, EFFECTIVE, false, 1 },
	{ NOBODY, 0, 0, 0755, BOTH, false, 1 },
	{ NOBODY, 0, 0, 0755, PERMITTED, true, 0 },
	{ NOBODY, 0, 0, 0755, BOTH, true, 1 },
	{ NOBODY, NOBODY, NOBODY, 0755, BOTH, false, 1 },
	{ NOBODY, 0, OTHER, 02755, NO_CAPS, false, 1 },
};

static bool make_program(int i)
{
	struct vfs_cap_data caps = { .magic_etc = VFS_CAP_REVISION_2 };

	copy_self("secure", 0755);
	if (chown("secure", programs[i].owner, programs[i].group) < 0)
		return false;
	ck_assert_int_eq(chmod("secure", programs[i].mode), 0);
	if (programs[i].caps == EFFECTIVE || programs[i].caps == BOTH)
		caps.magic_etc |= VFS_CAP_FLAGS_EFFECTIVE;
	if (programs[i].caps == PERMITTED || programs[i].caps == BOTH)
		caps.data[0].permitted = 1U << CAP_NET_BIND_SERVICE;
	return !programs[i].caps ||
	       setxattr("secure", XATTR_NAME_CAPS, &caps, sizeof(caps), 0) == 0;
}

static int in_child(int i, bool native)
{
	pid_t child = fork();

	if (child == 0) {
		char path[PATH_MAX] = "secure";
		become(programs[i].user);
		if (programs[i].no_new_privileges)
			prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
		if (!native)
			_exit(hindrance_of(path) != NULL);
		execl(path, "secure", (char *)NULL);
		_exit(FAILED + errno);
	}
	return status_of(child);
}

START_TEST(rights_hinder_where_the_loader_ignores_preloads)
{
	if (geteuid() != 0 || !make_program(_i))
		return;
	int native = in_child(_i, true);
	ck_assert_int_eq(native, programs[_i].secure);
	ck_assert_int_eq(in_child(_i, false), native);
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("the program to be started");
	TCase *tc = tcase_create("files");

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_loop_test(tc, the_file_is_the_one_that_execvp_takes, 0, COUNT(finds));
	tcase_add_test(tc, the_file_is_the_one_that_execvp_takes_for_another_user);
	tcase_add_loop_test(tc, a_script_is_judged_by_its_interpreter, 0, COUNT(lines));
	tcase_add_loop_test(tc, a_chain_of_scripts_is_followed_as_far_as_the_kernel_does, 1, 9);
	tcase_add_test(tc, a_loop_of_scripts_has_an_end);
	tcase_add_test(tc, a_very_long_first_line);
	tcase_add_test(tc, what_cannot_be_read_is_no_hindrance);
	tcase_add_loop_test(tc, rights_hinder_where_the_loader_ignores_preloads, 0,
			    COUNT(programs));
	suite_add_tcase(s, tc);
	return s;
}
