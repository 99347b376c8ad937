/* SPDX-License-Identifier: MIT */
/* statx through the shim, over the simulated disk: for each way to ask, the shim must fill in the
 * right fields and leave all others alone. */
#include "preload.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "untorn_uapi.h"

static struct statx ask(int dirfd, const char *path, int flags, unsigned mask)
{
	struct statx stx;

	memset(&stx, 0xff, sizeof(stx));
	errno = 77;
	want(statx(dirfd, path, flags, mask, &stx) == 0);
	want(errno == 77); /* untouched on success */
	return stx;
}

static int is_set(struct statx *stx)
{
	int mask = !!(stx->stx_mask & STATX_WRITE_ATOMIC);

	want(mask == !!(stx->stx_attributes & STATX_ATTR_WRITE_ATOMIC));
	want(mask == !!(stx->stx_attributes_mask & STATX_ATTR_WRITE_ATOMIC));
	want(untorn_statx_atomic(stx)->segments_max == (unsigned)mask);
	want(untorn_statx_atomic(stx)->unit_max_opt == 0);
	if (!mask)
		want(!untorn_statx_atomic(stx)->unit_min && !untorn_statx_atomic(stx)->unit_max);
	return mask;
}

static void is_unit(struct statx stx, unsigned min, unsigned max)
{
	want(is_set(&stx));
	want(S_ISBLK(stx.stx_mode));
	want(untorn_statx_atomic(&stx)->unit_min == min);
	want(untorn_statx_atomic(&stx)->unit_max == max);
}

static void is_nothing(struct statx stx)
{
	want(!is_set(&stx));
}

static void every_way(void)
{
	int disk = open(DISK, O_RDONLY), path = open(DISK, O_PATH), dev = open("/dev", O_PATH);

	is_unit(ask(AT_FDCWD, DISK, 0, STATX_WRITE_ATOMIC), 512, UNIT);
	is_unit(ask(AT_FDCWD, DISK, 0, STATX_ALL | STATX_WRITE_ATOMIC), 512, UNIT);
	is_unit(ask(AT_FDCWD, DISK, AT_STATX_DONT_SYNC, STATX_WRITE_ATOMIC), 512, UNIT);
	is_unit(ask(AT_FDCWD, DISK, AT_SYMLINK_NOFOLLOW, STATX_WRITE_ATOMIC), 512, UNIT);
	is_unit(ask(disk, "", AT_EMPTY_PATH, STATX_WRITE_ATOMIC), 512, UNIT);
	is_unit(ask(path, "", AT_EMPTY_PATH, STATX_WRITE_ATOMIC), 512, UNIT);
	is_unit(ask(dev, DISK, 0, STATX_WRITE_ATOMIC), 512, UNIT);
	is_nothing(ask(AT_FDCWD, DISK, 0, STATX_ALL));
	is_nothing(ask(AT_FDCWD, DISK, 0, 0));
}

static void other_files(void)
{
	int pipes[2];

	want(pipe(pipes) == 0);
	is_nothing(ask(AT_FDCWD, "/dev/null", 0, STATX_WRITE_ATOMIC));
	is_nothing(ask(AT_FDCWD, "/", 0, STATX_WRITE_ATOMIC));
	is_nothing(ask(pipes[0], "", AT_EMPTY_PATH, STATX_WRITE_ATOMIC));
}

static void errors(void)
{
	struct statx stx, *volatile nowhere = NULL;

	want_error(statx(AT_FDCWD, "/nothing/there", 0, STATX_WRITE_ATOMIC, &stx), ENOENT);
	want_error(statx(-1, "", AT_EMPTY_PATH, STATX_WRITE_ATOMIC, &stx), EBADF);
	want_error(statx(AT_FDCWD, "/", 0, STATX_WRITE_ATOMIC | 0x80000000, &stx), EINVAL);
	want_error(statx(AT_FDCWD, "/", 0, STATX_WRITE_ATOMIC, nowhere), EFAULT);
	want_error(statx(AT_FDCWD, "", 0, STATX_WRITE_ATOMIC, &stx), ENOENT);
}

static void whole(void)
{
	is_unit(ask(AT_FDCWD, DISK, 0, STATX_WRITE_ATOMIC), 512, UNIT);
}

static void blocks_of_4096(void)
{
	is_unit(ask(AT_FDCWD, DISK, 0, STATX_WRITE_ATOMIC), 4096, 8 * UNIT);
}

static void one_block(void)
{
	is_unit(ask(AT_FDCWD, DISK, 0, STATX_WRITE_ATOMIC), 512, 512);
}

static void cut_to_half(void)
{
	is_unit(ask(AT_FDCWD, DISK, 0, STATX_WRITE_ATOMIC), 512, UNIT / 2);
}

static void none(void)
{
	is_nothing(ask(AT_FDCWD, DISK, 0, STATX_WRITE_ATOMIC));
}

static void partitions(void)
{
	is_unit(ask(AT_FDCWD, DISK "p1", 0, STATX_WRITE_ATOMIC), 512, UNIT);
	is_nothing(ask(AT_FDCWD, DISK "p2", 0, STATX_WRITE_ATOMIC));
	is_unit(ask(AT_FDCWD, DISK, 0, STATX_WRITE_ATOMIC), 512, UNIT);
}

static void through_syscall(void)
{
	struct statx stx;

	memset(&stx, 0xff, sizeof(stx));
	want(syscall(SYS_statx, (long)AT_FDCWD, DISK, 0L, (long)STATX_WRITE_ATOMIC, &stx) == 0);
	is_unit(stx, 512, UNIT);
	want_error(
		syscall(SYS_statx, (long)AT_FDCWD, "/nothing", 0L, (long)STATX_WRITE_ATOMIC, &stx),
		ENOENT);
}

/* A question for the atomic fields, too, must not change the basic fields. */
static void basic_fields(void)
{
	struct statx with = ask(AT_FDCWD, DISK, 0, STATX_BASIC_STATS | STATX_WRITE_ATOMIC);
	struct statx without = ask(AT_FDCWD, DISK, 0, STATX_BASIC_STATS);

	want((with.stx_mask & ~STATX_WRITE_ATOMIC) == without.stx_mask);
	want(with.stx_rdev_major == without.stx_rdev_major && with.stx_ino == without.stx_ino);
	want(with.stx_mode == without.stx_mode && with.stx_blksize == without.stx_blksize);
}

const struct body bodies[] = {
	{ "every_way", every_way },
	{ "other_files", other_files },
	{ "errors", errors },
	{ "whole", whole },
	{ "blocks_of_4096", blocks_of_4096 },
	{ "one_block", one_block },
	{ "cut_to_half", cut_to_half },
	{ "none", none },
	{ "partitions", partitions },
	{ "through_syscall", through_syscall },
	{ "basic_fields", basic_fields },
	{ NULL, NULL },
};

static const struct {
	const char *body, *disk, *environment;
} rows[] = {
	{ "every_way", "", NULL },
	{ "every_way", "", "UNTORN_MODE=command" },
	{ "other_files", "", NULL },
	{ "errors", "", NULL },
	{ "blocks_of_4096", ",lba=4096", NULL },
	{ "one_block", ",nsfeat=0", NULL },
	{ "one_block", ",nsfeat=0,awun=31,awupf=31", NULL },
	{ "whole", ",nsfeat=0,awun=31,awupf=31", "UNTORN_NVME_LIMITS=controller" },
	{ "one_block", ",nsfeat=0,awun=31,awupf=31", "UNTORN_NVME_LIMITS=nonsense" },
	{ "whole", ",nsfeat=0,amazon=31:0:0", NULL },
	{ "whole", ",ms=8,pi=1", NULL },
	{ "whole", ",ms=8,pi=3", NULL },
	{ "whole", ",nabsn=31,nabspf=31", NULL },
	{ "cut_to_half", ",max_hw_sectors_kb=8", NULL },
	{ "cut_to_half", ",max_hw_sectors_kb=12", NULL },
	{ "cut_to_half", ",max_segments=4", NULL },
	{ "none", "", "UNTORN_MODE=off" },
	{ "none", ",ms=8,pi=2", NULL },
	{ "none", ",kernel_lba=4096", NULL },
	{ "none", ",ms=8", NULL },
	{ "none", ",ms=64", NULL },
	{ "none", ",nabsn=63,nabspf=63,nabo=8", NULL },
	{ "none", ",nabsn=47,nabspf=47", NULL },
	{ "none", ",zoned=host-managed", NULL },
	{ "none", ",unprivileged", NULL },
	{ "none", ",kind=none", NULL },
	{ "partitions", ",nabsn=63,nabspf=63,part=2048+4096,part=8200+4096", NULL },
	{ "through_syscall", "", NULL },
	{ "basic_fields", "", NULL },
};

START_TEST(statx_says_what_a_native_kernel_says)
{
	preload_run(rows[_i].body, rows[_i].disk, rows[_i].environment);
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("statx over the simulated disk");
	TCase *tc = tcase_create("rows");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, statx_says_what_a_native_kernel_says, 0,
			    sizeof(rows) / sizeof(rows[0]));
	suite_add_tcase(s, tc);
	return s;
}
