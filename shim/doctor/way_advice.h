/* SPDX-License-Identifier: MIT */
/* Turns the findings of rules/stack.h and rules/place.h into text and advice; way.c calls it. */
#ifndef WAY_ADVICE_H
#define WAY_ADVICE_H

#include "doctor/evidence.h"
#include "rules/place.h"
#include "rules/stack.h"

/* Writes "16 KiB" or "512 bytes" into the text, and returns it. */
const char *way_size(uint64_t bytes, char ret_text[32]);

/* The condition's name; static. */
const char *way_stack_condition(enum stack_condition condition);
const char *way_place_condition(enum place_condition condition);

/* One clause about what was found. */
void way_say_stack(const struct stack_finding *finding, char ret_text[192]);
void way_say_place(const struct place *place, uint64_t page, const struct place_finding *finding,
		   char ret_text[192]);

/* Adds advice if the condition does not hold and can be changed. */
void way_advise_stack(const struct stack_finding *finding, uint64_t page, struct evidence *e);
void way_advise_place(const struct place *place, uint64_t page, const struct place_finding *finding,
		      struct evidence *e);

#endif
