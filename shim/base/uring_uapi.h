/* SPDX-License-Identifier: MIT */
/*
 * The kernel's io_uring interface, including what is newer than the oldest headers that we build
 * with, those of Linux 5.10. Numbers: include/uapi/linux/io_uring.h and nvme_ioctl.h of Linux 6.18.
 */
#ifndef URING_UAPI_H
#define URING_UAPI_H

#include <linux/io_uring.h>
#include <stdint.h>
#include <string.h>

#ifndef IOSQE_CQE_SKIP_SUCCESS
#define IOSQE_CQE_SKIP_SUCCESS (1U << 6)
#endif
#ifndef IORING_SETUP_SUBMIT_ALL
#define IORING_SETUP_SUBMIT_ALL (1U << 7)
#endif
#ifndef IORING_SETUP_COOP_TASKRUN
#define IORING_SETUP_COOP_TASKRUN (1U << 8)
#endif
#ifndef IORING_SETUP_TASKRUN_FLAG
#define IORING_SETUP_TASKRUN_FLAG (1U << 9)
#endif
#ifndef IORING_SETUP_SQE128
#define IORING_SETUP_SQE128 (1U << 10)
#endif
#ifndef IORING_SETUP_CQE32
#define IORING_SETUP_CQE32 (1U << 11)
#endif
#ifndef IORING_SETUP_SINGLE_ISSUER
#define IORING_SETUP_SINGLE_ISSUER (1U << 12)
#endif
#ifndef IORING_SETUP_DEFER_TASKRUN
#define IORING_SETUP_DEFER_TASKRUN (1U << 13)
#endif
#ifndef IORING_SETUP_NO_MMAP
#define IORING_SETUP_NO_MMAP (1U << 14)
#endif
#ifndef IORING_SETUP_REGISTERED_FD_ONLY
#define IORING_SETUP_REGISTERED_FD_ONLY (1U << 15)
#endif
#ifndef IORING_SETUP_NO_SQARRAY
#define IORING_SETUP_NO_SQARRAY (1U << 16)
#endif
#ifndef IORING_ENTER_REGISTERED_RING
#define IORING_ENTER_REGISTERED_RING (1U << 4)
#endif
#ifndef IORING_RSRC_REGISTER_SPARSE
#define IORING_RSRC_REGISTER_SPARSE (1U << 0)
#endif
#ifndef IORING_REGISTER_USE_REGISTERED_RING
#define IORING_REGISTER_USE_REGISTERED_RING (1U << 31)
#endif

/* Newer headers enumerate these, so #ifdef cannot tell whether they are there. A macro of the same
 * value does no harm. */
#define IORING_OP_MSG_RING         40
#define IORING_OP_SOCKET           45
#define IORING_OP_URING_CMD        46
#define IORING_OP_PIPE             62
#define IORING_OP_LAST_KNOWN       64 /* IORING_OP_URING_CMD128 */
#define IORING_MSG_DATA            0
#define IORING_REGISTER_RING_FDS   20
#define IORING_UNREGISTER_RING_FDS 21

enum {
	/* All up to IORING_SETUP_CQE_MIXED. The next one, IORING_SETUP_SQE_MIXED, and any that may
	 * yet come lay entries out in another way. */
	URING_SETUP_KNOWN = (1 << 19) - 1,
	URING_SETUP_SQ_REWIND = 1 << 20,
	URING_FEAT_MIN_TIMEOUT = 1 << 15,
	/* All up to IORING_ENTER_NO_IOWAIT. */
	URING_ENTER_KNOWN = (1 << 8) - 1,
	URING_REGISTER_SEND_MSG_RING = 31,
	URING_REGISTER_RESIZE_RINGS = 33,
	URING_REGISTER_LAST_KNOWN = 37, /* IORING_REGISTER_BPF_FILTER */
	/* Offsets in an entry of IORING_OP_URING_CMD: the command's number, and the command. */
	URING_CMD_OP_OFFSET = 8,
	URING_CMD_OFFSET = 48,
	/* Offset of attr_type_mask in an entry of a write. */
	URING_ATTRIBUTES_OFFSET = 56,
};

/* struct io_uring_rsrc_register, whose flags the headers of 5.10 call reserved. */
struct uring_rsrc_register {
	uint32_t nr, flags;
	uint64_t reserved, data, tags;
};

/* NVME_URING_CMD_IO, _IOWR('N', 0x80, struct nvme_uring_cmd), of 72 bytes. */
#define URING_NVME_IO 0xc0484e80U

/* Makes the entry an IORING_OP_URING_CMD. sqe: one of 128 bytes. */
static inline void uring_set_command(struct io_uring_sqe *sqe, uint32_t number, const void *command,
				     size_t length)
{
	char *bytes = (char *)sqe;

	sqe->opcode = IORING_OP_URING_CMD;
	memcpy(bytes + URING_CMD_OP_OFFSET, &number, sizeof(number));
	memcpy(bytes + URING_CMD_OFFSET, command, length);
}

#endif
