/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd_compare.c - `vmm compare`: several policies and memory sizes in one table. On a trace it is `vmm sim` with other defaults;
 * for a program see compare.h.
 */
#include "cli/cli.h"
#include "cli/compare.h"
#include "cli/policy_text.h"
#include "cli/run_program.h"
#include "cli/sim_report.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define TRACE_POLICIES "fifo,clock,lru,sieve,opt"
#define PROGRAM_POLICIES "fifo,clock,lru,sieve"
#define SIZES "25%,50%,100%"

#define AT(field) .offset = offsetof(struct compare_options, field)

/* The struct begins with sim_options, which the functions of its table take. */
static const struct option_spec compare_option_table[] = {
	{ 'f', "frames", OPTION_CALL, "N[,N...]", "memory sizes in frames",
	  .parse = sim_parse_frames },
	{ 'r', "ram", OPTION_CALL, "MB[,MB...]", "the same, in MiB", .parse = sim_parse_ram },
	{ 'm', "memory", OPTION_CALL, "SIZE[,SIZE...]",
	  "the same, as 64M, 1G, or 25% of what the program needs\n(25%,50%,100%)",
	  .parse = sim_parse_memory },
	{ 'a', "algorithm", OPTION_STRING, "NAME[:key=value,...][,NAME...]",
	  "policies (" PROGRAM_POLICIES "); opt is replayed", AT(sim.policies_text) },
	{ 0, "replay", OPTION_FLAG, NULL, "record the program once, and replay the trace",
	  AT(replay) },
	{ 'o', "output", OPTION_STRING, "FILE.vmt", "keep the trace of --replay, or for opt",
	  AT(sim.output) },
	{ 0, "force", OPTION_FLAG, NULL, "with --replay: also what a recorded trace cannot answer",
	  AT(sim.force) },
	{ 0, "repeat", OPTION_COUNT, "N", "run each N times; medians are shown (1)",
	  AT(sim.repeat) },
	{ 0, "seed", OPTION_COUNT, "N", "of the order, and of the policies' random choices (1)",
	  AT(sim.seed) },
	{ 0, "jobs", OPTION_COUNT, "N", "threads of replays (one a CPU)", AT(sim.jobs) },
	{ 0, "config-name", OPTION_STRING, "NAME", "first column of the CSV (compare)",
	  AT(sim.config_name) },
	{ 0, "json", OPTION_STRING, "FILE", "write the results as JSON; - is stdout",
	  AT(sim.json) },
	{ 0, "csv", OPTION_STRING, "FILE", "write them as CSV, a row a run; - is stdout",
	  AT(sim.csv) },
	{ 0, "html", OPTION_STRING, "FILE", "write them as one HTML file", AT(sim.html) },
	{ 'q', "quiet", OPTION_FLAG, NULL, "no table and no progress", AT(sim.quiet) },
	{ .name = NULL },
};

static const struct command compare_trace = {
	.name = "compare",
	.arguments = "-t TRACE",
	.summary = "Compare policies, memory sizes and page tables on a trace",
	.options = sim_option_table,
};

/* Options end at "--". */
static bool has_program(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (!strcmp(argv[i], "--"))
			return true;
	return false;
}

static void defaults(struct sim_options *o, const char *policies)
{
	sim_options_init(o);
	o->policies_text = policies;
	o->config_name = "compare";
	o->size_letter = 'm';
	o->sizes_text = SIZES;
	o->sizes_default = true;
}

static int on_trace(int argc, char **argv)
{
	struct sim_options options;
	int status;

	defaults(&options, TRACE_POLICIES);
	status = sim_command(&compare_trace, argc, argv, &options);
	sim_options_destroy(&options);
	return status;
}

/* What cannot be run live. */
static int policies_check(const struct compare_options *o)
{
	uint32_t live = 0;

	for (uint32_t i = 0; i < o->sim.n_policies && !o->replay; i++)
		if (!o->sim.policies[i].opt && o->sim.policies[i].ops->class == POLICY_X) {
			policy_needs_future(o->sim.policies[i].ops->name);
			return -EINVAL;
		} else {
			live += !o->sim.policies[i].opt;
		}
	if (live || o->replay)
		return 0;
	complain("-a", "Add policies to compare it with, or give --replay.",
		 "opt knows the future, which a live run cannot");
	return -EINVAL;
}

/* Percentages of a small program become more, later. */
static int sizes_check(const struct compare_options *o)
{
	const char option[] = { '-', o->sim.size_letter, 0 };

	for (uint32_t i = 0; i < o->sim.n_given; i++) {
		const struct sim_size *size = &o->sim.given[i];

		if (size->unit == '%' ||
		    sim_size_frames(size, o->sim.page_size, 0) >= RUN_FRAMES_MIN)
			continue;
		complain(option, "The least is 40 frames (160 KiB): 32, and 8 for each thread.",
			 "%.0f %s are too few for a program to make progress", size->value,
			 size->unit == 'f' ? "frames" : "bytes");
		return -EINVAL;
	}
	return 0;
}

static int on_program(struct comparison *c, struct compare_options *o)
{
	const char *json = o->run.json;
	int status;

	o->run.json = NULL; /* ours says it all */
	o->run.quiet = true;
	status = run_program_check("compare", c->program, &o->run);
	o->run.json = json;
	if (status)
		return status;
	if (o->replay)
		return compare_replay(c, o);
	status = compare_measure(c, o);
	if (!status && compare_report(c))
		status = STATUS_FAILED;
	compare_destroy(c);
	return status;
}

static int compare_main(const struct command *self, int argc, char **argv)
{
	struct compare_options o = { .replay = false };
	struct comparison c = { .options = &o, .argv = argv };
	int first, status;

	if (!has_program(argc, argv) &&
	    !(argc == 2 && (!strcmp(argv[1], "-h") || !strcmp(argv[1], "--help"))))
		return on_trace(argc, argv);
	defaults(&o.sim, PROGRAM_POLICIES);
	run_options_init(&o.run);
	status = options_parse(self, &o, argc, argv, &first);
	if (status) {
		sim_options_destroy(&o.sim);
		return status == OPTIONS_DONE ? STATUS_OK : STATUS_USAGE;
	}
	c.program = argv + first;
	o.run.config.seed = o.sim.seed;
	o.sim.trace = "the recording"; /* it is made later */
	if (sim_options_check(&o.sim, self->name, true) || policies_check(&o) || sizes_check(&o))
		status = STATUS_USAGE;
	else
		status = on_program(&c, &o);
	sim_options_destroy(&o.sim);
	return status;
}

const struct command command_compare = {
	.name = "compare",
	.arguments = "-- PROGRAM [ARG...]",
	.summary = "Compare policies and memory sizes on a program or a trace",
	.details =
		"The program is run once for each policy and size, and alone; or recorded once, with\n"
		"--replay. `vmm compare -t TRACE` has the options of `vmm sim` instead, such as\n"
		"  vmm compare -t FILE -a lru -m 100% --pt two,four,hashed,inverted\n",
	.options = compare_option_table,
	.more_options = run_option_table,
	.more_offset = offsetof(struct compare_options, run),
	.main = compare_main,
};
