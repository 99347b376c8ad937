/* SPDX-License-Identifier: MIT */
/* ioctl() of a node's descriptor, and the constructor, which finds nodes before main(). */
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/hdreg.h>
#include <stdarg.h>

#include "sim_doors/doors.h"

#ifndef BLKGETDISKSEQ
#define BLKGETDISKSEQ _IOR(0x12, 128, uint64_t)
#endif

__attribute__((constructor)) static void start(void)
{
	if (!sim_disk_count())
		return;
	sim_node_start();
	sim_state_start();
}

/* The driver's own ioctls. */
static int driver_ioctl(const struct sim_node *node, int flags, unsigned long request,
			void *argument)
{
	return node->disk->kind == SIM_SCSI ? sim_sg_ioctl(node, flags, request, argument)
					    : sim_nvme_ioctl(node, request, argument);
}

static int zero_out(const struct sim_file *file, const void *argument)
{
	uint64_t range[2];

	if (sim_memory_read(range, argument, sizeof(range)) < 0)
		return -EFAULT;
	return (int)sim_move_fallocate(file, FALLOC_FL_ZERO_RANGE, (off_t)range[0],
				       (off_t)range[1]);
}

/* The ioctls of every block device. */
static int block_ioctl(const struct sim_file *file, unsigned long request, void *argument)
{
	const struct sim_node *node = &file->node;
	struct hd_geometry geometry = { .start = node->start / SIM_SECTOR };
	unsigned long sectors = node->size / SIM_SECTOR;
	uint64_t sequence = 1 + node->disk->index;
	unsigned physical = node->disk->block << node->disk->lbppbe;
	const struct sim_disk *disk = node->disk;
	int number = (int)(disk->kernel_block ? disk->kernel_block : disk->block);

	switch (request) {
	case BLKGETSIZE64:
		return sim_memory_write(argument, &node->size, sizeof(node->size));
	case BLKGETSIZE:
		return sim_memory_write(argument, &sectors, sizeof(sectors));
	case BLKSSZGET:
		return sim_memory_write(argument, &number, sizeof(number));
	case BLKPBSZGET:
		return sim_memory_write(argument, &physical, sizeof(physical));
	case BLKROGET:
		number = sim_disk_is_read_only(node->disk);
		return sim_memory_write(argument, &number, sizeof(number));
	case BLKROSET:
		if (sim_memory_read(&number, argument, sizeof(number)) < 0)
			return -EFAULT;
		sim_disk_set_read_only(node->disk, number);
		return 0;
	case BLKGETDISKSEQ:
		return sim_memory_write(argument, &sequence, sizeof(sequence));
	case BLKFLSBUF:
		return sim_mirror_write_back(disk);
	case BLKZEROOUT:
		return zero_out(file, argument);
	case HDIO_GETGEO:
		return sim_memory_write(argument, &geometry, sizeof(geometry));
	default:
		return driver_ioctl(node, file->flags, request, argument);
	}
}

/* True: the request copies by reference from a node. That takes two files of one filesystem. */
static bool clones_a_node(unsigned long request, void *argument)
{
	struct file_clone_range range;
	struct sim_node node;
	int fd = (int)(intptr_t)argument;

	if (request == FICLONERANGE)
		fd = sim_memory_read(&range, argument, sizeof(range)) < 0 ? -1 : (int)range.src_fd;
	return (request == FICLONE || request == FICLONERANGE) && sim_node_of_fd(fd, &node);
}

EXPORT int ioctl(int fd, unsigned long request, ...)
{
	struct sim_file file;
	va_list list;

	va_start(list, request);
	void *argument = va_arg(list, void *);
	va_end(list);
	if (sim_has_any() && clones_a_node(request, argument))
		return (int)ret_errno(-EINVAL);
	if (!sim_file_of_fd(fd, &file) || (file.flags & O_PATH))
		return sim_next()->ioctl(fd, request, argument); /* EBADF for O_PATH */
	return (int)ret_errno(file.node.generic
				      ? driver_ioctl(&file.node, file.flags, request, argument)
				      : block_ioctl(&file, request, argument));
}
