/* SPDX-License-Identifier: Apache-2.0 */
/*
 * options.h - one table of options a command, from which getopt_long, --help and the manual are made.
 *
 * A table ends with an entry whose name is NULL. Values are stored at `offset` into the struct that the command hands to
 * options_parse. --help and --version need no entry.
 */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct command;

enum option_kind {
	OPTION_FLAG,   /* bool */
	OPTION_COUNT,  /* uint64_t, decimal, at most max */
	OPTION_SIZE,   /* uint64_t, bytes: 4096, 64K, 64M, 1G */
	OPTION_STRING, /* const char * */
	OPTION_CALL,   /* parse() */
};

struct option_spec {
	char letter; /* 0: none */
	const char *name;
	enum option_kind kind;
	const char *argument; /* as help shows it; NULL for flags */
	const char *help;     /* '\n' starts another line */
	size_t offset;
	uint64_t max; /* OPTION_COUNT; 0: no limit */
	/* Complains itself. `option` is as the user wrote it. 0 or -EINVAL. */
	int (*parse)(void *target, const char *option, const char *value);
};

enum options_result {
	OPTIONS_GO = 0,    /* go on; operands start at argv[*first] */
	OPTIONS_DONE = -1, /* help or version was printed */
	OPTIONS_BAD = -2,  /* complained */
};

/* Options end at the first operand or at "--": what follows belongs to a program. */
int options_parse(const struct command *command, void *target, int argc, char **argv, int *first);

void options_help(const struct command *command); /* to stdout */

/* 0, or -EINVAL, -ERANGE. */
int parse_count(const char *text, uint64_t *value);
int parse_size(const char *text, uint64_t *bytes);

/* "64 MiB"; returns text. */
#define SIZE_TEXT_BYTES 32
const char *size_text(char text[SIZE_TEXT_BYTES], uint64_t bytes);

#endif
