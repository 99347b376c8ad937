/* SPDX-License-Identifier: MIT */
/* Marks the few variables that every start of a program touches. It puts them on the page that the
 * loader has written anyway; each other page would cost a start two faults. */
#ifndef EARLY_H
#define EARLY_H

#define EARLY __attribute__((section(".data")))

#endif
