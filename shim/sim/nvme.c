/* SPDX-License-Identifier: MIT */
/*
 * The NVMe driver's ioctls and the controller behind them: Identify, Write, Flush.
 * Offsets: NVMe Base 2.0 figure 275, NVM Command Set 1.0 figure 97; status codes: NVMe Base 2.0
 * section 3.3.3.2.1; the driver's own checks: Linux 6.1, drivers/nvme/host/ioctl.c.
 */
#include "sim/sim.h"

#include <endian.h>
#include <errno.h>
#include <linux/nvme_ioctl.h>
#include <stdio.h>
#include <string.h>

#include "sim/next.h"

enum {
	NSID = 1,
	PAGE = 4096,
	ADMIN_IDENTIFY = 0x06,
	OACS_FORMAT = 1 << 1,
	IO_FLUSH = 0x00,
	IO_WRITE = 0x01,
	STATUS_INVALID_OPCODE = 0x4001,
	STATUS_INVALID_FIELD = 0x4002,
	STATUS_INVALID_NAMESPACE = 0x400b,
	STATUS_LBA_OUT_OF_RANGE = 0x4080,
	CONTROL_FUA = 1 << 14,
	CONTROL_PRACT = 1 << 13,
};

static void put16(uint8_t *at, unsigned value)
{
	uint16_t le = htole16((uint16_t)value);
	memcpy(at, &le, sizeof(le));
}

static void put32(uint8_t *at, uint32_t value)
{
	value = htole32(value);
	memcpy(at, &value, sizeof(value));
}

static void put64(uint8_t *at, uint64_t value)
{
	value = htole64(value);
	memcpy(at, &value, sizeof(value));
}

static void identify_controller(const struct sim_disk *disk, uint8_t page[PAGE])
{
	put16(page, disk->amazon ? 0x1d0f : 0x1b36);                       /* VID */
	memcpy(page + 4, "untorn-sim          ", 20);                      /* SN */
	memcpy(page + 24, "untorn simulated disk                   ", 40); /* MN */
	memcpy(page + 64, "1       ", 8);                                  /* FR */
	page[77] = (uint8_t)disk->mdts;
	memcpy(page + 112, "sim-fguid       ", 16);           /* FGUID */
	put16(page + 256, disk->no_format ? 0 : OACS_FORMAT); /* OACS */
	page[525] = 1;                                        /* VWC: there is a volatile cache */
	put16(page + 526, disk->awun);
	put16(page + 528, disk->awupf);
	strcpy((char *)page + 768, "nqn.2026-11.untorn:sim-subnqn"); /* SUBNQN */
	strcpy((char *)page + 3072, "sim-vendor untorn-sim");        /* vendor specific */
}

static void put_format(uint8_t *at, unsigned block, unsigned metadata)
{
	put16(at, metadata); /* MS, then LBADS */
	at[2] = (uint8_t)__builtin_ctz(block);
}

static void put_formats(const struct sim_disk *disk, uint8_t page[PAGE])
{
	put_format(page + 128, disk->block, disk->metadata);
	for (unsigned i = 0; i < disk->format_count; i++)
		put_format(page + 128 + 4 * i, disk->formats[i].block, disk->formats[i].metadata);
	if (disk->format_count) {
		page[25] = (uint8_t)(disk->format_count - 1); /* NLBAF */
		page[26] = (uint8_t)sim_disk_format(disk);    /* FLBAS */
	}
	page[27] = 2;    /* MC: metadata in a buffer of its own */
	page[28] = 0x1f; /* DPC: protection information of types 1 to 3, at either end */
}

static void identify_namespace(const struct sim_disk *disk, uint8_t page[PAGE])
{
	uint64_t blocks = disk->size / disk->block;

	put64(page, blocks);      /* NSZE */
	put64(page + 8, blocks);  /* NCAP */
	put64(page + 16, blocks); /* NUSE */
	page[24] = (uint8_t)disk->nsfeat;
	page[29] = (uint8_t)disk->protection; /* DPS */
	put16(page + 34, disk->nawun);
	put16(page + 36, sim_disk_nawupf(disk));
	put16(page + 40, disk->nabsn);
	put16(page + 42, disk->nabo);
	put16(page + 44, disk->nabspf);
	put_formats(disk, page);
	memcpy(page + 104, "sim-nguid       sim-eui", 24); /* NGUID, EUI64 */
	strcpy((char *)page + 384, "sim-vendor");          /* vendor specific */
	if (disk->amazon) {
		put16(page + 640, disk->ntwpu);
		put16(page + 642, disk->ntwpg);
		put32(page + 644, disk->ntwpb);
	}
}

static int admin(const struct sim_disk *disk, const struct nvme_passthru_cmd *command)
{
	uint8_t page[PAGE] = { 0 };

	if (disk->unprivileged)
		return -EACCES;
	if (sim_disk_is_gone(disk))
		return -ENODEV;
	if (disk->no_answer)
		return -EIO;
	if (command->opcode != ADMIN_IDENTIFY)
		return STATUS_INVALID_OPCODE;
	switch (command->cdw10 & 0xff) { /* CNS */
	case 0x00:
		if (command->nsid != NSID)
			return STATUS_INVALID_NAMESPACE;
		identify_namespace(disk, page);
		break;
	case 0x01:
		identify_controller(disk, page);
		break;
	default:
		return STATUS_INVALID_FIELD;
	}
	if (command->data_len < PAGE)
		return -EINVAL;
	return sim_memory_write((void *)(uintptr_t)command->addr, page, PAGE);
}

struct command {
	uint64_t lba;
	const void *data;
	uint32_t blocks;
	uint16_t control;
	uint32_t reftag;
	enum sim_means means;
};

/* With PRACT the controller makes the tuple. Without it a plain write would leave a wrong tuple. We
 * refuse such a write, because we do not simulate its later reads. */
static int check_protection(const struct sim_disk *disk, const struct command *command)
{
	if (!disk->protection)
		return 0;
	if (!(command->control & CONTROL_PRACT) || disk->metadata != 8)
		return -EINVAL;
	return disk->protection == 1 && command->reftag != (uint32_t)command->lba ? 0x4284 : 0;
}

static int write_blocks(const struct sim_disk *disk, const struct command *command)
{
	uint64_t offset = command->lba * disk->block;
	uint32_t length = command->blocks * disk->block;
	const struct sim_fault *fault;

	if (length > disk->max_hw_kb * 1024)
		return -EINVAL;
	if (disk->mdts && length > (uint32_t)PAGE << disk->mdts)
		return STATUS_INVALID_FIELD;
	int error = check_protection(disk, command);
	if (error)
		return error;
	if (command->lba >= disk->size / disk->block || length > disk->size - offset)
		return STATUS_LBA_OUT_OF_RANGE;
	void *data = sim_memory_get(length);
	if (!data)
		return -ENOMEM;
	struct sim_write write = { .data = data,
				   .offset = offset,
				   .length = length,
				   .fua = command->control & CONTROL_FUA,
				   .means = command->means };
	/* Without an address the driver maps nothing and sends the command all the same. The disk
	 * then stores whatever lay in the memory, here zeroes. */
	error = command->data ? sim_memory_read(data, command->data, length) : 0;
	if (!error)
		error = sim_disk_write(disk, &write, &fault);
	sim_memory_put(data, length);
	return error;
}

static int submit_io(const struct sim_disk *disk, const struct nvme_user_io *io)
{
	struct command write = {
		.lba = io->slba,
		.data = (const void *)(uintptr_t)io->addr,
		.blocks = io->nblocks + 1U,
		.control = io->control,
		.reftag = io->reftag,
		.means = SIM_SUBMIT,
	};

	if (disk->nosubmit)
		return -EACCES;
	return io->opcode == IO_WRITE ? write_blocks(disk, &write) : -EINVAL;
}

static int io_cmd(const struct sim_disk *disk, const struct nvme_passthru_cmd *command)
{
	struct command write = {
		.lba = command->cdw10 | (uint64_t)command->cdw11 << 32,
		.data = (const void *)(uintptr_t)command->addr,
		.blocks = (command->cdw12 & 0xffff) + 1,
		.control = (uint16_t)(command->cdw12 >> 16),
		.reftag = command->cdw14,
		.means = SIM_IO,
	};

	if (disk->unprivileged)
		return -EACCES;
	if (command->nsid != NSID)
		return -EINVAL;
	if (command->opcode == IO_FLUSH)
		return sim_disk_is_gone(disk) ? -ENODEV : sim_cache_flush(disk);
	if (command->opcode != IO_WRITE)
		return STATUS_INVALID_OPCODE;
	return command->data_len == write.blocks * disk->block ? write_blocks(disk, &write)
							       : STATUS_INVALID_FIELD;
}

int sim_nvme_ioctl(const struct sim_node *node, unsigned long request, void *argument)
{
	union {
		struct nvme_user_io io;
		struct nvme_passthru_cmd command;
	} copy;
	const struct sim_disk *disk = node->disk;

	if (disk->kind != SIM_NVME)
		return -ENOTTY;
	switch (request) {
	case NVME_IOCTL_ID:
		return NSID;
	case NVME_IOCTL_SUBMIT_IO:
		return sim_memory_read(&copy, argument, sizeof(copy.io))
			       ?: submit_io(disk, &copy.io);
	case NVME_IOCTL_ADMIN_CMD:
		return sim_memory_read(&copy, argument, sizeof(copy.command))
			       ?: admin(disk, &copy.command);
	case NVME_IOCTL_IO_CMD:
		return sim_memory_read(&copy, argument, sizeof(copy.command))
			       ?: io_cmd(disk, &copy.command);
	default:
		return -ENOTTY;
	}
}
