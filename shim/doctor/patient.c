/* SPDX-License-Identifier: MIT */
/* Limits as device/device.c makes them, but also where this process may not write to the device. */
#include "doctor/patient.h"

#include <unistd.h>

bool patient_is_scsi(const struct patient *p)
{
	return p->device.transport == &transport_scsi;
}

struct limits patient_limits_if(const struct patient *p, struct queue queue,
				enum nvme_policy policy)
{
	struct limits limits = patient_is_scsi(p) ? limits_scsi(&p->identity.scsi)
						  : limits_nvme(&p->identity.nvme, policy);

	limits = limits_cap(limits, &queue, (uint32_t)sysconf(_SC_PAGESIZE));
	return limits_of_partition(limits, p->device.identity.start);
}

struct limits patient_limits_by(const struct patient *p, enum nvme_policy policy)
{
	return patient_limits_if(p, p->device.queue, policy);
}

struct limits patient_limits(const struct patient *p)
{
	return patient_limits_by(p, p->device.decision.nvme_policy);
}
