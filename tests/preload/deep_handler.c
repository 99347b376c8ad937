/* SPDX-License-Identifier: MIT */
/* Signal handlers in deep mode, over the simulated disk: what they may do, which calls they may
 * interrupt, and how they may end. */
#include <poll.h>
#include <setjmp.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <ucontext.h>

#include "deep_body.h"

#ifndef AT_MINSIGSTKSZ
#define AT_MINSIGSTKSZ 51
#endif

/* The handler returns by the program's own rt_sigreturn instruction. */
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

/* All signals may be blocked while a handler runs: by its sa_mask or by the call that it
 * interrupted. */
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

/* The handler edits the mask in its ucontext, which its return sets. */
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

/* The new stack must last: the return from the trap would restore the old one. */
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

/* Installs the handler by the kernel's own call, with the program's own restorer. */
static void take_by_instruction(void)
{
	struct raw_action action = { on_its_stack, 0x04000000 | SA_ONSTACK, own_restorer, 0 };

	want(inline_call(SYS_rt_sigaction, SIGUSR1, (long)&action, 0, 8, 0, 0) == 0);
}

static char *volatile frame;

static void note_frame(int signal)
{
	(void)signal;
	frame = __builtin_frame_address(0);
}

/* The size of a signal frame here: AT_MINSIGSTKSZ counts registers (AMX) that this process does not
 * use. */
static size_t size_of_frame(void)
{
	static char memory[1 << 18];
	stack_t stack = { .ss_sp = memory, .ss_size = sizeof(memory) },
		none = { .ss_flags = SS_DISABLE };
	struct sigaction action = { .sa_handler = note_frame, .sa_flags = SA_ONSTACK }, before;

	want(sigaltstack(&stack, NULL) == 0 && sigaction(SIGUSR2, &action, &before) == 0);
	want(raise(SIGUSR2) == 0 && frame > memory && frame < memory + sizeof(memory));
	want(sigaction(SIGUSR2, &before, NULL) == 0 && sigaltstack(&none, NULL) == 0);
	return (size_t)(memory + sizeof(memory) - frame);
}

/* A stack as small as possible (SMALL), with no memory mapped below it. */
static void alternate_stack(void)
{
	struct sigaction action = { .sa_handler = on_its_stack, .sa_flags = SA_ONSTACK };
	size_t least = size_of_frame();
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

/* Handlers make their own calls in the middle of trapped calls. */
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

/* A handler jumps out of a trapped call that waits: the shim's state must not stay that of the
 * trap. */
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

/* A handler that interrupts a door is program code: its calls must be trapped. */
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
	{ "returned_by_hand", returned_by_hand },
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
	{ "returned_by_hand", "", DEEP, 10 },
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
	return preload_suite("handlers in deep mode", rows,
			     HAS_DEEP ? sizeof(rows) / sizeof(rows[0]) : 0);
}
