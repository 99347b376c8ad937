/* SPDX-License-Identifier: MIT */
/*
 * Records of identify data in /run/untorn: root asks (`untorn publish`) and leaves the answers for
 * processes that may not ask themselves (Identify needs CAP_SYS_ADMIN before Linux 6.2).
 * transport_nvme.c and decision.c read them.
 *
 * There is one file per disk, named MAJOR:MINOR. A reader believes it only if it can be trusted
 * (base/trusted.h), and if it is about the very disk that has this number now. No lock: a file is
 * replaced as a whole.
 */
#ifndef PUBLISHED_H
#define PUBLISHED_H

#include <sys/types.h>

#include "base/config.h"
#include "rules/limits_nvme.h"

#define PUBLISHED_DIRECTORY "/run/untorn"

enum { PUBLISHED_MAGIC_SIZE = 8, PUBLISHED_KIND_NVME = 1 };

/* The file has this, then a struct nvme_identity, in the byte order of the machine, because the
 * file does not outlive a boot. */
struct published {
	char magic[PUBLISHED_MAGIC_SIZE]; /* "untorn" and the version, 3, as a byte */
	uint32_t kind;
	uint32_t block;              /* logical block size at the time of asking */
	uint64_t diskseq;            /* of the disk; 0 before 5.15 */
	uint64_t inode;              /* of the disk's directory in /sys */
	uint64_t asked;              /* CLOCK_MONOTONIC, ns, when root asked */
	uint32_t nvme_policy, rules; /* root's decision, as in struct decision */
};

/* device: the disk or a partition of it. Returns 0 or -errno. ENOENT: nobody published. EPERM:
 * somebody other than root may have written it. EXDEV: this user namespace does not know the
 * machine's root. ESTALE: it is about another disk or format. EBADMSG: not a valid record.
 * ret_asked: published.asked. If it fails, the content of ret_identity is undefined. Thread-safe,
 * allocates nothing. */
int published_read(dev_t device, struct nvme_identity *ret_identity, uint64_t *ret_asked);

/* Reads what root had decided for the disk when it published; either half may be unset. As
 * above. */
int published_decision(dev_t device, struct decision *ret_decision);

/* For root. Makes the directory, and replaces the file in one step. Returns 0 or -errno. */
int published_write(dev_t device, struct nvme_identity *identity, struct decision decision);

/* Returns 0 if untorn wrote the record in this version, about the disk that `expected` describes;
 * else -EBADMSG or -ESTALE. Pure. */
int published_check(const struct published *record, const struct published *expected);

/* The directory of the records; only tests and fuzzers set it. */
extern const char *published_directory;

#endif
