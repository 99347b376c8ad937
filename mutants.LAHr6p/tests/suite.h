/* SPDX-License-Identifier: MIT */
/* A test file defines suite(); main.c runs it. A test that cannot run here calls suite_skip(). */
#ifndef SUITE_H
#define SUITE_H

#include <check.h>

Suite *suite(void);

/* Ends the whole program with status 77; the reason goes to standard output. */
void suite_skip(const char *reason) __attribute__((noreturn));

#endif
