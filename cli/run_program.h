/* SPDX-License-Identifier: Apache-2.0 */
/* run_program.h - what the commands that run a program share: everything is checked before any work, then it runs. */
#ifndef CLI_RUN_PROGRAM_H
#define CLI_RUN_PROGRAM_H

#include "cli/run_options.h"

/*
 * Completes options->config for argv, a program and its arguments. `command` is for messages; complains itself. STATUS_OK, or the
 * status to exit with: wrong usage, no such program, or the machine lacks something.
 */
int run_program_check(const char *command, char **argv, struct run_options *options);

/* Runs, reports, complains; returns what vmm exits with: the program's status, or why it did not run. */
int run_program(const char *command, const struct run_options *options);

#endif
