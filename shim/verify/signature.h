/* SPDX-License-Identifier: MIT */
/* What is on a device already, by libblkid. */
#ifndef VERIFY_SIGNATURE_H
#define VERIFY_SIGNATURE_H

#include <stddef.h>

/* 0: nothing; 1: ret_what says it, "an ext4 signature"; -errno: cannot tell. fd is
 * only read. */
int verify_signature(int fd, char *ret_what, size_t size);

#endif
