/* SPDX-License-Identifier: MIT */
/*
 * The medium: stores and loads on the image, counted, delayed, torn and cut as configured.
 *
 * Each access opens the image anew and holds an open-file-description lock on its range: so it is
 * alone in its process and among processes, and nothing is left when one is killed. A plain write
 * takes the lock block by block, which is what makes a racing reader see it half done; an atomic
 * command takes it once.
 */
#include "sim/sim.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "sim/next.h"

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

/* New firmware, say, that promises one block only. */
unsigned sim_disk_nawupf(const struct sim_disk *disk)
{
	return disk->weakens && atomic_load(&state->commands) >= disk->weakens ? 0 : disk->nawupf;
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
static bool is_atomic_nvme(const struct sim_disk *disk, uint64_t offset, uint32_t length)
{
	uint64_t first = offset / disk->block, blocks = length / disk->block, unit, boundary = 0;
	unsigned nawupf = sim_disk_nawupf(disk);

	if ((disk->nsfeat & 2) && nawupf) {
		unit = nawupf + 1;
		boundary = disk->nabspf ? disk->nabspf + 1 : 0;
	} else if (disk->amazon && disk->ntwpu) {
		unit = disk->ntwpu + 1;
		boundary = disk->ntwpb ? (uint64_t)disk->ntwpb + 1 : 0;
	} else {
		unit = disk->awupf + 1;
	}
	first += boundary ? boundary - disk->nabo % boundary : 0;
	return blocks <= unit && (!boundary || first / boundary == (first + blocks - 1) / boundary);
}

static uint32_t least(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

/* What the write is stored in: each piece whole or not at all. */
static uint32_t piece_of(const struct sim_disk *disk, const struct sim_write *write)
{
	uint32_t length = write->length;

	if (write->means == SIM_PLAIN || write->means == SIM_SG)
		return disk->block;
	if (write->boundary)
		length = least(length, write->boundary);
	if (disk->tears && disk->tears < length)
		return disk->tears;
	if (write->means == SIM_ATOMIC || is_atomic_nvme(disk, write->offset, length))
		return length;
	return disk->block;
}

/* The piece that begins when so much is done. */
static uint32_t piece_at(const struct sim_disk *disk, const struct sim_write *write, uint32_t done)
{
	uint32_t piece = least(piece_of(disk, write), write->length - done);

	if (!disk->tears_across)
		return piece;
	return least(piece,
		     disk->tears_across - (uint32_t)((write->offset + done) % disk->tears_across));
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

/* What survives a power cut in the middle: each piece or not. */
static void store_remains(const struct sim_disk *disk, int fd, const struct sim_write *write)
{
	const char *data = write->data;
	uint32_t piece;

	for (uint32_t done = 0, number = 1; done < write->length; done += piece, number++) {
		piece = piece_at(disk, write, done);
		if (chance(disk->seed, number) & 1)
			store_piece(fd, data + done, write->offset + done, piece);
	}
}

static int store_all(const struct sim_disk *disk, int fd, const struct sim_write *write)
{
	const char *data = write->data;
	uint32_t piece;
	int error = 0;

	for (uint32_t done = 0; done < write->length && !error; done += piece) {
		piece = piece_at(disk, write, done);
		error = store_piece(fd, data + done, write->offset + done, piece);
		if (disk->tear_us && piece < write->length)
			usleep(disk->tear_us);
	}
	return error ? -EIO : 0;
}

/* Not while another thread's or process's piece is half stored: the kernel ends even a pwrite() of
 * a few pages in the middle when its process is killed, and that would be no disk's doing. */
static int die(const struct sim_disk *disk, int fd)
{
	lock(fd, F_WRLCK, 0, 0);
	atomic_store(&state->dead, 1);
	if (!disk->cut_eio)
		kill(getpid(), SIGKILL);
	return -EIO;
}

static void log_line(const struct sim_disk *disk, const char *line, int size)
{
	int fd = *disk->log ? sim_next()->open(disk->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC,
					       0644)
			    : -1;
	if (fd < 0)
		return;
	if (sim_next()->write(fd, line, (size_t)size) < 0)
		size = 0;
	close(fd);
}

static void log_write(const struct sim_disk *disk, const struct sim_write *write, bool faulty)
{
	static const char *const names[] = { "pwrite", "submit", "io", "sg", "atomic" };
	char line[128], boundary[32] = "";

	if (write->means == SIM_ATOMIC)
		snprintf(boundary, sizeof(boundary), " boundary=%u", write->boundary / disk->block);
	int size = snprintf(line, sizeof(line), "write slba=%llu nlb=%u fua=%d%s via=%s%s\n",
			    (unsigned long long)(write->offset / disk->block),
			    write->length / disk->block, write->fua, faulty ? " fault" : "",
			    names[write->means], boundary);
	log_line(disk, line, size);
}

int sim_disk_flush(const struct sim_disk *disk)
{
	static const char line[] = "flush\n";

	if (sim_disk_is_gone())
		return -EIO;
	log_line(disk, line, sizeof(line) - 1);
	return 0;
}

/* The configured fault of the command that comes now, or NULL. */
static const struct sim_fault *next_fault(const struct sim_disk *disk)
{
	uint64_t number = 1 + atomic_fetch_add(&state->commands, 1);

	if (disk->gone && number >= disk->gone)
		atomic_store(&state->dead, 1);
	for (unsigned i = 0; i < disk->fault_count; i++) {
		const struct sim_fault *fault = &disk->faults[i];
		if (fault->command == number ||
		    (fault->one_in && chance(disk->seed, number) % fault->one_in == 0))
			return fault;
	}
	return NULL;
}

static int store(const struct sim_disk *disk, const struct sim_write *write)
{
	int fd = sim_next()->open(disk->image, O_RDWR | O_CLOEXEC), error = 0;

	if (fd < 0)
		return -EIO;
	bool cut = 1 + atomic_fetch_add(&state->writes, 1) == cut_number(disk);
	if (cut)
		store_remains(disk, fd, write);
	else
		error = store_all(disk, fd, write);
	if (cut)
		error = die(disk, fd);
	close(fd);
	return error;
}

/* By chance and the seed, but not the chance that faults go by. */
static bool is_dropped(const struct sim_disk *disk)
{
	return disk->drops &&
	       chance(disk->seed + 1, atomic_load(&state->commands)) % disk->drops == 0;
}

int sim_disk_write(const struct sim_disk *disk, const struct sim_write *write,
		   const struct sim_fault **ret_fault)
{
	bool plain = write->means == SIM_PLAIN;
	const struct sim_fault *fault = plain ? NULL : next_fault(disk);
	bool dead = atomic_load(&state->dead);

	*ret_fault = NULL;
	log_write(disk, write, fault != NULL);
	if (disk->delay_us)
		usleep(disk->delay_us);
	if (dead)
		return plain ? -EIO : -ENODEV;
	*ret_fault = fault;
	if (!plain && !fault && is_dropped(disk))
		return 0;
	return fault && fault->kind != SIM_FAULT_RESID ? fault->value : store(disk, write);
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
