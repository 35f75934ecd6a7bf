/* SPDX-License-Identifier: Apache-2.0 */
/* report.h - what a run says about itself: one screen of text, and JSON (schema 1). */
#ifndef CLI_REPORT_H
#define CLI_REPORT_H

#include "core/policy.h"
#include "pager/run.h"

#include <jansson.h>

#define REPORT_SCHEMA 1

struct report {
	const struct run_config *config;
	const struct run_result *result;
	const struct policy_ops *policy;
	const uint64_t *values;  /* of the policy's parameters */
	enum policy_class class; /* under these parameters */
};

/* "exact", "batched", "probation" or "window". */
const char *report_fidelity(const struct report *report);

/* A counter that cannot occur in this run is left out of reports. */
bool report_counter_applies(const struct report *report, const struct vm_stat_info *counter);

void report_text(const struct report *report); /* to stderr */

/*
 * Writes the JSON report to `path` ("-": stdout): a regular file changes in one step, or not at all.
 * 0, or -errno.
 */
int report_json(const struct report *report, const char *path);

/* The report as a tree. A new reference; NULL: no memory. */
json_t *report_json_tree(const struct report *report);

/* Would report_json be able to make the file? 0, or -errno; nothing is written. */
int report_json_probe(const char *path);

/* report_store.c: its lines of the text, and its object of the JSON (new reference; NULL: no memory). */
void report_store_text(const struct report *report);
json_t *report_store_json(const struct report *report);

/* Values of other reports too. Text that is not UTF-8 is escaped. New references; NULL: no memory. */
json_t *report_text_json(const char *string);
json_t *report_cpu_json(void);

#endif
