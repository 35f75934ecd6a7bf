/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_sim.c - `vmm sim`: replays a trace under policies x memory sizes and reports. */
#include "cli/cli.h"
#include "cli/output.h"
#include "cli/sim_report.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AT(field) .offset = offsetof(struct sim_options, field)

const struct option_spec sim_option_table[] = {
	{ 't', "trace", OPTION_STRING, "TRACE",
	  "trace of any format, such as lines `<pid> <R|W> <address>`;\n- is stdin", AT(trace) },
	{ 'f', "frames", OPTION_CALL, "N[,N...]", "memory in frames", .parse = sim_parse_frames },
	{ 'r', "ram", OPTION_CALL, "MB[,MB...]", "the same, in MiB", .parse = sim_parse_ram },
	{ 'm', "memory", OPTION_CALL, "SIZE[,SIZE...]",
	  "the same, as 64M, 1G, or 25% of the trace's pages", .parse = sim_parse_memory },
	{ 'a', "algorithm", OPTION_STRING, "NAME[:key=value,...][,NAME...]",
	  "replacement policies (clock); `vmm policies` lists them;\nopt is Belady's",
	  AT(policies_text) },
	{ 'p', "page-size", OPTION_STRING, "SIZE[,SIZE...]",
	  "page and frame sizes (4K), not finer than recorded", AT(page_sizes_text) },
	{ 'n', "max-accesses", OPTION_COUNT, "N", "replay only the first N references",
	  AT(accesses_max) },
	{ 0, "warmup", OPTION_STRING, "N|P%", "references that are replayed but not counted",
	  AT(warmup_text) },
	{ 0, "interval", OPTION_STRING, "N|Ns",
	  "a row of counts every N references, or seconds of the trace's time", AT(interval_text) },
	{ 0, "seed", OPTION_COUNT, "N", "seed of every random choice (1)", AT(seed) },
	{ 0, "seeds", OPTION_COUNT, "N",
	  "replay policies that draw random numbers with N seeds, and give\nthe 95% interval of their mean",
	  AT(seeds) },
	{ 0, "repeat", OPTION_COUNT, "N", "replay N times; the time is the median", AT(repeat) },
	{ 0, "force", OPTION_FLAG, NULL, "replay a trace that does not hold every reference",
	  AT(force) },
	{ 0, "time-faults", OPTION_FLAG, NULL,
	  "virtual time of policies counts faults, as in `vmm run`", AT(time_faults) },
	{ 0, "probation", OPTION_FLAG, NULL,
	  "as `vmm run` does: what loads unreferenced is seen only from its\nthread's next fault on",
	  AT(probation) },
	{ 0, "model", OPTION_FLAG, NULL,
	  "drive the whole library, which the options below do by themselves,\nnot the fast engine",
	  AT(full) },
	{ 0, "pt", OPTION_STRING, "KIND[,KIND...]",
	  "page tables: single, two, three, four, five, hashed, inverted", AT(tables_text) },
	{ 0, "walk-cache", OPTION_COUNT, "N", "tables that the walker remembers per level (0)",
	  AT(walk_cache), .max = 1u << 20 },
	{ 'T', "tlb", OPTION_STRING, "SPEC",
	  "TLB: 64, or l1=64x4,l1-2m=32x4,l2=1536x12,policy=lru,asid", AT(tlb) },
	{ 0, "large", OPTION_STRING, "off|always|auto", "large pages (off)", AT(large) },
	{ 0, "prefetch", OPTION_STRING, "off|seq[:N]|stride[:N]|trend", "prefetcher (off)",
	  AT(prefetch) },
	{ 0, "numa", OPTION_STRING, "NODES[:PLACEMENT][,remote-ns=N]",
	  "nodes; first-touch, interleave, bind or migrate", AT(numa) },
	{ 's', "swap", OPTION_COUNT, "MB", "size of the swap device (as large as needed)",
	  AT(swap_mib), .max = 1u << 30 },
	{ 0, "allocation", OPTION_STRING, "global|local",
	  "one pool of frames, or a quota for each process (global)", AT(allocation_text) },
	{ 0, "budget", OPTION_CALL, "PID=SIZE[,min=SIZE]",
	  "quota of a process, again for others (equal shares)", .parse = sim_parse_budget },
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
	{ 0, "html", OPTION_STRING, "FILE", "write the report as one HTML file", AT(html) },
	{ 'q', "quiet", OPTION_FLAG, NULL, "no text report and no progress", AT(quiet) },
	{ .name = NULL },
};

static int reports_write(const struct sim_report *r)
{
	const struct sim_options *o = r->options;
	int err = 0;

	if (o->csv)
		err = output_written(o->csv, "report", sim_report_csv(r, o->csv));
	if (o->json && output_written(o->json, "report", sim_report_json(r, o->json)))
		err = -EIO;
	if (o->html && output_written(o->html, "report", sim_report_html(r, o->html)))
		err = -EIO;
	if (!o->quiet && !output_is_stdout(o->csv) && !output_is_stdout(o->json) &&
	    !output_is_stdout(o->html))
		sim_report_text(r);
	if (fflush(stdout)) {
		complain("stdout", NULL, "the report could not be written: %s", strerror(errno));
		err = -EIO;
	}
	return err;
}

/* Each page size is a replay of its own. */
int sim_execute(struct sim_options *o, char **argv)
{
	struct sim_result results[SIM_PAGE_SIZES_MAX] = { { .page_size = 0 } };
	struct sim_report report = { o, results, 0, argv };
	int err = 0;

	for (; report.n_results < o->n_page_sizes && !err; report.n_results++) {
		o->page_size = o->page_sizes[report.n_results];
		err = sim_all(o, &results[report.n_results]);
	}
	if (!err && (o->csv || o->json || o->html))
		trace_sha256(o->trace, results[0].sha256);
	if (!err)
		err = reports_write(&report);
	for (uint32_t i = 0; i < report.n_results; i++)
		sim_result_destroy(&results[i]);
	return err;
}

int sim_command(const struct command *self, int argc, char **argv, struct sim_options *o)
{
	int first, status = options_parse(self, o, argc, argv, &first);
	char todo[80];

	if (status)
		return status == OPTIONS_DONE ? STATUS_OK : STATUS_USAGE;
	if (first < argc) {
		snprintf(todo, sizeof(todo), "`vmm help %s` lists the options.", self->name);
		complain(argv[first], todo, "unexpected word");
		return STATUS_USAGE;
	}
	if (sim_options_check(o, self->name, true))
		return STATUS_USAGE;
	return sim_execute(o, argv) ? STATUS_FAILED : STATUS_OK;
}

static int sim_main(const struct command *self, int argc, char **argv)
{
	struct sim_options options;
	int status;

	sim_options_init(&options);
	options.policies_text = "clock";
	status = sim_command(self, argc, argv, &options);
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
