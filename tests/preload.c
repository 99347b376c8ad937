/* SPDX-License-Identifier: MIT */
/*
 * Runs a body in a process of its own: this program again, with LD_PRELOAD from TEST_PRELOAD (which
 * tests/run.sh sets), an image file of its own in $TMPDIR, and "--body NAME" for arguments.
 */
#include "preload.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/wait.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "untorn_uapi.h"

static char folder[128];

static const char *in_folder(const char *name)
{
	static char path[192];

	if (!*folder) {
		const char *parent = getenv("TMPDIR");
		snprintf(folder, sizeof(folder), "%s/untorn-test-XXXXXX",
			 parent ? parent : "/var/tmp");
		if (!mkdtemp(folder)) {
			perror(folder);
			exit(EXIT_FAILURE);
		}
	}
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

static void remove_files(void)
{
	static const char *const names[] = { "image",           "log",
					     "image.sim/state", "image.sim/disk",
					     "image.sim/p1",    "image.sim/p2",
					     "image.sim/p3",    "image.sim/p4",
					     "image.sim/sg",    "image.sim/cache",
					     "image.sim/mirror" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		unlink(in_folder(names[i]));
	rmdir(in_folder("image.sim"));
}

static void set_environment(const char *disk_options, const char *environment)
{
	char disk[512];

	snprintf(disk, sizeof(disk),
		 DISK "=%s/image,size=64M,lba=512,nawun=31,nawupf=31,log=%s/log%s", folder, folder,
		 disk_options);
	setenv("UNTORN_SIM", disk, 1);
	setenv("LD_PRELOAD", getenv("TEST_PRELOAD"), 1);
	/* A body does not free its memory. ASAN's signal stack conflicts with cancelled threads. */
	setenv("ASAN_OPTIONS", "detect_leaks=0:use_sigaltstack=0", 0);
	char *rest = strdup(environment ? environment : "");
	for (char *one = strtok(rest, "\n"); one; one = strtok(NULL, "\n"))
		putenv(one);
}

static int end_of(pid_t child)
{
	int status;

	ck_assert_int_eq(waitpid(child, &status, 0), child);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void preload_run(const char *body, const char *disk_options, const char *environment)
{
	ck_assert_msg(getenv("TEST_PRELOAD"), "to be run by tests/run.sh");
	in_folder("");
	remove_files();
	pid_t child = fork();
	if (child == 0) {
		set_environment(disk_options, environment);
		execl("/proc/self/exe", "preload-body", "--body", body, (char *)NULL);
		_exit(127);
	}
	ck_assert_int_eq(end_of(child), 0);
}

int preload_log_count(const char *containing)
{
	char line[256];
	int count = 0;
	FILE *log = fopen(in_folder("log"), "r");

	while (log && fgets(line, sizeof(line), log))
		count += strstr(line, containing) != NULL;
	if (log)
		fclose(log);
	return count;
}

static const struct preload_row *all_rows;

START_TEST(a_row)
{
	const struct preload_row *row = &all_rows[_i];

	preload_run(row->body, row->disk, row->environment);
	int commands = preload_log_count("via=submit");
	ck_assert_msg(row->commands < 0 || commands == row->commands, "%s: %d commands, not %d",
		      row->body, commands, row->commands);
}
END_TEST

Suite *preload_suite(const char *name, const struct preload_row *rows, size_t count)
{
	Suite *s = suite_create(name);
	TCase *tc = tcase_create("rows");

	all_rows = rows;
	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, a_row, 0, (int)count);
	suite_add_tcase(s, tc);
	return s;
}

int open_disk(void)
{
	int fd = open(DISK, O_RDWR | O_DIRECT | O_CLOEXEC);

	want(fd >= 0);
	return fd;
}

char *buffer(size_t size, char letter)
{
	char *data = aligned_alloc(4096, (size + 4095) & ~(size_t)4095);

	want(data);
	memset(data, letter, size);
	return data;
}

ssize_t atomic_write(int fd, const void *data, size_t length, off_t offset)
{
	struct iovec iov = { (void *)(uintptr_t)data, length };

	return pwritev2(fd, &iov, 1, offset, RWF_ATOMIC);
}

int entries_in(const char *path)
{
	DIR *entries = opendir(path);
	int count = 0;

	while (readdir(entries))
		count++;
	closedir(entries);
	return count;
}

int holds(int fd, off_t offset, size_t length, char letter)
{
	char *data = buffer(length, (char)~letter);
	size_t same = 0;

	want(pread(fd, data, length, offset) == (ssize_t)length);
	while (same < length && data[same] == letter)
		same++;
	free(data);
	return same == length;
}

void check_write(int fd, off_t offset, char letter)
{
	char *data = buffer(UNIT, letter);

	want(atomic_write(fd, data, UNIT, offset) == UNIT);
	want(holds(fd, offset, UNIT, letter));
	free(data);
}

void check_statx(int fd)
{
	struct statx stx;

	want(statx(fd, "", AT_EMPTY_PATH, STATX_WRITE_ATOMIC | STATX_BASIC_STATS, &stx) == 0);
	want(S_ISBLK(stx.stx_mode) && stx.stx_mask & STATX_WRITE_ATOMIC);
	want(untorn_statx_atomic(&stx)->unit_min == 512 &&
	     untorn_statx_atomic(&stx)->unit_max == UNIT);
}

static int replaced, replacement;

static void *replace(void *unused)
{
	usleep(200000);
	want(dup2(replacement, replaced) == replaced);
	return unused;
}

pthread_t replace_soon(int number, int by)
{
	pthread_t id;

	replaced = number;
	replacement = by;
	want(pthread_create(&id, NULL, replace, NULL) == 0);
	return id;
}

int status_of(pid_t child)
{
	int status;

	want(waitpid(child, &status, 0) == child);
	return status;
}

static int run_body(const char *name)
{
	for (const struct body *body = bodies; body->name; body++) {
		if (strcmp(body->name, name) == 0) {
			body->run();
			return 0;
		}
	}
	fprintf(stderr, "no body of the name %s\n", name);
	return 2;
}

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "--body") == 0)
		return run_body(argv[2]);
	SRunner *runner = srunner_create(suite());
	in_folder("");
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	remove_files();
	rmdir(folder);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

const char *image_path(void)
{
	static char path[256];
	const char *from = strchr(getenv("UNTORN_SIM"), '=') + 1;

	snprintf(path, sizeof(path), "%.*s", (int)strcspn(from, ","), from);
	return path;
}

int image_holds(off_t offset, size_t length, char letter)
{
	char *data = buffer(length, (char)~letter);
	size_t same = 0;

	long fd = syscall(SYS_openat, AT_FDCWD, image_path(), O_RDONLY, 0);
	want(fd >= 0 && syscall(SYS_pread64, fd, data, length, offset) == (long)length);
	while (same < length && data[same] == letter)
		same++;
	free(data);
	close((int)fd);
	return same == length;
}

void write_in_a_child_too(write_eight_units *write)
{
	int fd = open_disk(), status;

	write(fd, 0, 'p');
	pid_t child = fork();
	if (child == 0) {
		write(fd, 8 * UNIT, 'c');
		_exit(0);
	}
	write(fd, 16 * UNIT, 'q');
	want(waitpid(child, &status, 0) == child && status == 0);
	want(holds(fd, 8 * UNIT, 8 * UNIT, 'c'));
}

struct in_thread {
	write_eight_units *write;
	int number;
};

static void *write_in_thread(void *argument)
{
	const struct in_thread *in = argument;
	int fd = open_disk();

	in->write(fd, (off_t)UNIT * 8 * in->number, (char)('A' + in->number));
	close(fd);
	return NULL;
}

void write_in_threads(write_eight_units *write)
{
	enum { THREADS = 8 };
	struct in_thread in[THREADS];
	pthread_t ids[THREADS];

	write_in_thread(&(struct in_thread){ write, THREADS });
	for (int i = 0; i < THREADS; i++) {
		in[i] = (struct in_thread){ write, i };
		want(pthread_create(&ids[i], NULL, write_in_thread, &in[i]) == 0);
	}
	for (int i = 0; i < THREADS; i++)
		want(pthread_join(ids[i], NULL) == 0);
}
