/* SPDX-License-Identifier: Apache-2.0 */
/* policy_text.c - policies in words (policy_text.h). */
#include "cli/policy_text.h"
#include "cli/cli.h"

#include <stdio.h>
#include <string.h>

static const struct {
	const char *name, *needs;
} classes[] = {
	[POLICY_F] = { "F", "faults only: exact live" },
	[POLICY_R1] = { "R1", "reference bits, set when a page is loaded: exact live" },
	[POLICY_R0] = { "R0", "reference bits, clear when a page is loaded: live with probation "
			      "(touches right after that do not count)" },
	[POLICY_T] = { "T", "every touch: live only outside a window of mapped pages (approximate, "
			    "--window K)" },
	[POLICY_X] = { "X", "the future: record a trace and replay it, never live" },
};

const char *policy_class_name(enum policy_class class)
{
	return classes[class].name;
}

const char *policy_class_needs(enum policy_class class)
{
	return classes[class].needs;
}

/* They need the future, whether or not this version has them for traces. */
static bool future_name(const char *name)
{
	return !strcasecmp(name, "opt") || !strcasecmp(name, "belady") || !strcasecmp(name, "vmin");
}

void policy_needs_future(const char *name)
{
	char what[64];

	snprintf(what, sizeof(what), "policy '%.48s'", name);
	complain(
		what,
		"Record the program and replay the trace: vmm record -o FILE.vmt --window 32, vmm sim -t FILE.vmt.",
		"it must know the future, which a live run cannot");
}

void policy_unknown(const char *spec)
{
	char what[64], name[48], todo[120];

	snprintf(name, sizeof(name), "%.*s", (int)strcspn(spec, ":"), spec);
	if (future_name(name)) {
		policy_needs_future(name);
		return;
	}
	snprintf(what, sizeof(what), "policy '%s'", name);
	snprintf(todo, sizeof(todo), "Did you mean '%s'? `vmm policies` lists them.",
		 policy_nearest(name)->name);
	complain(what, todo, "there is no such policy");
}
