/* SPDX-License-Identifier: MIT */
/*
 * sigaction(2) and what else names a handler. Outside deep mode each goes on to the next one as it
 * is. In a child of vfork() handlers go to the kernel as they are too, for they are its own, while
 * our memory is its parent's.
 */
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>

#include "base/deep.h"
#include "base/deep_signal.h"
#include "door/entry.h"
#include "door/deep.h"
#include "base/memory.h"
#include "base/real.h"

static long change_raw(int signal, struct deep_action *mine, struct deep_action *ret_before)
{
	void *known = NULL;
	void *handler = deep_signal_in(signal, mine ? mine->handler : NULL, &known);

	/* A return by an instruction of the program's own would be trapped. */
	if (mine && handler != mine->handler)
		mine->restorer = deep_restorer();
	if (mine)
		mine->handler = handler;
	long result = real_syscall(SYS_rt_sigaction, signal, (long)mine, (long)ret_before,
				   sizeof(mine->mask), 0, 0);
	if (result == 0)
		ret_before->handler = deep_signal_out(ret_before->handler, known);
	return result;
}

long entry_deep_sigaction(int signal, const struct deep_action *action, struct deep_action *before,
			  size_t size)
{
	struct deep_action mine, was;
	long result = 0;

	if (!deep_is_on() || !deep_is_here() || size != sizeof(mine.mask))
		return real_syscall(SYS_rt_sigaction, signal, (long)action, (long)before,
				    (long)size, 0, 0);
	if ((action && !memory_read(&mine, action, sizeof(mine))) ||
	    (before && !memory_is_there(before)))
		return -EFAULT;
	if (signal == SIGSYS)
		deep_signal_sigsys(action ? &mine : NULL, &was);
	else
		result = change_raw(signal, action ? &mine : NULL, &was);
	if (result == 0 && before)
		*before = was;
	return result;
}

#if ENTRY_DEEP_DOORS

typedef sighandler_t change(int signal, sighandler_t handler);

int __sigaction(int signal, const struct sigaction *action, struct sigaction *before);
sighandler_t bsd_signal(int signal, sighandler_t handler);
sighandler_t ssignal(int signal, sighandler_t handler);
sighandler_t sysv_signal(int signal, sighandler_t handler);
sighandler_t __sysv_signal(int signal, sighandler_t handler);
sighandler_t sigset(int signal, sighandler_t handler);
int sigignore(int signal);

static struct deep_action of_libc(const struct sigaction *action)
{
	struct deep_action result = { (void *)action->sa_handler, (unsigned)action->sa_flags, NULL,
				      0 };

	memcpy(&result.mask, &action->sa_mask, sizeof(result.mask));
	return result;
}

static void to_libc(const struct deep_action *action, struct sigaction *ret_action)
{
	memset(ret_action, 0, sizeof(*ret_action));
	ret_action->sa_handler = (sighandler_t)action->handler;
	ret_action->sa_flags = (int)action->flags;
	memcpy(&ret_action->sa_mask, &action->mask, sizeof(action->mask));
}

static int change_sigsys(const struct sigaction *action, struct sigaction *ret_before)
{
	struct deep_action mine = action ? of_libc(action) : (struct deep_action){ 0 }, before;

	deep_signal_sigsys(action ? &mine : NULL, &before);
	if (ret_before)
		to_libc(&before, ret_before);
	return 0;
}

static int change_other(int signal, const struct sigaction *action, struct sigaction *ret_before)
{
	struct sigaction mine;
	void *known = NULL, *handler = action && deep_is_here() ? (void *)action->sa_handler : NULL;

	handler = deep_signal_in(signal, handler, &known);
	if (action && handler) {
		mine = *action;
		mine.sa_handler = (sighandler_t)handler;
		action = &mine;
	}
	int result = REAL(sigaction)(signal, action, ret_before);
	if (result == 0 && ret_before)
		ret_before->sa_handler =
			(sighandler_t)deep_signal_out((void *)ret_before->sa_handler, known);
	return result;
}

EXPORT int sigaction(int signal, const struct sigaction *action, struct sigaction *before)
{
	if (!deep_is_on())
		return REAL(sigaction)(signal, action, before);
	if (signal == SIGSYS && deep_is_here())
		return change_sigsys(action, before);
	return change_other(signal, action, before);
}

EXPORT int __sigaction(int signal, const struct sigaction *action, struct sigaction *before)
{
	return sigaction(signal, action, before);
}

static sighandler_t change_by(change *next, int flags, int signal, sighandler_t handler)
{
	void *known = NULL, *mine = (void *)handler;

	if (!next)
		return (sighandler_t)ret_errno(-ENOSYS); /* SIG_ERR */
	if (!deep_is_on())
		return next(signal, handler);
	if (signal == SIGSYS && deep_is_here()) {
		struct deep_action action = { mine, (unsigned)flags, NULL, 0 }, before;
		deep_signal_sigsys(&action, &before);
		return (sighandler_t)before.handler;
	}
	void *inside = deep_signal_in(signal, deep_is_here() ? mine : NULL, &known);
	mine = inside ? inside : mine;
	/* Before glibc 2.34 the range that may pass can be libpthread's (base/deep.c): trapped, the
	 * call would be taken for the program's, and the handler before it lost. */
	DEEP_INSIDE;
	return (sighandler_t)deep_signal_out((void *)next(signal, (sighandler_t)mine), known);
}

EXPORT sighandler_t signal(int signal, sighandler_t handler)
{
	return change_by(REAL(signal), SA_RESTART, signal, handler);
}

EXPORT sighandler_t bsd_signal(int signal, sighandler_t handler)
{
	return change_by(REAL(signal), SA_RESTART, signal, handler);
}

EXPORT sighandler_t ssignal(int signal, sighandler_t handler)
{
	return change_by(REAL(signal), SA_RESTART, signal, handler);
}

EXPORT sighandler_t sysv_signal(int signal, sighandler_t handler)
{
	return change_by(REAL(__sysv_signal), (int)SA_RESETHAND | SA_NODEFER, signal, handler);
}

EXPORT sighandler_t __sysv_signal(int signal, sighandler_t handler)
{
	return change_by(REAL(__sysv_signal), (int)SA_RESETHAND | SA_NODEFER, signal, handler);
}

EXPORT sighandler_t sigset(int signal, sighandler_t handler)
{
	return change_by(REAL(sigset), 0, signal, handler);
}

EXPORT int sigignore(int signal)
{
	return sigaction(signal, &(struct sigaction){ .sa_handler = SIG_IGN }, NULL);
}

#endif
