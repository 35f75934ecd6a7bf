/* SPDX-License-Identifier: Apache-2.0 */
/* cli.h - what the subcommands share: exit statuses, messages, the table of commands. */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include "cli/options.h"

enum cli_status {
	STATUS_OK = 0,
	STATUS_FAILED = 1,
	STATUS_USAGE = 2,
	STATUS_VMM_FAILED = 125, /* run: vmm itself, not the program */
	STATUS_NOT_EXECUTABLE = 126,
	STATUS_NOT_FOUND = 127,
	STATUS_SIGNAL = 128, /* + the number of the signal */
};

/* One subcommand. main(argc, argv): argv[0] is its name; returns the exit status. */
struct command {
	const char *name;
	const char *arguments; /* what follows the options in the usage line */
	const char *summary;   /* one line, for the list */
	const char *details;   /* paragraphs after the options in its help */
	const struct option_spec *options;
	/*
	 * Another command's, which this one has too, or NULL: those whose name is not among `options`. Their values are stored
	 * more_offset bytes into what options_parse is given.
	 */
	const struct option_spec *more_options;
	size_t more_offset;
	int (*main)(const struct command *self, int argc, char **argv);
};

extern const struct command command_run, command_record, command_sim, command_mrc, command_policies,
	command_doctor, command_trace, command_gen, command_compare, command_wss, command_top,
	command_fault_in, command_mark;

extern const char vmm_version[], vmm_commit[];

void command_help(const struct command *command); /* to stdout */
int print_version(void);                          /* STATUS_OK */

/*
 * Prints "vmm: what: why" and, when todo is not NULL, a second line that says what to do about it. Both on stderr.
 */
void complain(const char *what, const char *todo, const char *why, ...)
	__attribute__((format(printf, 3, 4)));

/* The name nearest to `word` (edit distance) among a NULL-terminated list, or NULL when none is near. */
const char *nearest_name(const char *word, const char *const *names);

#endif
