/* SPDX-License-Identifier: MIT */
#include "memory.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

bool memory_read(void *ret_data, const void *from, size_t size)
{
	struct iovec here = { ret_data, size }, there = { (void *)(uintptr_t)from, size };
	ssize_t result = process_vm_readv(getpid(), &here, 1, &there, 1, 0);

	if (result < 0 && errno != EFAULT)
		memcpy(ret_data, from, size);
	return result == (ssize_t)size || (result < 0 && errno != EFAULT);
}
