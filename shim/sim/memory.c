/* SPDX-License-Identifier: MIT */
/*
 * The kernel reads and writes the program's memory for us (process_vm_readv(2)). A bad pointer then
 * becomes EFAULT, as with a real disk, and not a crash. Buffers come from mmap(), because malloc()
 * may be the caller.
 */
#include "sim/sim.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include "sim/next.h"

int sim_memory_read(void *ret_data, const void *from, size_t length)
{
	struct iovec here = { ret_data, length }, there = { (void *)(uintptr_t)from, length };

	if (length == 0)
		return 0;
	ssize_t copied = process_vm_readv(getpid(), &here, 1, &there, 1, 0);
	return copied == (ssize_t)length ? 0 : -EFAULT;
}

int sim_memory_write(void *to, const void *data, size_t length)
{
	struct iovec here = { (void *)(uintptr_t)data, length }, there = { to, length };

	if (length == 0)
		return 0;
	ssize_t copied = process_vm_writev(getpid(), &here, 1, &there, 1, 0);
	return copied == (ssize_t)length ? 0 : -EFAULT;
}

void *sim_memory_get(size_t length)
{
	void *memory =
		sim_mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return memory == MAP_FAILED ? NULL : memory;
}

void sim_memory_put(void *memory, size_t length)
{
	if (memory)
		munmap(memory, length);
}
