/* SPDX-License-Identifier: MIT */
/*
 * The medium: stores and loads on the image, counted, delayed, torn and cut as configured.
 *
 * Each access opens the image anew and holds an open-file-description lock on its range: so it is
 * alone in its process and among processes, and nothing is left when one is killed. A plain write
 * takes the lock block by block, which is what makes a racing reader see it half done; an atomic
 * command takes it once.
 */
#include "sim.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "sim_next.h"

/* Shared by a process and those that it forks. */
struct state {
	_Atomic uint64_t writes, commands;
	_Atomic int dead, read_only;
};

static struct state own, *state = &own;

void sim_disk_start(void)
{
	struct state *shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
				    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (shared != MAP_FAILED)
		state = shared;
}

bool sim_disk_is_read_only(const struct sim_disk *disk)
{
	return disk->readonly || atomic_load(&state->read_only);
}

bool sim_disk_is_gone(void)
{
	return atomic_load(&state->dead);
}

void sim_disk_set_read_only(bool value)
{
	atomic_store(&state->read_only, value);
}

/* splitmix64: the n-th number of a seeded sequence, without state. */
static uint64_t chance(uint64_t seed, uint64_t n)
{
	uint64_t z = seed * UINT64_C(0x9e3779b97f4a7c15) + n * UINT64_C(0xbf58476d1ce4e5b9);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static uint64_t cut_number(const struct sim_disk *disk)
{
	return disk->cut_max ? 1 + chance(disk->seed, 0) % disk->cut_max : disk->cut;
}

/* NVM Command Set 1.0 section 2.1.4.2: within the unit for power fail and its boundary. */
bool sim_disk_is_atomic(const struct sim_disk *disk, uint64_t offset, uint32_t length)
{
	uint64_t first = offset / disk->block, blocks = length / disk->block, unit, boundary = 0;

	if ((disk->nsfeat & 2) && disk->nawupf) {
		unit = disk->nawupf + 1;
		boundary = disk->nabspf ? disk->nabspf + 1 : 0;
	} else if (disk->amazon && disk->ntwpu) {
		unit = disk->ntwpu + 1;
		boundary = disk->ntwpb ? (uint64_t)disk->ntwpb + 1 : 0;
	} else {
		unit = disk->awupf + 1;
	}
	if (disk->tears && length > disk->tears)
		return false;
	first += boundary ? boundary - disk->nabo % boundary : 0;
	return blocks <= unit && (!boundary || first / boundary == (first + blocks - 1) / boundary);
}

static int lock(int fd, short type, uint64_t offset, uint64_t length)
{
	struct flock range = { .l_type = type,
			       .l_whence = SEEK_SET,
			       .l_start = (off_t)offset,
			       .l_len = (off_t)length };

	return fcntl(fd, F_OFD_SETLKW, &range) < 0 ? -errno : 0;
}

static int store_piece(int fd, const void *data, uint64_t offset, uint32_t length)
{
	lock(fd, F_WRLCK, offset, length);
	ssize_t stored = sim_next()->pwrite(fd, data, length, (off_t)offset);
	int error = stored == (ssize_t)length ? 0 : stored < 0 ? -errno : -EIO;
	lock(fd, F_UNLCK, offset, length);
	return error;
}

static uint32_t least(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

/* What survives a power cut in the middle: a command that is atomic as a whole or not at all, of
 * anything else each block by itself. */
static void store_remains(const struct sim_disk *disk, int fd, const char *data, uint64_t offset,
			  uint32_t length, uint32_t piece)
{
	for (uint32_t done = 0; done < length; done += piece) {
		if (chance(disk->seed, 1 + done / piece) & 1)
			store_piece(fd, data + done, offset + done, least(piece, length - done));
	}
}

static int store_all(const struct sim_disk *disk, int fd, const char *data, uint64_t offset,
		     uint32_t length, uint32_t piece)
{
	int error = 0;

	for (uint32_t done = 0; done < length && !error; done += piece) {
		error = store_piece(fd, data + done, offset + done, least(piece, length - done));
		if (disk->tear_us && piece < length)
			usleep(disk->tear_us);
	}
	return error ? -EIO : 0;
}

static int die(const struct sim_disk *disk)
{
	atomic_store(&state->dead, 1);
	if (!disk->cut_eio)
		kill(getpid(), SIGKILL);
	return -EIO;
}

static void log_write(const struct sim_disk *disk, uint64_t offset, uint32_t length, bool fua,
		      enum sim_means means)
{
	static const char *const names[] = { "pwrite", "submit", "io" };
	char line[128];

	int fd = *disk->log ? sim_next()->open(disk->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC,
					       0644)
			    : -1;
	if (fd < 0)
		return;
	int size = snprintf(line, sizeof(line), "write slba=%llu nlb=%u fua=%d via=%s\n",
			    (unsigned long long)(offset / disk->block), length / disk->block, fua,
			    names[means]);
	if (sim_next()->write(fd, line, (size_t)size) < 0)
		size = 0;
	close(fd);
}

/* The configured fault of the command that comes now; 0: none. */
static int fault(const struct sim_disk *disk, enum sim_means means)
{
	uint64_t number = means == SIM_PLAIN ? 0 : 1 + atomic_fetch_add(&state->commands, 1);

	if (disk->gone && number >= disk->gone)
		atomic_store(&state->dead, 1);
	if (atomic_load(&state->dead))
		return means == SIM_PLAIN ? -EIO : -ENODEV;
	for (unsigned i = 0; number && i < disk->fault_count; i++) {
		if (disk->faults[i].command == number)
			return disk->faults[i].status;
	}
	return 0;
}

int sim_disk_write(const struct sim_disk *disk, const void *data, uint64_t offset, uint32_t length,
		   bool fua, enum sim_means means)
{
	bool atomic = means != SIM_PLAIN && sim_disk_is_atomic(disk, offset, length);
	bool lies = means != SIM_PLAIN && disk->tears && disk->tears < length;
	uint32_t piece = atomic ? length : lies ? disk->tears : disk->block;
	int error = fault(disk, means);

	log_write(disk, offset, length, fua, means);
	if (disk->delay_us)
		usleep(disk->delay_us);
	if (error)
		return error;
	int fd = sim_next()->open(disk->image, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return -EIO;
	bool cut = 1 + atomic_fetch_add(&state->writes, 1) == cut_number(disk);
	if (cut)
		store_remains(disk, fd, data, offset, length, piece);
	else
		error = store_all(disk, fd, data, offset, length, piece);
	close(fd);
	return cut ? die(disk) : error;
}

ssize_t sim_disk_read(const struct sim_disk *disk, void *data, uint64_t offset, size_t length)
{
	if (atomic_load(&state->dead))
		return -EIO;
	int fd = sim_next()->open(disk->image, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return -EIO;
	lock(fd, F_RDLCK, offset, length);
	ssize_t result = sim_next()->pread(fd, data, length, (off_t)offset);
	if (result < 0)
		result = -errno;
	close(fd);
	return result;
}
