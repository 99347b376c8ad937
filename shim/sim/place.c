/* SPDX-License-Identifier: MIT */
/* The folder beside a disk's image, the image itself, and messages on standard error. */
#include "sim/sim.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "sim/next.h"

void sim_place(const struct sim_disk *disk, const char *name, char ret_path[SIM_PATH])
{
	snprintf(ret_path, SIM_PATH, "%s.sim%s%s", disk->image, *name ? "/" : "", name);
}

static void say(const char *text, int length)
{
	if (sim_next()->write(STDERR_FILENO, text, (size_t)length) < 0)
		return;
}

/* Prints a message, once: the caller of open() gets only the error, as if it were the node's. */
static int complain(const char *file, int error)
{
	static _Atomic bool said;
	const char *what = error == -EEXIST ? "exists, but is not an image of a simulated disk; "
					      "the option \"existing\" uses it as it is"
					    : strerror(-error);
	char text[600];

	if (!atomic_exchange(&said, true))
		say(text, snprintf(text, sizeof(text), "libuntorn-sim: %s: %s\n", file, what));
	return error;
}

void sim_say(const char *what, const char *outcome)
{
	static const char *_Atomic last;
	char text[256];

	if (atomic_exchange(&last, what) != what)
		say(text, snprintf(text, sizeof(text),
				   "libuntorn-sim: %s is not simulated%s; see "
				   "libuntorn-sim(7)\n",
				   what, outcome));
}

int sim_refuse(const char *what, int error)
{
	sim_say(what, ", and refused");
	return error;
}

static int open_file(const char *path)
{
	int fd = sim_next()->open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	return fd < 0 ? -errno : fd;
}

int sim_place_open(const struct sim_disk *disk, const char *name)
{
	char path[SIM_PATH];

	sim_place(disk, name, path);
	return open_file(path);
}

/* True: the image was made here, there is none yet, or "existing" takes it as it is. */
static bool is_ours(const struct sim_disk *disk)
{
	char folder[SIM_PATH];
	struct stat st;

	sim_place(disk, "", folder);
	return disk->existing || sim_stat(folder, &st) == 0 || sim_stat(disk->image, &st) < 0 ||
	       st.st_size == 0;
}

int sim_place_make_folder(const struct sim_disk *disk)
{
	char folder[SIM_PATH];

	sim_place(disk, "", folder);
	if (!is_ours(disk))
		return -EEXIST;
	return mkdir(folder, 0700) < 0 && errno != EEXIST ? -errno : 0;
}

/* Clears the folder, whose files belong to an image that was there before. */
static void forget(const struct sim_disk *disk)
{
	struct sim_state *state = sim_state(disk);

	state->cache_end = 0;
	sim_mirror_drop(disk);
	sim_node_empty(disk);
}

static int make_image(const struct sim_disk *disk)
{
	struct stat st = { 0 };
	int fd = open_file(disk->image);
	int error = fd < 0 ? fd : sim_fstat(fd, &st) < 0 ? -errno : 0;

	if (!error && st.st_size == 0)
		forget(disk);
	if (!error && (uint64_t)st.st_size < disk->size &&
	    sim_next()->ftruncate(fd, (off_t)disk->size) < 0)
		error = -errno;
	if (fd >= 0)
		close(fd);
	return error ? complain(disk->image, error) : 0;
}

int sim_place_make(const struct sim_disk *disk)
{
	int before = errno, error = sim_place_make_folder(disk);

	error = error ? complain(disk->image, error) : make_image(disk);
	errno = before;
	return error;
}
