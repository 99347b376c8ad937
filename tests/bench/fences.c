/* SPDX-License-Identifier: MIT */
/*
 * Measures the cost of an atomic write without its command: the shim asks the kernel about
 * everything that must be true at that moment. fences DEVICE: any block device. It is overwritten,
 * and is taken for an NVMe disk whose commands take no time.
 *
 * The engine is linked in, so that the command can be left out; its other system calls are real.
 *
 * Links: -Wl,--wrap=real_ioctl -Wl,--wrap=sysfs_disk_link
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/nvme_ioctl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench.h"
#include "engine/engine.h"
#include "base/real.h"
#include "base/sysfs.h"

enum { UNIT = 16384, PLACES = 64, ROUNDS = 60, WRITES = 200 };

static unsigned block = 512;

int __real_real_ioctl(int fd, unsigned long request, void *argument);
int __wrap_real_ioctl(int fd, unsigned long request, void *argument);
int __wrap_sysfs_disk_link(dev_t device, const char *name, char *ret_name, size_t size);

/* A namespace with a unit of 16 KiB (NVM Command Set 1.0 figure 97). */
static int identify(const struct nvme_passthru_cmd *command)
{
	uint8_t *page = (uint8_t *)(uintptr_t)command->addr;

	if (command->cdw10 == 0) {
		page[24] = 2; /* NSFEAT: NSABP */
		page[36] = (uint8_t)(UNIT / block - 1);
		page[130] = (uint8_t)__builtin_ctz(block);
	}
	return 0;
}

int __wrap_real_ioctl(int fd, unsigned long request, void *argument)
{
	switch (request) {
	case NVME_IOCTL_SUBMIT_IO:
		return 0;
	case NVME_IOCTL_ID:
		return 1;
	case NVME_IOCTL_ADMIN_CMD:
		return identify(argument);
	default:
		return __real_real_ioctl(fd, request, argument);
	}
}

int __wrap_sysfs_disk_link(dev_t device, const char *name, char *ret_name, size_t size)
{
	(void)device, (void)name;
	return snprintf(ret_name, size, "nvme") < 0;
}

static void whole(int fd, char *data, int i)
{
	struct iovec iov = { data, UNIT };
	struct write_call call = {
		.fd = fd, .iov = &iov, .count = 1, .offset = (off_t)i * UNIT, .flags = RWF_ATOMIC
	};

	ssize_t written = engine_write(&call);
	if (written != UNIT) {
		fprintf(stderr, "atomic write: %s\n", strerror((int)-written));
		exit(1);
	}
}

static double round_of(int fd, char *data)
{
	double start = nanoseconds(CLOCK_MONOTONIC);

	for (int i = 0; i < WRITES; i++)
		whole(fd, data, i % PLACES);
	return (nanoseconds(CLOCK_MONOTONIC) - start) / WRITES;
}

int main(int argc, char **argv)
{
	static double rounds[ROUNDS];

	if (argc != 2)
		return 2;
	setenv("UNTORN_MODE", "command", 1);
	int fd = open(argv[1], O_RDWR | O_DIRECT);
	char *data = mmap(NULL, UNIT, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (fd < 0 || data == MAP_FAILED ||
	    __real_real_ioctl(fd, _IO(0x12, 104) /* BLKSSZGET */, &block)) {
		perror(argv[1]);
		return 1;
	}
	for (int i = 0; i < ROUNDS; i++)
		rounds[i] = round_of(fd, data);
	print_row("an atomic pwritev2() beside its command", 0, median(rounds, ROUNDS), "ns", NULL,
		  false);
	return 0;
}
