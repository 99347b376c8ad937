/* SPDX-License-Identifier: MIT */
/* The settings, before the program gets them: the shim in it must not complain of any. */
#ifndef CMD_SETTINGS_H
#define CMD_SETTINGS_H

/* Are the variables that the environment has understood? But UNTORN_SIM, which the simulated disk
 * judges. 0, or an exit status after a message. */
int cmd_settings_check(void);

/* --log, --only and --skip, likewise. */
int cmd_settings_log(const char *value);
int cmd_settings_names(const char *option, const char *variable, const char *value);

#endif
