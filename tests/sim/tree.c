/* SPDX-License-Identifier: MIT */
/*
 * Processes that use the simulated disk at the same time: they count commands together, and a power
 * cut ends all of them. Also several disks, and images that are not the simulation's.
 */
#include "again.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/stat.h>

#define OTHER "/dev/sim1n1"

static void write_one(int fd, off_t block)
{
	want(pwrite(fd, buffer(512, 't'), 512, block * 512) == 512);
}

/* Never opens the disk. The power cut ends it; if that fails, the alarm does. */
static void bystander(void)
{
	alarm(60);
	for (;;)
		pause();
}

static pid_t start(const char *body)
{
	pid_t child = fork();

	if (child == 0) {
		execl("/proc/self/exe", "preload-body", "--body", body, (char *)NULL);
		_exit(127);
	}
	return child;
}

/* A process uses the disk and starts another program; then the power is cut. */
static void family(void)
{
	int fd = open_disk();

	write_one(fd, 0);
	want(start("bystander") > 0 && fork() >= 0);
	usleep(200000);
	for (int i = 1; i < 10; i++)
		write_one(fd, i);
	pause(); /* the slower of the two processes waits here */
}

static bool is_gone(pid_t group)
{
	for (int i = 0; i < 100 && kill(-group, 0) == 0; i++) {
		waitpid(-group, NULL, WNOHANG);
		usleep(20000);
	}
	return kill(-group, 0) < 0 && errno == ESRCH;
}

/* This process is not in the family, because its description of the disk differs. */
static void a_cut_ends_all(void)
{
	char sim[1024];

	snprintf(sim, sizeof(sim), "%s,cut=8", getenv("UNTORN_SIM"));
	setenv("UNTORN_SIM", sim, 1);
	pid_t family = fork();
	if (family == 0) {
		setpgid(0, 0);
		execl("/proc/self/exe", "preload-body", "--body", "family", (char *)NULL);
		_exit(127);
	}
	int status = status_of(family);
	want(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL && is_gone(family));
}

/* The fifth write is cut, whichever process makes it. */
static void writes_two(void)
{
	int fd = open_disk();

	write_one(fd, 0);
	want(pwrite(fd, buffer(512, 't'), 512, 0) == (getenv("LAST") ? -1 : 512));
}

static void counted_together(void)
{
	write_one(open_disk(), 0);
	want(status_of(start("writes_two")) == 0);
	setenv("LAST", "1", 1);
	want(status_of(start("writes_two")) == 0);
	want_error(pread(open_disk(), buffer(512, 'r'), 512, 0), EIO);
}

/* When no process has the disk any more, the power is on again. */
static void begins_anew(void)
{
	char sim[1024];

	snprintf(sim, sizeof(sim), "%s,cut=2,cut_action=eio", getenv("UNTORN_SIM"));
	setenv("UNTORN_SIM", sim, 1);
	setenv("LAST", "1", 1);
	for (int i = 0; i < 3; i++)
		want(status_of(start("writes_two")) == 0);
}

static void two_disks(void)
{
	char sim[1024], other[300];

	snprintf(other, sizeof(other), "%s.other", image_path());
	snprintf(sim, sizeof(sim), "%s;" OTHER "=%s,size=1M,nawupf=7,part=8+100",
		 getenv("UNTORN_SIM"), other);
	setenv("UNTORN_SIM", sim, 1);
	want(status_of(start("writes_both")) == 0);
	snprintf(sim, sizeof(sim), "rm -rf %s %s.sim", other, other);
	want(system(sim) == 0);
}

static void writes_both(void)
{
	int one = open_disk(), two = open(OTHER "p1", O_RDWR);
	struct stat st_one, st_two;

	want(two >= 0 && fstat(one, &st_one) == 0 && fstat(two, &st_two) == 0);
	want(st_one.st_rdev == 240 << 8 && st_two.st_rdev == (240 << 8 | 17));
	write_one(one, 3);
	want(pwrite(two, buffer(512, 'T'), 512, 0) == 512);
	want(image_holds(3 * 512, 512, 't') && holds(open(OTHER, O_RDONLY), 8 * 512, 512, 'T'));
	want(access("/sys/dev/block/240:17/size", F_OK) == -1 &&
	     open("/sys/dev/block/240:17/size", O_RDONLY) >= 0);
}

/* A relative path keeps the meaning that it had in the first folder. */
static void begun_elsewhere(void)
{
	char sim[512], *slash = strrchr(strcpy(sim, image_path()), '/');

	*slash = '\0';
	want(chdir(sim) == 0);
	setenv("UNTORN_SIM", DISK "=image,size=1M", 1);
	want(status_of(start("goes_elsewhere")) == 0);
}

static void goes_elsewhere(void)
{
	want(chdir("/") == 0);
	write_one(open_disk(), 0);
	want(strcmp(image_path(), "image") != 0 && image_holds(0, 512, 't'));
	want(getenv("AGAIN") ||
	     (setenv("AGAIN", "1", 1) == 0 && status_of(start("goes_elsewhere")) == 0));
}

static void opens(void)
{
	exit(open(DISK, O_RDWR) < 0 ? errno : 0);
}

/* The image's path names a user's file: only "existing" lets the simulation use it. */
static void somebodys_image(void)
{
	char said[1024], path[300], sim[700], expected[600], eight[8];

	snprintf(path, sizeof(path), "%s.other", image_path());
	int fd = open(path, O_RDWR | O_CREAT, 0600);
	want(fd >= 0 && write(fd, "precious", 8) == 8);
	snprintf(sim, sizeof(sim), DISK "=%s,size=1M", path);
	want(run_again("opens", sim, said) == EEXIST);
	snprintf(expected, sizeof(expected),
		 "libuntorn-sim: %s: exists, but is not an image of a simulated disk; "
		 "the option \"existing\" uses it as it is\n",
		 path);
	want_said(said, expected);
	want(pread(fd, eight, 8, 0) == 8 && memcmp(eight, "precious", 8) == 0);
	snprintf(sim, sizeof(sim), DISK "=%s,size=1M,existing", path);
	want(run_again("opens", sim, said) == 0);
	snprintf(sim, sizeof(sim), "rm -rf %s %s.sim", path, path);
	want(system(sim) == 0);
}

/* After a cut each write is there whole or not at all; none that was flushed or had FUA is lost. */
static void cache(void)
{
	int fd = open_disk(), kept = 0;

	for (int i = 0; i < 100; i++)
		write_one(fd, i);
	want(fsync(fd) == 0);
	for (int i = 100; i < 200; i++)
		want(pwritev2(fd, &(struct iovec){ buffer(512, 't'), 512 }, 1, i * 512L,
			      i % 10 ? 0 : RWF_DSYNC) == 512);
	want(holds(fd, 0, 200 * 512, 't'));
	want_error(pwrite(fd, buffer(512, 't'), 512, 0), EIO);
	want(image_holds(0, 100 * 512, 't'));
	for (int i = 100; i < 200; i++) {
		bool there = image_holds(i * 512L, 512, 't');
		want(there || (i % 10 && image_holds(i * 512L, 512, 0)));
		kept += there;
	}
	want(kept > 25 && kept < 80);
}

/* More writes than the cache holds: the oldest must be on the disk. */
static void cache_is_full(void)
{
	int fd = open_disk(), lost = 0;

	for (int i = 0; i < 1000; i++)
		write_one(fd, i);
	want_error(pwrite(fd, buffer(512, 't'), 512, 0), EIO);
	for (int i = 0; i < 1000; i++)
		lost += !image_holds(i * 512L, 512, 't');
	want(image_holds(0, 800 * 512, 't') && lost > 5 && lost < 60);
}

const struct body bodies[] = {
	{ "bystander", bystander },
	{ "family", family },
	{ "a_cut_ends_all", a_cut_ends_all },
	{ "writes_two", writes_two },
	{ "counted_together", counted_together },
	{ "begins_anew", begins_anew },
	{ "two_disks", two_disks },
	{ "writes_both", writes_both },
	{ "begun_elsewhere", begun_elsewhere },
	{ "goes_elsewhere", goes_elsewhere },
	{ "opens", opens },
	{ "somebodys_image", somebodys_image },
	{ "cache", cache },
	{ "cache_is_full", cache_is_full },
	{ NULL, NULL },
};

static const struct {
	const char *body, *disk;
} rows[] = {
	{ "a_cut_ends_all", "" },
	{ "counted_together", ",cut=5,cut_action=eio" },
	{ "begins_anew", "" },
	{ "two_disks", "" },
	{ "begun_elsewhere", "" },
	{ "somebodys_image", "" },
	{ "cache", ",cache=1M,cut=201,cut_action=eio" },
	{ "cache_is_full", ",cache=64K,cut=1001,cut_action=eio" },
};

START_TEST(a_disk_is_for_all_of_them)
{
	preload_run(rows[_i].body, rows[_i].disk, NULL);
}
END_TEST

Suite *suite(void)
{
	Suite *suite = suite_create("processes with a simulated disk");
	TCase *tc = tcase_create("rows");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, a_disk_is_for_all_of_them, 0,
			    (int)(sizeof(rows) / sizeof(rows[0])));
	suite_add_tcase(suite, tc);
	return suite;
}
