/* SPDX-License-Identifier: MIT */
/*
 * Refuses to overwrite a device that somebody uses, or that carries something. It first looks for
 * the reasons that it can name. O_EXCL then finds the other users (btrfs, swap, bcache ... all
 * claim their devices).
 */
#include "verify/guard.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "command/command.h"
#include "doctor/examine.h"
#include "verify/signature.h"

enum { REASON = 320 };

/* proc(5), /proc/swaps: a heading, then lines that begin with the file's name. */
static bool is_swap(dev_t number)
{
	char line[512], name[256];
	struct stat st;
	bool found = false;
	FILE *file = fopen("/proc/swaps", "re");

	while (file && !found && fgets(line, sizeof(line), file))
		found = sscanf(line, "%255s", name) == 1 && stat(name, &st) == 0 &&
			S_ISBLK(st.st_mode) && st.st_rdev == number;
	if (file)
		fclose(file);
	return found;
}

/* True: somebody uses it, and reason says who. */
static bool is_used(dev_t number, char reason[REASON])
{
	struct usage usage;

	cmd_examine_usage(number, &usage);
	if (*usage.mounts)
		snprintf(reason, REASON, "is mounted on %s", usage.mounts);
	else if (is_swap(number))
		snprintf(reason, REASON, "is swap space");
	else if (*usage.holders)
		snprintf(reason, REASON, "is held by %s", usage.holders);
	else if (*usage.partitions)
		snprintf(reason, REASON, "has partitions: %s", usage.partitions);
	else
		return false;
	return true;
}

static bool is_occupied(int fd, char reason[REASON])
{
	char what[128];
	int result = verify_signature(fd, what, sizeof(what));

	if (result > 0)
		snprintf(reason, REASON, "has %s", what);
	else if (result < 0)
		snprintf(reason, REASON, "cannot be searched for a filesystem: %s",
			 strerror(-result));
	return result != 0;
}

static int refuse(const char *path, const char *reason)
{
	return -cmd_fail(CMD_USAGE,
			 "%s %s; untorn verify would overwrite it. To destroy all that is on it, "
			 "give the option twice: --destroy --destroy",
			 path, reason);
}

static int open_it(const char *path, int told)
{
	int exclusive = told < VERIFY_TOLD ? O_EXCL : 0;
	int fd = open(path, O_RDWR | O_CLOEXEC | exclusive);

	if (fd >= 0)
		return fd;
	return errno == EBUSY && exclusive ? refuse(path, "is in use")
					   : -cmd_fail(CMD_USAGE, "%s: %m", path);
}

/* Sets O_DIRECT only after libblkid has read: its reads have any length. */
static int make_direct(const char *path, int fd)
{
	if (fcntl(fd, F_SETFL, O_DIRECT) == 0)
		return fd;
	int status = cmd_fail(CMD_USAGE, "%s: no direct I/O (O_DIRECT): %m", path);
	close(fd);
	return -status;
}

int verify_guard_open(const char *path, int told)
{
	char reason[REASON];
	struct stat st;

	if (stat(path, &st) < 0)
		return -cmd_fail(CMD_USAGE, "%s: %m", path);
	if (!S_ISBLK(st.st_mode))
		return -cmd_fail(CMD_USAGE,
				 "%s is not a block device; name the disk, or a new file with "
				 "--file=",
				 path);
	if (told < VERIFY_TOLD && is_used(st.st_rdev, reason))
		return refuse(path, reason);
	int fd = open_it(path, told);
	if (fd >= 0 && told < VERIFY_TOLD && is_occupied(fd, reason)) {
		close(fd);
		return refuse(path, reason);
	}
	return fd < 0 ? fd : make_direct(path, fd);
}

/* Writes the whole file, so that nothing is left to be allocated: later writes change only data. */
static int fill(int fd, uint64_t size)
{
	enum { CHUNK = 1 << 20, ALIGNMENT = 4096 };
	AUTO_FREE void *zeros = aligned_alloc(ALIGNMENT, CHUNK);
	if (!zeros)
		return -ENOMEM;
	memset(zeros, 0, CHUNK);
	for (uint64_t at = 0; at < size;) {
		size_t length = size - at < CHUNK ? (size_t)(size - at) : CHUNK;
		ssize_t written = pwrite(fd, zeros, length, (off_t)at);
		if (written <= 0)
			return written < 0 ? -errno : -EIO;
		at += (uint64_t)written;
	}
	return fsync(fd) < 0 ? -errno : 0;
}

int verify_guard_make(const char *path, uint64_t size)
{
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_DIRECT | O_CLOEXEC, 0600);

	if (fd < 0 && errno == EEXIST)
		return -cmd_fail(CMD_USAGE, "%s already exists; name a new file, or remove it",
				 path);
	if (fd < 0)
		return -cmd_fail(CMD_USAGE, "%s: %s", path,
				 errno == EINVAL ? "this filesystem has no direct I/O (O_DIRECT)"
						 : strerror(errno));
	int error = fill(fd, size);
	if (!error)
		return fd;
	close(fd);
	unlink(path);
	return -cmd_fail(CMD_USAGE, "%s: %s", path, strerror(-error));
}
