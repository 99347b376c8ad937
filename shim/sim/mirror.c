/* SPDX-License-Identifier: MIT */
/*
 * The page cache of a mapped disk: the file "mirror" in the disk's folder, which all mappings map.
 * From the first mapping on it has all of the image; writes go to both, reads come from here. Where
 * it differs from the image, a program has stored something. That is written to the disk when the
 * kernel would write it: at msync(), fsync() and the end.
 */
#include "sim/sim.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "sim/next.h"

enum { PAGE = 4096, CHUNK = 1 << 20, MAPPINGS = 64 };

/* A mapping, in which msync() finds its range of the disk. One that is no longer mapped does no
 * harm. */
struct mapping {
	uintptr_t address;
	size_t length;
	uint64_t offset;
	const struct sim_disk *disk;
};
static struct mapping mappings[MAPPINGS];
static _Atomic unsigned mapped; /* the number of mappings so far */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* Makes the lock anew in a child: the thread that held it is not there. */
static void unlock(void)
{
	lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
}

__attribute__((constructor)) static void start(void)
{
	pthread_atfork(NULL, NULL, unlock);
}

int sim_mirror_fd(const struct sim_disk *disk)
{
	return sim_place_open(disk, "mirror");
}

void sim_mirror_drop(const struct sim_disk *disk)
{
	char path[SIM_PATH];

	sim_place(disk, "mirror", path);
	unlink(path);
	sim_state(disk)->mirrored = 0;
}

void sim_mirror_note(const struct sim_disk *disk, const void *data, uint64_t offset,
		     uint32_t length)
{
	if (!sim_state(disk)->mirrored)
		return;
	int fd = sim_mirror_fd(disk);
	if (fd >= 0 && sim_next()->pwrite(fd, data, length, (off_t)offset) < 0)
		length = 0;
	if (fd >= 0)
		close(fd);
}

static int copy_all(const struct sim_disk *disk, int image, int mirror)
{
	char *chunk = sim_memory_get(CHUNK);
	int error = chunk ? 0 : -ENOMEM;

	for (uint64_t at = 0; at < disk->size && !error; at += CHUNK) {
		ssize_t got = sim_next()->pread(image, chunk, CHUNK, (off_t)at);
		if (got <= 0 || sim_next()->pwrite(mirror, chunk, (size_t)got, (off_t)at) != got)
			error = -EIO;
	}
	sim_memory_put(chunk, CHUNK);
	return error;
}

/* Copies the image while nobody writes. */
static int fill(const struct sim_disk *disk, int mirror)
{
	int image = sim_disk_lock_all(disk), error = image < 0 ? image : 0;

	if (!error && !sim_state(disk)->mirrored) {
		error = copy_all(disk, image, mirror);
		sim_state(disk)->mirrored = !error;
	}
	if (image >= 0)
		close(image);
	return error;
}

static void remember(const struct sim_disk *disk, const void *address, size_t length,
		     uint64_t offset)
{
	pthread_mutex_lock(&lock);
	mappings[mapped++ % MAPPINGS] =
		(struct mapping){ (uintptr_t)address, length, offset, disk };
	pthread_mutex_unlock(&lock);
}

static void *map(const struct sim_disk *disk, void *address, size_t length, int protection,
		 int flags, uint64_t offset)
{
	int fd = sim_mirror_fd(disk), error = fd < 0 ? fd : fill(disk, fd);
	void *memory = MAP_FAILED;

	if (!error)
		memory = sim_next()->mmap(address, length, protection, flags, fd, (off_t)offset);
	if (!error && memory == MAP_FAILED)
		error = -errno;
	if (fd >= 0)
		close(fd);
	if (!error && (flags & MAP_TYPE) != MAP_PRIVATE)
		remember(disk, memory, length, offset);
	errno = -error;
	return memory;
}

static int check(const struct sim_file *file, size_t length, int protection, int flags,
		 off_t offset)
{
	const struct sim_node *node = &file->node;
	int mode = file->flags & O_ACCMODE;

	if (file->flags & O_PATH)
		return -EBADF;
	if (mode == O_WRONLY ||
	    (mode == O_RDONLY && (protection & PROT_WRITE) && (flags & MAP_TYPE) != MAP_PRIVATE))
		return -EACCES;
	if (node->generic || !length || offset < 0 || offset % PAGE)
		return node->generic ? -ENODEV : -EINVAL;
	if (node->start % PAGE)
		return sim_refuse("mmap() of a partition that begins within a page", -EINVAL);
	if ((uint64_t)offset + length > (node->size + PAGE - 1) / PAGE * PAGE)
		return sim_refuse("mmap() beyond the end", -EINVAL);
	return 0;
}

void *sim_mirror_map(const struct sim_file *file, void *address, size_t length, int protection,
		     int flags, off_t offset)
{
	int error = check(file, length, protection, flags, offset);

	if (!error)
		return map(file->node.disk, address, length, protection, flags,
			   file->node.start + (uint64_t)offset);
	errno = -error;
	return MAP_FAILED;
}

static int store(const struct sim_disk *disk, const char *data, uint64_t offset, size_t length)
{
	struct sim_write write = { .data = data,
				   .offset = offset,
				   .length = (uint32_t)length,
				   .from_mirror = true,
				   .means = SIM_PLAIN };
	const struct sim_fault *fault;

	return length ? sim_disk_write(disk, &write, &fault) : 0;
}

/* Stores the pages that differ. Those in a row are one write. */
static int compare(const struct sim_disk *disk, const char *ours, const char *theirs, uint64_t at,
		   size_t length)
{
	size_t from = 0, page = 0;
	int error = 0;

	for (; page < length && !error; page += PAGE) {
		size_t part = length - page < PAGE ? length - page : PAGE;
		if (memcmp(ours + page, theirs + page, part) != 0)
			continue;
		error = store(disk, ours + from, at + from, page - from);
		from = page + part;
	}
	return error || from >= length ? error : store(disk, ours + from, at + from, length - from);
}

static int write_chunk(const struct sim_disk *disk, int mirror, int image, char *memory,
		       uint64_t at, size_t length)
{
	ssize_t ours = sim_next()->pread(mirror, memory, length, (off_t)at);
	ssize_t theirs = sim_next()->pread(image, memory + CHUNK, length, (off_t)at);

	if (ours != (ssize_t)length || theirs != ours)
		return -EIO;
	return memcmp(memory, memory + CHUNK, length) == 0
		       ? 0
		       : compare(disk, memory, memory + CHUNK, at, length);
}

static int write_range(const struct sim_disk *disk, uint64_t from, uint64_t to)
{
	int mirror = sim_mirror_fd(disk),
	    image = sim_next()->open(disk->image, O_RDONLY | O_CLOEXEC);
	char *memory = sim_memory_get((size_t)2 * CHUNK);
	int error = mirror < 0 || image < 0 ? -EIO : memory ? 0 : -ENOMEM;

	for (uint64_t at = from; at < to && !error; at += CHUNK)
		error = write_chunk(disk, mirror, image, memory, at,
				    to - at < CHUNK ? to - at : CHUNK);
	sim_memory_put(memory, (size_t)2 * CHUNK);
	if (mirror >= 0)
		close(mirror);
	if (image >= 0)
		close(image);
	return error;
}

int sim_mirror_write_back(const struct sim_disk *disk)
{
	return sim_state(disk)->mirrored ? write_range(disk, 0, disk->size) : 0;
}

int sim_mirror_flush(const struct sim_disk *disk)
{
	int error = sim_mirror_write_back(disk);

	return error ? error : sim_disk_flush(disk);
}

/* Writes back the part of this mapping that is in the range. */
static int sync_part(const struct mapping *mapping, uintptr_t from, uintptr_t to, bool flush)
{
	uintptr_t end = mapping->address + mapping->length;

	if (!mapping->disk || from >= end || to <= mapping->address)
		return 0;
	from = from > mapping->address ? from : mapping->address;
	to = to < end ? to : end;
	uint64_t at = mapping->offset + (from - mapping->address), last = at + (to - from);
	int error = write_range(mapping->disk, at,
				last < mapping->disk->size ? last : mapping->disk->size);
	return error || !flush ? error : sim_disk_flush(mapping->disk);
}

int sim_mirror_sync(const void *address, size_t length, bool flush)
{
	struct mapping now[MAPPINGS];
	int error = 0;

	if (!mapped)
		return 0;
	pthread_mutex_lock(&lock);
	memcpy(now, mappings, sizeof(now));
	pthread_mutex_unlock(&lock);
	for (int i = 0; i < MAPPINGS && !error; i++)
		error = sync_part(&now[i], (uintptr_t)address, (uintptr_t)address + length, flush);
	return error;
}

bool sim_mirror_has(const void *address)
{
	bool found = false;

	pthread_mutex_lock(&lock);
	for (unsigned i = 0; i < MAPPINGS && i < mapped; i++)
		found |= (uintptr_t)address - mappings[i].address < mappings[i].length;
	pthread_mutex_unlock(&lock);
	return found;
}

__attribute__((destructor)) static void at_end(void)
{
	for (unsigned i = 0; mapped && i < sim_disk_count(); i++)
		sim_mirror_write_back(sim_disk_at(i));
}
