/* SPDX-License-Identifier: Apache-2.0 */
/* sim_report.c - the text and CSV reports of `vmm sim` (sim_report.h). */
#include "cli/sim_report.h"
#include "cli/cli.h"
#include "cli/output.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

double sim_amt_ns(const struct sim_options *o, const struct vm_stats *s)
{
	double extra = (double)s->faults * (double)o->fault_us +
		       (double)(s->store_reads + s->store_writes) * (double)o->swap_us;
	double base = (double)o->tlb_ns + (double)o->mem_ns;

	return s->accesses ? base + extra * 1000 / (double)s->accesses : 0;
}

bool sim_cell_complete(const struct sim_cell *cell)
{
	return !cell->policy->opt;
}

static double percent(uint64_t part, uint64_t whole)
{
	return whole ? 100.0 * (double)part / (double)whole : 0;
}

/* --- text -------------------------------------------------------------------------------------------------------- */

static void text_trace(const struct sim_report *r)
{
	const struct sweep_totals *t = &r->result->totals;
	uint64_t counted = t->references - t->warmup;
	char size[SIZE_TEXT_BYTES];

	printf("  trace       %s: %" PRIu64 " references", r->options->trace, counted);
	if (t->warmup)
		printf(" after %" PRIu64 " of warm-up", t->warmup);
	printf(", %.1f%% writes, %u pages (%s)\n", percent(t->writes, counted), t->pages,
	       size_text(size, (uint64_t)t->pages * r->options->page_size));
}

static void text_speed(const struct sim_report *r)
{
	const struct sim_result *res = r->result;
	uint64_t cpu = 0, n = 0;
	char size[SIZE_TEXT_BYTES];

	for (uint32_t i = 0; i < res->n_cells; i++) {
		cpu += res->cells[i].cpu_ns;
		n += res->cells[i].cpu_ns != 0;
	}
	printf("  time        %.2f s", res->elapsed_s);
	if (cpu)
		printf(", replay alone %.1f million references a second",
		       (double)n * (double)res->totals.references * 1e3 / (double)cpu);
	putchar('\n');
	if (res->opt_file_bytes)
		printf("  disk        opt's table of next uses took %s of temporary file\n",
		       size_text(size, res->opt_file_bytes));
}

static void text_model(const struct sim_report *r, const struct sim_cell *c)
{
	const struct sim_options *o = r->options;
	double amt = sim_amt_ns(o, &c->stats);

	printf("  model       %.1f ns a reference, %.1f times memory alone (TLB %" PRIu64
	       " ns, memory %" PRIu64 " ns,\n              fault %" PRIu64 " us, swap %" PRIu64
	       " us a page)\n",
	       amt, amt / (double)(o->tlb_ns + o->mem_ns ? o->tlb_ns + o->mem_ns : 1), o->tlb_ns,
	       o->mem_ns, o->fault_us, o->swap_us);
}

static void text_one(const struct sim_report *r)
{
	const struct sim_cell *c = &r->result->cells[0];
	const struct vm_stats *s = &c->stats;
	uint64_t cold = r->result->totals.pages_cold;
	char size[SIZE_TEXT_BYTES], params[256];

	sim_policy_params(c->policy, params, sizeof(params));
	printf("vmm: %s%s%s%s, %u frames (%s), exact\n", sim_policy_name(c->policy),
	       params[0] ? " (" : "", params, params[0] ? ")" : "", c->frames,
	       size_text(size, c->frames * r->options->page_size));
	text_trace(r);
	printf("  faults      %" PRIu64 ": %.4f%% of the references; %" PRIu64 " of them cold\n",
	       s->faults, percent(s->faults, s->accesses), cold);
	if (sim_cell_complete(c)) {
		printf("  filled      %" PRIu64 " with zeros, %" PRIu64 " from swap\n",
		       s->faults_zero, s->faults_major);
		printf("  evictions   %" PRIu64 " (%" PRIu64 " clean, %" PRIu64 " dirty)\n",
		       s->evictions, s->evictions_clean, s->evictions_dirty);
		text_model(r, c);
	}
	text_speed(r);
}

static void text_table(const struct sim_report *r)
{
	const struct sim_result *res = r->result;
	char size[SIZE_TEXT_BYTES], params[256];

	printf("vmm: %u replays, exact\n", res->n_cells);
	text_trace(r);
	printf("  cold        %" PRIu64 " faults of every policy are first touches\n",
	       res->totals.pages_cold);
	printf("\n  %-28s %10s %10s %12s %9s %12s %12s\n", "policy", "frames", "memory", "faults",
	       "of refs", "swapped out", "ns/reference");
	for (uint32_t i = 0; i < res->n_cells; i++) {
		const struct sim_cell *c = &res->cells[i];

		sim_policy_params(c->policy, params, sizeof(params));
		printf("  %s%s%-*s %10u %10s %12" PRIu64 " %8.4f%%", sim_policy_name(c->policy),
		       params[0] ? ":" : "",
		       27 - (int)strlen(sim_policy_name(c->policy)) + !params[0], params, c->frames,
		       size_text(size, c->frames * r->options->page_size), c->stats.faults,
		       percent(c->stats.faults, c->stats.accesses));
		if (sim_cell_complete(c))
			printf(" %12" PRIu64 " %12.1f", c->stats.store_writes,
			       sim_amt_ns(r->options, &c->stats));
		putchar('\n');
	}
	putchar('\n');
	text_speed(r);
}

void sim_report_text(const struct sim_report *r)
{
	if (r->result->n_cells == 1)
		text_one(r);
	else
		text_table(r);
}

/* --- CSV --------------------------------------------------------------------------------------------------------- */

void csv_field(FILE *file, const char *text)
{
	if (!text[strcspn(text, ",\"\r\n")]) {
		fputs(text, file);
		return;
	}
	fputc('"', file);
	for (; *text; text++) {
		if (*text == '"')
			fputc('"', file);
		fputc(*text, file);
	}
	fputc('"', file);
}

/* A field that does not apply stays empty: a TLB is not simulated. */
static void csv_row(FILE *file, const struct sim_report *r, const struct sim_cell *c)
{
	const struct vm_stats *s = &c->stats;
	char params[256];

	csv_field(file, r->options->config_name);
	fprintf(file, ",%s,%u,%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%.9f,,,,",
		sim_policy_name(c->policy), c->frames, s->accesses, s->reads, s->writes, s->faults,
		percent(s->faults, s->accesses) / 100);
	if (sim_cell_complete(c))
		fprintf(file, "%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%.3f,%.3f", s->store_reads,
			s->store_writes, s->evictions, sim_amt_ns(r->options, s),
			(double)c->cpu_ns / 1e6);
	else
		fputs(",,,,", file);
	sim_policy_params(c->policy, params, sizeof(params));
	fprintf(file, ",%s,", r->result->sha256);
	csv_field(file, params);
	fprintf(file, ",%" PRIu64 ",exact,%" PRIu64 "\n", r->options->seed,
		r->result->totals.warmup);
}

static int csv_write(FILE *file, const void *arg)
{
	const struct sim_report *r = arg;

	fputs("config,policy,frames,total_accesses,reads,writes,page_faults,pf_rate,tlb_hits,tlb_misses,"
	      "tlb_hit_rate,swap_ins,swap_outs,replacements,amt_ns,runtime_ms,trace_sha256,params,seed,"
	      "fidelity,warmup\n",
	      file);
	for (uint32_t i = 0; i < r->result->n_cells; i++)
		csv_row(file, r, &r->result->cells[i]);
	return 0;
}

int sim_report_csv(const struct sim_report *r, const char *path)
{
	return output_write(path, csv_write, r);
}
