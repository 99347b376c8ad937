/* SPDX-License-Identifier: MIT */
/*
 * Looks up the next definition of each door; no other file does. Its system calls return -errno.
 *
 * Set-up is lazy because other libraries' constructors may call a door before ours has run. Two
 * threads may resolve at once: both store the same pointers.
 */
#include "base/real.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/early.h"
#include "base/loaded.h"

#ifndef SYS_cachestat
#define SYS_cachestat 451 /* 6.5, the same number on every architecture */
#endif

EARLY struct real real_next;
EARLY _Atomic bool real_resolved;

/* door/syscall.c jumps through this one; while it is NULL it makes the system call itself. */
extern __typeof__(syscall) *real_next_syscall;
EARLY __attribute__((visibility("hidden"))) __typeof__(syscall) *real_next_syscall;

enum { NAMES = sizeof(struct real) / sizeof(void *) };

/* The linker defines these: where this library begins and ends. */
extern const char __ehdr_start[] __attribute__((visibility("hidden")));
extern const char _end[] __attribute__((visibility("hidden")));

/* A program may have opened the shim by dlopen(), so that it does not come before the other
 * libraries. Then its doors go on to the function that the program calls. */
static void *find_beside(const char *name)
{
	void *first = dlsym(RTLD_DEFAULT, name);
	bool is_ours = (uintptr_t)first - (uintptr_t)__ehdr_start <
		       (uintptr_t)_end - (uintptr_t)__ehdr_start;

	return first && !is_ours ? first : dlsym(RTLD_NEXT, name);
}

static void resolve(void)
{
#define REAL_NAME(name) #name,
	static const char *const names[] = { REAL_NAMES(REAL_NAME) };
#undef REAL_NAME
	void *found[NAMES] = { NULL }, **places = (void **)&real_next;

	loaded_next(names, NAMES, found);
	for (unsigned i = 0; i < NAMES; i++)
		__atomic_store_n(&places[i], found[i] ? found[i] : find_beside(names[i]),
				 __ATOMIC_RELAXED);
}

const struct real *real_resolve(void)
{
	if (!atomic_load_explicit(&real_resolved, memory_order_acquire)) {
		resolve();
		__atomic_store_n(&real_next_syscall,
				 __atomic_load_n(&real_next.syscall, __ATOMIC_RELAXED),
				 __ATOMIC_RELAXED);
		atomic_store_explicit(&real_resolved, true, memory_order_release);
	}
	return &real_next;
}

void *real_find(void *_Atomic *known, const char *library, const char *name)
{
	void *found = atomic_load_explicit(known, memory_order_acquire);

	if (!found && !(found = dlsym(RTLD_NEXT, name)))
		return loaded_find(library, name); /* it may go again, and come back elsewhere */
	atomic_store_explicit(known, found, memory_order_release);
	return found;
}

static long negative(long result)
{
	return result < 0 ? -errno : result;
}

long real_syscall(long number, long a, long b, long c, long d, long e, long f)
{
	if (!REAL(syscall))
		return -ENOSYS;
	return negative(REAL(syscall)(number, a, b, c, d, e, f));
}

long real_syscall2(long number, long a, long b)
{
	__typeof__(syscall) *call = REAL(syscall);

	return call ? negative(call(number, a, b)) : -ENOSYS;
}

/* musl has neither function before 1.2.5. The system call takes the offset as two halves; on 64
 * bits the low one is all of it. */
ssize_t real_pwritev2(int fd, const struct iovec *iov, int count, off_t offset, int flags)
{
	if (!REAL(pwritev2))
		return real_syscall(SYS_pwritev2, fd, (long)iov, count, offset, 0, flags);
	return negative(REAL(pwritev2)(fd, iov, count, offset, flags));
}

int real_statx(int dirfd, const char *path, int flags, unsigned mask, struct statx *stx)
{
	if (!REAL(statx))
		return (int)real_syscall(SYS_statx, dirfd, (long)path, flags, mask, (long)stx, 0);
	return (int)negative(REAL(statx)(dirfd, path, flags, mask, stx));
}

int real_ioctl(int fd, unsigned long request, void *argument)
{
	return (int)negative(ioctl(fd, request, argument));
}

int real_open(int dirfd, const char *path, int flags)
{
	return (int)negative(openat(dirfd, path, flags)); /* through our door, which goes on */
}

/* ThreadSanitizer does not see our closes, and would take the next file for this one. */
#ifdef __SANITIZE_THREAD__
void __sanitizer_syscall_pre_impl_close(long fd); /* sanitizer/linux_syscall_hooks.h */
#else
#define __sanitizer_syscall_pre_impl_close(fd) ((void)0)
#endif

void real_close(int fd)
{
	__sanitizer_syscall_pre_impl_close(fd);
	if (REAL(close))
		REAL(close)(fd);
	else
		real_syscall(SYS_close, fd, 0, 0, 0, 0, 0);
}

void real_pause(unsigned microseconds)
{
	struct timespec time = { microseconds / 1000000, microseconds % 1000000 * 1000 };

	nanosleep(&time, NULL);
}

#ifdef __aarch64__
#define VDSO_CLOCK "__kernel_clock_gettime"
#else
#define VDSO_CLOCK "__vdso_clock_gettime"
#endif
typedef int clock_function(clockid_t clock, struct timespec *time);
typedef ElfW(Sym) symbol;

/* The vDSO's tables, vdso(7). Addresses in its dynamic section count from its beginning. */
struct vdso {
	const char *begin, *strings;
	const symbol *symbols;
};

static struct vdso read_vdso(const char *begin)
{
	const ElfW(Ehdr) *header = (const void *)begin;
	const ElfW(Phdr) *part = (const void *)(begin + header->e_phoff),
			 *end = part + header->e_phnum;
	struct vdso vdso = { .begin = begin };

	while (part < end && part->p_type != PT_DYNAMIC)
		part++;
	if (part == end)
		return vdso;
	for (const ElfW(Dyn) *d = (const void *)(begin + part->p_offset); d->d_tag != DT_NULL;
	     d++) {
		if (d->d_tag == DT_STRTAB)
			vdso.strings = begin + d->d_un.d_ptr;
		if (d->d_tag == DT_SYMTAB)
			vdso.symbols = (const void *)(begin + d->d_un.d_ptr);
	}
	return vdso;
}

/* The vDSO's table of symbols ends where the table of their names begins. NULL: there is no vDSO,
 * or its layout is another one. */
static clock_function *find_clock(void)
{
	const char *begin = (const char *)getauxval(AT_SYSINFO_EHDR);
	if (!begin)
		return NULL;
	struct vdso vdso = read_vdso(begin);
	for (const symbol *s = vdso.symbols; s && (const char *)(s + 1) <= vdso.strings; s++) {
		if (strcmp(vdso.strings + s->st_name, VDSO_CLOCK) == 0)
			return (clock_function *)(uintptr_t)(begin + s->st_value);
	}
	return NULL;
}

/* Calls the kernel's own function, whatever replaces the C library's. It is found without the
 * loader, because the holder of the loader's lock may be waiting for this thread. */
uint64_t real_now(void)
{
	static clock_function *_Atomic clock;
	static _Atomic bool sought;
	struct timespec time = { 0 };

	if (!atomic_load_explicit(&sought, memory_order_acquire)) {
		atomic_store_explicit(&clock, find_clock(), memory_order_relaxed);
		atomic_store_explicit(&sought, true, memory_order_release);
	}
	clock_function *own = atomic_load_explicit(&clock, memory_order_relaxed);
	if (!own || own(CLOCK_MONOTONIC_COARSE, &time) < 0)
		real_syscall(SYS_clock_gettime, CLOCK_MONOTONIC_COARSE, (long)&time, 0, 0, 0, 0);
	return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

int64_t real_cachestat(int fd, uint64_t offset, uint64_t length)
{
	struct {
		uint64_t offset, length;
	} range = { offset, length };
	struct {
		uint64_t cached, dirty, writeback, evicted, recently_evicted;
	} stat;

	long result = real_syscall(SYS_cachestat, fd, (long)&range, (long)&stat, 0, 0, 0);
	return result < 0 ? result : (int64_t)(stat.cached);
}
