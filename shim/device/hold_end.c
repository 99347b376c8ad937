/* SPDX-License-Identifier: MIT */
/* Ends holds, and keeps their numbers from the program. The doors call these functions around
 * close, dup2 and the like, and after fork. */
#include <errno.h>
#include <unistd.h>

#include "base/racy.h"
#include "base/real.h"
#include "device/hold_table.h"

bool hold_owns(unsigned number)
{
	EACH_HOLD (hold) {
		if ((atomic_load(&hold->state) & READY) && (unsigned)hold->fd == number &&
		    hold_is_sound(hold))
			return true;
	}
	return hold_is_borrowed(number);
}

unsigned hold_next(unsigned number)
{
	unsigned next = hold_next_borrowed(number);

	EACH_HOLD (hold) {
		unsigned own = (unsigned)hold->fd;
		if ((atomic_load(&hold->state) & READY) && own >= number && own < next &&
		    hold_is_sound(hold))
			next = own;
	}
	return next;
}

/* True: another marked number of the program's, which this change does not touch, names the
 * node. */
static bool is_open_elsewhere(const struct look *node, unsigned first, unsigned last)
{
	struct look other;

	for (unsigned i = look_next(0); i != LOOK_NONE; i = look_next(i + 1)) {
		if ((i < first || i > last) && !hold_owns(i) && look_at_node((int)i, &other) == 0 &&
		    look_is_same_node(&other, node))
			return true;
	}
	return false;
}

static bool is_sound_for(const struct hold *hold, const struct look *node)
{
	return is_ready(atomic_load(&hold->state)) && hold_is_of_node(hold, node) &&
	       hold_is_sound(hold);
}

/* True: another process made a hold of the node. A child of vfork() shares our memory; a child of
 * _Fork() has copied it unannounced. In both, marks and holds are the parent's, so the child's
 * closes end no hold. */
static bool is_foreign(const struct look *node)
{
	pid_t self = getpid();

	EACH_HOLD (hold) {
		if (is_sound_for(hold, node) && hold->owner != self)
			return true;
	}
	return false;
}

static void end_with(unsigned number, unsigned first, unsigned last)
{
	struct look node;
	bool known = look_at_node((int)number, &node) == 0;

	if (!known || is_foreign(&node) || is_open_elsewhere(&node, first, last))
		return;
	EACH_HOLD (hold) {
		if (is_sound_for(hold, &node))
			hold_leave(hold);
	}
}

void hold_before_change(unsigned first, unsigned last)
{
	look_before_change();
	for (unsigned i = look_next(first); i <= last && i != LOOK_NONE; i = look_next(i + 1)) {
		if (!hold_owns(i))
			end_with(i, first, last);
	}
}

void hold_after_change(void)
{
	look_after_change();
}

/* Takes an unused hold out of the table. False: it is in use, or a thread is about to close the
 * number, whatever file has it by then. */
static bool is_given_up(struct hold *hold)
{
	unsigned idle = READY;

	return !(atomic_load(&hold->state) & READY) ||
	       atomic_compare_exchange_strong(&hold->state, &idle, 0);
}

/* Closes nothing: the program's dup2() closes what has the number. */
int hold_move(unsigned number)
{
	for (int i = 0; hold_is_borrowed(number); i++) {
		if (i == HOLD_PATIENCE)
			return -EBUSY;
		real_pause(1000);
	}
	EACH_HOLD (hold) {
		if (!(atomic_load(&hold->state) & READY) || (unsigned)hold->fd != number ||
		    hold->owner != getpid())
			continue;
		for (int i = 0; (unsigned)hold->fd == number && !is_given_up(hold); i++) {
			if (i == HOLD_PATIENCE)
				return -EBUSY;
			real_pause(1000);
		}
	}
	return 0;
}

RACY static void leave_to_child(struct hold *hold)
{
	unsigned uses = hold_uses_here(hold);

	hold->owner = getpid();
	if (uses) {
		atomic_store(&hold->state, READY | uses);
		return;
	}
	if (atomic_load(&hold->state) & READY)
		hold_close(hold);
	atomic_store(&hold->state, 0);
}

/* The child has the program's descriptors and makes its own holds. It closes the parent's, but
 * keeps those that this thread uses: every hold, if they are too many to tell apart. */
RACY void hold_after_fork(void)
{
	look_after_fork();
	hold_borrow_after_fork();
	EACH_HOLD (hold) {
		if (hold_are_many_here())
			hold->owner = getpid();
		else
			leave_to_child(hold);
	}
}
