/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_trace.c - `vmm trace info|convert|cut|cat|reduce FILE...`: looks at traces and makes others of them. */
#include "cli/cli.h"
#include "cli/progress.h"
#include "cli/trace_info.h"
#include "cli/trace_text.h"
#include "core/trace/sad.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BATCH 4096u

struct trace_options {
	const char *output, *from, *to;
	uint64_t page_size, skip, refs, sad;
	bool no_fetch;
};

#define AT(field) offsetof(struct trace_options, field)

static const struct option_spec trace_option_table[] = {
	{ 'o', "output", OPTION_STRING, "FILE",
	  "where to: .vmt is the binary format, anything else text, .zst on\n"
	  "top compresses; - is stdout",
	  AT(output), 0, NULL },
	{ 0, "from", OPTION_STRING, "FORMAT",
	  "format of the FILEs; found by their content if not given", AT(from), 0, NULL },
	{ 0, "to", OPTION_STRING, "FORMAT", "text, vmt, oracle or csv, whatever the name", AT(to),
	  0, NULL },
	{ 'p', "page-size", OPTION_SIZE, "SIZE", "pages of this size, not finer than recorded",
	  AT(page_size), 0, NULL },
	{ 0, "no-fetch", OPTION_FLAG, NULL, "leave out instruction fetches", AT(no_fetch), 0,
	  NULL },
	{ 0, "skip", OPTION_COUNT, "N", "cut: leave out the first N references", AT(skip), 0,
	  NULL },
	{ 'n', "accesses", OPTION_COUNT, "N", "cut: keep N references", AT(refs), 0, NULL },
	{ 0, "sad", OPTION_COUNT, "K",
	  "reduce: leave out references that make no difference to LRU and\n"
	  "OPT in K frames or more",
	  AT(sad), 1u << 31, NULL },
	{ 0, NULL, OPTION_FLAG, NULL, NULL, 0, 0, NULL },
};

/* One copy of traces into another. */
struct copy {
	const struct trace_options *options;
	struct trace_writer *writer;
	const char *output;
	uint32_t page_shift; /* of the output */
	uint64_t skip, left; /* references */
	uint64_t done;       /* references read of this file */
	bool write_failed;
	struct sad *sad; /* NULL: nothing is left out */
	struct trace_record reduced[BATCH];
	size_t n_reduced;
	uint64_t refs_kept, refs_read; /* of all files */
};

/* Events that still matter when the references around them are skipped. */
static bool lasting(const struct trace_record *rec)
{
	return rec->kind == TRACE_MAP || rec->kind == TRACE_UNMAP || rec->kind == TRACE_FORK ||
	       rec->kind == TRACE_EXIT;
}

/* Keeps what is not skipped, in place; returns how many. */
static size_t select_records(struct copy *c, struct trace_record *records, size_t n)
{
	size_t kept = 0;

	for (size_t i = 0; i < n && c->left; i++) {
		bool ref = records[i].kind <= TRACE_WRITE;
		bool keep = !c->skip || lasting(&records[i]);

		c->done += ref;
		if (ref && c->skip)
			c->skip--;
		else if (ref)
			c->left--;
		if (keep)
			records[kept++] = records[i];
	}
	return kept;
}

static int reduced_write(struct copy *c)
{
	int err = trace_write(c->writer, c->reduced, c->n_reduced);

	c->n_reduced = 0;
	c->write_failed = err != 0;
	return err;
}

static int reduced_add(void *arg, const struct trace_record *record)
{
	struct copy *c = arg;

	c->refs_kept += record->kind <= TRACE_WRITE;
	c->reduced[c->n_reduced++] = *record;
	return c->n_reduced == BATCH ? reduced_write(c) : 0;
}

static int records_write(struct copy *c, const struct trace_record *records, size_t n)
{
	int err;

	if (c->sad)
		return sad_feed(c->sad, records, n);
	err = trace_write(c->writer, records, n);
	c->write_failed = err != 0;
	return err;
}

static int copy_records(struct copy *c, struct trace_reader *r, const char *path)
{
	static struct trace_record records[BATCH];
	struct progress progress;
	uint64_t done, total;
	ssize_t n = 0;
	int err = 0;

	progress_begin(&progress, path, false);
	while (!err && c->left && (n = trace_read_records(r, records, BATCH)) > 0) {
		size_t kept = select_records(c, records, (size_t)n);

		err = records_write(c, records, kept);
		trace_progress(r, &done, &total);
		progress_update(&progress, c->done, total ? (double)done / (double)total : -1);
	}
	progress_end(&progress);
	return err ? err : n < 0 ? (int)n : 0;
}

static int copy_create(struct copy *c, const struct trace_reader *r)
{
	struct trace_write_options options = { .format = c->options->to,
					       .header = *trace_header(r) };
	char meta[1024];
	int err;

	if (c->sad) { /* who reads it must know */
		snprintf(meta, sizeof(meta), "sad=%llu\n%s", (unsigned long long)c->options->sad,
			 options.header.meta && strlen(options.header.meta) < 900
				 ? options.header.meta
				 : "");
		options.header.meta = meta;
	}
	err = trace_create(&c->writer, c->output, &options);

	if (err)
		trace_complain_write(c->output, err, NULL);
	c->page_shift = options.header.page_shift;
	return err;
}

static int copy_file(struct copy *c, const char *path)
{
	struct trace_read_options options = { .format = c->options->from,
					      .page_shift = c->page_shift,
					      .events = TRACE_ALL_EVENTS,
					      .no_fetch = c->options->no_fetch };
	struct trace_problem problem;
	struct trace_reader *r;
	int err = trace_open(&r, path, &options, &problem);

	if (err) {
		trace_complain(path, err, &problem);
		return err;
	}
	c->done = 0;
	if (!c->writer)
		err = copy_create(c, r);
	if (!err) {
		err = copy_records(c, r, path);
		if (c->write_failed && !c->sad)
			trace_complain_write(c->output, err, trace_write_problem(c->writer));
		else if (err && !c->write_failed)
			trace_complain(path, err, trace_problem(r));
		trace_complain_cut(path, r, c->done);
	}
	trace_close(r);
	return err;
}

/* Whatever still waits, the end of the file, and what is to be said. */
static int copy_finish(struct copy *c, int err)
{
	uint64_t dropped;
	int finish_err;

	if (c->sad && !err)
		err = sad_finish(c->sad);
	if (c->sad && !err)
		err = reduced_write(c);
	if (c->write_failed && c->sad)
		trace_complain_write(c->output, err, trace_write_problem(c->writer));
	dropped = trace_events_dropped(c->writer);
	finish_err = trace_finish(c->writer);
	if (finish_err && !c->write_failed)
		trace_complain_write(c->output, finish_err, NULL);
	if (dropped)
		fprintf(stderr, "vmm: %s: %llu events left out: the format has none\n", c->output,
			(unsigned long long)dropped);
	if (c->sad && !err && !finish_err)
		fprintf(stderr, "vmm: %s: %llu of %llu references are left\n", c->output,
			(unsigned long long)c->refs_kept, (unsigned long long)c->refs_read);
	return err ? err : finish_err;
}

static int copy_files(const struct trace_options *o, const char *output, char **paths, int n)
{
	struct copy *c = calloc(1, sizeof(*c));
	int err = 0;

	if (c) {
		c->options = o;
		c->output = output;
		c->page_shift = o->page_size ? (uint32_t)__builtin_ctzll(o->page_size) : 0;
		c->skip = o->skip;
		c->left = o->refs;
	}
	if (!c || (o->sad && sad_create(&c->sad, (uint32_t)o->sad, reduced_add, c))) {
		complain("trace", NULL, "out of memory");
		free(c);
		return STATUS_FAILED;
	}
	for (int i = 0; i < n && !err; i++) {
		err = copy_file(c, paths[i]);
		c->refs_read += c->done;
	}
	if (c->writer)
		err = copy_finish(c, err);
	sad_destroy(c->sad);
	free(c);
	return err ? STATUS_FAILED : STATUS_OK;
}

static int action_info(const struct trace_options *o, char **paths, int n)
{
	struct trace_read_options options = {
		.format = o->from,
		.page_shift = o->page_size ? (uint32_t)__builtin_ctzll(o->page_size) : 0,
		.events = TRACE_ALL_EVENTS,
		.no_fetch = o->no_fetch,
	};
	int status = STATUS_OK;

	for (int i = 0; i < n; i++) {
		if (i)
			putchar('\n');
		if (trace_info(paths[i], &options))
			status = STATUS_FAILED;
	}
	return status;
}

static int action_convert(const struct trace_options *o, char **paths, int n)
{
	if (!o->output) {
		complain("trace convert", "vmm trace convert -o app.vmt app.trace", "no -o FILE");
		return STATUS_USAGE;
	}
	return copy_files(o, o->output, paths, n);
}

static int action_reduce(const struct trace_options *o, char **paths, int n)
{
	if (!o->output || !o->sad) {
		complain("trace reduce", "vmm trace reduce --sad 1000 -o small.vmt app.vmt",
			 o->output ? "no --sad K" : "no -o FILE");
		return STATUS_USAGE;
	}
	return copy_files(o, o->output, paths, n);
}

static int action_cat(const struct trace_options *o, char **paths, int n)
{
	return copy_files(o, o->output ? o->output : "-", paths, n);
}

static const struct action {
	const char *name;
	int (*run)(const struct trace_options *o, char **paths, int n);
	bool cuts; /* --skip and -n mean something */
} actions[] = {
	{ "info", action_info, false },     { "convert", action_convert, false },
	{ "cut", action_convert, true },    { "cat", action_cat, true },
	{ "reduce", action_reduce, false },
};
#define ACTIONS (sizeof(actions) / sizeof(actions[0]))

static const struct action *action_find(const char *name)
{
	const char *names[ACTIONS + 1] = { NULL }, *near;
	char todo[80] = "There are info, convert, cut, cat and reduce.";

	for (size_t i = 0; i < ACTIONS; i++) {
		names[i] = actions[i].name;
		if (!strcmp(actions[i].name, name))
			return &actions[i];
	}
	near = nearest_name(name, names);
	if (near)
		snprintf(todo, sizeof(todo), "Did you mean `vmm trace %s`?", near);
	complain("trace", todo, "no such action as '%s'", name);
	return NULL;
}

static int check(const struct trace_options *o, const struct action *action)
{
	if (o->from && !trace_format_check("--from", o->from, false))
		return -EINVAL;
	if (o->to && !trace_format_check("--to", o->to, true))
		return -EINVAL;
	if (o->page_size & (o->page_size - 1) || o->page_size == 1 ||
	    o->page_size > 1ull << TRACE_PAGE_SHIFT_MAX) {
		complain("-p", "Usual sizes are 4K, 16K, 64K and 2M.",
			 "a page has 2, 4, 8 ... bytes, at most 1G");
		return -EINVAL;
	}
	if (o->sad && action->run != action_reduce) {
		complain("--sad", "`vmm trace reduce` takes it.", "`vmm trace %s` keeps everything",
			 action->name);
		return -EINVAL;
	}
	if (!action->cuts && (o->skip || o->refs != UINT64_MAX)) {
		complain(o->skip ? "--skip" : "-n", "`vmm trace cut` takes it.",
			 "`vmm trace %s` takes the whole trace", action->name);
		return -EINVAL;
	}
	return 0;
}

/* Options may stand before, between and behind the operands, which are moved to argv[0..n). */
static int parse_all(const struct command *self, struct trace_options *o, int argc, char **argv,
		     int *n)
{
	char **operands = argv;
	int first, result;

	*n = 0;
	while (argc > 1) {
		result = options_parse(self, o, argc, argv, &first);
		if (result)
			return result;
		argc -= first;
		argv += first;
		if (argc)
			operands[(*n)++] = argv[0];
	}
	return OPTIONS_GO;
}

static int trace_main(const struct command *self, int argc, char **argv)
{
	struct trace_options o = { .refs = UINT64_MAX };
	const struct action *action;
	int n, result = parse_all(self, &o, argc, argv, &n);

	if (result)
		return result == OPTIONS_DONE ? STATUS_OK : STATUS_USAGE;
	if (!n) {
		complain("trace", "vmm trace info FILE",
			 "what to do: info, convert, cut, cat or reduce?");
		return STATUS_USAGE;
	}
	action = action_find(argv[0]);
	if (!action || check(&o, action))
		return STATUS_USAGE;
	if (n < 2) {
		complain("trace", "- is stdin.", "no FILE");
		return STATUS_USAGE;
	}
	return action->run(&o, argv + 1, n - 1);
}

const struct command command_trace = {
	.name = "trace",
	.arguments = "info|convert|cut|cat|reduce FILE...",
	.summary = "Look at traces, convert, cut and print them",
	.details = "  info     what is in each FILE\n"
		   "  convert  the FILEs, one after another, into the -o file\n"
		   "  cut      a part of them, chosen by --skip and -n, likewise\n"
		   "  cat      all or a part of them, to stdout as text\n"
		   "  reduce   the FILEs without references that --sad K finds to be needless\n"
		   "\n"
		   "Formats read: text, vmt, lackey (valgrind), drmemtrace (output of the view\n"
		   "tool), champsim, oracle (libCacheSim oracleGeneral), ostep (a page number a\n"
		   "line); each also compressed by zstd. Formats written: text, vmt, oracle, csv.\n"
		   "docs/trace-format.md describes them.\n",
	.options = trace_option_table,
	.main = trace_main,
};
