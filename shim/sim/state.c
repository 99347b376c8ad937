/* SPDX-License-Identifier: MIT */
/*
 * The state of a disk, in a file that all processes that use it map. They count together, and the
 * disk dies for all of them. The power is on again for a process that begins when no other is left.
 * A process joins under the file's lock; later it only uses atomics.
 */
#include "sim/sim.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "sim/next.h"

enum { MEMBERS = 1024 };

/* A process. Its ID means that process only if it began at that time. */
struct member {
	_Atomic pid_t pid;
	_Atomic uint64_t began; /* ticks after boot */
};

struct shared {
	struct sim_state state;
	_Atomic uint64_t description; /* of the disk; with another one the power is on again */
	struct member members[MEMBERS];
};

static struct shared alone[SIM_MAX_DISKS]; /* used if the file is not available */
static struct shared *_Atomic known[SIM_MAX_DISKS];

/* Returns when the process began. In /proc/PID/stat that is 19 fields behind the state. 0: it has
 * ended. */
static uint64_t began(pid_t pid)
{
	char path[32], text[512] = "", state;
	unsigned long long start;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	int fd = sim_next()->open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	ssize_t length = sim_next()->read(fd, text, sizeof(text) - 1);
	close(fd);
	const char *rest = length > 0 ? strrchr(text, ')') : NULL;
	if (!rest || sscanf(rest + 1,
			    " %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d "
			    "%*d %*d %llu",
			    &state, &start) != 2)
		return 0;
	return state == 'Z' || state == 'X' ? 0 : start;
}

static bool lives(const struct member *member)
{
	pid_t pid = atomic_load(&member->pid);
	uint64_t then = atomic_load(&member->began);

	return pid && then && began(pid) == then;
}

static bool is_listed(struct shared *shared, pid_t pid)
{
	for (int i = 0; i < MEMBERS; i++) {
		if (shared->members[i].pid == pid && lives(&shared->members[i]))
			return true;
	}
	return false;
}

static void enrol(struct shared *shared)
{
	pid_t pid = getpid();

	for (int i = 0; i < MEMBERS && !is_listed(shared, pid); i++) {
		struct member *member = &shared->members[i];
		pid_t before = member->pid;
		if (!lives(member) && atomic_compare_exchange_strong(&member->pid, &before, pid))
			member->began = began(pid);
	}
}

/* True: a process uses the disk. It may be this process, which was another program before. */
static bool is_used(const struct shared *shared, const struct sim_disk *disk)
{
	if (shared->description != disk->description)
		return false;
	for (int i = 0; i < MEMBERS; i++) {
		if (lives(&shared->members[i]))
			return true;
	}
	return false;
}

/* Turns the power on. Writes stores into mappings that were not written yet, as the kernel would,
 * unless the power was cut. */
static void begin_anew(const struct sim_disk *disk, struct shared *shared)
{
	bool dead = shared->state.dead;

	shared->state.writes = shared->state.commands = 0;
	shared->state.dead = shared->state.read_only = 0;
	shared->description = disk->description;
	memset(shared->members, 0, sizeof(shared->members));
	if (shared->state.mirrored && !dead)
		sim_mirror_write_back(disk);
	sim_mirror_drop(disk);
}

static struct shared *map(int fd)
{
	struct stat st;

	if (sim_fstat(fd, &st) < 0 || ((size_t)st.st_size < sizeof(struct shared) &&
				       sim_next()->ftruncate(fd, sizeof(struct shared)) < 0))
		return NULL;
	void *memory =
		sim_mmap(NULL, sizeof(struct shared), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	return memory == MAP_FAILED ? NULL : memory;
}

static void lock(int fd, short type)
{
	struct flock all = { .l_type = type, .l_whence = SEEK_SET };

	sim_next()->fcntl(fd, F_OFD_SETLKW, &all);
}

static void join(const struct sim_disk *disk)
{
	int fd = sim_place_open(disk, "state");

	if (fd < 0)
		return;
	lock(fd, F_WRLCK);
	struct shared *shared = map(fd);
	if (shared) {
		bool used = is_used(shared, disk);
		atomic_store(&known[disk->index], shared);
		if (!used)
			begin_anew(disk, shared);
		enrol(shared);
	}
	lock(fd, F_UNLCK);
	close(fd);
}

struct sim_state *sim_state(const struct sim_disk *disk)
{
	struct shared *shared = atomic_load(&known[disk->index]);

	return shared ? &shared->state : &alone[disk->index].state;
}

void sim_state_kill_others(const struct sim_disk *disk)
{
	struct shared *shared = atomic_load(&known[disk->index]);

	for (int i = 0; shared && i < MEMBERS; i++) {
		const struct member *member = &shared->members[i];
		if (member->pid != getpid() && lives(member))
			kill(member->pid, SIGKILL);
	}
}

static void after_fork(void)
{
	for (unsigned i = 0; i < sim_disk_count(); i++) {
		struct shared *shared = atomic_load(&known[i]);
		if (shared && shared->description == sim_disk_at(i)->description)
			enrol(shared);
	}
}

void sim_state_start(void)
{
	for (unsigned i = 0; i < sim_disk_count(); i++) {
		const struct sim_disk *disk = sim_disk_at(i);
		if (disk->size && sim_place_make_folder(disk) == 0)
			join(disk);
	}
	if (sim_disk_count())
		pthread_atfork(NULL, NULL, after_fork);
}
