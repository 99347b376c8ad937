/* SPDX-License-Identifier: MIT */
/* The only dlsym of the simulated disk. Lazy, for other constructors may come before ours. */
#include "sim_next.h"

#include <dlfcn.h>
#include <stdatomic.h>

const struct sim_next *sim_next(void)
{
	static struct sim_next next;
	static _Atomic int resolved;

	if (!atomic_load_explicit(&resolved, memory_order_acquire)) {
#define SIM_NEXT_RESOLVE(name)                                                                     \
	__atomic_store_n((void **)&next.name, dlsym(RTLD_NEXT, #name), __ATOMIC_RELAXED);
		SIM_NEXT_NAMES(SIM_NEXT_RESOLVE)
#undef SIM_NEXT_RESOLVE
		atomic_store_explicit(&resolved, 1, memory_order_release);
	}
	return &next;
}
