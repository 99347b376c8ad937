/* SPDX-License-Identifier: MIT */
/*
 * Whether a path will come back only the kernel knows. So it is asked by a read, which waits as
 * long as a write would, and fails where a write would.
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
	LARGEST = 1 << 16, /* block that is read */
	ALIGNMENT = 4096,
	PAUSE = 10000, /* us */
	WAITS = 60000, /* together 600 s, NVMF_DEF_CTRL_LOSS_TMO: of a file that cannot be read */
};

/* EWOULDBLOCK: a multipath disk without a usable path (nvme_ns_head_ioctl). EINTR: the driver
 * cancelled the command when it reset the controller (nvme_execute_rq). */
bool path_is_away(int result)
{
	return result == -EWOULDBLOCK || result == -EINTR || status_is_of_path(result);
}

/* Nobody looks at the data: all threads read into the same place. */
static int read_block(int fd, uint32_t size)
{
	static char memory[LARGEST + ALIGNMENT]; /* and not aligned, for all of .bss would be */
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
