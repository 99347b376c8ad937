/* SPDX-License-Identifier: MIT */
/*
 * /sys/dev/block/MAJOR:MINOR is a symbolic link to the device's directory; a partition's directory
 * lies in its disk's, so that ".." leads from one to the other.
 */
#include "base/sysfs.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/real.h"

enum { PATH_SIZE = 256, TARGET_SIZE = 1024 /* of a link's target: a device may lie deep */ };

static void path_of(dev_t device, const char *prefix, const char *name, char path[PATH_SIZE])
{
	snprintf(path, PATH_SIZE, "/sys/dev/block/%u:%u/%s%s", major(device), minor(device), prefix,
		 name);
}

static int read_bytes_at(int folder, const char *path, void *ret_bytes, size_t size)
{
	AUTO_CLOSE int fd = real_open(folder, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return fd;
	ssize_t length = read(fd, ret_bytes, size);
	return length < 0 ? -errno : (int)length;
}

static int read_bytes(const char *path, void *ret_bytes, size_t size)
{
	return read_bytes_at(AT_FDCWD, path, ret_bytes, size);
}

static int read_text_at(int folder, const char *path, char *ret_text, size_t size)
{
	int length = read_bytes_at(folder, path, ret_text, size - 1);
	if (length < 0)
		return length;
	ret_text[length] = '\0';
	ret_text[strcspn(ret_text, "\n")] = '\0';
	return 0;
}

static int read_text(const char *path, char *ret_text, size_t size)
{
	return read_text_at(AT_FDCWD, path, ret_text, size);
}

static int parse_number(const char *text, uint64_t *ret_number)
{
	char *end;

	if (*text < '0' || *text > '9')
		return -EINVAL;
	errno = 0;
	unsigned long long number = strtoull(text, &end, 10);
	if (*end || errno)
		return -EINVAL;
	*ret_number = number;
	return 0;
}

static int read_target(const char *path, char ret_target[TARGET_SIZE])
{
	ssize_t length = readlink(path, ret_target, TARGET_SIZE);

	if (length < 0)
		return -errno;
	if (length == TARGET_SIZE)
		return -ENAMETOOLONG;
	ret_target[length] = '\0';
	return 0;
}

static int last_component(const char *path, char *ret_name, size_t size)
{
	const char *slash = strrchr(path, '/');
	const char *base = slash ? slash + 1 : path;

	if (strlen(base) >= size)
		return -ENAMETOOLONG;
	strcpy(ret_name, base);
	return 0;
}

static int read_link(const char *path, char *ret_name, size_t size)
{
	char target[TARGET_SIZE];

	int error = read_target(path, target);
	return error ? error : last_component(target, ret_name, size);
}

static int read_inode(const char *path, uint64_t *ret_inode)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return -errno;
	*ret_inode = st.st_ino;
	return 0;
}

int sysfs_text(dev_t device, const char *name, char *ret_text, size_t size)
{
	char path[PATH_SIZE];

	path_of(device, "", name, path);
	return read_text(path, ret_text, size);
}

int sysfs_number(dev_t device, const char *name, uint64_t *ret_number)
{
	char text[32];

	int error = sysfs_text(device, name, text, sizeof(text));
	return error ? error : parse_number(text, ret_number);
}

int sysfs_link(dev_t device, const char *name, char *ret_name, size_t size)
{
	char path[PATH_SIZE];

	path_of(device, "", name, path);
	return read_link(path, ret_name, size);
}

int sysfs_inode(dev_t device, uint64_t *ret_inode)
{
	char path[PATH_SIZE];

	path_of(device, "", "", path);
	return read_inode(path, ret_inode);
}

int sysfs_find_partition(dev_t device, bool *ret_partition)
{
	char path[PATH_SIZE];
	struct stat st;

	path_of(device, "", "partition", path);
	bool found = stat(path, &st) == 0;
	if (!found && errno != ENOENT)
		return -errno;
	path_of(device, "", "", path); /* "not there" is an answer only where the device is */
	if (!found && stat(path, &st) < 0)
		return -errno;
	*ret_partition = found;
	return 0;
}

bool sysfs_is_partition(dev_t device)
{
	bool partition = false;

	return sysfs_find_partition(device, &partition) == 0 && partition;
}

static const char *disk_prefix(dev_t device)
{
	return sysfs_is_partition(device) ? "../" : "";
}

int sysfs_disk_text(dev_t device, const char *name, char *ret_text, size_t size)
{
	char path[PATH_SIZE];

	path_of(device, disk_prefix(device), name, path);
	return read_text(path, ret_text, size);
}

int sysfs_disk_number(dev_t device, const char *name, uint64_t *ret_number)
{
	char text[32];

	int error = sysfs_disk_text(device, name, text, sizeof(text));
	return error ? error : parse_number(text, ret_number);
}

int sysfs_disk_link(dev_t device, const char *name, char *ret_name, size_t size)
{
	char path[PATH_SIZE];

	path_of(device, disk_prefix(device), name, path);
	return read_link(path, ret_name, size);
}

int sysfs_name(dev_t device, char *ret_name, size_t size)
{
	char path[PATH_SIZE];

	path_of(device, "", "", path);
	path[strlen(path) - 1] = '\0'; /* the link itself */
	return read_link(path, ret_name, size);
}

int sysfs_disk_name(dev_t device, char *ret_name, size_t size)
{
	char path[PATH_SIZE], target[TARGET_SIZE];

	path_of(device, "", "", path);
	path[strlen(path) - 1] = '\0'; /* the link itself */
	int error = read_target(path, target);
	char *slash = strrchr(target, '/');
	if (!error && slash && sysfs_is_partition(device))
		*slash = '\0';
	return error ? error : last_component(target, ret_name, size);
}

int sysfs_disk_bytes(dev_t device, const char *name, void *ret_bytes, size_t size)
{
	char path[PATH_SIZE];

	path_of(device, disk_prefix(device), name, path);
	return read_bytes(path, ret_bytes, size);
}

int sysfs_disk_inode(dev_t device, uint64_t *ret_inode)
{
	char path[PATH_SIZE];

	path_of(device, disk_prefix(device), "", path);
	return read_inode(path, ret_inode);
}

/* True if the name is the prefix and a number. */
static bool is_numbered(const char *name, const char *prefix)
{
	size_t length = strlen(prefix);

	return strncmp(name, prefix, length) == 0 && name[length] &&
	       !name[length + strspn(name + length, "0123456789")];
}

struct entry { /* getdents64(2) */
	uint64_t inode;
	int64_t next;
	unsigned short length;
	unsigned char type;
	char name[];
};

static unsigned count_among(const char *entries, long size, const char *prefix)
{
	unsigned count = 0;

	for (long at = 0; at < size;) {
		const struct entry *entry = (const void *)(entries + at);
		count += is_numbered(entry->name, prefix);
		at += entry->length;
	}
	return count;
}

/* Calls getdents64(), because opendir() would allocate. */
int sysfs_disk_count(dev_t device, const char *name, const char *prefix, unsigned *ret_count)
{
	char path[PATH_SIZE], entries[1024] __attribute__((aligned(8)));
	unsigned count = 0;
	long size;

	path_of(device, disk_prefix(device), name, path);
	AUTO_CLOSE int folder = real_open(AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (folder < 0)
		return folder;
	while ((size = real_syscall(SYS_getdents64, folder, (long)entries, sizeof(entries), 0, 0,
				    0)) > 0)
		count += count_among(entries, size, prefix);
	*ret_count = count;
	return (int)size;
}

/* Parses "MAJOR:MINOR", and changes the text. */
static int parse_device(char *text, dev_t *ret_device)
{
	uint64_t high, low;
	char *colon = strchr(text, ':');

	if (!colon)
		return -EINVAL;
	*colon = '\0';
	if (parse_number(text, &high) < 0 || parse_number(colon + 1, &low) < 0)
		return -EINVAL;
	*ret_device = makedev((unsigned)high, (unsigned)low);
	return 0;
}

int sysfs_disk_of_queue(int folder, dev_t *ret_disk)
{
	struct statfs fs;
	char text[32];

	if (fstatfs(folder, &fs) < 0 || fs.f_type != SYSFS_MAGIC)
		return -ENOENT;
	int error = read_text_at(folder, "logical_block_size", text, sizeof(text));
	if (!error)
		error = read_text_at(folder, "../dev", text, sizeof(text));
	return error ? error : parse_device(text, ret_disk);
}
