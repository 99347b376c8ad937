/* SPDX-License-Identifier: MIT */
/* Sends Identify Controller and Identify Namespace. Start reading at identify_nvme(). */
#include "device/identify.h"

#include <errno.h>
#include <linux/nvme_ioctl.h>
#include <string.h>
#include <sys/ioctl.h>

#include "base/real.h"
#include "device/path.h"
#include "rules/status.h"

enum {
	ADMIN_IDENTIFY = 0x06, /* NVMe Base 2.0 figure 138 */
	CNS_NAMESPACE = 0x00,  /* NVMe Base 2.0 figure 273 */
	CNS_CONTROLLER = 0x01,
};

static int by_ioctl(int fd, struct nvme_passthru_cmd *command, uint32_t *result)
{
	int status = real_ioctl(fd, NVME_IOCTL_ADMIN_CMD, command);

	(void)result;
	if (status < 0)
		errno = -status;
	return status < 0 ? -1 : status;
}

identify_sender *identify_send = by_ioctl;
const char *identify_means = "ioctl";

static int identify(int fd, uint32_t nsid, uint8_t cns, uint8_t *ret_page)
{
	struct nvme_passthru_cmd command = {
		.opcode = ADMIN_IDENTIFY,
		.nsid = nsid,
		.cdw10 = cns,
		.addr = (uintptr_t)ret_page,
		.data_len = IDENTIFY_SIZE,
	};

	memset(ret_page, 0, IDENTIFY_SIZE);
	int status = identify_send(fd, &command, NULL);
	if (status < 0)
		status = -errno;
	if (path_is_away(status))
		return -EAGAIN;
	return status > 0 ? status_to_errno(status) : status;
}

int identify_nvme(int fd, struct nvme_identity *ret_identity)
{
	int nsid = real_ioctl(fd, NVME_IOCTL_ID, NULL);
	if (nsid <= 0)
		return nsid < 0 ? nsid : -ENOTTY;
	int error = identify(fd, 0, CNS_CONTROLLER, ret_identity->controller);
	if (!error)
		error = identify(fd, (uint32_t)nsid, CNS_NAMESPACE, ret_identity->namespace);
	if (!error)
		ret_identity->nsid = (uint32_t)nsid;
	return error;
}
