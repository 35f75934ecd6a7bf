/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_record.c - `vmm record`: `vmm run`, and what happens goes into a trace. */
#include "cli/cli.h"
#include "cli/policy_text.h"
#include "cli/run_program.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#define WINDOW_MIN 8 /* an instruction may need several pages at once */

struct record_options {
	struct run_options run; /* first: the table of `vmm run` belongs to ours */
	const char *output;
};

static const struct option_spec record_option_table[] = {
	{ 'o', "output", OPTION_STRING, "FILE",
	  "the trace; a name that ends in .vmt makes the binary format,\nany other text; .zst on top compresses",
	  .offset = offsetof(struct record_options, output) },
	{ .name = NULL },
};

/* What can be said before the run. STATUS_OK or STATUS_USAGE. */
static int output_check(const struct record_options *o)
{
	if (!o->output) {
		complain("record", "vmm record -o FILE.vmt [options] -- PROGRAM [ARG...]",
			 "-o FILE is missing");
		return STATUS_USAGE;
	}
	if (!strcmp(o->output, "-")) {
		complain("-o", "Give a file or a named pipe.", "stdout belongs to the program");
		return STATUS_USAGE;
	}
	return STATUS_OK;
}

/* Pages that are mapped ahead would be used unseen. */
static int prefetch_check(const struct record_options *o)
{
	const char *spec = o->run.config.prefetch;

	if (!spec || !strcmp(spec, "off"))
		return STATUS_OK;
	complain("--prefetch", "Record without it; `vmm sim --prefetch` takes it on the trace.",
		 "a trace must hold the program's own faults");
	return STATUS_USAGE;
}

/* After run_program_check: a window is there for policies that need every touch only. */
static int window_check(const struct record_options *o)
{
	if (o->run.window && o->run.class != POLICY_T) {
		complain("--window",
			 "Leave -a out, or give one that needs every touch, such as lru.",
			 "%s works with reference bits, which a window would disturb",
			 o->run.policy->name);
		return STATUS_USAGE;
	}
	if (o->run.window && o->run.window < WINDOW_MIN) {
		complain("--window",
			 "The least is 8: an instruction may need several pages at once.",
			 "%" PRIu64 " pages are too few", o->run.window);
		return STATUS_USAGE;
	}
	return STATUS_OK;
}

/* A value of the header: one line of it. */
static void meta_line(FILE *f, const char *key, char *const *words)
{
	fprintf(f, "%s=", key);
	for (int i = 0; words[i]; i++) {
		if (i)
			fputc(' ', f);
		for (const char *c = words[i]; *c; c++)
			fputc(*c == '\n' ? ' ' : *c, f);
	}
	fputc('\n', f);
}

/* Where the trace comes from; NULL: no memory. The caller frees it. */
static char *meta_make(const struct record_options *o)
{
	const struct run_config *c = &o->run.config;
	struct utsname u = { .release = "" };
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	if (!f)
		return NULL;
	uname(&u);
	fprintf(f, "recorder=vmm %s (%s)\nkernel=%s\npolicy=%s\n", vmm_version, vmm_commit,
		u.release, c->policy);
	if (c->frames)
		fprintf(f, "frames=%" PRIu64 "\n", c->frames);
	fprintf(f, "exits=%s\n", c->exact ? "single" : "batched");
	meta_line(f, "command", c->argv);
	if (fclose(f)) {
		free(text);
		return NULL;
	}
	return text;
}

static int record_main(const struct command *self, int argc, char **argv)
{
	struct record_options o = { .output = NULL };
	int first, status;
	char *meta;

	run_options_init(&o.run);
	o.run.config.policy = "lru";
	status = options_parse(self, &o, argc, argv, &first);
	if (status)
		return status == OPTIONS_DONE ? STATUS_OK : STATUS_USAGE;
	status = output_check(&o);
	if (!status)
		status = run_program_check(self->name, argv + first, &o.run);
	if (!status)
		status = window_check(&o);
	if (!status)
		status = prefetch_check(&o);
	if (status)
		return status;
	meta = meta_make(&o);
	o.run.config.record = o.output;
	o.run.config.record_meta = meta;
	status = run_program(self->name, &o.run);
	free(meta);
	return status;
}

const struct command command_record = {
	.name = "record",
	.arguments = "-o FILE -- PROGRAM [ARG...]",
	.summary = "Run a program and write a trace of its pages",
	.details =
		"As `vmm run`, whose options and exit status it has; the policy is lru if none is given.\n"
		"With --window K (and for a policy that needs every touch in limited memory) no more than K\n"
		"pages are mapped at once, and the trace holds every touch of another one:\n"
		"  vmm record -o app.vmt --window 32 -- PROGRAM\n"
		"  vmm compare -t app.vmt\n",
	.options = record_option_table,
	.more_options = run_option_table,
	.main = record_main,
};
