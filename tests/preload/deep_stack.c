/* SPDX-License-Identifier: MIT */
/* Deep mode on stacks of all kinds, and in threads whose thread pointer the program has set; over
 * the simulated disk. */
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <ucontext.h>

#include "deep_body.h"

#ifndef SS_AUTODISARM
#define SS_AUTODISARM (1U << 31)
#endif

enum { LARGE = 65536, SMALL = 8192, PAGE = 4096 };

/* Memory with an unmapped area below it. */
static char *guarded(size_t size)
{
	char *memory = mmap(NULL, size + LARGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	want(memory != MAP_FAILED);
	want(mprotect(memory + LARGE, size, PROT_READ | PROT_WRITE) == 0);
	return memory + LARGE;
}

static stack_t set_stack(size_t size, unsigned flags)
{
	stack_t stack = { .ss_sp = guarded(size), .ss_flags = (int)flags, .ss_size = size };

	want(sigaltstack(&stack, NULL) == 0);
	return stack;
}

static long try_write(void)
{
	struct iovec iov = { data, UNIT };

	return inline_call(SYS_pwritev2, disk, (long)&iov, 1, 0, 0, RWF_ATOMIC);
}

static bool is_refused(long result)
{
	return result == -EOPNOTSUPP || result == -EINVAL;
}

/* Both ways to ask return the signal stack that the program has set, and the program keeps it. */
static void disarming_stack(void)
{
	stack_t was;

	begin();
	for (size_t size = SMALL; size <= LARGE; size += LARGE - SMALL) {
		stack_t stack = set_stack(size, SS_AUTODISARM);
		for (int i = 0; i < 3; i++) {
			memset(&was, 0, sizeof(was));
			want(inline_call(SYS_sigaltstack, 0, (long)&was, 0, 0, 0, 0) == 0);
			want(was.ss_sp == stack.ss_sp && was.ss_size == size);
			want((unsigned)was.ss_flags == SS_AUTODISARM);
			write_next();
			want(sigaltstack(NULL, &was) == 0 && was.ss_sp == stack.ss_sp);
		}
	}
	want(inline_call(SYS_sigaltstack, 8, 0, 0, 0, 0, 0) == -EFAULT);
	want(inline_call(SYS_sigaltstack, 0, 8, 0, 0, 0, 0) == -EFAULT);
	was.ss_flags = 77;
	want(inline_call(SYS_sigaltstack, (long)&was, 0, 0, 0, 0, 0) == -EINVAL);
	write_next();
}

static stack_t expected;
static volatile bool is_there;

static void on_expected(int signal)
{
	char here;

	(void)signal;
	came++;
	is_there = (size_t)(&here - (char *)expected.ss_sp) < expected.ss_size;
}

/* A handler interrupts a call by instruction that waits. */
static void handler_in_a_call(void)
{
	static const unsigned flags[] = { 0, SS_AUTODISARM };
	const struct itimerval soon = { .it_value = { 0, 20000 } };
	struct sigaction action = { .sa_handler = on_expected, .sa_flags = SA_ONSTACK };
	struct timespec second = { 1, 0 };

	begin();
	want(sigaction(SIGALRM, &action, NULL) == 0);
	for (int i = 0; i < 4; i++) {
		expected = set_stack(i & 1 ? SMALL : LARGE, flags[i / 2]);
		is_there = false;
		want(setitimer(ITIMER_REAL, &soon, NULL) == 0);
		want(inline_call(SYS_nanosleep, (long)&second, 0, 0, 0, 0, 0) == -EINTR);
		want(came == i + 1 && is_there);
		write_next();
	}
}

/* The smallest stack that the kernel accepts may be too small for a frame: then deep mode must not
 * catch the call, instead of killing the program. */
static void tiny_stack(void)
{
	stack_t none = { .ss_flags = SS_DISABLE };

	begin();
	set_stack(2048, 0);
	long result = try_write();
	want(result == UNIT || is_refused(result));
	want(sigaltstack(&none, NULL) == 0 && try_write() == UNIT);
	stack_t tiny = { .ss_sp = guarded(PAGE), .ss_size = 2048 };
	want(inline_call(SYS_sigaltstack, (long)&tiny, 0, 0, 0, 0, 0) == 0);
	result = try_write();
	want(result == UNIT || is_refused(result));
	want(sigaltstack(&none, NULL) == 0 && try_write() == UNIT);
}

static ucontext_t main_context, coroutine;

static void write_there(void)
{
	write_next();
	write_next();
}

/* A coroutine's small stack, as in languages that grow stacks when needed. */
static void small_stack_below(void)
{
	begin();
	set_stack(LARGE, 0);
	want(getcontext(&coroutine) == 0);
	coroutine.uc_stack = (stack_t){ .ss_sp = guarded(PAGE), .ss_size = PAGE };
	coroutine.uc_link = &main_context;
	makecontext(&coroutine, write_there, 0);
	want(swapcontext(&main_context, &coroutine) == 0 && written == 2);
}

static sigjmp_buf back;

static void jump(int signal)
{
	(void)signal;
	siglongjmp(back, 1);
}

/* A handler on a stack too small for a trap's frame runs uncaught. Deep mode catches again from the
 * next function about signals on. */
static void jumped_off_a_small_stack(void)
{
	struct sigaction action = { .sa_handler = jump, .sa_flags = SA_ONSTACK };

	begin();
	set_stack(SMALL, 0);
	want(sigaction(SIGUSR1, &action, NULL) == 0);
	if (sigsetjmp(back, 1) == 0)
		raise(SIGUSR1);
	want(sigaction(SIGUSR1, &action, NULL) == 0);
	write_next();
}

#ifdef __x86_64__

/* Machine code that clones the process; the child ends at once with status 7. */
static const unsigned char code[] = {
	0x0f, 0x05,             /* syscall */
	0x48, 0x85, 0xc0,       /* test %rax, %rax */
	0x75, 0x0c,             /* jne 1f */
	0xbf, 7,    0,    0, 0, /* mov $7, %edi */
	0xb8, 0xe7, 0,    0, 0, /* mov $SYS_exit_group, %eax */
	0x0f, 0x05,             /* syscall */
	0xc3,                   /* 1: ret */
};
enum { PLACES = 300, SIZE = 32 };

static long clone_at(char *where)
{
	long result;

	__asm__ volatile("call *%[place]"
			 : "=a"(result)
			 : "a"(SYS_clone), "D"((long)SIGCHLD), "S"(0L), "d"(0L), [place] "b"(where)
			 : "rcx", "r11", "r10", "r8", "r9", "memory", "cc");
	return result;
}

/* More places of such instructions than the shim has room for: the thread is then no longer caught,
 * but goes on. */
static void many_places(void)
{
	int caught = 0;
	char *places = mmap(NULL, PLACES * SIZE, PROT_READ | PROT_WRITE | PROT_EXEC,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	begin();
	want(places != MAP_FAILED);
	for (int i = 0; i < PLACES; i++) {
		memcpy(places + (ptrdiff_t)i * SIZE, code, sizeof(code));
		long child = clone_at(places + (ptrdiff_t)i * SIZE);
		want(child > 0 && status_of((pid_t)child) == 7 << 8);
		long result = try_write();
		want(result == UNIT || is_refused(result));
		caught += result == UNIT;
	}
	want(caught == 128);
}

static long set_pointer(void *pointer)
{
	return inline_call(SYS_arch_prctl, 0x1002 /* ARCH_SET_FS */, (long)pointer, 0, 0, 0, 0);
}

static void *get_pointer(void)
{
	void *pointer;

	return inline_call(SYS_arch_prctl, 0x1003 /* ARCH_GET_FS */, (long)&pointer, 0, 0, 0, 0)
		       ? NULL
		       : pointer;
}

static void count_only(int signal)
{
	(void)signal;
	came++;
}

/* The shim must write nothing near the new thread pointer: other data may be there, or no memory.
 */
static void with_pointer(bool by_instruction, char *pointer)
{
	void *own = get_pointer();
	struct iovec iov = { data, UNIT };

	long set = 0;
	if (by_instruction)
		__asm__ volatile("wrfsbase %0" ::"r"(pointer));
	else
		set = set_pointer(pointer);
	long written_there = inline_call(SYS_pwritev2, disk, (long)&iov, 1, UNIT, 0, RWF_ATOMIC);
	long killed = inline_call(SYS_kill, inline_call(SYS_getpid, 0, 0, 0, 0, 0, 0), SIGUSR1, 0,
				  0, 0, 0);
	void *now = get_pointer();
	long failed = inline_call(SYS_read, -1, 0, 0, 0, 0, 0);
	long wrong = set_pointer((void *)(1UL << 63));
	if (by_instruction)
		__asm__ volatile("wrfsbase %0" ::"r"(own));
	else
		set |= set_pointer(own);
	want(!set && written_there == UNIT && !killed && now == pointer);
	want(failed == -EBADF && wrong == -EPERM);
}

static void own_thread_pointer(void)
{
	struct sigaction action = { .sa_handler = count_only };
	char *area = guarded(LARGE), *nothing = area - PAGE;

	begin();
	want(sigaction(SIGUSR1, &action, NULL) == 0);
	memset(area, 0x5a, LARGE);
	for (int i = 0; i < 4; i++)
		with_pointer(i & 1, i & 2 ? nothing : area + LARGE / 2);
	with_pointer(true, NULL);
	with_pointer(false, NULL);
	for (int i = 0; i < LARGE; i++)
		want(area[i] == 0x5a);
	want(came == 6 && errno != EBADF);
	write_next();
}

static int ends[2];

static void *read_for_ever(void *unused)
{
	char byte;
	int type;

	want(pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &type) == 0);
	inline_call(SYS_read, ends[0], (long)&byte, 1, 0, 0, 0);
	return unused;
}

static void cancelled_asynchronously(void)
{
	pthread_t id;
	void *result;

	begin();
	want(pipe(ends) == 0);
	for (int i = 0; i < 20; i++) {
		want(pthread_create(&id, NULL, read_for_ever, NULL) == 0);
		usleep(i * 1000);
		want(pthread_cancel(id) == 0 && pthread_join(id, &result) == 0);
		want(result == PTHREAD_CANCELED);
	}
	write_next();
}

#else

static void many_places(void)
{
}

static void own_thread_pointer(void)
{
}

static void cancelled_asynchronously(void)
{
}

#endif

/* sigaction() returns a handler's mask as the program set it, with SIGSYS. */
static void masks_are_told(void)
{
	struct sigaction action = { .sa_handler = count_only }, was;
	struct raw_action raw;

	begin();
	action.sa_mask = all_signals();
	want(sigaction(SIGUSR1, &action, NULL) == 0 && sigaction(SIGUSR1, NULL, &was) == 0);
	want(sigismember(&was.sa_mask, SIGSYS) == 1);
	want(inline_call(SYS_rt_sigaction, SIGUSR1, 0, (long)&raw, 8, 0, 0) == 0);
	want(raw.handler == count_only && raw.mask >> (SIGSYS - 1) & 1);
	raw.mask = 0;
	want(inline_call(SYS_rt_sigaction, SIGUSR1, (long)&raw, (long)&raw, 8, 0, 0) == 0);
	want(raw.mask >> (SIGSYS - 1) & 1);
	want(sigaction(SIGUSR1, NULL, &was) == 0 && sigismember(&was.sa_mask, SIGSYS) == 0);
	want(inline_call(SYS_rt_sigaction, SIGUSR1, 8, 0, 8, 0, 0) == -EFAULT);
	want(inline_call(SYS_rt_sigaction, SIGUSR1, 0, 8, 8, 0, 0) == -EFAULT);
	want(inline_call(SYS_rt_sigaction, SIGSYS, 0, 8, 8, 0, 0) == -EFAULT);
	want(inline_call(SYS_rt_sigprocmask, SIG_BLOCK, 8, 0, 8, 0, 0) == -EFAULT);
	want(inline_call(SYS_rt_sigprocmask, SIG_BLOCK, 0, 8, 8, 0, 0) == -EFAULT);
	write_next();
}

const struct body bodies[] = {
	{ "disarming_stack", disarming_stack },
	{ "handler_in_a_call", handler_in_a_call },
	{ "tiny_stack", tiny_stack },
	{ "small_stack_below", small_stack_below },
	{ "jumped_off_a_small_stack", jumped_off_a_small_stack },
	{ "many_places", many_places },
	{ "own_thread_pointer", own_thread_pointer },
	{ "cancelled_asynchronously", cancelled_asynchronously },
	{ "masks_are_told", masks_are_told },
	{ NULL, NULL },
};

#define DEEP "UNTORN_DEEP=1"

static const struct preload_row rows[] = {
	{ "disarming_stack", "", DEEP, 7 },
	{ "handler_in_a_call", "", DEEP, 4 },
	{ "tiny_stack", "", DEEP, -1 },
	{ "small_stack_below", "", DEEP, 2 },
	{ "jumped_off_a_small_stack", "", DEEP, 1 },
	{ "many_places", "", DEEP, 128 },
	{ "own_thread_pointer", "", DEEP, 7 },
	{ "masks_are_told", "", DEEP, 1 },
#ifndef __SANITIZE_ADDRESS__ /* ASAN's longjmp() and the unwinder disagree about the stack */
	{ "cancelled_asynchronously", "", DEEP, 1 },
#endif
};

Suite *suite(void)
{
	return preload_suite("stacks in deep mode", rows,
			     HAS_DEEP ? sizeof(rows) / sizeof(rows[0]) : 0);
}
