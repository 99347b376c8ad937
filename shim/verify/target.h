/* SPDX-License-Identifier: MIT */
/* The device or file that is being verified. Writes its pages by atomic writes, or by plain ones,
 * and reads them directly. Hands share a target and only read it. */
#ifndef VERIFY_TARGET_H
#define VERIFY_TARGET_H

#include <stdbool.h>

#include "verify/layout.h"
#include "verify/page.h"

struct verify_target {
	int fd;
	struct verify_layout layout;
	uint32_t reads_whole; /* reads up to this length are one command */
	bool is_plain;        /* writes without RWF_ATOMIC, as a database does that lacks it */
};

/* Asks for the device's limits, and lays out the pages. 0, or an exit status after a message. */
int verify_target_prepare(struct verify_target *target, const char *path, int fd, uint32_t pages);
/* For plain writes of pages of `page` bytes, side by side. Asks for no limits. Returns as above. */
int verify_target_prepare_plain(struct verify_target *target, const char *path, int fd,
				uint32_t pages, uint32_t page);
/* The size of the device or file in bytes. 0 or -errno. */
int verify_target_size(int fd, uint64_t *ret_size);

/* Shortens the pages so that the kernel splits no read. Call it if readers race with writers. */
void verify_target_shorten(struct verify_target *target);

/* The most pages that are submitted together: neighbours, one libaio write each, plain only. */
enum { VERIFY_RUN = 8 };
/* Allocates a buffer for one page, or for VERIFY_RUN plain ones; the caller frees it. NULL: out of
 * memory. */
void *verify_target_buffer(const struct verify_target *target);
/* Fills the buffer as the tag says and writes it by one write. 0 or -errno. */
int verify_target_write(const struct verify_target *target, void *buffer,
			const struct verify_tag *tag, bool durable);
int verify_target_write_run(const struct verify_target *target, void *buffer,
			    const struct verify_tag *tags, unsigned count, bool durable);
int verify_target_read(const struct verify_target *target, void *buffer, struct verify_place place);

#endif
