/* SPDX-License-Identifier: Apache-2.0 */
/* record_report.h - what `vmm record` adds to the reports of a run. */
#ifndef CLI_RECORD_REPORT_H
#define CLI_RECORD_REPORT_H

#include "cli/report.h"

void record_report_text(const struct report *report); /* to stderr */
/* The object `trace`. A new reference; NULL: no memory. */
json_t *record_report_json(const struct report *report);

#endif
