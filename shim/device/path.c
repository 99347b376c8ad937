/* SPDX-License-Identifier: MIT */
/*
 * Waits for a path by a read: only the kernel knows whether a path will come back. The read waits
 * as long as a write would, and fails where a write would.
 */
#include "device/path.h"

#include <errno.h>
#include <linux/fs.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/real.h"
#include "rules/status.h"

enum {
	LARGEST = 1 << 16, /* largest logical block that is read */
	ALIGNMENT = 4096,
	PAUSE = 10000, /* us */
	WAITS = 60000, /* 600 s in all, as NVMF_DEF_CTRL_LOSS_TMO: the limit if fd cannot be read */
};

/* EWOULDBLOCK: a multipath disk without a usable path (nvme_ns_head_ioctl). EINTR: the driver
 * cancelled the command when it reset the controller (nvme_execute_rq). */
bool path_is_away(int result)
{
	return result == -EWOULDBLOCK || result == -EINTR || status_is_of_path(result);
}

/* Nobody looks at the data, so all threads read into the same buffer. */
static int read_block(int fd, uint32_t size)
{
	static char memory[LARGEST + ALIGNMENT]; /* an aligned array would align all of .bss */
	char *block = memory + ALIGNMENT - (uintptr_t)memory % ALIGNMENT;

	if (size > LARGEST || pread(fd, block, size, 0) >= 0)
		return 0;
	return errno == EIO || errno == ENOLINK || errno == ENODEV ? -errno : 0;
}

int path_await(int fd, unsigned waits)
{
	int size;

	if (waits >= WAITS)
		return -EIO;
	if (waits)
		real_pause(PAUSE);
	int error = real_ioctl(fd, BLKSSZGET, &size);
	return error ? error : read_block(fd, (uint32_t)size);
}
