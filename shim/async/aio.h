/* SPDX-License-Identifier: MIT */
/*
 * Linux AIO: libaio (door/aio.c) and its system calls (door/syscall.c). We submit an atomic write
 * to the kernel as a poll, which reserves the event. A worker does the write and then completes the
 * event (async/aio_signal.h). When the program fetches the event, we put the result in
 * (async/aio_table.h).
 *
 * Each function takes and returns what its system call does, with -errno. Thread-safe.
 */
#ifndef AIO_H
#define AIO_H

#include <linux/aio_abi.h>
#include <signal.h>
#include <time.h>

long aio_submit(aio_context_t context, long count, struct iocb **iocbs);
long aio_getevents(aio_context_t context, long least, long most, struct io_event *events,
		   struct timespec *timeout);

/* set: as the system call takes it, a pointer to a signal set and its size; or NULL. */
struct aio_sigset {
	const sigset_t *set;
	size_t size;
};
long aio_pgetevents(aio_context_t context, long least, long most, struct io_event *events,
		    struct timespec *timeout, const struct aio_sigset *set);
long aio_cancel(aio_context_t context, struct iocb *iocb, struct io_event *event);

/* Waits for the writes that are under way, as the kernel would. */
long aio_destroy(aio_context_t context);

#endif
