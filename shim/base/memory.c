/* SPDX-License-Identifier: MIT */
/*
 * Has the kernel check whether the program's memory can be read: for a bad pointer a system call
 * returns EFAULT and raises no signal. The answer is true at that moment only: another thread may
 * unmap the memory afterwards. If a seccomp filter forbids process_vm_readv(), the check is
 * impossible. The memory then counts as readable, and memory_read() copies it directly.
 */
#include "base/memory.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/real.h"

/* MISSING: not all of it can be read. FORBIDDEN: the kernel did not check. */
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

/* Passes the word to rt_sigprocmask() as a signal set, with a `how` that does not exist. The kernel
 * (kernel/signal.c) copies the set before it checks `how`: -EFAULT means that the word cannot be
 * read, -EINVAL that it can. The address must not be NULL: for NULL the kernel copies nothing. */
bool memory_has_word(const void *address)
{
	enum { NO_WAY = 1 << 20 };

	return real_syscall(SYS_rt_sigprocmask, NO_WAY, (long)address, 0, sizeof(uint64_t), 0, 0) !=
	       -EFAULT;
}
