/* SPDX-License-Identifier: MIT */
/* What a program may do with signals in deep mode, SIGSYS above all, and lose neither itself nor a
 * write. */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#include "inline_call.h"
#include "preload.h"
#include "untorn_uapi.h"

#ifndef AT_MINSIGSTKSZ
#define AT_MINSIGSTKSZ 51
#endif

int __sigaction(int signal, const struct sigaction *action, struct sigaction *before);
sighandler_t bsd_signal(int signal, sighandler_t handler);
sighandler_t sysv_signal(int signal, sighandler_t handler);
sighandler_t __sysv_signal(int signal, sighandler_t handler);

static int disk;
static char *data;
static volatile off_t place;
static volatile int came, written;

/* Anything that is trapped in vain would end the process. */
static void write_next(void)
{
	struct iovec iov = { data, UNIT };

	want(inline_call(SYS_pwritev2, disk, (long)&iov, 1, place, 0, RWF_ATOMIC) == UNIT);
	place = (place + UNIT) % DISK_SIZE;
	written++;
}

static void begin(void)
{
	disk = open_disk();
	data = buffer(UNIT, 'S');
}

static sigset_t all_signals(void)
{
	sigset_t all;

	sigfillset(&all);
	return all;
}

static bool is_blocked(int signal)
{
	sigset_t mask;

	want(sigprocmask(SIG_BLOCK, NULL, &mask) == 0);
	return sigismember(&mask, signal);
}

/* As the kernel has it. */
static bool is_really_blocked(int signal)
{
	char line[128];
	unsigned long mask = 0;
	FILE *status = fopen("/proc/thread-self/status", "r");

	while (status && fgets(line, sizeof(line), status))
		sscanf(line, "SigBlk: %lx", &mask);
	fclose(status);
	return mask >> (signal - 1) & 1;
}

static void check_mask(bool sigsys, bool others)
{
	want(is_blocked(SIGSYS) == sigsys && is_blocked(SIGUSR1) == others);
	want(!is_really_blocked(SIGSYS) && is_really_blocked(SIGUSR1) == others);
	write_next();
}

static void all_are_blocked(void)
{
	sigset_t all = all_signals(), none, was;
	const uint64_t every = ~0ULL;
	uint64_t raw = 0;

	begin();
	sigemptyset(&none);
	check_mask(false, false);
	want(sigprocmask(SIG_SETMASK, &all, &was) == 0 && !sigismember(&was, SIGSYS));
	check_mask(true, true);
	want(sigprocmask(SIG_SETMASK, &was, &all) == 0 && sigismember(&all, SIGSYS));
	check_mask(false, false);
	all = all_signals();
	want(pthread_sigmask(SIG_BLOCK, &all, NULL) == 0);
	check_mask(true, true);
	want(pthread_sigmask(SIG_UNBLOCK, &all, NULL) == 0);
	check_mask(false, false);
	want(syscall(SYS_rt_sigprocmask, SIG_BLOCK, &every, NULL, 8) == 0);
	check_mask(true, true);
	want(inline_call(SYS_rt_sigprocmask, SIG_SETMASK, (long)&none, (long)&raw, 8, 0, 0) == 0);
	want(raw >> (SIGSYS - 1) & 1 && raw >> (SIGUSR1 - 1) & 1);
	check_mask(false, false);
	want(inline_call(SYS_rt_sigprocmask, SIG_BLOCK, (long)&every, 0, 8, 0, 0) == 0);
	check_mask(true, true);
	want(inline_call(SYS_rt_sigprocmask, SIG_BLOCK, 1, 0, 8, 0, 0) == -EFAULT);
	want(inline_call(SYS_rt_sigprocmask, SIG_BLOCK, 0, 1, 8, 0, 0) == -EFAULT);
	want(inline_call(SYS_rt_sigprocmask, 77, (long)&none, 0, 8, 0, 0) == -EINVAL);
	want(inline_call(SYS_rt_sigprocmask, SIG_BLOCK, 0, 0, 4, 0, 0) == -EINVAL);
	check_mask(true, true);
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
static void blocked_by_older_functions(void)
{
	const int two = (int)(1U << (SIGSYS - 1) | 1U << (SIGUSR1 - 1));

	begin();
	want(sighold(SIGSYS) == 0);
	check_mask(true, false);
	want(sigrelse(SIGSYS) == 0);
	check_mask(false, false);
	want(sigblock(two) == 0);
	check_mask(true, true);
	want(sigsetmask(0) == two);
	check_mask(false, false);
	want_error(sighold(-1), EINVAL);
	want(sigignore(SIGSYS) == 0);
	write_next();
	want(signal(SIGSYS, SIG_DFL) == SIG_IGN);
}
#pragma GCC diagnostic pop

static void *write_in_thread(void *unused)
{
	want(is_blocked(SIGSYS) && !is_really_blocked(SIGSYS));
	write_next();
	return unused;
}

static void inherited(void)
{
	sigset_t all = all_signals();
	pthread_t id;

	begin();
	want(pthread_sigmask(SIG_BLOCK, &all, NULL) == 0);
	want(pthread_create(&id, NULL, write_in_thread, NULL) == 0 && pthread_join(id, NULL) == 0);
	pid_t child = fork();
	if (child == 0) {
		write_in_thread(NULL);
		execl("/proc/self/exe", "again", "--body", "blocked_at_the_beginning", NULL);
	}
	want(status_of(child) == 0);
}

/* exec() leaves blocked what was blocked. */
static void blocked_at_the_beginning(void)
{
	begin();
	want(is_blocked(SIGUSR1));
	write_next();
}

static void count(int signal)
{
	(void)signal;
	came++;
}

static void count_and_write(int signal)
{
	(void)signal;
	came++;
	write_next();
}

static void count_more(int signal, siginfo_t *info, void *context)
{
	want(signal == SIGSYS && info->si_signo == SIGSYS && info->si_code != 2 && context);
	came++;
}

static void sigsys_is_ignored(void)
{
	struct sigaction action = { .sa_handler = SIG_IGN }, was;

	begin();
	want(signal(SIGSYS, SIG_IGN) == SIG_DFL);
	write_next();
	want(raise(SIGSYS) == 0);
	want(sigaction(SIGSYS, &action, &was) == 0 && was.sa_handler == SIG_IGN);
	write_next();
	want(raise(SIGSYS) == 0);
	write_next();
}

/* Everything that the program said of it is told again, and it never happens to us. */
static void sigsys_has_a_handler(void)
{
	struct sigaction action = { .sa_sigaction = count_more,
				    .sa_flags = SA_SIGINFO | SA_RESTART };
	struct sigaction was;

	begin();
	sigaddset(&action.sa_mask, SIGUSR2);
	want(sigaction(SIGSYS, &action, &was) == 0 && was.sa_handler == SIG_DFL);
	write_next();
	want(came == 0 && raise(SIGSYS) == 0 && came == 1);
	want(kill(getpid(), SIGSYS) == 0 && came == 2);
	want(sigaction(SIGSYS, NULL, &was) == 0 && was.sa_sigaction == count_more);
	want((was.sa_flags & ~0x04000000) == action.sa_flags);
	want(sigismember(&was.sa_mask, SIGUSR2) && !sigismember(&was.sa_mask, SIGUSR1));
	action.sa_flags |= (int)SA_RESETHAND;
	want(__sigaction(SIGSYS, &action, NULL) == 0 && raise(SIGSYS) == 0 && came == 3);
	want(signal(SIGSYS, count) == SIG_DFL && bsd_signal(SIGSYS, count_and_write) == count);
	want(raise(SIGSYS) == 0 && came == 4 && written == 2);
	want(sysv_signal(SIGSYS, count) == count_and_write);
	want(raise(SIGSYS) == 0 && came == 5 && signal(SIGSYS, count) == SIG_DFL);
	write_next();
}

struct raw_action {
	void (*handler)(int);
	uint64_t flags;
	void *restorer;
	uint64_t mask;
};

#ifdef __x86_64__
void own_restorer(void);
__asm__(".text\nown_restorer:\n	movq $15, %rax\n	syscall\n");
#else
static void own_restorer(void)
{
}
#endif

static void handlers_by_system_call(void)
{
	struct raw_action action = { count, 0x04000000 /* SA_RESTORER */, own_restorer, 0 }, was;

	begin();
	want(syscall(SYS_rt_sigaction, SIGSYS, &action, &was, 8) == 0 && !was.handler);
	write_next();
	want(raise(SIGSYS) == 0 && came == 1);
	action.handler = count_and_write;
	want(inline_call(SYS_rt_sigaction, SIGUSR1, (long)&action, (long)&was, 8, 0, 0) == 0);
	want(!was.handler && raise(SIGUSR1) == 0 && came == 2 && written == 2);
	want(inline_call(SYS_rt_sigaction, SIGUSR1, 0, (long)&was, 8, 0, 0) == 0);
	want(was.handler == count_and_write && signal(SIGUSR1, SIG_IGN) == count_and_write);
	want(inline_call(SYS_rt_sigaction, SIGKILL, (long)&action, 0, 8, 0, 0) == -EINVAL);
	want(inline_call(SYS_rt_sigaction, SIGUSR1, 1, 0, 8, 0, 0) == -EFAULT);
	want(inline_call(SYS_rt_sigaction, SIGUSR1, 0, 1, 8, 0, 0) == -EFAULT);
	want(inline_call(SYS_rt_sigaction, SIGUSR1, 0, 0, 4, 0, 0) == -EINVAL);
	write_next();
}

/* A frame that is left by an instruction of the program's. */
static void return_by_hand(int signal, siginfo_t *info, void *context)
{
	(void)signal, (void)info;
	came++;
#ifdef __x86_64__
	/* The kernel finds the frame by the stack pointer: 8 bytes above its beginning, where the
	 * ucontext lies. */
	__asm__ volatile("movq %0, %%rsp\n	movq $15, %%rax\n	syscall\n" ::"r"(context));
#else
	(void)context;
#endif
}

static void returned_by_hand(void)
{
	struct sigaction action = { .sa_sigaction = return_by_hand, .sa_flags = SA_SIGINFO };

	begin();
	want(sigaction(SIGUSR1, &action, NULL) == 0);
	for (int i = 0; i < 10; i++) {
		want(raise(SIGUSR1) == 0 && came == i + 1);
		write_next();
	}
}

/* Of other signals: as the program gave them, in every way to ask. */
static void handlers_are_told(void)
{
	struct sigaction action = { .sa_handler = count }, was;

	want(sigaction(SIGUSR1, &action, &was) == 0 && was.sa_handler == SIG_DFL);
	want(sigaction(SIGUSR1, NULL, &was) == 0 && was.sa_handler == count);
	want(signal(SIGUSR1, count_and_write) == count && bsd_signal(SIGUSR1, count));
	want(__sysv_signal(SIGUSR1, count_and_write) == count);
	want(signal(SIGUSR1, SIG_IGN) == count_and_write && signal(SIGUSR1, SIG_DFL) == SIG_IGN);
	want_error(sigaction(SIGKILL, &action, NULL), EINVAL);
	want_error(sigaction(0, &action, NULL), EINVAL);
	want_error(sigaction(1000, &action, NULL), EINVAL);
	want(signal(SIGKILL, count) == SIG_ERR && errno == EINVAL);
	want(signal(SIGUSR1, count) == SIG_DFL);
	pid_t child = vfork();
	if (child == 0) {
		struct sigaction inner;
		bool same = sigaction(SIGUSR1, NULL, &inner) == 0 && inner.sa_handler == count;
		action.sa_handler = count_and_write;
		sigaction(SIGUSR1, &action, NULL);
		_exit(same ? 0 : 1);
	}
	want(status_of(child) == 0);
	want(sigaction(SIGUSR1, NULL, &was) == 0 && was.sa_handler == count);
	want(raise(SIGUSR1) == 0 && came == 1);
}

/* The last handler stands until it is replaced. */
static void killed_by_sigsys(void)
{
	pid_t child = fork();

	if (child == 0) {
		begin();
		signal(SIGSYS, SIG_DFL);
		write_next();
		raise(SIGSYS);
		_exit(0);
	}
	int status = status_of(child);
	want(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS);
}

/* While a handler runs everything may be blocked, by its sa_mask or by the call that it came in. */
static void masks_of_handlers(void)
{
	struct sigaction action = { .sa_handler = count_and_write };
	sigset_t others = all_signals();
	struct epoll_event event;
	struct timespec second = { 1, 0 };

	begin();
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	action.sa_mask = all_signals();
	want(sigaction(SIGUSR1, &action, NULL) == 0);
	want(raise(SIGUSR1) == 0 && came == 1);
	sigdelset(&others, SIGUSR1);
	sigset_t usr1;
	sigemptyset(&usr1);
	sigaddset(&usr1, SIGUSR1);
	for (int i = 0; i < 4; i++) {
		want(sigprocmask(SIG_BLOCK, &usr1, NULL) == 0 && raise(SIGUSR1) == 0);
		want(came == 1 + i);
		if (i == 0)
			want_error(sigsuspend(&others), EINTR);
		if (i == 1)
			want_error(ppoll(NULL, 0, &second, &others), EINTR);
		if (i == 2)
			want_error(epoll_pwait(epoll, &event, 1, 1000, &others), EINTR);
		if (i == 3)
			want(inline_call(SYS_rt_sigsuspend, (long)&others, 8, 0, 0, 0, 0) ==
			     -EINTR);
		want(came == 2 + i && written == came + i);
		want(!is_really_blocked(SIGSYS) && is_really_blocked(SIGUSR1));
		write_next();
	}
}

/* A handler that edits what its end will put in force. */
static void block_in_context(int signal, siginfo_t *info, void *context)
{
	(void)signal, (void)info;
	sigfillset(&((ucontext_t *)context)->uc_sigmask);
	came++;
}

static void mask_in_a_context(void)
{
	struct sigaction action = { .sa_sigaction = block_in_context, .sa_flags = SA_SIGINFO };

	begin();
	want(sigaction(SIGUSR1, &action, NULL) == 0);
	want(sigaction(SIGSYS, &action, NULL) == 0);
	want(raise(SIGUSR1) == 0 && came == 1 && is_really_blocked(SIGUSR1));
	write_next();
	want(raise(SIGSYS) == 0 && came == 2);
	write_next();
}

/* It must last: the trap's own end would put the old one back. */
static void alternate_stack_by_instruction(void)
{
	static char stack[65536];
	stack_t mine = { .ss_sp = stack, .ss_size = sizeof(stack) }, was;

	want(inline_call(SYS_sigaltstack, (long)&mine, 0, 0, 0, 0, 0) == 0);
	want(sigaltstack(NULL, &was) == 0 && was.ss_sp == stack && !(was.ss_flags & SS_DISABLE));
	mine.ss_flags = SS_DISABLE;
	want(inline_call(SYS_sigaltstack, (long)&mine, (long)&was, 0, 0, 0, 0) == 0);
	want(was.ss_sp == stack && sigaltstack(NULL, &was) == 0 && was.ss_flags == SS_DISABLE);
}

static void on_its_stack(int signal)
{
	struct iovec iov = { data, UNIT };
	bool small = getenv("SMALL") != NULL;

	/* Without room for another signal's frame a write goes to the kernel, and is refused. */
	long result = inline_call(SYS_pwritev2, disk, (long)&iov, 1, 0, 0, RWF_ATOMIC);
	want(small ? result == -EOPNOTSUPP || result == -EINVAL : result == UNIT);
	(void)signal;
	came++;
}

/* By the kernel's own call, with an instruction of the program's to return by. */
static void take_by_instruction(void)
{
	struct raw_action action = { on_its_stack, 0x04000000 | SA_ONSTACK, own_restorer, 0 };

	want(inline_call(SYS_rt_sigaction, SIGUSR1, (long)&action, 0, 8, 0, 0) == 0);
}

/* As small as the kernel takes it, with nothing below. */
static void alternate_stack(void)
{
	struct sigaction action = { .sa_handler = on_its_stack, .sa_flags = SA_ONSTACK };
	size_t least = getauxval(AT_MINSIGSTKSZ) ? getauxval(AT_MINSIGSTKSZ) : MINSIGSTKSZ;
	size_t size = getenv("SMALL") ? (least + 2048 + 4095) & ~4095UL : 256 << 10;
	char *memory = mmap(NULL, size + 65536, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	begin();
	want(memory != MAP_FAILED);
	want(mprotect(memory + 65536, size, PROT_READ | PROT_WRITE) == 0);
	stack_t stack = { .ss_sp = memory + 65536 + (getenv("SMALL") ? size - least - 2048 : 0) };
	stack.ss_size = (size_t)(memory + 65536 + size - (char *)stack.ss_sp);
	want(sigaltstack(&stack, NULL) == 0 && sigaction(SIGUSR1, &action, NULL) == 0);
	if (getenv("OWN"))
		take_by_instruction();
	for (int i = 0; i < 3; i++) {
		want(raise(SIGUSR1) == 0 && came == i + 1);
		write_next();
	}
}

static void set_timer(long microseconds)
{
	const struct itimerval often = { { 0, microseconds }, { 0, microseconds } };

	want(setitimer(ITIMER_REAL, &often, NULL) == 0);
}

/* Handlers make calls of their own in the middle of trapped ones. */
static void ten_thousand_timers(void)
{
	struct sigaction action = { .sa_handler = count };

	begin();
	want(sigaction(SIGALRM, &action, NULL) == 0);
	set_timer(100);
	while (came < 10000) {
		write_next();
		want(inline_call(SYS_getppid, 0, 0, 0, 0, 0, 0) == getppid());
	}
	set_timer(0);
	want(holds(disk, 0, UNIT, 'S') && written > 100);
}

static sigjmp_buf back;
static volatile bool jumps, in_handler;
static char *handlers_data;

static void write_in_handler(int signal)
{
	struct iovec iov = { handlers_data, 512 };

	(void)signal;
	in_handler = true;
	want(inline_call(SYS_pwritev2, disk, (long)&iov, 1, DISK_SIZE - 512, 0, RWF_ATOMIC) == 512);
	in_handler = false;
	came++;
	if (jumps)
		siglongjmp(back, 1);
}

/* Out of a trapped call that waits, for which nothing must stay as it was in there. */
static void jumped_out_of(void)
{
	struct sigaction action = { .sa_handler = write_in_handler };
	int ends[2];
	char byte;

	begin();
	handlers_data = buffer(512, 'H');
	want(pipe(ends) == 0 && sigaction(SIGALRM, &action, NULL) == 0);
	jumps = true;
	for (volatile int i = 0; i < 500; i++) {
		if (sigsetjmp(back, 1) == 0) {
			ualarm(1000, 0);
			inline_call(SYS_read, ends[0], (long)&byte, 1, 0, 0, 0);
			want(!"it ends by the jump");
		}
		write_next();
	}
	want(came == 500 && written == 500);
}

/* What comes while we are inside a function of the C library's is outside all the same. */
static void interrupted_door(void)
{
	struct sigaction action = { .sa_handler = write_in_handler };

	begin();
	handlers_data = buffer(512, 'H');
	want(sigaction(SIGALRM, &action, NULL) == 0);
	set_timer(3000);
	struct iovec iov = { data, UNIT };
	for (int i = 0; i < 2000; i++)
		want(pwritev2(disk, &iov, 1, UNIT * (off_t)(i % 64), RWF_ATOMIC) == UNIT);
	set_timer(0);
	write_next();
	want(came > 50);
}

const struct body bodies[] = {
	{ "all_are_blocked", all_are_blocked },
	{ "blocked_by_older_functions", blocked_by_older_functions },
	{ "inherited", inherited },
	{ "blocked_at_the_beginning", blocked_at_the_beginning },
	{ "sigsys_is_ignored", sigsys_is_ignored },
	{ "sigsys_has_a_handler", sigsys_has_a_handler },
	{ "handlers_by_system_call", handlers_by_system_call },
	{ "returned_by_hand", returned_by_hand },
	{ "handlers_are_told", handlers_are_told },
	{ "killed_by_sigsys", killed_by_sigsys },
	{ "masks_of_handlers", masks_of_handlers },
	{ "mask_in_a_context", mask_in_a_context },
	{ "alternate_stack_by_instruction", alternate_stack_by_instruction },
	{ "alternate_stack", alternate_stack },
	{ "ten_thousand_timers", ten_thousand_timers },
	{ "jumped_out_of", jumped_out_of },
	{ "interrupted_door", interrupted_door },
	{ NULL, NULL },
};

#define DEEP "UNTORN_DEEP=1"

static const struct preload_row rows[] = {
	{ "handlers_are_told", "", NULL, 0 }, /* without deep mode too */
	{ "handlers_are_told", "", DEEP, 0 },
	{ "all_are_blocked", "", DEEP, 9 },
	{ "blocked_by_older_functions", "", DEEP, 5 },
	{ "inherited", "", DEEP, 3 },
	{ "sigsys_is_ignored", "", DEEP, 3 },
	{ "sigsys_has_a_handler", "", DEEP, 3 },
	{ "handlers_by_system_call", "", DEEP, 3 },
	{ "returned_by_hand", "", DEEP, 10 },
	{ "killed_by_sigsys", "", DEEP, 1 },
	{ "masks_of_handlers", "", DEEP, 9 },
	{ "mask_in_a_context", "", DEEP, 2 },
	{ "alternate_stack_by_instruction", "", DEEP, 0 },
	{ "alternate_stack", "", DEEP, 6 },
	{ "alternate_stack", "", DEEP "\nSMALL=1", 3 },
	{ "alternate_stack", "", DEEP "\nSMALL=1\nOWN=1", 3 },
	{ "ten_thousand_timers", "", DEEP, -1 },
	{ "jumped_out_of", "", DEEP, 1000 },
	{ "interrupted_door", ",delay=200", DEEP, -1 },
};

Suite *suite(void)
{
	return preload_suite("signals in deep mode", rows,
			     HAS_DEEP ? sizeof(rows) / sizeof(rows[0]) : 1);
}
