/* SPDX-License-Identifier: MIT */
/* Tells the kernel of a partition; writes no table: addpart DISK NUMBER START SECTORS (512 bytes).
 */
#include <fcntl.h>
#include <linux/blkpg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>

int main(int argc, char **argv)
{
	struct blkpg_partition partition = { 0 };
	struct blkpg_ioctl_arg argument = {
		.op = BLKPG_ADD_PARTITION,
		.datalen = sizeof(partition),
		.data = &partition,
	};

	if (argc != 5)
		return 2;
	partition.pno = atoi(argv[2]);
	partition.start = atoll(argv[3]) * 512;
	partition.length = atoll(argv[4]) * 512;
	int fd = open(argv[1], O_RDONLY | O_CLOEXEC);
	if (fd < 0 || ioctl(fd, BLKPG, &argument) < 0) {
		perror(argv[1]);
		return 1;
	}
	return 0;
}
