/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_gen.c - `vmm gen`, also called trace_gen: writes a synthetic trace. */
#include "cli/cli.h"
#include "cli/progress.h"
#include "cli/trace_text.h"
#include "core/gen/gen.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BATCH 4096u
#define TYPES_MAX 32

struct gen_options {
	const char *output, *type, *format;
	uint64_t refs, processes, pages, seed, writes, quantum, stride, phases;
	double alpha;
};

static int parse_alpha(void *target, const char *option, const char *value)
{
	struct gen_options *o = target;
	char *end;

	o->alpha = strtod(value, &end);
	if (*value && !*end && o->alpha >= 0 && o->alpha <= 100)
		return 0;
	complain(option, "Usual values are between 0 (uniform) and 2.",
		 "'%s' is not a number from 0 to 100", value);
	return -EINVAL;
}

#define AT(field) offsetof(struct gen_options, field)

static const struct option_spec gen_option_table[] = {
	{ 'o', "output", OPTION_STRING, "FILE",
	  "where to: .vmt is the binary format, anything else text, .zst on\n"
	  "top compresses; - is stdout",
	  AT(output), 0, NULL },
	{ 't', "type", OPTION_STRING, "TYPE", "what kind of trace, see below", AT(type), 0, NULL },
	{ 'n', "accesses", OPTION_COUNT, "N", "references, default 10000", AT(refs), 0, NULL },
	{ 'p', "processes", OPTION_COUNT, "N", "processes, default 4, or 1: see below",
	  AT(processes), GEN_PROCESSES_MAX, NULL },
	{ 'a', "pages", OPTION_COUNT, "N", "pages of each process, default 1024", AT(pages),
	  TRACE_PAGES_MAX - 1, NULL },
	{ 's', "seed", OPTION_COUNT, "N", "seed, default 42: same seed, same trace", AT(seed), 0,
	  NULL },
	{ 0, "alpha", OPTION_CALL, "X", "exponent of zipf, default 1", 0, 0, parse_alpha },
	{ 0, "writes", OPTION_COUNT, "P", "percent of writes, default 30, or 0: see below",
	  AT(writes), 100, NULL },
	{ 0, "quantum", OPTION_COUNT, "N",
	  "references of a process before the next one's turn,\ndefault 100 (thrashing: 1)",
	  AT(quantum), UINT32_MAX - 1, NULL },
	{ 0, "stride", OPTION_COUNT, "N", "step of stride in pages, default 8", AT(stride),
	  UINT32_MAX, NULL },
	{ 0, "phases", OPTION_COUNT, "N", "phases of phased, default 4", AT(phases), 1u << 20,
	  NULL },
	{ 0, "to", OPTION_STRING, "FORMAT", "text, vmt, oracle or csv, whatever the name",
	  AT(format), 0, NULL },
	{ 0, NULL, OPTION_FLAG, NULL, NULL, 0, 0, NULL },
};

static int type_unknown(const char *name)
{
	const char *names[TYPES_MAX + 1], *near;
	char todo[80] = "`vmm help gen` lists them.";
	int n = 0;

	for (const struct gen_type *t = gen_types; t->name && n < TYPES_MAX; t++)
		names[n++] = t->name;
	names[n] = NULL;
	near = nearest_name(name, names);
	if (near)
		snprintf(todo, sizeof(todo), "Did you mean %s? `vmm help gen` lists them.", near);
	complain("-t", todo, "no type of trace is called '%s'", name);
	return STATUS_USAGE;
}

static int gen_write(struct gen *g, const struct gen_options *o)
{
	struct trace_write_options options = { .format = o->format };
	static struct trace_record records[BATCH];
	struct progress progress;
	struct trace_writer *w;
	uint64_t done = 0;
	size_t n;
	int err = trace_create(&w, o->output, &options);

	if (err) {
		trace_complain_write(o->output, err, NULL);
		return STATUS_FAILED;
	}
	progress_begin(&progress, o->output, false);
	while (!err && (n = gen_read(g, records, BATCH))) {
		err = trace_write(w, records, n);
		done += n;
		progress_update(&progress, done, o->refs ? (double)done / (double)o->refs : -1);
	}
	progress_end(&progress);
	err = trace_finish(w);
	if (err)
		trace_complain_write(o->output, err, NULL);
	return err ? STATUS_FAILED : STATUS_OK;
}

static int gen_run(const struct gen_options *o)
{
	struct gen_config config = {
		.type = o->type,
		.refs = o->refs,
		.processes = (uint32_t)o->processes,
		.pages = (uint32_t)o->pages,
		.writes = (uint32_t)o->writes,
		.quantum = (uint32_t)o->quantum,
		.seed = o->seed,
		.alpha = o->alpha,
		.stride = (uint32_t)o->stride,
		.phases = (uint32_t)o->phases,
	};
	struct gen *g;
	int err = gen_create(&g, &config), status;

	if (err == -ENOENT)
		return type_unknown(o->type);
	if (err == -EINVAL) {
		complain("gen", "-p, -a, --quantum, --stride and --phases are at least 1.",
			 "a number is 0 that must not be");
		return STATUS_USAGE;
	}
	if (err) {
		complain("gen", NULL, "%s", strerror(-err));
		return STATUS_FAILED;
	}
	status = gen_write(g, o);
	gen_destroy(g);
	return status;
}

static int gen_main(const struct command *self, int argc, char **argv)
{
	struct gen_options o = {
		.output = "-",
		.type = "random",
		.refs = 10000,
		.processes = GEN_DEFAULT,
		.pages = 1024,
		.seed = 42,
		.writes = GEN_DEFAULT,
		.quantum = GEN_DEFAULT,
		.stride = 8,
		.phases = 4,
		.alpha = 1,
	};
	int first, result = options_parse(self, &o, argc, argv, &first);

	if (result)
		return result == OPTIONS_DONE ? STATUS_OK : STATUS_USAGE;
	if (first < argc) {
		complain(argv[first], "The file is given with -o, the type with -t.",
			 "this is no option");
		return STATUS_USAGE;
	}
	if (o.format && !trace_format_check("--to", o.format, true))
		return STATUS_USAGE;
	return gen_run(&o);
}

const struct command command_gen = {
	.name = "gen",
	.arguments = "",
	.summary = "Write a synthetic trace (also called trace_gen)",
	.details =
		"Types, with 4 processes that take turns and 30% writes:\n"
		"  sequential     each process scans its pages, 256 bytes at a time\n"
		"  random         uniformly random pages\n"
		"  working_set    90% in a tenth of the pages, which moves\n"
		"  locality       small steps, now and then a jump\n"
		"  thrashing      all processes sweep all their pages by turns, page by page\n"
		"  fork           a process forks others; they share, copy on write, and exit\n"
		"with 1 process, and reads only (phased: 30% writes):\n"
		"  zipf           frequency falls with rank (--alpha)\n"
		"  loop           round and round, page by page\n"
		"  stride         every --stride-th page, then those beside them\n"
		"  phased         --phases regions one after another: random, sweep, random ...\n"
		"  pointer_chase  one random cycle through all pages\n",
	.options = gen_option_table,
	.main = gen_main,
};
