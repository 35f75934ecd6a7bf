/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_top.c - `vmm top`: what a run is doing, once a second in a terminal, or once. */
#include "cli/cli.h"
#include "cli/live.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define FRAME_BYTES 4096

struct top_options {
	uint64_t delay_s, count;
	bool json;
};

#define AT(field) .offset = offsetof(struct top_options, field)

static const struct option_spec top_options[] = {
	{ 'd', "delay", OPTION_COUNT, "S", "seconds between two looks (1)", AT(delay_s),
	  .max = 3600 },
	{ 'n', "count", OPTION_COUNT, "N",
	  "so many looks (in a terminal: until the run ends; else 1)", AT(count) },
	{ 0, "json", OPTION_FLAG, NULL, "what the run answers, as JSON", AT(json) },
	{ .name = NULL },
};

static uint64_t number(const json_t *o, const char *key)
{
	return (uint64_t)json_integer_value(json_object_get(o, key));
}

static int list_run(void *arg, pid_t run)
{
	json_t *answer = live_ask(run, "status"), *word;
	int *n = arg;
	size_t i;

	if (!answer)
		return 0;
	if (!(*n)++)
		printf("%8s  %9s  %8s  %-12s  %s\n", "run", "elapsed", "frames", "policy",
		       "program");
	printf("%8d  %7.1f s  ", run, json_real_value(json_object_get(answer, "elapsed_s")));
	if (json_object_get(answer, "frames"))
		printf("%8" PRIu64, number(answer, "frames"));
	else
		printf("%8s", "all");
	printf("  %-12s ", json_string_value(json_object_get(answer, "policy")));
	json_array_foreach(json_object_get(answer, "command"), i, word)
		printf(" %.40s", json_string_value(word));
	putchar('\n');
	json_decref(answer);
	return 0;
}

static void show_head(pid_t run, const json_t *now)
{
	const json_t *word, *latency = json_object_get(now, "latency_ns");
	char size[SIZE_TEXT_BYTES];
	size_t i;

	printf("vmm %d: %s", run, json_string_value(json_object_get(now, "policy")));
	if (json_object_get(now, "frames"))
		printf(", %" PRIu64 " frames (%s)", number(now, "frames"),
		       size_text(size, number(now, "frames") * FRAME_BYTES));
	else
		printf(", no limit");
	printf("%s, %.1f s:", json_is_true(json_object_get(now, "exact")) ? ", exact" : "",
	       json_real_value(json_object_get(now, "elapsed_s")));
	json_array_foreach(json_object_get(now, "command"), i, word)
		printf(" %.60s", json_string_value(word));
	putchar('\n');
	if (latency)
		printf("fault time, us: mean %.1f, p50 %.1f, p99 %.1f, max %.1f\n",
		       (double)number(latency, "mean") / 1e3, (double)number(latency, "p50") / 1e3,
		       (double)number(latency, "p99") / 1e3, (double)number(latency, "max") / 1e3);
}

/* Sums, and what they grew by since the look before. */
static void show_counters(const json_t *now, const json_t *before)
{
	static const char *const names[] = {
		"faults",      "faults_zero",     "faults_major",
		"faults_soft", "faults_write",    "prefetch_used",
		"evictions",   "evictions_dirty", "references_cleared"
	};
	const json_t *c = json_object_get(now, "counters"),
		     *old = json_object_get(before, "counters");
	double s = json_real_value(json_object_get(now, "elapsed_s")) -
		   json_real_value(json_object_get(before, "elapsed_s"));

	printf("\n%-20s %12s %12s\n", "", "sum", "a second");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (!number(c, names[i]))
			continue;
		printf("%-20s %12" PRIu64, names[i], number(c, names[i]));
		if (before && s > 0)
			printf(" %12.0f",
			       (double)(number(c, names[i]) - number(old, names[i])) / s);
		putchar('\n');
	}
}

static void show_processes(const json_t *now, size_t rows)
{
	const json_t *p;
	size_t i;

	printf("\n%8s  %-16s %10s %10s %12s %12s\n", "process", "", "in frames", "of it idle",
	       "faults", "evictions");
	json_array_foreach(json_object_get(now, "processes"), i, p)
	{
		const json_t *c = json_object_get(p, "counters");

		if (i == rows) {
			printf("%8s  and %zu more\n", "",
			       json_array_size(json_object_get(now, "processes")) - i);
			break;
		}
		printf("%8" PRIu64 "  %-16s ", number(p, "pid"),
		       json_string_value(json_object_get(p, "comm")));
		if (json_is_true(json_object_get(p, "paged")))
			printf("%10" PRIu64 " %10" PRIu64 " %12" PRIu64 " %12" PRIu64 "\n",
			       number(p, "frames_used"), number(p, "idle"), number(c, "faults"),
			       number(c, "evictions"));
		else
			puts("not paged");
	}
}

static size_t terminal_rows(void)
{
	struct winsize w;

	return ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) || w.ws_row < 24 ? 24 : w.ws_row;
}

static int watch(const struct top_options *o, pid_t run)
{
	bool terminal = isatty(STDOUT_FILENO);
	uint64_t count = o->count ? o->count : terminal && !o->json ? UINT64_MAX : 1;
	struct timespec pause = { .tv_sec = (time_t)o->delay_s };
	json_t *before = NULL, *now;

	for (uint64_t i = 0; i < count; i++) {
		if (i)
			nanosleep(&pause, NULL);
		now = live_ask(run, "status");
		if (!now) {
			if (!before)
				complain("top", NULL, "run %d does not answer: %s", run,
					 strerror(errno));
			else if (terminal)
				puts("\nThe run has ended.");
			json_decref(before);
			return before ? STATUS_OK : STATUS_FAILED;
		}
		if (o->json) {
			json_dumpf(now, stdout, JSON_INDENT(2));
			putchar('\n');
		} else {
			if (terminal)
				printf("\033[H\033[J");
			show_head(run, now);
			show_counters(now, before);
			show_processes(now, terminal ? terminal_rows() - 18 : SIZE_MAX);
		}
		fflush(stdout);
		json_decref(before);
		before = now;
	}
	json_decref(before);
	return STATUS_OK;
}

static int count_run(void *arg, pid_t run)
{
	(void)run;
	++*(int *)arg;
	return 0;
}

static int top_main(const struct command *self, int argc, char **argv)
{
	struct top_options o = { .delay_s = 1 };
	int first, runs = 0, result = options_parse(self, &o, argc, argv, &first);
	pid_t run;

	if (result)
		return result == OPTIONS_DONE ? STATUS_OK : STATUS_USAGE;
	if (argc - first > 1) {
		complain(argv[first + 1], "vmm top [options] [RUN]", "one run at a time");
		return STATUS_USAGE;
	}
	if (first == argc) {
		live_each(count_run, &runs);
		if (runs > 1) {
			runs = 0;
			live_each(list_run, &runs);
			return STATUS_OK;
		}
	}
	run = live_find("top", first < argc ? argv[first] : NULL);
	return run ? watch(&o, run) : STATUS_FAILED;
}

const struct command command_top = {
	.name = "top",
	.arguments = "[RUN]",
	.summary = "Watch a run that is under way",
	.details =
		"RUN is the number of the run's vmm or of one of its processes. Without it: the only\n"
		"run of this user, or a list when there are several.\n",
	.options = top_options,
	.main = top_main,
};
