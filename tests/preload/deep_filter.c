/* SPDX-License-Identifier: MIT */
/* Programs in deep mode that install seccomp filters. The filters must allow, answer and kill as
 * natively, and deep mode must need no system call that the program does not make itself. */
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <ucontext.h>

#include "deep_body.h"

#define LOAD(field)   BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define RETURN(value) BPF_STMT(BPF_RET | BPF_K, value)

static void install(struct sock_filter *filter, unsigned count)
{
	const struct sock_fprog program = { (unsigned short)count, filter };

	want(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	want(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0);
}

/* Installs a filter that allows only these calls; `otherwise` is its answer to others. */
static void allow(const int *numbers, unsigned count, unsigned otherwise)
{
	struct sock_filter filter[64] = { LOAD(nr) };

	for (unsigned i = 0; i < count; i++)
		filter[1 + i] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
							     (unsigned)numbers[i],
							     (unsigned char)(count - i), 0);
	filter[1 + count] = (struct sock_filter)RETURN(otherwise);
	filter[2 + count] = (struct sock_filter)RETURN(SECCOMP_RET_ALLOW);
	install(filter, count + 3);
}

static void trap_getppid(void)
{
	struct sock_filter filter[] = {
		LOAD(nr),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 0, 1),
		RETURN(SECCOMP_RET_TRAP),
		RETURN(SECCOMP_RET_ALLOW),
	};

	install(filter, sizeof(filter) / sizeof(filter[0]));
}

static void leave(int status)
{
	inline_call(SYS_exit_group, status, 0, 0, 0, 0, 0);
}

static void count_plainly(int signal)
{
	(void)signal;
	came++;
}

/* The filter allows only the calls of a handler, of an instruction and of one libc function. */
static void allow_list(void)
{
	static const int numbers[] = { SYS_write, SYS_kill, SYS_rt_sigreturn, SYS_exit_group };
	struct sigaction action = { .sa_handler = count_plainly };
	pid_t pid = getpid();
	int ends[2];

	want(sigaction(SIGUSR1, &action, NULL) == 0 && pipe(ends) == 0);
	allow(numbers, 4, SECCOMP_RET_KILL_PROCESS);
	bool good = inline_call(SYS_write, ends[1], (long)"a", 1, 0, 0, 0) == 1 &&
		    inline_call(SYS_kill, pid, SIGUSR1, 0, 0, 0, 0) == 0 && came == 1 &&
		    write(ends[1], "b", 1) == 1;
	leave(!good);
}

/* The filter allows no call that could tell whether memory is readable. */
static void allow_list_of_signals(void)
{
	static const int numbers[] = { SYS_rt_sigaction, SYS_rt_sigprocmask, SYS_rt_sigreturn,
				       SYS_getpid,       SYS_sigaltstack,    SYS_exit_group };
	struct raw_action action = { count_plainly, 0, NULL, 0 }, was;
	uint64_t mask = 1 << (SIGUSR2 - 1), before = 0;
	stack_t stack;

	allow(numbers, 6, SECCOMP_RET_KILL_PROCESS);
	bool good =
		inline_call(SYS_rt_sigaction, SIGUSR1, (long)&action, (long)&was, 8, 0, 0) == 0 &&
		inline_call(SYS_rt_sigaction, SIGUSR1, 0, (long)&was, 8, 0, 0) == 0 &&
		was.handler == count_plainly &&
		inline_call(SYS_rt_sigaction, SIGSYS, (long)&action, (long)&was, 8, 0, 0) == 0 &&
		inline_call(SYS_rt_sigaction, SIGUSR1, 8, 0, 8, 0, 0) == -EFAULT &&
		inline_call(SYS_rt_sigprocmask, SIG_BLOCK, (long)&mask, 0, 8, 0, 0) == 0 &&
		inline_call(SYS_rt_sigprocmask, SIG_BLOCK, 0, (long)&before, 8, 0, 0) == 0 &&
		inline_call(SYS_sigaltstack, 0, (long)&stack, 0, 0, 0, 0) == 0 && before == mask;
	leave(!good);
}

static void want_death_by_sigsys(void (*body)(void))
{
	pid_t child = fork();

	if (child == 0) {
		body();
		_exit(9);
	}
	int status = status_of(child);
	want((status & 0x7f) == SIGSYS);
}

static void ignored(void)
{
	signal(SIGSYS, SIG_IGN);
	trap_getppid();
	getppid();
}

static void ignored_by_instruction(void)
{
	signal(SIGSYS, SIG_IGN);
	trap_getppid();
	inline_call(SYS_getppid, 0, 0, 0, 0, 0, 0);
}

static void blocked(void)
{
	struct sigaction action = { .sa_handler = count_plainly };
	sigset_t all = all_signals();

	sigaction(SIGSYS, &action, NULL);
	sigprocmask(SIG_BLOCK, &all, NULL);
	trap_getppid();
	getppid();
}

/* The filter forbids even the calls with which a process kills itself by a signal. */
static void nothing_allowed(void)
{
	static const int numbers[] = { SYS_exit_group, SYS_rt_sigreturn };
	uint64_t mask = 0;

	allow(numbers, 2, SECCOMP_RET_TRAP);
	inline_call(SYS_rt_sigprocmask, SIG_BLOCK, (long)&mask, 0, 8, 0, 0);
}

static void deadly(void)
{
	begin();
	want_death_by_sigsys(ignored);
	want_death_by_sigsys(ignored_by_instruction);
	want_death_by_sigsys(blocked);
	want_death_by_sigsys(nothing_allowed);
	write_next();
}

static void in_strict_mode(void)
{
	struct sigaction action = { .sa_handler = count_plainly };
	struct timespec little = { 0, 50000000 };
	int ends[2];
	char byte;

	want(sigaction(SIGUSR1, &action, NULL) == 0 && pipe(ends) == 0);
	pid_t parent = getpid(), child = fork();
	if (child == 0) {
		prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT);
		inline_call(SYS_write, ends[1], (long)"s", 1, 0, 0, 0);
		while (!came)
			;
		inline_call(SYS_write, ends[1], (long)"c", 1, 0, 0, 0);
		inline_call(SYS_exit, 7, 0, 0, 0, 0, 0);
	}
	want(parent != child && read(ends[0], &byte, 1) == 1 && nanosleep(&little, NULL) == 0);
	want(kill(child, SIGUSR1) == 0 && read(ends[0], &byte, 1) == 1 && byte == 'c');
	want(status_of(child) == 7 << 8);
}

#ifdef __x86_64__

/* The program's own sandbox makes its allowed calls only from this instruction; rdi is the number.
 */
extern char escape_end[];
long escape(long number, long a);
__asm__(".text\n"
	"escape:\n"
	"	movq %rdi, %rax\n"
	"	movq %rsi, %rdi\n"
	"	syscall\n"
	"escape_end:\n"
	"	ret\n");

static volatile int answered;

static void answer(int signal, siginfo_t *info, void *context)
{
	greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;

	(void)signal;
	answered++;
	if (answered < 50)
		registers[REG_RAX] = escape(info->si_syscall, registers[REG_RDI]);
}

static void place_that_passes(void)
{
	struct sigaction action = { .sa_sigaction = answer, .sa_flags = SA_SIGINFO | SA_NODEFER };
	uintptr_t end = (uintptr_t)escape_end;
	struct sock_filter filter[] = {
		LOAD(instruction_pointer),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)end, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, instruction_pointer) + 4),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)(end >> 32), 0, 1),
		RETURN(SECCOMP_RET_ALLOW),
		LOAD(nr),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 0, 1),
		RETURN(SECCOMP_RET_TRAP),
		RETURN(SECCOMP_RET_ALLOW),
	};

	begin();
	pid_t parent = getppid();
	want(sigaction(SIGSYS, &action, NULL) == 0);
	install(filter, sizeof(filter) / sizeof(filter[0]));
	for (int i = 0; i < 3; i++) {
		want(getppid() == parent && answered == 2 * i + 1);
		want(inline_call(SYS_getppid, 0, 0, 0, 0, 0, 0) == parent);
		want(answered == 2 * i + 2);
		write_next();
	}
}

#else

static void place_that_passes(void)
{
}

#endif

const struct body bodies[] = {
	{ "allow_list", allow_list },
	{ "allow_list_of_signals", allow_list_of_signals },
	{ "deadly", deadly },
	{ "in_strict_mode", in_strict_mode },
	{ "place_that_passes", place_that_passes },
	{ NULL, NULL },
};

#define DEEP "UNTORN_DEEP=1"

static const struct preload_row rows[] = {
	{ "allow_list", "", DEEP, 0 },
	{ "allow_list_of_signals", "", DEEP, 0 },
	{ "deadly", "", DEEP, 1 },
	{ "in_strict_mode", "", DEEP, 0 },
	{ "place_that_passes", "", DEEP, 3 },
};

Suite *suite(void)
{
	return preload_suite("filters in deep mode", rows,
			     HAS_DEEP ? sizeof(rows) / sizeof(rows[0]) : 0);
}
