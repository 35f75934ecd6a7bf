/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_mrc.c - `vmm mrc`: miss-ratio curves of a trace. */
#include "cli/cli.h"
#include "cli/output.h"
#include "cli/mrc.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define AT(field) .offset = offsetof(struct sim_options, field)

static const struct option_spec mrc_option_table[] = {
	{ 't', "trace", OPTION_STRING, "TRACE",
	  "text trace: lines `<pid> <R|W> <address>`; - is stdin", AT(trace) },
	{ 'a', "algorithm", OPTION_STRING, "NAME[:key=value,...][,NAME...]",
	  "policies (lru): lru from stack distances, opt (Belady's) from\nnext uses, others replayed",
	  AT(policies_text) },
	{ 'o', "output", OPTION_STRING, "FILE",
	  "write the curves: JSON when the name ends in .json, else CSV", AT(output) },
	{ 0, "points", OPTION_COUNT, "N",
	  "sizes of a curve, from one page to all (64); 0: every size", AT(points),
	  .max = 1u << 24 },
	{ 'f', "frames", OPTION_CALL, "N[,N...]", "these sizes instead, in frames",
	  .parse = sim_parse_frames },
	{ 'r', "ram", OPTION_CALL, "MB[,MB...]", "the same, in MiB", .parse = sim_parse_ram },
	{ 'm', "memory", OPTION_CALL, "SIZE[,SIZE...]", "the same, as 64M or 1G",
	  .parse = sim_parse_memory },
	{ 0, "sample", OPTION_STRING, "RATE|N",
	  "estimate lru's curve from a sample: a share of the pages such as\n0.01, or at most N pages",
	  AT(sample_text) },
	{ 0, "salts", OPTION_COUNT, "N", "independent samples, from which the error follows (8)",
	  AT(salts), .max = 64 },
	{ 'p', "page-size", OPTION_SIZE, "SIZE", "page and frame size (4K)", AT(page_size) },
	{ 'n', "max-accesses", OPTION_COUNT, "N", "only the first N references", AT(accesses_max) },
	{ 0, "warmup", OPTION_STRING, "N|P%", "references that are replayed but not counted",
	  AT(warmup_text) },
	{ 0, "force", OPTION_FLAG, NULL, "take a trace that does not hold every reference",
	  AT(force) },
	{ 0, "seed", OPTION_COUNT, "N", "seed of every random choice (1)", AT(seed) },
	{ 0, "jobs", OPTION_COUNT, "N", "threads (one a CPU); the results do not depend on it",
	  AT(jobs) },
	{ 0, "json", OPTION_STRING, "FILE", "write the curves as JSON; - is stdout", AT(json) },
	{ 0, "csv", OPTION_STRING, "FILE", "write the curves as CSV, a row a size; - is stdout",
	  AT(csv) },
	{ 'q', "quiet", OPTION_FLAG, NULL, "no plot and no progress", AT(quiet) },
	{ .name = NULL },
};

static bool ends_in(const char *text, const char *end)
{
	size_t n = strlen(text), k = strlen(end);

	return n >= k && !strcasecmp(text + n - k, end);
}

static int outputs_write(struct mrc *m, char **argv)
{
	const struct sim_options *o = m->options;
	int err = 0;

	if (o->json || (o->output && ends_in(o->output, ".json")))
		trace_sha256(o->trace, m->result.sha256);
	if (o->csv)
		err |= output_written(o->csv, "curves", mrc_csv(m, o->csv));
	if (o->json)
		err |= output_written(o->json, "curves", mrc_json(m, argv, o->json));
	if (o->output && ends_in(o->output, ".json"))
		err |= output_written(o->output, "curves", mrc_json(m, argv, o->output));
	else if (o->output)
		err |= output_written(o->output, "curves", mrc_csv(m, o->output));
	if (!o->quiet && !output_is_stdout(o->csv) && !output_is_stdout(o->json) &&
	    !output_is_stdout(o->output))
		mrc_plot(m);
	if (fflush(stdout)) {
		complain("stdout", NULL, "the curves could not be written: %s", strerror(errno));
		err = -EIO;
	}
	return err;
}

static int mrc(const struct sim_options *o, char **argv)
{
	struct mrc m = { .options = o };
	struct trace_source trace;
	int err = sim_open(&trace, o, TRACE_WINDOW);

	if (err)
		return err;
	m.result.fidelity = trace_header(trace.reader)->fidelity;
	m.result.window = trace_header(trace.reader)->window;
	if (m.result.window && o->sample_text) {
		complain("--sample", "Leave it out.",
			 "%s was recorded through a window, of which no sample can be taken",
			 o->trace);
		err = -ENOTSUP;
	}
	if (!err)
		err = mrc_make(&m, &trace);
	if (!err)
		err = outputs_write(&m, argv);
	trace.events = 0; /* whatever was left out in one pass was replayed in another */
	if (!err)
		sim_notes(o, &trace, m.result.totals.references);
	trace_source_close(&trace);
	mrc_destroy(&m);
	return err;
}

static int options_check(struct sim_options *o)
{
	if (sim_options_check(o, "mrc", false))
		return -EINVAL;
	if (sim_sizes_percent(o)) {
		complain("-m", "Leave it out: the curve goes from one page to all of them.",
			 "a curve's sizes are not given in percent");
		return -EINVAL;
	}
	for (uint32_t i = 0; i < o->n_policies; i++)
		if (o->policies[i].ops->surplus) {
			complain(o->policies[i].ops->name, "`vmm sim` replays it at a cap.",
				 "a policy with variable allocation has no miss-ratio curve");
			return -EINVAL;
		}
	if (sim_sizes_resolve(o, 0))
		return -EINVAL;
	if (o->sample_text && (o->n_policies != 1 || o->policies[0].opt ||
			       strcmp(o->policies[0].ops->name, "lru") != 0)) {
		complain("--sample", "Give -a lru, or leave --sample out.",
			 "only lru's curve can be estimated from a sample");
		return -EINVAL;
	}
	if (!o->salts) {
		complain("--salts", NULL, "0 samples say nothing");
		return -EINVAL;
	}
	return 0;
}

static int mrc_main(const struct command *self, int argc, char **argv)
{
	struct sim_options options;
	int first, status;

	sim_options_init(&options);
	options.policies_text = "lru";
	status = options_parse(self, &options, argc, argv, &first);
	if (status)
		return status == OPTIONS_DONE ? STATUS_OK : STATUS_USAGE;
	if (first < argc) {
		complain(argv[first], "`vmm help mrc` lists the options.", "unexpected word");
		return STATUS_USAGE;
	}
	status = STATUS_USAGE;
	if (!options_check(&options))
		status = mrc(&options, argv) ? STATUS_FAILED : STATUS_OK;
	sim_options_destroy(&options);
	return status;
}

const struct command command_mrc = {
	.name = "mrc",
	.arguments = "",
	.summary = "Miss-ratio curves of a trace: misses against memory",
	.details = "The curve is plotted as text and can be written as CSV or JSON.\n",
	.options = mrc_option_table,
	.main = mrc_main,
};
