/* SPDX-License-Identifier: Apache-2.0 */
/* report.c - what applies to a run, and the one-screen report on stderr. */
#include "cli/report.h"
#include "cli/cli.h"
#include "cli/record_report.h"
#include "pager/hist.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define PAGE_BYTES 4096ull
#define UNPAGED_SHOWN 8

const char *report_fidelity(const struct report *report)
{
	if (report->class == POLICY_T)
		return "window";
	if (report->class == POLICY_R0)
		return "probation";
	return report->config->exact ? "exact" : "batched";
}

bool report_counter_applies(const struct report *report, const struct vm_stat_info *counter)
{
	/* A live run sees no hits; it pages no files, and models no copy-on-write, TLB, page tables, nodes, swap device or prefetching. */
	static const char *const never[] = { "accesses",
					     "reads",
					     "writes",
					     "faults_file",
					     "faults_cow_alloc",
					     "faults_cow",
					     "faults_minor",
					     "file_faults",
					     "anon_faults",
					     "file_reads",
					     "file_writes",
					     "file_synced",
					     "file_evictions_clean",
					     "file_evictions_dirty",
					     "cow_copies",
					     "cow_pages_saved",
					     "shared_attached",
					     "shared_pages_saved",
					     "tlb_hits",
					     "tlb_misses",
					     "tlb_shootdowns",
					     "tlb_reach_bytes",
					     "pt_walk_accesses",
					     "pt_bytes",
					     "resident_sum",
					     "numa_local",
					     "numa_remote",
					     "numa_migrations",
					     "node_balance",
					     "swap_used",
					     "large_mapped",
					     "large_split",
					     "large_faults_saved",
					     "small_mapped",
					     "prefetch_late",
					     "prefetch_wait_ns",
					     "prefetch_saved_ns",
					     NULL };

	for (const char *const *n = never; *n; n++)
		if (!strcmp(counter->name, *n))
			return false;
	if (!strcmp(counter->name, "writebacks"))
		return report->policy->flags & POLICY_CLEANS;
	if (!strncmp(counter->name, "prefetch_", 9))
		return report->config->prefetch && strcmp(report->config->prefetch, "off");
	/* First writes are faults only where they are tracked at once. */
	if (!strcmp(counter->name, "faults_write"))
		return report->config->exact || report->result->stats.faults_write;
	return true;
}

static void text_head(const struct report *r)
{
	const struct run_result *res = r->result;
	char size[SIZE_TEXT_BYTES];

	fprintf(stderr, "vmm: %s", r->policy->name);
	if (r->config->frames)
		fprintf(stderr, ", %" PRIu64 " frames (%s)", r->config->frames,
			size_text(size, r->config->frames * PAGE_BYTES));
	else
		fprintf(stderr, ", no limit");
	if (r->class == POLICY_T)
		fprintf(stderr, ", approximate (window %u)", res->window);
	else if (r->class == POLICY_R0)
		fprintf(stderr, ", probation: touches right after a page is loaded do not count");
	if (r->config->exact)
		fprintf(stderr, ", exact");
	else if (res->batch > 1)
		fprintf(stderr, ", batched (%u)", res->batch);
	if (r->policy->flags & POLICY_NEEDS_DIRTY)
		fprintf(stderr, ", first writes tracked");
	fputc('\n', stderr);
}

static void text_program(const struct report *r)
{
	const struct run_result *res = r->result;
	char a[SIZE_TEXT_BYTES];

	if (res->signal)
		fprintf(stderr, "  program     ended by signal %d (%s)", res->signal,
			strsignal(res->signal));
	else
		fprintf(stderr, "  program     exit status %d", res->exit_code);
	fprintf(stderr, " after %.2f s", res->elapsed_s);
	if (res->processes_total > 1)
		fprintf(stderr, ", %u processes", res->processes_total);
	if (res->processes_running)
		fprintf(stderr, ", %u still running", res->processes_running);
	fprintf(stderr, "\n  footprint   %" PRIu64 " pages (%s)", res->stats.footprint_pages,
		size_text(a, res->stats.footprint_pages * PAGE_BYTES));
	fprintf(stderr, ", most in frames %" PRIu64, res->stats.resident_peak_frames);
	if (res->unmanaged_samples)
		fprintf(stderr, ", not paged about %s", size_text(a, res->unmanaged_bytes));
	fputc('\n', stderr);
}

static void text_faults(const struct report *r)
{
	const struct vm_stats *s = &r->result->stats;

	fprintf(stderr,
		"  faults      %" PRIu64 ": zero %" PRIu64 ", from the store %" PRIu64
		" (%.0f faults a second)\n",
		s->faults, s->faults_zero, s->faults_major,
		r->result->elapsed_s > 0 ? (double)s->faults / r->result->elapsed_s : 0);
	if (s->faults_soft || s->references_cleared || s->faults_write)
		fprintf(stderr,
			"  bits        %" PRIu64 " references cleared, %" PRIu64
			" soft faults, %" PRIu64 " write faults\n",
			s->references_cleared, s->faults_soft, s->faults_write);
	if (s->prefetch_issued)
		fprintf(stderr,
			"  prefetch    %" PRIu64 " pages read ahead, %" PRIu64
			" used (%.1f%%), %" PRIu64 " left unused\n",
			s->prefetch_issued, s->prefetch_used,
			100.0 * (double)s->prefetch_used / (double)s->prefetch_issued,
			s->prefetch_wasted);
	fprintf(stderr, "  evictions   %" PRIu64 ": clean %" PRIu64 ", dirty %" PRIu64,
		s->evictions, s->evictions_clean, s->evictions_dirty);
	if (s->writebacks)
		fprintf(stderr, "; %" PRIu64 " pages were written before they left", s->writebacks);
	if (s->evictions_rejected)
		fprintf(stderr, "; %" PRIu64 " victims could not be taken", s->evictions_rejected);
	fputc('\n', stderr);
}

static void text_latency(const struct run_result *res)
{
	if (!res->latency_count)
		return;
	fprintf(stderr, "  fault time  mean %.1f us, p50 %.1f, p99 %.1f, max %.1f\n",
		(double)res->latency_sum_ns / (double)res->latency_count / 1e3,
		(double)hist_percentile(res->latency_hist, 50) / 1e3,
		(double)hist_percentile(res->latency_hist, 99) / 1e3,
		(double)res->latency_max_ns / 1e3);
}

/* From each mark to the next, and to the end. */
static void text_phases(const struct run_result *res)
{
	static const struct vm_stats none;

	if (!res->marks)
		return;
	fprintf(stderr, "  phases      %-24s %10s %10s %10s %10s\n", "", "seconds", "faults",
		"zero", "evictions");
	for (uint32_t i = 0; i <= res->marks; i++) {
		const struct vm_stats *from = i ? &res->mark[i - 1].stats : &none;
		const struct vm_stats *to = i < res->marks ? &res->mark[i].stats : &res->stats;
		double start = i ? res->mark[i - 1].elapsed_s : 0;
		double end = i < res->marks ? res->mark[i].elapsed_s : res->elapsed_s;

		fprintf(stderr,
			"              %-24.24s %10.3f %10" PRIu64 " %10" PRIu64 " %10" PRIu64 "\n",
			i ? res->mark[i - 1].name : "(before)", end - start,
			to->faults - from->faults, to->faults_zero - from->faults_zero,
			to->evictions - from->evictions);
	}
}

static void text_checks(const struct report *r)
{
	const struct run_result *res = r->result;

	if (r->config->audit) {
		fprintf(stderr,
			"  audit       %" PRIu64 " comparisons with pagemap, %" PRIu64
			" violations, at most %" PRIu64 " frames",
			res->audits, res->audit_violations, res->audit_peak_frames);
		if (res->audit_cow_frames)
			fprintf(stderr, "; forked processes together %" PRIu64 " more",
				res->audit_cow_frames);
		fputc('\n', stderr);
	}
	if (r->config->checksum)
		fprintf(stderr, "  checksums   %" PRIu64 " pages verified on their way back\n",
			res->checksums);
}

static void text_tops(const struct run_result *res)
{
	uint32_t i;

	if (res->mappings)
		fprintf(stderr, "  mappings that faulted most\n");
	for (i = 0; i < res->mappings && i < RUN_MAPPINGS_MAX; i++)
		fprintf(stderr, "  %11" PRIu64 "   %" PRIx64 "-%" PRIx64 " %s\n",
			res->mapping[i].faults, res->mapping[i].start, res->mapping[i].end,
			res->mapping[i].name);
	if (res->threads < 2)
		return;
	fprintf(stderr, "  threads that faulted most\n");
	for (i = 0; i < res->threads && i < RUN_THREADS_MAX; i++)
		fprintf(stderr, "  %11" PRIu64 "   thread %d of process %d\n",
			res->thread[i].faults, res->thread[i].tid, res->thread[i].pid);
}

/* Who ran natively, and why; then what the pager wanted to say. */
static void text_messages(const struct run_result *res)
{
	uint32_t unpaged = 0;
	const char *line, *end;

	for (uint32_t i = 0; i < res->processes && i < RUN_PROCESSES_MAX; i++) {
		const struct run_process *p = &res->process[i];

		if (p->paged || ++unpaged > UNPAGED_SHOWN)
			continue;
		fprintf(stderr, "  not paged   %d %.*s: %.*s\n", p->pid, (int)sizeof(p->comm),
			p->comm, (int)sizeof(p->reason), p->reason);
	}
	if (unpaged > UNPAGED_SHOWN)
		fprintf(stderr, "  not paged   and %u more\n", unpaged - UNPAGED_SHOWN);
	for (line = res->messages; *line; line = *end ? end + 1 : end) {
		end = strchrnul(line, '\n');
		if (end > line)
			fprintf(stderr, "  note        %.*s\n", (int)(end - line), line);
	}
}

void report_text(const struct report *report)
{
	text_head(report);
	text_program(report);
	text_faults(report);
	report_store_text(report);
	text_latency(report->result);
	text_phases(report->result);
	text_checks(report);
	if (report->config->record)
		record_report_text(report);
	text_tops(report->result);
	text_messages(report->result);
}
