/* SPDX-License-Identifier: MIT */
/* The rows of cli_commands, each defined in the cmd_*.c of its name. */
#ifndef CLI_COMMANDS_H
#define CLI_COMMANDS_H

#include "cli.h"

extern const struct command command_run;
extern const struct command command_status;
extern const struct command command_diff;
extern const struct command command_log;
extern const struct command command_apply;
extern const struct command command_discard;
extern const struct command command_jobs;
extern const struct command command_explain;
extern const struct command command_policy;
extern const struct command command_mount;
extern const struct command command_umount;
extern const struct command command_doctor;
extern const struct command command_help;

#endif
