/* SPDX-License-Identifier: MIT */
/* The counters' memory: where it comes from, who shares it, and what is not taken for it. Each test
 * is a process of its own, which has none yet. */
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "counters_fd.h"
#include "suite.h"
#include "untorn.h"

static struct counters_slot *slot(dev_t number)
{
	bool is_new;

	return counters_slot(counters_get(), number, &is_new);
}

static void in_child(void (*body)(void))
{
	int status;
	pid_t child = fork();

	if (child == 0) {
		counters_after_fork();
		body();
		_exit(0);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
}

static void count(void)
{
	for (int i = 0; i < 100; i++)
		counters_add(&slot(7)->statx, 1);
}

START_TEST(children_count_where_their_parent_does)
{
	count();
	in_child(count);
	in_child(count);
	ck_assert_uint_eq(counters_read(&slot(7)->statx), 300);
	ck_assert_uint_eq(counters_read(&counters_get()->processes), 3);
}
END_TEST

START_TEST(one_descriptor_is_left_out_of_the_way)
{
	ck_assert_int_eq(descriptor(), -1);
	counters_get();
	int fd = descriptor();
	ck_assert_int_ge(fd, 512);
	ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
	ck_assert_int_eq(ftruncate(fd, 0), -1); /* who finds it cannot take the memory away */
	close(fd);
	ck_assert_int_eq(descriptor(), -1);
}
END_TEST

static void *count_in_thread(void *unused)
{
	for (int i = 0; i < 10000; i++)
		counters_add(&slot((dev_t)i % 3)->statx, 1);
	return unused;
}

START_TEST(threads_that_come_at_once_share_it)
{
	enum { THREADS = 8 };
	pthread_t ids[THREADS];

	for (int i = 0; i < THREADS; i++)
		ck_assert_int_eq(pthread_create(&ids[i], NULL, count_in_thread, NULL), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(ids[i], NULL);
	ck_assert_uint_eq(counters_read(&slot(0)->statx) + counters_read(&slot(1)->statx) +
				  counters_read(&slot(2)->statx),
			  THREADS * 10000);
	ck_assert_uint_eq(counters_read(&counters_get()->processes), 1);
	close(descriptor());
	ck_assert_int_eq(descriptor(), -1);
}
END_TEST

START_TEST(devices_that_find_no_slot_share_the_last)
{
	bool is_new;
	struct counters *counters = counters_get();

	for (dev_t i = 0; i < COUNTERS_SLOTS - 1; i++) {
		ck_assert_ptr_eq(counters_slot(counters, i * 16, &is_new), &counters->slots[i]);
		ck_assert(is_new);
		ck_assert_ptr_eq(counters_slot(counters, i * 16, &is_new), &counters->slots[i]);
		ck_assert(!is_new);
	}
	for (dev_t i = 1000; i < 1010; i++) {
		ck_assert_ptr_eq(counters_slot(counters, i, &is_new),
				 &counters->slots[COUNTERS_SLOTS - 1]);
		ck_assert(!is_new);
	}
}
END_TEST

static void count_within(int resource, rlim_t most)
{
	struct rlimit limit = { most, most };

	if (setrlimit((__rlimit_resource_t)resource, &limit) < 0)
		_exit(2);
	count();
	if (counters_read(&slot(7)->statx) != 100)
		_exit(3);
}

static void without_large_files(void)
{
	count_within(RLIMIT_FSIZE, 100);
	if (descriptor() >= 0)
		_exit(4);
}

static void without_descriptors(void)
{
	count_within(RLIMIT_NOFILE, 0);
}

START_TEST(where_nothing_can_be_shared_it_counts_all_the_same)
{
	in_child(without_large_files);
	in_child(without_descriptors);
}
END_TEST

static char path[] = "/tmp/untorn-stat-test-XXXXXX";

static struct counters *make_named(size_t size)
{
	static struct counters *memory;
	int fd = mkstemp(path);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(ftruncate(fd, (off_t)size), 0);
	memory = mmap(NULL, sizeof(*memory), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	setenv(UNTORN_ENV_STAT, path, 1);
	return memory;
}

START_TEST(the_named_file_is_used)
{
	struct counters *named = make_named(sizeof(*named));

	counters_initialise(named);
	count();
	unlink(path);
	ck_assert_uint_eq(counters_read(&named->slots[0].statx), 100);
	ck_assert_uint_eq(counters_read(&named->processes), 1);
}
END_TEST

/* What is wrong with it. */
static const struct {
	uint64_t magic;
	uint32_t version, size;
} strangers[] = {
	{ 0, 0, 0 },
	{ COUNTERS_MAGIC + 1, COUNTERS_VERSION, sizeof(struct counters) },
	{ COUNTERS_MAGIC, COUNTERS_VERSION + 1, sizeof(struct counters) },
	{ COUNTERS_MAGIC, COUNTERS_VERSION, sizeof(struct counters) - 8 },
};

START_TEST(a_strange_file_is_left_alone)
{
	struct counters *named = make_named(sizeof(*named));

	named->magic = strangers[_i].magic;
	named->version = strangers[_i].version;
	named->size = strangers[_i].size;
	count();
	unlink(path);
	ck_assert_uint_eq(counters_read(&named->processes), 0);
	ck_assert_uint_eq(counters_read(&named->slots[0].key), 0);
	ck_assert_uint_eq(counters_read(&slot(7)->statx), 100);
}
END_TEST

START_TEST(a_short_file_is_left_alone)
{
	struct counters *named = make_named(4096);

	counters_initialise(named);
	count();
	unlink(path);
	ck_assert_uint_eq(counters_read(&named->processes), 0);
	ck_assert_uint_eq(counters_read(&slot(7)->statx), 100);
}
END_TEST

START_TEST(a_named_pipe_is_not_waited_for)
{
	static char fifo[] = "/tmp/untorn-stat-test-fifo-XXXXXX";

	ck_assert_ptr_nonnull(mkdtemp(fifo));
	rmdir(fifo);
	ck_assert_int_eq(mkfifo(fifo, 0600), 0);
	setenv(UNTORN_ENV_STAT, fifo, 1);
	count();
	unlink(fifo);
	ck_assert_uint_eq(counters_read(&slot(7)->statx), 100);
}
END_TEST

static const struct {
	uint64_t time;
	unsigned bucket;
} times[] = {
	{ 0, 0 },
	{ 999, 0 },
	{ 1000, 1 },
	{ 1999, 1 },
	{ 2000, 2 },
	{ 3999, 2 },
	{ 4000, 3 },
	{ 1000000, 10 },
	{ 1024000, 11 },
	{ 1023999, 10 },
	{ UINT64_MAX, 23 },
	{ UINT64_C(4194303999), 22 },
	{ UINT64_C(4194304000), 23 },
};

START_TEST(bucket_of_a_time)
{
	ck_assert_uint_eq(counters_bucket(times[_i].time), times[_i].bucket);
}
END_TEST

static const char *const names[] = { "", "sda", "nvme0n1p1", "12345678",
				     "a name that fills all 32 letters" };

START_TEST(names_come_back)
{
	char name[8 * COUNTERS_NAME_WORDS + 1];

	counters_set_name(slot(1), names[_i]);
	counters_name(slot(1), name);
	ck_assert_str_eq(name, names[_i]);
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("counters");
	TCase *tc = tcase_create("memory");

	tcase_add_test(tc, children_count_where_their_parent_does);
	tcase_add_test(tc, one_descriptor_is_left_out_of_the_way);
	tcase_add_test(tc, threads_that_come_at_once_share_it);
	tcase_add_test(tc, devices_that_find_no_slot_share_the_last);
	tcase_add_test(tc, where_nothing_can_be_shared_it_counts_all_the_same);
	tcase_add_test(tc, the_named_file_is_used);
	tcase_add_loop_test(tc, a_strange_file_is_left_alone, 0,
			    sizeof(strangers) / sizeof(strangers[0]));
	tcase_add_test(tc, a_short_file_is_left_alone);
	tcase_add_test(tc, a_named_pipe_is_not_waited_for);
	tcase_add_loop_test(tc, bucket_of_a_time, 0, sizeof(times) / sizeof(times[0]));
	tcase_add_loop_test(tc, names_come_back, 0, sizeof(names) / sizeof(names[0]));
	suite_add_tcase(s, tc);
	return s;
}
