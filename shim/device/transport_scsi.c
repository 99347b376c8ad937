/* SPDX-License-Identifier: MIT */
/*
 * Asks and writes SCSI disks; see transport.h. A write is one WRITE ATOMIC (16), built as the
 * kernel builds it (drivers/scsi/sd.c: sd_setup_atomic_cmnd). A device that does not know this
 * command says so and writes nothing.
 *
 * WRPROTECT is 0. That is right for a disk with protection information of type 1 or 3 too: the data
 * come without it, and the disk makes it itself (SBC-4, "Protection information model").
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <time.h>

#include "device/cache.h"
#include "base/cleanup.h"
#include "base/real.h"
#include "device/inquiry.h"
#include "device/scsi.h"
#include "device/transport.h"

enum {
	WRITE_ATOMIC_16 = 0x9c, /* SBC-4 */
	FUA = 0x08,             /* a bit of byte 1 */
	RETRIES = 5,            /* SD_MAX_RETRIES */
	PATIENCE = 180,         /* seconds: SD_TIMEOUT for the command and each retry */
	WAIT = 3000,            /* SCSI_QUEUE_DELAY, us */
};

static bool is_refused(int error)
{
	return error == -EPERM || error == -EACCES || error == -ENOTTY;
}

static void put_be(uint8_t *bytes, unsigned size, uint64_t value)
{
	for (; size-- > 0; value >>= 8)
		bytes[size] = (uint8_t)value;
}

/* Sends one command through the generic node, with all signals blocked. A signal handler would run
 * before the answer has come, and the disk may do the command at any later time, perhaps over newer
 * data. */
static int send_through_generic(const struct disk *disk, int fd, const struct scsi_command *scsi,
				struct scsi_outcome *ret_outcome)
{
	sigset_t all, before;

	AUTO_CLOSE int node = generic_open(&disk->generic, fd);
	if (node < 0)
		return node == -ENOENT || node == -EACCES ? -EPERM : node;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int error = scsi_send_once(node, scsi, ret_outcome);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return error;
}

static int send_once(const struct disk *disk, int fd, const struct command *command,
		     struct scsi_outcome *ret_outcome)
{
	uint8_t cdb[16] = { WRITE_ATOMIC_16, command->fua ? FUA : 0 };
	uint32_t blocks = command->length / disk->block;
	struct scsi_command scsi = {
		.cdb = cdb,
		.cdb_length = sizeof(cdb),
		.to_device = true,
		.data = (void *)(uintptr_t)command->data,
		.length = command->length,
	};

	put_be(cdb + 2, 8, command->lba);
	put_be(cdb + 10, 2, disk->boundary ? blocks : 0);
	put_be(cdb + 12, 2, blocks);
	int error = scsi_send(fd, &scsi, ret_outcome);
	return is_refused(error) ? send_through_generic(disk, fd, &scsi, ret_outcome) : error;
}

static time_t now(void)
{
	return (time_t)(real_now() / 1000000000);
}

/* Sending again is safe: the same data to the same blocks, all or nothing each time. */
static bool may_retry(const struct scsi_outcome *outcome, int *retries, time_t deadline)
{
	switch (sense_retry(outcome)) {
	case SENSE_RETRY:
		return (*retries)-- > 0;
	case SENSE_WAIT:
		real_pause(WAIT);
		return now() < deadline;
	default:
		return false;
	}
}

static int ioctl_error(int error)
{
	if (is_refused(error))
		return -EOPNOTSUPP; /* nothing was sent: this process has no atomic writes here */
	return error == -ENXIO ? -ENODEV : error;
}

static ssize_t write_blocks(const struct disk *disk, int fd, const struct command *command)
{
	struct scsi_outcome outcome;
	time_t deadline = 0;
	int retries = RETRIES;

	int error = send_once(disk, fd, command, &outcome);
	while (!error && sense_to_errno(&outcome)) {
		deadline = deadline ? deadline : now() + PATIENCE;
		if (!may_retry(&outcome, &retries, deadline))
			return sense_to_errno(&outcome);
		error = send_once(disk, fd, command, &outcome);
	}
	return error ? ioctl_error(error) : (ssize_t)command->length;
}

/* The kernel checks the permission before the memory, which cannot be read. No disk has this
 * LBA. */
static const char *means(const struct disk *disk, int fd, int *ret_error)
{
	struct command command = {
		.lba = UINT64_C(1) << 62,
		.data = cache_unreadable(),
		.length = disk->block,
	};
	struct disk direct = *disk;
	struct scsi_outcome outcome;

	*ret_error = -ENOMEM;
	if (!command.data || !disk->block)
		return NULL;
	*direct.generic.node = '\0';
	*ret_error = fd >= 0 ? send_once(&direct, fd, &command, &outcome) : -EPERM;
	if (*ret_error == -EFAULT)
		return "SG_IO";
	AUTO_CLOSE int node = generic_open(&disk->generic, fd);
	if (node < 0 && is_refused(*ret_error))
		*ret_error = node;
	return node < 0 ? NULL : "write() and read() of the generic node";
}

static int identify(int fd, dev_t device, enum nvme_policy policy, struct disk *ret_disk)
{
	struct scsi_identity identity;
	struct disk disk = { .limits = limits_refused(REFUSAL_NOT_A_DISK) };

	(void)policy;
	if (!inquiry_is_disk(device)) {
		*ret_disk = disk;
		return 0;
	}
	int error = generic_find(device, &disk.generic);
	if (!error)
		error = inquiry_scsi(fd, device, &identity);
	if (error)
		return error;
	disk.limits = limits_scsi(&identity);
	disk.block = limits_scsi_fields(&identity).block;
	disk.boundary = disk.limits.origin == ORIGIN_MAX_BOUNDARY;
	if (!disk.limits.refusal && !means(&disk, fd, &error))
		disk.limits = limits_refused(REFUSAL_PRIVILEGE);
	*ret_disk = disk;
	return 0;
}

const struct transport transport_scsi = {
	.name = "SCSI",
	.command = "SCSI WRITE ATOMIC (16)",
	.identify = identify,
	.write = write_blocks,
	.means = means,
};
