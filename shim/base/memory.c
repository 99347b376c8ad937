/* SPDX-License-Identifier: MIT */
/*
 * Checks by system calls whether the program's memory can be read, so that a bad pointer raises no
 * signal. If a filter forbids process_vm_readv(), the check is impossible: the memory then counts
 * as readable, and memory_read() copies it directly.
 */
#include "base/memory.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/real.h"

enum answer { THERE, MISSING, FORBIDDEN };

static enum answer ask(void *ret_data, const void *from, size_t size)
{
	struct iovec here = { ret_data, size }, there = { (void *)(uintptr_t)from, size };
	ssize_t result = process_vm_readv(getpid(), &here, 1, &there, 1, 0);

	if (result == (ssize_t)size)
		return THERE;
	return result < 0 && errno != EFAULT ? FORBIDDEN : MISSING;
}

bool memory_read(void *ret_data, const void *from, size_t size)
{
	enum answer answer = ask(ret_data, from, size);

	if (answer == FORBIDDEN)
		memcpy(ret_data, from, size);
	return answer != MISSING;
}

bool memory_is_there(const void *address)
{
	char byte;

	return ask(&byte, address, 1) != MISSING;
}

/* The kernel copies the set before it checks `how` (kernel/signal.c: rt_sigprocmask): -EFAULT means
 * that the word cannot be read, -EINVAL that it can. The address must not be NULL: the kernel then
 * copies nothing. */
bool memory_has_word(const void *address)
{
	enum { NO_WAY = 1 << 20 };

	return real_syscall(SYS_rt_sigprocmask, NO_WAY, (long)address, 0, sizeof(uint64_t), 0, 0) !=
	       -EFAULT;
}
