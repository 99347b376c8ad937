/* SPDX-License-Identifier: MIT */
/* The shim over the simulated disk in a program that changes its root or its user. Needs root. */
#include "preload.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "untorn_uapi.h"

/* The new root has only the image's name in it, which only the simulated disk needs. */
static void other_root(void)
{
	char command[1400];
	const char *image = image_path();
	int fd = open_disk();

	if (getenv("KNOWN"))
		check_write(fd, 0, 'R');
	snprintf(command, sizeof(command), "mkdir -p $(dirname %s.root%s) && ln %s %s.root%s",
		 image, image, image, image, image);
	want(system(command) == 0);
	snprintf(command, sizeof(command), "%s.root", image);
	pid_t child = fork();
	if (child == 0) {
		want(chdir(command) == 0 && chroot(".") == 0 && access("/dev", F_OK) < 0);
		check_write(fd, UNIT, 'r');
		check_statx(fd);
		_exit(0);
	}
	int status = status_of(child);
	snprintf(command, sizeof(command), "rm -r %s.root", image);
	want(system(command) == 0);
	want(status == 0 && holds(fd, UNIT, UNIT, 'r'));
}

static void as_nobody(void)
{
	int fd = open_disk();
	char command[600];

	if (getenv("KNOWN"))
		check_write(fd, 0, 'n');
	snprintf(command, sizeof(command), "chmod 755 $(dirname %s) && chmod 666 %s", image_path(),
		 image_path());
	want(system(command) == 0);
	want(setgid(65534) == 0 && setuid(65534) == 0);
	check_write(fd, UNIT, 'N');
	check_statx(fd);
}

const struct body bodies[] = {
	{ "other_root", other_root },
	{ "as_nobody", as_nobody },
	{ NULL, NULL },
};

static const struct preload_row rows[] = {
	{ "other_root", "", NULL, -1 },
	{ "other_root", "", "KNOWN=1", -1 },
	{ "as_nobody", "", NULL, -1 },
	{ "as_nobody", "", "KNOWN=1", -1 },
};

Suite *suite(void)
{
	if (geteuid() != 0)
		suite_skip("needs root");
	return preload_suite("the shim under another root or user", rows,
			     sizeof(rows) / sizeof(rows[0]));
}
