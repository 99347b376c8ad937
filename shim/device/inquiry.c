/* SPDX-License-Identifier: MIT */
/*
 * Asks a SCSI disk by READ CAPACITY (16), and reads the Block Limits page from the kernel's copy in
 * /sys, as a native kernel does for its limits. If a kernel offers no copy, INQUIRY asks the disk.
 */
#include "device/inquiry.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "device/generic.h"
#include "device/scsi.h"
#include "base/sysfs.h"

enum {
	TYPE_DISK = 0,         /* SPC-4: peripheral device type */
	LEVEL_WITH_PAGES = 5,  /* SCSI_SPC_2: below it the kernel asks for no VPD page either */
	INQUIRY = 0x12,        /* SPC-4 */
	SERVICE_ACTION = 0x9e, /* SBC-4: SERVICE ACTION IN (16) */
	READ_CAPACITY_16 = 0x10,
	PAGE_SUPPORTED = 0x00,
	PAGE_BLOCK_LIMITS = 0xb0,
	PAGES_SIZE = 255,
	ATTEMPTS = 6, /* a disk's first answer may be UNIT ATTENTION */
};

bool inquiry_is_disk(dev_t device)
{
	uint64_t type, level;

	return sysfs_disk_number(device, "device/type", &type) == 0 && type == TYPE_DISK &&
	       sysfs_disk_number(device, "device/scsi_level", &level) == 0 &&
	       level >= LEVEL_WITH_PAGES;
}

/* Sends a command that asks. If the disk sends less than was asked for, the rest stays 0 and is no
 * error. */
static int ask(int fd, const uint8_t *cdb, uint8_t cdb_length, uint8_t *ret_data, uint32_t size)
{
	struct scsi_command command = {
		.cdb = cdb, .cdb_length = cdb_length, .data = ret_data, .length = size
	};
	struct scsi_outcome outcome;
	int error = 0;

	for (int i = 0; i < ATTEMPTS; i++) {
		memset(ret_data, 0, size);
		error = scsi_ask(fd, &command, &outcome);
		outcome.residue = 0;
		if (error || sense_retry(&outcome) == SENSE_FINAL)
			break;
	}
	return error ? error : sense_to_errno(&outcome);
}

static int ask_page(int fd, uint8_t page, uint8_t *ret_page, uint8_t size)
{
	const uint8_t cdb[6] = { INQUIRY, 1 /* EVPD */, page, 0, size };

	return ask(fd, cdb, sizeof(cdb), ret_page, size);
}

static bool has_block_limits(const uint8_t pages[PAGES_SIZE])
{
	return pages[1] == PAGE_SUPPORTED && memchr(pages + 4, PAGE_BLOCK_LIMITS, pages[3]);
}

/* A disk without the page is no error: it promises nothing. */
static int ask_block_limits(int fd, uint8_t ret_page[BLOCK_LIMITS_SIZE])
{
	uint8_t pages[PAGES_SIZE + 4] = { 0 };

	int error = ask_page(fd, PAGE_SUPPORTED, pages, PAGES_SIZE);
	if (!error && has_block_limits(pages))
		return ask_page(fd, PAGE_BLOCK_LIMITS, ret_page, BLOCK_LIMITS_SIZE);
	memset(ret_page, 0, BLOCK_LIMITS_SIZE);
	return error == -EREMOTEIO ? 0 : error;
}

static int read_block_limits(int fd, dev_t device, uint8_t ret_page[BLOCK_LIMITS_SIZE])
{
	memset(ret_page, 0, BLOCK_LIMITS_SIZE);
	int length = sysfs_disk_bytes(device, "device/vpd_pgb0", ret_page, BLOCK_LIMITS_SIZE);
	if (length == -ENOENT)
		return ask_block_limits(fd, ret_page);
	return length < 0 ? length : 0;
}

static int ask_through(int fd, dev_t device, struct scsi_identity *ret_identity)
{
	const uint8_t cdb[16] = { SERVICE_ACTION, READ_CAPACITY_16, [13] = CAPACITY_SIZE };

	int error = ask(fd, cdb, sizeof(cdb), ret_identity->capacity, CAPACITY_SIZE);
	return error ? error : read_block_limits(fd, device, ret_identity->block_limits);
}

/* A partition's descriptor takes commands only with CAP_SYS_RAWIO; else the generic node is
 * asked. */
int inquiry_scsi(int fd, dev_t device, struct scsi_identity *ret_identity)
{
	struct generic generic;

	int error = fd >= 0 ? ask_through(fd, device, ret_identity) : -EPERM;
	if (error != -EPERM && error != -EACCES && error != -ENOTTY)
		return error;
	AUTO_CLOSE int node = generic_find(device, &generic) < 0 ? -1 : generic_open(&generic, fd);
	return node < 0 ? error : ask_through(node, device, ret_identity);
}
