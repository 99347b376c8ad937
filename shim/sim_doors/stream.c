/* SPDX-License-Identifier: MIT */
/* stdio does not read and write by the C library's functions of that name. A stream of a node is
 * therefore one of ours (fopencookie(3)), which calls these functions. */
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "sim_doors/doors.h"

static ssize_t read_stream(void *cookie, char *data, size_t size)
{
	return read((int)(intptr_t)cookie, data, size);
}

/* Returns 0 for an error, as stdio wants it. */
static ssize_t write_stream(void *cookie, const char *data, size_t size)
{
	ssize_t written = write((int)(intptr_t)cookie, data, size);

	return written < 0 ? 0 : written;
}

static int seek_stream(void *cookie, off64_t *offset, int whence)
{
	off_t result = lseek((int)(intptr_t)cookie, *offset, whence);

	if (result < 0)
		return -1;
	*offset = result;
	return 0;
}

static int close_stream(void *cookie)
{
	return close((int)(intptr_t)cookie);
}

/* Our open streams, for freopen(), which stdio cannot do with them. */
enum { STREAMS = 64 };
static FILE *_Atomic streams[STREAMS];

static bool replace(FILE *before, FILE *by)
{
	for (int i = 0; i < STREAMS; i++) {
		FILE *expected = before;
		if (atomic_compare_exchange_strong(&streams[i], &expected, by))
			return true;
	}
	return false;
}

static FILE *stream_of(int fd, const char *mode)
{
	const cookie_io_functions_t functions = { read_stream, write_stream, seek_stream,
						  close_stream };
	FILE *stream = fopencookie((void *)(intptr_t)fd, mode, functions);

	if (!stream)
		return NULL;
	stream->_fileno = fd;         /* for fileno() */
	while (replace(stream, NULL)) /* forgets a closed stream that lay at this address */
		;
	replace(NULL, stream);
	return stream;
}

static bool is_ours(FILE *stream)
{
	bool found = false;

	for (int i = 0; i < STREAMS; i++)
		found |= streams[i] == stream;
	return found && stream->_fileno >= 0;
}

static int flags_of(const char *mode)
{
	int flags = strchr(mode, '+') ? O_RDWR : *mode == 'r' ? O_RDONLY : O_WRONLY;

	return flags | (strchr(mode, 'e') ? O_CLOEXEC : 0) | (*mode == 'a' ? O_APPEND : 0);
}

EXPORT FILE *fopen(const char *restrict path, const char *restrict mode)
{
	struct sim_node node;

	if (!sim_node_of_path(maybe_null(path), &node))
		return sim_next()->fopen(path, mode);
	int fd = (int)ret_errno(sim_node_open(&node, flags_of(mode)));
	FILE *stream = fd >= 0 ? stream_of(fd, mode) : NULL;
	if (fd >= 0 && !stream)
		close(fd);
	return stream;
}
ALIAS_OF(fopen) FILE *fopen64(const char *restrict path, const char *restrict mode);

EXPORT FILE *fdopen(int fd, const char *mode)
{
	struct sim_node node;

	return sim_node_of_fd(fd, &node) ? stream_of(fd, mode) : sim_next()->fdopen(fd, mode);
}

/* Reopens a stream of ours: its functions serve any file. */
static FILE *reopen(const char *path, const char *mode, FILE *stream)
{
	fflush(stream);
	int fd = path ? open(path, flags_of(mode) | (*mode == 'r' ? 0 : O_CREAT), 0666) : -1;
	if (fd < 0 || dup2(fd, stream->_fileno) < 0) {
		fclose(stream);
		return NULL;
	}
	close(fd);
	clearerr(stream);
	return stream;
}

EXPORT FILE *freopen(const char *restrict path, const char *restrict mode, FILE *restrict stream)
{
	return is_ours(stream) ? reopen(maybe_null(path), mode, stream)
			       : sim_next()->freopen(path, mode, stream);
}
ALIAS_OF(freopen)
FILE *freopen64(const char *restrict path, const char *restrict mode, FILE *restrict stream);
