/* SPDX-License-Identifier: MIT */
/*
 * Makes a list of atomic writes and prints a line for each call: the result, the file position, and
 * the data that is then at both ends of the range. The same program runs natively and under the
 * shim on different kernels, and the tests compare the outputs as text. A new door is a new row of
 * a table in truth_doors.h.
 *
 *	truth DEVICE UNIT                  the fixed matrix
 *	truth DEVICE UNIT SEED COUNT       COUNT random calls; 60s: as many as fit into 60 seconds
 *
 * Links: -luring
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include <linux/fs.h>

#include "truth_doors.h"
#include "untorn_uapi.h"

enum { SPAN = 2 << 20 }; /* four times the largest unit of a kernel before 7, and room for skew */
enum { MAX_SKEW = 512 };

/* One call: every member is an index into its table below. */
struct call {
	unsigned length, place, open, shape, memory, rwf, state, door;
};

static uint64_t unit, size;
static char *good, *hole;

/* A length is `bytes`, plus the unit times units_num / units_den. */
static const struct {
	const char *name;
	uint64_t bytes, units_num, units_den;
} lengths[] = {
	{ "unit", 0, 1, 1 },     { "unit/2", 0, 1, 2 },  { "unit/4", 0, 1, 4 },
	{ "512", 512, 0, 1 },    { "1024", 1024, 0, 1 }, { "4096", 4096, 0, 1 },
	{ "0", 0, 0, 1 },        { "1", 1, 0, 1 },       { "256", 256, 0, 1 },
	{ "511", 511, 0, 1 },    { "1536", 1536, 0, 1 }, { "unit*3/4", 0, 3, 4 },
	{ "unit*5/4", 0, 5, 4 }, { "unit*2", 0, 2, 1 },  { "unit*4", 0, 4, 1 },
};

/* An offset from the length and the size. */
enum place {
	AT_ZERO,
	AT_LENGTH,
	AT_3_LENGTHS,
	AT_LAST,
	AT_HALF,
	AT_512,
	AT_ONE,
	AT_END,
	AT_STRADDLE,
	AT_FAR,
	AT_MINUS_2,
	AT_OVERFLOW,
	AT_POSITION,
	AT_ODD_POSITION,
	PLACES
};
static const char *const places[PLACES] = {
	"zero", "length",   "3*length", "last", "length/2", "512",      "1",
	"end",  "straddle", "far",      "-2",   "overflow", "position", "odd-position",
};

static const struct {
	const char *name;
	int flags, set; /* set: F_SETFL afterwards, -1 none */
} opens[] = {
	{ "rw-direct", O_RDWR | O_DIRECT, -1 },
	{ "w-direct", O_WRONLY | O_DIRECT, -1 },
	{ "rw-direct-append", O_RDWR | O_DIRECT | O_APPEND, -1 },
	{ "rw-direct-nonblock", O_RDWR | O_DIRECT | O_NONBLOCK, -1 },
	{ "rw-direct-dsync", O_RDWR | O_DIRECT | O_DSYNC, -1 },
	{ "rw-direct-sync", O_RDWR | O_DIRECT | O_SYNC, -1 },
	{ "rw-then-direct", O_RDWR, O_DIRECT },
	{ "rw", O_RDWR, -1 },
	{ "rw-direct-then-not", O_RDWR | O_DIRECT, 0 },
	{ "r-direct", O_RDONLY | O_DIRECT, -1 },
	{ "r", O_RDONLY, -1 },
	{ "path", O_PATH, -1 },
};

enum shape { ONE, TWO, AND_EMPTY, EMPTY_AND, NONE, TOO_MANY, NEGATIVE, BAD_ARRAY, SHAPES };
static const char *const shapes[SHAPES] = {
	"one", "two", "one+empty", "empty+one", "none", "1025", "-1", "bad-array",
};

static const struct {
	const char *name;
	int skew; /* of the buffer; -1 unreadable, -2 NULL */
} memories[] = {
	{ "aligned", 0 }, { "+4", 4 },          { "+512", 512 }, { "+1", 1 },
	{ "+2", 2 },      { "unreadable", -1 }, { "null", -2 },
};

/* RWF_DONTCACHE is left out: with it 7.3.4 oopses on a block device. Writes without RWF_ATOMIC are
 * left out, too: the kernel does them, and kernels differ. */
static const int rwfs[] = {
	RWF_ATOMIC,
	RWF_ATOMIC | RWF_DSYNC,
	RWF_ATOMIC | RWF_SYNC,
	RWF_ATOMIC | RWF_NOWAIT,
	RWF_ATOMIC | RWF_APPEND,
	RWF_ATOMIC | RWF_NOAPPEND,
	RWF_ATOMIC | RWF_HIPRI,
	RWF_ATOMIC | RWF_APPEND | RWF_NOAPPEND,
	RWF_ATOMIC | RWF_DSYNC | RWF_NOWAIT | RWF_HIPRI,
	RWF_ATOMIC | 0x200,
	RWF_ATOMIC | 0x1000,
	RWF_ATOMIC | RWF_APPEND | RWF_NOAPPEND | 0x2000,
};

enum state { PLAIN, CACHED, READ_ONLY, STATES };
static const char *const states[STATES] = { "plain", "cached", "read-only" };

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static uint64_t length_of(const struct call *c)
{
	return lengths[c->length].units_num
		       ? unit * lengths[c->length].units_num / lengths[c->length].units_den
		       : lengths[c->length].bytes;
}

static int64_t offset_of(const struct call *c)
{
	uint64_t length = length_of(c);

	switch ((enum place)c->place) {
	case AT_LENGTH:
		return (int64_t)length;
	case AT_3_LENGTHS:
		return (int64_t)(3 * length);
	case AT_LAST:
		return (int64_t)(size - length);
	case AT_HALF:
		return (int64_t)(length / 2);
	case AT_512:
		return 512;
	case AT_ONE:
		return 1;
	case AT_END:
		return (int64_t)size;
	case AT_STRADDLE:
		return (int64_t)(size - length / 2);
	case AT_FAR:
		return (int64_t)(size * 2);
	case AT_MINUS_2:
		return -2;
	case AT_OVERFLOW:
		return INT64_MAX - (int64_t)length + 1;
	case AT_POSITION:
	case AT_ODD_POSITION:
		return -1;
	default:
		return 0;
	}
}

static void *memory_of(const struct call *c)
{
	int skew = memories[c->memory].skew;

	return skew == -1 ? hole : skew == -2 ? NULL : good + skew;
}

/* Fills in the segments; returns how many the call names. */
static int shape_of(const struct call *c, struct iovec iov[2])
{
	char *memory = memory_of(c);
	size_t length = length_of(c), first = length / 2;

	iov[0] = (struct iovec){ memory, length };
	iov[1] = (struct iovec){ memory, 0 };
	switch ((enum shape)c->shape) {
	case TWO:
		iov[0].iov_len = first;
		iov[1] = (struct iovec){ memory + first, length - first };
		return 2;
	case EMPTY_AND:
		iov[1] = iov[0];
		iov[0].iov_len = 0;
		return 2;
	case AND_EMPTY:
		return 2;
	case NONE:
		return 0;
	case TOO_MANY:
		return 1025;
	case NEGATIVE:
		return -1;
	default:
		return 1;
	}
}

/* Opens without O_DIRECT and without readahead: the page cache must not depend on the disk's speed.
 */
static int open_cached(const char *device, int flags)
{
	int fd = open(device, flags);

	posix_fadvise(fd, 0, 0, POSIX_FADV_RANDOM);
	return fd;
}

/* Fills the buffer with a capital letter and the range on disk with 'a': so the data of this call
 * can be told from the old. */
static void prepare(const struct call *c, const char *device, unsigned number)
{
	static char old[SPAN];
	int fd = open_cached(device, O_RDWR), one = c->state == READ_ONLY;
	uint64_t offset = offset_of(c) < 0 ? 0 : (uint64_t)offset_of(c);

	memset(good, 'A' + (int)(number % 26), length_of(c) + MAX_SKEW);
	memset(old, 'a', length_of(c) + unit);
	if (offset < size && length_of(c))
		pwrite(fd, old, length_of(c) + unit, (off_t)(offset & ~UINT64_C(511)));
	fsync(fd);
	ioctl(fd, BLKFLSBUF);
	if (c->state == CACHED && offset < size)
		pread(fd, old, unit, (off_t)(offset & ~UINT64_C(511)));
	ioctl(fd, BLKROSET, &one);
	close(fd);
}

static char letter_at(int fd, uint64_t offset)
{
	char byte = '-';

	if (offset >= size || pread(fd, &byte, 1, (off_t)offset) != 1)
		return '-';
	return byte >= 'A' && byte <= 'z' ? byte : byte ? '?' : '0';
}

/* Prints the data around the range as a buffered reader sees it. */
static void print_data(const struct call *c, const char *device)
{
	int fd = open_cached(device, O_RDONLY);
	uint64_t offset = offset_of(c) >= 0         ? (uint64_t)offset_of(c)
			  : c->place == AT_POSITION ? 2 * unit
						    : 0,
		 length = length_of(c);

	printf(" data=%c%c%c%c", letter_at(fd, offset ? offset - 1 : 0), letter_at(fd, offset),
	       letter_at(fd, offset + (length ? length - 1 : 0)), letter_at(fd, offset + length));
	close(fd);
}

static void make(const struct call *c, const char *device, unsigned number)
{
	struct iovec iov[2];
	static struct iovec many[1025];
	int zero = 0, count = shape_of(c, iov);
	const struct iovec *array = c->shape == BAD_ARRAY  ? (struct iovec *)hole
				    : c->shape == TOO_MANY ? many
							   : iov;

	prepare(c, device, number);
	int fd = open(device, opens[c->open].flags);
	if (opens[c->open].set >= 0)
		fcntl(fd, F_SETFL, opens[c->open].set);
	lseek(fd, c->place == AT_ODD_POSITION ? 512 : (off_t)(2 * unit), SEEK_SET);
	struct arguments arguments = { fd,           array,        count,
				       offset_of(c), rwfs[c->rwf], { memory_of(c), length_of(c) } };
	long result = doors[c->door].write(&arguments);
	printf("%u %s %s @%s %s %s %s rwf=%x %s: ", number, doors[c->door].name,
	       lengths[c->length].name, places[c->place], opens[c->open].name, shapes[c->shape],
	       memories[c->memory].name, (unsigned)rwfs[c->rwf], states[c->state]);
	if (result < BY_SUBMIT / 2)
		printf("io_submit: %s", strerrorname_np((int)(BY_SUBMIT - result)));
	else if (result < 0)
		printf("%s", strerrorname_np((int)-result));
	else
		printf("%ld", result);
	printf(" position=%lld", (long long)lseek(fd, 0, SEEK_CUR));
	close(fd);
	fd = open(device, O_RDONLY);
	ioctl(fd, BLKROSET, &zero);
	close(fd);
	print_data(c, device);
	putchar('\n');
}

/* Every pair of values of every two members; the other members are good. */
static void matrix(const char *device)
{
	static const unsigned counts[] = {
		COUNT(lengths),  PLACES,      COUNT(opens), SHAPES,
		COUNT(memories), COUNT(rwfs), STATES,       COUNT(doors)
	};
	unsigned number = 0;

	for (unsigned a = 0; a < COUNT(counts); a++) {
		for (unsigned b = a + 1; b < COUNT(counts); b++) {
			for (unsigned i = 0; i < counts[a] * counts[b]; i++) {
				unsigned values[COUNT(counts)] = { 0 };
				struct call c;
				values[a] = i % counts[a];
				values[b] = i / counts[a];
				memcpy(&c, values, sizeof(c));
				make(&c, device, number++);
			}
		}
	}
}

/* splitmix64 */
static uint64_t next(uint64_t *state)
{
	uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

/* Mostly index 0, the good value: else hardly a call would pass the first checks. */
static unsigned pick(uint64_t *state, unsigned count, unsigned percent_good)
{
	return next(state) % 100 < percent_good ? 0 : (unsigned)(next(state) % count);
}

/* Kernels differ in their results for raw-sqpoll: its writes would leave different data for later
 * calls. */
static unsigned pick_door(uint64_t *state)
{
	unsigned door = pick(state, COUNT(doors), 0);

	return strcmp(doors[door].name, "raw-sqpoll") ? door : 0;
}

static void random_calls(const char *device, uint64_t seed, const char *how_many)
{
	char *end;
	unsigned long bound = strtoul(how_many, &end, 0);
	time_t stop = *end == 's' ? time(NULL) + (time_t)bound : 0;

	for (unsigned number = 0; stop ? time(NULL) < stop : number < bound; number++) {
		struct call c = {
			.length = pick(&seed, COUNT(lengths), 10),
			.place = pick(&seed, PLACES, 20),
			.open = pick(&seed, COUNT(opens), 60),
			.shape = pick(&seed, SHAPES, 80),
			.memory = pick(&seed, COUNT(memories), 60),
			.rwf = pick(&seed, COUNT(rwfs), 50),
			.state = pick(&seed, STATES, 60),
			.door = pick_door(&seed),
		};
		make(&c, device, number);
	}
}

int main(int argc, char **argv)
{
	if (argc != 3 && argc != 5)
		return 2;
	unit = strtoull(argv[2], NULL, 0);
	int fd = open(argv[1], O_RDONLY);
	if (fd < 0 || ioctl(fd, BLKGETSIZE64, &size) < 0) {
		perror(argv[1]);
		return 1;
	}
	device_polls = polls(fd);
	good = mmap(NULL, SPAN, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	hole = mmap(NULL, SPAN, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (argc == 5)
		random_calls(argv[1], strtoull(argv[3], NULL, 0), argv[4]);
	else
		matrix(argv[1]);
	return 0;
}
