/* SPDX-License-Identifier: MIT */
/*
 * The memory of `untorn run --report` is a sealed file without a name: nobody can truncate it, so
 * no access to it ever raises SIGBUS. A process opens it through the reporter's descriptor, which
 * the kernel refuses to other users. Another user's process counts in memory of its own and hands
 * that to the reporter: it can add to the report, but change nothing that others have counted.
 */
#include "base/counters_share.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/config.h"
#include "base/real.h"

enum { PATIENCE_US = 100000 };

/* Set in the constructor of the program of the report; in a child the fork handler sets NULL. */
static struct counters *_Atomic reported;

unsigned counters_share_address(const char *secret, struct sockaddr_un *ret_address)
{
	*ret_address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	int length = snprintf(ret_address->sun_path + 1, sizeof(ret_address->sun_path) - 1,
			      COUNTERS_NAME "-%.*s", COUNTERS_SECRET_HALF, secret);
	return (unsigned)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)length);
}

struct counters *counters_share_map(int fd)
{
	void *memory =
		mmap(NULL, sizeof(struct counters), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	return memory == MAP_FAILED ? NULL : memory;
}

/* Splits "PATH:SECRET" at its last colon. False: not of that form. */
static bool parse(char setting[CONFIG_TEXT], const char **ret_secret)
{
	if (!config_text(CONFIG_STAT, setting))
		return false;
	char *colon = strrchr(setting, ':');
	if (!colon || strlen(colon + 1) != COUNTERS_SECRET)
		return false;
	*colon = '\0';
	*ret_secret = colon + 1;
	return true;
}

enum { OWN = 40 };
static void own_path(int fd, char ret_path[OWN])
{
	snprintf(ret_path, OWN, "/proc/self/fd/%d", fd);
}

int counters_share_reopen(int held, int access)
{
	char path[OWN];

	own_path(held, path);
	return real_open(AT_FDCWD, path, access | O_CLOEXEC);
}

/* True if the descriptor still is such memory. Its number may be another file's by now, and to open
 * that file might have an effect. */
static bool is_memory(int held)
{
	static const char name[] = "/memfd:" COUNTERS_NAME;
	char path[OWN], target[sizeof(name)];

	own_path(held, path);
	return readlink(path, target, sizeof(target)) == (ssize_t)sizeof(target) &&
	       memcmp(target, name, sizeof(name) - 1) == 0;
}

static int open_memory(const char *path)
{
	AUTO_CLOSE int held = real_open(AT_FDCWD, path, O_PATH | O_CLOEXEC);

	return held >= 0 && is_memory(held) ? counters_share_reopen(held, O_RDWR) : -1;
}

static bool is_sealed(int fd)
{
	struct stat st;
	int seals = fcntl(fd, F_GET_SEALS);

	return seals >= 0 && (seals & F_SEAL_SHRINK) && fstat(fd, &st) == 0 &&
	       (size_t)st.st_size >= sizeof(struct counters);
}

static uint64_t id_of(const char *secret)
{
	char digits[COUNTERS_SECRET_HALF + 1];

	memcpy(digits, secret, COUNTERS_SECRET_HALF);
	digits[COUNTERS_SECRET_HALF] = '\0';
	return strtoull(digits, NULL, 16);
}

struct counters *counters_share_open(void)
{
	char setting[CONFIG_TEXT];
	const char *secret;

	if (!parse(setting, &secret))
		return NULL;
	AUTO_CLOSE int fd = open_memory(setting);
	struct counters *counters = fd >= 0 && is_sealed(fd) ? counters_share_map(fd) : NULL;
	if (!counters || (counters_are_ours(counters, sizeof(*counters)) &&
			  counters->report.id == id_of(secret)))
		return counters;
	munmap(counters, sizeof(*counters));
	return NULL;
}

static bool send_descriptor(int to, const char *secret, int fd)
{
	union {
		char space[CMSG_SPACE(sizeof(int))];
		struct cmsghdr header;
	} control = { .header = { .cmsg_len = CMSG_LEN(sizeof(int)),
				  .cmsg_level = SOL_SOCKET,
				  .cmsg_type = SCM_RIGHTS } };
	struct sockaddr_un address;
	struct iovec iov = { (void *)(uintptr_t)(secret + COUNTERS_SECRET_HALF),
			     COUNTERS_SECRET_HALF };
	struct msghdr message = { .msg_name = &address,
				  .msg_namelen = counters_share_address(secret, &address),
				  .msg_iov = &iov,
				  .msg_iovlen = 1,
				  .msg_control = &control,
				  .msg_controllen = sizeof(control) };

	memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
	return sendmsg(to, &message, MSG_NOSIGNAL) >= 0;
}

/* The reporter's queue is short. A process that finds it full waits a little, in its constructor
 * only. */
bool counters_share_hand_over(int fd)
{
	char setting[CONFIG_TEXT];
	const char *secret;
	struct timeval patience = { .tv_usec = PATIENCE_US };

	if (!parse(setting, &secret))
		return false;
	AUTO_CLOSE int to = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	return to >= 0 &&
	       setsockopt(to, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) == 0 &&
	       send_descriptor(to, secret, fd);
}

/* A process in another PID namespace may have the program's process ID. */
void counters_share_know(struct counters *counters)
{
	struct stat st;
	bool is_program = counters && counters->report.id && counters->report.program == getpid() &&
			  stat("/proc/self/ns/pid", &st) == 0 &&
			  st.st_ino == counters->report.namespace;

	atomic_store_explicit(&reported, is_program ? counters : NULL, memory_order_relaxed);
}

static void futex(struct counters_report *report, int operation, uint32_t value,
		  const struct timespec *limit)
{
	real_syscall(SYS_futex, (long)(uintptr_t)&report->state, operation, (long)value,
		     (long)(uintptr_t)limit, 0, 0);
}

void counters_end(void)
{
	struct counters *counters = atomic_load_explicit(&reported, memory_order_relaxed);
	uint32_t before = COUNTERS_COUNTS;

	/* A child of a bare clone() runs no fork handler, so `reported` is still set there. */
	if (!counters || counters->report.program != getpid() ||
	    !atomic_compare_exchange_strong(&counters->report.state, &before, COUNTERS_ENDS))
		return;
	futex(&counters->report, FUTEX_WAKE, INT_MAX, NULL);
	futex(&counters->report, FUTEX_WAIT, COUNTERS_ENDS, &(struct timespec){ .tv_sec = 1 });
}
