/* SPDX-License-Identifier: MIT */
/*
 * A function that reads or resets what another thread may be writing, and knows it: a sequence, a
 * second question, or a fork that left no other thread, makes it right. ThreadSanitizer does not
 * watch it.
 */
#ifndef RACY_H
#define RACY_H

#define RACY __attribute__((no_sanitize("thread")))

#endif
