/* SPDX-License-Identifier: MIT */
/*
 * The simulated disk and its partitions must look like a real disk: to the stat family, to the
 * ioctls of every block device, and in /sys. Without UNTORN_SIM nothing is simulated.
 */
#include "preload.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/fs.h>
#include <linux/hdreg.h>
#include <linux/nvme_ioctl.h>

#ifndef BLKGETDISKSEQ
#define BLKGETDISKSEQ _IOR(0x12, 128, uint64_t)
#endif

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define SYS          "/sys/dev/block/240:"

/* Programs built before glibc 2.33 call these. */
int __fxstat(int version, int fd, struct stat *st);
int __xstat(int version, const char *path, struct stat *st);
int __fxstat64(int version, int fd, struct stat64 *st);
int __xstat64(int version, const char *path, struct stat64 *st);
int __lxstat(int version, const char *path, struct stat *st);
int __lxstat64(int version, const char *path, struct stat64 *st);
int __fxstatat(int version, int dirfd, const char *path, struct stat *st, int flags);
int __fxstatat64(int version, int dirfd, const char *path, struct stat64 *st, int flags);

static const char *const nodes[] = { DISK, DISK "p1", DISK "p2" };

static void is_node(const struct stat *st, int result, unsigned minor_number)
{
	want(result == 0);
	want(S_ISBLK(st->st_mode) && (st->st_mode & 0777) == 0660);
	want(st->st_rdev == makedev(240, minor_number));
	want(st->st_size == 0 && st->st_blocks == 0);
}

/* Every node through every name of stat: is_node() checks the result. */
#define EACH(call)                                                                                 \
	do {                                                                                       \
		memset(&st, 0xa5, sizeof(st));                                                     \
		is_node(&st, call, i);                                                             \
	} while (0)
#define EACH64(call)                                                                               \
	do {                                                                                       \
		memset(&st64, 0xa5, sizeof(st64));                                                 \
		int result_ = call;                                                                \
		memcpy(&st, &st64, sizeof(st));                                                    \
		is_node(&st, result_, i);                                                          \
	} while (0)

static void stat_family(void)
{
	for (unsigned i = 0; i < COUNT(nodes); i++) {
		int fd = open(nodes[i], O_RDWR | O_DIRECT), path = open(nodes[i], O_PATH);
		struct stat st;
		struct stat64 st64;

		want(fd >= 0 && path >= 0);
		EACH(fstat(fd, &st));
		EACH(fstat(path, &st));
		EACH(stat(nodes[i], &st));
		EACH(lstat(nodes[i], &st));
		EACH(fstatat(AT_FDCWD, nodes[i], &st, 0));
		EACH(fstatat(-1, nodes[i], &st, AT_SYMLINK_NOFOLLOW));
		EACH(fstatat(fd, "", &st, AT_EMPTY_PATH));
		EACH(fstatat(path, "", &st, AT_EMPTY_PATH));
		EACH64(fstat64(fd, &st64));
		EACH64(stat64(nodes[i], &st64));
		EACH64(lstat64(nodes[i], &st64));
		EACH64(fstatat64(fd, "", &st64, AT_EMPTY_PATH));
	}
}

static void stat_family_by_old_names(void)
{
	for (unsigned i = 0; i < COUNT(nodes); i++) {
		int fd = open(nodes[i], O_RDWR | O_DIRECT);
		struct stat st;
		struct stat64 st64;

		EACH(__fxstat(1, fd, &st));
		EACH(__xstat(1, nodes[i], &st));
		EACH(__lxstat(1, nodes[i], &st));
		EACH(__fxstatat(1, AT_FDCWD, nodes[i], &st, 0));
		EACH(__fxstatat(1, -1, nodes[i], &st, AT_SYMLINK_NOFOLLOW));
		EACH(__fxstatat(1, fd, "", &st, AT_EMPTY_PATH));
		EACH64(__fxstat64(1, fd, &st64));
		EACH64(__xstat64(1, nodes[i], &st64));
		EACH64(__lxstat64(1, nodes[i], &st64));
		EACH64(__fxstatat64(1, fd, "", &st64, AT_EMPTY_PATH));
	}
}
#undef EACH
#undef EACH64

/* The node is one file through every call, and another one than the next node. */
static void same_inode(void)
{
	struct stat by_path, by_fd, other;

	want(stat(DISK, &by_path) == 0 && fstat(open(DISK, O_PATH), &by_fd) == 0);
	want(stat(DISK "p1", &other) == 0);
	want(by_path.st_ino == by_fd.st_ino && by_path.st_dev == by_fd.st_dev);
	want(by_path.st_ino != other.st_ino && by_path.st_rdev != other.st_rdev);
}

static void is_statx_of_node(const struct statx *stx, int result, unsigned minor_number)
{
	const unsigned char *tail = (const unsigned char *)stx;

	want(result == 0);
	want(S_ISBLK(stx->stx_mode) && (stx->stx_mode & 0777) == 0660);
	want(stx->stx_rdev_major == 240 && stx->stx_rdev_minor == minor_number);
	want(stx->stx_size == 0 && stx->stx_blocks == 0);
	want(!(stx->stx_mask & ~0xfffU) && (stx->stx_mask & STATX_TYPE));
	want(stx->stx_attributes == 0 && stx->stx_attributes_mask == 0);
	for (size_t i = 0x98; i < sizeof(*stx); i++)
		want(tail[i] == 0);
}

static void statx_family(void)
{
	static const unsigned masks[] = { STATX_BASIC_STATS, 0xfff,   0x2000,
					  0x10000,           0x13fff, 0x7fffffff };

	for (unsigned i = 0; i < COUNT(nodes); i++) {
		int fd = open(nodes[i], O_RDONLY), path = open(nodes[i], O_PATH);
		for (size_t m = 0; m < COUNT(masks); m++) {
			unsigned mask = masks[m] | STATX_TYPE;
			struct statx stx;
#define EACH(call)                                                                                 \
	do {                                                                                       \
		memset(&stx, 0xa5, sizeof(stx));                                                   \
		is_statx_of_node(&stx, call, i);                                                   \
	} while (0)
			EACH(statx(fd, "", AT_EMPTY_PATH, mask, &stx));
			EACH(statx(path, "", AT_EMPTY_PATH, mask, &stx));
			EACH(statx(AT_FDCWD, nodes[i], 0, mask, &stx));
			EACH(statx(-1, nodes[i], AT_SYMLINK_NOFOLLOW, mask, &stx));
#undef EACH
		}
	}
}

static void block_ioctls(void)
{
	static const uint64_t sizes[] = { DISK_SIZE, 4096 * 512, 8 * 512 };
	static const unsigned long starts[] = { 0, 2048, 8192 };

	for (unsigned i = 0; i < COUNT(nodes); i++) {
		int fd = open(nodes[i], O_RDONLY), block = 0, physical = 0, read_only = 7;
		uint64_t size = 0, sequence = 0;
		unsigned long sectors = 0;
		struct hd_geometry geometry;

		memset(&geometry, 0xa5, sizeof(geometry));
		want(ioctl(fd, BLKGETSIZE64, &size) == 0 && size == sizes[i]);
		want(ioctl(fd, BLKGETSIZE, &sectors) == 0 && sectors == sizes[i] / 512);
		want(ioctl(fd, BLKSSZGET, &block) == 0 && block == 512);
		want(ioctl(fd, BLKPBSZGET, &physical) == 0 && physical == 512);
		want(ioctl(fd, BLKROGET, &read_only) == 0 && read_only == 0);
		want(ioctl(fd, BLKGETDISKSEQ, &sequence) == 0 && sequence == 1);
		want(ioctl(fd, HDIO_GETGEO, &geometry) == 0 && geometry.start == starts[i]);
		want(ioctl(fd, BLKFLSBUF, 0) == 0);
		want_error(ioctl(fd, _IO(0x12, 0xef)), ENOTTY);
	}
}

/* A descriptor that only names the file takes no ioctl at all. */
static void ioctls_by_path(void)
{
	int path = open(DISK, O_PATH), number = 1;
	uint64_t size = 0;

	want_error(ioctl(path, BLKROSET, &number), EBADF);
	want_error(ioctl(path, BLKGETSIZE64, &size), EBADF);
	want_error(ioctl(path, BLKSSZGET, &number), EBADF);
	want_error(ioctl(path, NVME_IOCTL_ID), EBADF);
	want(size == 0);
}

static void bad_pointers(void)
{
	static const unsigned long requests[] = { BLKGETSIZE64, BLKGETSIZE,    BLKSSZGET,  BLKROGET,
						  BLKROSET,     BLKGETDISKSEQ, HDIO_GETGEO };
	int fd = open_disk();

	for (size_t i = 0; i < COUNT(requests); i++)
		want_error(ioctl(fd, requests[i], (void *)8), EFAULT);
}

static void read_only(void)
{
	int fd = open_disk(), other = open(DISK, O_RDONLY), one = 1, zero = 0, got = 7;
	int always = atoi(getenv("SIM_ALWAYS"));
	char *data = buffer(512, 'r');

	want(ioctl(fd, BLKROGET, &got) == 0 && got == always);
	want(ioctl(other, BLKROSET, &one) == 0);
	want(ioctl(fd, BLKROGET, &got) == 0 && got == 1);
	want_error(pwrite(fd, data, 512, 0), EPERM);
	want(ioctl(fd, BLKROSET, &zero) == 0);
	want(ioctl(other, BLKROGET, &got) == 0 && got == always);
	want(pwrite(fd, data, 512, 0) == (always ? -1 : 512));
	want(holds(fd, 0, 512, always ? 0 : 'r'));
}

/* The attribute has this text; NULL: it does not exist. */
static void sysfs_text(const char *name, const char *expected)
{
	char path[128], text[256] = "";

	snprintf(path, sizeof(path), SYS "%s", name);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 && errno != ENOENT)
		fprintf(stderr, "%s: %m\n", path);
	if (fd >= 0 && read(fd, text, sizeof(text) - 1) < 0)
		fprintf(stderr, "%s: %m\n", path);
	if (expected ? strcmp(text, expected) != 0 : fd >= 0)
		fprintf(stderr, "%s: \"%s\", not \"%s\"\n", name, text,
			expected ? expected : "(none)");
	want(expected ? fd >= 0 && strcmp(text, expected) == 0 : fd < 0 && errno == ENOENT);
	if (fd >= 0) {
		want(pread(fd, text, 1, 0) == 1 && *text == *expected);
		close(fd);
	}
}

struct attribute {
	const char *name, *text;
};

static const struct attribute usual[] = {
	{ "0/dev", "240:0\n" },
	{ "1/dev", "240:1\n" },
	{ "2/dev", "240:2\n" },
	{ "0/size", "131072\n" },
	{ "1/size", "4096\n" },
	{ "2/size", "8\n" },
	{ "1/start", "2048\n" },
	{ "2/start", "8192\n" },
	{ "0/start", NULL },
	{ "1/partition", "1\n" },
	{ "2/partition", "2\n" },
	{ "0/partition", NULL },
	{ "0/diskseq", "1\n" },
	{ "1/diskseq", NULL },
	{ "1/../diskseq", "1\n" },
	{ "0/uevent", "MAJOR=240\nMINOR=0\nDEVNAME=sim0n1\nDEVTYPE=disk\n" },
	{ "1/../uevent", "MAJOR=240\nMINOR=0\nDEVNAME=sim0n1\nDEVTYPE=disk\n" },
	{ "1/../dev", "240:0\n" },
	{ "2/../size", "131072\n" },
	{ "1/../start", NULL },
	{ "0/queue/logical_block_size", "512\n" },
	{ "1/queue/logical_block_size", NULL },
	{ "1/../queue/logical_block_size", "512\n" },
	{ "0/queue/max_hw_sectors_kb", "512\n" },
	{ "2/../queue/max_hw_sectors_kb", "512\n" },
	{ "0/queue/max_segments", "127\n" },
	{ "0/queue/chunk_sectors", "0\n" },
	{ "0/queue/dma_alignment", "3\n" },
	{ "0/queue/zoned", "none\n" },
	{ "0/queue/write_cache", "write back\n" },
	{ "0/queue/fua", "1\n" },
	{ "0/queue/atomic_write_max_bytes", NULL },
	{ "0/queue/atomic_write_unit_max_bytes", NULL },
	{ "0/queue/", NULL },
	{ "0/queue/fua/", NULL },
	{ "0/device/model", "untorn simulated disk\n" },
	{ "1/../device/model", "untorn simulated disk\n" },
	{ "1/device/model", NULL },
	{ "3/dev", NULL },
	{ "10/dev", NULL },
	{ "x/dev", NULL },
	{ "0/nonsense", NULL },
};

static const struct attribute configured[] = {
	{ "0/size", "131072\n" },
	{ "0/queue/logical_block_size", "4096\n" },
	{ "0/queue/max_hw_sectors_kb", "128\n" },
	{ "0/queue/max_segments", "33\n" },
	{ "0/queue/chunk_sectors", "256\n" },
	{ "0/queue/dma_alignment", "511\n" },
	{ "0/queue/zoned", "host-managed\n" },
	{ "0/device/model", NULL },
};

static void sysfs_usual(void)
{
	for (size_t i = 0; i < COUNT(usual); i++)
		sysfs_text(usual[i].name, usual[i].text);
}

static void sysfs_configured(void)
{
	for (size_t i = 0; i < COUNT(configured); i++)
		sysfs_text(configured[i].name, configured[i].text);
}

/* SIM_NVME is 1 if the disk is an NVMe disk. */
static void sysfs_links(void)
{
	static const char target[] = "../../../../class/nvme";
	char text[64];
	const char *nvme = getenv("SIM_NVME");

	memset(text, 'z', sizeof(text));
	ssize_t length = readlink(SYS "0/device/subsystem", text, sizeof(text));
	if (*nvme == '1') {
		want(length == (ssize_t)strlen(target));
		want(memcmp(text, target, strlen(target)) == 0 && text[length] == 'z');
		want(readlink(SYS "1/../device/subsystem", text, sizeof(text)) == length);
		want(readlink(SYS "0/device/subsystem", text, 5) == 5);
	} else {
		want(length == -1 && errno == ENOENT);
	}
	want_error(readlink(SYS "1/device/subsystem", text, sizeof(text)), ENOENT);
	want_error(readlink(SYS "0/subsystem", text, sizeof(text)), ENOENT);
	want_error(readlink(SYS "0/dev", text, sizeof(text)), ENOENT);
}

static void sysfs_directories(void)
{
	struct stat disk, part, st;

	want(stat(SYS "0/", &disk) == 0 && S_ISDIR(disk.st_mode));
	want(stat(SYS "1/", &part) == 0 && S_ISDIR(part.st_mode));
	want(stat(SYS "1/../", &st) == 0 && st.st_ino == disk.st_ino);
	want(disk.st_ino != part.st_ino);
	want_error(stat(SYS "3/", &st), ENOENT);
	want_error(stat(SYS "0/nonsense", &st), ENOENT);
}

/* Other files: the kernel's own answers. */
static void others(void)
{
	struct stat st;
	struct statx stx;
	char text[64] = "";
	int null = open("/dev/null", O_RDWR), size = 0;

	want(stat("/dev/null", &st) == 0 && S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 3));
	want(fstat(null, &st) == 0 && S_ISCHR(st.st_mode));
	want(statx(AT_FDCWD, "/", 0, STATX_BASIC_STATS, &stx) == 0 && S_ISDIR(stx.stx_mode));
	want(lstat("/proc/self", &st) == 0 && S_ISLNK(st.st_mode));
	want(readlink("/proc/self", text, sizeof(text) - 1) > 0 && atoi(text) == getpid());
	want_error(ioctl(null, BLKSSZGET, &size), ENOTTY);
	want_error(stat(DISK "p3", &st), ENOENT);
	want_error(stat(DISK "/", &st), ENOENT);
	want_error(lstat("/nonexistent", &st), ENOENT);
	want_error(fstat(-1, &st), EBADF);
	want_error(fstat(999, &st), EBADF);
	want(__xstat(1, "/dev/null", &st) == 0 && S_ISCHR(st.st_mode));
	want(__fxstat(1, null, &st) == 0 && S_ISCHR(st.st_mode));
	want(__lxstat(1, "/proc/self", &st) == 0 && S_ISLNK(st.st_mode));
	want(__fxstatat(1, AT_FDCWD, "/proc/self", &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	     S_ISLNK(st.st_mode));
	want_error(__fxstatat(1, -1, "", &st, AT_EMPTY_PATH), EBADF);
	want_error(fstatat(-1, "", &st, AT_EMPTY_PATH), EBADF);
	want_error(statx(999, "", AT_EMPTY_PATH, STATX_TYPE, &stx), EBADF);
	want(open("/sys/kernel", O_PATH) >= 0);
}

static void nothing_is_simulated(void)
{
	struct stat st;
	struct statx stx;
	char text[64];

	want_error(open(DISK, O_RDWR), ENOENT);
	want_error(stat(DISK, &st), ENOENT);
	want_error(statx(AT_FDCWD, DISK, 0, STATX_TYPE, &stx), ENOENT);
	want_error(open(SYS "0/dev", O_RDONLY), ENOENT);
	want_error(stat(SYS "0/", &st), ENOENT);
	want_error(readlink(SYS "0/device/subsystem", text, sizeof(text)), ENOENT);
	others();
}

static void without_configuration(void)
{
	int status;

	pid_t child = fork();
	if (child == 0) {
		unsetenv("UNTORN_SIM");
		execl("/proc/self/exe", "preload-body", "--body", "nothing_is_simulated",
		      (char *)NULL);
		_exit(127);
	}
	want(waitpid(child, &status, 0) == child && WIFEXITED(status) && !WEXITSTATUS(status));
}

const struct body bodies[] = {
	{ "stat_family", stat_family },
	{ "stat_family_by_old_names", stat_family_by_old_names },
	{ "same_inode", same_inode },
	{ "statx_family", statx_family },
	{ "block_ioctls", block_ioctls },
	{ "ioctls_by_path", ioctls_by_path },
	{ "bad_pointers", bad_pointers },
	{ "read_only", read_only },
	{ "sysfs_usual", sysfs_usual },
	{ "sysfs_configured", sysfs_configured },
	{ "sysfs_links", sysfs_links },
	{ "sysfs_directories", sysfs_directories },
	{ "others", others },
	{ "nothing_is_simulated", nothing_is_simulated },
	{ "without_configuration", without_configuration },
	{ NULL, NULL },
};

#define PARTS ",part=2048+4096,part=8192+8"

static const struct {
	const char *body, *disk, *environment;
} rows[] = {
	{ "stat_family", PARTS, NULL },
	{ "stat_family", PARTS ",kind=none", NULL },
	{ "stat_family_by_old_names", PARTS, NULL },
	{ "same_inode", PARTS, NULL },
	{ "statx_family", PARTS, NULL },
	{ "block_ioctls", PARTS, NULL },
	{ "block_ioctls", PARTS ",kind=none", NULL },
	{ "ioctls_by_path", "", NULL },
	{ "ioctls_by_path", ",kind=none", NULL },
	{ "bad_pointers", "", NULL },
	{ "read_only", "", "SIM_ALWAYS=0" },
	{ "read_only", ",readonly", "SIM_ALWAYS=1" },
	{ "sysfs_usual", PARTS, NULL },
	{ "sysfs_configured",
	  ",lba=4096,max_hw_sectors_kb=128,max_segments=33,chunk_sectors=256,dma_alignment=511"
	  ",zoned=host-managed,kind=none",
	  NULL },
	{ "sysfs_links", PARTS, "SIM_NVME=1" },
	{ "sysfs_links", PARTS ",kind=none", "SIM_NVME=0" },
	{ "sysfs_directories", PARTS, NULL },
	{ "others", PARTS, NULL },
	{ "without_configuration", "", NULL },
};

START_TEST(the_disk_looks_like_a_block_device_of_linux_6_1)
{
	preload_run(rows[_i].body, rows[_i].disk, rows[_i].environment);
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("what the simulated disk looks like");
	TCase *tc = tcase_create("rows");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, the_disk_looks_like_a_block_device_of_linux_6_1, 0, COUNT(rows));
	suite_add_tcase(s, tc);
	return s;
}
