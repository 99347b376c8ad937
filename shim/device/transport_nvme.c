/* SPDX-License-Identifier: MIT */
/*
 * Asks and writes NVMe disks by ioctl; see transport.h. NVMe has no atomic flag: a Write of the
 * right size and place, sent as one command, is the whole mechanism (NVM Command Set 1.0 section
 * 2.1.4). The kernel never splits or merges a passthrough command.
 *
 * NVME_IOCTL_SUBMIT_IO is tried first, because it needs no privilege up to Linux 6.12. Later
 * kernels allow NVME_IOCTL_IO_CMD on partitions. Commands of a flight are sent by
 * IORING_OP_URING_CMD to the namespace's generic node.
 */
#include <errno.h>
#include <stdatomic.h>
#include <linux/nvme_ioctl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "device/cache.h"
#include "base/config.h"
#include "device/identify.h"
#include "device/nvme_node.h"
#include "device/path.h"
#include "device/published.h"
#include "base/real.h"
#include "base/sysfs.h"
#include "rules/status.h"
#include "device/transport.h"
#include "base/uring_uapi.h"

enum {
	OPCODE_WRITE = 0x01,   /* NVM Command Set 1.0 figure 9 */
	CONTROL_FUA = 1 << 14, /* of command dword 12's upper half, section 3.2.6 */
	CONTROL_PRACT = 1 << 13,
	RETRIES = 5, /* nvme_core.max_retries */
};

static bool may_not_ask(int error)
{
	return error == -EACCES || error == -EPERM;
}

/* If this process may not ask the disk, or has no descriptor of it, root's record replaces the
 * answer. If the disk does not answer, nothing replaces it. */
static int ask(int fd, dev_t device, struct nvme_identity *identity, struct disk *disk)
{
	disk->asked = real_now();
	int error = fd >= 0 ? identify_nvme(fd, identity) : -EBADF;

	if ((fd >= 0 && !may_not_ask(error)) || published_read(device, identity, &disk->asked) < 0)
		return error;
	disk->published = true;
	return 0;
}

static void read_disk(const struct nvme_identity *identity, enum nvme_policy policy,
		      struct disk *disk)
{
	struct nvme_format format = limits_nvme_format(identity);

	disk->limits = limits_nvme(identity, policy);
	disk->block = format.block;
	disk->nsid = identity->nsid;
	disk->protected = format.metadata != 0;
}

static int ask_into(int fd, dev_t device, enum nvme_policy policy, struct nvme_identity *pages,
		    struct disk *ret_disk)
{
	struct disk disk = { .nsid = 0 };

	int error = ask(fd, device, pages, &disk);
	if (error)
		return error;
	read_disk(pages, policy, &disk);
	*ret_disk = disk;
	return 0;
}

static int ask_into_mapping(int fd, dev_t device, enum nvme_policy policy, struct disk *ret_disk)
{
	struct nvme_identity *pages = mmap(NULL, sizeof(*pages), PROT_READ | PROT_WRITE,
					   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (pages == MAP_FAILED)
		return -ENOMEM;
	int error = ask_into(fd, device, policy, pages, ret_disk);
	munmap(pages, sizeof(*pages));
	return error;
}

/* The pages would take half of the smallest stack that a thread has, and the kernel may refuse a
 * mapping (mlockall). So all threads share a few static ones; a mapping is made only when all are
 * taken. */
static int identify(int fd, dev_t device, enum nvme_policy policy, struct disk *ret_disk)
{
	enum { SOME = 8 };
	static struct nvme_identity pages[SOME];
	static _Atomic bool taken[SOME];

	for (int i = 0; i < SOME; i++) {
		if (atomic_exchange(&taken[i], true))
			continue;
		int error = ask_into(fd, device, policy, &pages[i], ret_disk);
		atomic_store(&taken[i], false);
		return error;
	}
	return ask_into_mapping(fd, device, policy, ret_disk);
}

static uint16_t control(const struct disk *disk, const struct command *command)
{
	return (uint16_t)((command->fua ? CONTROL_FUA : 0) | (disk->protected ? CONTROL_PRACT : 0));
}

static int submit_io(const struct disk *disk, int fd, const struct command *command)
{
	struct nvme_user_io io = {
		.opcode = OPCODE_WRITE,
		.control = control(disk, command),
		.nblocks = (uint16_t)(command->length / disk->block - 1),
		.addr = (uintptr_t)command->data,
		.slba = command->lba,
		.reftag = disk->protected ? (uint32_t)command->lba : 0,
	};

	return real_ioctl(fd, NVME_IOCTL_SUBMIT_IO, &io);
}

static struct nvme_passthru_cmd passthru(const struct disk *disk, const struct command *command)
{
	return (struct nvme_passthru_cmd){
		.opcode = OPCODE_WRITE,
		.nsid = disk->nsid,
		.addr = (uintptr_t)command->data,
		.data_len = command->length,
		.cdw10 = (uint32_t)command->lba,
		.cdw11 = (uint32_t)(command->lba >> 32),
		.cdw12 = (command->length / disk->block - 1) | (uint32_t)control(disk, command)
								       << 16,
		.cdw14 = disk->protected ? (uint32_t)command->lba : 0,
	};
}

static int io_cmd(const struct disk *disk, int fd, const struct command *command)
{
	struct nvme_passthru_cmd io = passthru(disk, command);

	return real_ioctl(fd, NVME_IOCTL_IO_CMD, &io);
}

/* True: the kernel refused the command before it sent anything. Some kernels return EINVAL for a
 * protected namespace. */
static bool is_refused(const struct disk *disk, int status)
{
	return status == -EACCES || status == -EPERM || (status == -EINVAL && disk->protected);
}

static int send(const struct disk *disk, int fd, const struct command *command)
{
	int status = submit_io(disk, fd, command);

	return is_refused(disk, status) ? io_cmd(disk, fd, command) : status;
}

static int ioctl_error(int error)
{
	switch (error) {
	case -EACCES:
	case -EPERM:
	case -ENOTTY:
		return -EOPNOTSUPP; /* nothing was sent: this process has no atomic writes here */
	case -EINTR:                /* cancelled again and again, see path.c */
		return -EIO;
	default:
		return error;
	}
}

struct patience {
	int retries;
	unsigned waits;
};

/* The driver retries its own commands, and waits with them for a path, but not passthrough ones.
 * Sending again is safe: the same data to the same blocks, all or nothing each time. Returns 0:
 * send it now; -errno; or the status, which is final. */
static int prepare_again(int fd, int status, struct patience *patience)
{
	bool counts = !status_is_of_path(status) && status != -EWOULDBLOCK;

	if (!path_is_away(status) && !status_may_retry(status))
		return status;
	if (counts && patience->retries-- == 0)
		return status;
	return path_is_away(status) ? path_await(fd, patience->waits++) : 0;
}

static ssize_t write_blocks(const struct disk *disk, int fd, const struct command *command)
{
	struct patience patience = { .retries = RETRIES };
	int status = send(disk, fd, command), last;

	while (status && !(last = prepare_again(fd, status, &patience)))
		status = send(disk, fd, command);
	if (!status)
		return command->length;
	return last > 0 ? status_to_errno(last) : ioctl_error(last);
}

/* True: the driver lets the command through. Its memory cannot be read (EFAULT); if it is sent
 * nevertheless, no disk has its LBA, and it gets a status. */
static bool is_let_through(int status)
{
	return status == -EFAULT || status > 0;
}

/* The driver checks the permission before it looks at the memory. */
static const char *means(const struct disk *disk, int fd, int *ret_error)
{
	struct command command = {
		.lba = UINT64_C(1) << 48,
		.data = cache_unreadable(),
		.length = disk->block,
	};

	*ret_error = -ENOMEM;
	if (!command.data || !disk->block)
		return NULL;
	*ret_error = submit_io(disk, fd, &command);
	if (is_let_through(*ret_error))
		return "NVME_IOCTL_SUBMIT_IO";
	if (!is_refused(disk, *ret_error))
		return NULL;
	*ret_error = io_cmd(disk, fd, &command);
	return is_let_through(*ret_error) ? "NVME_IOCTL_IO_CMD" : NULL;
}

static int open_node(const struct disk *disk, int fd, dev_t device)
{
	return nvme_node_open(fd, device, disk->nsid);
}

/* struct nvme_uring_cmd has the same layout, except for the last field, in which the driver returns
 * a result. */
static void prepare(const struct disk *disk, const struct command *command,
		    struct io_uring_sqe *sqe)
{
	struct nvme_passthru_cmd io = passthru(disk, command);

	uring_set_command(sqe, URING_NVME_IO, &io, sizeof(io));
}

static ssize_t outcome(uint32_t length, int result)
{
	if (result == 0)
		return length;
	return result > 0 && !status_may_retry(result) ? status_to_errno(result) : 0;
}

static const struct transport_queue queue = { open_node, prepare, outcome };

const struct transport transport_nvme = {
	.name = "NVMe",
	.command = "NVMe Write",
	.identify = identify,
	.write = write_blocks,
	.means = means,
	.queue = &queue,
};
