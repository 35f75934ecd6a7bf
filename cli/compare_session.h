/* SPDX-License-Identifier: Apache-2.0 */
/* compare_session.h - the runs of one comparison (compare.h), from inside. */
#ifndef CLI_COMPARE_SESSION_H
#define CLI_COMPARE_SESSION_H

#include "cli/compare.h"
#include "cli/compare_stdio.h"
#include "cli/progress.h"

/* What all runs share. */
struct session {
	struct comparison *c;
	struct compare_stdio io;
	struct run_result *result; /* of the run that was made last */
	char expected[65];         /* digest of the program's output */
	struct progress progress;
	uint32_t done, total; /* runs */
};

/* All complain themselves: STATUS_OK, or the status to exit with. */
int session_open(struct session *s, struct comparison *c);
void session_close(struct session *s);

/* The program alone, which warms what it reads, its footprint, and the sizes. */
int session_begin(struct session *s, struct compare_options *options);

/* One run under the pager. That vmm had to stop it is a result, too; STATUS_VMM_FAILED: there was none. */
int session_run(struct session *s, const struct run_config *config, struct compare_run *run);

/* compare_record.c: OPT's faults by size, from a recording. */
int session_opt(struct session *s);

int compare_out_of_memory(void); /* STATUS_VMM_FAILED */

#endif
