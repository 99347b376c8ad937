/* SPDX-License-Identifier: MIT */
/* Finds the content of a device, by libblkid. guard.c calls it. */
#ifndef VERIFY_SIGNATURE_H
#define VERIFY_SIGNATURE_H

#include <stddef.h>

/* 0: nothing; 1: found, and ret_what names it ("a signature of ext4"); -errno: unknown. Only reads
 * fd. */
int verify_signature(int fd, char *ret_what, size_t size);

#endif
