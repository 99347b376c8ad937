/* SPDX-License-Identifier: MIT */
/*
 * Combines the table of Linux 6.12's nvme_error_status() (drivers/nvme/host/core.c) with that of
 * blk_status_to_errno() (block/blk-core.c). Codes: NVMe Base 2.0 section 3.3.3.2.1, written as the
 * kernel gives them: status code type << 8 | status code.
 */
#include "rules/status.h"

#include <errno.h>

int status_to_errno(int status)
{
	switch (status & 0x7ff) {
	case 0x001: /* invalid opcode */
	case 0x002: /* invalid field */
	case 0x00b: /* invalid namespace */
	case 0x180: /* conflicting attributes */
		return -EOPNOTSUPP;
	case 0x021: /* command interrupted */
	case 0x080: /* LBA out of range */
	case 0x082: /* namespace not ready */
		return -EREMOTEIO;
	case 0x081: /* capacity exceeded */
		return -ENOSPC;
	case 0x083: /* reservation conflict */
		return -EBADE;
	case 0x181: /* invalid protection information */
	case 0x282: /* guard check */
	case 0x283: /* application tag check */
	case 0x284: /* reference tag check */
		return -EILSEQ;
	case 0x182: /* write to read only range */
	case 0x280: /* write fault */
	case 0x281: /* unrecovered read error */
	case 0x285: /* compare failure */
	case 0x286: /* access denied */
	case 0x287: /* deallocated or unwritten block */
		return -ENODATA;
	case 0x1bd: /* too many active zones */
		return -EOVERFLOW;
	case 0x1be: /* too many open zones */
		return -ETOOMANYREFS;
	case 0x370: /* host path error */
		return -ENOLINK;
	default: /* 0x014, atomic write unit exceeded, among them */
		return -EIO;
	}
}

bool status_may_retry(int status)
{
	return status > 0 && !(status & STATUS_DNR);
}

/* NVMe Base 2.0 figure 92: status code type 3h. */
bool status_is_of_path(int status)
{
	return status_may_retry(status) && (status & 0x700) == 0x300;
}
