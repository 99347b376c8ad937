/* SPDX-License-Identifier: MIT */
/* Between the files of the hold: hold.c has the table, hold_end.c the end of holds, hold_borrow.c
 * the numbers that are ours for one write. */
#ifndef HOLD_TABLE_H
#define HOLD_TABLE_H

#include "device/hold.h"

/* A place's state, in one word. */
#define READY   (1U << 31)
#define LEAVING (1U << 30)
#define TAKEN   (1U << 29) /* being filled in */
#define USES    (TAKEN - 1)

enum { HOLD_PATIENCE = 1000 /* looks, of a millisecond each, at a write that uses a number */ };

extern struct hold *const hold_first;
extern struct hold *_Atomic hold_end; /* behind the last place that was ever taken */
#define EACH_HOLD(hold) for (struct hold *hold = hold_first; hold < atomic_load(&hold_end); hold++)

static inline bool is_ready(unsigned state)
{
	return (state & READY) && !(state & LEAVING);
}

bool hold_is_of_node(const struct hold *hold, const struct look *look);

/* Nobody shall begin to use it: the last who does, or the caller, closes it. */
void hold_leave(struct hold *hold);
void hold_close(struct hold *hold);

/* How often this thread uses it; is it more than is known one by one? */
unsigned hold_uses_here(const struct hold *hold);
bool hold_are_many_here(void);

bool hold_is_borrowed(unsigned number);
unsigned hold_next_borrowed(unsigned number); /* from here on, or UINT_MAX */
void hold_borrow_after_fork(void);

#endif
