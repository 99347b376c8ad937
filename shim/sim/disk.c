/* SPDX-License-Identifier: MIT */
/*
 * The medium: stores and loads on the image, counted, delayed, torn and cut as configured.
 *
 * Each access opens the image anew and holds an open-file-description lock on its range. The lock
 * excludes other threads and other processes, and is gone when its process is killed. A plain write
 * takes the lock block by block, so a racing reader may see it half done. An atomic command takes
 * it once.
 */
#include "sim/sim.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "sim/next.h"

/* Writes of this thread that are under way together. */
static __thread struct {
	unsigned left;              /* not begun yet */
	const struct sim_disk *cut; /* its power fails while they are under way */
} batch;

bool sim_disk_is_read_only(const struct sim_disk *disk)
{
	return disk->readonly || sim_state(disk)->read_only;
}

bool sim_disk_is_gone(const struct sim_disk *disk)
{
	return sim_state(disk)->dead;
}

unsigned sim_disk_format(const struct sim_disk *disk)
{
	unsigned index = 0;

	while (index < disk->format_count && (disk->formats[index].block != disk->block ||
					      disk->formats[index].metadata != disk->metadata))
		index++;
	return index;
}

/* From command `weakens` on, the disk promises one block (0), as after a change of firmware. */
unsigned sim_disk_nawupf(const struct sim_disk *disk)
{
	return disk->weakens && sim_state(disk)->commands >= disk->weakens ? 0 : disk->nawupf;
}

void sim_disk_set_read_only(const struct sim_disk *disk, bool value)
{
	sim_state(disk)->read_only = value;
}

/* splitmix64 */
uint64_t sim_chance(uint64_t seed, uint64_t n)
{
	uint64_t z = seed * UINT64_C(0x9e3779b97f4a7c15) + n * UINT64_C(0xbf58476d1ce4e5b9);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static uint64_t cut_number(const struct sim_disk *disk)
{
	return disk->cut_max ? 1 + sim_chance(disk->seed, 0) % disk->cut_max : disk->cut;
}

/* NVM Command Set 1.0 section 2.1.4.2: true if the write is within the unit for power fail and
 * crosses no boundary of it. */
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

/* Returns the length of the pieces of this write: each is stored whole or not at all. */
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

/* Returns the length of the piece that begins after `done` bytes. */
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

	return sim_next()->fcntl(fd, F_OFD_SETLKW, &range) < 0 ? -errno : 0;
}

static int store_piece(const struct sim_disk *disk, int fd, const struct sim_write *write,
		       uint32_t done, uint32_t length)
{
	const char *data = (const char *)write->data + done;
	uint64_t offset = write->offset + done;

	lock(fd, F_WRLCK, offset, length);
	int error = sim_cache_note(disk, fd, data, offset, length, write->fua);
	ssize_t stored = error ? error : sim_next()->pwrite(fd, data, length, (off_t)offset);
	if (!error)
		error = stored == (ssize_t)length ? 0 : stored < 0 ? -errno : -EIO;
	if (!error && !write->from_mirror)
		sim_mirror_note(disk, data, offset, length);
	lock(fd, F_UNLCK, offset, length);
	return error;
}

int sim_disk_lock_all(const struct sim_disk *disk)
{
	int fd = sim_next()->open(disk->image, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	lock(fd, F_WRLCK, 0, 0);
	return fd;
}

/* Stores the part of the write that survives a power cut: each piece or not, by chance. */
static void store_remains(const struct sim_disk *disk, int fd, const struct sim_write *write)
{
	uint64_t which = sim_state(disk)->writes;
	uint32_t piece;

	for (uint32_t done = 0, number = 1; done < write->length; done += piece, number++) {
		piece = piece_at(disk, write, done);
		if (sim_chance(disk->seed + which, number) & 1)
			store_piece(disk, fd, write, done, piece);
	}
}

static int store_all(const struct sim_disk *disk, int fd, const struct sim_write *write)
{
	uint32_t piece;
	int error = 0;

	for (uint32_t done = 0; done < write->length && !error; done += piece) {
		piece = piece_at(disk, write, done);
		error = store_piece(disk, fd, write, done, piece);
		if (disk->tear_us && piece < write->length)
			usleep(disk->tear_us);
	}
	return error ? -EIO : 0;
}

/* Locks the image first, so that no piece of another thread or process is half stored. The kernel
 * ends even a pwrite() of a few pages in the middle when it kills the process; a disk does not. */
static int lose_power(const struct sim_disk *disk)
{
	int fd = sim_disk_lock_all(disk);

	if (sim_state(disk)->dead++ == 0 && fd >= 0)
		sim_cache_cut(disk, fd);
	return fd;
}

/* All disks have the same power supply. With SIM_CUT_EIO only this disk fails; otherwise the images
 * stay locked until this process has ended. */
static int die(const struct sim_disk *disk)
{
	int fd = lose_power(disk);

	if (disk->cut_action == SIM_CUT_EIO) {
		close(fd);
		return -EIO;
	}
	for (unsigned i = 0; i < sim_disk_count(); i++) {
		if (i != disk->index)
			lose_power(sim_disk_at(i));
	}
	if (disk->cut_action == SIM_CUT_TREE)
		sim_state_kill_others(disk);
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

	if (sim_disk_is_gone(disk))
		return -EIO;
	log_line(disk, line, sizeof(line) - 1);
	return sim_cache_flush(disk);
}

/* Counts a command. Returns the fault that is configured for it, or NULL. */
static const struct sim_fault *next_fault(const struct sim_disk *disk)
{
	uint64_t number = 1 + atomic_fetch_add(&sim_state(disk)->commands, 1);

	if (disk->gone && number >= disk->gone)
		sim_state(disk)->dead = 1;
	for (unsigned i = 0; i < disk->fault_count; i++) {
		const struct sim_fault *fault = &disk->faults[i];
		if (fault->command == number ||
		    (fault->one_in && sim_chance(disk->seed, number) % fault->one_in == 0))
			return fault;
	}
	return NULL;
}

/* The power fails in the last of the writes that are under way together. */
static int store_cut(const struct sim_disk *disk, int fd, const struct sim_write *write)
{
	const struct sim_disk *cut = batch.cut ? batch.cut : disk;

	store_remains(disk, fd, write);
	batch.cut = batch.left ? cut : NULL;
	return batch.left ? 0 : die(cut);
}

/* Not exact if the writes go to several disks: then a cut may come some writes too early. */
void sim_disk_begin_batch(unsigned writes)
{
	batch.left = writes;
	batch.cut = NULL;
}

/* Cuts the power if that is still due: not all writes of the batch may have been stored. */
void sim_disk_end_batch(void)
{
	const struct sim_disk *cut = batch.cut;

	batch.left = 0;
	batch.cut = NULL;
	if (cut)
		die(cut);
}

static int store(const struct sim_disk *disk, const struct sim_write *write)
{
	int fd = sim_next()->open(disk->image, O_RDWR | O_CLOEXEC), error = 0;

	if (fd < 0)
		return -EIO;
	uint64_t number = 1 + atomic_fetch_add(&sim_state(disk)->writes, 1);
	uint64_t cut = cut_number(disk);
	batch.left -= batch.left > 0;
	if (batch.cut || (cut >= number && cut <= number + batch.left))
		error = store_cut(disk, fd, write);
	else
		error = store_all(disk, fd, write);
	close(fd);
	return error;
}

/* The chance depends on the seed, but is another one than that of faults. */
static bool is_dropped(const struct sim_disk *disk)
{
	return disk->drops &&
	       sim_chance(disk->seed + 1, sim_state(disk)->commands) % disk->drops == 0;
}

int sim_disk_write(const struct sim_disk *disk, const struct sim_write *write,
		   const struct sim_fault **ret_fault)
{
	bool plain = write->means == SIM_PLAIN;
	const struct sim_fault *fault = plain ? NULL : next_fault(disk);
	bool dead = sim_disk_is_gone(disk);

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

/* Opens the mirror if there is one, or returns -1: mappings may have newer data than the image. */
static int open_to_read(const struct sim_disk *disk)
{
	return sim_state(disk)->mirrored ? sim_mirror_fd(disk) : -1;
}

ssize_t sim_disk_read(const struct sim_disk *disk, void *data, uint64_t offset, size_t length)
{
	if (sim_disk_is_gone(disk))
		return -EIO;
	int fd = sim_next()->open(disk->image, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return -EIO;
	lock(fd, F_RDLCK, offset, length);
	int mirror = open_to_read(disk);
	ssize_t result = sim_next()->pread(mirror >= 0 ? mirror : fd, data, length, (off_t)offset);
	if (result < 0)
		result = -errno;
	if (mirror >= 0)
		close(mirror);
	close(fd);
	return result;
}
