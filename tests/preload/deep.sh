#!/bin/bash
# SPDX-License-Identifier: MIT
# Deep mode does no harm: every test over the simulated disk passes in it as without, and what they do to
# rings by syscall() is done by instructions of their own (ring_doors.h); and ordinary programs do what
# they always do.
set -u
case $BUILD in *address* | *thread*) echo "SKIP: the sanitizers' own runs take their time"; exit 77 ;; esac
status=0
"$BUILD/untorn" run --deep -- true || status=$?
case $status in
0) ;;
125) echo "SKIP: no deep mode here"; exit 77 ;;
*) echo "true in deep mode: status $status"; exit 1 ;;
esac
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

tests=()
for test in "$BUILD"/tests/preload/*; do
	case $test in *.[od] | */preload/deep*) ;; *) tests+=("$test") ;; esac
done
UNTORN_DEEP=1 tests/run.sh "$BUILD" "${tests[@]}" || failed=1

# Rings of a liburing that is part of the program.
# shellcheck disable=SC2046 # several words
mkdir "$work/preload"
if ${CC:-gcc} -o "$work/preload/static" "$BUILD/tests/preload/uring.o" "$BUILD/tests/preload.o" -l:liburing.a \
	$(pkg-config --libs check) -ldl 2> "$work/messages"; then
	UNTORN_DEEP=1 UNTORN_MODE=command tests/run.sh "$BUILD" "$work/preload/static" || failed=1
else
	echo "not to be had here: a static liburing"
fi

# A sanitizer makes system calls of its own by instruction, and takes the signals. By instruction too: getppid,
# and an atomic write, in a thread and in a child.
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
status=0
"$BUILD/untorn" run --deep -- valgrind true > "$work/said" 2>&1 || status=$?
case $status in 125 | 127) ;; *) echo "valgrind in deep mode: status $status"; failed=1 ;; esac

# Another preload's syscall(), by an instruction of its own, to which ours goes on.
cat > "$work/other.c" << 'END'
#include "inline_call.h"
long syscall(long number, long a, long b, long c, long d, long e, long f)
{
	return inline_call(number, a, b, c, d, e, f);
}
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
	return 0;
}
END
"${CC:-gcc}" -O1 -Itests -shared -fPIC -o "$work/other.so" "$work/other.c" &&
	"${CC:-gcc}" -O1 -Itests -o "$work/two" "$work/two.c" &&
	UNTORN_DEEP=1 UNTORN_SIM=/dev/sim0n1=$work/image,nawun=31,nawupf=31 \
		LD_PRELOAD="$BUILD/libuntorn.so $work/other.so $BUILD/libuntorn-sim.so" "$work/two" ||
	{ echo "another preload's syscall()"; failed=1; }

# What is not caught any more is counted, and told.
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

same() { # COMMAND... says the same, and ends the same
	"$@" > "$work/plain" 2>&1 < /dev/null
	echo "status $?" >> "$work/plain"
	"$BUILD/untorn" run --deep -- "$@" > "$work/deep" 2>&1 < /dev/null
	echo "status $?" >> "$work/deep"
	diff "$work/plain" "$work/deep" > "$work/diff" && return
	echo "$*: with deep mode (>) it is otherwise:"
	head -20 "$work/diff"
	failed=1
}
# shellcheck disable=SC2016 # for the shells that are started
same bash -c 'trap "echo usr1" USR1; kill -USR1 $$; for i in 1 2 3; do (echo $i | cat) & done | sort; wait; ls / | wc -l'
# shellcheck disable=SC2016 # for perl
same perl -e '$SIG{ALRM} = sub { print "alarm\n" }; alarm 1; sleep 5; $SIG{SYS} = "IGNORE"; kill SYS => $$; print `echo child`; fork || exit 3; wait; print $? >> 8, "\n"'
same perl -e 'kill SYS => $$; sleep 1'
same python3 -c 'import threading, subprocess, signal, concurrent.futures as f
signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
print(signal.pthread_sigmask(signal.SIG_BLOCK, []))
print(sum(f.ThreadPoolExecutor(8).map(lambda i: len(subprocess.check_output(["echo", str(i)])), range(20))))'
same git --no-pager log --oneline -3
printf 'int main(void) { return 7; }\n' > "$work/seven.c"
same "${CC:-gcc}" -O2 -pipe -pthread -o "$work/seven" "$work/seven.c"
same "$work/seven"
for run in plain deep; do
	make=(make -j2 --no-print-directory B="$work/made-$run" "$work/made-$run"/shim/rules/{limits,status}.o)
	[ $run = plain ] || make=("$BUILD/untorn" run --deep -- "${make[@]}")
	"${make[@]}" > "$work/made" || failed=1
done
cmp "$work"/made-{plain,deep}/shim/rules/limits.o || failed=1
command -v sqlite3 > /dev/null && same sqlite3 :memory: 'select 1 + 1'
command -v curl > /dev/null && same curl --version
[ $failed = 0 ]
