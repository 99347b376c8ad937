/* SPDX-License-Identifier: MIT */
/*
 * A program that writes atomically in a sandbox: sandbox DISK before|after WHAT
 *
 * It installs a filter before or after its first atomic write, and prints the outcome of its writes
 * for three seconds, in which the shim asks the disk again. The filter allows the program's own
 * calls and those that untorn-guest(7) calls needed. It allows the calls that the manual says may
 * be refused if WHAT is "all", and answers them with EPERM if WHAT is "refuse". "ioctl" and
 * "pwrite": EPERM for that call only. Any other call kills the program. sandbox names: prints the
 * names of both kinds.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { UNIT = 16384, RWF_ATOMIC_FLAG = 0x40, SECONDS = 3, STEPS = 30 };
enum kind { OWN, NEEDED, REFUSABLE };

#define CALL(kind, name)                                                                           \
	{                                                                                          \
		kind, #name, SYS_##name                                                            \
	}
static const struct {
	enum kind kind;
	const char *name;
	unsigned number;
} calls[] = {
	CALL(OWN, pwritev2),
	CALL(OWN, write),
	CALL(OWN, exit_group),
	CALL(OWN, clock_nanosleep),
	CALL(NEEDED, fcntl),
	CALL(NEEDED, fstat),
	CALL(NEEDED, ioctl),
	CALL(NEEDED, lseek),
	CALL(NEEDED, pwrite64),
	CALL(REFUSABLE, clock_gettime),
	CALL(REFUSABLE, close),
	CALL(REFUSABLE, fchmod),
	CALL(REFUSABLE, ftruncate),
	CALL(REFUSABLE, getdents64),
	CALL(REFUSABLE, getpid),
	CALL(REFUSABLE, getrandom),
	CALL(REFUSABLE, memfd_create),
	CALL(REFUSABLE, mmap),
	CALL(REFUSABLE, munmap),
	CALL(REFUSABLE, newfstatat),
	CALL(REFUSABLE, openat),
	CALL(REFUSABLE, prlimit64),
	CALL(REFUSABLE, process_vm_readv),
	CALL(REFUSABLE, read),
	CALL(REFUSABLE, readlink),
	CALL(REFUSABLE, rt_sigprocmask),
	CALL(REFUSABLE, statx),
	{ REFUSABLE, "cachestat", 451 },
};
enum { CALLS = sizeof(calls) / sizeof(calls[0]) };

static unsigned answer_to(unsigned i, const char *what)
{
	bool refused = strcmp(what, "refuse") == 0   ? calls[i].kind == REFUSABLE
		       : strcmp(what, "pwrite") == 0 ? calls[i].number == SYS_pwrite64
		       : strcmp(what, "ioctl") == 0  ? calls[i].number == SYS_ioctl
						     : false;

	return refused ? SECCOMP_RET_ERRNO | EPERM : SECCOMP_RET_ALLOW;
}

static void install(const char *what)
{
	struct sock_filter filter[2 * CALLS + 2];
	struct sock_fprog program = { 2 * CALLS + 2, filter };

	filter[0] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
						 offsetof(struct seccomp_data, nr));
	for (unsigned i = 0; i < CALLS; i++) {
		filter[2 * i + 1] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
								 calls[i].number, 0, 1);
		filter[2 * i + 2] =
			(struct sock_filter)BPF_STMT(BPF_RET | BPF_K, answer_to(i, what));
	}
	filter[2 * CALLS + 1] =
		(struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0)
		exit(2);
}

/* Uses only write(), which the filter allows. */
static void say(const char *text)
{
	if (write(STDOUT_FILENO, text, strlen(text)) < 0)
		_exit(2);
}

static const char *write_once(int fd, void *data)
{
	struct iovec iov = { data, UNIT };
	ssize_t result = pwritev2(fd, &iov, 1, 65536, RWF_ATOMIC_FLAG);

	if (result == UNIT)
		return "done";
	return result < 0 ? strerrorname_np(errno) : "short";
}

static void write_for_a_while(int fd, void *data)
{
	static const struct timespec pause = { .tv_nsec = SECONDS * (1000000000 / STEPS) };
	const char *last = "", *now;

	for (int i = 0; i < STEPS; i++, last = now) {
		now = write_once(fd, data);
		if (strcmp(now, last) != 0) {
			say(" ");
			say(now);
		}
		clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
	}
	say("\n");
}

int main(int argc, char **argv)
{
	for (unsigned i = 0; argc == 2 && i < CALLS; i++) {
		if (calls[i].kind != OWN)
			printf("%s\n", calls[i].name);
	}
	if (argc != 4)
		return argc != 2;
	int fd = open(argv[1], O_RDWR | O_DIRECT);
	void *data = aligned_alloc(4096, UNIT);
	memset(data, 's', UNIT);
	if (strcmp(argv[2], "after") == 0)
		say(write_once(fd, data));
	install(argv[3]);
	write_for_a_while(fd, data);
	_exit(0);
}
