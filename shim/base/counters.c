/* SPDX-License-Identifier: MIT */
/*
 * The memory is a file without a name. One descriptor of it stays open, for `untorn stat` alone,
 * which finds it in /proc/PID/fd: users may open the descriptors of their own processes, while Yama
 * may deny them the processes' memory. If the program closes this descriptor, or gives its number
 * to another file, only this way in is lost. Under `untorn run --report` the memory is the
 * reporter's; see counters_share.c.
 */
#include "base/counters.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/config.h"
#include "base/counters_share.h"
#include "base/real.h"

enum { HIGH_NUMBER = 512 }; /* above the numbers that programs rely on */

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x8U /* 6.3; some systems refuse memory without it */
#endif

/* Counts here if no memory can be shared. */
static struct counters own;
static struct counters *_Atomic current;

/* Memory that counters_start() mapped. It becomes `current` when there is something to count,
 * because only then is the process counted. */
static struct counters *_Atomic prepared;

void counters_initialise(struct counters *counters)
{
	counters->version = COUNTERS_VERSION;
	counters->size = sizeof(*counters);
	counters->magic = COUNTERS_MAGIC;
}

bool counters_are_ours(const struct counters *counters, size_t size)
{
	return size >= sizeof(*counters) && counters->magic == COUNTERS_MAGIC &&
	       counters->version == COUNTERS_VERSION && counters->size == sizeof(*counters);
}

static int make_file(void)
{
	unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
	int fd = memfd_create(COUNTERS_NAME, flags | MFD_NOEXEC_SEAL);

	return fd < 0 ? memfd_create(COUNTERS_NAME, flags) : fd;
}

/* A file that grows above RLIMIT_FSIZE raises SIGXFSZ, which ends the process. */
static bool may_grow(void)
{
	struct rlimit limit;

	return getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur >= sizeof(struct counters);
}

static struct counters *map_nameless(int *ret_fd)
{
	*ret_fd = may_grow() ? make_file() : -1;
	if (*ret_fd < 0 || ftruncate(*ret_fd, sizeof(struct counters)) < 0)
		return NULL;
	fcntl(*ret_fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW);
	struct counters *counters = counters_share_map(*ret_fd);
	if (counters)
		counters_initialise(counters);
	return counters;
}

static void keep(int fd)
{
	if (fcntl(fd, F_DUPFD_CLOEXEC, HIGH_NUMBER) >= 0)
		real_close(fd);
}

/* Returns NULL if these counters became `current`, else the current ones. Threads that come at once
 * each make some; the later one discards its own. */
static struct counters *publish(struct counters *counters)
{
	struct counters *known = NULL;

	if (atomic_compare_exchange_strong(&current, &known, counters ? counters : &own)) {
		counters_add(&current->processes, 1);
		return NULL;
	}
	if (counters && counters != known)
		munmap(counters, sizeof(*counters));
	return known;
}

static struct counters *make(void)
{
	int fd = -1;

	struct counters *counters = atomic_load_explicit(&prepared, memory_order_acquire);
	if (!counters)
		counters = counters_share_open();
	if (!counters)
		counters = map_nameless(&fd);
	struct counters *known = publish(counters);
	if (!known && counters && fd >= 0)
		keep(fd);
	else if (fd >= 0)
		real_close(fd);
	return known ? known : atomic_load_explicit(&current, memory_order_acquire);
}

struct counters *counters_get(void)
{
	struct counters *known = atomic_load_explicit(&current, memory_order_acquire);

	return known ? known : make();
}

struct counters *counters_get_if_any(void)
{
	char path[CONFIG_TEXT];
	struct counters *known = atomic_load_explicit(&current, memory_order_acquire);

	return known || !config_text(CONFIG_STAT, path) ? known : make();
}

/* Makes memory that the reporter adds to its report. NULL: no report was asked for, no memory could
 * be made, or no reporter took it. */
static struct counters *make_handed_over(void)
{
	char setting[CONFIG_TEXT];
	int fd = -1;

	if (!config_text(CONFIG_STAT, setting))
		return NULL;
	struct counters *counters = map_nameless(&fd);
	bool is_taken = counters && counters_share_hand_over(fd);
	if (fd >= 0)
		real_close(fd);
	if (is_taken || !counters)
		return counters;
	munmap(counters, sizeof(*counters));
	return NULL;
}

/* No descriptor stays open: the program may list its own before its first atomic write, and the
 * reporter has one. */
void counters_start(void)
{
	struct counters *counters = counters_share_open();

	if (counters)
		counters_share_know(counters);
	else
		counters = make_handed_over();
	atomic_store_explicit(&prepared, counters, memory_order_release);
}

static bool claim(struct counters_slot *slot, uint64_t key, bool *ret_new)
{
	uint64_t found = counters_read(&slot->key);

	*ret_new = !found && atomic_compare_exchange_strong(&slot->key, &found, key);
	return *ret_new || found == key;
}

struct counters_slot *counters_slot(struct counters *counters, dev_t number, bool *ret_new)
{
	unsigned i = 0;

	while (i < COUNTERS_SLOTS - 1 && !claim(&counters->slots[i], (uint64_t)number + 1, ret_new))
		i++;
	if (i == COUNTERS_SLOTS - 1) {
		*ret_new = false;
		atomic_store_explicit(&counters->slots[i].key, UINT64_MAX, memory_order_relaxed);
	}
	return &counters->slots[i];
}

void counters_set_name(struct counters_slot *slot, const char *name)
{
	uint64_t words[COUNTERS_NAME_WORDS] = { 0 };

	memcpy(words, name, strnlen(name, sizeof(words)));
	for (int i = 0; i < COUNTERS_NAME_WORDS; i++)
		atomic_store_explicit(&slot->name[i], words[i], memory_order_relaxed);
}

void counters_name(const struct counters_slot *slot, char ret_name[8 * COUNTERS_NAME_WORDS + 1])
{
	for (int i = 0; i < COUNTERS_NAME_WORDS; i++) {
		uint64_t word = counters_read(&slot->name[i]);
		memcpy(ret_name + 8 * i, &word, 8);
	}
	ret_name[8 * COUNTERS_NAME_WORDS] = '\0';
}

unsigned counters_bucket(uint64_t time)
{
	uint64_t us = time / 1000;
	unsigned bucket = us ? 64 - (unsigned)__builtin_clzll(us) : 0;

	return bucket < COUNTERS_BUCKETS ? bucket : COUNTERS_BUCKETS - 1;
}

void counters_after_fork(void)
{
	struct counters *known = atomic_load_explicit(&current, memory_order_acquire);

	if (known)
		counters_add(&known->processes, 1);
	counters_share_know(NULL);
}

const char *counters_door_name(enum door door)
{
	static const char *const names[DOOR_COUNT] = { "pwritev2", "syscall", "libaio",
						       "io_uring" };

	return door < DOOR_COUNT ? names[door] : "unknown";
}
