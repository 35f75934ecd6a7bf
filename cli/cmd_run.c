/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_run.c - `vmm run`: check everything, run the program, report, and exit as the program did. */
#include "cli/cli.h"
#include "cli/run_program.h"

static int run_main(const struct command *self, int argc, char **argv)
{
	struct run_options options;
	int first, status;

	run_options_init(&options);
	status = options_parse(self, &options, argc, argv, &first);
	if (status)
		return status == OPTIONS_DONE ? STATUS_OK : STATUS_USAGE;
	status = run_program_check(self->name, argv + first, &options);
	return status ? status : run_program(self->name, &options);
}

const struct command command_run = {
	.name = "run",
	.arguments = "-- PROGRAM [ARG...]",
	.summary = "Run a program in a fixed number of page frames under a policy",
	.details =
		"Exit status: the program's own (128+N when signal N ended it); 127 when it was not\n"
		"found, 126 when it cannot be executed, 125 when vmm itself failed, 2 for wrong\n"
		"usage. The report goes to stderr when the program has ended.\n",
	.options = run_option_table,
	.main = run_main,
};
