/* SPDX-License-Identifier: MIT */
/* Deep mode over the simulated disk: programs that make system calls by their own instructions,
 * also in threads and children. tests/preload/deep_signal.c has their signals. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <threads.h>
#include <unistd.h>

#include "inline_call.h"
#include "preload.h"
#include "untorn_uapi.h"

static long inline_write(int fd, const void *data, size_t length, off_t offset)
{
	struct iovec iov = { (void *)(uintptr_t)data, length };

	return inline_call(SYS_pwritev2, fd, (long)&iov, 1, offset, 0, RWF_ATOMIC);
}

static void write_one(int fd, off_t offset, char letter)
{
	char *data = buffer(UNIT, letter);

	want(inline_write(fd, data, UNIT, offset) == UNIT);
	free(data);
}

static void write_eight(int fd, off_t place, char letter)
{
	for (int i = 0; i < 8; i++)
		write_one(fd, place + (off_t)UNIT * i, letter);
	want(holds(fd, place, 8 * UNIT, letter));
}

static void a_write(void)
{
	int fd = open_disk();
	char *data = buffer(2 * UNIT, 'w');

	errno = 77;
	want(inline_write(fd, data, UNIT, UNIT) == UNIT && errno == 77);
	want(inline_write(fd, data, 2 * UNIT, 0) == -EINVAL && errno == 77);
	want(inline_write(fd, data, UNIT, 512) == -EINVAL && errno == 77);
	want(inline_write(-1, data, UNIT, 0) == -EBADF && errno == 77);
	want(holds(fd, UNIT, UNIT, 'w') && holds(fd, 0, UNIT, 0) && holds(fd, 2 * UNIT, UNIT, 0));
	want(inline_call(SYS_close, fd, 0, 0, 0, 0, 0) == 0);
	want(inline_call(SYS_close, fd, 0, 0, 0, 0, 0) == -EBADF && errno == 77);
}

static void a_statx(void)
{
	int fd = open_disk();
	struct statx stx = { 0 };

	want(inline_call(SYS_statx, fd, (long)"", AT_EMPTY_PATH, STATX_WRITE_ATOMIC, (long)&stx,
			 0) == 0);
	want(untorn_statx_atomic(&stx)->unit_max == UNIT);
}

/* Without deep mode, on machines that lack it, and with UNTORN_MODE=off. */
static void refused(void)
{
	int fd = open_disk();
	char *data = buffer(UNIT, 'r');

	long result = inline_write(fd, data, UNIT, 0);
	want(result == -EOPNOTSUPP || result == -EINVAL);
	want(holds(fd, 0, UNIT, 0));
}

/* Calls that the shim does not handle: all arguments and the result stay the same. */
static void other_calls(void)
{
	char *memory = (char *)inline_call(SYS_mmap, 0, 8192, PROT_READ | PROT_WRITE,
					   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char byte = 1;
	int ends[2];

	want((long)memory > 0 && !memory[8191]);
	want(inline_call(SYS_munmap, (long)memory, 8192, 0, 0, 0, 0) == 0);
	want(inline_call(SYS_pipe2, (long)ends, O_CLOEXEC | O_NONBLOCK, 0, 0, 0, 0) == 0);
	want(inline_call(SYS_read, ends[0], (long)&byte, 1, 0, 0, 0) == -EAGAIN);
	want(inline_call(SYS_write, ends[1], (long)"y", 1, 0, 0, 0) == 1);
	want(inline_call(SYS_read, ends[0], (long)&byte, 1, 0, 0, 0) == 1 && byte == 'y');
	want(inline_call(SYS_getppid, 0, 0, 0, 0, 0, 0) == getppid());
	want(inline_call(-1, 0, 0, 0, 0, 0, 0) == -ENOSYS);
	want(inline_call(100000, 0, 0, 0, 0, 0, 0) == -ENOSYS);
	want(inline_call(0x756e746f, 0, 0, 0, 0, 0, 0) == -ENOSYS); /* base/deep.h uses it */
}

static void in_threads(void)
{
	write_in_threads(write_eight);
}

static void forked(void)
{
	write_in_a_child_too(write_eight);
}

static int disk;

static int in_c11_thread(void *letter)
{
	write_one(disk, 0, *(char *)letter);
	return *(char *)letter;
}

static void *in_posix_thread(void *place)
{
	write_one(disk, UNIT * (off_t)(intptr_t)place, 't');
	pthread_exit(place);
}

/* Several threads make more threads at once than the shim has places for beginning ones. */
static void *begin_fifty(void *first)
{
	pthread_t ids[50];
	void *result;

	for (intptr_t i = 0; i < 50; i++)
		want(pthread_create(&ids[i], NULL, in_posix_thread,
				    (void *)((intptr_t)first + i)) == 0);
	for (intptr_t i = 0; i < 50; i++)
		want(pthread_join(ids[i], &result) == 0 && (intptr_t)result == (intptr_t)first + i);
	return NULL;
}

static void many_threads(void)
{
	pthread_t ids[4];
	thrd_t thread;
	char letter = 'c';
	int result;

	disk = open_disk();
	for (intptr_t i = 0; i < 4; i++)
		want(pthread_create(&ids[i], NULL, begin_fifty, (void *)(i * 50)) == 0);
	for (int i = 0; i < 4; i++)
		want(pthread_join(ids[i], NULL) == 0);
	want(holds(disk, 0, 200 * UNIT, 't'));
	want(thrd_create(&thread, in_c11_thread, &letter) == thrd_success);
	want(thrd_join(thread, &result) == thrd_success && result == 'c');
	want(holds(disk, 0, UNIT, 'c'));
}

/* A thread that cannot be created leaves nothing behind. */
static void no_threads(void)
{
	pthread_attr_t attributes;
	pthread_t id;

	disk = open_disk();
	pthread_attr_init(&attributes);
	want(pthread_attr_setstacksize(&attributes, (size_t)1 << 46) == 0);
	for (int i = 0; i < 1000; i++)
		want(pthread_create(&id, &attributes, begin_fifty, NULL) == EAGAIN);
	begin_fifty(NULL);
}

/* The thread's mask blocks SIGSYS, unless the shim prevents that. */
static void thread_with_a_mask(void)
{
	pthread_attr_t attributes;
	pthread_t id;
	sigset_t all;

	disk = open_disk();
	sigfillset(&all);
	pthread_attr_init(&attributes);
	want(pthread_attr_setsigmask_np(&attributes, &all) == 0);
	want(pthread_create(&id, &attributes, in_posix_thread, NULL) == 0);
	want(pthread_join(id, NULL) == 0 && holds(disk, 0, UNIT, 't'));
}

static long make_child(const char *how)
{
	uint64_t arguments[8] = { [4] = SIGCHLD }; /* struct clone_args, linux/sched.h */

	if (strcmp(how, "fork") == 0)
		return inline_call(SYS_fork, 0, 0, 0, 0, 0, 0);
	if (strcmp(how, "clone3") == 0)
		return inline_call(SYS_clone3, (long)arguments, sizeof(arguments), 0, 0, 0, 0);
	return inline_call(SYS_clone, SIGCHLD, 0, 0, 0, 0, 0);
}

/* Children made by the program's own instructions: the parent stays armed, the child is not. */
static void inline_children(void)
{
	int fd = open_disk();
	char *data = buffer(UNIT, 'f');

	for (int i = 0; i < 3; i++) {
		static const char *const ways[] = { "clone", "fork", "clone3" };
		long child = make_child(ways[i]);
		if (child == 0) {
			long result = inline_write(fd, data, UNIT, 0);
			inline_call(SYS_exit_group, result == -EOPNOTSUPP || result == -EINVAL, 0,
				    0, 0, 0, 0);
		}
		want(child > 0 && status_of((pid_t)child) == 1 << 8);
		write_one(fd, UNIT * i, 'P');
	}
	want(inline_call(SYS_clone, CLONE_SIGHAND, 0, 0, 0, 0, 0) == -EINVAL);
	write_one(fd, UNIT * 3, 'P');
}

/* The child shares our memory and our stack. */
static void inline_vfork(void)
{
	int fd = open_disk();

	for (int i = 0; i < 20; i++) {
		long child = inline_call(SYS_vfork, 0, 0, 0, 0, 0, 0);
		if (child == 0)
			inline_call(SYS_exit_group, 7, 0, 0, 0, 0, 0);
		want(child > 0 && status_of((pid_t)child) == 7 << 8);
		write_one(fd, UNIT * i, 'v');
	}
}

/* The child has its own stack, and must not return into our handler's frame. */
#ifdef __x86_64__
static long clone_with_stack(char *top, volatile int *word)
{
	long result;

	__asm__ volatile("syscall\n"
			 "test %%rax, %%rax\n"
			 "jne 1f\n"
			 "movl $42, (%[word])\n"
			 "push %%rax\n"
			 "mov $60, %%eax\n" /* exit, of this child only */
			 "xor %%edi, %%edi\n"
			 "syscall\n"
			 "1:\n"
			 : "=a"(result)
			 : "a"(SYS_clone), "D"((long)(CLONE_VM | SIGCHLD)), "S"(top),
			   "d"(0L), [word] "b"(word)
			 : "rcx", "r11", "r10", "r8", "memory", "cc");
	return result;
}
#else
static long clone_with_stack(char *top, volatile int *word)
{
	(void)top, (void)word;
	return -ENOSYS;
}
#endif

static void inline_child_with_a_stack(void)
{
	int fd = open_disk();
	volatile int word = 0;
	char *stack = buffer(65536, 0);

	for (int i = 0; i < 50; i++) {
		word = 0;
		long child = clone_with_stack(stack + 65536, &word);
		want(child > 0 && status_of((pid_t)child) == 0 && word == 42);
		write_one(fd, UNIT * i, 's');
	}
}

static void vforked(void)
{
	int fd = open_disk();

	for (int i = 0; i < 20; i++) {
		pid_t child = vfork();
		if (child == 0) {
			signal(SIGINT, SIG_DFL);
			execl("/bin/true", "true", (char *)NULL);
			_exit(1);
		}
		want(status_of(child) == 0);
		write_one(fd, UNIT * i, 'v');
	}
}

/* The environment arms an executed program again. A program without the shim is not harmed. */
static void executed(void)
{
	pid_t child = fork();

	if (child == 0) {
		execl("/proc/self/exe", "again", "--body", "a_write", (char *)NULL);
		_exit(1);
	}
	want(status_of(child) == 0);
	child = fork();
	if (child == 0) {
		unsetenv("LD_PRELOAD");
		execl("/proc/self/exe", "bare", "--body", "other_calls", (char *)NULL);
		_exit(1);
	}
	want(status_of(child) == 0);
}

/* The thread changes its thread pointer, and so loses the shim's thread-local selector: from then
 * on the shim leaves it alone. No memory is mapped below the new pointer: code that looks for the
 * thread-local data there would crash. */
static void *leave_own_data(void *memory)
{
	const long get = 0x1003, set = 0x1002; /* ARCH_GET_FS, ARCH_SET_FS, asm/prctl.h */
	long base, failed, back;

	want(mprotect((char *)memory + 65536, 4096, PROT_READ | PROT_WRITE) == 0);
	want(inline_call(SYS_arch_prctl, get, (long)&base, 0, 0, 0, 0) == 0);
	failed = inline_call(SYS_arch_prctl, set, (long)memory + 65536, 0, 0, 0, 0);
	back = inline_call(SYS_arch_prctl, set, base, 0, 0, 0, 0);
	want(!failed && !back);
	want(inline_call(SYS_getppid, 0, 0, 0, 0, 0, 0) == getppid());
	return NULL;
}

static void own_thread_pointer(void)
{
	pthread_t id;

	void *memory = mmap(NULL, 65536 + 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	disk = open_disk();
	want(memory != MAP_FAILED);
	want(pthread_create(&id, NULL, leave_own_data, memory) == 0 && pthread_join(id, NULL) == 0);
	write_one(disk, 0, 'p');
}

static void call_in_handler(int signal)
{
	(void)signal;
	want(inline_call(SYS_getppid, 0, 0, 0, 0, 0, 0) == getppid());
}

/* A handler installed before dlopen() blocks SIGSYS by its mask. And dlclose() must not unload a
 * shim in deep mode: the kernel would call a handler that is gone. */
static void opened_and_closed(void)
{
	struct sigaction action = { .sa_handler = call_in_handler };
	char path[4096];

	if (getenv("LD_PRELOAD")) {
		unsetenv("LD_PRELOAD");
		execl("/proc/self/exe", "bare", "--body", "opened_and_closed", (char *)NULL);
	}
	sigfillset(&action.sa_mask);
	want(sigaction(SIGUSR1, &action, NULL) == 0);
	snprintf(path, sizeof(path), "%s/libuntorn.so", getenv("BUILD"));
	for (int i = 0; i < 3; i++) {
		void *shim = dlopen(path, RTLD_NOW | RTLD_LOCAL);
		want(shim && raise(SIGUSR1) == 0 && dlclose(shim) == 0);
		call_in_handler(0);
	}
}

/* The instruction is not a cancellation point, but pwritev2() is one. */
static void *write_while_cancelled(void *done)
{
	want(pthread_cancel(pthread_self()) == 0);
	write_one(disk, 0, 'c');
	*(bool *)done = true;
	pthread_testcancel();
	return NULL;
}

static void cancelled(void)
{
	pthread_t id;
	bool done = false;
	void *result;

	disk = open_disk();
	want(pthread_create(&id, NULL, write_while_cancelled, &done) == 0);
	want(pthread_join(id, &result) == 0 && done && result == PTHREAD_CANCELED);
}

const struct body bodies[] = {
	{ "a_write", a_write },
	{ "a_statx", a_statx },
	{ "refused", refused },
	{ "other_calls", other_calls },
	{ "in_threads", in_threads },
	{ "forked", forked },
	{ "many_threads", many_threads },
	{ "no_threads", no_threads },
	{ "thread_with_a_mask", thread_with_a_mask },
	{ "inline_children", inline_children },
	{ "inline_vfork", inline_vfork },
	{ "inline_child_with_a_stack", inline_child_with_a_stack },
	{ "vforked", vforked },
	{ "executed", executed },
	{ "own_thread_pointer", own_thread_pointer },
	{ "cancelled", cancelled },
	{ "opened_and_closed", opened_and_closed },
	{ NULL, NULL },
};

#define DEEP "UNTORN_DEEP=1"

static const struct preload_row rows[] = {
	{ "refused", "", NULL, 0 },
	{ "refused", "", "UNTORN_DEEP=on", 0 },
	{ "refused", "", DEEP "\nUNTORN_MODE=off", 0 },
	{ "a_write", "", DEEP, 1 },
	{ "a_statx", "", DEEP, 0 },
	{ "other_calls", "", DEEP, 0 },
	{ "in_threads", "", DEEP, 72 },
	{ "forked", "", DEEP, 24 },
	{ "many_threads", "", DEEP, 201 },
	{ "no_threads", "", DEEP, 50 },
	{ "thread_with_a_mask", "", DEEP, 1 },
	{ "inline_children", "", DEEP, 4 },
	{ "inline_vfork", "", DEEP, 20 },
	{ "inline_child_with_a_stack", "", DEEP, 50 },
	{ "vforked", "", DEEP, 20 },
	{ "executed", "", DEEP, 1 },
	{ "own_thread_pointer", "", DEEP, 1 },
	{ "cancelled", "", DEEP, 1 },
#ifndef __SANITIZE_ADDRESS__ /* ASAN's library must be loaded first */
	{ "opened_and_closed", "", DEEP, -1 },
#endif
};

Suite *suite(void)
{
	return preload_suite("deep mode", rows, HAS_DEEP ? sizeof(rows) / sizeof(rows[0]) : 1);
}
