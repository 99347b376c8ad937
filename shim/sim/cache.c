/* SPDX-License-Identifier: MIT */
/*
 * The volatile cache: a list of the writes since the last flush, each with the data that was there
 * before it. The list is the file "cache" in the disk's folder; whoever uses it holds the file's
 * lock. The image has the newest data. A power cut puts everything back, from the newest to the
 * oldest, and then writes some pieces again: those that the disk had come to. If the list outgrows
 * the cache, the disk itself has written out the oldest pieces.
 */
#include "sim/sim.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sim/next.h"

/* The head of a piece. The data of before follows it, then the data of the write. */
struct piece {
	uint64_t offset;
	uint32_t length;
	uint32_t durable; /* written past the cache */
};

static int lock(int fd, short type)
{
	struct flock all = { .l_type = type, .l_whence = SEEK_SET };

	return sim_next()->fcntl(fd, F_OFD_SETLKW, &all) < 0 ? -errno : 0;
}

static int open_list(const struct sim_disk *disk)
{
	int fd = sim_place_open(disk, "cache");

	if (fd >= 0)
		lock(fd, F_WRLCK);
	return fd;
}

static size_t size_of(const struct piece *piece)
{
	return sizeof(*piece) + 2 * (size_t)piece->length;
}

static int append(int list, uint64_t end, const struct piece *piece, const void *before,
		  const void *data)
{
	const struct iovec iov[] = { { (void *)(uintptr_t)piece, sizeof(*piece) },
				     { (void *)(uintptr_t)before, piece->length },
				     { (void *)(uintptr_t)data, piece->length } };
	ssize_t written = sim_next()->pwritev(list, iov, 3, (off_t)end);

	return written == (ssize_t)size_of(piece) ? 0 : -EIO;
}

/* Reads the whole list into memory, which sim_memory_put() takes back. NULL: failed, or empty. */
static char *load(int list, uint64_t end)
{
	char *memory = end ? sim_memory_get(end) : NULL;

	if (memory && sim_next()->pread(list, memory, end, 0) != (ssize_t)end) {
		sim_memory_put(memory, end);
		memory = NULL;
	}
	return memory;
}

/* Writes out the oldest pieces, until half of the cache is free. */
static void write_out(const struct sim_disk *disk, int list, struct sim_state *state)
{
	uint64_t end = state->cache_end, from = 0;
	char *memory = load(list, end);

	while (memory && end - from > disk->cache)
		from += size_of((const struct piece *)(const void *)(memory + from));
	if (memory &&
	    sim_next()->pwrite(list, memory + from, end - from, 0) == (ssize_t)(end - from))
		state->cache_end = end - from;
	sim_memory_put(memory, end);
}

static int note(const struct sim_disk *disk, int image, int list, const void *data,
		const struct piece *piece)
{
	struct sim_state *state = sim_state(disk);
	char *before = sim_memory_get(piece->length);
	int error = before ? 0 : -ENOMEM;

	if (before && sim_next()->pread(image, before, piece->length, (off_t)piece->offset) !=
			      (ssize_t)piece->length)
		error = -EIO;
	if (!error)
		error = append(list, state->cache_end, piece, before, data);
	if (!error)
		state->cache_end += size_of(piece);
	if (state->cache_end > 2 * disk->cache)
		write_out(disk, list, state);
	sim_memory_put(before, piece->length);
	return error;
}

int sim_cache_note(const struct sim_disk *disk, int image, const void *data, uint64_t offset,
		   uint32_t length, bool durable)
{
	const struct piece piece = { offset, length, durable };

	if (!disk->cache)
		return 0;
	int list = open_list(disk);
	if (list < 0)
		return list;
	int error = note(disk, image, list, data, &piece);
	close(list);
	return error;
}

int sim_cache_flush(const struct sim_disk *disk)
{
	if (!disk->cache)
		return 0;
	int list = open_list(disk);
	if (list < 0)
		return list;
	sim_state(disk)->cache_end = 0;
	close(list);
	return 0;
}

/* Sets the place where each piece begins, in order. Returns the number of pieces. */
static size_t find_pieces(const char *memory, uint64_t end, uint32_t *ret_at)
{
	size_t count = 0;

	for (uint64_t at = 0; at < end;
	     at += size_of((const struct piece *)(const void *)(memory + at)))
		ret_at[count++] = (uint32_t)at;
	return count;
}

static void put(int image, const char *at, bool before)
{
	const struct piece *piece = (const struct piece *)(const void *)at;
	const char *data = at + sizeof(*piece) + (before ? 0 : piece->length);

	if (sim_next()->pwrite(image, data, piece->length, (off_t)piece->offset) < 0)
		return;
}

static void lose(const struct sim_disk *disk, int image, const char *memory, uint64_t end)
{
	size_t room = end / sizeof(struct piece) * sizeof(uint32_t);
	uint32_t *at = sim_memory_get(room);
	size_t count = at ? find_pieces(memory, end, at) : 0;

	for (size_t i = count; i > 0; i--)
		put(image, memory + at[i - 1], true);
	for (size_t i = 0; i < count; i++) {
		const struct piece *piece = (const struct piece *)(const void *)(memory + at[i]);
		if (piece->durable || (sim_chance(disk->seed + 2, i) & 1))
			put(image, memory + at[i], false);
	}
	sim_memory_put(at, room);
}

void sim_cache_cut(const struct sim_disk *disk, int image)
{
	int list = disk->cache ? open_list(disk) : -1;

	if (list < 0)
		return;
	uint64_t end = sim_state(disk)->cache_end;
	char *memory = load(list, end);
	if (memory)
		lose(disk, image, memory, end);
	sim_memory_put(memory, end);
	sim_state(disk)->cache_end = 0;
	close(list);
}
