/* SPDX-License-Identifier: MIT */
/* Asks libblkid, which knows the signatures of filesystems, RAID members, LUKS headers and
 * partition tables. */
#include "verify/signature.h"

#include <blkid/blkid.h>
#include <errno.h>
#include <stdio.h>

static void describe(blkid_probe probe, char *ret_what, size_t size)
{
	const char *text;

	if (blkid_probe_lookup_value(probe, "TYPE", &text, NULL) == 0)
		snprintf(ret_what, size, "a signature of %s", text);
	else if (blkid_probe_lookup_value(probe, "PTTYPE", &text, NULL) == 0)
		snprintf(ret_what, size, "a partition table (%s)", text);
	else
		snprintf(ret_what, size, "an unknown signature");
}

/* blkid_do_safeprobe() answers 0: found, 1: nothing, -2: more than one thing, -1: an error. */
static int probe_for(blkid_probe probe, int fd, char *ret_what, size_t size)
{
	if (blkid_probe_set_device(probe, fd, 0, 0) < 0)
		return -EIO;
	blkid_probe_enable_partitions(probe, 1);
	switch (blkid_do_safeprobe(probe)) {
	case 0:
		describe(probe, ret_what, size);
		return 1;
	case 1:
		return 0;
	case -2:
		snprintf(ret_what, size, "more than one signature");
		return 1;
	default:
		return -EIO;
	}
}

int verify_signature(int fd, char *ret_what, size_t size)
{
	blkid_probe probe = blkid_new_probe();
	if (!probe)
		return -ENOMEM;
	int result = probe_for(probe, fd, ret_what, size);
	blkid_free_probe(probe);
	return result;
}
