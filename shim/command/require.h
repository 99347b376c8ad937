/* SPDX-License-Identifier: MIT */
#ifndef CMD_REQUIRE_H
#define CMD_REQUIRE_H

/* Does the device qualify, by untorn doctor's own judgement, in this environment? preload: the
 * simulated disk's library, or NULL. 0, or an exit status after a message. */
int cmd_require(const char *device, const char *preload);

#endif
