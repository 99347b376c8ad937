/* SPDX-License-Identifier: MIT */
/*
 * A driver of our own for tests of NVMe writes: its ioctl() compares each command field by field.
 * It returns scripted results, for reads, too.
 */
#ifndef NVME_DRIVER_H
#define NVME_DRIVER_H

#include <errno.h>
#include <linux/fs.h>
#include <linux/nvme_ioctl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "suite.h"

enum {
	DISK_FD = 1077, /* nothing is open there: only the fake driver knows it */
	KIB = 1024,
	LONGEST = 512 * KIB,
	SENDS = 6,  /* one and five retries */
	STEPS = 14, /* of a script, the end included */
};

/* WAIT: a read of one block, after a question for the block size. */
enum kind { END, SUBMIT, IO_CMD, WAIT };
static const char *const kinds[] = { "no call", "SUBMIT_IO", "IO_CMD", "a read" };

/* result: what the call returns, or -errno. */
struct step {
	enum kind kind;
	int result;
};

static struct {
	const char *why;
	const struct step *script;
	int calls;
	bool probing; /* expects unreadable memory and a place that no disk has */
	struct nvme_user_io submit;
	struct nvme_passthru_cmd io_cmd;
} driver;

#define SAME(got, want, field)                                                                     \
	ck_assert_msg((got)->field == (want)->field, "%s: " #field " is %#llx, expected %#llx",    \
		      driver.why, (unsigned long long)(got)->field,                                \
		      (unsigned long long)(want)->field)

/* By system call: a sanitizer may read a function's arguments. */
static bool is_readable(const char *address)
{
	int ends[2];
	ck_assert_int_eq(pipe(ends), 0);
	long written = syscall(SYS_write, ends[1], address, 1);
	close(ends[0]);
	close(ends[1]);
	return written == 1;
}

static void check_probe(uint64_t address, uint64_t lba, uint32_t length)
{
	const char *data = (const char *)(uintptr_t)address;

	ck_assert_msg(!is_readable(data), "%s: the first byte can be read", driver.why);
	ck_assert_msg(!is_readable(data + length - 1), "%s: the last byte can be read", driver.why);
	ck_assert_uint_ge(lba, UINT64_C(1) << 48); /* 128 PiB of the smallest blocks */
}

static void check_submit(const struct nvme_user_io *got)
{
	struct nvme_user_io want = driver.submit;

	if (driver.probing) {
		check_probe(got->addr, got->slba, driver.io_cmd.data_len);
		want.addr = got->addr;
		want.slba = got->slba;
		want.reftag = want.reftag ? (uint32_t)got->slba : 0;
	}
	SAME(got, &want, opcode);
	SAME(got, &want, flags);
	SAME(got, &want, control);
	SAME(got, &want, nblocks);
	SAME(got, &want, rsvd);
	SAME(got, &want, metadata);
	SAME(got, &want, addr);
	SAME(got, &want, slba);
	SAME(got, &want, dsmgmt);
	SAME(got, &want, reftag);
	SAME(got, &want, apptag);
	SAME(got, &want, appmask);
}

static void check_io_cmd(const struct nvme_passthru_cmd *got)
{
	struct nvme_passthru_cmd want = driver.io_cmd;

	if (driver.probing) {
		check_probe(got->addr, (uint64_t)got->cdw11 << 32 | got->cdw10, want.data_len);
		want.addr = got->addr;
		want.cdw10 = got->cdw10;
		want.cdw11 = got->cdw11;
		want.cdw14 = want.cdw14 ? got->cdw10 : 0;
	}
	SAME(got, &want, opcode);
	SAME(got, &want, flags);
	SAME(got, &want, rsvd1);
	SAME(got, &want, nsid);
	SAME(got, &want, cdw2);
	SAME(got, &want, cdw3);
	SAME(got, &want, metadata);
	SAME(got, &want, addr);
	SAME(got, &want, metadata_len);
	SAME(got, &want, data_len);
	SAME(got, &want, cdw10);
	SAME(got, &want, cdw11);
	SAME(got, &want, cdw12);
	SAME(got, &want, cdw13);
	SAME(got, &want, cdw14);
	SAME(got, &want, cdw15);
	SAME(got, &want, timeout_ms);
	SAME(got, &want, result);
}

static enum kind check_command(unsigned long request, void *argument)
{
	if (request == NVME_IOCTL_SUBMIT_IO) {
		check_submit(argument);
		return SUBMIT;
	}
	ck_assert_msg(request == NVME_IOCTL_IO_CMD, "%s: ioctl %#lx", driver.why, request);
	check_io_cmd(argument);
	return IO_CMD;
}

static int play(int fd, enum kind kind)
{
	const struct step *step = &driver.script[driver.calls];

	ck_assert_msg(kind == step->kind, "%s: call %d is %s, expected %s", driver.why,
		      driver.calls + 1, kinds[kind], kinds[step->kind]);
	ck_assert_int_eq(fd, DISK_FD);
	driver.calls++;
	if (step->result >= 0)
		return step->result;
	errno = -step->result;
	return -1;
}

__attribute__((visibility("default"))) ssize_t pread(int fd, void *data, size_t size, off_t offset)
{
	ck_assert_uint_eq((uintptr_t)data % 4096, 0);
	ck_assert_uint_eq(size, 4096);
	ck_assert_int_eq(offset, 0);
	return play(fd, WAIT);
}

__attribute__((visibility("default"))) int ioctl(int fd, unsigned long request, ...)
{
	va_list arguments;
	va_start(arguments, request);
	void *argument = va_arg(arguments, void *);
	va_end(arguments);

	if (request == BLKSSZGET) {
		*(int *)argument = 4096;
		return 0;
	}
	return play(fd, check_command(request, argument));
}

static void driver_start(const char *why, const struct step *script)
{
	driver.why = why;
	driver.script = script;
	driver.calls = 0;
}

static void driver_end(void)
{
	enum kind next = driver.script[driver.calls].kind;

	ck_assert_msg(next == END, "%s: no %s after call %d", driver.why, kinds[next],
		      driver.calls);
}

#endif
