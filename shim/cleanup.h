/* SPDX-License-Identifier: MIT */
/* Things that end with the scope they were declared in. */
#ifndef CLEANUP_H
#define CLEANUP_H

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

static inline void cleanup_close(const int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void cleanup_free(void *pointer)
{
	free(*(void **)pointer);
}

static inline void cleanup_errno(const int *saved)
{
	errno = *saved;
}

#define AUTO_CLOSE __attribute__((cleanup(cleanup_close)))
#define AUTO_FREE  __attribute__((cleanup(cleanup_free)))

/* First in its scope, for what is declared first is undone last. */
#define KEEP_ERRNO __attribute__((cleanup(cleanup_errno), unused)) const int kept_errno = errno

/* For those who hold a lock: no signal handler shall meet its own thread with it, and no thread be
 * cancelled with it. */
struct cleanup_guard {
	sigset_t mask;
	int cancel;
};

static inline struct cleanup_guard cleanup_guard_raise(void)
{
	struct cleanup_guard guard;
	sigset_t all;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &guard.mask);
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &guard.cancel);
	return guard;
}

static inline void cleanup_guard_lower(const struct cleanup_guard *guard)
{
	int unused;

	pthread_setcancelstate(guard->cancel, &unused);
	pthread_sigmask(SIG_SETMASK, &guard->mask, NULL);
}

#define GUARDED                                                                                    \
	__attribute__((cleanup(cleanup_guard_lower), unused)) const struct cleanup_guard guard =   \
		cleanup_guard_raise()

#endif
