/* SPDX-License-Identifier: MIT */
/* The kernel's io_uring interface, with what is newer than some headers that we are built with.
 * Numbers: include/uapi/linux/io_uring.h of Linux 6.18. */
#ifndef URING_UAPI_H
#define URING_UAPI_H

#include <linux/io_uring.h>

#ifndef IORING_SETUP_NO_MMAP
#define IORING_SETUP_NO_MMAP (1U << 14)
#endif
#ifndef IORING_SETUP_REGISTERED_FD_ONLY
#define IORING_SETUP_REGISTERED_FD_ONLY (1U << 15)
#endif
#ifndef IORING_SETUP_NO_SQARRAY
#define IORING_SETUP_NO_SQARRAY (1U << 16)
#endif
#ifndef IORING_REGISTER_USE_REGISTERED_RING
#define IORING_REGISTER_USE_REGISTERED_RING (1U << 31)
#endif

enum {
	/* To IORING_SETUP_CQE_MIXED. What comes after it lays entries out otherwise. */
	URING_SETUP_KNOWN = (1 << 19) - 1,
	/* To IORING_ENTER_NO_IOWAIT. */
	URING_ENTER_KNOWN = (1 << 8) - 1,
	URING_REGISTER_RESIZE_RINGS = 33,
};

#endif
