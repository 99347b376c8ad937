/* SPDX-License-Identifier: MIT */
/*
 * A small engine with 32 asynchronous writes at a time over the simulated disk, which cuts the
 * power in the middle, UNTORN_CUTS times (20). Pages must be torn without RWF_ATOMIC and never with
 * it. With a volatile cache, acknowledged pages must be lost without a flush and never with it.
 *
 * Links: -luring -laio
 */
#include "preload.h"

#include <fcntl.h>
#include <libaio.h>
#include <liburing.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "untorn_uapi.h"

enum { PAGES = 64, DEPTH = 32, BLOCK = 512 };

static bool wants(const char *word)
{
	return strstr(getenv("HOW"), word);
}

/* With device rules a page may be 12 KiB and begin at any block. */
static size_t size_of_page(void)
{
	return wants("odd") ? 12288 : UNIT;
}

static off_t place_of(int page)
{
	return (off_t)page * (off_t)size_of_page() + (wants("odd") ? BLOCK : 0);
}

static void fill(char *page, uint64_t number, uint64_t version)
{
	for (size_t i = 0; i < size_of_page(); i += BLOCK) {
		memcpy(page + i, &number, sizeof(number));
		memcpy(page + i + sizeof(number), &version, sizeof(version));
	}
}

static void write_by_aio(int fd, char *pages, int first)
{
	static io_context_t context;
	struct iocb iocbs[DEPTH], *list[DEPTH];
	struct io_event events[DEPTH];

	want(context || io_setup(DEPTH, &context) == 0);
	for (int i = 0; i < DEPTH; i++) {
		list[i] = &iocbs[i];
		io_prep_pwrite(list[i], fd, pages + (size_t)i * UNIT, size_of_page(),
			       place_of(first + i));
		list[i]->aio_rw_flags = wants("atomic") ? RWF_ATOMIC : 0;
	}
	want(io_submit(context, DEPTH, list) == DEPTH);
	want(io_getevents(context, DEPTH, DEPTH, events, NULL) == DEPTH);
	for (int i = 0; i < DEPTH; i++)
		want(events[i].res == size_of_page());
}

static void write_by_ring(int fd, char *pages, int first)
{
	static struct io_uring ring;
	struct io_uring_cqe *cqe;

	want(ring.ring_fd || io_uring_queue_init(DEPTH, &ring, 0) == 0);
	for (int i = 0; i < DEPTH; i++) {
		struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);
		io_uring_prep_write(sqe, fd, pages + (size_t)i * UNIT, (unsigned)size_of_page(),
				    (uint64_t)place_of(first + i));
		sqe->rw_flags = wants("atomic") ? RWF_ATOMIC : 0;
	}
	want(io_uring_submit_and_wait(&ring, DEPTH) == DEPTH);
	for (int i = 0; i < DEPTH; i++) {
		want(io_uring_wait_cqe(&ring, &cqe) == 0 && cqe->res == (int)size_of_page());
		io_uring_cqe_seen(&ring, cqe);
	}
}

/* After each round the engine writes its version to a file that survives the power cut. */
static void engine(void)
{
	int fd = open_disk(), acknowledged = atoi(getenv("ACKNOWLEDGED"));
	char *pages = buffer((size_t)DEPTH * UNIT, 0);

	for (uint64_t version = 1;; version++) {
		for (int first = 0; first < PAGES; first += DEPTH) {
			for (int i = 0; i < DEPTH; i++)
				fill(pages + (size_t)i * UNIT, (uint64_t)(first + i), version);
			(wants("aio") ? write_by_aio : write_by_ring)(fd, pages, first);
		}
		want(!wants("flush") || fdatasync(fd) == 0);
		want(pwrite(acknowledged, &version, sizeof(version), 0) == sizeof(version));
	}
}

static void cut_once(int acknowledged, unsigned seed)
{
	char sim[1024], number[16];
	uint64_t none = 0;
	pid_t child = fork();

	if (child == 0) {
		snprintf(sim, sizeof(sim), "%s,cut_max=400,seed=%u", getenv("UNTORN_SIM"), seed);
		snprintf(number, sizeof(number), "%d", acknowledged);
		setenv("UNTORN_SIM", sim, 1);
		setenv("ACKNOWLEDGED", number, 1);
		want(pwrite(acknowledged, &none, sizeof(none), 0) == sizeof(none));
		execl("/proc/self/exe", "preload-body", "--body", "engine", (char *)NULL);
		_exit(127);
	}
	int status = status_of(child);
	want(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

/* The newest version in a page's blocks, or the oldest: in a torn page they differ. */
static uint64_t version_of(const char *page, bool newest)
{
	uint64_t found = newest ? 0 : UINT64_MAX, version;

	for (size_t i = 0; i < size_of_page(); i += BLOCK) {
		memcpy(&version, page + i + sizeof(uint64_t), sizeof(version));
		if (newest ? version > found : version < found)
			found = version;
	}
	return found;
}

static void judge(int acknowledged, unsigned *torn, unsigned *lost)
{
	char *pages = buffer((size_t)PAGES * UNIT, 0);
	uint64_t version;

	long image = syscall(SYS_openat, AT_FDCWD, image_path(), O_RDONLY, 0);
	want(image >= 0 &&
	     pread((int)image, pages, (size_t)PAGES * UNIT, place_of(0)) == PAGES * UNIT);
	want(pread(acknowledged, &version, sizeof(version), 0) == sizeof(version));
	for (size_t i = 0; i < PAGES; i++) {
		const char *page = pages + i * size_of_page();
		*torn += version_of(page, true) != version_of(page, false);
		*lost += version_of(page, true) < version;
	}
	close((int)image);
}

static void power_cuts(void)
{
	unsigned torn = 0, lost = 0;
	unsigned cuts = getenv("UNTORN_CUTS") ? (unsigned)atoi(getenv("UNTORN_CUTS")) : 20;
	int acknowledged = memfd_create("acknowledged", 0);
	bool cache = strstr(getenv("UNTORN_SIM"), "cache=");

	for (unsigned seed = 1; seed <= cuts; seed++) {
		unlink(image_path());
		cut_once(acknowledged, seed);
		judge(acknowledged, &torn, &lost);
	}
	if (getenv("UNTORN_CUTS"))
		fprintf(stderr, "%s%s: %u cuts, %u pages torn, %u lost\n", getenv("HOW"),
			cache ? ", cache" : "", cuts, torn, lost);
	want(wants("atomic") ? !torn : torn);
	want(cache && !wants("flush") ? lost : !lost);
}

const struct body bodies[] = {
	{ "power_cuts", power_cuts },
	{ "engine", engine },
	{ NULL, NULL },
};

static const struct preload_row rows[] = {
	{ "power_cuts", "", "HOW=aio", 0 },
	{ "power_cuts", "", "HOW=ring", 0 },
	{ "power_cuts", "", "HOW=aio,atomic", -1 },
	{ "power_cuts", "", "HOW=ring,atomic", -1 },
	{ "power_cuts", ",cache=4M", "HOW=aio,atomic", -1 },
	{ "power_cuts", ",cache=4M", "HOW=ring,atomic", -1 },
	{ "power_cuts", ",cache=4M", "HOW=aio,atomic,flush", -1 },
	{ "power_cuts", ",cache=4M", "HOW=ring,atomic,flush", -1 },
	{ "power_cuts", "", "HOW=aio,atomic,odd\nUNTORN_RULES=device", -1 },
	{ "power_cuts", "", "HOW=ring,atomic,odd\nUNTORN_RULES=device", -1 },
	{ "power_cuts", ",cache=4M", "HOW=aio,flush", 0 },
	{ "power_cuts", ",cache=4M", "HOW=ring,flush", 0 },
};

Suite *suite(void)
{
	return preload_suite("power cuts among asynchronous writes", rows,
			     sizeof(rows) / sizeof(rows[0]));
}
