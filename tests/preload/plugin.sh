#!/bin/bash
# SPDX-License-Identifier: MIT
# A plug-in loads liburing with RTLD_LOCAL; the program itself has no liburing. Its calls come to the shim, which must
# find that library, though it is not among the next ones. And a plug-in whose constructor waits for a thread that
# writes: the loader's lock is held meanwhile, and the write must not hang.
set -eu
case $BUILD in *address* | *thread*) echo "SKIP: the shim itself is the ordinary one here"; exit 77 ;; esac
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cat > "$work/plugin.c" <<'END'
#include <fcntl.h>
#include <liburing.h>
#include <stdlib.h>

int write_one(const char *path, int flags)
{
	struct io_uring ring;
	struct io_uring_cqe *cqe;
	int fd = open(path, O_RDWR | O_DIRECT);

	if (io_uring_queue_init(4, &ring, 0) < 0)
		return -1;
	struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);
	io_uring_prep_write(sqe, fd, aligned_alloc(4096, 16384), 16384, 0);
	sqe->rw_flags = flags;
	if (io_uring_submit(&ring) != 1 || io_uring_wait_cqe(&ring, &cqe) < 0)
		return -2;
	int result = cqe->res;
	io_uring_queue_exit(&ring);
	return result;
}
END
"${CC:-gcc}" -D_GNU_SOURCE -shared -fPIC -o "$work/plugin.so" "$work/plugin.c" -luring
export UNTORN_SIM=/dev/sim0n1=$work/image,size=64M,lba=512,nawun=31,nawupf=31,log=$work/log
said=$(LD_PRELOAD=$BUILD/libuntorn.so:$BUILD/libuntorn-sim.so python3 -c "
import ctypes
plugin = ctypes.CDLL('$work/plugin.so') # RTLD_LOCAL
print(plugin.write_one(b'/dev/sim0n1', 0x40), plugin.write_one(b'$work/image', 0))")
[ "$said" = "16384 16384" ] || { echo "$said"; exit 1; }
[ "$(grep -c via=submit "$work/log")" = 1 ] || { cat "$work/log"; exit 1; }
echo "$said"

cat > "$work/waits.c" <<'END'
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/uio.h>

static void *write_one(void *unused)
{
	int fd = open("/dev/sim0n1", O_RDWR | O_DIRECT);
	struct iovec iov = { aligned_alloc(4096, 16384), 16384 };
	printf("%zd\n", pwritev2(fd, &iov, 1, 0, 0x40));
	return unused;
}
__attribute__((constructor)) static void start(void)
{
	pthread_t id;
	pthread_create(&id, NULL, write_one, NULL);
	pthread_join(id, NULL);
	fflush(stdout);
}
END
"${CC:-gcc}" -D_GNU_SOURCE -shared -fPIC -o "$work/waits.so" "$work/waits.c" -lpthread
# os.stat() lets the simulated disk find its next functions before the plug-in is loaded: it cannot do so under the
# loader's lock.
said=$(LD_PRELOAD=$BUILD/libuntorn.so:$BUILD/libuntorn-sim.so timeout 20 python3 -c "
import ctypes, os
os.stat('/dev/sim0n1')
ctypes.CDLL('$work/waits.so')") || { echo "a constructor that waits: no end"; exit 1; }
[ "$said" = 16384 ] || { echo "$said"; exit 1; }
