/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_fault_in.c - `vmm fault-in PID`: everything of a paged process becomes resident, for a debugger or a core file. */
#include "cli/cli.h"
#include "cli/live.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define BUSY_TRIES 200
#define BUSY_NS 10000000

static int fault_in_main(const struct command *self, int argc, char **argv)
{
	struct timespec pause = { .tv_nsec = BUSY_NS };
	int first, result = options_parse(self, NULL, argc, argv, &first);
	char request[32];
	const char *error = NULL;
	json_t *answer;
	pid_t run;

	if (result)
		return result == OPTIONS_DONE ? STATUS_OK : STATUS_USAGE;
	if (argc - first != 1) {
		complain("fault-in", "vmm fault-in PID", "one process, please");
		return STATUS_USAGE;
	}
	run = live_find("fault-in", argv[first]);
	if (!run)
		return STATUS_FAILED;
	snprintf(request, sizeof(request), "fault-in %s", argv[first]);
	for (int i = 0; i < BUSY_TRIES; i++) {
		answer = live_ask(run, request);
		error = json_string_value(json_object_get(answer, "error"));
		if (!error || strncmp(error, "busy", 4))
			break;
		json_decref(answer);
		nanosleep(&pause, NULL);
	}
	if (answer && !error)
		printf("%" PRIu64 " pages loaded; process %s is not paged any more\n",
		       (uint64_t)json_integer_value(json_object_get(answer, "pages")), argv[first]);
	else
		complain("fault-in", "`vmm top` shows the processes of a run.", "process %s: %s",
			 argv[first], error ? error : strerror(errno));
	result = answer && !error ? STATUS_OK : STATUS_FAILED;
	json_decref(answer);
	return result;
}

const struct command command_fault_in = {
	.name = "fault-in",
	.arguments = "PID",
	.summary = "Load a paged process whole, for a debugger or a core file",
	.details =
		"From then on the process is not paged: it may use more frames than the limit, and\n"
		"the run's report says so. A debugger cannot wait for a fault of the process that\n"
		"it has stopped.\n",
	.main = fault_in_main,
};
