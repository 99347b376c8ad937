/* SPDX-License-Identifier: MIT */
/* The device that the doctor looks at. doctor/judge.c fills it in and releases it. */
#ifndef PATIENT_H
#define PATIENT_H

#include <stdbool.h>

#include "device/device.h"
#include "rules/limits_nvme.h"
#include "rules/limits_scsi.h"

struct patient {
	const char *path;
	dev_t number;
	int fd;         /* -1: could not be opened */
	int open_error; /* of opening it for writing, -errno */
	int read_error; /* of opening it for reading, -errno */
	int error;      /* of device_derive(), -errno: then only device.native is known */
	bool read_only; /* the kernel says so of the disk */
	struct device device;
	union {
		struct nvme_identity nvme;
		struct scsi_identity scsi;
	} identity;
	bool identified;     /* identity is known, asked or published */
	int asked, believed; /* 0 or -errno: of asking the device, of what root published */
	const char *means;   /* by which this process may send a write command; NULL: none */
	int means_error;
};

bool patient_is_scsi(const struct patient *patient);

/* The limits that follow from the device's answer and the kernel's caps, whatever this process may
 * do: by the policy decided for the device, by another one, or with other caps too. */
struct limits patient_limits(const struct patient *patient);
struct limits patient_limits_by(const struct patient *patient, enum nvme_policy policy);
struct limits patient_limits_if(const struct patient *patient, struct queue queue,
				enum nvme_policy policy);

#endif
