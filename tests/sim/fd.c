/* SPDX-License-Identifier: MIT */
/*
 * Descriptors of the simulated disk: the file position, other names of the same calls, partitions,
 * copies by dup, fork and exec. Calls on all other descriptors must stay the kernel's.
 */
#include "preload.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/fs.h>
#include <linux/nvme_ioctl.h>

#define END ((off_t)DISK_SIZE)

/* _FORTIFY_SOURCE turns open and openat into these. */
int __open_2(const char *path, int flags);
int __openat_2(int dirfd, const char *path, int flags);
int __open64_2(const char *path, int flags);
int __openat64_2(int dirfd, const char *path, int flags);

static off_t at(int fd)
{
	return lseek(fd, 0, SEEK_CUR);
}

static void position(void)
{
	int fd = open_disk();
	char *data = buffer(4096, 'p');
	struct iovec iov[2] = { { data, 512 }, { data, 1024 } };

	want(at(fd) == 0);
	want(write(fd, data, 1024) == 1024 && at(fd) == 1024);
	want(writev(fd, iov, 2) == 1536 && at(fd) == 2560);
	want(pwritev2(fd, iov, 1, -1, 0) == 512 && at(fd) == 3072);
	want(pwritev64v2(fd, iov, 1, -1, RWF_DSYNC) == 512 && at(fd) == 3584);
	want(holds(fd, 0, 3584, 'p') && holds(fd, 3584, 512, 0));
	want(at(fd) == 3584);
	want(pwrite(fd, data, 512, 8192) == 512 && at(fd) == 3584);
	want(pread(fd, data, 512, 8192) == 512 && at(fd) == 3584);
	want(pwritev(fd, iov, 2, 8192) == 1536 && preadv(fd, iov, 2, 8192) == 1536);
	want(pwritev2(fd, iov, 2, 8192, 0) == 1536 && preadv2(fd, iov, 2, 8192, 0) == 1536);
	want(at(fd) == 3584);
	want(lseek(fd, 0, SEEK_SET) == 0);
	want(read(fd, data, 512) == 512 && at(fd) == 512);
	want(readv(fd, iov, 2) == 1536 && at(fd) == 2048);
	want(preadv2(fd, iov, 1, -1, 0) == 512 && at(fd) == 2560);
}

static void position_stays_on_errors(void)
{
	int fd = open_disk(), reader = open(DISK, O_RDONLY);
	char *data = buffer(4096, 'e');

	want(lseek(fd, 512, SEEK_SET) == 512);
	want_error(write(fd, data, 100), EINVAL);
	want_error(read(fd, data, 100), EINVAL);
	want(write(fd, data, 0) == 0 && read(fd, data, 0) == 0);
	want(at(fd) == 512);
	want_error(write(reader, data, 512), EBADF);
	want(at(reader) == 0);
	want(lseek(fd, END - 512, SEEK_SET) == END - 512);
	want(write(fd, data, 4096) == 512 && at(fd) == END);
	want_error(write(fd, data, 512), ENOSPC);
	want(read(fd, data, 512) == 0 && at(fd) == END);
	want_error(pwrite(fd, data, 512, -1), EINVAL);
	want_error(pread(fd, data, 512, -1), EINVAL);
	struct iovec iov = { data, 512 };
	want_error(pwritev(fd, &iov, 1, -1), EINVAL);
	want_error(preadv(fd, &iov, 1, -1), EINVAL);
	want(at(fd) == END);
}

/* O_APPEND means nothing to a block device. */
static void append(void)
{
	int fd = open(DISK, O_WRONLY | O_APPEND), direct = open_disk();
	char *data = buffer(512, 'a');

	want(write(fd, data, 512) == 512 && at(fd) == 512);
	want(write(fd, data, 512) == 512 && at(fd) == 1024);
	want(pwrite(fd, data, 512, 4096) == 512);
	want(holds(direct, 0, 1024, 'a') && holds(direct, 4096, 512, 'a'));
}

static void names_64(void)
{
	int fd = open64(DISK, O_RDWR | O_DIRECT);
	char *data = buffer(512, '6'), *back = buffer(512, 0);
	struct iovec out = { data, 512 }, in = { back, 512 };

	want(fd >= 0);
	want(pwrite64(fd, data, 512, 0) == 512 && holds(fd, 0, 512, '6'));
	want(pwritev64(fd, &out, 1, 512) == 512 && holds(fd, 512, 512, '6'));
	want(pwritev64v2(fd, &out, 1, 1024, 0) == 512 && holds(fd, 1024, 512, '6'));
	want(pread64(fd, back, 512, 0) == 512 && back[511] == '6');
	memset(back, 0, 512);
	want(preadv64(fd, &in, 1, 512) == 512 && back[511] == '6');
	memset(back, 0, 512);
	want(preadv64v2(fd, &in, 1, 1024, 0) == 512 && back[511] == '6');
	want_error(pwrite64(fd, data, 100, 0), EINVAL);
	want_error(pwritev64v2(fd, &out, 1, 0, 0x40), EOPNOTSUPP);
}

static void names_of_open(void)
{
	int fds[] = {
		open(DISK, O_RDWR),
		open64(DISK, O_RDWR),
		openat(AT_FDCWD, DISK, O_RDWR),
		openat64(-1, DISK, O_RDWR),
		__open_2(DISK, O_RDWR),
		__open64_2(DISK, O_RDWR),
		__openat_2(AT_FDCWD, DISK, O_RDWR),
		__openat64_2(AT_FDCWD, DISK, O_RDWR),
		open(DISK, O_RDWR | O_CREAT, 0600),
		open(DISK, O_RDWR | O_TRUNC),
	};

	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++) {
		uint64_t size = 0;
		want(fds[i] >= 0 && ioctl(fds[i], BLKGETSIZE64, &size) == 0);
		want(size == DISK_SIZE && lseek(fds[i], 0, SEEK_END) == END);
	}
	want(fcntl(open(DISK, O_RDONLY | O_CLOEXEC), F_GETFD) == FD_CLOEXEC);
	want(fcntl(open(DISK, O_RDONLY), F_GETFD) == 0);
	want_error(open(DISK, O_RDONLY | O_DIRECTORY), ENOTDIR);
	want_error(open("", O_RDONLY), ENOENT);
	want_error(open(DISK "q", O_RDONLY), ENOENT);
}

/* Two partitions with a gap: a write must not leave its partition. */
static void partitions(void)
{
	int disk = open_disk(), one = open(DISK "p1", O_RDWR | O_DIRECT);
	int two = open(DISK "p2", O_RDWR);
	char *data = buffer(UNIT, '1');

	want(one >= 0 && two >= 0);
	want(lseek(one, 0, SEEK_END) == 8192 && lseek(two, 0, SEEK_END) == 4096);
	want(pwrite(one, data, UNIT, 0) == 8192);
	want(pwrite(one, data, UNIT, 4096) == 4096);
	want_error(pwrite(one, data, 512, 8192), ENOSPC);
	memset(data, '2', UNIT);
	want(pwrite(two, data, 10, 4090) == 6);
	want_error(pwrite(two, data, 1, 4096), ENOSPC);
	want(holds(disk, 0, 8L * 512, 0));
	want(holds(disk, 8L * 512, 8192, '1') && holds(one, 0, 8192, '1'));
	want(holds(disk, 24L * 512, 8L * 512, 0));
	want(pread(two, data, UNIT, 4080) == 16 && data[9] == 0 && data[10] == '2');
	want(holds(disk, 40L * 512, 8192, 0));
	want(pread(one, data, UNIT, 0) == 8192 && pread(one, data, UNIT, 8192) == 0);
	memset(data, 'd', UNIT);
	want(pwrite(disk, data, 512, 8L * 512) == 512 && holds(one, 0, 512, 'd'));
}

/* The partition has the configured size, whatever files were beside the image before. */
static void partition_end(void)
{
	int part = open(DISK "p1", O_RDONLY);
	uint64_t size = 0;

	want(part >= 0 && ioctl(part, BLKGETSIZE64, &size) == 0);
	want(lseek(part, 0, SEEK_END) == (off_t)size);
	want(size == strtoull(getenv("SIM_SIZE"), NULL, 0));
}

static void copies(void)
{
	int fd = open_disk();
	int copied[] = { dup(fd), dup2(fd, 100), dup3(fd, 101, O_CLOEXEC),
			 fcntl(fd, F_DUPFD, 102) };
	char *data = buffer(512, 'c');

	for (int i = 0; i < 4; i++) {
		want(copied[i] >= 0 && pwrite(copied[i], data, 512, 1024L * i) == 512);
		want(holds(fd, 1024L * i, 512, 'c'));
		want_error(pwrite(copied[i], data, 100, 0), EINVAL);
	}
	want(write(copied[0], data, 512) == 512 && at(fd) == 512 && at(copied[3]) == 512);
	close(fd);
	want_error(pwrite(fd, data, 512, 0), EBADF);
	want(dup2(open("/dev/null", O_RDWR), 100) == 100);
	want(pwrite(100, data, 3, 0) == 3);
	want(holds(copied[0], 512, 512, 0));
}

static int end_of(pid_t child)
{
	int status;

	want(waitpid(child, &status, 0) == child && WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void over_fork(void)
{
	int fd = open_disk(), one = 1;
	char *data = buffer(512, 'f');

	pid_t child = fork();
	if (child == 0) {
		want(write(fd, data, 512) == 512);
		want_error(pwrite(fd, data, 100, 0), EINVAL);
		want(ioctl(fd, BLKROSET, &one) == 0);
		_exit(0);
	}
	want(end_of(child) == 0 && at(fd) == 512);
	want(holds(fd, 0, 512, 'f'));
	want_error(pwrite(fd, data, 512, 0), EPERM);
}

/* Descriptor 100 is the disk, 101 a partition, 102 the null device. */
static void after_exec(void)
{
	char *data = buffer(4096, 'x');

	want(write(100, data, 512) == 512 && at(100) == 1024);
	want_error(pwrite(100, data, 100, 0), EINVAL);
	want(pwrite(101, data, UNIT, 0) == 4096);
	want(pwrite(102, data, 100, 0) == 100);
	want_error(ioctl(102, BLKGETSIZE64, data), ENOTTY);
}

static void over_exec(void)
{
	int fd = open_disk(), part = open(DISK "p1", O_RDWR);

	want(part >= 0 && dup2(fd, 100) == 100 && dup2(part, 101) == 101);
	want(dup2(open("/dev/null", O_RDWR), 102) == 102 && lseek(fd, 512, SEEK_SET) == 512);
	pid_t child = fork();
	if (child == 0) {
		execl("/proc/self/exe", "preload-body", "--body", "after_exec", (char *)NULL);
		_exit(127);
	}
	want(end_of(child) == 0);
	want(holds(fd, 0, 512, 0) && holds(fd, 512, 512, 'x'));
	want(holds(fd, 8L * 512, 4096, 'x') && holds(fd, 16L * 512, 4096, 0));
}

/* If the image file cannot take a write, the write fails: here a limit keeps the image from
 * growing. */
static void medium_error(void)
{
	struct rlimit limit = { 1 << 20, 1 << 20 };
	int fd = open_disk();
	char *data = buffer(UNIT, 'm');

	want(signal(SIGXFSZ, SIG_IGN) != SIG_ERR && setrlimit(RLIMIT_FSIZE, &limit) == 0);
	want(pwrite(fd, data, UNIT, (1 << 20) - UNIT) == UNIT);
	want_error(pwrite(fd, data, UNIT, 1 << 20), EIO);
	want_error(pwrite(fd, data, UNIT, (1 << 20) - 512), EIO);
	struct nvme_user_io io = { .opcode = 1, .addr = (uintptr_t)data, .slba = 4096 };
	want_error(ioctl(fd, NVME_IOCTL_SUBMIT_IO, &io), EIO);
	want(holds(fd, 1 << 20, UNIT, 0));
}

/* Other files get the kernel's answer, aligned or not. */
static void others(void)
{
	int file = memfd_create("other", 0), pipes[2], sockets[2], disk = open_disk();
	char text[16] = "0123456789", back[16] = "";
	struct iovec iov = { text, 5 };
	uint64_t size;

	want(file >= 0 && pipe(pipes) == 0 && socketpair(AF_UNIX, SOCK_STREAM, 0, sockets) == 0);
	want(write(file, text, 7) == 7 && pwrite(file, text, 3, 20) == 3 && at(file) == 7);
	want(writev(file, &iov, 1) == 5 && at(file) == 12);
	want(pwritev2(file, &iov, 1, 40, 0) == 5 && pwritev(file, &iov, 1, 50) == 5);
	want(lseek(file, 0, SEEK_END) == 55);
	want(pread(file, back, 16, 20) == 16 && memcmp(back, "012", 4) == 0);
	want(lseek(file, 0, SEEK_SET) == 0 && read(file, back, 3) == 3 && at(file) == 3);
	want_error(ioctl(file, BLKGETSIZE64, &size), ENOTTY);
	want(write(pipes[1], text, 10) == 10 && read(pipes[0], back, 16) == 10);
	want(writev(pipes[1], &iov, 1) == 5);
	iov.iov_base = back;
	want(readv(pipes[0], &iov, 1) == 5);
	want_error(pwrite(pipes[1], text, 10, 0), ESPIPE);
	want(write(sockets[0], text, 10) == 10 && read(sockets[1], back, 16) == 10);
	want_error(write(-1, text, 1), EBADF);
	want_error(write(999, text, 1), EBADF);
	want(holds(disk, 0, 4096, 0));
}

const struct body bodies[] = {
	{ "position", position },
	{ "position_stays_on_errors", position_stays_on_errors },
	{ "append", append },
	{ "names_64", names_64 },
	{ "names_of_open", names_of_open },
	{ "partitions", partitions },
	{ "partition_end", partition_end },
	{ "copies", copies },
	{ "over_fork", over_fork },
	{ "after_exec", after_exec },
	{ "over_exec", over_exec },
	{ "medium_error", medium_error },
	{ "others", others },
	{ NULL, NULL },
};

static const struct {
	const char *body, *disk, *environment;
	int logged; /* plain writes */
} rows[] = {
	{ "position", "", NULL, 7 },
	{ "position_stays_on_errors", "", NULL, 1 },
	{ "append", "", NULL, 3 },
	{ "names_64", "", NULL, 3 },
	{ "names_of_open", "", NULL, 0 },
	{ "partitions", ",part=8+16,part=32+8", NULL, 4 },
	{ "partition_end", ",part=2048+4096", "SIM_SIZE=2097152", 0 },
	{ "partition_end", ",part=2048+1000", "SIM_SIZE=512000", 0 },
	{ "copies", "", NULL, 5 },
	{ "over_fork", "", NULL, 1 },
	{ "over_exec", ",part=8+8", NULL, 2 },
	{ "medium_error", "", NULL, 3 },
	{ "others", "", NULL, 0 },
};

START_TEST(a_descriptor_is_a_nodes_or_it_is_not)
{
	preload_run(rows[_i].body, rows[_i].disk, rows[_i].environment);
	ck_assert_int_eq(preload_log_count("via=pwrite"), rows[_i].logged);
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("descriptors of the simulated disk");
	TCase *tc = tcase_create("rows");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, a_descriptor_is_a_nodes_or_it_is_not, 0,
			    sizeof(rows) / sizeof(rows[0]));
	suite_add_tcase(s, tc);
	return s;
}
