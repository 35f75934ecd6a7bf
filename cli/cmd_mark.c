/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_mark.c - `vmm mark NAME`: a phase of a run begins. Inside the run by a hypercall, from outside through its socket. */
#include "cli/cli.h"
#include "cli/live.h"
#include "core/vmm.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct mark_options {
	const char *run;
};

static const struct option_spec mark_options[] = {
	{ 0, "run", OPTION_STRING, "RUN",
	  "from outside: which run, by a number as `vmm top` takes it",
	  .offset = offsetof(struct mark_options, run) },
	{ .name = NULL },
};

static int mark_main(const struct command *self, int argc, char **argv)
{
	struct mark_options o = { NULL };
	int first, result = options_parse(self, &o, argc, argv, &first);
	char request[200];
	json_t *answer;
	pid_t run;

	if (result)
		return result == OPTIONS_DONE ? STATUS_OK : STATUS_USAGE;
	if (argc - first != 1 || !*argv[first] || strchr(argv[first], '\n')) {
		complain("mark", "vmm mark [--run RUN] NAME", "one name of a phase, please");
		return STATUS_USAGE;
	}
	if (!o.run && !vmm_mark(argv[first]))
		return STATUS_OK;
	run = live_find("mark", o.run);
	if (!run)
		return STATUS_FAILED;
	snprintf(request, sizeof(request), "mark %s", argv[first]);
	answer = live_ask(run, request);
	if (!answer || json_object_get(answer, "error")) {
		complain("mark", NULL, "run %d: %s", run,
			 answer ? json_string_value(json_object_get(answer, "error"))
				: strerror(errno));
		json_decref(answer);
		return STATUS_FAILED;
	}
	json_decref(answer);
	return STATUS_OK;
}

const struct command command_mark = {
	.name = "mark",
	.arguments = "NAME",
	.summary = "Begin a phase of a run: its report has a row for each",
	.details =
		"In a program that vmm runs (a script, say) it marks that run; from outside, the only\n"
		"run of this user, or the one named. C programs call vmm_mark() of libvmm.\n",
	.options = mark_options,
	.main = mark_main,
};
