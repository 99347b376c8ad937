/* SPDX-License-Identifier: MIT */
/*
 * Marks a function with a deliberate data race, so that ThreadSanitizer does not check it. Each
 * such function, reader or writer, is safe for one of three reasons. A sequence count tells the
 * reader that the data changed, and it reads again. Or the reader checks later that what it read is
 * right. Or the function runs after fork(), in a child that has one thread.
 */
#ifndef RACY_H
#define RACY_H

#define RACY __attribute__((no_sanitize("thread")))

#endif
