/* SPDX-License-Identifier: Apache-2.0 */
/* main.c - the table of subcommands; help, version, and what to say when a word is none of them. */
#include "cli/cli.h"
#include "core/edit_distance.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct command *const commands[] = {
	&command_run, &command_record,   &command_compare,  &command_sim,   &command_mrc,
	&command_wss, &command_policies, &command_doctor,   &command_trace, &command_gen,
	&command_top, &command_mark,     &command_fault_in, NULL,
};

/* Named in the manual, but not built yet: said in one line, not listed. */
static const char *const later[] = { "serve", NULL };

void complain(const char *what, const char *todo, const char *why, ...)
{
	va_list args;

	fflush(stdout);
	fprintf(stderr, "vmm: %s: ", what);
	va_start(args, why);
	vfprintf(stderr, why, args);
	va_end(args);
	fprintf(stderr, todo ? "\n  %s\n" : "\n", todo);
}

const char *nearest_name(const char *word, const char *const *names)
{
	const char *near = NULL;
	unsigned best = (unsigned)strlen(word) / 3 + 2; /* further away is another word */

	for (; *names; names++) {
		unsigned distance = edit_distance(word, *names);

		if (distance < best) {
			best = distance;
			near = *names;
		}
	}
	return near;
}

int print_version(void)
{
	printf("vmm %s (%s)\n", vmm_version, vmm_commit);
	return STATUS_OK;
}

void command_help(const struct command *command)
{
	printf("usage: vmm %s [options]%s%s\n\n%s\n", command->name, *command->arguments ? " " : "",
	       command->arguments, command->summary);
	options_help(command);
	if (command->details)
		printf("\n%s", command->details);
}

static void help(FILE *to)
{
	fputs("usage: vmm COMMAND [options] ...\n\n"
	      "Runs unmodified programs in a fixed number of page frames, under a page-replacement\n"
	      "policy of your choice.\n\nCommands:\n",
	      to);
	for (const struct command *const *c = commands; *c; c++)
		fprintf(to, "  %-10s %s\n", (*c)->name, (*c)->summary);
	fputs("\n`vmm help COMMAND` explains one of them. First steps:\n"
	      "  vmm doctor\n"
	      "  vmm run -m 64M -a clock -- PROGRAM [ARG...]\n",
	      to);
}

static const struct command *command_find(const char *name)
{
	for (const struct command *const *c = commands; *c; c++)
		if (!strcmp((*c)->name, name))
			return *c;
	return NULL;
}

static int command_unknown(const char *name)
{
	const char *names[sizeof(commands) / sizeof(commands[0])], *near;
	char todo[80];
	size_t n;

	for (n = 0; later[n]; n++) {
		if (!strcmp(later[n], name)) {
			complain(name, NULL, "not available in this version");
			return STATUS_USAGE;
		}
	}
	for (n = 0; commands[n]; n++)
		names[n] = commands[n]->name;
	names[n] = NULL;
	near = nearest_name(name, names);
	if (near)
		snprintf(todo, sizeof(todo), "Did you mean `vmm %s`?", near);
	complain(name, near ? todo : "`vmm --help` lists the commands.", "no such command");
	return STATUS_USAGE;
}

static int help_main(int argc, char **argv)
{
	const struct command *command;

	if (argc < 2) {
		help(stdout);
		return STATUS_OK;
	}
	command = command_find(argv[1]);
	if (!command)
		return command_unknown(argv[1]);
	command_help(command);
	return STATUS_OK;
}

int main(int argc, char **argv)
{
	const struct command *command;
	const char *name = argc ? strrchr(argv[0], '/') : NULL;

	if (argc && !strcmp(name ? name + 1 : argv[0], "trace_gen"))
		return command_gen.main(&command_gen, argc, argv);
	if (argc < 2) {
		help(stderr);
		return STATUS_USAGE;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help"))
		return help_main(argc - 1, argv + 1);
	if (!strcmp(argv[1], "--version"))
		return print_version();
	if (argv[1][0] == '-') /* `vmm -r 64 -t FILE -a LRU` means `vmm sim` */
		return command_sim.main(&command_sim, argc, argv);
	command = command_find(argv[1]);
	if (!command)
		return command_unknown(argv[1]);
	return command->main(command, argc - 1, argv + 1);
}
