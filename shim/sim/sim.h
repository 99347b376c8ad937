/* SPDX-License-Identifier: MIT */
/*
 * The simulated disk: what its rooms share. It is a preload of its own, which stands below the shim
 * and has nothing of it: what it knows of NVMe and SCSI it knows from the specifications.
 *
 * A node is the disk, one of its partitions or its SCSI generic node. Each has a file: the disk its
 * image, which holds all data, the others an empty one beside it ("IMAGE.p1", "IMAGE.sg"). The
 * descriptor that a program gets is open on the node's file, so that it is recognised by its inode
 * through dup, fork and exec.
 */
#ifndef SIM_H
#define SIM_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>

enum {
	SIM_SECTOR = 512,
	SIM_MAJOR = 240, /* "local/experimental", Documentation/admin-guide/devices.txt */
	SIM_MAX_PARTS = 4,
	SIM_GENERIC_MAJOR = 21, /* SCSI_GENERIC_MAJOR, linux/major.h */
	SIM_MAX_FAULTS = 16,
	SIM_MAX_BLOCKS = 1 << 16, /* of one NVMe command: NLB is 16 bits, 0's based */
};

enum sim_kind { SIM_NVME, SIM_SCSI, SIM_NEITHER };

enum sim_fault_kind {
	SIM_FAULT_RESULT, /* > 0 an NVMe status, < 0 -errno of the ioctl */
	SIM_FAULT_SENSE,  /* SCSI sense: key, additional code and its qualifier in a byte each */
	SIM_FAULT_STATUS, /* a SCSI status */
	SIM_FAULT_HOST,   /* what the host adapter says */
	SIM_FAULT_RESID,  /* all is well, but this many bytes are said to be left over */
};

struct sim_fault {
	uint64_t command; /* counted from 1; 0: any, by chance */
	uint64_t one_in;  /* so many */
	enum sim_fault_kind kind;
	int value;
};

struct sim_disk {
	char node[96], image[256], log[256], zoned[16], bad_option[64];
	uint64_t size;                /* bytes */
	uint32_t block, kernel_block; /* logical block size; as the kernel believes, 0: the same */
	unsigned nsfeat, nawun, nawupf, nabsn, nabspf, nabo, awun, awupf; /* as in Identify */
	unsigned ntwpu, ntwpg, ntwpb;                                     /* Amazon's */
	unsigned mdts, metadata, protection;
	/* SBC-4, "Block Limits VPD page", from byte 44 on; then the length that the page claims. */
	unsigned max_atomic, atomic_align, atomic_gran, max_atomic_bndry, max_bndry, vpd_length;
	unsigned lbppbe; /* logical blocks per physical block exponent */
	enum sim_kind kind;
	bool amazon, readonly, unprivileged, nosubmit, cut_eio, no_fua, no_cache;
	bool has_sg, sg_other, sg_closed, no_vpd;
	unsigned sg; /* the number of the SCSI generic node */
	unsigned max_hw_kb, max_segments, chunk_sectors, dma_alignment;
	struct {
		uint64_t start, count; /* sectors */
	} parts[SIM_MAX_PARTS];
	unsigned part_count;
	struct sim_fault faults[SIM_MAX_FAULTS];
	unsigned fault_count;
	unsigned delay_us, tear_us;
	uint64_t gone, weakens, cut, cut_max, seed; /* numbers of writes; 0: never */
	/* The disk lies, where these are not 0: its commands tear at this many bytes, or where they
	 * cross a multiple of so many; it acknowledges and drops one command in so many. */
	unsigned tears, tears_across;
	uint64_t drops;
};

/* part 0 is the disk, or the SCSI generic node. */
struct sim_node {
	const struct sim_disk *disk;
	unsigned part;
	bool generic;
	uint64_t start, size; /* bytes */
};

/* sim/config.c: the disk that UNTORN_SIM describes, or NULL where it is unset. */
const struct sim_disk *sim_config(void);
/* Pure, for tests: false and disk->bad_option when an option is not understood. */
bool sim_config_parse(const char *text, struct sim_disk *ret_disk);

/* sim/node.c */
bool sim_node_of_path(const char *path, struct sim_node *ret_node);
bool sim_node_of_fd(int fd, struct sim_node *ret_node);
bool sim_node_of_number(unsigned minor, struct sim_node *ret_node);
int sim_node_open(const struct sim_node *node, int flags); /* a descriptor, or -errno */
void sim_node_stat(const struct sim_node *node, struct stat *st);
void sim_node_statx(const struct sim_node *node, struct statx *stx);

/* sim/disk.c: bytes on the whole disk; 0 or -errno, nothing stored unless it says so. */
enum sim_means { SIM_PLAIN, SIM_SUBMIT, SIM_IO, SIM_SG, SIM_ATOMIC };
struct sim_write {
	const void *data;
	uint64_t offset;
	uint32_t length, boundary; /* atomic in pieces of boundary bytes; 0: as a whole */
	bool fua;
	enum sim_means means;
};
/* ret_fault: what is to be answered instead of the result, or NULL. */
int sim_disk_write(const struct sim_disk *disk, const struct sim_write *write,
		   const struct sim_fault **ret_fault);
ssize_t sim_disk_read(const struct sim_disk *disk, void *data, uint64_t offset, size_t length);
/* The program had the kernel flush the disk's cache. 0 or -errno. */
int sim_disk_flush(const struct sim_disk *disk);
bool sim_disk_is_read_only(const struct sim_disk *disk);
void sim_disk_set_read_only(bool value);
bool sim_disk_is_gone(void);                           /* or its power is cut */
unsigned sim_disk_nawupf(const struct sim_disk *disk); /* as it is now */
void sim_disk_start(void);                             /* once per process tree, before it forks */

/* sim/memory.c: the program's memory, which may be bad; 0 or -EFAULT. */
int sim_memory_read(void *ret_data, const void *from, size_t length);
int sim_memory_write(void *to, const void *data, size_t length);
void *sim_memory_get(size_t length); /* NULL: none */
void sim_memory_put(void *memory, size_t length);

/* sim/nvme.c: an ioctl of the NVMe driver; what the kernel returns, or -ENOTTY. */
int sim_nvme_ioctl(const struct sim_node *node, unsigned long request, void *argument);

/* sim/sg.c: an ioctl of the SCSI drivers on a descriptor of these flags; likewise. */
int sim_sg_ioctl(const struct sim_node *node, int flags, unsigned long request, void *argument);
/* write() and read() of the generic node: a command, which is done at once, and its answer. */
ssize_t sim_sg_write(const struct sim_node *node, int fd, const void *data, size_t size);
ssize_t sim_sg_read(int fd, void *data, size_t size);

/* sim/sysfs.c: a descriptor to read the attribute from, or -errno; -EXDEV: not ours. */
int sim_sysfs_open(const char *path);
ssize_t sim_sysfs_readlink(const char *path, char *buffer, size_t size);
int sim_sysfs_stat(const char *path, struct stat *st);

#endif
