/* SPDX-License-Identifier: MIT */
/*
 * The shim as a guest in a host program, over the simulated disk. The program uses errno, threads,
 * fork, vfork, close of all descriptors, cancellation, signals and constructors around and during
 * its atomic writes. All that must work as without the shim.
 */
#include "preload.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "untorn_uapi.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1 /* sanitizers keep memory of each thread */
#else
#define SANITIZED 0
#endif

static ssize_t early_result = -2;

/* Runs before the shim's own constructor: the program's libraries come first, and a program's
 * constructor before main must find the doors working. */
__attribute__((constructor)) static void early(void)
{
	if (!getenv("EARLY_WRITE"))
		return;
	int fd = open(DISK, O_RDWR | O_DIRECT);
	char *data = aligned_alloc(4096, UNIT);
	memset(data, 'E', UNIT);
	early_result = atomic_write(fd, data, UNIT, 0);
	close(fd);
}

static void from_constructor(void)
{
	want(early_result == UNIT);
	want(holds(open_disk(), 0, UNIT, 'E'));
}

static void at_exit(void)
{
	int fd = open_disk();

	if (atomic_write(fd, buffer(UNIT, 'X'), UNIT, 0) != UNIT || !holds(fd, 0, UNIT, 'X'))
		_exit(1);
}

static void from_atexit(void)
{
	want(atexit(at_exit) == 0);
}

static void errno_kept(void)
{
	int fd = open_disk();
	char *data = buffer(UNIT, 'a');
	struct statx stx;

	for (int i = 0; i < 3; i++) {
		errno = 1234;
		want(atomic_write(fd, data, UNIT, 0) == UNIT && errno == 1234);
		want(statx(AT_FDCWD, DISK, 0, STATX_WRITE_ATOMIC, &stx) == 0 && errno == 1234);
		want(atomic_write(fd, data, 0, 0) == 0 && errno == 1234);
	}
}

static int open_descriptors(void)
{
	int count = 0;

	for (int fd = 0; fd < 1024; fd++)
		count += fcntl(fd, F_GETFD) != -1;
	return count;
}

static void no_descriptors(void)
{
	int fd = open_disk(), before = open_descriptors();
	char *data = buffer(UNIT, 'b');
	struct statx stx;

	for (int i = 0; i < 10; i++) {
		want(atomic_write(fd, data, UNIT, UNIT * i) == UNIT);
		want(statx(AT_FDCWD, DISK, 0, STATX_WRITE_ATOMIC, &stx) == 0);
	}
	want(open_descriptors() == before + 2); /* that of the counters, and the hold */
}

static void closed_descriptors(void)
{
	int fd = open_disk();
	char *data = buffer(UNIT, 'c');

	want(atomic_write(fd, data, UNIT, 0) == UNIT);
	syscall(SYS_close_range, 3, ~0U, 0);
	fd = open_disk();
	want(atomic_write(fd, data, UNIT, UNIT) == UNIT && holds(fd, UNIT, UNIT, 'c'));
}

static void *write_many(void *start)
{
	int fd = open_disk();
	off_t offset = (off_t)(intptr_t)start * 64 * UNIT;
	char *data = buffer(UNIT, 'd');

	for (int i = 0; i < 64; i++) {
		memset(data, 'A' + i % 26, UNIT);
		want(atomic_write(fd, data, UNIT, offset + UNIT * i) == UNIT);
		want(holds(fd, offset + UNIT * i, UNIT, (char)('A' + i % 26)));
	}
	close(fd);
	free(data);
	return NULL;
}

static void threads(void)
{
	pthread_t ids[8];

	for (intptr_t i = 0; i < 8; i++)
		want(pthread_create(&ids[i], NULL, write_many, (void *)i) == 0);
	for (int i = 0; i < 8; i++)
		want(pthread_join(ids[i], NULL) == 0);
}

static void *write_one(void *unused)
{
	int fd = open_disk();

	(void)unused;
	want(atomic_write(fd, buffer(UNIT, 't'), UNIT, 0) == UNIT);
	return NULL;
}

static void small_stack(void)
{
	pthread_attr_t attributes;
	pthread_t id;

	pthread_attr_init(&attributes);
	/* glibc's smallest stack and two pages: TLS and the thread's start take part of 16 KiB. */
	want(pthread_attr_setstacksize(&attributes, (size_t)sysconf(_SC_THREAD_STACK_MIN) + 8192) ==
	     0);
	want(pthread_create(&id, &attributes, write_one, NULL) == 0);
	want(pthread_join(id, NULL) == 0);
}

static void forked(void)
{
	int fd = open_disk();
	char *data = buffer(UNIT, 'e');

	for (int round = 0; round < 2; round++) {
		pid_t child = fork();
		if (child == 0)
			_exit(atomic_write(fd, data, UNIT, UNIT * round) == UNIT ? 0 : 1);
		want(status_of(child) == 0);
		want(atomic_write(fd, data, UNIT, UNIT * (round + 2)) == UNIT);
	}
	want(holds(fd, 0, 4 * UNIT, 'e'));
}

/* A vfork() child shares our memory, so the shim must not take locks or open libraries in it. Its
 * write may fail, but must return, and the parent must work afterwards. */
static void vforked(void)
{
	int fd = open_disk();
	char *data = buffer(UNIT, 'f');
	pid_t child = vfork();

	if (child == 0) {
		ssize_t result = atomic_write(fd, data, UNIT, 0);
		_exit(result == UNIT || errno == EOPNOTSUPP ? 0 : 1);
	}
	want(status_of(child) == 0);
	want(atomic_write(fd, data, UNIT, UNIT) == UNIT && holds(fd, UNIT, UNIT, 'f'));
}

/* clone returns twice through our syscall(). No atfork handler has run in the child: its write may
 * fail if the parent did not know the disk, but must not hang. */
static void cloned_by_syscall(void)
{
	int fd = open_disk();
	pid_t child = (pid_t)syscall(SYS_clone, (long)SIGCHLD, 0L, 0L, 0L, 0L);

	if (child == 0) {
		ssize_t result = atomic_write(fd, buffer(UNIT, 'k'), UNIT, 0);
		_exit(result == UNIT || errno == EOPNOTSUPP ? 3 : 1);
	}
	want(WEXITSTATUS(status_of(child)) == 3);
}

static void *cancelled_writer(void *fd)
{
	char *data = buffer(UNIT, 'g');

	for (;;)
		atomic_write(*(int *)fd, data, UNIT, 0);
	return NULL;
}

static void cancelled(void)
{
	int fd = open_disk(), before = open_descriptors();
	void *result;

	for (int i = 0; i < 20; i++) {
		pthread_t id;
		want(pthread_create(&id, NULL, cancelled_writer, &fd) == 0);
		usleep(2000);
		want(pthread_cancel(id) == 0);
		want(pthread_join(id, &result) == 0 && result == PTHREAD_CANCELED);
	}
	want(open_descriptors() == before + 2); /* the counters' descriptor and the hold */
	want(atomic_write(fd, buffer(UNIT, 'G'), UNIT, 0) == UNIT && holds(fd, 0, UNIT, 'G'));
}

static ssize_t written;

static void *one_write(void *fd)
{
	written = atomic_write(*(int *)fd, buffer(UNIT, 'g'), UNIT, 0);
	pthread_testcancel();
	return NULL;
}

/* On a slow disk: a cancelled write ends and returns its result before its thread ends. */
static void cancelled_under_way(void)
{
	int fd = open_disk();
	void *result;
	pthread_t id;

	want(atomic_write(fd, buffer(UNIT, 'f'), UNIT, 0) == UNIT);
	want(pthread_create(&id, NULL, one_write, &fd) == 0);
	usleep(400000);
	want(pthread_cancel(id) == 0);
	want(pthread_join(id, &result) == 0 && result == PTHREAD_CANCELED);
	want(written == UNIT && holds(fd, 0, UNIT, 'g'));
}

static int signal_fd;

/* posix_spawn() starts another program, which inherits the descriptor. */
static void spawned(void)
{
	const char *inherited = getenv("INHERITED");
	int fd = inherited ? atoi(inherited) : open(DISK, O_RDWR | O_DIRECT);
	char number[16], *arguments[] = { strdup("preload-body"), strdup("--body"),
					  strdup("spawned"), NULL };
	pid_t child;

	want(atomic_write(fd, buffer(UNIT, 's'), UNIT, inherited ? UNIT : 0) == UNIT);
	if (inherited)
		return;
	snprintf(number, sizeof(number), "%d", fd);
	setenv("INHERITED", number, 1);
	want(posix_spawn(&child, "/proc/self/exe", NULL, NULL, arguments, environ) == 0);
	want(status_of(child) == 0 && holds(fd, 0, 2 * UNIT, 's'));
}

/* As daemons start: after a first write, two forks and a close of all descriptors but the disk's.
 */
static void daemonised(void)
{
	int fd = open_disk(), report[2];
	char byte = 0;

	want(atomic_write(fd, buffer(UNIT, 'd'), UNIT, 0) == UNIT && pipe(report) == 0);
	pid_t child = fork();
	if (child == 0) {
		want(setsid() > 0);
		if (fork() != 0)
			_exit(0);
		want(dup2(fd, 0) == 0 && dup2(report[1], 1) == 1 && chdir("/") == 0);
		close_range(2, ~0U, 0);
		if (atomic_write(0, buffer(UNIT, 'D'), UNIT, UNIT) == UNIT &&
		    holds(0, UNIT, UNIT, 'D'))
			write(1, "k", 1);
		_exit(0);
	}
	close(report[1]);
	want(status_of(child) == 0 && read(report[0], &byte, 1) == 1 && byte == 'k');
}

/* The program loads the shim by dlopen() and unloads it. */
static void opened_and_closed(void)
{
	char path[300];
	ssize_t (*write_by_shim)(int, const struct iovec *, int, off_t, int);
	struct iovec iov = { buffer(UNIT, 'o'), UNIT };

	if (!getenv("WITHOUT_SHIM")) {
		char *preload = strdup(getenv("LD_PRELOAD")),
		     *rest = strstr(preload, "libuntorn.so:");
		want(rest);
		char *start = rest;
		while (start > preload && start[-1] != ':')
			start--;
		memmove(start, strchr(rest, ':') + 1, strlen(strchr(rest, ':')));
		setenv("LD_PRELOAD", preload, 1);
		setenv("WITHOUT_SHIM", "1", 1);
		execl("/proc/self/exe", "preload-body", "--body", "opened_and_closed", NULL);
	}
	int fd = open_disk();
	want(pwritev2(fd, &iov, 1, 0, RWF_ATOMIC) == -1 && errno == EOPNOTSUPP);
	snprintf(path, sizeof(path), "%s/libuntorn.so", getenv("BUILD"));
	for (int i = 0; i < 3; i++) {
		void *shim = dlopen(path, RTLD_NOW | RTLD_LOCAL);
		want(shim);
		*(void **)&write_by_shim = dlsym(shim, "pwritev2");
		want(write_by_shim(fd, &iov, 1, UNIT * i, RWF_ATOMIC) == UNIT);
		want(dlclose(shim) == 0);
		pid_t child = fork(); /* the shim's handler must have gone with it */
		if (child == 0)
			_exit(0);
		want(status_of(child) == 0);
	}
	want(holds(fd, 0, 3 * UNIT, 'o'));
}

static void *write_from_thread(void *data)
{
	return (void *)(intptr_t)(atomic_write(signal_fd, data, UNIT, 0) == UNIT);
}

static long resident_kib(void)
{
	struct rusage usage;

	want(getrusage(RUSAGE_SELF, &usage) == 0);
	return usage.ru_maxrss;
}

/* 100 rounds of 100 threads at once: the shim must keep no memory of ended threads. */
static void ten_thousand_threads(void)
{
	enum { AT_ONCE = 100, ROUNDS = 100 };
	char *data = buffer(UNIT, 'T');
	pthread_t ids[AT_ONCE];
	long before = 0;
	void *good;

	signal_fd = open_disk();
	for (int round = 0; round < ROUNDS; round++) {
		for (int i = 0; i < AT_ONCE; i++)
			want(pthread_create(&ids[i], NULL, write_from_thread, data) == 0);
		for (int i = 0; i < AT_ONCE; i++)
			want(pthread_join(ids[i], &good) == 0 && good);
		if (round == ROUNDS / 10)
			before = resident_kib();
	}
	want(SANITIZED ||
	     resident_kib() - before < 4096); /* 9000 threads; a page of each would be 36 MB */
}

static char *signal_data;
static volatile sig_atomic_t signals, signal_failures;

static void write_in_handler(int number)
{
	int kept = errno;

	(void)number;
	signals++;
	if (atomic_write(signal_fd, signal_data, UNIT, 8 * UNIT) != UNIT)
		signal_failures++;
	ualarm(500, 0); /* only now: on a slow machine nothing else would be done */
	errno = kept;
}

static void interrupted(void)
{
	struct sigaction action = { .sa_handler = write_in_handler,
				    .sa_flags = getenv("RESTART") ? SA_RESTART : 0 };
	char *data = buffer(UNIT, 'h');

	signal_fd = open_disk();
	signal_data = buffer(UNIT, 'H');
	want(atomic_write(signal_fd, data, UNIT, 0) == UNIT);
	want(sigaction(SIGALRM, &action, NULL) == 0);
	ualarm(500, 0);
	for (int i = 0; i < 400; i++)
		want(atomic_write(signal_fd, data, UNIT, UNIT * (i % 4)) == UNIT);
	signal(SIGALRM, SIG_IGN);
	want(signals > 0 && signal_failures == 0);
	want(holds(signal_fd, 0, 4 * UNIT, 'h') && holds(signal_fd, 8 * UNIT, UNIT, 'H'));
}

static void signal_mask_kept(void)
{
	sigset_t before, after;

	sigemptyset(&before);
	sigemptyset(&after);
	sigaddset(&before, SIGUSR1);
	want(pthread_sigmask(SIG_SETMASK, &before, NULL) == 0);
	want(atomic_write(open_disk(), buffer(UNIT, 'i'), UNIT, 0) == UNIT);
	want(pthread_sigmask(SIG_SETMASK, NULL, &after) == 0);
	for (int number = 1; number < NSIG; number++)
		want(sigismember(&before, number) == sigismember(&after, number));
}

static void version(void)
{
	const char *(*ask)(void) = NULL;

	extern const char *untorn_version(void) __attribute__((weak));
	ask = untorn_version;
	want(ask && strchr(ask(), '.'));
}

/* The program's seccomp filter refuses fcntl(), which a write needs: the write's errno must be one
 * that a native kernel gives. */
static void refused_by_a_filter(void)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_fcntl, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof(filter) / sizeof(filter[0]), filter };
	int fd = open_disk();
	char *data = buffer(UNIT, 'f');

	want(atomic_write(fd, data, UNIT, 0) == UNIT);
	want(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	want(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0);
	want_error(atomic_write(fd, data, UNIT, 0), EOPNOTSUPP);
}

const struct body bodies[] = {
	{ "refused_by_a_filter", refused_by_a_filter },
	{ "from_constructor", from_constructor },
	{ "from_atexit", from_atexit },
	{ "errno_kept", errno_kept },
	{ "no_descriptors", no_descriptors },
	{ "closed_descriptors", closed_descriptors },
	{ "threads", threads },
	{ "small_stack", small_stack },
	{ "forked", forked },
	{ "vforked", vforked },
	{ "cloned_by_syscall", cloned_by_syscall },
	{ "cancelled", cancelled },
	{ "cancelled_under_way", cancelled_under_way },
	{ "spawned", spawned },
	{ "daemonised", daemonised },
	{ "opened_and_closed", opened_and_closed },
	{ "ten_thousand_threads", ten_thousand_threads },
	{ "interrupted", interrupted },
	{ "signal_mask_kept", signal_mask_kept },
	{ "version", version },
	{ NULL, NULL },
};

static const struct preload_row rows[] = {
	{ "refused_by_a_filter", "", NULL, 1 },
	{ "from_constructor", "", "EARLY_WRITE=1", 1 },
	{ "from_atexit", "", NULL, 1 },
	{ "errno_kept", "", NULL, 3 },
	{ "no_descriptors", "", NULL, 10 },
	{ "closed_descriptors", "", NULL, 2 },
	{ "threads", "", NULL, 512 },
	{ "small_stack", "", NULL, 1 },
	{ "forked", "", NULL, 4 },
	{ "vforked", "", NULL, -1 },
	{ "cloned_by_syscall", "", NULL, -1 },
	{ "cancelled", "", NULL, -1 },
	{ "cancelled_under_way", ",delay=1000000", NULL, 2 },
	{ "spawned", "", NULL, 2 },
	{ "daemonised", "", NULL, 2 },
	{ "opened_and_closed", "", NULL, 3 },
	{ "ten_thousand_threads", "", NULL, 10000 },
	{ "interrupted", "", NULL, -1 },
	{ "interrupted", "", "RESTART=1", -1 },
	{ "signal_mask_kept", "", NULL, 1 },
	{ "version", "", NULL, 0 },
};

Suite *suite(void)
{
	return preload_suite("the shim as a guest", rows, sizeof(rows) / sizeof(rows[0]));
}
