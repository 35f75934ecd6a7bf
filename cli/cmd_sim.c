/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_sim.c - `vmm sim`: replays a trace under policies x memory sizes and reports. */
#include "cli/cli.h"
#include "cli/sim_report.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AT(field) .offset = offsetof(struct sim_options, field)

static const struct option_spec sim_option_table[] = {
	{ 't', "trace", OPTION_STRING, "TRACE",
	  "text trace: lines `<pid> <R|W> <address>`; - is stdin", AT(trace) },
	{ 'f', "frames", OPTION_CALL, "N[,N...]", "memory in frames", .parse = sim_parse_frames },
	{ 'r', "ram", OPTION_CALL, "MB[,MB...]", "the same, in MiB", .parse = sim_parse_ram },
	{ 'm', "memory", OPTION_CALL, "SIZE[,SIZE...]", "the same, as 64M or 1G",
	  .parse = sim_parse_memory },
	{ 'a', "algorithm", OPTION_STRING, "NAME[:key=value,...][,NAME...]",
	  "replacement policies (clock); `vmm policies` lists them;\nopt is Belady's",
	  AT(policies_text) },
	{ 'p', "page-size", OPTION_SIZE, "SIZE", "page and frame size (4K)", AT(page_size) },
	{ 'n', "max-accesses", OPTION_COUNT, "N", "replay only the first N references",
	  AT(accesses_max) },
	{ 0, "warmup", OPTION_STRING, "N|P%", "references that are replayed but not counted",
	  AT(warmup_text) },
	{ 0, "seed", OPTION_COUNT, "N", "seed of every random choice (1)", AT(seed) },
	{ 0, "time-faults", OPTION_FLAG, NULL,
	  "virtual time of policies counts faults, as in `vmm run`", AT(time_faults) },
	{ 0, "jobs", OPTION_COUNT, "N", "threads (one a CPU); the results do not depend on it",
	  AT(jobs) },
	{ 0, "tlb-ns", OPTION_COUNT, "N", "timing model: TLB look-up of a reference (1)",
	  AT(tlb_ns), .max = UINT32_MAX },
	{ 0, "mem-ns", OPTION_COUNT, "N", "memory access of a reference (100)", AT(mem_ns),
	  .max = UINT32_MAX },
	{ 0, "fault-us", OPTION_COUNT, "N", "a fault (1000)", AT(fault_us), .max = UINT32_MAX },
	{ 0, "swap-us", OPTION_COUNT, "N", "a page read from or written to swap (5000)",
	  AT(swap_us), .max = UINT32_MAX },
	{ 0, "config-name", OPTION_STRING, "NAME", "first column of the CSV (sim)",
	  AT(config_name) },
	{ 0, "json", OPTION_STRING, "FILE", "write the report as JSON; - is stdout", AT(json) },
	{ 0, "csv", OPTION_STRING, "FILE", "write the report as CSV, a row a replay; - is stdout",
	  AT(csv) },
	{ 'q', "quiet", OPTION_FLAG, NULL, "no text report and no progress", AT(quiet) },
	{ .name = NULL },
};

static int cells_make(const struct sim_options *o, struct sim_result *r)
{
	r->n_cells = o->n_policies * o->n_sizes;
	r->cells = calloc(r->n_cells, sizeof(*r->cells));
	if (!r->cells) {
		complain("sim", NULL, "out of memory");
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < r->n_cells; i++) {
		r->cells[i].policy = &o->policies[i / o->n_sizes];
		r->cells[i].frames = o->sizes[i % o->n_sizes];
	}
	return 0;
}

static bool is_stdout(const char *path)
{
	return path && !strcmp(path, "-");
}

static int written(const char *path, int err)
{
	if (err)
		complain(path, NULL, "the report could not be written: %s", strerror(-err));
	return err;
}

static int reports_write(const struct sim_report *r)
{
	const struct sim_options *o = r->options;
	int err = 0;

	if (o->csv)
		err = written(o->csv, sim_report_csv(r, o->csv));
	if (o->json && written(o->json, sim_report_json(r, o->json)))
		err = -EIO;
	if (!o->quiet && !is_stdout(o->csv) && !is_stdout(o->json))
		sim_report_text(r);
	if (fflush(stdout)) {
		complain("stdout", NULL, "the report could not be written: %s", strerror(errno));
		err = -EIO;
	}
	return err;
}

static int sim(const struct sim_options *o, char **argv)
{
	struct sim_result result = { .n_cells = 0 };
	struct sim_report report = { o, &result, argv };
	struct trace_source trace;
	struct replay_source *source = &trace.source;
	uint64_t warmup = 0;
	int err = sim_open(&trace, o);

	if (err)
		return err;
	err = cells_make(o, &result);
	if (!err)
		err = sim_warmup(o, source, &warmup);
	if (!err)
		err = sim_run(o, source, warmup, &result);
	if (!err && !result.totals.references) {
		complain(o->trace, "A line of a text trace is `<pid> <R|W> <address>`.",
			 "there is no reference in it");
		err = -EINVAL;
	}
	if (!err && (o->csv || o->json))
		trace_sha256(o->trace, result.sha256);
	if (!err)
		err = reports_write(&report);
	if (!err)
		sim_notes(o, &trace, result.totals.references);
	trace_source_close(&trace);
	free(result.cells);
	return err;
}

static int sim_main(const struct command *self, int argc, char **argv)
{
	struct sim_options options;
	int first, status;

	sim_options_init(&options);
	options.policies_text = "clock";
	status = options_parse(self, &options, argc, argv, &first);
	if (status)
		return status == OPTIONS_DONE ? STATUS_OK : STATUS_USAGE;
	if (first < argc) {
		complain(argv[first], "`vmm help sim` lists the options.", "unexpected word");
		return STATUS_USAGE;
	}
	status = STATUS_USAGE;
	if (!sim_options_check(&options, "sim", true))
		status = sim(&options, argv) ? STATUS_FAILED : STATUS_OK;
	sim_options_destroy(&options);
	return status;
}

const struct command command_sim = {
	.name = "sim",
	.arguments = "",
	.summary = "Replay a trace under policies and memory sizes",
	.details =
		"Every policy is replayed at every size, exactly. `vmm -r 64 -t FILE -a LRU` without the\n"
		"word sim means the same.\n",
	.options = sim_option_table,
	.main = sim_main,
};
