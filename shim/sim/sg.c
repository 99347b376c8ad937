/* SPDX-License-Identifier: MIT */
/*
 * The SCSI drivers' ioctls as Linux 6.1 has them: those of the disk and its partitions
 * (drivers/scsi/sd.c, scsi_ioctl.c) and those of the generic node (drivers/scsi/sg.c). This file
 * makes the drivers' checks, in their order; the command then goes to sim/scsi.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <scsi/scsi.h>
#include <scsi/sg.h>
#include <stdatomic.h>
#include <string.h>

#include "sim/sim.h"
#include "sim/scsi.h"

enum { DRIVER_SENSE = 0x08, VERSION_DISK = 30527, VERSION_GENERIC = 30536, HOST = 2 };

/* True: allowed without CAP_SYS_RAWIO. Knows only the disk's commands of scsi_cmd_allowed(). */
static bool is_harmless(uint8_t opcode, bool writable)
{
	switch (opcode) {
	case 0x00: /* TEST UNIT READY */
	case 0x12: /* INQUIRY */
	case 0x25: /* READ CAPACITY(10) */
	case 0x28: /* READ(10) */
	case 0x88: /* READ(16) */
	case 0x9e: /* SERVICE ACTION IN(16) */
		return true;
	case 0x2a: /* WRITE(10) */
	case 0x35: /* SYNCHRONIZE CACHE(10), but not (16) */
	case 0x8a: /* WRITE(16) */
		return writable;
	default:
		return false;
	}
}

static int check_permission(const struct sim_node *node, int flags, uint8_t opcode)
{
	int mode = flags & O_ACCMODE;

	if (!node->disk->unprivileged || (node->generic && mode == O_RDWR))
		return 0;
	return is_harmless(opcode, mode != O_RDONLY) ? 0 : -EPERM;
}

static int check_header(const struct sim_node *node, const struct sg_io_hdr *header)
{
	int direction = header->dxfer_direction;

	if (header->interface_id != 'S')
		return node->generic ? -ENOSYS : -EINVAL;
	if (header->dxfer_len > (uint64_t)node->disk->max_hw_kb * 1024)
		return -EIO;
	if (header->dxfer_len && direction != SG_DXFER_TO_DEV && direction != SG_DXFER_FROM_DEV &&
	    direction != SG_DXFER_TO_FROM_DEV)
		return -EINVAL;
	if (header->iovec_count) /* not simulated */
		return -EINVAL;
	if (header->cmd_len > SIM_SCSI_CDB)
		return -EINVAL;
	return header->cmd_len < 6 ? -EMSGSIZE : 0;
}

/* Reads the program's memory before the device is asked, whichever way the data goes. */
static int execute(const struct sim_disk *disk, const struct sg_io_hdr *header,
		   struct sim_scsi *command)
{
	bool outward = header->dxfer_direction == SG_DXFER_TO_DEV;
	size_t size = header->dxfer_len ? header->dxfer_len : 1;

	command->data = sim_memory_get(size);
	if (!command->data)
		return -ENOMEM;
	command->out = outward ? header->dxfer_len : 0;
	command->in = header->dxfer_len - command->out;
	int error = sim_memory_read(command->data, header->dxferp, header->dxfer_len);
	if (!error)
		error = sim_scsi_execute(disk, command);
	if (!error && !outward)
		error = sim_memory_write(header->dxferp, command->data, command->moved);
	sim_memory_put(command->data, size);
	return error;
}

static int put_answer(const struct sim_scsi *command, struct sg_io_hdr *header)
{
	uint8_t length = command->sense_length;

	if (length > header->mx_sb_len)
		length = header->mx_sb_len;
	if (!header->sbp)
		length = 0;
	header->status = command->status;
	header->masked_status = command->status >> 1 & 0x1f;
	header->msg_status = 0;
	header->host_status = command->host;
	header->driver_status = command->status == SIM_SCSI_CHECK ? DRIVER_SENSE : 0;
	header->info = command->status || command->host ? SG_INFO_CHECK : SG_INFO_OK;
	header->resid = (int)(header->dxfer_len - command->moved);
	header->sb_len_wr = length;
	header->duration = 0;
	return sim_memory_write(header->sbp, command->sense, length);
}

/* Runs a command that came by SG_IO or by write() of the generic node. */
static int run(const struct sim_node *node, int flags, const void *argument,
	       struct sg_io_hdr *ret_header)
{
	struct sim_scsi command = { 0 };

	return sim_memory_read(ret_header, argument, sizeof(*ret_header))
		       ?: check_header(node, ret_header)
		       ?: sim_memory_read(command.cdb, ret_header->cmdp, ret_header->cmd_len)
		       ?: check_permission(node, flags, command.cdb[0])
		       ?: execute(node->disk, ret_header, &command)
		       ?: put_answer(&command, ret_header);
}

static int sg_io(const struct sim_node *node, int flags, void *argument)
{
	struct sg_io_hdr header;

	return run(node, flags, argument, &header)
		       ?: sim_memory_write(argument, &header, sizeof(header));
}

/* The answers of written commands, until they are read. Each belongs to one descriptor. */
enum { ANSWERS = 16 /* SG_MAX_QUEUE */ };
static struct answer {
	_Atomic int owner; /* the descriptor + 1; 0: free; -1: being filled in */
	struct sg_io_hdr header;
} answers[ANSWERS];

static struct answer *take_answer(int owner)
{
	for (int i = 0; i < ANSWERS; i++) {
		int expected = owner;
		if (atomic_compare_exchange_strong(&answers[i].owner, &expected, -1))
			return &answers[i];
	}
	return NULL;
}

ssize_t sim_sg_write(const struct sim_node *node, int fd, const void *data, size_t size)
{
	if (sim_disk_is_gone(node->disk))
		return -ENODEV;
	if (size < sizeof(struct sg_io_hdr))
		return -EINVAL;
	struct answer *answer = take_answer(0);
	if (!answer)
		return -EDOM;
	int error = run(node, O_RDWR, data, &answer->header);
	atomic_store(&answer->owner, error ? 0 : fd + 1);
	return error ? error : (ssize_t)size;
}

/* Fails if no answer is there; the driver would wait for ever. */
ssize_t sim_sg_read(int fd, void *data, size_t size)
{
	if (size < sizeof(struct sg_io_hdr))
		return -EINVAL;
	struct answer *answer = take_answer(fd + 1);
	if (!answer)
		return -EAGAIN;
	int error = sim_memory_write(data, &answer->header, sizeof(answer->header));
	atomic_store(&answer->owner, 0);
	return error ? error : (ssize_t)sizeof(answer->header);
}

/* Returns the target. The address of the first disk is 2:0:1:0. With sg_other the generic node has
 * become another disk's. */
static int target_of(const struct sim_node *node)
{
	return node->generic && node->disk->sg_other ? 9 : 1 + (int)node->disk->index;
}

static int get_scsi_id(const struct sim_node *node, void *argument)
{
	struct sg_scsi_id id = { .host_no = HOST, .scsi_id = target_of(node) };

	return sim_memory_write(argument, &id, sizeof(id));
}

/* Target, logical unit, channel and host, one byte each; then the host's own number. */
static int get_idlun(const struct sim_node *node, void *argument)
{
	uint32_t id[2] = { (uint32_t)target_of(node) | (uint32_t)HOST << 24, 0 };

	return sim_memory_write(argument, id, sizeof(id));
}

int sim_sg_ioctl(const struct sim_node *node, int flags, unsigned long request, void *argument)
{
	int version = node->generic ? VERSION_GENERIC : VERSION_DISK;

	if (node->part && node->disk->unprivileged)
		return -ENOTTY;
	if (sim_disk_is_gone(node->disk))
		return -ENODEV;
	if (request == SG_IO)
		return sg_io(node, flags, argument);
	if (request == SG_GET_VERSION_NUM)
		return sim_memory_write(argument, &version, sizeof(version));
	if (request == SG_GET_SCSI_ID && node->generic)
		return get_scsi_id(node, argument);
	if (request == SCSI_IOCTL_GET_IDLUN)
		return get_idlun(node, argument);
	return -ENOTTY;
}
