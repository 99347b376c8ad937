/* SPDX-License-Identifier: MIT */
/* From now on this process asks disks through the libraries that it was built with. Before other
 * threads start. */
#ifndef CMD_LIBRARIES_H
#define CMD_LIBRARIES_H

void cmd_use_libraries(void);

#endif
