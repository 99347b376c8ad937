/* SPDX-License-Identifier: MIT */
/* For the few variables that every start of a program touches: on the page that the loader has
 * written anyway. Each other page would cost a start two faults. */
#ifndef EARLY_H
#define EARLY_H

#define EARLY __attribute__((section(".data")))

#endif
