/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd_compare.c - `vmm compare -t TRACE`: several policies and memory sizes, or page tables, in one table. It is `vmm sim` with
 * other defaults.
 */
#include "cli/cli.h"
#include "cli/sim_report.h"

#include <string.h>

/* A program of the user's instead of a trace: its options end at "--". */
static int program_refused(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (!strcmp(argv[i], "--")) {
			complain(
				"compare",
				"Run it under each policy with `vmm run`, or compare a trace: -t TRACE.",
				"programs are not compared in this version");
			return 1;
		}
	return 0;
}

static int compare_main(const struct command *self, int argc, char **argv)
{
	struct sim_options options;
	int status = STATUS_USAGE;

	if (program_refused(argc, argv))
		return status;
	sim_options_init(&options);
	options.policies_text = "fifo,clock,lru,sieve,opt";
	options.config_name = "compare";
	options.size_letter = 'm';
	options.sizes_text = "25%,50%,100%";
	options.sizes_default = true;
	status = sim_command(self, argc, argv, &options);
	sim_options_destroy(&options);
	return status;
}

const struct command command_compare = {
	.name = "compare",
	.arguments = "",
	.summary = "Compare policies, memory sizes and page tables on a trace",
	.details =
		"As `vmm sim`, with several policies (fifo,clock,lru,sieve,opt) at 25%, 50% and 100% of the\n"
		"trace's pages if nothing else is said. Page tables are compared by\n"
		"  vmm compare -t FILE -a lru -m 100% --pt two,four,hashed,inverted\n",
	.options = sim_option_table,
	.main = compare_main,
};
