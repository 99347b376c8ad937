/* SPDX-License-Identifier: MIT */
/*
 * Identify Controller and Identify Namespace, through libnvme's nvme_submit_admin_passthru() where
 * that library is installed and allowed, else through the ioctl which that function wraps. Both
 * speak the kernel's struct nvme_passthru_cmd, so nothing of libnvme's own layout is relied on.
 */
#include "device/identify.h"

#include <errno.h>
#include <linux/nvme_ioctl.h>
#include <string.h>
#include <sys/ioctl.h>

#include "base/config.h"
#include "base/library.h"
#include "base/real.h"
#include "rules/status.h"

enum {
	ADMIN_IDENTIFY = 0x06, /* NVMe Base 2.0 figure 138 */
	CNS_NAMESPACE = 0x00,  /* NVMe Base 2.0 figure 273 */
	CNS_CONTROLLER = 0x01,
};

typedef int admin_command(int fd, struct nvme_passthru_cmd *command, uint32_t *result);

/* libnvme.so.1 only: libnvme3 is another interface. */
static struct library libnvme = {
	.names = { "libnvme.so.1" },
	.symbols = { "nvme_submit_admin_passthru" },
};

static int admin_by_ioctl(int fd, struct nvme_passthru_cmd *command, uint32_t *result)
{
	(void)result;
	return real_ioctl(fd, NVME_IOCTL_ADMIN_CMD, command);
}

static admin_command *means(void)
{
	if (!config_get().libnvme || !library_open(&libnvme))
		return admin_by_ioctl;
	return (admin_command *)library_function(&libnvme, 0);
}

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
	errno = 0;
	int status = means()(fd, &command, NULL);
	if (status == -1 && errno) /* libnvme's form; our own -EPERM reads the same */
		return -errno;
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

void identify_after_fork(void)
{
	library_after_fork(&libnvme);
}

const char *identify_means(void)
{
	return means() == admin_by_ioctl ? "ioctl" : "libnvme";
}
