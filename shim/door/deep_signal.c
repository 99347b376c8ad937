/* SPDX-License-Identifier: MIT */
/*
 * sigaction(2), signal(3) and their relatives. In deep mode the kernel gets a relay of ours in
 * place of the program's handler (base/deep_signal.h). Outside deep mode each function calls the
 * next one unchanged. A child of vfork() passes its handlers to the kernel unchanged too: they are
 * its own, but our memory is its parent's.
 */
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>

#include "base/deep.h"
#include "base/deep_signal.h"
#include "door/entry.h"
#include "door/deep.h"
#include "base/real.h"

#define SIGSYS_BIT (1ULL << (SIGSYS - 1))

static long call_kernel(int signal, const struct deep_action *action, struct deep_action *before)
{
	return real_syscall(SYS_rt_sigaction, signal, (long)action, (long)before,
			    sizeof(action->mask), 0, 0);
}

static long change_raw(int signal, struct deep_action *mine, struct deep_action *ret_before)
{
	struct deep_known known = { NULL, false };
	void *handler = deep_signal_in(signal, mine ? mine->handler : NULL,
				       mine && (mine->mask & SIGSYS_BIT), &known);

	/* The program's own restorer would be trapped. */
	if (mine && handler != mine->handler) {
		mine->restorer = deep_restorer();
		mine->mask &= ~SIGSYS_BIT;
	}
	if (mine)
		mine->handler = handler;
	long result = call_kernel(signal, mine, ret_before);
	if (result == 0 && ret_before && deep_signal_out(&ret_before->handler, &known))
		ret_before->mask |= SIGSYS_BIT;
	return result;
}

/* The kernel writes its own answer for SIGSYS first: that shows whether ret_before can be written.
 */
static long change_sigsys_raw(const struct deep_action *mine, struct deep_action *ret_before)
{
	struct deep_action was;
	long result = ret_before ? call_kernel(SIGSYS, NULL, ret_before) : 0;

	if (result)
		return result;
	deep_signal_sigsys(mine, &was);
	if (ret_before)
		*ret_before = was;
	return 0;
}

/* The kernel reads an action for SIGKILL, then refuses it: nothing changes. */
static bool can_be_read(const struct deep_action *action)
{
	return call_kernel(SIGKILL, action, NULL) != -EFAULT;
}

long entry_deep_sigaction(int signal, const struct deep_action *action, struct deep_action *before,
			  size_t size)
{
	struct deep_action mine;

	if (!deep_is_on() || !deep_is_here() || size != sizeof(mine.mask))
		return real_syscall(SYS_rt_sigaction, signal, (long)action, (long)before,
				    (long)size, 0, 0);
	if (action && !can_be_read(action))
		return -EFAULT;
	if (action)
		mine = *action;
	return signal == SIGSYS ? change_sigsys_raw(action ? &mine : NULL, before)
				: change_raw(signal, action ? &mine : NULL, before);
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

static bool tell(sighandler_t *handler, const struct deep_known *known)
{
	void *address = (void *)*handler;
	bool masks = deep_signal_out(&address, known);

	*handler = (sighandler_t)address;
	return masks;
}

static int change_other(int signal, const struct sigaction *action, struct sigaction *ret_before)
{
	struct sigaction mine;
	struct deep_known known = { NULL, false };
	void *handler = action && deep_is_here() ? (void *)action->sa_handler : NULL;

	handler = deep_signal_in(signal, handler,
				 action && sigismember(&action->sa_mask, SIGSYS) == 1, &known);
	if (action && handler) {
		mine = *action;
		mine.sa_handler = (sighandler_t)handler;
		sigdelset(&mine.sa_mask, SIGSYS);
		action = &mine;
	}
	int result = REAL(sigaction)(signal, action, ret_before);
	if (result == 0 && ret_before && tell(&ret_before->sa_handler, &known))
		sigaddset(&ret_before->sa_mask, SIGSYS);
	return result;
}

EXPORT int sigaction(int signal, const struct sigaction *action, struct sigaction *before)
{
	if (!deep_is_on())
		return REAL(sigaction)(signal, action, before);
	deep_signal_recover();
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
	struct deep_known known = { NULL, false };
	void *mine = (void *)handler;

	if (!next)
		return (sighandler_t)ret_errno(-ENOSYS); /* SIG_ERR */
	if (!deep_is_on())
		return next(signal, handler);
	if (signal == SIGSYS && deep_is_here()) {
		struct deep_action action = { mine, (unsigned)flags, NULL, 0 }, before;
		deep_signal_sigsys(&action, &before);
		return (sighandler_t)before.handler;
	}
	void *inside = deep_signal_in(signal, deep_is_here() ? mine : NULL, false, &known);
	mine = inside ? inside : mine;
	/* Before glibc 2.34 the range that may pass can be libpthread's (base/deep.c). The C
	 * library's call would then be trapped and taken for the program's, and the previous
	 * handler would be lost. */
	DEEP_INSIDE;
	sighandler_t before = next(signal, (sighandler_t)mine);
	tell(&before, &known);
	return before;
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
