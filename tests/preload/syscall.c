/* SPDX-License-Identifier: MIT */
/*
 * syscall() under the shim must behave as libc's: a call that is neither an atomic write nor a
 * question about one must give the same result as the same call by instruction, and keep the
 * registers. Also in .preinit_array, where the shim does not yet know the next syscall().
 */
#include "preload.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "untorn_uapi.h"

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))
#define FAR          (5LL << 30)

enum { FILE_FD = 100, UNTOUCHED = 77 };

static char data[64];
static struct iovec iov[] = { { (char *)"two ", 4 }, { (char *)"parts", 5 } };
static struct statx stx;
static int futex_word;
static struct timespec now, past = { 1, 0 }, briefly = { 0, 1000000 };

#define AT(object) ((long)(uintptr_t)(object))

/* Calls that may be repeated any number of times: each always makes the same change. */
static const struct row {
	long number, args[6];
} rows[] = {
	{ SYS_getpid, { 0 } },
	{ SYS_getppid, { 0 } },
	{ SYS_gettid, { 0 } },
	{ SYS_getuid, { 0 } },
	{ SYS_close, { -1 } },
	{ SYS_openat, { AT_FDCWD, AT("/nothing/there"), O_RDONLY } },
	{ SYS_openat, { AT_FDCWD, 8, O_RDONLY } },
	{ SYS_openat, { -1, AT("relative"), O_RDONLY } },
	{ SYS_read, { FILE_FD, AT(data), 0 } },
	{ SYS_read, { FILE_FD, 8, 4 } },
	{ SYS_read, { -1, AT(data), 4 } },
	{ SYS_pwrite64, { FILE_FD, AT("beyond four gigabytes"), 21, FAR } },
	{ SYS_pread64, { FILE_FD, AT(data), 16, FAR + 7 } },
	{ SYS_pread64, { FILE_FD, AT(data), 16, FAR << 4 } },
	{ SYS_pread64, { FILE_FD, AT(data), 16, -1 } },
	{ SYS_lseek, { FILE_FD, FAR, SEEK_SET } },
	{ SYS_lseek, { FILE_FD, 0, SEEK_CUR } },
	{ SYS_lseek, { FILE_FD, -1, SEEK_SET } },
	{ SYS_lseek, { FILE_FD, INT64_MAX, SEEK_SET } },
	{ SYS_lseek, { FILE_FD, 0, SEEK_SET } },
	{ SYS_futex, { AT(&futex_word), FUTEX_WAKE_PRIVATE, 1 } },
	{ SYS_futex, { AT(&futex_word), FUTEX_WAIT_PRIVATE, 1, 0 } },
	{ SYS_futex, { AT(&futex_word), FUTEX_WAIT_PRIVATE, 0, AT(&briefly) } },
	{ SYS_futex, { AT(&futex_word), FUTEX_WAIT_PRIVATE, 0, 8 } },
	/* The sixth argument: which wakers count, none of which is an error; an offset. */
	{ SYS_futex, { AT(&futex_word), FUTEX_WAIT_BITSET_PRIVATE, 0, AT(&past), 0, -1 } },
	{ SYS_futex, { AT(&futex_word), FUTEX_WAIT_BITSET_PRIVATE, 0, AT(&past), 0, 0 } },
	{ SYS_futex, { AT(&futex_word), FUTEX_CMP_REQUEUE_PRIVATE, 1, 1, AT(&stx), 0 } },
	{ SYS_futex, { AT(&futex_word), FUTEX_CMP_REQUEUE_PRIVATE, 1, 1, AT(&stx), 7 } },
	{ SYS_mmap, { 0, 4096, PROT_READ, MAP_SHARED, FILE_FD, 7 } },
	{ SYS_mmap, { 0, 4096, PROT_READ, MAP_SHARED, -1, 0 } },
	{ SYS_mmap, { 0, 0, PROT_READ, MAP_SHARED, FILE_FD, 0 } },
	{ SYS_clock_gettime, { CLOCK_MONOTONIC, AT(&now) } },
	{ SYS_clock_gettime, { 12345, AT(&now) } },
	{ SYS_getrandom, { AT(data), sizeof(data), 0 } },
	{ SYS_getrandom, { AT(data), sizeof(data), 0xffff } },
	{ SYS_wait4, { -1, 0, 0, 0 } },
	{ SYS_wait4, { -1, 0, 0x7fff0000, 0 } },
	{ SYS_kill, { 0, 12345 } },
	/* The two calls that the shim handles itself, but without anything atomic. */
	{ SYS_statx, { AT_FDCWD, AT("/"), 0, STATX_BASIC_STATS, AT(&stx) } },
	{ SYS_statx, { FILE_FD, AT(""), AT_EMPTY_PATH, STATX_ALL, AT(&stx) } },
	{ SYS_statx, { AT_FDCWD, AT("/nothing"), 0, STATX_BASIC_STATS, AT(&stx) } },
	{ SYS_statx, { AT_FDCWD, AT("/"), 0, STATX_BASIC_STATS, 8 } },
	{ SYS_statx, { AT_FDCWD, 8, 0, STATX_BASIC_STATS, AT(&stx) } },
	{ SYS_statx, { AT_FDCWD, AT("/"), 0x7fff0000, STATX_BASIC_STATS, AT(&stx) } },
	{ SYS_statx, { AT_FDCWD, AT("/"), 0, 0x80000000L, AT(&stx) } },
	{ SYS_pwritev2, { FILE_FD, AT(iov), 2, FAR + 64, 0, 0 } },
	{ SYS_pwritev2, { FILE_FD, AT(iov), 2, FAR + 64, 0, RWF_DSYNC } },
	{ SYS_pwritev2, { FILE_FD, AT(iov), 1, 4096, 12345, 0 } }, /* the high half is ignored */
	{ SYS_pwritev2, { FILE_FD, AT(iov), 0, 0, 0, 0 } },
	{ SYS_pwritev2, { FILE_FD, AT(iov), -1, 0, 0, 0 } },
	{ SYS_pwritev2, { FILE_FD, AT(iov), 2, -2, 0, 0 } },
	{ SYS_pwritev2, { FILE_FD, 8, 2, 0, 0, 0 } },
	{ SYS_pwritev2, { FILE_FD, AT(iov), 2, 0, 0, 0x40000000 } },
	{ SYS_pwritev2, { -1, AT(iov), 2, 0, 0, 0 } },
	{ -1, { 0 } },
	{ 100000, { 1, 2, 3, 4, 5, 6 } },
	{ INT32_MAX, { 0 } },
};

/* Calls syscall() with a number and six arguments, and with known values in all registers that a
 * function must keep. *changed becomes 0 if the values are still there afterwards. */
long guarded_syscall(const long arguments[7], long *changed);

#if defined(__x86_64__)

__asm__(".text\n"
	".globl guarded_syscall\n"
	".hidden guarded_syscall\n"
	".type guarded_syscall, @function\n"
	"guarded_syscall:\n"
	"	endbr64\n"
	"	pushq %rbx\n	pushq %rbp\n	pushq %r12\n"
	"	pushq %r13\n	pushq %r14\n	pushq %r15\n"
	"	subq $24, %rsp\n"
	"	movq %rsi, 8(%rsp)\n"
	"	movq 48(%rdi), %rax\n"
	"	movq %rax, (%rsp)\n"
	"	movq %rdi, %rax\n"
	"	movq (%rax), %rdi\n	movq 8(%rax), %rsi\n	movq 16(%rax), %rdx\n"
	"	movq 24(%rax), %rcx\n	movq 32(%rax), %r8\n	movq 40(%rax), %r9\n"
	"	movq $0x11111, %rbx\n	movq $0x22222, %rbp\n	movq $0x33333, %r12\n"
	"	movq $0x44444, %r13\n	movq $0x55555, %r14\n	movq $0x66666, %r15\n"
	"	xorl %eax, %eax\n"
	"	call syscall@PLT\n"
	"	subq $0x11111, %rbx\n	subq $0x22222, %rbp\n	subq $0x33333, %r12\n"
	"	subq $0x44444, %r13\n	subq $0x55555, %r14\n	subq $0x66666, %r15\n"
	"	orq %rbp, %rbx\n	orq %r12, %rbx\n	orq %r13, %rbx\n"
	"	orq %r14, %rbx\n	orq %r15, %rbx\n"
	"	movq 8(%rsp), %rcx\n"
	"	movq %rbx, (%rcx)\n"
	"	addq $24, %rsp\n"
	"	popq %r15\n	popq %r14\n	popq %r13\n"
	"	popq %r12\n	popq %rbp\n	popq %rbx\n"
	"	ret\n"
	".size guarded_syscall, .-guarded_syscall\n");

static long by_hand(const struct row *row)
{
	register long d __asm__("r10") = row->args[3];
	register long e __asm__("r8") = row->args[4];
	register long f __asm__("r9") = row->args[5];
	long result = row->number;

	__asm__ volatile("syscall"
			 : "+a"(result)
			 : "D"(row->args[0]), "S"(row->args[1]), "d"(row->args[2]), "r"(d), "r"(e),
			   "r"(f)
			 : "rcx", "r11", "memory");
	return result;
}

#elif defined(__aarch64__)

__asm__(".text\n"
	".globl guarded_syscall\n"
	".hidden guarded_syscall\n"
	".type guarded_syscall, %function\n"
	"guarded_syscall:\n"
	"	hint 34\n" /* bti c */
	"	stp x29, x30, [sp, -112]!\n"
	"	stp x19, x20, [sp, 16]\n	stp x21, x22, [sp, 32]\n"
	"	stp x23, x24, [sp, 48]\n	stp x25, x26, [sp, 64]\n"
	"	stp x27, x28, [sp, 80]\n	str x1, [sp, 96]\n"
	"	mov x9, x0\n"
	"	ldp x0, x1, [x9]\n	ldp x2, x3, [x9, 16]\n"
	"	ldp x4, x5, [x9, 32]\n	ldr x6, [x9, 48]\n"
	"	mov x19, 119\n	mov x20, 120\n	mov x21, 121\n	mov x22, 122\n"
	"	mov x23, 123\n	mov x24, 124\n	mov x25, 125\n	mov x26, 126\n"
	"	mov x27, 127\n	mov x28, 128\n	mov x29, 129\n"
	"	bl syscall\n"
	"	sub x19, x19, 119\n	sub x20, x20, 120\n	sub x21, x21, 121\n"
	"	sub x22, x22, 122\n	sub x23, x23, 123\n	sub x24, x24, 124\n"
	"	sub x25, x25, 125\n	sub x26, x26, 126\n	sub x27, x27, 127\n"
	"	sub x28, x28, 128\n	sub x29, x29, 129\n"
	"	orr x19, x19, x20\n	orr x19, x19, x21\n	orr x19, x19, x22\n"
	"	orr x19, x19, x23\n	orr x19, x19, x24\n	orr x19, x19, x25\n"
	"	orr x19, x19, x26\n	orr x19, x19, x27\n	orr x19, x19, x28\n"
	"	orr x19, x19, x29\n"
	"	ldr x1, [sp, 96]\n"
	"	str x19, [x1]\n"
	"	ldp x19, x20, [sp, 16]\n	ldp x21, x22, [sp, 32]\n"
	"	ldp x23, x24, [sp, 48]\n	ldp x25, x26, [sp, 64]\n"
	"	ldp x27, x28, [sp, 80]\n	ldp x29, x30, [sp], 112\n"
	"	ret\n"
	".size guarded_syscall, .-guarded_syscall\n");

static long by_hand(const struct row *row)
{
	register long number __asm__("x8") = row->number;
	register long a __asm__("x0") = row->args[0], b __asm__("x1") = row->args[1];
	register long c __asm__("x2") = row->args[2], d __asm__("x3") = row->args[3];
	register long e __asm__("x4") = row->args[4], f __asm__("x5") = row->args[5];

	__asm__ volatile("svc 0"
			 : "+r"(a)
			 : "r"(number), "r"(b), "r"(c), "r"(d), "r"(e), "r"(f)
			 : "memory");
	return a;
}

#endif

static int is_same(const struct row *row, long expected, long result)
{
	int error = errno;

	if (expected >= 0 ? result == expected && error == UNTOUCHED
			  : result == -1 && error == -expected)
		return 1;
	fprintf(stderr, "row %d: %ld, errno %d, and by hand %ld\n", (int)(row - rows), result,
		error, expected);
	return 0;
}

/* Counts the rows whose result, called plainly or guarded, differs from that by instruction. */
static int differing_rows(void)
{
	int differing = 0;

	for (const struct row *row = rows; row < rows + COUNT(rows); row++) {
		const long *a = row->args;
		long all[7] = { row->number, a[0], a[1], a[2], a[3], a[4], a[5] }, changed = 1;
		long expected = by_hand(row);
		errno = UNTOUCHED;
		long result = syscall(row->number, a[0], a[1], a[2], a[3], a[4], a[5]);
		differing += !is_same(row, expected, result);
		errno = UNTOUCHED;
		result = guarded_syscall(all, &changed);
		differing += !is_same(row, expected, result) || changed;
	}
	return differing;
}

/* Makes a sparse file of more than 4 GiB, always with the number FILE_FD. */
static void make_file(void)
{
	int fd = memfd_create("sparse", MFD_CLOEXEC);

	want(fd >= 0 && dup2(fd, FILE_FD) == FILE_FD && close(fd) == 0);
	want(ftruncate(FILE_FD, 2 * FAR) == 0);
}

static int early_differing = -1, constructor_differing = -1;

/* Runs only in the process of the body in_preinit, whose name is the last argument. */
static void before_constructors(int argc, char **argv)
{
	if (argc != 3 || strcmp(argv[2], "in_preinit") != 0)
		return;
	make_file();
	early_differing = differing_rows();
}

__attribute__((section(".preinit_array"),
	       used)) static void (*const preinit)(int, char **) = before_constructors;

__attribute__((constructor)) static void before_main(int argc, char **argv)
{
	if (argc != 3 || strcmp(argv[2], "in_constructor") != 0)
		return;
	make_file();
	constructor_differing = differing_rows();
}

static void in_preinit(void)
{
#ifdef __GLIBC__ /* musl's loader has no .preinit_array */
	want(early_differing == 0);
#endif
}

static void in_constructor(void)
{
	want(constructor_differing == 0);
}

static void in_main(void)
{
	make_file();
	want(differing_rows() == 0);
}

static void *run_rows(void *unused)
{
	want(differing_rows() == 0);
	return unused;
}

static void in_thread(void)
{
	pthread_t thread;

	make_file();
	want(pthread_create(&thread, NULL, run_rows, NULL) == 0);
	want(pthread_join(thread, NULL) == 0);
}

static volatile sig_atomic_t handled;

static void handler(int signal)
{
	int kept = errno;

	(void)signal;
	want(differing_rows() == 0);
	handled++;
	errno = kept;
}

static void in_signal_handler(void)
{
	struct sigaction action = { .sa_handler = handler };

	make_file();
	want(sigaction(SIGUSR1, &action, NULL) == 0);
	want(syscall(SYS_tgkill, (long)getpid(), syscall(SYS_gettid), (long)SIGUSR1) == 0);
	for (int i = 0; i < 1000 && !handled; i++)
		usleep(1000); /* TSAN delivers signals late */
	want(handled == 1);
}

static void whole_file_operations(void)
{
	char seen[16] = "";

	make_file();
	want(syscall(SYS_pwritev2, (long)FILE_FD, iov, 2L, FAR, 0L, 0L) == 9);
	want(pread(FILE_FD, seen, 9, FAR) == 9 && memcmp(seen, "two parts", 9) == 0);
	want(pread(FILE_FD, seen, 4, FAR & 0xffffffff) == 4 && memcmp(seen, "\0\0\0\0", 4) == 0);
	want(syscall(SYS_lseek, (long)FILE_FD, FAR + 100, (long)SEEK_SET) == FAR + 100);
	want(syscall(SYS_write, (long)FILE_FD, "written", 7L) == 7);
	want(lseek(FILE_FD, 0, SEEK_CUR) == FAR + 107);
	want(syscall(SYS_pread64, (long)FILE_FD, seen, 7L, FAR + 100) == 7);
	want(memcmp(seen, "written", 7) == 0);
	want(syscall(SYS_pwritev2, (long)FILE_FD, iov, 1L, -1L, -1L, 0L) == 4); /* file position */
	want(lseek(FILE_FD, -4, SEEK_CUR) == FAR + 107);
	want(syscall(SYS_read, (long)FILE_FD, seen, 4L) == 4 && memcmp(seen, "two ", 4) == 0);
	long fd = syscall(SYS_openat, (long)AT_FDCWD, "/", (long)(O_RDONLY | O_DIRECTORY));
	want(fd >= 0 && fcntl((int)fd, F_GETFD) == 0);
	want(syscall(SYS_close, fd) == 0 && fcntl((int)fd, F_GETFD) == -1);
}

/* syscall() must pass all six arguments on: the offset is the last. */
static void mapping(void)
{
	make_file();
	want(pwrite(FILE_FD, "mapped", 6, FAR + 65536) == 6);
	errno = UNTOUCHED;
	const char *map = (const char *)syscall(SYS_mmap, NULL, 65536L, (long)PROT_READ,
						(long)MAP_SHARED, (long)FILE_FD, FAR + 65536);
	want(map != MAP_FAILED && errno == UNTOUCHED);
	want(memcmp(map, "mapped", 6) == 0);
	want(syscall(SYS_munmap, map, 65536L) == 0);
}

static void statx_answers(void)
{
	struct statx ours, direct;
	struct row row = { SYS_statx, { AT_FDCWD, AT("/"), 0, STATX_BASIC_STATS, AT(&direct) } };

	memset(&ours, 0xff, sizeof(ours));
	memset(&direct, 0xff, sizeof(direct));
	want(syscall(SYS_statx, (long)AT_FDCWD, "/", 0L, (long)STATX_BASIC_STATS, &ours) == 0);
	want(by_hand(&row) == 0);
	ours.stx_atime = direct.stx_atime;
	want(memcmp(&ours, &direct, sizeof(ours)) == 0);
}

static int exit_of(long child)
{
	int status = -1;

	want(child > 0);
	errno = UNTOUCHED;
	want(syscall(SYS_wait4, child, &status, 0L, NULL) == child && errno == UNTOUCHED);
	want(WIFEXITED(status));
	return WEXITSTATUS(status);
}

__attribute__((unused)) static void children(void)
{
	int here = 1;

	long child = syscall(SYS_clone, (long)SIGCHLD, 0L, 0L, 0L, 0L);
	if (child == 0) {
		here = 2;
		syscall(SYS_exit, syscall(SYS_getppid) > 0 ? 40L + here : 1L);
	}
	want(exit_of(child) == 42 && here == 1);
	child = fork();
	if (child == 0)
		syscall(SYS_exit_group, 43L);
	want(exit_of(child) == 43);
#ifdef SYS_fork
	child = syscall(SYS_fork);
	if (child == 0)
		syscall(SYS_exit, 44L);
	want(exit_of(child) == 44);
#endif
	child = vfork();
	if (child == 0)
		syscall(SYS_exit, 45L);
	want(exit_of(child) == 45);
	want_error(syscall(SYS_wait4, -1L, NULL, 0L, NULL), ECHILD);
}

static void sleeping(void)
{
	struct timespec before, after, tenth = { 0, 100000000 };

	want(syscall(SYS_clock_gettime, (long)CLOCK_MONOTONIC, &before) == 0);
	want_error(syscall(SYS_futex, &futex_word, (long)FUTEX_WAIT_PRIVATE, 0L, &tenth),
		   ETIMEDOUT);
	want(clock_gettime(CLOCK_MONOTONIC, &after) == 0);
	want((after.tv_sec - before.tv_sec) * 1000000000 + after.tv_nsec - before.tv_nsec >=
	     tenth.tv_nsec);
}

const struct body bodies[] = {
	{ "in_preinit", in_preinit },
	{ "in_constructor", in_constructor },
	{ "in_main", in_main },
	{ "in_thread", in_thread },
	{ "in_signal_handler", in_signal_handler },
	{ "whole_file_operations", whole_file_operations },
	{ "mapping", mapping },
	{ "statx_answers", statx_answers },
#ifndef __SANITIZE_THREAD__ /* ThreadSanitizer's runtime hangs in a child of a raw clone */
	{ "children", children },
#endif
	{ "sleeping", sleeping },
	{ NULL, NULL },
};

START_TEST(syscall_does_what_libcs_does)
{
	preload_run(bodies[_i].name, "", NULL);
}
END_TEST

START_TEST(without_atomic_writes_it_does_too)
{
	preload_run(bodies[_i].name, "", "UNTORN_MODE=off");
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("syscall() under the shim");
	TCase *tc = tcase_create("bodies");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, syscall_does_what_libcs_does, 0, COUNT(bodies) - 1);
	tcase_add_loop_test(tc, without_atomic_writes_it_does_too, 0, COUNT(bodies) - 1);
	suite_add_tcase(s, tc);
	return s;
}
