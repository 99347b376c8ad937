/* SPDX-License-Identifier: MIT */
/* What the doctor looks at, and what is to be seen there. */
#ifndef CMD_EXAMINE_H
#define CMD_EXAMINE_H

#include <stdbool.h>

#include "device.h"
#include "evidence.h"
#include "limits_nvme.h"

struct patient {
	const char *path;
	int fd;         /* -1: may not be opened */
	int open_error; /* of opening it for writing, -errno */
	struct device device;
	struct nvme_identity identity;
	bool identified;     /* identity is there, by whatever means */
	int asked, believed; /* 0 or -errno: of asking the device, of what root published */
	const char *means;   /* by which this process may write; NULL: by none */
	int means_error;
};

/* Adds every link of the chain, and what to change. Reads, and never writes, the device. */
void cmd_examine_all(const struct patient *patient, struct evidence *evidence);

/* cmd_examine_layers.c: who uses the device, and what it lies on itself. */
void cmd_examine_layers(const struct patient *patient, struct evidence *evidence);

#endif
