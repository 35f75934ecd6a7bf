/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim_html.c - the HTML report of `vmm sim`: the page of sim_page.html, which the build puts into the program, with the JSON
 * report in place of its mark. Nothing is fetched when it is opened.
 */
#include "cli/output.h"
#include "cli/sim_heat.h"
#include "cli/sim_report.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MARK "@DATA@"

extern const char _binary_cli_sim_page_html_start[], _binary_cli_sim_page_html_end[];

static json_t *heat_tree(const struct sim_heat *h)
{
	json_t *counts = json_array();
	char first[64], last[64];

	for (uint32_t i = 0; i < h->columns * h->rows; i++)
		if (json_array_append_new(counts, json_integer(h->counts[i])))
			break;
	snprintf(first, sizeof(first), "process %u, 0x%" PRIx64, h->first_pid, h->first_address);
	snprintf(last, sizeof(last), "process %u, 0x%" PRIx64, h->last_pid, h->last_address);
	return json_pack("{s:i, s:i, s:I, s:s, s:s, s:o}", "columns", (int)h->columns, "rows",
			 (int)h->rows, "references", (json_int_t)h->references, "first", first,
			 "last", last, "counts", counts);
}

/* As text of a script element: no '<' may close it. */
static int data_write(FILE *file, json_t *tree)
{
	char *text = json_dumps(tree, JSON_COMPACT | JSON_REAL_PRECISION(9));

	if (!text)
		return -ENOMEM;
	for (const char *p = text; *p; p++) {
		if (*p == '<')
			fputs("\\u003c", file);
		else
			fputc(*p, file);
	}
	free(text);
	return 0;
}

static int html_write(FILE *file, const void *arg)
{
	const char *page = _binary_cli_sim_page_html_start, *end = _binary_cli_sim_page_html_end;
	const char *mark = memmem(page, (size_t)(end - page), MARK, strlen(MARK));
	int err;

	if (!mark)
		return -EINVAL;
	fwrite(page, 1, (size_t)(mark - page), file);
	err = data_write(file, (json_t *)arg);
	mark += strlen(MARK);
	fwrite(mark, 1, (size_t)(end - mark), file);
	return err;
}

int sim_html_write(json_t *root, const char *path)
{
	int err = root ? output_write(path, html_write, root) : -ENOMEM;

	json_decref(root);
	return err;
}

int sim_report_html(const struct sim_report *r, const char *path)
{
	const struct sim_result *first = &r->results[0];
	json_t *root = json_object(), *runs = sim_report_runs(r);
	struct sim_heat heat = { .counts = NULL };
	int err = runs && root ? 0 : -ENOMEM;

	json_object_set_new(root, "runs", runs);
	if (!err && strcmp(r->options->trace, "-") != 0 &&
	    !sim_heat_make(r->options, first->page_size, first->totals.references, &heat))
		json_object_set_new(root, "heat", heat_tree(&heat));
	if (!err)
		err = sim_html_write(json_incref(root), path);
	free(heat.counts);
	json_decref(root);
	return err;
}
