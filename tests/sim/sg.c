/* SPDX-License-Identifier: MIT */
/*
 * The drivers before the simulated SCSI disk: which commands SG_IO allows to whom, which headers it
 * accepts, and the fields of its answers; and the SCSI generic node.
 */
#include "call.h"

#include <scsi/scsi.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <linux/fs.h>

/* Every byte of sense data and every field of the answer. */
static void answers(void)
{
	static const uint8_t sense[18] = { 0x70, 0, 5, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0x21 };
	char *data = buffer(512, 'a');
	int fd = open_disk();
	struct call call;

	set_call(&call, WRITE_16, data, 0, 1);
	want(run(fd, &call) == 0);
	want_answer(&call.header, 0, 0);
	set_call(&call, WRITE_16, data, 131072, 1);
	want(run(fd, &call) == OUT_OF_RANGE && memcmp(call.sense, sense, 18) == 0);
	want_answer(&call.header, 2, 18);
	set_call(&call, WRITE_16, data, 131072, 1);
	call.header.mx_sb_len = 8;
	memset(call.sense, 0xa5, sizeof(call.sense));
	run(fd, &call);
	want_answer(&call.header, 2, 8);
	want(memcmp(call.sense, sense, 8) == 0 && call.sense[8] == 0xa5);
	call.header.sbp = NULL;
	want(run(fd, &call) == -2);
	want_answer(&call.header, 2, 0);
	call.header.sbp = (unsigned char *)1;
	want_error(run(fd, &call), EFAULT);
	want_error(ioctl(fd, SG_IO, NULL), EFAULT);
}

/* Headers that the driver refuses, with one wrong field each. */
static void headers(void)
{
	int fd = open_disk(), generic = open(GENERIC, O_RDWR);
	char *data = buffer(UNIT, 'h');
	struct call call;
#define EACH(field, value, error, error_generic)                                                   \
	do {                                                                                       \
		set_call(&call, WRITE_16, data, 0, 8);                                             \
		call.header.field = (value);                                                       \
		want_error(run(fd, &call), error);                                                 \
		want_error(run(generic, &call), error_generic);                                    \
	} while (0)
	EACH(interface_id, 'Q', EINVAL, ENOSYS);
	EACH(interface_id, 0, EINVAL, ENOSYS);
	EACH(dxfer_direction, SG_DXFER_NONE, EINVAL, EINVAL);
	EACH(dxfer_direction, 0, EINVAL, EINVAL);
	EACH(dxfer_len, 32 * 1024 + 1, EIO, EIO); /* max_hw_sectors_kb=32 */
	EACH(iovec_count, 1, EINVAL, EINVAL);
	EACH(cmd_len, 0, EMSGSIZE, EMSGSIZE);
	EACH(cmd_len, 5, EMSGSIZE, EMSGSIZE);
	EACH(cmd_len, 33, EINVAL, EINVAL);
	EACH(cmdp, NULL, EFAULT, EFAULT);
	EACH(dxferp, NULL, EFAULT, EFAULT);
#undef EACH
	set_call(&call, WRITE_16, data, 0, 8);
	call.cdb[1] = 0x20; /* WRPROTECT */
	want(run(fd, &call) == INVALID_FIELD);
	call.cdb[1] = 0;
	call.header.dxfer_direction = SG_DXFER_FROM_DEV;
	want(run(fd, &call) == INVALID_FIELD && image_holds(0, UNIT, 0));
	call.header.dxfer_direction = SG_DXFER_TO_DEV;
	call.header.dxfer_len = 8 * 512 - 1;
	want(run(fd, &call) == INVALID_FIELD && image_holds(0, UNIT, 0));
	call.header.dxfer_len = 9 * 512;
	want(run(fd, &call) == 0 && call.header.resid == 512);
	want(image_holds(0, 4096, 'h') && image_holds(4096, 4096, 0));
}

static void bad_memory(void)
{
	char *map =
		mmap(NULL, 2 * UNIT, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	static const uint8_t opcodes[] = { WRITE_10, WRITE_16, ATOMIC_16, READ_10, READ_16, 0x00 };
	int fd = open_disk();

	memset(map, 'm', UNIT);
	want(mprotect(map + UNIT, UNIT, PROT_NONE) == 0);
	for (size_t i = 0; i < COUNT(opcodes); i++) {
		want_error(move(fd, opcodes[i], map + UNIT, 0, 32), EFAULT);
		want_error(move(fd, opcodes[i], map + UNIT / 2, 0, 32), EFAULT);
	}
	want(image_holds(0, UNIT, 0));
	want(move(fd, ATOMIC_16, map, 0, 32) == 0 && image_holds(0, UNIT, 'm'));
	want(mprotect(map, UNIT, PROT_READ) == 0);
	want_error(move(fd, READ_16, map, 0, 32), EFAULT);
}

/* Checks the errno of each command. The memory is bad: so an allowed command is EFAULT. */
static void may(const char *path, int flags, const char *expected)
{
	static const uint8_t opcodes[] = { 0x00,    0x12,     0x25,     0x9e,    READ_10,   READ_16,
					   SYNC_10, WRITE_10, WRITE_16, SYNC_16, ATOMIC_16, 0x5f };
	void *hole = mmap(NULL, UNIT, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int fd = open(path, flags);

	want(fd >= 0);
	for (size_t i = 0; i < COUNT(opcodes); i++) {
		errno = 0;
		want(move(fd, opcodes[i], hole, 0, 8) == -1);
		char got = errno == EFAULT   ? 'y'
			   : errno == EPERM  ? 'n'
			   : errno == ENOTTY ? 't'
					     : '?';
		if (got != expected[i])
			fprintf(stderr, "%s %#x, %#x: %m\n", path, (unsigned)flags, opcodes[i]);
		want(got == expected[i]);
	}
	close(fd);
}

static void privileged(void)
{
	may(DISK, O_RDWR, "yyyyyyyyyyyy");
	may(DISK, O_RDONLY, "yyyyyyyyyyyy");
	may(DISK "p1", O_RDWR, "yyyyyyyyyyyy");
	may(GENERIC, O_RDWR, "yyyyyyyyyyyy");
	may(GENERIC, O_RDONLY, "yyyyyyyyyyyy");
}

static void unprivileged(void)
{
	may(DISK, O_RDWR, "yyyyyyyyynnn");
	may(DISK, O_WRONLY, "yyyyyyyyynnn");
	may(DISK, O_RDONLY, "yyyyyynnnnnn");
	may(DISK "p1", O_RDWR, "tttttttttttt");
	may(GENERIC, O_RDWR, "yyyyyyyyyyyy");
	may(GENERIC, O_WRONLY, "yyyyyyyyynnn");
	may(GENERIC, O_RDONLY, "yyyyyynnnnnn");
}

static void not_scsi(void)
{
	want_error(move(open_disk(), 0x00, NULL, 0, 0), ENOTTY);
}

static void is_generic(const struct stat *st, int result)
{
	want(result == 0 && S_ISCHR(st->st_mode) && (st->st_mode & 0777) == 0660);
	want(st->st_rdev == makedev(21, 3) && st->st_size == 0);
}

static void generic_node(void)
{
	int fd = open(GENERIC, O_RDWR | O_CLOEXEC), path = open(GENERIC, O_PATH), version = 0;
	struct stat st;
	struct statx stx;
	uint64_t size;
	char byte = 0;

	want(fd >= 0 && path >= 0);
	is_generic(&st, fstat(fd, &st));
	is_generic(&st, fstat(dup(fd), &st));
	is_generic(&st, fstat(path, &st));
	is_generic(&st, stat(GENERIC, &st));
	want(statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &stx) == 0);
	want(S_ISCHR(stx.stx_mode) && stx.stx_rdev_major == 21 && stx.stx_rdev_minor == 3);
	want(ioctl(fd, SG_GET_VERSION_NUM, &version) == 0 && version == 30536);
	want(ioctl(open_disk(), SG_GET_VERSION_NUM, &version) == 0 && version == 30527);
	want_error(ioctl(fd, SG_GET_VERSION_NUM, NULL), EFAULT);
	want_error(ioctl(fd, BLKGETSIZE64, &size), ENOTTY);
	want_error(ioctl(path, SG_GET_VERSION_NUM, &version), EBADF);
	want_error(pwrite(fd, &byte, 1, 0), ESPIPE);
	want_error(pread(fd, &byte, 1, 0), ESPIPE);
	want_error(write(fd, &byte, 1), EINVAL);
	want_error(read(fd, &byte, 1), EINVAL);
}

/* A command by write() and its answer by read(); each descriptor has its own commands. */
static void generic_queue(void)
{
	int first = open(GENERIC, O_RDWR), second = open(GENERIC, O_RDWR);
	struct call good, bad;

	set_call(&good, ATOMIC_16, buffer(UNIT, 'q'), 32, 32);
	set_call(&bad, WRITE_16, buffer(512, 'q'), 131072, 1);
	want_error(read(first, &good.header, sizeof(good.header)), EAGAIN);
	want(write(first, &good.header, sizeof(good.header)) == sizeof(good.header));
	want(write(second, &bad.header, sizeof(bad.header)) == sizeof(bad.header));
	want(image_holds(UNIT, UNIT, 'q') && image_holds(0, UNIT, 0));
	want(read(second, &bad.header, sizeof(bad.header)) == sizeof(bad.header));
	want_answer(&bad.header, 2, 18);
	want(sense_of(&bad) == OUT_OF_RANGE);
	want(read(first, &good.header, sizeof(good.header)) == sizeof(good.header));
	want_answer(&good.header, 0, 0);
	want_error(read(first, &good.header, sizeof(good.header)), EAGAIN);
	good.header.dxferp = NULL;
	want_error(write(first, &good.header, sizeof(good.header)), EFAULT);
	want_error(read(first, &good.header, sizeof(good.header)), EAGAIN);
}

/* SIM_ID is the number of the disk on its bus. */
static void generic_is_of(void)
{
	struct sg_scsi_id id;
	uint32_t word[2];
	int fd = open(GENERIC, O_RDWR);

	memset(&id, 0xa5, sizeof(id));
	want(ioctl(fd, SG_GET_SCSI_ID, &id) == 0);
	want(id.host_no == 2 && id.channel == 0 && id.lun == 0 && id.scsi_type == 0);
	want(id.scsi_id == atoi(getenv("SIM_ID")));
	want(ioctl(fd, SCSI_IOCTL_GET_IDLUN, word) == 0 && word[1] == 0);
	want(word[0] == 0x02000000U + (unsigned)id.scsi_id);
	want(ioctl(open_disk(), SCSI_IOCTL_GET_IDLUN, word) == 0 && word[0] == 0x02000001);
	want_error(ioctl(fd, SG_GET_SCSI_ID, NULL), EFAULT);
	want_error(ioctl(open_disk(), SG_GET_SCSI_ID, &id), ENOTTY);
}

static void generic_closed(void)
{
	struct stat st;

	want_error(open(GENERIC, O_RDWR), EACCES);
	want_error(open(GENERIC, O_RDONLY), EACCES);
	is_generic(&st, stat(GENERIC, &st));
	want(open_disk() >= 0);
}

static void generic_absent(void)
{
	struct stat st;

	want_error(open("/dev/sg3123", O_RDWR), ENOENT);
	want_error(stat("/dev/sg3123", &st), ENOENT);
}

const struct body bodies[] = {
	{ "answers", answers },
	{ "headers", headers },
	{ "bad_memory", bad_memory },
	{ "privileged", privileged },
	{ "unprivileged", unprivileged },
	{ "not_scsi", not_scsi },
	{ "generic_node", generic_node },
	{ "generic_queue", generic_queue },
	{ "generic_is_of", generic_is_of },
	{ "generic_closed", generic_closed },
	{ "generic_absent", generic_absent },
	{ NULL, NULL },
};

#define ATOMIC  ",kind=scsi,max_atomic=32"
#define GENERAL ATOMIC ",sg=sg3,part=2048+4096"

static const struct {
	const char *body, *disk, *environment;
} rows[] = {
	{ "answers", ATOMIC, NULL },
	{ "headers", GENERAL ",max_hw_sectors_kb=32", NULL },
	{ "bad_memory", ATOMIC, NULL },
	{ "privileged", GENERAL, NULL },
	{ "unprivileged", GENERAL ",unprivileged", NULL },
	{ "not_scsi", "", NULL },
	{ "not_scsi", ",kind=none", NULL },
	{ "generic_node", GENERAL, NULL },
	{ "generic_queue", GENERAL, NULL },
	{ "generic_is_of", GENERAL, "SIM_ID=1" },
	{ "generic_is_of", GENERAL ",sg_other", "SIM_ID=9" },
	{ "generic_closed", GENERAL ",sg_closed", NULL },
	{ "generic_absent", ATOMIC, NULL },
	{ "generic_absent", GENERAL, NULL },
};

START_TEST(the_driver_does_what_a_kernel_does)
{
	preload_run(rows[_i].body, rows[_i].disk, rows[_i].environment);
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("the simulated disk's SCSI drivers");
	TCase *tc = tcase_create("rows");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, the_driver_does_what_a_kernel_does, 0, COUNT(rows));
	suite_add_tcase(s, tc);
	return s;
}
