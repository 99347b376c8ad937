/* SPDX-License-Identifier: MIT */
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

/* The kernel reads the set from memory first, and refuses the unknown operation afterwards
 * (kernel/signal.c: rt_sigprocmask). */
bool memory_has_word(const void *address)
{
	enum { NO_WAY = 1 << 20 };

	return real_syscall(SYS_rt_sigprocmask, NO_WAY, (long)address, 0, sizeof(uint64_t), 0, 0) !=
	       -EFAULT;
}
