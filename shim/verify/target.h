/* SPDX-License-Identifier: MIT */
/* The device or file that is being verified: its pages written by atomic writes, or by plain ones,
 * and read directly. */
#ifndef VERIFY_TARGET_H
#define VERIFY_TARGET_H

#include <stdbool.h>

#include "verify/layout.h"
#include "verify/page.h"

struct verify_target {
	int fd;
	struct verify_layout layout;
	uint32_t reads_whole; /* reads up to this length are one command */
	bool is_plain;        /* no flag: the way that a database without it writes */
};

/* Asks what the device takes, and lays out the pages. 0, or an exit status after a message. */
int verify_target_prepare(struct verify_target *target, const char *path, int fd, uint32_t pages);
/* Nothing is asked: plain writes of pages of this length, side by side. As above. */
int verify_target_prepare_plain(struct verify_target *target, const char *path, int fd,
				uint32_t pages, uint32_t page);
/* Its size in bytes. 0 or -errno. */
int verify_target_size(int fd, uint64_t *ret_size);

/* For those who read while others write: no pages that a read would be cut in. */
void verify_target_shorten(struct verify_target *target);

/* Pages that are written together: neighbours, one write each, by libaio. Not with atomic ones. */
enum { VERIFY_RUN = 8 };
/* A buffer for a page, or for a run of them, to be freed; NULL: no memory. */
void *verify_target_buffer(const struct verify_target *target);
/* One atomic write of the page as this tag says; 0 or -errno. */
int verify_target_write(const struct verify_target *target, void *buffer,
			const struct verify_tag *tag, bool durable);
int verify_target_write_run(const struct verify_target *target, void *buffer,
			    const struct verify_tag *tags, unsigned count, bool durable);
int verify_target_read(const struct verify_target *target, void *buffer, struct verify_place place);

#endif
