/* SPDX-License-Identifier: MIT */
/* A thread has a number of its own, for those of the kernel and of the C library are given out
 * again. */
#include "async/issuer.h"

#include <stdatomic.h>
#include <stdint.h>
#include <unistd.h>

#include "base/uring_uapi.h"

enum { MAX_RINGS = 256 };

static struct issuer {
	_Atomic int ring; /* its descriptor, and one more; 0: free */
	_Atomic uint64_t thread;
	_Atomic pid_t process;
} issuers[MAX_RINGS];

static __thread uint64_t self __attribute__((tls_model("initial-exec")));

static uint64_t number_of_this_thread(void)
{
	static _Atomic uint64_t last;

	if (!self)
		self = atomic_fetch_add(&last, 1) + 1;
	return self;
}

static struct issuer *find(int ring)
{
	for (int i = 0; i < MAX_RINGS; i++) {
		if (atomic_load_explicit(&issuers[i].ring, memory_order_acquire) == ring + 1)
			return &issuers[i];
	}
	return NULL;
}

static struct issuer *take(int ring)
{
	for (int i = 0; i < MAX_RINGS; i++) {
		int free = 0;
		if (atomic_compare_exchange_strong(&issuers[i].ring, &free, ring + 1))
			return &issuers[i];
	}
	return NULL;
}

/* The descriptor may have been another ring's. */
void issuer_note(int ring, unsigned flags)
{
	struct issuer *issuer = find(ring);

	if (!(flags & IORING_SETUP_SINGLE_ISSUER)) {
		if (issuer)
			atomic_store(&issuer->ring, 0);
		return;
	}
	issuer = issuer ? issuer : take(ring);
	if (!issuer)
		return;
	atomic_store(&issuer->process, getpid());
	atomic_store(&issuer->thread, number_of_this_thread());
}

bool issuer_may_submit(int ring, unsigned flags)
{
	if (flags & IORING_SETUP_R_DISABLED)
		return false;
	if (!(flags & IORING_SETUP_SINGLE_ISSUER))
		return true;
	const struct issuer *issuer = ring < 0 ? NULL : find(ring);
	return issuer && atomic_load(&issuer->thread) == number_of_this_thread() &&
	       atomic_load(&issuer->process) == getpid();
}

void issuer_after_fork(void)
{
	self = 0;
}
