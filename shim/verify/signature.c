/* SPDX-License-Identifier: MIT */
/*
 * The only door to libblkid, which knows what filesystems, RAID members, LUKS headers and partition
 * tables look like. It is opened on first need, so that the command's other verbs do without it.
 */
#include "verify/signature.h"

#include <errno.h>
#include <stdio.h>

#include "base/library.h"

enum { NEW, SET_DEVICE, ENABLE_PARTITIONS, SAFEPROBE, LOOKUP, FREE };

static struct library libblkid = {
	.names = { "libblkid.so.1" },
	.symbols = { "blkid_new_probe", "blkid_probe_set_device", "blkid_probe_enable_partitions",
		     "blkid_do_safeprobe", "blkid_probe_lookup_value", "blkid_free_probe" },
};

/* As in blkid/blkid.h of util-linux 2.17 and later; blkid_loff_t is 64 bits. */
typedef void *new_probe(void);
typedef int set_device(void *probe, int fd, long long offset, long long size);
typedef int enable(void *probe, int enable);
typedef int safeprobe(void *probe);
typedef int lookup(void *probe, const char *name, const char **data, size_t *length);
typedef void free_probe(void *probe);

static void describe(void *probe, char *ret_what, size_t size)
{
	lookup *value = (lookup *)library_function(&libblkid, LOOKUP);
	const char *text;

	if (value(probe, "TYPE", &text, NULL) == 0)
		snprintf(ret_what, size, "a signature of %s", text);
	else if (value(probe, "PTTYPE", &text, NULL) == 0)
		snprintf(ret_what, size, "a partition table (%s)", text);
	else
		snprintf(ret_what, size, "a signature that is not understood");
}

/* Its answers: 0 found, 1 nothing, -2 more than one thing, -1 an error. */
static int probe_for(void *probe, int fd, char *ret_what, size_t size)
{
	if (((set_device *)library_function(&libblkid, SET_DEVICE))(probe, fd, 0, 0) < 0)
		return -EIO;
	((enable *)library_function(&libblkid, ENABLE_PARTITIONS))(probe, 1);
	switch (((safeprobe *)library_function(&libblkid, SAFEPROBE))(probe)) {
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
	if (!library_open(&libblkid))
		return -ENOSYS;
	void *probe = ((new_probe *)library_function(&libblkid, NEW))();
	if (!probe)
		return -ENOMEM;
	int result = probe_for(probe, fd, ret_what, size);
	((free_probe *)library_function(&libblkid, FREE))(probe);
	return result;
}
