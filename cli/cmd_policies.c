/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_policies.c - `vmm policies [NAME]`: what there is, and what one policy takes and needs. */
#include "cli/cli.h"
#include "cli/policy_load.h"
#include "cli/policy_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WIDTH 80

/* Prints text in lines of at most WIDTH columns, each but the first indented. The first starts at column `indent`. */
static void print_wrapped(const char *text, int indent)
{
	while ((int)strlen(text) > WIDTH - indent) {
		int n = WIDTH - indent;

		while (n && text[n] != ' ')
			n--;
		if (!n) /* one long word */
			break;
		printf("%.*s\n%*s", n, text, indent, "");
		text += n + 1;
	}
	puts(text);
}

static void policy_field(const char *name, const char *text)
{
	printf("  %-10s ", name);
	print_wrapped(text, 13);
}

static void policies_list(void)
{
	printf("%-15s %-5s %s\n", "name", "class", "what it does");
	for (const struct policy_ops *const *p = policy_all(); *p; p++)
		if (!((*p)->flags & POLICY_HIDDEN))
			printf("%-15s %-5s %s\n", (*p)->name, policy_class_name((*p)->class),
			       (*p)->summary);
	puts("\nClasses, by what a policy must see to be exact:");
	for (int c = POLICY_F; c <= POLICY_X; c++)
		policy_field(policy_class_name(c), policy_class_needs(c));
	puts("\n`vmm policies NAME` shows parameters, defaults and source.");
}

static void policy_show(const struct policy_ops *ops)
{
	const struct policy_param *p;

	printf("%s - %s\n\n", ops->name, ops->summary);
	if (ops->alias)
		policy_field("also", ops->alias);
	policy_field("source", ops->source);
	policy_field("class", policy_class_name(ops->class));
	if (ops->class_of)
		policy_field("", "(depends on the parameters)");
	policy_field("live", policy_class_needs(ops->class));
	if (ops->flags & POLICY_NEEDS_DIRTY)
		printf("  %-10s %s\n", "",
		       "it reads dirty bits: the first write to a page is tracked");
	if (!ops->params || !ops->params->name) {
		puts("\nIt has no parameters.");
		return;
	}
	printf("\nParameters, given as -a %s:%s=%" PRIu64 "\n", ops->name, ops->params->name,
	       ops->params->value_default);
	for (p = ops->params; p->name; p++) {
		printf("  %-16s ", p->name);
		print_wrapped(p->help, 19);
		printf("  %-16s default %" PRIu64 ", from %" PRIu64, "", p->value_default,
		       p->value_min);
		if (p->value_max < UINT32_MAX)
			printf(" to %" PRIu64, p->value_max);
		putchar('\n');
	}
}

static int policy_named(const char *name)
{
	const struct policy_ops *ops;
	char *spec = strdup(name);

	if (!spec || policy_spec_load(&spec)) {
		free(spec);
		return STATUS_USAGE;
	}
	ops = policy_find(spec);
	if (ops)
		policy_show(ops);
	else
		policy_unknown(spec);
	free(spec);
	return ops ? STATUS_OK : STATUS_USAGE;
}

static int policies_main(const struct command *self, int argc, char **argv)
{
	int first, result = options_parse(self, NULL, argc, argv, &first);

	if (result)
		return result == OPTIONS_DONE ? STATUS_OK : STATUS_USAGE;
	if (argc - first > 1) {
		complain(argv[first + 1], "`vmm help policies` explains the command.",
			 "one name at a time");
		return STATUS_USAGE;
	}
	if (first == argc) {
		policies_list();
		return STATUS_OK;
	}
	return policy_named(argv[first]);
}

const struct command command_policies = {
	.name = "policies",
	.arguments = "[NAME|FILE]",
	.summary = "List the policies, or show one policy's parameters and source",
	.main = policies_main,
};
