/* SPDX-License-Identifier: MIT */
/*
 * What an atomic write costs beside its command: everything that must be true at that moment is
 * asked of the kernel.
 *
 *	fences DEVICE          an NVMe disk: a write against the bare ioctl, in turn
 *	fences DEVICE null     any other block device, which is taken for an NVMe disk whose
 *commands take no time: what remains is the fences
 *
 * The engine is linked in, so that a command can be taken out of it; its system calls are real.
 * Overwrites the device. Prints the least of many rounds, for others use the machine too.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/nvme_ioctl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "engine.h"
#include "real.h"
#include "sysfs.h"

enum { UNIT = 16384, PLACES = 64, ROUNDS = 60, WRITES = 200 };

static int is_null;
static unsigned block = 512;

int __real_real_ioctl(int fd, unsigned long request, void *argument);
int __wrap_real_ioctl(int fd, unsigned long request, void *argument);
int __real_sysfs_disk_link(dev_t device, const char *name, char *ret_name, size_t size);
int __wrap_sysfs_disk_link(dev_t device, const char *name, char *ret_name, size_t size);

/* A namespace of a unit of 16 KiB (NVM Command Set 1.0 figure 97). */
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
	if (is_null && request == NVME_IOCTL_SUBMIT_IO)
		return 0;
	if (is_null && request == NVME_IOCTL_ID)
		return 1;
	if (is_null && request == NVME_IOCTL_ADMIN_CMD)
		return identify(argument);
	return __real_real_ioctl(fd, request, argument);
}

int __wrap_sysfs_disk_link(dev_t device, const char *name, char *ret_name, size_t size)
{
	if (is_null)
		return snprintf(ret_name, size, "nvme") < 0;
	return __real_sysfs_disk_link(device, name, ret_name, size);
}

static uint64_t nanoseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

typedef void one_write(int fd, char *data, int i);

static void bare(int fd, char *data, int i)
{
	struct nvme_user_io io = {
		.opcode = 1, /* Write */
		.nblocks = (uint16_t)(UNIT / block - 1),
		.addr = (uintptr_t)data,
		.slba = (uint64_t)i * UNIT / block,
	};

	if (real_ioctl(fd, NVME_IOCTL_SUBMIT_IO, &io) != 0)
		exit(1);
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

static void plain(int fd, char *data, int i)
{
	if (pwrite(fd, data, UNIT, (off_t)i * UNIT) != UNIT)
		exit(1);
}

static double round_of(one_write *write_one, int fd, char *data)
{
	uint64_t start = nanoseconds();

	for (int i = 0; i < WRITES; i++)
		write_one(fd, data, i % PLACES);
	return (double)(nanoseconds() - start) / WRITES;
}

static double least(double a, double b)
{
	return a && a < b ? a : b;
}

int main(int argc, char **argv)
{
	is_null = argc == 3 && strcmp(argv[2], "null") == 0;
	if (argc != 2 + is_null)
		return 2;
	if (is_null) {
		setenv("UNTORN_LIBNVME", "off", 1);
		setenv("UNTORN_MODE", "command", 1);
	}
	int fd = open(argv[1], O_RDWR | O_DIRECT);
	char *data = mmap(NULL, UNIT, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (fd < 0 || data == MAP_FAILED ||
	    real_ioctl(fd, _IO(0x12, 104) /* BLKSSZGET */, &block)) {
		perror(argv[1]);
		return 1;
	}
	double a = 0, b = 0, c = 0;
	for (int i = 0; i < ROUNDS; i++) {
		a = least(a, round_of(bare, fd, data));
		b = least(b, round_of(whole, fd, data));
		c = least(c, round_of(plain, fd, data));
	}
	printf("bare ioctl %.0f ns, atomic write %.0f ns, plain direct write %.0f ns: "
	       "fences %.0f ns, %.3f x the ioctl, %.3f x the plain write\n",
	       a, b, c, b - a, b / a, b / c);
	return 0;
}
