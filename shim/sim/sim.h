/* SPDX-License-Identifier: MIT */
/*
 * The simulated disk: the interface of its files. It is a preload of its own, which stands below
 * the shim and shares nothing with it: it follows NVMe and SCSI by their specifications.
 *
 * A node is a disk, one of its partitions or its SCSI generic node. A program's descriptor of it is
 * open on an empty file of the node's own. The file's inode identifies the node through dup, fork
 * and exec. Data that came past our doors lies in that file and not on the disk, which then fails
 * for good. The disk's data is in the image; only sim/disk.c and sim/cache.c store data there.
 *
 * Beside the image is a folder, "IMAGE.sim": the nodes' files, the state that processes share, the
 * volatile cache and the page cache. The folder also shows that the image was made here.
 */
#ifndef SIM_H
#define SIM_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>

enum {
	SIM_SECTOR = 512,
	SIM_MAJOR = 240, /* "local/experimental", Documentation/admin-guide/devices.txt */
	SIM_MAX_DISKS = 4,
	SIM_MINORS = 16, /* of a disk: its own and its partitions' */
	SIM_MAX_PARTS = 4,
	SIM_MAX_FORMATS = 16,   /* the formats that the low bits of FLBAS can name */
	SIM_GENERIC_MAJOR = 21, /* SCSI_GENERIC_MAJOR, linux/major.h */
	SIM_MAX_FAULTS = 16,
	SIM_MAX_BLOCKS = 1 << 16, /* of one NVMe command: NLB is 16 bits, 0's based */
};

enum sim_kind { SIM_NVME, SIM_SCSI, SIM_NEITHER };

enum sim_fault_kind {
	SIM_FAULT_RESULT, /* > 0 an NVMe status, < 0 -errno of the ioctl */
	SIM_FAULT_SENSE,  /* SCSI sense: key, additional code and its qualifier in a byte each */
	SIM_FAULT_STATUS, /* a SCSI status */
	SIM_FAULT_HOST,   /* a status of the host adapter */
	SIM_FAULT_RESID,  /* success, but with this many bytes left over (resid) */
};

struct sim_fault {
	uint64_t command; /* counted from 1; 0: any, by chance */
	uint64_t one_in;  /* the chance: one command in so many */
	enum sim_fault_kind kind;
	int value;
};

enum sim_cut_action {
	SIM_CUT_TREE, /* kills all processes that have the disk */
	SIM_CUT_KILL, /* kills the process that writes */
	SIM_CUT_EIO,  /* kills none, but all I/O fails from then on */
};

struct sim_disk {
	unsigned index;       /* in sim_disks */
	uint64_t description; /* a hash of the whole text */
	size_t node_length;
	char node[96], image[256], log[256], zoned[16], bad_option[64];
	uint64_t size;                /* bytes */
	uint64_t cache;               /* bytes; 0: a write is durable at once */
	uint32_t block, kernel_block; /* logical block size; the kernel's view, 0: the same */
	unsigned nsfeat, nawun, nawupf, nabsn, nabspf, nabo, awun, awupf; /* as in Identify */
	unsigned ntwpu, ntwpg, ntwpb;                                     /* Amazon's */
	unsigned mdts, metadata, protection;
	struct {
		unsigned block, metadata;
	} formats[SIM_MAX_FORMATS]; /* listed by Identify, the disk's own among them */
	unsigned format_count;      /* 0: only the disk's own */
	/* SBC-4, "Block Limits VPD page", from byte 44 on; vpd_length: what the page claims. */
	unsigned max_atomic, atomic_align, atomic_gran, max_atomic_bndry, max_bndry, vpd_length;
	unsigned lbppbe; /* logical blocks per physical block exponent */
	enum sim_kind kind;
	bool amazon, readonly, unprivileged, nosubmit, existing, no_fua, no_cache, no_format,
		no_answer, closed;
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
	/* gone, weakens: the number of a command; cut, cut_max: of a write; 0: never. */
	uint64_t gone, weakens, cut, cut_max, seed;
	enum sim_cut_action cut_action;
	/* The disk's lies; 0: none. Its commands tear at `tears` bytes, or where they cross a
	 * multiple of tears_across; it acknowledges and drops one command in `drops`. */
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

/* A descriptor of a node. */
struct sim_file {
	struct sim_node node;
	int flags; /* O_*, as the program opened it */
};

/* sim/config.c: the disks that UNTORN_SIM describes. */
extern struct sim_disk sim_disks[SIM_MAX_DISKS];
extern unsigned sim_disks_known;
extern bool sim_disks_read;
unsigned sim_disks_read_all(void);

static inline unsigned sim_disk_count(void)
{
	return sim_disks_read ? sim_disks_known : sim_disks_read_all();
}
/* NULL: there is no such disk. */
static inline const struct sim_disk *sim_disk_at(unsigned index)
{
	return index < sim_disk_count() ? &sim_disks[index] : NULL;
}
/* Pure, for tests: false and disk->bad_option when an option is not understood. */
bool sim_config_parse(const char *text, struct sim_disk *ret_disk);

/* False: the path is not a node's. True: it may be, or the disks have not been read yet. */
static inline bool sim_may_be_node(const char *path)
{
	for (unsigned i = 0; path && i < sim_disks_known; i++) {
		if (path[0] == sim_disks[i].node[0] && path[1] == sim_disks[i].node[1])
			return true;
	}
	return !sim_disks_read;
}

/* sim/place.c: "IMAGE.sim/NAME". */
enum { SIM_PATH = 320 };
void sim_place(const struct sim_disk *disk, const char *name, char ret_path[SIM_PATH]);
/* Makes the folder, and beside it an image of the disk's size, if the image is ours. 0, or -errno
 * after a message. */
int sim_place_make(const struct sim_disk *disk);
int sim_place_make_folder(const struct sim_disk *disk); /* only that, without a message */
/* Opens a file in the folder for reading and writing; makes it if it is missing. A descriptor, or
 * -errno. */
int sim_place_open(const struct sim_disk *disk, const char *name);
/* Say on standard error that something is not simulated, not twice in a row. sim_refuse() returns
 * the error. */
int sim_refuse(const char *what, int error);
void sim_say(const char *what, const char *outcome);

/* sim/node.c */
bool sim_node_of_path(const char *path, struct sim_node *ret_node);
bool sim_node_find(int fd, struct sim_node *ret_node); /* see sim_node_of_fd() */
bool sim_file_find(int fd, struct sim_file *ret_file);
bool sim_node_of_number(unsigned minor, struct sim_node *ret_node);
int sim_node_open(const struct sim_node *node, int flags); /* a descriptor, or -errno */
void sim_node_stat(const struct sim_node *node, struct stat *st);
void sim_node_statx(const struct sim_node *node, struct statx *stx);
void sim_node_empty(const struct sim_disk *disk); /* forgets data that got past the doors */
void sim_node_start(void);   /* before main(): looks for descriptors that are a node's already */
void sim_node_arrived(void); /* to be called when another process sent descriptors */
/* False: no descriptor of this process is a node's. */
extern _Atomic bool sim_node_any;

static inline bool sim_has_any(void)
{
	return atomic_load_explicit(&sim_node_any, memory_order_relaxed);
}
static inline bool sim_node_of_fd(int fd, struct sim_node *ret_node)
{
	return sim_has_any() && sim_node_find(fd, ret_node);
}
static inline bool sim_file_of_fd(int fd, struct sim_file *ret_file)
{
	return sim_has_any() && sim_file_find(fd, ret_file);
}

/* sim/state.c: shared by all processes that use a disk at the same time, with a list of them. */
struct sim_state {
	_Atomic uint64_t writes, commands;
	_Atomic uint64_t cache_end; /* sim/cache.c: bytes of its file that are in use */
	_Atomic int dead, read_only;
	_Atomic int mirrored; /* sim/mirror.c */
};
struct sim_state *sim_state(const struct sim_disk *disk);
void sim_state_start(void);                              /* before main() */
void sim_state_kill_others(const struct sim_disk *disk); /* SIGKILL */

/* sim/disk.c: offsets count from the beginning of the whole disk. Returns 0, or -errno; unless that
 * is -EIO, nothing was stored. */
enum sim_means { SIM_PLAIN, SIM_SUBMIT, SIM_IO, SIM_SG, SIM_ATOMIC };
struct sim_write {
	const void *data;
	uint64_t offset;
	uint32_t length, boundary; /* atomic in pieces of boundary bytes; 0: as a whole */
	bool fua, from_mirror;
	enum sim_means means;
};
/* *ret_fault: the fault to answer instead of the result, or NULL. */
int sim_disk_write(const struct sim_disk *disk, const struct sim_write *write,
		   const struct sim_fault **ret_fault);
ssize_t sim_disk_read(const struct sim_disk *disk, void *data, uint64_t offset, size_t length);
/* Makes all that was written durable. 0 or -errno. */
int sim_disk_flush(const struct sim_disk *disk);
bool sim_disk_is_read_only(const struct sim_disk *disk);
void sim_disk_set_read_only(const struct sim_disk *disk, bool value);
bool sim_disk_is_gone(const struct sim_disk *disk);    /* or its power is cut */
unsigned sim_disk_nawupf(const struct sim_disk *disk); /* as it is now */
unsigned sim_disk_format(const struct sim_disk *disk); /* its index; format_count: not listed */
/* The n-th number of a seeded sequence. */
uint64_t sim_chance(uint64_t seed, uint64_t n);
/* Locks the whole image against all other stores and loads, until the caller closes the descriptor
 * that this returns; or -errno. */
int sim_disk_lock_all(const struct sim_disk *disk);
/* Between these two calls this thread makes `writes` writes, which are under way together: a power
 * cut in one of them leaves any part of each. */
void sim_disk_begin_batch(unsigned writes);
void sim_disk_end_batch(void);

/* sim/cache.c: the volatile cache of a disk that has one. The image has the newest data; the cache
 * keeps the data of before, for a power cut to put back. The caller has locked the range that is
 * noted, and for a cut the whole image. */
int sim_cache_note(const struct sim_disk *disk, int image, const void *data, uint64_t offset,
		   uint32_t length, bool durable);
int sim_cache_flush(const struct sim_disk *disk);
/* Keeps or loses each write that was not flushed, as a whole and by chance. */
void sim_cache_cut(const struct sim_disk *disk, int image);

/* sim/mirror.c: the page cache of a disk that is mapped somewhere: a copy of the image, with the
 * programs' stores into their mappings. */
void *sim_mirror_map(const struct sim_file *file, void *address, size_t length, int protection,
		     int flags, off_t offset);                       /* MAP_FAILED and errno */
int sim_mirror_sync(const void *address, size_t length, bool flush); /* 0 or -errno */
bool sim_mirror_has(const void *address);                            /* a mapping is there */
int sim_mirror_write_back(const struct sim_disk *disk);              /* everything */
int sim_mirror_flush(const struct sim_disk *disk); /* that, and then the disk: fsync() */
void sim_mirror_note(const struct sim_disk *disk, const void *data, uint64_t offset,
		     uint32_t length);
int sim_mirror_fd(const struct sim_disk *disk); /* to be closed; or -errno */
void sim_mirror_drop(const struct sim_disk *disk);

/* sim/memory.c: the program's memory, which may be bad; 0 or -EFAULT. */
int sim_memory_read(void *ret_data, const void *from, size_t length);
int sim_memory_write(void *to, const void *data, size_t length);
void *sim_memory_get(size_t length); /* NULL: none */
void sim_memory_put(void *memory, size_t length);

/* sim/nvme.c: an ioctl of the NVMe driver. Returns what the kernel would, or -ENOTTY. */
int sim_nvme_ioctl(const struct sim_node *node, unsigned long request, void *argument);

/* sim/sg.c: an ioctl of the SCSI drivers on a descriptor of these flags. Likewise. */
int sim_sg_ioctl(const struct sim_node *node, int flags, unsigned long request, void *argument);
/* write() and read() of the generic node: a command, which is done at once, and its answer. */
ssize_t sim_sg_write(const struct sim_node *node, int fd, const void *data, size_t size);
ssize_t sim_sg_read(int fd, void *data, size_t size);

/* sim/move.c: 0 or -errno. */
long sim_move_fallocate(const struct sim_file *file, int mode, off_t offset, off_t length);

/* sim/sysfs.c: opens an attribute for reading. A descriptor, or -errno; -EXDEV: not ours. */
int sim_sysfs_open(const char *path);
ssize_t sim_sysfs_readlink(const char *path, char *buffer, size_t size);
int sim_sysfs_stat(const char *path, struct stat *st);

#endif
