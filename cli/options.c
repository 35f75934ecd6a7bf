/* SPDX-License-Identifier: Apache-2.0 */
/* options.c - parsing and printing of option tables (options.h), numbers and sizes. */
#include "cli/options.h"
#include "cli/cli.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OPTIONS_MAX 64
#define OPTION_COLUMN 22 /* width of the left column of help */
#define OPTION_FIRST 256 /* getopt's value of table entry 0: beyond every letter */
#define OPTION_HELP 'h'
#define OPTION_VERSION (OPTION_FIRST + OPTIONS_MAX)

static bool is_named(const struct option_spec *options, const char *name)
{
	for (; options && options->name; options++)
		if (!strcmp(options->name, name))
			return true;
	return false;
}

/* The entries of a command's tables: how many. */
static int options_of(const struct command *command, const struct option_spec *specs[OPTIONS_MAX])
{
	int n = 0;

	for (const struct option_spec *o = command->options; o && o->name && n < OPTIONS_MAX; o++)
		specs[n++] = o;
	for (const struct option_spec *o = command->more_options; o && o->name && n < OPTIONS_MAX;
	     o++)
		if (!is_named(command->options, o->name))
			specs[n++] = o;
	return n;
}

int parse_count(const char *text, uint64_t *value)
{
	char *end;

	if (!isdigit((unsigned char)text[0]))
		return -EINVAL;
	errno = 0;
	*value = strtoull(text, &end, 10);
	if (*end)
		return -EINVAL;
	return errno ? -ERANGE : 0;
}

/* The power of two that a suffix stands for: "", K, KB, KiB, M ...; -1 when it is none. */
static int suffix_shift(const char *suffix)
{
	static const char units[] = "KMGT";
	const char *unit;

	if (!*suffix)
		return 0;
	unit = strchr(units, toupper((unsigned char)*suffix));
	if (!unit || !*unit)
		return -1;
	if (suffix[1] && strcasecmp(suffix + 1, "B") && strcasecmp(suffix + 1, "iB"))
		return -1;
	return 10 * (int)(unit - units + 1);
}

int parse_size(const char *text, uint64_t *bytes)
{
	char *end;
	int shift;

	if (!isdigit((unsigned char)text[0]))
		return -EINVAL;
	errno = 0;
	*bytes = strtoull(text, &end, 10);
	if (errno)
		return -ERANGE;
	shift = suffix_shift(end);
	if (shift < 0)
		return -EINVAL;
	if (*bytes > UINT64_MAX >> shift)
		return -ERANGE;
	*bytes <<= shift;
	return 0;
}

const char *size_text(char text[SIZE_TEXT_BYTES], uint64_t bytes)
{
	static const char *const units[] = { "bytes", "KiB", "MiB", "GiB", "TiB" };
	double value = (double)bytes;
	unsigned unit = 0;

	while (value >= 1024 && unit < 4) {
		value /= 1024;
		unit++;
	}
	snprintf(text, SIZE_TEXT_BYTES, "%.*f %s", value < 10 && unit ? 1 : 0, value, units[unit]);
	return text;
}

/* Stores one value; the option is shown to the user as he wrote it. */
static int option_store(const struct option_spec *spec, void *target, const char *shown,
			const char *value)
{
	void *field = (char *)target + spec->offset;
	int err = 0;

	switch (spec->kind) {
	case OPTION_FLAG:
		*(bool *)field = true;
		break;
	case OPTION_STRING:
		*(const char **)field = value;
		break;
	case OPTION_CALL:
		return spec->parse(target, shown, value);
	case OPTION_COUNT:
		err = parse_count(value, field);
		if (!err && spec->max && *(uint64_t *)field > spec->max)
			err = -ERANGE;
		if (err)
			complain(shown, NULL, "'%s' is not a number%s", value,
				 err == -ERANGE ? " that fits" : "");
		break;
	case OPTION_SIZE:
		err = parse_size(value, field);
		if (err)
			complain(shown, "Sizes are written like 65536, 64K, 64M or 1G.",
				 "'%s' is not a size%s", value, err == -ERANGE ? " that fits" : "");
		break;
	}
	return err;
}

/* getopt_long found something that is no option, or lacks a value (c == ':'). `word` is what the user wrote. */
static void option_bad(const struct command *command, const char *word, int c)
{
	const struct option_spec *specs[OPTIONS_MAX];
	const char *names[OPTIONS_MAX + 1], *near, *why = "no such option";
	char shown[80], todo[160];
	int n = 0, count = options_of(command, specs);

	if (!strncmp(word, "--", 2)) {
		snprintf(shown, sizeof(shown), "%.*s", (int)strcspn(word, "="), word);
		for (; n < count; n++) {
			names[n] = specs[n]->name;
			if (!strcmp(shown + 2, names[n]))
				why = "takes no value";
		}
	} else {
		snprintf(shown, sizeof(shown), "-%c", optopt);
	}
	names[n] = NULL;
	if (c == ':')
		why = "needs a value";
	near = nearest_name(shown + 2, names);
	if (near && strcmp(near, shown + 2))
		snprintf(todo, sizeof(todo), "Did you mean --%s? `vmm help %s` lists the options.",
			 near, command->name);
	else
		snprintf(todo, sizeof(todo), "`vmm help %s` lists the options.", command->name);
	complain(shown, todo, "%s", why);
}

/* Fills getopt's tables. */
static void options_tables(const struct option_spec *const *specs, int count, struct option *longs,
			   char *shorts)
{
	int n;

	*shorts++ = '+'; /* stop at the first operand */
	*shorts++ = ':'; /* tell a missing value from an unknown option */
	*shorts++ = OPTION_HELP;
	for (n = 0; n < count; n++) {
		bool has_value = specs[n]->kind != OPTION_FLAG;

		longs[n] = (struct option){ specs[n]->name, has_value, NULL, OPTION_FIRST + n };
		if (specs[n]->letter) {
			*shorts++ = specs[n]->letter;
			if (has_value)
				*shorts++ = ':';
		}
	}
	*shorts = 0;
	longs[n] = (struct option){ "help", 0, NULL, OPTION_HELP };
	longs[n + 1] = (struct option){ "version", 0, NULL, OPTION_VERSION };
	longs[n + 2] = (struct option){ 0 };
}

static const struct option_spec *option_of(const struct option_spec *const *specs, int n, int c)
{
	if (c >= OPTION_FIRST && c < OPTION_FIRST + n)
		return specs[c - OPTION_FIRST];
	for (int i = 0; i < n; i++)
		if (specs[i]->letter == c)
			return specs[i];
	return NULL;
}

int options_parse(const struct command *command, void *target, int argc, char **argv, int *first)
{
	const struct option_spec *specs[OPTIONS_MAX];
	struct option longs[OPTIONS_MAX + 3];
	char shorts[2 * OPTIONS_MAX + 4], shown[80];
	int n = options_of(command, specs), c;

	options_tables(specs, n, longs, shorts);
	optind = 1;
	opterr = 0;
	for (;;) {
		const char *word = argv[optind > 0 ? optind : 1];
		const struct option_spec *spec;
		bool more;

		c = getopt_long(argc, argv, shorts, longs, NULL);
		if (c == -1)
			break;
		if (c == OPTION_HELP) {
			command_help(command);
			return OPTIONS_DONE;
		}
		if (c == OPTION_VERSION) {
			print_version();
			return OPTIONS_DONE;
		}
		spec = option_of(specs, n, c);
		if (!spec) {
			option_bad(command, word, c);
			return OPTIONS_BAD;
		}
		if (c < OPTION_FIRST)
			snprintf(shown, sizeof(shown), "-%c", c);
		else
			snprintf(shown, sizeof(shown), "--%s", spec->name);
		more = command->more_options && !is_named(command->options, spec->name);
		if (option_store(spec, (char *)target + (more ? command->more_offset : 0), shown,
				 optarg))
			return OPTIONS_BAD;
	}
	*first = optind;
	return OPTIONS_GO;
}

static void option_help(char letter, const char *name, const char *argument, const char *help)
{
	char left[64], dash[8] = "    ";
	const char *end;

	if (letter)
		snprintf(dash, sizeof(dash), "-%c, ", letter);
	snprintf(left, sizeof(left), "%s--%s%s%s", dash, name, argument ? " " : "",
		 argument ? argument : "");
	if (strlen(left) > OPTION_COLUMN) {
		printf("  %s\n", left);
		left[0] = 0;
	}
	for (;;) {
		end = strchrnul(help, '\n');
		printf("  %-*s %.*s\n", OPTION_COLUMN, left, (int)(end - help), help);
		if (!*end)
			return;
		help = end + 1;
		left[0] = 0;
	}
}

void options_help(const struct command *command)
{
	const struct option_spec *specs[OPTIONS_MAX];
	int n = options_of(command, specs);

	puts("\nOptions:");
	for (int i = 0; i < n; i++)
		option_help(specs[i]->letter, specs[i]->name, specs[i]->argument, specs[i]->help);
	option_help('h', "help", NULL, "this text");
	option_help(0, "version", NULL, "version and commit");
}
