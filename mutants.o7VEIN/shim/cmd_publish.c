/* SPDX-License-Identifier: MIT */
/* untorn publish: asks disks what they are, and leaves the answer where all may read it. */
#include "cmd.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <glob.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cleanup.h"
#include "config.h"
#include "identify.h"
#include "inquiry.h"
#include "limits_nvme.h"
#include "limits_scsi.h"
#include "published.h"
#include "sysfs.h"

struct answer {
	enum published_kind kind;
	size_t size;
	union {
		struct nvme_identity nvme;
		struct scsi_identity scsi;
	} identity;
	struct limits limits;
};

/* What it is, it says itself: it does not know the other's way of asking. */
static int ask(int fd, dev_t device, struct answer *answer)
{
	int error = identify_nvme(fd, &answer->identity.nvme);

	answer->kind = PUBLISHED_NVME;
	answer->size = sizeof(answer->identity.nvme);
	if (!error)
		answer->limits = limits_nvme(&answer->identity.nvme, config_get().nvme_policy);
	if (!error || !inquiry_is_disk(device))
		return error;
	error = inquiry_scsi(fd, device, &answer->identity.scsi);
	answer->kind = PUBLISHED_SCSI;
	answer->size = sizeof(answer->identity.scsi);
	if (!error)
		answer->limits = limits_scsi(&answer->identity.scsi);
	return error;
}

static int publish(const char *path)
{
	static struct answer answer;
	struct stat st;

	AUTO_CLOSE int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return cmd_fail(1, "%s: %m", path);
	if (!S_ISBLK(st.st_mode))
		return cmd_fail(1, "%s is not a block device", path);
	int error = ask(fd, st.st_rdev, &answer);
	if (error)
		return cmd_fail(1, "%s: %s", path,
				error == -ENOTTY ? "neither an NVMe namespace nor a SCSI disk"
						 : strerror(-error));
	error = published_write(st.st_rdev, answer.kind, &answer.identity, answer.size);
	if (error)
		return cmd_fail(1, "%s: cannot write to %s: %s", path, published_directory,
				strerror(-error));
	if (answer.limits.unit_max)
		printf("published %s: its atomic unit is %u bytes\n", path, answer.limits.unit_max);
	else
		printf("published %s: no atomic writes, %s\n", path,
		       limits_explain(answer.limits.refusal));
	return 0;
}

/* Is it a whole disk, nvme0n1 or sda, and not a partition, nvme0n1p1 or sda1? One that holds
 * something: a card reader's slot may be empty. */
static bool is_disk(const char *path)
{
	const char *name = path + strlen("/dev/");
	uint64_t size = 0;
	struct stat st;

	if (stat(path, &st) < 0 || (sysfs_number(st.st_rdev, "size", &size) == 0 && !size))
		return false;
	return *name == 's' ? !strpbrk(name, "0123456789") : !strchr(name + strlen("nvme"), 'p');
}

static int publish_all(void)
{
	glob_t found;
	int status = 0, disks = 0;

	if (glob("/dev/{nvme[0-9]*n[0-9]*,sd[a-z]*}", GLOB_BRACE, NULL, &found) == 0) {
		for (size_t i = 0; i < found.gl_pathc; i++) {
			if (!is_disk(found.gl_pathv[i]))
				continue;
			disks++;
			status |= publish(found.gl_pathv[i]);
		}
		globfree(&found);
	}
	/* No failure: this is started at boot, on machines of every kind. */
	return disks ? status
		     : cmd_fail(0, "nothing to publish: there is no NVMe or SCSI disk in /dev");
}

int cmd_publish(int argc, char **argv)
{
	static const struct option options[] = { { "help", no_argument, NULL, 'h' }, { 0 } };
	int option, status = 0;

	while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (option != 'h')
			return cmd_fail(CMD_USAGE, "see untorn publish --help");
		return cmd_help("publish");
	}
	if (geteuid() != 0)
		return cmd_fail(1, "only root may publish: what others leave is not believed");
	if (optind == argc)
		return publish_all();
	for (; optind < argc; optind++)
		status |= publish(argv[optind]);
	return status;
}
