/* SPDX-License-Identifier: MIT */
/* Prints the list to standard output, as text for people or as JSON. list.c makes the rows, and
 * frees them. */
#ifndef TABLE_H
#define TABLE_H

#include <sys/types.h>

#include "doctor/evidence.h"

struct row {
	char *path;
	char model[64];
	dev_t number;
	enum verdict verdict;
	const char *lane;
	unsigned unit_min, unit_max, boundary;
	char reason[256];
};

struct table {
	struct row *rows;
	int count, room;
};

void table_print(const struct table *table);
void table_print_json(const struct table *table);

#endif
