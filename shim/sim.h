/* SPDX-License-Identifier: MIT */
/*
 * The simulated disk: what its rooms share. It is a preload of its own, which stands below the shim
 * and has nothing of it: what it knows of NVMe it knows from the specification.
 *
 * A node is the disk or one of its partitions. Each has a file: the disk its image, which holds all
 * data, a partition an empty one beside it ("IMAGE.p1"). The descriptor that a program gets is open
 * on the node's file, so that it is recognised by its inode through dup, fork and exec.
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
	SIM_MAX_FAULTS = 8,
	SIM_MAX_BLOCKS = 1 << 16, /* of one NVMe command: NLB is 16 bits, 0's based */
};

struct sim_fault {
	uint64_t command; /* counted from 1 */
	int status;       /* > 0 an NVMe status, < 0 -errno of the ioctl */
};

struct sim_disk {
	char node[96], image[256], log[256], zoned[16], bad_option[64];
	uint64_t size;                                                    /* bytes */
	uint32_t block;                                                   /* logical block size */
	unsigned nsfeat, nawun, nawupf, nabsn, nabspf, nabo, awun, awupf; /* as in Identify */
	unsigned ntwpu, ntwpg, ntwpb;                                     /* Amazon's */
	unsigned mdts, metadata, protection;
	bool amazon, readonly, unprivileged, nosubmit, no_nvme, cut_eio;
	unsigned max_hw_kb, max_segments, chunk_sectors, dma_alignment;
	struct {
		uint64_t start, count; /* sectors */
	} parts[SIM_MAX_PARTS];
	unsigned part_count;
	struct sim_fault faults[SIM_MAX_FAULTS];
	unsigned fault_count;
	unsigned delay_us, tear_us;
	uint64_t gone, cut, cut_max, seed; /* numbers of writes; 0: never */
	unsigned tears; /* the disk lies: its commands tear at this many bytes; 0: it does not */
};

/* part 0 is the disk. */
struct sim_node {
	const struct sim_disk *disk;
	unsigned part;
	uint64_t start, size; /* bytes */
};

/* sim_config.c: the disk that UNTORN_SIM describes, or NULL where it is unset. */
const struct sim_disk *sim_config(void);
/* Pure, for tests: false and disk->bad_option when an option is not understood. */
bool sim_config_parse(const char *text, struct sim_disk *ret_disk);

/* sim_node.c */
bool sim_node_of_path(const char *path, struct sim_node *ret_node);
bool sim_node_of_fd(int fd, struct sim_node *ret_node);
bool sim_node_of_number(unsigned minor, struct sim_node *ret_node);
int sim_node_open(const struct sim_node *node, int flags); /* a descriptor, or -errno */
void sim_node_stat(const struct sim_node *node, struct stat *st);
void sim_node_statx(const struct sim_node *node, struct statx *stx);

/* sim_disk.c: bytes on the whole disk; 0 or -errno, nothing stored unless it says so. */
enum sim_means { SIM_PLAIN, SIM_SUBMIT, SIM_IO };
int sim_disk_write(const struct sim_disk *disk, const void *data, uint64_t offset, uint32_t length,
		   bool fua, enum sim_means means);
ssize_t sim_disk_read(const struct sim_disk *disk, void *data, uint64_t offset, size_t length);
bool sim_disk_is_read_only(const struct sim_disk *disk);
void sim_disk_set_read_only(bool value);
bool sim_disk_is_gone(void); /* or its power is cut */
void sim_disk_start(void);   /* once per process tree, before it forks */
/* May a command of this place and length tear? By the rules of the NVM Command Set. */
bool sim_disk_is_atomic(const struct sim_disk *disk, uint64_t offset, uint32_t length);

/* sim_memory.c: the program's memory, which may be bad; 0 or -EFAULT. */
int sim_memory_read(void *ret_data, const void *from, size_t length);
int sim_memory_write(void *to, const void *data, size_t length);
void *sim_memory_get(size_t length); /* NULL: none */
void sim_memory_put(void *memory, size_t length);

/* sim_nvme.c: an ioctl of the NVMe driver; what the kernel returns, or -ENOTTY. */
int sim_nvme_ioctl(const struct sim_node *node, unsigned long request, void *argument);

/* sim_sysfs.c: a descriptor to read the attribute from, or -errno; -EXDEV: not ours. */
int sim_sysfs_open(const char *path);
ssize_t sim_sysfs_readlink(const char *path, char *buffer, size_t size);
int sim_sysfs_stat(const char *path, struct stat *st);

#endif
