/* SPDX-License-Identifier: MIT */
/* Shared by the files of the hold alone: hold.c has the table, hold_end.c ends holds, hold_borrow.c
 * has the descriptors that are ours for one write. */
#ifndef HOLD_TABLE_H
#define HOLD_TABLE_H

#include "device/hold.h"

/* A place's state is one word: these flags, and the number of uses. */
#define READY   (1U << 31)
#define LEAVING (1U << 30)
#define TAKEN   (1U << 29) /* being filled in */
#define USES    (TAKEN - 1)

enum { HOLD_PATIENCE = 1000 /* waits of a millisecond each, for a write that uses a number */ };

extern struct hold *const hold_first;
extern struct hold *_Atomic hold_end; /* behind the last place that was ever taken */
#define EACH_HOLD(hold) for (struct hold *hold = hold_first; hold < atomic_load(&hold_end); hold++)

static inline bool is_ready(unsigned state)
{
	return (state & READY) && !(state & LEAVING);
}

bool hold_is_of_node(const struct hold *hold, const struct look *look);

/* hold_leave() lets no new write use the hold; the last user closes it, or the caller if there is
 * none. hold_close() closes it now. */
void hold_leave(struct hold *hold);
void hold_close(struct hold *hold);

/* Counts this thread's uses of the hold that are recorded one by one. hold_are_many_here(): this
 * thread has more uses than that. */
unsigned hold_uses_here(const struct hold *hold);
bool hold_are_many_here(void);

bool hold_is_borrowed(unsigned number);
unsigned hold_next_borrowed(unsigned number); /* not below `number`; or UINT_MAX */
void hold_borrow_after_fork(void);

#endif
