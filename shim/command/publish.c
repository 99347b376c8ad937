/* SPDX-License-Identifier: MIT */
/* untorn publish: asks NVMe disks for their identify data and leaves them in /run/untorn, where all
 * users may read them (device/published.h). */
#include "command/command.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <glob.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/config.h"
#include "device/decision.h"
#include "device/identify.h"
#include "device/published.h"

/* Says why nothing is published: identify data without root's decision would be half the truth. */
static int fail_decision(const char *path, const struct decision_source *source)
{
	if (source->error == -EBADMSG)
		return cmd_fail(1, "%s: not published: line %u of %s/%s is invalid", path,
				source->line, decision_directory, DECISION_FILE);
	return cmd_fail(1, "%s: not published: %s/%s is not believed: %s", path, decision_directory,
			DECISION_FILE, cmd_why_not_believed(source->error));
}

static void say(const char *path, const struct nvme_identity *identity,
		const struct decision_source *source)
{
	struct decision decision = config_get().decision;
	enum nvme_policy policy = decision.nvme_policy ?: source->found.nvme_policy;
	struct limits limits = limits_nvme(identity, policy);

	printf("published %s: ", path);
	if (limits.unit_max)
		printf("its atomic unit is %u bytes", limits.unit_max);
	else
		printf("no atomic writes: %s", limits_explain(limits.refusal));
	if (source->line)
		printf(", by line %u of %s/%s", source->line, decision_directory, DECISION_FILE);
	printf("\n");
}

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
	struct decision_source source = decision_by_file(st.st_rdev);
	if (source.error && source.error != -ENOENT)
		return fail_decision(path, &source);
	error = published_write(st.st_rdev, &identity, source.found);
	if (error)
		return cmd_fail(1, "%s: cannot write to %s: %s", path, published_directory,
				strerror(-error));
	say(path, &identity, &source);
	return 0;
}

/* True for a whole disk (nvme0n1), false for a partition (nvme0n1p1). */
static bool is_disk(const char *path)
{
	return !strchr(path + strlen("/dev/nvme"), 'p');
}

static int publish_all(void)
{
	glob_t found;
	int status = 0, disks = 0;

	if (glob("/dev/nvme[0-9]*n[0-9]*", 0, NULL, &found) == 0) {
		for (size_t i = 0; i < found.gl_pathc; i++) {
			if (!is_disk(found.gl_pathv[i]))
				continue;
			disks++;
			status |= publish(found.gl_pathv[i]);
		}
		globfree(&found);
	}
	/* Not a failure: this runs at boot, on machines of every kind. */
	return disks ? status : cmd_fail(0, "nothing to publish: there is no NVMe disk in /dev");
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
		return cmd_fail(1,
				"only root may publish: the shim believes no other user's records");
	if (optind == argc)
		return publish_all();
	for (; optind < argc; optind++)
		status |= publish(argv[optind]);
	return status;
}
