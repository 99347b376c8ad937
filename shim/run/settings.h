/* SPDX-License-Identifier: MIT */
/* Checks the settings before the program gets them, because the shim in it must not complain. run.c
 * calls it. */
#ifndef CMD_SETTINGS_H
#define CMD_SETTINGS_H

/* Checks the variables in the environment. Leaves out UNTORN_SIM, which the simulated disk checks.
 * 0, or an exit status after a message. */
int cmd_settings_check(void);

/* Check the values of --log, --only and --skip, and put them into the environment. Likewise. */
int cmd_settings_log(const char *value);
int cmd_settings_names(const char *option, const char *variable, const char *value);

#endif
