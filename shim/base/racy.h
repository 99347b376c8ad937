/* SPDX-License-Identifier: MIT */
/*
 * Marks a function with a deliberate data race; ThreadSanitizer does not check it. Each such
 * function is safe for one of three reasons: a sequence count tells it to read again, what it read
 * is proven by a later check, or it runs after fork() in a child with one thread.
 */
#ifndef RACY_H
#define RACY_H

#define RACY __attribute__((no_sanitize("thread")))

#endif
