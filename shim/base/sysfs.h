/* SPDX-License-Identifier: MIT */
/*
 * Reads what the kernel says about a block device in /sys. The library reads /sys here alone.
 *
 * Devices are named by their number, so no node in /dev is needed. All functions are thread-safe,
 * take no lock, allocate nothing, and return 0 or -errno; outputs are written on success only.
 */
#ifndef SYSFS_H
#define SYSFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Reads the attribute's text without its newline. */
int sysfs_text(dev_t device, const char *name, char *ret_text, size_t size);
int sysfs_number(dev_t device, const char *name, uint64_t *ret_number);
/* Reads the last component of a symbolic link's target. */
int sysfs_link(dev_t device, const char *name, char *ret_name, size_t size);
/* Reads the directory's inode: a number that no other device gets before the next boot. */
int sysfs_inode(dev_t device, uint64_t *ret_inode);

/* *ret_partition: it is a partition. Needs no descriptor. -ENOENT: /sys does not know the number,
 * or is not there. */
int sysfs_find_partition(dev_t device, bool *ret_partition);
bool sysfs_is_partition(dev_t device); /* false also when that cannot be found out */

/* The same for the whole disk that the device is or lies on, e.g. "queue/max_segments". */
int sysfs_disk_text(dev_t device, const char *name, char *ret_text, size_t size);
int sysfs_disk_number(dev_t device, const char *name, uint64_t *ret_number);
int sysfs_disk_bytes(dev_t device, const char *name, void *ret_bytes, size_t size); /* how many */
int sysfs_disk_inode(dev_t device, uint64_t *ret_inode);
int sysfs_disk_link(dev_t device, const char *name, char *ret_name, size_t size);
/* Counts the entries of a folder whose names are the prefix and a number. */
int sysfs_disk_count(dev_t device, const char *name, const char *prefix, unsigned *ret_count);
/* Finds the disk whose folder "queue" this descriptor is open on. -ENOENT: it is another folder. */
int sysfs_disk_of_queue(int folder, dev_t *ret_disk);
int sysfs_disk_name(dev_t device, char *ret_name, size_t size); /* "nvme0n1" */
int sysfs_name(dev_t device, char *ret_name, size_t size);      /* "nvme0n1p1" */

#endif
