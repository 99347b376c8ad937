/* SPDX-License-Identifier: MIT */
/*
 * Prints the atomic writes that a device promises, with statx(2).
 *
 *	cc -I include -o statx examples/statx.c
 *	./statx /dev/nvme0n1                     # Linux 6.11 and later
 *	untorn run -- ./statx /dev/nvme0n1       # older kernels
 *
 * Prints e.g. "/dev/nvme0n1: atomic writes of 512 to 16384 bytes", or that there are none (exit 1).
 */
#define _GNU_SOURCE 1
#include <fcntl.h>
#include <stdio.h>

#include "untorn_uapi.h"

int main(int argc, char **argv)
{
	struct statx stx;

	if (argc != 2) {
		fprintf(stderr, "usage: %s DEVICE\n", argv[0]);
		return 2;
	}
	if (statx(AT_FDCWD, argv[1], 0, STATX_WRITE_ATOMIC, &stx) < 0) {
		perror(argv[1]);
		return 2;
	}
	/* The bit in the answer says whether the fields mean anything. */
	const struct untorn_statx_atomic *atomic = untorn_statx_atomic(&stx);
	if (!(stx.stx_mask & STATX_WRITE_ATOMIC) || !atomic->unit_max) {
		printf("%s: no atomic writes\n", argv[1]);
		return 1;
	}
	printf("%s: atomic writes of %u to %u bytes\n", argv[1], atomic->unit_min,
	       atomic->unit_max);
	return 0;
}
