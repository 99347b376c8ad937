/* SPDX-License-Identifier: MIT */
/* SCSI commands by SG_IO, for tests of the simulated disk; its blocks are of 512 bytes. */
#ifndef SIM_CALL_H
#define SIM_CALL_H

#include "preload.h"

#include <errno.h>
#include <fcntl.h>
#include <scsi/sg.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define GENERIC      "/dev/sg3" /* with the option sg=sg3 */

enum {
	READ_10 = 0x28,
	WRITE_10 = 0x2a,
	SYNC_10 = 0x35,
	READ_16 = 0x88,
	WRITE_16 = 0x8a,
	SYNC_16 = 0x91,
	ATOMIC_16 = 0x9c,
	FUA = 8,
	INVALID_OPCODE = 0x052000,
	OUT_OF_RANGE = 0x052100,
	INVALID_FIELD = 0x052400,
};

struct call {
	struct sg_io_hdr header;
	uint8_t cdb[16], sense[64];
};

static inline void put(uint8_t *at, int bytes, uint64_t value)
{
	while (bytes--) {
		at[bytes] = (uint8_t)value;
		value >>= 8;
	}
}

/* A command that moves blocks of 512 bytes. */
static inline void set_call(struct call *call, uint8_t opcode, const void *data, uint64_t lba,
			    uint32_t blocks)
{
	bool reads = opcode == READ_10 || opcode == READ_16;

	*call = (struct call){ .cdb[0] = opcode };
	if (opcode < 0x80) {
		put(call->cdb + 2, 4, lba);
		put(call->cdb + 7, 2, blocks);
	} else {
		put(call->cdb + 2, 8, lba);
		put(call->cdb + (opcode == ATOMIC_16 ? 12 : 10), opcode == ATOMIC_16 ? 2 : 4,
		    blocks);
	}
	call->header = (struct sg_io_hdr){
		.interface_id = 'S',
		.dxfer_direction = reads ? SG_DXFER_FROM_DEV : SG_DXFER_TO_DEV,
		.cmd_len = opcode < 0x80 ? 10 : 16,
		.cmdp = call->cdb,
		.mx_sb_len = sizeof(call->sense),
		.sbp = call->sense,
		.dxferp = (void *)(uintptr_t)data,
		.dxfer_len = blocks * 512,
	};
}

static inline unsigned sense_of(const struct call *call)
{
	return (unsigned)call->sense[2] << 16 | (unsigned)call->sense[12] << 8 | call->sense[13];
}

/* Sends the command. Returns 0, the sense data as one number, -2 for another status, or -1 and
 * errno. */
static inline long run(int fd, struct call *call)
{
	long result = ioctl(fd, SG_IO, &call->header);

	if (result)
		return result;
	if (call->header.status == 2 && call->header.sb_len_wr)
		return sense_of(call);
	return call->header.status || call->header.host_status ? -2 : 0;
}

static inline long move(int fd, uint8_t opcode, const void *data, uint64_t lba, uint32_t blocks)
{
	struct call call;

	set_call(&call, opcode, data, lba, blocks);
	return run(fd, &call);
}

/* Checks all fields of the answer to a command that was done wholly or not at all. */
static inline void want_answer(const struct sg_io_hdr *header, unsigned status, unsigned length)
{
	want(header->status == status && header->masked_status == status >> 1);
	want(header->info == (status || header->host_status ? SG_INFO_CHECK : SG_INFO_OK));
	want(header->driver_status == (status == 2 ? 8 : 0) && header->msg_status == 0);
	want(header->resid == (int)(status || header->host_status ? header->dxfer_len : 0));
	want(header->sb_len_wr == length);
}

#endif
