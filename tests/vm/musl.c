/* SPDX-License-Identifier: MIT */
/*
 * musl DEVICE: statx and an atomic write of 16 KiB as a program built with musl makes them; musl
 * has neither function before 1.2.5. Also a write from a thread, with musl's small stacks.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "untorn_uapi.h"

enum { UNIT = 16384 };

static int fd;

static void *write_one(void *offset)
{
	struct iovec iov = { aligned_alloc(4096, UNIT), UNIT };

	memset(iov.iov_base, 'm', UNIT);
	long written = syscall(SYS_pwritev2, fd, &iov, 1, (long)offset, 0, RWF_ATOMIC);
	free(iov.iov_base);
	return (void *)written;
}

int main(int argc, char **argv)
{
	struct statx stx;
	pthread_t thread;
	void *result;

	fd = open(argv[argc - 1], O_RDWR | O_DIRECT);
	memset(&stx, 0, sizeof(stx));
	if (syscall(SYS_statx, fd, "", AT_EMPTY_PATH, STATX_WRITE_ATOMIC, &stx) < 0)
		return 1;
	printf("max=%u", untorn_statx_atomic(&stx)->unit_max);
	printf(" written=%ld", (long)write_one(0));
	if (pthread_create(&thread, NULL, write_one, (void *)UNIT) != 0 ||
	    pthread_join(thread, &result) != 0)
		return 1;
	printf(" in-thread=%ld", (long)result);
	pid_t child = fork();
	if (child == 0)
		_exit((long)write_one(0) == UNIT ? 0 : 1);
	syscall(SYS_wait4, child, &child, 0, NULL);
	printf(" in-child=%d\n", child);
	return 0;
}
