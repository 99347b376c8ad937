#!/bin/bash
# SPDX-License-Identifier: MIT
# A plug-in written in Go, in a C program and in Python, in deep mode: its goroutines make system calls by their own
# instructions, on stacks of a few KiB. UNTORN_CALLS (1000) calls, each of 64 goroutines, which read files and sleep;
# one in 16 writes atomically to the simulated disk. Results and the number of commands must be right.
set -eu
. tests/clients/lib.sh
PATH=$PATH:$(printf '%s:' /usr/lib/go-*/bin)
command -v go > /dev/null || skip "there is no Go here"
calls=${UNTORN_CALLS:-1000}

cat > "$work/plugin.go" << 'END'
package main

import "C"
import (
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"
)

var page = make([]byte, 2*16384)

// RWF_ATOMIC, of 16 KiB from memory that is aligned.
func write(fd uintptr, place uintptr) bool {
	start := uintptr(unsafe.Pointer(&page[0]))
	aligned := (start + 4095) &^ 4095
	iov := [2]uintptr{aligned, 16384}
	count, _, _ := syscall.Syscall6(328, fd, uintptr(unsafe.Pointer(&iov[0])), 1, place*16384, 0, 0x40)
	return count == 16384
}

//export Work
func Work(fd C.int) C.int {
	var group sync.WaitGroup
	var good int32
	for i := 0; i < 64; i++ {
		group.Add(1)
		go func(i int) {
			defer group.Done()
			bytes, _ := os.ReadFile("/proc/self/comm")
			time.Sleep(50 * time.Microsecond)
			if len(bytes) > 0 && (i%16 != 0 || write(uintptr(fd), uintptr(i))) {
				atomic.AddInt32(&good, 1)
			}
		}(i)
	}
	group.Wait()
	return C.int(good)
}
func main() {}
END
cat > "$work/host.c" << 'END'
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

int main(int count, char **words)
{
	void *plugin = dlopen(words[1], RTLD_NOW);
	int (*work)(int) = plugin ? (int (*)(int))dlsym(plugin, "Work") : NULL;
	int fd = open("/dev/sim0n1", O_RDWR | O_DIRECT), good = 0;

	(void)count;
	for (int i = 0; work && i < atoi(words[2]); i++)
		good += work(fd);
	printf("%d\n", good);
	return 0;
}
END
(cd "$work" && HOME=$work GOFLAGS=-mod=mod GO111MODULE=off CGO_ENABLED=1 go build -buildmode=c-shared -o plugin.so plugin.go)
"${CC:-gcc}" -o "$work/host" "$work/host.c" -ldl

run() { # WANTED COMMAND...
	local said
	said=$("$BUILD/untorn" run --sim="/dev/sim0n1=$work/image,nawun=31,nawupf=31,log=$work/log" --deep -- "${@:2}") ||
		fail "$2: status $?"
	[ "$said" = "$1" ] || fail "$2: $said, not $1"
	[ "$(grep -c 'via=submit' "$work/log")" = $(($1 / 16)) ] || fail "$2: $(grep -c 'via=submit' "$work/log") commands"
	rm "$work/log"
}
run $((calls * 64)) "$work/host" "$work/plugin.so" "$calls"
run $((calls * 64)) python3 -c '
import ctypes, os, sys
plugin = ctypes.CDLL(sys.argv[1])
fd = os.open("/dev/sim0n1", os.O_RDWR | os.O_DIRECT)
print(sum(plugin.Work(fd) for _ in range(int(sys.argv[2]))))' "$work/plugin.so" "$calls"
echo "$calls calls from C, and from Python: each as natively, $((calls * 8)) atomic writes"
