/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_options.c - libFuzzer and AFL++ entry point for command lines; seed corpus: tests/fuzz/corpus/options.
 *
 * An input is the words of a command, one a line. They go through an option table with every kind of option and the checks of
 * `vmm sim`. Nothing is opened: the table has no option that names an output, and inputs with a '/' (a policy's file)
 * are left out. This file takes the place of cli/main.c.
 */
#include "cli/cli.h"
#include "cli/sim_options.h"
#include "tests/fuzz/targets.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define WORDS_MAX 32
#define SIZES_BELOW 0x80000000u
#define TRACE_PAGES 1000u /* for sizes in percent */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define AT(field) .offset = offsetof(struct sim_options, field)

static const struct option_spec table[] = {
	{ 't', "trace", OPTION_STRING, "TRACE", "", AT(trace) },
	{ 'f', "frames", OPTION_CALL, "N", "", .parse = sim_parse_frames },
	{ 'r', "ram", OPTION_CALL, "MB", "", .parse = sim_parse_ram },
	{ 'm', "memory", OPTION_CALL, "SIZE", "", .parse = sim_parse_memory },
	{ 'a', "algorithm", OPTION_STRING, "NAME", "", AT(policies_text) },
	{ 'p', "page-size", OPTION_STRING, "SIZE", "", AT(page_sizes_text) },
	{ 'n', "max-accesses", OPTION_COUNT, "N", "", AT(accesses_max) },
	{ 0, "warmup", OPTION_STRING, "N|P%", "", AT(warmup_text) },
	{ 0, "sample", OPTION_STRING, "R", "", AT(sample_text) },
	{ 0, "interval", OPTION_STRING, "N|Ns", "", AT(interval_text) },
	{ 0, "seeds", OPTION_COUNT, "N", "", AT(seeds) },
	{ 0, "pt", OPTION_STRING, "KIND", "", AT(tables_text) },
	{ 0, "large", OPTION_STRING, "off", "", AT(large) },
	{ 0, "prefetch", OPTION_STRING, "off", "", AT(prefetch) },
	{ 0, "allocation", OPTION_STRING, "global", "", AT(allocation_text) },
	{ 0, "budget", OPTION_CALL, "PID=SIZE", "", .parse = sim_parse_budget },
	{ 0, "mem-ns", OPTION_COUNT, "N", "", AT(mem_ns), .max = UINT32_MAX },
	{ 'q', "quiet", OPTION_FLAG, NULL, "", AT(quiet) },
	{ .name = NULL },
};

static const struct command command = { .name = "sim", .arguments = "", .options = table };

static int complaints;

/* Formatted, so that every argument is read, and not printed. */
void complain(const char *what, const char *todo, const char *why, ...)
{
	char text[1024];
	va_list args;

	FUZZ_CHECK(what && *why);
	va_start(args, why);
	vsnprintf(text, sizeof(text), why, args);
	va_end(args);
	snprintf(text, sizeof(text), "%s %s", what, todo ? todo : "");
	complaints++;
}

void command_help(const struct command *c)
{
	(void)c;
}

int print_version(void)
{
	return STATUS_OK;
}

const char *nearest_name(const char *word, const char *const *names)
{
	return *word ? names[0] : NULL;
}

/* Whatever it stopped at in the last input. */
static void getopt_forget(void)
{
	char name[] = "sim", *argv[] = { name, NULL };

	optind = 0;
	(void)getopt(1, argv, "");
}

/* What was checked is in the range that replays can do with. */
static void checked(struct sim_options *o)
{
	FUZZ_CHECK(o->n_policies && o->n_page_sizes && complaints == 0);
	FUZZ_CHECK(!o->interval_text || !o->interval == !!o->interval_ns);
	for (uint32_t i = 0; i < o->n_page_sizes; i++)
		FUZZ_CHECK(o->page_sizes[i] && !(o->page_sizes[i] & (o->page_sizes[i] - 1)));
	o->page_size = o->page_sizes[0];
	if (sim_sizes_resolve(o, TRACE_PAGES)) {
		FUZZ_CHECK(complaints);
		return;
	}
	FUZZ_CHECK(o->n_sizes && complaints == 0);
	for (uint32_t i = 0; i < o->n_sizes; i++)
		FUZZ_CHECK(o->sizes[i] && o->sizes[i] < SIZES_BELOW &&
			   (i == 0 || o->sizes[i] > o->sizes[i - 1]));
}

static void run(int argc, char **argv)
{
	struct sim_options o;
	int first;

	sim_options_init(&o);
	o.policies_text = "clock";
	complaints = 0;
	if (options_parse(&command, &o, argc, argv, &first) == OPTIONS_GO) {
		FUZZ_CHECK(first >= 1 && first <= argc && complaints == 0);
		FUZZ_CHECK(o.mem_ns <= UINT32_MAX);
		if (sim_options_check(&o, "sim", true) == 0)
			checked(&o);
		else
			FUZZ_CHECK(complaints);
	}
	sim_options_destroy(&o);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *argv[WORDS_MAX + 1], *text, *next;
	int argc = 0;

	if (memchr(data, '/', size) || memchr(data, 0, size))
		return 0;
	text = malloc(size + 5);
	if (!text)
		return 0;
	memcpy(text, "sim\n", 4);
	memcpy(text + 4, data, size);
	text[size + 4] = 0;
	for (next = text; next && argc < WORDS_MAX;)
		argv[argc++] = strsep(&next, "\n");
	argv[argc] = NULL;
	getopt_forget();
	run(argc, argv);
	free(text);
	return 0;
}
