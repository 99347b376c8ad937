/* SPDX-License-Identifier: MIT */
/*
 * The SCSI disk: executes one command for sim/sg.c, by SBC-4 section 5. Makes the checks of an
 * atomic write in the order of scsi_debug of Linux 6.12. Sense codes: SPC-4 annex F.
 */
#include "sim/scsi.h"

#include <endian.h>
#include <errno.h>
#include <string.h>

#include "sim/sim.h"

enum {
	TEST_UNIT_READY = 0x00,
	INQUIRY = 0x12,
	READ_CAPACITY_10 = 0x25,
	READ_10 = 0x28,
	WRITE_10 = 0x2a,
	SYNCHRONIZE_CACHE_10 = 0x35,
	READ_16 = 0x88,
	WRITE_16 = 0x8a,
	SYNCHRONIZE_CACHE_16 = 0x91,
	WRITE_ATOMIC_16 = 0x9c,
	SERVICE_ACTION_IN_16 = 0x9e,
	ACTION_READ_CAPACITY_16 = 0x10,
	FUA = 0x08,
	PROTECT = 0xe0, /* RDPROTECT, WRPROTECT */

	/* sense key, additional sense code, its qualifier */
	INVALID_OPCODE = 0x052000,
	LBA_OUT_OF_RANGE = 0x052100,
	INVALID_FIELD = 0x052400,
	WRITE_PROTECTED = 0x072700,
};

struct extent {
	uint64_t lba;
	uint32_t blocks;
};

static uint32_t get16(const uint8_t *at)
{
	uint16_t be;

	memcpy(&be, at, sizeof(be));
	return be16toh(be);
}

static uint32_t get32(const uint8_t *at)
{
	uint32_t be;

	memcpy(&be, at, sizeof(be));
	return be32toh(be);
}

static uint64_t get64(const uint8_t *at)
{
	uint64_t be;

	memcpy(&be, at, sizeof(be));
	return be64toh(be);
}

static int refuse(struct sim_scsi *command, unsigned sense)
{
	command->status = SIM_SCSI_CHECK;
	command->sense_length = SIM_SCSI_SENSE;
	command->sense[0] = 0x70;
	command->sense[2] = (uint8_t)(sense >> 16);
	command->sense[7] = SIM_SCSI_SENSE - 8;
	command->sense[12] = (uint8_t)(sense >> 8);
	command->sense[13] = (uint8_t)sense;
	return 0;
}

/* Answers with the page, as far as the allocation length and the room allow. length -1: there is no
 * such page. */
static int give(struct sim_scsi *command, const uint8_t *page, int length, uint32_t allocation)
{
	if (length < 0)
		return refuse(command, INVALID_FIELD);
	command->moved = (uint32_t)length;
	if (command->moved > allocation)
		command->moved = allocation;
	if (command->moved > command->in)
		command->moved = command->in;
	memcpy(command->data, page, command->moved);
	return 0;
}

static int inquiry(const struct sim_disk *disk, struct sim_scsi *command)
{
	uint8_t page[SIM_SCSI_PAGE] = { 0 };
	bool vital = command->cdb[1] & 1; /* EVPD; without it a page code is invalid */

	int length = !vital && command->cdb[2]
			     ? -1
			     : sim_scsi_inquiry(disk, vital ? command->cdb[2] : -1, page);
	return give(command, page, length, get16(command->cdb + 3));
}

static int read_capacity_10(const struct sim_disk *disk, struct sim_scsi *command)
{
	uint8_t page[SIM_SCSI_PAGE] = { 0 };

	return give(command, page, sim_scsi_capacity_10(disk, page), UINT32_MAX);
}

static int service_action_in(const struct sim_disk *disk, struct sim_scsi *command)
{
	uint8_t page[SIM_SCSI_PAGE] = { 0 };

	if ((command->cdb[1] & 0x1f) != ACTION_READ_CAPACITY_16)
		return refuse(command, INVALID_FIELD);
	return give(command, page, sim_scsi_capacity_16(disk, page), get32(command->cdb + 10));
}

static struct extent extent_of(const uint8_t *cdb)
{
	if (cdb[0] < 0x80) /* SPC-4, "OPERATION CODE": groups 1 and 2 are of ten bytes */
		return (struct extent){ get32(cdb + 2), get16(cdb + 7) };
	if (cdb[0] == WRITE_ATOMIC_16)
		return (struct extent){ get64(cdb + 2), get16(cdb + 12) };
	return (struct extent){ get64(cdb + 2), get32(cdb + 10) };
}

static unsigned check_range(const struct sim_disk *disk, const struct extent *extent)
{
	uint64_t capacity = disk->size / disk->block;

	return extent->lba > capacity || extent->blocks > capacity - extent->lba ? LBA_OUT_OF_RANGE
										 : 0;
}

/* The data must have room for the extent. Tuples of protection information never come along. */
static unsigned check_move(const struct sim_disk *disk, const uint8_t *cdb,
			   const struct extent *extent, uint32_t room)
{
	unsigned sense = cdb[1] & PROTECT ? INVALID_FIELD : check_range(disk, extent);

	return sense ?: (uint64_t)extent->blocks * disk->block > room ? INVALID_FIELD : 0;
}

static int synchronize_cache(const struct sim_disk *disk, struct sim_scsi *command)
{
	struct extent extent = extent_of(command->cdb);
	unsigned sense = check_range(disk, &extent);

	return sense ? refuse(command, sense) : sim_cache_flush(disk);
}

static int read_blocks(const struct sim_disk *disk, struct sim_scsi *command)
{
	struct extent extent = extent_of(command->cdb);
	unsigned sense = check_move(disk, command->cdb, &extent, command->in);

	if (sense)
		return refuse(command, sense);
	command->moved = extent.blocks * disk->block;
	ssize_t got = sim_disk_read(disk, command->data, extent.lba * disk->block, command->moved);
	return got == (ssize_t)command->moved ? 0 : -EIO;
}

/* Returns the result, or answers with the configured fault in its place. */
static int answer(struct sim_scsi *command, const struct sim_fault *fault, int result)
{
	unsigned value = fault ? (unsigned)fault->value : 0;

	switch (fault ? fault->kind : SIM_FAULT_RESULT) {
	case SIM_FAULT_SENSE:
		command->moved = 0;
		return refuse(command, value);
	case SIM_FAULT_STATUS:
		command->moved = 0;
		command->status = (uint8_t)value;
		return 0;
	case SIM_FAULT_HOST:
		command->moved = 0;
		command->host = (uint8_t)value;
		return 0;
	case SIM_FAULT_RESID:
		command->moved -= value < command->moved ? value : command->moved;
		return result;
	default:
		return result;
	}
}

/* Checks the extent, FUA and write protection, and writes. The caller has checked the rest. */
static int write_extent(const struct sim_disk *disk, struct sim_scsi *command,
			const struct extent *extent, struct sim_write *write)
{
	unsigned sense = check_move(disk, command->cdb, extent, command->out);
	const struct sim_fault *fault;

	if (!sense && disk->no_fua && (command->cdb[1] & FUA))
		sense = INVALID_FIELD;
	if (!sense && disk->readonly)
		sense = WRITE_PROTECTED;
	if (sense)
		return refuse(command, sense);
	if (!extent->blocks)
		return 0;
	write->data = command->data;
	write->offset = extent->lba * disk->block;
	write->length = extent->blocks * disk->block;
	write->fua = command->cdb[1] & FUA;
	command->moved = write->length;
	int result = sim_disk_write(disk, write, &fault);
	return answer(command, fault, result);
}

static int write_blocks(const struct sim_disk *disk, struct sim_scsi *command)
{
	struct extent extent = extent_of(command->cdb);

	return write_extent(disk, command, &extent, &(struct sim_write){ .means = SIM_SG });
}

static unsigned check_atomic(const struct sim_disk *disk, const struct extent *extent,
			     uint32_t boundary)
{
	uint32_t longest = boundary ? disk->max_atomic_bndry : disk->max_atomic;

	if (!(disk->max_atomic | disk->atomic_align | disk->atomic_gran | disk->max_atomic_bndry |
	      disk->max_bndry))
		return INVALID_OPCODE;
	if ((disk->atomic_align > 1 && extent->lba % disk->atomic_align) ||
	    (disk->atomic_gran > 1 && extent->blocks % disk->atomic_gran))
		return INVALID_FIELD;
	return extent->blocks > longest || boundary > disk->max_bndry ? INVALID_FIELD : 0;
}

static int write_atomic(const struct sim_disk *disk, struct sim_scsi *command)
{
	struct extent extent = extent_of(command->cdb);
	uint32_t boundary = get16(command->cdb + 10);
	struct sim_write write = { .boundary = boundary * disk->block, .means = SIM_ATOMIC };

	unsigned sense = check_atomic(disk, &extent, boundary);
	return sense ? refuse(command, sense) : write_extent(disk, command, &extent, &write);
}

int sim_scsi_execute(const struct sim_disk *disk, struct sim_scsi *command)
{
	switch (command->cdb[0]) {
	case TEST_UNIT_READY:
		return 0;
	case INQUIRY:
		return inquiry(disk, command);
	case READ_CAPACITY_10:
		return read_capacity_10(disk, command);
	case SERVICE_ACTION_IN_16:
		return service_action_in(disk, command);
	case READ_10:
	case READ_16:
		return read_blocks(disk, command);
	case WRITE_10:
	case WRITE_16:
		return write_blocks(disk, command);
	case WRITE_ATOMIC_16:
		return write_atomic(disk, command);
	case SYNCHRONIZE_CACHE_10:
	case SYNCHRONIZE_CACHE_16:
		return synchronize_cache(disk, command);
	default:
		return refuse(command, INVALID_OPCODE);
	}
}
