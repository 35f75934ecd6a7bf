/* SPDX-License-Identifier: Apache-2.0 */
/* trace_text.c - see trace_text.h. */
#include "cli/trace_text.h"
#include "cli/cli.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define FORMATS_MAX 16

static const char *shown(const char *path, bool reading)
{
	if (strcmp(path, "-") != 0)
		return path;
	return reading ? "stdin" : "stdout";
}

void trace_complain(const char *path, int err, const struct trace_problem *problem)
{
	char where[128] = "";

	path = shown(path, true);
	if (!problem || !problem->what) {
		complain(path, err == -ENOENT ? "Is the name right?" : NULL, "%s", strerror(-err));
		return;
	}
	if (problem->line)
		snprintf(where, sizeof(where), "line %" PRIu64 ", column %" PRIu64 ": ",
			 problem->line, problem->column);
	else if (problem->offset)
		snprintf(where, sizeof(where), "at byte %" PRIu64 ": ", problem->offset);
	complain(path,
		 problem->offset
			 ? "What precedes it can be kept: vmm trace convert -o GOOD.vmt FILE"
			 : "`vmm help trace` names the formats; --from says which one it is.",
		 "%s%s", where, problem->what);
}

bool trace_complain_cut(const char *path, const struct trace_reader *r, uint64_t refs)
{
	if (!trace_cut(r))
		return false;
	complain(shown(path, true), "What was read is complete up to there.",
		 "%s; read up to reference %" PRIu64, trace_cut(r), refs);
	return true;
}

void trace_complain_write(const char *path, int err, const char *problem)
{
	path = shown(path, false);
	if (problem)
		complain(path, "A .vmt file can hold it.", "%s", problem);
	else
		complain(path, err == -ENOSPC ? "What was written so far is kept." : NULL, "%s",
			 strerror(-err));
}

bool trace_format_check(const char *option, const char *name, bool to_write)
{
	const char *names[FORMATS_MAX], *near;
	char todo[160] = "";
	int n = 0;

	for (const struct trace_format_info *f = trace_formats; f->name; f++) {
		if (to_write ? !f->writable : !f->readable)
			continue;
		names[n++] = f->name;
		if (!strcmp(f->name, name))
			return true;
	}
	names[n] = NULL;
	near = nearest_name(name, names);
	if (near) {
		snprintf(todo, sizeof(todo), "Did you mean %s?", near);
	} else {
		strcpy(todo, "There are:");
		for (int i = 0; i < n; i++)
			snprintf(todo + strlen(todo), sizeof(todo) - strlen(todo), " %s", names[i]);
	}
	complain(option, todo, "no format '%s' to %s", name, to_write ? "write" : "read");
	return false;
}
