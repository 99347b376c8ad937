/* SPDX-License-Identifier: MIT */
/* Makes this process ask disks through the libraries that it was built with. main() calls it before
 * other threads start. */
#ifndef CMD_LIBRARIES_H
#define CMD_LIBRARIES_H

void cmd_use_libraries(void);

#endif
