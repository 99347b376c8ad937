/* SPDX-License-Identifier: MIT */
/* Asking a device, and the shim's own judgement of it. */
#ifndef JUDGE_H
#define JUDGE_H

#include "doctor/examine.h"

/* Fills in all of the patient but path and number, which are the caller's. The caller ends it with
 * judge_release(). */
void judge_ask(struct patient *patient);

/* The same for a device that nobody asked about: its node is opened only if a disk may be behind
 * it, and for writing, which has udev look at the disk again, only if atomic writes may be there.
 */
void judge_ask_gently(struct patient *patient);

void judge_release(struct patient *patient);

/* Adds the verdict to the evidence. */
void judge_conclude(const struct patient *patient, struct evidence *evidence);

#endif
