/* SPDX-License-Identifier: MIT */
/* Reads devices.conf, and combines it with the environment and root's record. It reads one line at
 * a time, because it may run on a signal handler's stack. Start reading at decision_of(). */
#include "device/decision.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/real.h"
#include "base/sysfs.h"
#include "base/trusted.h"
#include "device/published.h"
#include "rules/devices_conf.h"

enum { LINE = 512, NAME = 264 /* a WWID of SCSI may have 256 bytes, one of NVMe has 140 */ };

const char *decision_directory = DECISION_DIRECTORY;

/* Reads the line that begins at *at, without its newline, and moves *at to the next line. Returns
 * 1, 0 at the end of the file, or -errno; -EBADMSG: the line is too long, or holds a byte 0. */
static int read_line(int fd, off_t *at, char ret_text[LINE])
{
	ssize_t length = lseek(fd, *at, SEEK_SET) < 0 ? -1 : read(fd, ret_text, LINE - 1);

	if (length <= 0)
		return length < 0 ? -errno : 0;
	ret_text[length] = '\0';
	size_t end = strcspn(ret_text, "\n");
	if (ret_text[end] != '\n' && (end == LINE - 1 || end != (size_t)length))
		return -EBADMSG;
	ret_text[end] = '\0';
	*at += (off_t)end + 1;
	return 1;
}

/* Drives pad their names with blanks. */
static const char *trim(char *text)
{
	size_t length = strlen(text);

	while (length && text[length - 1] == ' ')
		text[--length] = '\0';
	return text + strspn(text, " ");
}

/* Reads the Unit Serial Number page (SPC-4), whose text follows four bytes. */
static int read_scsi_serial(dev_t device, char ret_text[NAME])
{
	char page[NAME + 4] = "";

	int length = sysfs_disk_bytes(device, "device/vpd_pg80", page, sizeof(page) - 1);
	if (length >= 0)
		memcpy(ret_text, page + 4, NAME);
	return length < 0 ? length : 0;
}

static int read_name(dev_t device, enum devices_conf_key key, char ret_text[NAME])
{
	static const char *const files[] = {
		[CONF_MODEL] = "device/model",
		[CONF_SERIAL] = "device/serial",
		[CONF_WWID] = "wwid",
	};

	int error = sysfs_disk_text(device, files[key], ret_text, NAME);
	if (error == -ENOENT && key == CONF_WWID)
		return sysfs_disk_text(device, "device/wwid", ret_text, NAME);
	if (error == -ENOENT && key == CONF_SERIAL)
		return read_scsi_serial(device, ret_text);
	return error;
}

/* True: the path leads to the disk or a partition of it. False also for a path that leads
 * nowhere. */
static bool is_on_disk(const char *path, dev_t device)
{
	char wanted[32], found[32];
	struct statx stx;

	return real_statx(AT_FDCWD, path, 0, STATX_TYPE, &stx) == 0 && S_ISBLK(stx.stx_mode) &&
	       sysfs_disk_text(device, "dev", wanted, sizeof(wanted)) == 0 &&
	       sysfs_disk_text(makedev(stx.stx_rdev_major, stx.stx_rdev_minor), "dev", found,
			       sizeof(found)) == 0 &&
	       strcmp(wanted, found) == 0;
}

/* Returns whether the pattern matches the disk's name, 1 or 0; or -errno: no answer from the
 * kernel. A disk without such a name matches no pattern. */
static int is_called(dev_t device, enum devices_conf_key key, const char *pattern)
{
	char name[NAME];

	if (!pattern)
		return 1;
	int error = read_name(device, key, name);
	if (error)
		return error == -ENOENT ? 0 : error;
	return devices_conf_matches(pattern, trim(name));
}

static int is_about(const struct devices_conf_line *line, dev_t device)
{
	int is = !devices_conf_is_empty(line);

	for (enum devices_conf_key key = 0; is > 0 && key < CONF_PATH; key++)
		is = is_called(device, key, line->pattern[key]);
	if (is > 0 && line->pattern[CONF_PATH])
		is = is_on_disk(line->pattern[CONF_PATH], device);
	return is;
}

/* Reads all lines, even after a match: a mistake in any line makes the whole file invalid. */
static void read_file(int fd, dev_t device, struct decision_source *source)
{
	struct devices_conf_line line;
	char text[LINE];
	off_t at = 0;
	int is;

	for (unsigned number = 1; (is = read_line(fd, &at, text)) != 0; number++) {
		if (is > 0 && !devices_conf_parse(text, &line))
			is = -EBADMSG;
		if (is > 0)
			is = source->line ? 0 : is_about(&line, device);
		if (is < 0) {
			*source = (struct decision_source){ is, number, { 0 } };
			return;
		}
		if (is > 0)
			*source = (struct decision_source){ 0, number, line.decision };
	}
}

struct decision_source decision_by_file(dev_t device)
{
	struct decision_source source = { 0 };

	AUTO_CLOSE int fd = trusted_open(decision_directory, DECISION_FILE);
	if (fd < 0)
		source.error = fd;
	else
		read_file(fd, device, &source);
	return source;
}

/* Returns 1, 0, or -errno. Another controller of a multipath disk was not asked, and may promise
 * less. */
static int has_other_controllers(dev_t device)
{
	char subsystem[32];
	unsigned count;

	int error = sysfs_disk_link(device, "device/subsystem", subsystem, sizeof(subsystem));
	if (error || strcmp(subsystem, "nvme-subsystem") != 0)
		return error == -ENOENT ? 0 : error; /* not a multipath NVMe disk */
	error = sysfs_disk_count(device, "device", "nvme", &count);
	return error ? error : count != 1;
}

/* Policies other than "namespace" may use AWUPF, which one controller reports for itself only. */
static int believe_awupf(dev_t device, struct decision *decision)
{
	int others =
		decision->nvme_policy == NVME_POLICY_NAMESPACE ? 0 : has_other_controllers(device);

	if (others > 0)
		decision->nvme_policy = NVME_POLICY_NAMESPACE;
	return others < 0 ? others : 0;
}

/* These errors are temporary: they say nothing about the file. */
static bool is_no_answer(int error)
{
	return error == -EMFILE || error == -ENFILE || error == -ENOMEM || error == -EIO;
}

static void tell(const struct decision_source *source)
{
	static _Atomic bool told;

	if (!log_wants(LOG_ERROR) || atomic_exchange(&told, true))
		return;
	if (source->error == -EBADMSG)
		log_line("%s/%s: line %u is invalid, so the whole file is ignored",
			 decision_directory, DECISION_FILE, source->line);
	else
		log_line("%s/%s: users other than root may have written it, so it is ignored",
			 decision_directory, DECISION_FILE);
}

int decision_of(dev_t device, struct decision *ret_decision, struct decision_source *ret_source)
{
	struct decision_source source = decision_by_file(device);
	struct decision set = config_get().decision;

	if (ret_source)
		*ret_source = source;
	if (is_no_answer(source.error))
		return source.error;
	if (source.error == -ENOENT || source.error == -EACCES)
		published_decision(device, &source.found);
	else if (source.error)
		tell(&source);
	if (!set.nvme_policy)
		set.nvme_policy = source.found.nvme_policy ?: NVME_POLICY_NAMESPACE;
	if (!set.rules)
		set.rules = source.found.rules ?: RULES_LINUX;
	if (ret_source)
		*ret_source = source;
	*ret_decision = set;
	return believe_awupf(device, ret_decision);
}
