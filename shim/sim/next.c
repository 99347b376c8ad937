/* SPDX-License-Identifier: MIT */
/* Finds the C library's functions by the only dlsym() of sim, at the first call: constructors of
 * other libraries may run before ours. */
#include "sim/next.h"

#include <dlfcn.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>
#include <sys/syscall.h>

/* Before glibc 2.33 the stat family is inline, and the library has it under older names only. The
 * inline functions would call our own doors. */
#ifdef _STAT_VER
static int old_fstat(int fd, struct stat *st)
{
	return sim_next()->__fxstat(_STAT_VER, fd, st);
}

static int old_stat(const char *path, struct stat *st)
{
	return sim_next()->__xstat(_STAT_VER, path, st);
}

static int old_lstat(const char *path, struct stat *st)
{
	return sim_next()->__lxstat(_STAT_VER, path, st);
}

static int old_fstatat(int dirfd, const char *path, struct stat *st, int flags)
{
	return sim_next()->__fxstatat(_STAT_VER, dirfd, path, st, flags);
}

static void *by_old_name(const char *name)
{
	static const struct {
		const char *name;
		void *call;
	} table[] = { { "fstat", old_fstat },
		      { "stat", old_stat },
		      { "lstat", old_lstat },
		      { "fstatat", old_fstatat } };

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		if (strcmp(table[i].name, name) == 0)
			return table[i].call;
	}
	return NULL;
}
#else
static void *by_old_name(const char *name)
{
	(void)name;
	return NULL;
}
#endif

static void *find(const char *name)
{
	void *next = dlsym(RTLD_NEXT, name);

	return next ? next : by_old_name(name);
}

struct sim_next sim_next_table;
_Atomic bool sim_next_resolved;

const struct sim_next *sim_next_resolve(void)
{
#define SIM_NEXT_RESOLVE(name)                                                                     \
	__atomic_store_n((void **)&sim_next_table.name, find(#name), __ATOMIC_RELAXED);
	SIM_NEXT_NAMES(SIM_NEXT_RESOLVE)
	SIM_NEXT_OLD_NAMES(SIM_NEXT_RESOLVE)
#undef SIM_NEXT_RESOLVE
	atomic_store_explicit(&sim_next_resolved, true, memory_order_release);
	return &sim_next_table;
}

__thread bool sim_next_is_own __attribute__((tls_model("initial-exec")));

/* A handler that interrupts the call may make another one. */
static void forget(const bool *before)
{
	sim_next_is_own = *before;
}

#define OWN                                                                                        \
	__attribute__((cleanup(forget), unused)) const bool before = sim_next_is_own;              \
	sim_next_is_own = true

int sim_fstat(int fd, struct stat *ret_st)
{
	OWN;
	return (int)sim_next()->syscall(SYS_fstat, fd, ret_st);
}

int sim_stat(const char *path, struct stat *ret_st)
{
	OWN;
	return (int)sim_next()->syscall(SYS_newfstatat, AT_FDCWD, path, ret_st, 0);
}
