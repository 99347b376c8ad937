/* SPDX-License-Identifier: MIT */
/*
 * Power cuts and racing readers: which writes the simulated disk may tear, and which it must not
 * tear. Each cut is tried with many seeds, each in a process of its own; then the test looks at the
 * image itself.
 */
#include "preload.h"

#include <errno.h>
#include <fcntl.h>
#include <scsi/sg.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <linux/fs.h>
#include <linux/nvme_ioctl.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* The image past the simulation: 'way' is SYS_pread64 or SYS_pwrite64. */
static void raw(long way, char *data, size_t length, off_t offset)
{
	const char *from = strchr(getenv("UNTORN_SIM"), '=') + 1;
	char path[256];

	snprintf(path, sizeof(path), "%.*s", (int)strcspn(from, ","), from);
	long fd = syscall(SYS_openat, AT_FDCWD, path, O_RDWR, 0);
	want(fd >= 0 && syscall(way, fd, data, length, offset) == (long)length);
	close((int)fd);
}

static long submit(int fd, const void *data, uint64_t lba, unsigned blocks)
{
	struct nvme_user_io io = {
		.opcode = 1, .nblocks = (uint16_t)(blocks - 1), .addr = (uintptr_t)data, .slba = lba
	};

	return ioctl(fd, NVME_IOCTL_SUBMIT_IO, &io);
}

static long io(int fd, const void *data, uint64_t lba, unsigned blocks)
{
	struct nvme_passthru_cmd command = { .opcode = 1,
					     .nsid = 1,
					     .addr = (uintptr_t)data,
					     .data_len = blocks * 512,
					     .cdw10 = (uint32_t)lba,
					     .cdw12 = blocks - 1 };

	return ioctl(fd, NVME_IOCTL_IO_CMD, &command);
}

static long plain(int fd, const void *data, uint64_t lba, unsigned blocks)
{
	return pwrite(fd, data, (size_t)blocks * 512, (off_t)lba * 512) < 0 ? -1 : 0;
}

/* WRITE (16), or WRITE ATOMIC (16) with its boundary. LBA below 65536, below 256 blocks. */
static long scsi(int fd, uint8_t opcode, unsigned boundary, const void *data, uint64_t lba,
		 unsigned blocks)
{
	int block = 0;
	uint8_t cdb[16] = { [0] = opcode,
			    [8] = (uint8_t)(lba >> 8),
			    [9] = (uint8_t)lba,
			    [11] = (uint8_t)boundary,
			    [13] = (uint8_t)blocks };
	struct sg_io_hdr header = { .interface_id = 'S',
				    .dxfer_direction = SG_DXFER_TO_DEV,
				    .cmd_len = sizeof(cdb),
				    .cmdp = cdb };

	want(ioctl(fd, BLKSSZGET, &block) == 0);
	header.dxferp = (void *)(uintptr_t)data;
	header.dxfer_len = blocks * (unsigned)block;
	long result = ioctl(fd, SG_IO, &header);
	return result ? result : header.status;
}

static long sg(int fd, const void *data, uint64_t lba, unsigned blocks)
{
	return scsi(fd, 0x8a, 0, data, lba, blocks);
}

static long atomic(int fd, const void *data, uint64_t lba, unsigned blocks)
{
	return scsi(fd, 0x9c, 0, data, lba, blocks);
}

static long bounded(int fd, const void *data, uint64_t lba, unsigned blocks)
{
	return scsi(fd, 0x9c, 8, data, lba, blocks);
}

typedef long way_fn(int fd, const void *data, uint64_t lba, unsigned blocks);

/* A write during which the power is cut. piece 0: it is atomic; else it tears into so many bytes.
 */
static const struct cut {
	const char *disk;
	way_fn *way;
	unsigned lba, blocks, piece, seeds;
} cuts[] = {
	{ "", plain, 64, 32, 512, 300 },
	{ ",nawupf=1023", plain, 64, 32, 512, 16 },
	{ "", submit, 64, 32, 0, 300 },
	{ "", io, 64, 32, 0, 100 },
	{ "", submit, 65, 32, 0, 16 },
	{ "", submit, 64, 1, 0, 16 },
	{ "", submit, 64, 33, 512, 16 },
	{ "", io, 64, 64, 512, 16 },
	{ ",lba=4096,nawupf=3", submit, 8, 4, 0, 16 },
	{ ",lba=4096,nawupf=3", submit, 8, 5, 4096, 16 },
	/* Within the unit for normal operation, above that for power fail. */
	{ ",nawupf=7", submit, 64, 8, 0, 16 },
	{ ",nawupf=7", submit, 64, 9, 512, 16 },
	{ ",nawupf=0", submit, 64, 2, 512, 16 },
	/* A boundary of 64 blocks, from block 0 or from block 8 on. */
	{ ",nabsn=63,nabspf=63", submit, 96, 32, 0, 16 },
	{ ",nabsn=63,nabspf=63", submit, 97, 32, 512, 16 },
	{ ",nabsn=63,nabspf=63", io, 127, 2, 512, 16 },
	{ ",nabsn=63,nabspf=63,nabo=8", submit, 104, 32, 0, 16 },
	{ ",nabsn=63,nabspf=63,nabo=8", submit, 97, 32, 0, 16 },
	{ ",nabsn=63,nabspf=63,nabo=8", submit, 105, 32, 512, 16 },
	{ ",nabsn=63,nabspf=63,nabo=8", submit, 4, 8, 512, 16 },
	{ ",nabsn=63,nabspf=63,nabo=8", submit, 8, 8, 0, 16 },
	{ ",nabsn=63", submit, 97, 32, 0, 16 },
	/* The controller's fields, and Amazon's. */
	{ ",nsfeat=0", submit, 64, 2, 512, 16 },
	{ ",nsfeat=0,awun=31", submit, 64, 2, 512, 16 },
	{ ",nsfeat=0,awupf=31", submit, 64, 32, 0, 16 },
	{ ",nsfeat=0,awupf=31", submit, 64, 33, 512, 16 },
	{ ",nawupf=0,awupf=31", submit, 64, 32, 0, 16 },
	{ ",nsfeat=0,amazon=31:0:0", submit, 64, 32, 0, 16 },
	{ ",nsfeat=0,amazon=31:0:0", submit, 64, 33, 512, 16 },
	{ ",nsfeat=0,amazon=31:0:63", submit, 96, 32, 0, 16 },
	{ ",nsfeat=0,amazon=31:0:63", submit, 97, 32, 512, 16 },
	{ ",nsfeat=0,amazon=0:0:0,awupf=7", submit, 64, 8, 0, 16 },
	/* The disk that lies. */
	{ ",tears=4096", submit, 64, 32, 4096, 16 },
	{ ",tears=4096", io, 64, 16, 4096, 16 },
	{ ",tears=4096", submit, 64, 8, 0, 16 },
	{ ",tears=4096", submit, 64, 12, 4096, 16 },
	{ ",tears=65536", submit, 64, 40, 512, 16 },
	{ ",tears=4096", plain, 64, 32, 512, 16 },
	/* 32 blocks: at 16384 they lie across 24576, at 32768 they touch it. */
	{ ",tears_across=24576", submit, 32, 32, 8192, 16 },
	{ ",tears_across=24576", submit, 64, 32, 0, 16 },
	{ ",tears_across=24576", plain, 32, 32, 512, 16 },
	{ ",kind=scsi,max_atomic=64,tears_across=24576", atomic, 32, 32, 8192, 16 },
	{ ",kind=scsi,max_atomic=64,tears_across=24576", atomic, 64, 32, 0, 16 },
	/* SCSI: WRITE (16) promises nothing, WRITE ATOMIC (16) always does. */
	{ ",kind=scsi,max_atomic=64", plain, 64, 32, 512, 16 },
	{ ",kind=scsi,max_atomic=64", sg, 64, 32, 512, 100 },
	{ ",kind=scsi,max_atomic=64", sg, 64, 8, 512, 16 },
	{ ",kind=scsi,max_atomic=64", atomic, 64, 32, 0, 100 },
	{ ",kind=scsi,max_atomic=64", atomic, 65, 64, 0, 16 },
	{ ",kind=scsi,max_atomic=4,lba=4096", atomic, 8, 4, 0, 16 },
	{ ",kind=scsi,max_atomic_bndry=64,max_bndry=8", bounded, 64, 32, 4096, 16 },
	{ ",kind=scsi,max_atomic_bndry=64,max_bndry=8", bounded, 65, 20, 4096, 16 },
	{ ",kind=scsi,max_atomic_bndry=64,max_bndry=8", bounded, 64, 8, 0, 16 },
	{ ",kind=scsi,max_atomic_bndry=64,max_bndry=8", bounded, 64, 4, 0, 16 },
	{ ",kind=scsi,max_atomic=64,tears=4096", atomic, 64, 32, 4096, 16 },
	{ ",kind=scsi,max_atomic=64,tears=4096", atomic, 64, 8, 0, 16 },
	{ ",kind=scsi,max_atomic_bndry=64,max_bndry=8,tears=2048", bounded, 64, 32, 2048, 16 },
	{ ",kind=scsi,max_atomic_bndry=64,max_bndry=8,tears=8192", bounded, 64, 32, 4096, 16 },
};

static const struct cut *the_cut(void)
{
	return &cuts[atoi(getenv("SIM_CUT"))];
}

static size_t block_of(const struct cut *cut)
{
	return strstr(cut->disk, "lba=4096") ? 4096 : 512;
}

static void one_cut(void)
{
	const struct cut *cut = the_cut();
	size_t block = block_of(cut), length = cut->blocks * block;

	cut->way(open_disk(), buffer(length, 'n'), cut->lba, cut->blocks);
	exit(3); /* not reached: the power is cut */
}

/* Runs the body in a new process, on our disk with these further options. */
static int run_with(const char *body, const char *options)
{
	char sim[1024];

	pid_t child = fork();
	if (child == 0) {
		snprintf(sim, sizeof(sim), "%s%s", getenv("UNTORN_SIM"), options);
		setenv("UNTORN_SIM", sim, 1);
		execl("/proc/self/exe", "preload-body", "--body", body, (char *)NULL);
		_exit(127);
	}
	return status_of(child);
}

/* The letter of the whole range; ends the process if there are several. */
static char letter_of(const char *data, size_t length)
{
	want(*data == 'o' || *data == 'n');
	for (size_t i = 1; i < length; i++)
		want(data[i] == *data);
	return *data;
}

struct outcomes {
	unsigned old, new, mixed;
};

static void judge(const struct cut *cut, const char *data, size_t length, struct outcomes *seen)
{
	size_t piece = cut->piece ? cut->piece : length;
	unsigned new = 0, pieces = 0;

	for (size_t done = 0; done < length; done += piece, pieces++) {
		size_t here = piece < length - done ? piece : length - done;
		new += letter_of(data + done, here) == 'n';
	}
	seen->old += new == 0;
	seen->new += new == pieces;
	seen->mixed += new > 0 && new < pieces;
}

static void every_seed(void)
{
	const struct cut *cut = the_cut();
	size_t block = block_of(cut), length = cut->blocks * block, margin = 131072;
	off_t from = (off_t)(cut->lba * block);
	size_t before = from < (off_t)margin ? (size_t)from : margin;
	char *data = buffer(before + length + margin, 'o'), options[64];
	struct outcomes seen = { 0 };

	open_disk();
	for (unsigned seed = 1; seed <= cut->seeds; seed++) {
		memset(data, 'o', before + length + margin);
		raw(SYS_pwrite64, data, before + length + margin, from - (off_t)before);
		snprintf(options, sizeof(options), ",cut=1,cut_action=kill,seed=%u", seed);
		int status = run_with("one_cut", options);
		want(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
		raw(SYS_pread64, data, before + length + margin, from - (off_t)before);
		want(!before || letter_of(data, before) == 'o');
		want(letter_of(data + before + length, margin) == 'o');
		judge(cut, data + before, length, &seen);
	}
	want(cut->piece ? seen.mixed : seen.old && seen.new && !seen.mixed);
}

/* cut=3: a plain write, a command, and the third of either kind is cut. */
static void counts_both(void)
{
	int fd = open_disk();
	char *data = buffer(UNIT, 'c');

	want(plain(fd, data, 0, 1) == 0);
	want(submit(fd, data, 131072, 1) == 0x4080);
	want(submit(fd, data, 1, 1) == 0);
	want_error(strcmp(getenv("SIM_LAST"), "plain") ? io(fd, data, 64, 32)
						       : plain(fd, data, 64, 32),
		   EIO);
	want(image_holds(0, 1024, 'c'));
}

/* drops=2: some acknowledged commands are not on the disk; all plain writes are. */
static void drops(void)
{
	int fd = open_disk();
	unsigned there = 0;

	for (unsigned i = 0; i < 100; i++) {
		want(plain(fd, buffer(512, 'p'), i, 1) == 0 && image_holds(i * 512L, 512, 'p'));
		want((i & 1 ? submit : io)(fd, buffer(512, 'c'), i, 1) == 0);
		there += image_holds(i * 512L, 512, 'c');
	}
	want(there > 25 && there < 75);
}

/* cut=2, cut_action=eio: after the cut every call fails, and nothing reaches the image. */
static void after_the_cut(void)
{
	int fd = open_disk();
	char *data = buffer(UNIT, 'a'), *before = buffer(4L * UNIT, 0);
	char *after = buffer(4L * UNIT, 'z');

	want(plain(fd, data, 0, 32) == 0);
	want_error(plain(fd, data, 32, 32), EIO);
	raw(SYS_pread64, before, 4L * UNIT, 0);
	memset(data, 'b', UNIT);
	for (unsigned i = 0; i < 4; i++) {
		want_error(plain(fd, data, i * 32, 32), EIO);
		want(submit(fd, data, i * 32, 32) == -1 && (errno == EIO || errno == ENODEV));
		want(io(fd, data, i * 32, 32) == -1 && (errno == EIO || errno == ENODEV));
		want_error(pread(fd, data, 512, 0), EIO);
	}
	want_error(plain(open_disk(), data, 0, 1), EIO);
	want_error(pwrite(open(DISK, O_WRONLY), data, 3, 7), EIO);
	raw(SYS_pread64, after, 4L * UNIT, 0);
	want(memcmp(before, after, 4L * UNIT) == 0 && image_holds(0, UNIT, 'a'));
}

/* A sibling must find the power gone, too. */
static void kills_the_writer_only(void)
{
	int fd = open_disk();
	char *data = buffer(UNIT, 'k');

	pid_t child = fork();
	if (child == 0) {
		plain(fd, data, 0, 32);
		_exit(0);
	}
	int status = status_of(child);
	want(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	want_error(plain(fd, data, 64, 32), EIO);
	want_error(pread(fd, data, 512, 0), EIO);
	want(image_holds(64L * 512, UNIT, 0));
}

/* Writes one block after the other until the power is gone. */
static void until_cut(void)
{
	int fd = open_disk();
	char *data = buffer(512, 'u');

	for (unsigned i = 0; i < 20; i++) {
		if ((i & 1 ? submit : plain)(fd, data, i, 1) < 0)
			exit((int)i + 1);
	}
	exit(100);
}

/* cut_max=7: the seed chooses one of the first seven writes; the same seed chooses the same one. */
static void random_number(void)
{
	unsigned seen[8] = { 0 };
	char options[64];

	for (unsigned seed = 1; seed <= 100; seed++) {
		snprintf(options, sizeof(options), ",cut_max=7,cut_action=eio,seed=%u", seed);
		int first = WEXITSTATUS(run_with("until_cut", options));
		want(first >= 1 && first <= 7);
		seen[first]++;
		if (seed <= 10)
			want(WEXITSTATUS(run_with("until_cut", options)) == first);
	}
	for (int i = 1; i <= 7; i++)
		want(seen[i]);
	want(WEXITSTATUS(run_with("until_cut", "")) == 100);
	want(WEXITSTATUS(run_with("until_cut", ",cut=20,cut_action=eio")) == 20);
	want(WEXITSTATUS(run_with("until_cut", ",cut=21,cut_action=eio")) == 100);
}

/* The writer writes 'n' and 'o' in turn until it is killed. */
static pid_t start_writer(way_fn *way, unsigned blocks)
{
	pid_t child = fork();

	if (child)
		return child;
	int fd = open_disk();
	char *letters[] = { buffer(blocks * 512, 'n'), buffer(blocks * 512, 'o') };
	for (unsigned i = 0;; i++)
		want(way(fd, letters[i & 1], 64, blocks) == 0);
}

#define SCSI ",kind=scsi,max_atomic=64,max_atomic_bndry=64,max_bndry=8"

/* SIM_RACE is the row. One NVMe command tears, too: it is longer than the unit. */
static const struct race {
	way_fn *way;
	unsigned blocks;
	int mixed;
	const char *disk;
} races[] = {
	{ plain, 32, 1, "" },    { submit, 32, 0, "" },    { io, 32, 0, "" },
	{ submit, 64, 1, "" },   { plain, 32, 1, SCSI },   { sg, 32, 1, SCSI },
	{ atomic, 32, 0, SCSI }, { bounded, 32, 1, SCSI },
};

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void racing_reader(void)
{
	const struct race *race = &races[atoi(getenv("SIM_RACE"))];
	size_t length = race->blocks * 512;
	struct cut cut = { .piece = race->mixed ? 512 : 0, .lba = 64 };
	struct outcomes seen = { 0 };
	int fd = open_disk(), reads = 0;
	char *data = buffer(length, 'o');
	double until = now() + 15;

	want(plain(fd, data, 64, race->blocks) == 0);
	pid_t writer = start_writer(race->way, race->blocks);
	while (now() < until &&
	       (race->mixed ? !seen.mixed : reads < 500 || !seen.new || !seen.old)) {
		want(pread(fd, data, length, 64 * 512) == (ssize_t)length);
		judge(&cut, data, length, &seen);
		reads++;
	}
	want(kill(writer, SIGKILL) == 0);
	want(WIFSIGNALED(status_of(writer)));
	want(race->mixed ? seen.mixed : reads >= 500 && seen.new &&seen.old && !seen.mixed);
}

const struct body bodies[] = {
	{ "one_cut", one_cut },
	{ "every_seed", every_seed },
	{ "counts_both", counts_both },
	{ "drops", drops },
	{ "after_the_cut", after_the_cut },
	{ "kills_the_writer_only", kills_the_writer_only },
	{ "until_cut", until_cut },
	{ "random_number", random_number },
	{ "racing_reader", racing_reader },
	{ NULL, NULL },
};

START_TEST(a_cut_tears_what_is_not_atomic_and_nothing_else)
{
	char environment[32];

	snprintf(environment, sizeof(environment), "SIM_CUT=%d", _i);
	preload_run("every_seed", cuts[_i].disk, environment);
}
END_TEST

static const struct {
	const char *body, *disk, *environment;
} rows[] = {
	{ "counts_both", ",cut=3,cut_action=eio", "SIM_LAST=plain" },
	{ "counts_both", ",cut=3,cut_action=eio", "SIM_LAST=command" },
	{ "drops", ",drops=2", NULL },
	{ "after_the_cut", ",cut=2,cut_action=eio", NULL },
	{ "kills_the_writer_only", ",cut=1,cut_action=kill", NULL },
	{ "random_number", "", NULL },
};

START_TEST(a_cut_comes_when_it_was_asked_for_and_is_the_end)
{
	preload_run(rows[_i].body, rows[_i].disk, rows[_i].environment);
}
END_TEST

START_TEST(a_reader_sees_a_write_half_done_unless_it_is_atomic)
{
	char environment[32], options[128];

	snprintf(environment, sizeof(environment), "SIM_RACE=%d", _i);
	snprintf(options, sizeof(options), ",tear_us=20%s", races[_i].disk);
	preload_run("racing_reader", options, environment);
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("the simulated disk's power cuts");
	TCase *tc = tcase_create("rows");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, a_cut_tears_what_is_not_atomic_and_nothing_else, 0, COUNT(cuts));
	tcase_add_loop_test(tc, a_cut_comes_when_it_was_asked_for_and_is_the_end, 0, COUNT(rows));
	tcase_add_loop_test(tc, a_reader_sees_a_write_half_done_unless_it_is_atomic, 0,
			    COUNT(races));
	suite_add_tcase(s, tc);
	return s;
}
