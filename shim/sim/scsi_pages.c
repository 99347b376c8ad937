/* SPDX-License-Identifier: MIT */
/*
 * The pages that describe the simulated SCSI disk. INQUIRY: SPC-4 section 6.6; its pages 00h, 80h
 * and 83h: SPC-4 section 7.8; the others: SBC-4, "Block Limits VPD page" and those that follow it;
 * READ CAPACITY: SBC-4, "READ CAPACITY (10) parameter data" and "(16)".
 */
#include "sim/scsi.h"

#include <endian.h>
#include <string.h>

#include "sim/sim.h"

static void put16(uint8_t *at, unsigned value)
{
	uint16_t be = htobe16((uint16_t)value);
	memcpy(at, &be, sizeof(be));
}

static void put32(uint8_t *at, uint32_t value)
{
	value = htobe32(value);
	memcpy(at, &value, sizeof(value));
}

static void put64(uint8_t *at, uint64_t value)
{
	value = htobe64(value);
	memcpy(at, &value, sizeof(value));
}

static int standard(const struct sim_disk *disk, uint8_t *data)
{
	data[2] = 6;                     /* VERSION: SPC-4 */
	data[3] = 2;                     /* RESPONSE DATA FORMAT */
	data[4] = 36 - 5;                /* ADDITIONAL LENGTH */
	data[5] = disk->protection != 0; /* PROTECT */
	data[7] = 2;                     /* CMDQUE */
	memcpy(data + 8, "untorn  ", 8); /* T10 VENDOR IDENTIFICATION */
	memcpy(data + 16, "simulated disk  ", 16);
	memcpy(data + 32, "1   ", 4);
	return 36;
}

static int supported_pages(uint8_t *data)
{
	static const uint8_t pages[] = { 0x00, 0x80, 0x83, 0xb0, 0xb1, 0xb2 };

	memcpy(data + 4, pages, sizeof(pages));
	return 4 + sizeof(pages);
}

static int serial_number(uint8_t *data)
{
	memcpy(data + 4, "untorn-sim", 10);
	return 4 + 10;
}

/* One designator, of the logical unit: NAA, locally assigned. */
static int identification(uint8_t *data)
{
	data[4] = 1; /* binary */
	data[5] = 3; /* NAA */
	data[7] = 8;
	put64(data + 8, UINT64_C(0x3000000000000000) | SIM_MAJOR);
	return 16;
}

/* The claimed length may cut the page short, as on a disk of an older standard, or pad it. */
static int block_limits(const struct sim_disk *disk, uint8_t *data)
{
	put32(data + 44, disk->max_atomic);
	put32(data + 48, disk->atomic_align);
	put32(data + 52, disk->atomic_gran);
	put32(data + 56, disk->max_atomic_bndry);
	put32(data + 60, disk->max_bndry);
	return (int)disk->vpd_length;
}

static int characteristics(uint8_t *data)
{
	put16(data + 4, 1); /* MEDIUM ROTATION RATE: it has none */
	return 64;
}

static int page_of(const struct sim_disk *disk, int page, uint8_t *data)
{
	switch (page) {
	case 0x00:
		return supported_pages(data);
	case 0x80:
		return serial_number(data);
	case 0x83:
		return identification(data);
	case 0xb0:
		return block_limits(disk, data);
	case 0xb1:
		return characteristics(data);
	case 0xb2: /* logical block provisioning: none */
		return 8;
	default:
		return -1;
	}
}

int sim_scsi_inquiry(const struct sim_disk *disk, int page, uint8_t ret_data[SIM_SCSI_PAGE])
{
	if (page < 0)
		return standard(disk, ret_data);
	int length = page_of(disk, page, ret_data);
	if (length > 0) {
		ret_data[1] = (uint8_t)page;
		put16(ret_data + 2, (unsigned)length - 4);
	}
	return length;
}

int sim_scsi_capacity_10(const struct sim_disk *disk, uint8_t ret_data[SIM_SCSI_PAGE])
{
	uint64_t last = disk->size / disk->block - 1;

	put32(ret_data, last < UINT32_MAX ? (uint32_t)last : UINT32_MAX);
	put32(ret_data + 4, disk->block);
	return 8;
}

int sim_scsi_capacity_16(const struct sim_disk *disk, uint8_t ret_data[SIM_SCSI_PAGE])
{
	put64(ret_data, disk->size / disk->block - 1);
	put32(ret_data + 8, disk->block);
	if (disk->protection) /* P_TYPE and PROT_EN */
		ret_data[12] = (uint8_t)((disk->protection - 1) << 1 | 1);
	ret_data[13] = (uint8_t)disk->lbppbe;
	return 32;
}
