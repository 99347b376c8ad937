/* SPDX-License-Identifier: MIT */
/*
 * Tests on a real kernel what an open file on a disk pins, and how long the shim keeps a hold:
 *	holds pins DISK
 *	holds life DISK [briefly]
 * DISK is an NVMe disk with a unit of 16 KiB, no partitions and nothing of value. Run "pins"
 * natively, and "life" under the shim. Each printed line is a fact that held.
 */
#include "holds.h"

/* "pins": an open file pins its partition or disk */

static void partition_is_pinned(void)
{
	add_partition();
	int fd = open_direct(part);
	want(delete_partition() == EBUSY);
	want(change_partition(BLKPG_ADD_PARTITION, START + 8, SECTORS) == EBUSY);
	int moved = change_partition(BLKPG_RESIZE_PARTITION, START + 8, SECTORS);
	want(moved == EINVAL || moved == EBUSY);
	want(change_partition(BLKPG_RESIZE_PARTITION, START, SECTORS / 2) == 0);
	want(change_partition(BLKPG_RESIZE_PARTITION, START, SECTORS) == 0);
	close(fd);
	want(delete_partition() == 0);
	puts("an open partition can be resized, but neither deleted nor moved");
}

static void put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	want(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
}

/* The disk's PCI function: its path stays the same when the disk gets another name. */
static void find_controller(char controller[PATH_MAX])
{
	char link[128];

	snprintf(link, sizeof(link), "/sys/block/%s/device/device", strrchr(disk, '/') + 1);
	want(realpath(link, controller));
}

/* Waits for the disk that the controller has just got: it may have any name. */
static void await_disk(const char *controller)
{
	char pattern[PATH_MAX + 32];
	glob_t found = { 0 };

	snprintf(pattern, sizeof(pattern), "%s/nvme/nvme*/nvme*n*", controller);
	for (int i = 0; i < 1000 && glob(pattern, 0, NULL, &found) != 0; i++)
		usleep(10000);
	want(found.gl_pathc == 1);
	snprintf(disk, sizeof(disk), "/dev/%s", strrchr(found.gl_pathv[0], '/') + 1);
	globfree(&found);
	int fd = -1;
	for (int i = 0; i < 1000 && (fd = open(disk, O_RDONLY | O_CLOEXEC)) < 0; i++)
		usleep(10000);
	want(fd >= 0 && close(fd) == 0);
}

static dev_t remove_and_rescan(const char *controller)
{
	char path[PATH_MAX + 16];
	struct stat st;

	snprintf(path, sizeof(path), "%s/remove", controller);
	put(path, "1");
	put("/sys/bus/pci/rescan", "1");
	await_disk(controller);
	want(stat(disk, &st) == 0);
	return st.st_rdev;
}

static void number_is_pinned(void)
{
	char controller[PATH_MAX], *data = buffer('x');
	struct stat st;
	int fd = open_direct(disk);

	find_controller(controller);
	want(pwrite(fd, data, UNIT, 0) == UNIT && fstat(fd, &st) == 0);
	dev_t old = st.st_rdev, other = remove_and_rescan(controller);
	want(other != old);
	want(pwrite(fd, data, UNIT, 0) == -1);
	struct nvme_user_io command = { .opcode = 1,
					.addr = (uintptr_t)data,
					.nblocks = UNIT / SECTOR - 1 };
	want(ioctl(fd, NVME_IOCTL_SUBMIT_IO, &command) != 0 && letter_on_disk(0) == 'x');
	want(remove_and_rescan(controller) != old);
	close(fd);
	dev_t again = remove_and_rescan(controller);
	printf("a removed disk that was open came back as %u:%u, not %u:%u; the old file is dead. "
	       "After its close: %u:%u\n",
	       major(other), minor(other), major(old), minor(old), major(again), minor(again));
	want(again == old);
	free(data);
}

/* "life": the shim's hold ends with the program's file */

static void is_free_for_exclusive_use(const char *path)
{
	int fd = open(path, O_RDWR | O_EXCL | O_CLOEXEC);

	want(fd >= 0 && close(fd) == 0);
}

static void nothing_is_kept(void)
{
	is_free_for_exclusive_use(part);
	int fd = open(disk, O_RDWR | O_EXCL | O_CLOEXEC);
	want(fd >= 0 && ioctl(fd, BLKRRPART) == 0 && close(fd) == 0);
}

/* BLKRRPART finds no table and deletes the partition, unless it is open. */
static void ends_with_the_close(void)
{
	for (int i = 0; i < 8; i++) {
		add_partition();
		int a = open_direct(part), b = open_direct(disk);
		want(atomic_write(a, 'a', 0) == UNIT && atomic_write(b, 'b', 0) == UNIT);
		want(delete_partition() == EBUSY && close(a) == 0);
		want(!(i & 1) || delete_partition() == 0);
		want(close(b) == 0);
		if (!(i & 1))
			nothing_is_kept();
	}
	want(delete_partition() == ENXIO);
	puts("after the close BLKRRPART, BLKPG_DEL_PARTITION and open(O_EXCL) succeed at once");
}

static void ends_after_libaio(void)
{
	for (int i = 0; i < 8; i++) {
		add_partition();
		int fd = open_direct(part);
		want(asynchronous_write(fd, 'c', 0) == UNIT && close(fd) == 0);
		nothing_is_kept();
	}
	want(letter_on_disk(START * SECTOR) == 'c');
	puts("the same after a write by libaio");
}

static void exclusive_use_is_not_in_the_way(void)
{
	int fd = open(disk, O_RDWR | O_DIRECT | O_EXCL | O_CLOEXEC);

	want(fd >= 0);
	want(atomic_write(fd, 'd', 0) == UNIT && asynchronous_write(fd, 'd', UNIT) == UNIT);
	want(open(disk, O_RDWR | O_EXCL) == -1 && errno == EBUSY);
	want(close(fd) == 0);
	is_free_for_exclusive_use(disk);
	puts("opened with O_EXCL by the program: written to, and free after its close");
}

static int open_free_loop(char path[32])
{
	int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);

	want(control >= 0);
	snprintf(path, 32, "/dev/loop%d", ioctl(control, LOOP_CTL_GET_FREE));
	close(control);
	return open(path, O_RDWR | O_CLOEXEC);
}

/* The hold ends also on a device that the shim refuses. Newer kernels free the loop device with the
 * close that follows. */
static void loop_is_free(void)
{
	char path[32];
	struct loop_info64 info;
	int memory = memfd_create("holds", MFD_CLOEXEC), loop = open_free_loop(path);

	want(loop >= 0 && ftruncate(memory, 1 << 20) == 0);
	for (int i = 0; i < 5; i++) {
		want(ioctl(loop, LOOP_SET_FD, memory) == 0);
		int fd = open_direct(path);
		want(atomic_write(fd, 'e', 0) == -1 && errno == EOPNOTSUPP);
		want(close(fd) == 0 && ioctl(loop, LOOP_CLR_FD, 0) == 0 && close(loop) == 0);
		loop = open(path, O_RDWR | O_CLOEXEC);
		want(ioctl(loop, LOOP_GET_STATUS64, &info) == -1 && errno == ENXIO);
	}
	close(loop);
	close(memory);
	puts("after the close LOOP_CLR_FD frees a loop disk at once");
}

/* The kernel writes dirty pages back at the close of the last open file. */
static void dirty_pages_are_written(void)
{
	int buffered = open(disk, O_RDWR | O_CLOEXEC), fd = open_direct(disk);
	char *data = buffer('f');
	const off_t offset = 64 * UNIT;

	want(atomic_write(fd, '.', offset) == UNIT);
	want(pwrite(buffered, data, UNIT, offset) == UNIT && letter_on_disk(offset) == '.');
	want(atomic_write(fd, 'g', 0) == UNIT && atomic_write(buffered, 'g', UNIT) != 0);
	want(close(buffered) == 0 && letter_on_disk(offset) == '.');
	want(close(fd) == 0 && letter_on_disk(offset) == 'f');
	free(data);
	puts("dirty pages are on the disk after the last close");
}

static dev_t number_of(const char *path)
{
	struct stat st;

	want(stat(path, &st) == 0);
	return st.st_rdev;
}

static void node_that_is_gone(void)
{
	const char *node = "/tmp/holds-node";

	for (int i = 0; i < 4; i++) {
		unlink(node);
		want(mknod(node, S_IFBLK | 0600, number_of(disk)) == 0);
		int fd = open_direct(node);
		want(unlink(node) == 0);
		if (i & 1) /* another device takes the name */
			want(mknod(node, S_IFCHR | 0600, makedev(1, 3)) == 0);
		want(atomic_write(fd, (char)('h' + i), 2 * UNIT) == UNIT);
		want(atomic_write(fd, (char)('H' + i), 3 * UNIT) == UNIT);
		want(letter_on_disk(2 * UNIT) == 'h' + i && letter_on_disk(3 * UNIT) == 'H' + i);
		want(close(fd) == 0);
		is_free_for_exclusive_use(disk);
	}
	unlink(node);
	puts("a node that was removed after it was opened");
}

/* After the remount nobody can open the node again. */
static void node_on_a_file_system_without_devices(void)
{
	mkdir("/tmp/holds", 0700);
	want(mount("none", "/tmp/holds", "tmpfs", 0, "") == 0);
	want(mknod("/tmp/holds/node", S_IFBLK | 0600, number_of(disk)) == 0);
	int fd = open_direct("/tmp/holds/node");
	want(mount("none", "/tmp/holds", "tmpfs", MS_REMOUNT | MS_NODEV, "") == 0);
	want(open("/tmp/holds/node", O_RDWR) == -1 && errno == EACCES);
	want(atomic_write(fd, 'l', 4 * UNIT) == UNIT && atomic_write(fd, 'm', 5 * UNIT) == UNIT);
	want(letter_on_disk(4 * UNIT) == 'l' && letter_on_disk(5 * UNIT) == 'm');
	want(close(fd) == 0);
	is_free_for_exclusive_use(disk);
	want(umount("/tmp/holds") == 0);
	puts("a node that nobody may open anew (nodev)");
}

/* On older kernels only root may send Identify: the shim goes on with the answers it got as root.
 */
static void nobodys_writes(void)
{
	int known = open_direct(disk), other = open_direct(disk);
	int fd = open(disk, O_RDWR | O_DIRECT | O_EXCL | O_CLOEXEC);

	want(fd >= 0 && atomic_write(known, 'n', 0) == UNIT);
	want(setgroups(0, NULL) == 0 && setgid(NOBODY) == 0 && setuid(NOBODY) == 0);
	want(close(known) == 0 && open(disk, O_RDWR) == -1 && errno == EACCES);
	want(flock(fd, LOCK_EX | LOCK_NB) == 0);
	for (int i = 0; i < 2; i++) {
		want(atomic_write(fd, 'o', 6 * UNIT) == UNIT);
		want(asynchronous_write(fd, 'o', 7 * UNIT) == UNIT);
		usleep(i ? 0 : pause_us);
	}
	want(flock(other, LOCK_EX | LOCK_NB) == -1 && errno == EWOULDBLOCK);
	want(close(fd) == 0 && flock(other, LOCK_EX | LOCK_NB) == 0);
	want(atomic_write(other, 'p', 8 * UNIT) == UNIT);
}

static void rights_are_given_up(void)
{
	int watch = open(disk, O_RDONLY | O_CLOEXEC), ready[2], go[2];
	char byte = 0;

	want(chmod(disk, 0600) == 0 && pipe(ready) == 0 && pipe(go) == 0);
	pid_t child = fork();
	if (child == 0) {
		nobodys_writes(); /* its close ends its O_EXCL claim, though the process lives on */
		want(write(ready[1], &byte, 1) == 1 && read(go[0], &byte, 1) == 1);
		exit(0);
	}
	close(ready[1]);
	want(read(ready[0], &byte, 1) == 1);
	is_free_for_exclusive_use(disk);
	want(write(go[1], &byte, 1) == 1 && ended_well(child));
	want(letter_on_disk(6 * UNIT) == 'o' && letter_on_disk(8 * UNIT) == 'p');
	close(watch), close(ready[0]), close(go[0]), close(go[1]);
	puts("a program that gave up its rights; its flock() and O_EXCL end with its close");
}

static bool is_locked(int fd)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	pid_t child = fork();

	if (child == 0)
		_exit(fcntl(fd, F_GETLK, &lock) < 0 || lock.l_type == F_UNLCK);
	return ended_well(child);
}

static void locks_stay(void)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	struct statx stx;

	for (int i = 0; i < 3; i++) {
		int fd = open_direct(disk);
		if (i)
			want(atomic_write(fd, 'q', 0) == UNIT);
		want(fcntl(fd, F_SETLK, &lock) == 0);
		want(atomic_write(fd, 'q', UNIT) == UNIT && is_locked(fd));
		want(lseek(fd, 2 * UNIT, SEEK_SET) == 2 * UNIT);
		want(atomic_write(fd, 'r', -1) == UNIT && lseek(fd, 0, SEEK_CUR) == 3 * UNIT);
		want(is_locked(fd));
		want(statx(fd, "", AT_EMPTY_PATH, STATX_WRITE_ATOMIC, &stx) == 0);
		want(stx.stx_mask & STATX_WRITE_ATOMIC && is_locked(fd));
		want(asynchronous_write(fd, 's', 3 * UNIT) == UNIT && is_locked(fd));
		want(close(fd) == 0 && letter_on_disk(2 * UNIT) == 'r');
		is_free_for_exclusive_use(disk);
	}
	puts("POSIX locks stay as long as the program keeps its descriptor");
}

static void no_descriptor_is_free(void)
{
	struct rlimit before, few = { 64, 0 };
	int fd = open_direct(disk), first = dup(fd);

	want(getrlimit(RLIMIT_NOFILE, &before) == 0);
	few.rlim_max = before.rlim_max;
	want(setrlimit(RLIMIT_NOFILE, &few) == 0);
	while (dup(fd) >= 0) {
	}
	want(atomic_write(fd, 't', 0) == UNIT && atomic_write(fd, 't', -1) == UNIT);
	want(setrlimit(RLIMIT_NOFILE, &before) == 0 && atomic_write(fd, 't', 0) == UNIT);
	want(setrlimit(RLIMIT_NOFILE, &few) == 0);
	for (int i = 0; i < 3; i++) {
		want(atomic_write(fd, (char)('t' + i), UNIT) == UNIT);
		want(lseek(fd, 2 * UNIT, SEEK_SET) &&
		     atomic_write(fd, (char)('T' + i), -1) == UNIT);
		want(lseek(fd, 0, SEEK_CUR) == 3 * UNIT);
		usleep(i ? pause_us : 0);
	}
	want(setrlimit(RLIMIT_NOFILE, &before) == 0 && letter_on_disk(UNIT) == 'v' &&
	     letter_on_disk(2 * UNIT) == 'V');
	want(close_range((unsigned)first, 63, 0) == 0 && close(fd) == 0);
	is_free_for_exclusive_use(disk);
	puts("writes go on when no descriptor is free");
}

static void look_at_life(void)
{
	no_descriptor_is_free(); /* first: the shim knows nothing of the disk yet */
	ends_with_the_close();
	ends_after_libaio();
	exclusive_use_is_not_in_the_way();
	loop_is_free();
	dirty_pages_are_written();
	node_that_is_gone();
	node_on_a_file_system_without_devices();
	locks_stay();
	rights_are_given_up();
}

int main(int argc, char **argv)
{
	if (argc < 3)
		return 2;
	pause_us = argc > 3 ? 0 : pause_us;
	snprintf(disk, sizeof(disk), "%s", argv[2]);
	snprintf(part, sizeof(part), "%sp1", disk);
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (strcmp(argv[1], "life") == 0) {
		look_at_life();
	} else {
		partition_is_pinned();
		number_is_pinned();
	}
	return 0;
}
