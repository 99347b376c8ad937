/* SPDX-License-Identifier: MIT */
/* A test file defines suite(); main.c runs it. A test that cannot run here calls suite_skip(). */
#ifndef SUITE_H
#define SUITE_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

Suite *suite(void);

/* Ends the whole program with status 77; the reason goes to standard output. */
__attribute__((noreturn)) static inline void suite_skip(const char *reason)
{
	printf("SKIP: %s\n", reason);
	exit(77);
}

#endif
