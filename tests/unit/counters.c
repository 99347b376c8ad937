/* SPDX-License-Identifier: MIT */
/* Tests the counters' memory: its origin, its sharing, and memory that must not be taken for it.
 * Each test is a process of its own, without counters at first. */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/counters_share.h"
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
	ck_assert_int_eq(ftruncate(fd, 0), -1); /* another process cannot remove the memory */
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

/* Memory of another process that UNTORN_STAT names, as with `untorn run --report`. */
enum { ID = 0x1234abcd };
static struct counters *make_named(size_t size, int seals)
{
	char setting[128];
	int fd = memfd_create(COUNTERS_NAME, MFD_ALLOW_SEALING);

	ck_assert_int_eq(ftruncate(fd, (off_t)size), 0);
	ck_assert_int_eq(fcntl(fd, F_ADD_SEALS, seals), 0);
	struct counters *memory =
		mmap(NULL, sizeof(*memory), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	snprintf(setting, sizeof(setting), "/proc/%d/fd/%d:%016xfedcba9876543210", getpid(), fd,
		 ID);
	setenv(UNTORN_ENV_STAT, setting, 1);
	return memory;
}

static struct counters *make_good(void)
{
	struct counters *named = make_named(sizeof(*named), F_SEAL_SHRINK | F_SEAL_GROW);

	counters_initialise(named);
	named->report.id = ID;
	return named;
}

START_TEST(the_named_memory_is_used)
{
	struct counters *named = make_good();

	counters_start();
	ck_assert_uint_eq(counters_read(&named->processes), 0);
	count();
	ck_assert_uint_eq(counters_read(&named->slots[0].statx), 100);
	ck_assert_uint_eq(counters_read(&named->processes), 1);
	close(descriptor()); /* ours, which found it: the process must keep no other */
	ck_assert_int_eq(descriptor(), -1);
}
END_TEST

START_TEST(it_is_used_without_the_constructor)
{
	struct counters *named = make_good();

	count();
	ck_assert_uint_eq(counters_read(&named->slots[0].statx), 100);
}
END_TEST

/* Named memory with one wrong field: it must not be used. */
static const struct {
	uint64_t magic, id;
	uint32_t version, size;
	int seals;
} strangers[] = {
	{ 0, 0, 0, 0, F_SEAL_SHRINK },
	{ COUNTERS_MAGIC + 1, ID, COUNTERS_VERSION, sizeof(struct counters), F_SEAL_SHRINK },
	{ COUNTERS_MAGIC, ID + 1, COUNTERS_VERSION, sizeof(struct counters), F_SEAL_SHRINK },
	{ COUNTERS_MAGIC, ID, COUNTERS_VERSION - 1, sizeof(struct counters), F_SEAL_SHRINK },
	{ COUNTERS_MAGIC, ID, COUNTERS_VERSION, sizeof(struct counters) - 8, F_SEAL_SHRINK },
	{ COUNTERS_MAGIC, ID, COUNTERS_VERSION, sizeof(struct counters), F_SEAL_GROW },
};

START_TEST(a_strange_memory_is_left_alone)
{
	struct counters *named = make_named(sizeof(*named), strangers[_i].seals);

	named->magic = strangers[_i].magic;
	named->report.id = strangers[_i].id;
	named->version = strangers[_i].version;
	named->size = strangers[_i].size;
	counters_start();
	count();
	ck_assert_uint_eq(counters_read(&named->processes), 0);
	ck_assert_uint_eq(counters_read(&named->slots[0].key), 0);
	ck_assert_uint_eq(counters_read(&slot(7)->statx), 100);
}
END_TEST

START_TEST(a_short_memory_is_left_alone)
{
	struct counters *named = make_named(4096, F_SEAL_SHRINK);

	counters_initialise(named);
	named->report.id = ID;
	count();
	ck_assert_uint_eq(counters_read(&named->processes), 0);
	ck_assert_uint_eq(counters_read(&slot(7)->statx), 100);
}
END_TEST

/* Settings that name no memory: they must be ignored. */
static const char *const settings[] = {
	"/etc/passwd",
	"/etc/passwd:0123456789abcdef0123456789abcdef",
	"/proc/self/fd/0:0123456789abcdef0123456789abcdef",
	"/tmp:x",
	"",
};

START_TEST(another_file_is_not_opened)
{
	setenv(UNTORN_ENV_STAT, settings[_i], 1);
	counters_start();
	ck_assert_int_eq(descriptor(), -1);
	count();
	ck_assert_uint_eq(counters_read(&slot(7)->statx), 100);
}
END_TEST

/* open() of a pipe for reading would wait until another process opens it for writing. */
START_TEST(a_pipe_is_not_opened)
{
	char folder[] = "/tmp/untorn-test-XXXXXX", path[40], setting[96];

	ck_assert(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/untorn-stat", folder);
	snprintf(setting, sizeof(setting), "%s:0123456789abcdef0123456789abcdef", path);
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	pid_t child = fork();
	if (child == 0)
		_exit(open(path, O_RDONLY) < 0);
	usleep(100000);
	setenv(UNTORN_ENV_STAT, setting, 1);
	counters_start();
	usleep(100000);
	ck_assert_int_eq(waitpid(child, NULL, WNOHANG), 0);
	kill(child, SIGKILL);
	unlink(path);
	rmdir(folder);
}
END_TEST

/* Receives a descriptor: a process that cannot open the memory passes its own to the reporter. */
static int take(int socket)
{
	char said[64];
	union {
		char space[CMSG_SPACE(sizeof(int))];
		struct cmsghdr header;
	} control;
	struct iovec iov = { said, sizeof(said) };
	struct msghdr message = { .msg_iov = &iov,
				  .msg_iovlen = 1,
				  .msg_control = &control,
				  .msg_controllen = sizeof(control) };
	int fd;

	ck_assert_int_eq(recvmsg(socket, &message, MSG_DONTWAIT), 16);
	ck_assert_int_eq(memcmp(said, "fedcba9876543210", 16), 0);
	memcpy(&fd, CMSG_DATA(&control.header), sizeof(fd));
	return fd;
}

START_TEST(another_users_is_handed_over)
{
	struct sockaddr_un address;
	unsigned length = counters_share_address("0123456789abcdef", &address);
	int socket_ = socket(AF_UNIX, SOCK_DGRAM, 0);

	ck_assert_int_eq(bind(socket_, (const struct sockaddr *)&address, length), 0);
	setenv(UNTORN_ENV_STAT, "/proc/0/fd/0:0123456789abcdeffedcba9876543210", 1);
	counters_start();
	ck_assert_int_eq(descriptor(), -1);
	count();
	int fd = take(socket_);
	ck_assert_int_lt(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), 0); /* it is still mapped */
	const struct counters *theirs = mmap(NULL, sizeof(*theirs), PROT_READ, MAP_SHARED, fd, 0);
	ck_assert_uint_eq(counters_read(&theirs->slots[0].statx), 100);
}
END_TEST

static struct counters one, two;

START_TEST(lengths_are_counted_by_reason)
{
	uint64_t length = 0;
	const struct counters_slot *slot = &one.slots[3];

	for (uint64_t i = 0; i < 9; i++)
		counters_add_length(&one, slot, DOOR_LIBAIO, 11, i % 3 ? 512 * i : 3072);
	counters_add_length(&one, slot, DOOR_LIBAIO, 12, UINT64_MAX);
	ck_assert_uint_eq(counters_commonest(&one, slot, DOOR_LIBAIO, 11, &length), 3);
	ck_assert_uint_eq(length, 3072);
	ck_assert_uint_eq(counters_commonest(&one, slot, DOOR_LIBAIO, 12, &length), 1);
	ck_assert_uint_eq(counters_commonest(&one, slot, DOOR_IO_URING, 11, &length), 0);
	ck_assert_uint_eq(counters_commonest(&one, &one.slots[2], DOOR_LIBAIO, 11, &length), 0);
}
END_TEST

START_TEST(too_many_lengths_do_no_harm)
{
	uint64_t length = 0;

	for (uint64_t i = 0; i < 10000; i++)
		counters_add_length(&one, &one.slots[0], DOOR_SYSCALL, 1, i);
	ck_assert_uint_eq(counters_commonest(&one, &one.slots[0], DOOR_SYSCALL, 1, &length), 1);
}
END_TEST

/* The second has the device in another slot. */
START_TEST(sums)
{
	bool is_new;
	uint64_t length = 0;
	struct counters_slot *first = counters_slot(&one, 7, &is_new);

	counters_slot(&two, 5, &is_new);
	struct counters_slot *second = counters_slot(&two, 7, &is_new);
	counters_set_name(second, "sda");
	counters_add(&first->doors[DOOR_LIBAIO].refused[11], 1);
	counters_add_length(&one, first, DOOR_LIBAIO, 11, 3072);
	counters_add(&second->doors[DOOR_LIBAIO].refused[11], 1);
	counters_add_length(&two, second, DOOR_LIBAIO, 11, 3072);
	counters_add(&second->doors[DOOR_IO_URING].time, 9);
	counters_add(&two.processes, 4);
	counters_sum(&one, &two);
	ck_assert_uint_eq(counters_read(&one.processes), 4);
	ck_assert_uint_eq(counters_read(&first->doors[DOOR_LIBAIO].refused[11]), 2);
	ck_assert_uint_eq(counters_read(&first->doors[DOOR_IO_URING].time), 9);
	ck_assert_uint_eq(counters_commonest(&one, first, DOOR_LIBAIO, 11, &length), 2);
	ck_assert_uint_eq(counters_read(&one.slots[1].key), 6);
}
END_TEST

static void end_in_time(void)
{
	counters_end();
}

/* No reporter answers: the program may wait at most a second, its children not at all. */
START_TEST(the_end_waits_for_the_report)
{
	struct stat st;
	struct counters *named = make_good();

	ck_assert_int_eq(stat("/proc/self/ns/pid", &st), 0);
	named->report.namespace = st.st_ino;
	named->report.program = getpid();
	counters_start();
	in_child(end_in_time);
	ck_assert_uint_eq(named->report.state, COUNTERS_COUNTS);
	counters_end();
	ck_assert_uint_eq(named->report.state, COUNTERS_ENDS);
}
END_TEST

START_TEST(another_programs_end_does_not)
{
	struct counters *named = make_good();

	named->report.namespace = 1; /* the same number in another namespace */
	named->report.program = getpid();
	counters_start();
	counters_end();
	ck_assert_uint_eq(named->report.state, COUNTERS_COUNTS);
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
	tcase_add_test(tc, the_named_memory_is_used);
	tcase_add_test(tc, it_is_used_without_the_constructor);
	tcase_add_loop_test(tc, a_strange_memory_is_left_alone, 0,
			    sizeof(strangers) / sizeof(strangers[0]));
	tcase_add_test(tc, a_short_memory_is_left_alone);
	tcase_add_loop_test(tc, another_file_is_not_opened, 0,
			    sizeof(settings) / sizeof(settings[0]));
	tcase_add_test(tc, a_pipe_is_not_opened);
	tcase_add_test(tc, another_users_is_handed_over);
	tcase_add_test(tc, lengths_are_counted_by_reason);
	tcase_add_test(tc, too_many_lengths_do_no_harm);
	tcase_add_test(tc, sums);
	tcase_add_test(tc, the_end_waits_for_the_report);
	tcase_add_test(tc, another_programs_end_does_not);
	tcase_add_loop_test(tc, bucket_of_a_time, 0, sizeof(times) / sizeof(times[0]));
	tcase_add_loop_test(tc, names_come_back, 0, sizeof(names) / sizeof(names[0]));
	suite_add_tcase(s, tc);
	return s;
}
