/* SPDX-License-Identifier: MIT */
/*
 * Identify data that root asked for and left in /run/untorn for those who may not ask themselves
 * (Identify needs CAP_SYS_ADMIN before Linux 6.2).
 *
 * One file per disk, named MAJOR:MINOR. It is believed only if it can be trusted (base/trusted.h),
 * and if it is about the very disk that has this number now.
 */
#ifndef PUBLISHED_H
#define PUBLISHED_H

#include <sys/types.h>

#include "base/config.h"
#include "rules/limits_nvme.h"

#define PUBLISHED_DIRECTORY "/run/untorn"

enum { PUBLISHED_MAGIC_SIZE = 8, PUBLISHED_KIND_NVME = 1 };

/* The file: this, then a struct nvme_identity, in the byte order of the machine, for it does not
 * outlive a boot. */
struct published {
	char magic[PUBLISHED_MAGIC_SIZE]; /* "untorn" and the version, 3, as a byte */
	uint32_t kind;
	uint32_t block;              /* logical block size at the time of asking */
	uint64_t diskseq;            /* of the disk; 0 before 5.15 */
	uint64_t inode;              /* of the disk's directory in /sys */
	uint64_t asked;              /* CLOCK_MONOTONIC, ns, when root asked */
	uint32_t nvme_policy, rules; /* root's decision, as in struct decision */
};

/* device: the disk or a partition of it. 0 or -errno: ENOENT nobody published, EPERM somebody
 * else than root might have written it, EXDEV this user namespace does not know the machine's root,
 * ESTALE about another disk or format, EBADMSG garbage. ret_asked: as in the record.
 * What it writes into ret_identity is of use only with 0. Thread-safe, allocates nothing. */
int published_read(dev_t device, struct nvme_identity *ret_identity, uint64_t *ret_asked);

/* What root had decided of the disk by then; either half may be unset. As above. */
int published_decision(dev_t device, struct decision *ret_decision);

/* For root: makes the directory, replaces the file at once. 0 or -errno. */
int published_write(dev_t device, struct nvme_identity *identity, struct decision decision);

/* Is this record of our making, and about the disk that `expected` describes? Pure. */
int published_check(const struct published *record, const struct published *expected);

/* The directory that is read and written; tests and fuzzers set it, nothing else does. */
extern const char *published_directory;

#endif
