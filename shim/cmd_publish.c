/* SPDX-License-Identifier: MIT */
/* untorn publish: asks NVMe disks what they are, and leaves the answer where all may read it. */
#include "cmd.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <glob.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cleanup.h"
#include "identify.h"
#include "published.h"

static int publish(const char *path)
{
	static struct nvme_identity identity;
	struct stat st;

	AUTO_CLOSE int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return cmd_fail(1, "%s: %m", path);
	if (!S_ISBLK(st.st_mode))
		return cmd_fail(1, "%s is not a block device", path);
	int error = identify_nvme(fd, &identity);
	if (error)
		return cmd_fail(1, "%s: %s", path,
				error == -ENOTTY ? "not an NVMe namespace" : strerror(-error));
	error = published_write(st.st_rdev, &identity);
	if (error)
		return cmd_fail(1, "%s: cannot write to %s: %s", path, published_directory,
				strerror(-error));
	printf("published what %s says\n", path);
	return 0;
}

static int publish_all(void)
{
	glob_t found;
	int status = 0;

	/* Whole disks: nvme0n1, not nvme0n1p1. */
	if (glob("/dev/nvme[0-9]*n[0-9]*", 0, NULL, &found) != 0)
		return cmd_fail(1, "there is no NVMe disk in /dev");
	for (size_t i = 0; i < found.gl_pathc; i++) {
		if (!strchr(found.gl_pathv[i] + strlen("/dev/nvme"), 'p'))
			status |= publish(found.gl_pathv[i]);
	}
	globfree(&found);
	return status;
}

int cmd_publish(int argc, char **argv)
{
	static const struct option options[] = { { "help", no_argument, NULL, 'h' }, { 0 } };
	int option, status = 0;

	while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (option != 'h')
			return 2;
		cmd_help("publish");
		return 0;
	}
	if (geteuid() != 0)
		return cmd_fail(1, "only root may publish: what others leave is not believed");
	if (optind == argc)
		return publish_all();
	for (; optind < argc; optind++)
		status |= publish(argv[optind]);
	return status;
}
