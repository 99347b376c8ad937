/* SPDX-License-Identifier: MIT */
/*
 * Prints the atomic write fields of statx, a line for each way of asking:
 *	statx_print [LABEL=]PATH...
 * The same program runs natively and under the shim, and the tests compare the two outputs as text.
 * So only the tested values in a line may depend on the kernel's version.
 */
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "untorn_uapi.h"

static void print(const char *label, const char *how, int error, struct statx *stx)
{
	const struct untorn_statx_atomic *atomic = untorn_statx_atomic(stx);

	printf("%s %s", label, how);
	if (error)
		printf(" error");
	printf(" mask=%d attribute=%d attribute_mask=%d min=%u max=%u segments=%u opt=%u\n",
	       !!(stx->stx_mask & STATX_WRITE_ATOMIC),
	       !!(stx->stx_attributes & STATX_ATTR_WRITE_ATOMIC),
	       !!(stx->stx_attributes_mask & STATX_ATTR_WRITE_ATOMIC), atomic->unit_min,
	       atomic->unit_max, atomic->segments_max, atomic->unit_max_opt);
}

static void ask(const char *label, const char *how, int dirfd, const char *path, int flags,
		unsigned mask)
{
	struct statx stx;

	memset(&stx, 0, sizeof(stx));
	int error = statx(dirfd, path, flags, mask, &stx);
	print(label, how, error, &stx);
}

static void ask_by_fd(const char *label, const char *path)
{
	static const struct {
		const char *how;
		int flags;
	} ways[] = {
		{ "fd", O_RDONLY },
		{ "fd-direct", O_RDWR | O_DIRECT },
		{ "fd-opath", O_PATH },
	};

	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		int fd = open(path, ways[i].flags);
		ask(label, ways[i].how, fd, "", AT_EMPTY_PATH, STATX_WRITE_ATOMIC);
		close(fd);
	}
}

static void ask_by_link(const char *label, const char *path)
{
	char link[64];

	snprintf(link, sizeof(link), "/tmp/statx-link-%d", (int)getpid());
	if (symlink(path, link) < 0)
		perror(link);
	ask(label, "symlink", AT_FDCWD, link, 0, STATX_WRITE_ATOMIC);
	ask(label, "symlink-itself", AT_FDCWD, link, AT_SYMLINK_NOFOLLOW, STATX_WRITE_ATOMIC);
	unlink(link);
}

/* A file of the disk's queue that must say the same, read by open() and by fopen(). */
static void read_attribute(const char *label, const char *path, const char *name)
{
	char file[256], text[32] = "", again[32] = "";
	bool is_partition;

	snprintf(file, sizeof(file), "/sys/class/block/%s/partition", strrchr(path, '/') + 1);
	is_partition = access(file, F_OK) == 0;
	snprintf(file, sizeof(file), "/sys/class/block/%s/%squeue/%s", strrchr(path, '/') + 1,
		 is_partition ? "../" : "", name);
	int fd = open(file, O_RDONLY);
	FILE *stream = fopen(file, "r");
	if (fd < 0 || !stream || read(fd, text, sizeof(text) - 1) <= 0 ||
	    !fgets(again, sizeof(again), stream))
		strcpy(text, "none\n");
	if (stream)
		fclose(stream);
	close(fd);
	printf("%s sysfs %s %d %s%s", label, name, access(file, R_OK), text,
	       strcmp(text, again) == 0 ? "" : "differs\n");
}

static void read_attributes(const char *label, const char *path)
{
	read_attribute(label, path, "atomic_write_max_bytes");
	read_attribute(label, path, "atomic_write_unit_min_bytes");
	read_attribute(label, path, "atomic_write_unit_max_bytes");
	read_attribute(label, path, "atomic_write_boundary_bytes");
}

static void ask_all(const char *label, const char *path)
{
	int dev = open("/dev", O_RDONLY | O_DIRECTORY);

	ask(label, "path", AT_FDCWD, path, 0, STATX_WRITE_ATOMIC);
	ask(label, "path-all", AT_FDCWD, path, 0, STATX_ALL | STATX_WRITE_ATOMIC);
	ask(label, "not-asked", AT_FDCWD, path, 0, STATX_ALL);
	if (strncmp(path, "/dev/", 5) == 0)
		ask(label, "dirfd", dev, path + 5, 0, STATX_WRITE_ATOMIC);
	close(dev);
	ask_by_fd(label, path);
	ask_by_link(label, path);
	if (strncmp(path, "/dev/nvme", 9) == 0 || strncmp(path, "/dev/sd", 7) == 0)
		read_attributes(label, path);
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		char *path = strchr(argv[i], '=');

		if (path)
			*path++ = '\0';
		ask_all(argv[i], path ? path : argv[i]);
	}
	return EXIT_SUCCESS;
}
