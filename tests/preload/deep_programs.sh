#!/bin/bash
# SPDX-License-Identifier: MIT
# Deep mode in programs that handle signals, system calls or stacks themselves: sanitizers, valgrind, another preload,
# jumps off small stacks. This script builds the programs; they run over the simulated disk.
set -u
case $BUILD in *address* | *thread*) echo "SKIP: the sanitizers come with the programs here"; exit 77 ;; esac
status=0
"$BUILD/untorn" run --deep -- true || status=$?
case $status in
0) ;;
125) echo "SKIP: no deep mode here"; exit 77 ;;
*) echo "true in deep mode: status $status"; exit 1 ;;
esac
BUILD=$(realpath "$BUILD")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

# A sanitizer makes its own system calls by instruction, and takes the signals. The program calls getppid and writes
# atomically by instruction, too, in a thread and in a child.
cat > "$work/one.c" << 'END'
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>
#include "inline_call.h"

static char page[16384] __attribute__((aligned(4096)));
static void *write_one(void *unused)
{
	struct iovec iov = { page, sizeof(page) };
	int fd = open("/dev/sim0n1", O_RDWR | O_DIRECT);
	if (inline_call(SYS_pwritev2, fd, (long)&iov, 1, 0, 0, 0x40) != sizeof(page) ||
	    inline_call(SYS_getppid, 0, 0, 0, 0, 0, 0) != getppid())
		_exit(1);
	return unused;
}
int main(int count, char **words)
{
	pthread_t id;
	int status = 1;
	if (count > 1) /* does its runtime work here? */
		return words[1][0] != '-';
	if (pthread_create(&id, 0, write_one, 0) || pthread_join(id, 0))
		return 2;
	if (fork() == 0) {
		write_one(0);
		_exit(0);
	}
	wait(&status);
	return status != 0;
}
END
for sanitizer in address thread undefined; do
	if ! "${CC:-gcc}" -Itests -fsanitize=$sanitizer -pthread -o "$work/one" "$work/one.c" 2> "$work/messages" ||
		! "$work/one" - 2> "$work/messages"; then
		echo "not to be had here: -fsanitize=$sanitizer"
		continue
	fi
	rm -f "$work/log"
	"$BUILD/untorn" run --deep --sim="/dev/sim0n1=$work/image,nawun=31,nawupf=31,log=$work/log" -- "$work/one" > "$work/said" 2>&1 &&
		[ "$(grep -c via=submit "$work/log")" = 2 ] || { echo "with -fsanitize=$sanitizer:"; cat "$work/said"; failed=1; }
done
# valgrind makes the program's calls itself: `untorn run` must say so before it starts valgrind, and so must a shim
# that is already in the process.
cp /bin/true "$work/valgrind"
for program in "$work/valgrind" valgrind; do
	status=0
	PATH=$work:$PATH "$BUILD/untorn" run --deep -- "$program" 2> "$work/said" || status=$?
	[ $status = 125 ] && grep -q 'Without --deep' "$work/said" || { echo "valgrind: status $status"; cat "$work/said"; failed=1; }
done
"${CC:-gcc}" -shared -o "$work/vgpreload_tool.so" -x c - < /dev/null
UNTORN_DEEP=1 UNTORN_LOG=error LD_PRELOAD="$BUILD/libuntorn.so $work/vgpreload_tool.so" /bin/true 2> "$work/said"
grep -q 'deep mode is not available, because valgrind' "$work/said" || { echo "in valgrind:"; cat "$work/said"; failed=1; }

# Another preload has a syscall() with its own instruction: our syscall() passes calls on to it. Behind the simulated disk
# it has an fstat(), too. Deep mode traps both, as it does in a C library before 2.34: the disk must still know its node.
cat > "$work/other.c" << 'END'
#include <sys/stat.h>
#include "inline_call.h"
long syscall(long number, long a, long b, long c, long d, long e, long f)
{
	return inline_call(number, a, b, c, d, e, f);
}
#ifdef BEHIND
int fstat(int fd, struct stat *st)
{
	return inline_call(SYS_fstat, fd, (long)st, 0, 0, 0, 0) ? -1 : 0;
}
#endif
END
cat > "$work/two.c" << 'END'
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/uio.h>
#include <unistd.h>
#include "inline_call.h"

static char page[16384] __attribute__((aligned(4096)));
int main(void)
{
	struct iovec iov = { page, sizeof(page) };
	int fd = open("/dev/sim0n1", O_RDWR | O_DIRECT);
	for (int i = 0; i < 3; i++) {
		if (inline_call(SYS_getppid, 0, 0, 0, 0, 0, 0) != getppid() ||
		    inline_call(SYS_pwritev2, fd, (long)&iov, 1, 0, 0, 0x40) != sizeof(page))
			return 1;
	}
	return pread(fd, page, sizeof(page), 0) != sizeof(page);
}
END
two() { # LIBRARIES
	UNTORN_DEEP=1 UNTORN_SIM=/dev/sim0n1=$work/image,nawun=31,nawupf=31 LD_PRELOAD=$1 "$work/two"
}
"${CC:-gcc}" -O1 -Itests -shared -fPIC -o "$work/other.so" "$work/other.c" &&
	"${CC:-gcc}" -O1 -Itests -shared -fPIC -DBEHIND -o "$work/behind.so" "$work/other.c" &&
	"${CC:-gcc}" -O1 -Itests -o "$work/two" "$work/two.c" &&
	two "$BUILD/libuntorn.so $work/other.so $BUILD/libuntorn-sim.so" &&
	two "$BUILD/libuntorn.so $BUILD/libuntorn-sim.so $work/behind.so" ||
	{ echo "another preload's syscall()"; failed=1; }

# When deep mode stops catching a thread's calls, the log says so and the report counts it.
cat > "$work/jump.c" << 'END'
#define _GNU_SOURCE
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/uio.h>
#include <unistd.h>
#include "inline_call.h"

static char page[16384] __attribute__((aligned(4096))), memory[8192];
static sigjmp_buf back;
static void jump(int number)
{
	siglongjmp(back, number);
}
int main(void)
{
	stack_t stack = { .ss_sp = memory, .ss_size = sizeof(memory) };
	struct sigaction action = { .sa_handler = jump, .sa_flags = SA_ONSTACK };
	struct iovec iov = { page, sizeof(page) };
	int fd = open("/dev/sim0n1", O_RDWR | O_DIRECT);
	sigaltstack(&stack, 0);
	sigaction(SIGUSR1, &action, 0);
	if (!sigsetjmp(back, 1))
		raise(SIGUSR1);
	return inline_call(SYS_pwritev2, fd, (long)&iov, 1, 0, 0, 0x40) == sizeof(page);
}
END
"${CC:-gcc}" -O1 -Itests -o "$work/jump" "$work/jump.c" &&
	"$BUILD/untorn" run --deep --log=info --report --sim="/dev/sim0n1=$work/image,nawun=31,nawupf=31" -- "$work/jump" 2> "$work/said" &&
	grep -q 'deep mode does not catch: a signal handler' "$work/said" && grep -q 'stopped catching.* 1 time' "$work/said" ||
	{ echo "calls that are not caught:"; cat "$work/said"; failed=1; }
[ $failed = 0 ]
