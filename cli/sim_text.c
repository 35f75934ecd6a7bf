/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim_text.c - the text report of `vmm sim` (sim_report.h): a page for one replay, a table of at most 100 columns for
 * several; then intervals and processes when there are some.
 */
#include "cli/cli.h"
#include "cli/sim_report.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define WIDTH 100
#define POLICY_WIDTH_MAX 34
#define ROWS_SHOWN 24
#define CELLS_SHOWN 5
#define TEXT 96

static double percent(uint64_t part, uint64_t whole)
{
	return whole ? 100.0 * (double)part / (double)whole : 0;
}

static void text_trace(const struct sim_report *r, const struct sim_result *res)
{
	const struct sweep_totals *t = &res->totals;
	uint64_t counted = t->references - t->warmup;
	char size[SIZE_TEXT_BYTES];

	printf("  trace       %s: %" PRIu64 " references", r->options->trace, counted);
	if (t->warmup)
		printf(" after %" PRIu64 " of warm-up", t->warmup);
	printf(", %.1f%% writes, %u pages (%s)\n", percent(t->writes, counted), t->pages,
	       size_text(size, (uint64_t)t->pages * res->page_size));
	if (res->window)
		printf("  recorded    through a window of %u pages: touches inside are not among the references\n",
		       res->window);
}

static void text_speed(const struct sim_report *r)
{
	double cpu = 0, references = 0, elapsed = 0;
	uint64_t disk = 0;
	char size[SIZE_TEXT_BYTES];

	for (uint32_t k = 0; k < r->n_results; k++) {
		const struct sim_result *res = &r->results[k];

		elapsed += res->elapsed_s;
		disk = disk > res->opt_file_bytes ? disk : res->opt_file_bytes;
		for (uint32_t i = 0; i < res->n_cells; i++) {
			cpu += (double)res->cells[i].cpu_ns;
			if (res->cells[i].cpu_ns)
				references += (double)res->totals.references;
		}
	}
	printf("  time        %.2f s", elapsed);
	if (cpu > 0)
		printf(", %s alone %.1f million references a second",
		       r->results[0].full ? "full model" : "replay", references * 1e3 / cpu);
	putchar('\n');
	if (disk)
		printf("  disk        opt's table of next uses took %s of temporary file\n",
		       size_text(size, disk));
}

static void text_model(const struct sim_report *r, const struct sim_cell *c)
{
	const struct sim_options *o = r->options;

	printf("  model       %.1f ns a reference, %.1f times memory alone (", sim_amt_ns(o, c),
	       sim_slowdown(o, c));
	if (sim_cell_has(c, "tlb_hits"))
		printf("TLB %" PRIu64 " ns, ", o->tlb_ns);
	printf("memory %" PRIu64 " ns,\n              fault %" PRIu64 " us, swap %" PRIu64
	       " us a page)\n",
	       o->mem_ns, o->fault_us, o->swap_us);
}

static void text_translation(const struct sim_cell *c)
{
	const struct vm_stats *s = &c->stats;
	char size[SIZE_TEXT_BYTES];

	if (sim_cell_has(c, "tlb_hits"))
		printf("  TLB         %.3f%% hits, %" PRIu64 " misses, %" PRIu64
		       " shootdowns, reach %s\n",
		       percent(s->tlb_hits, s->tlb_hits + s->tlb_misses), s->tlb_misses,
		       s->tlb_shootdowns, size_text(size, s->tlb_reach_bytes));
	if (sim_cell_has(c, "pt_bytes"))
		printf("  page table  %s: %s, %" PRIu64 " accesses of walks (%.3f a reference)\n",
		       c->table, size_text(size, s->pt_bytes), s->pt_walk_accesses,
		       percent(s->pt_walk_accesses, s->accesses) / 100);
}

/* Everything else that was counted and did not stay 0: the library may count more than is known here. */
static void text_others(const struct sim_cell *c)
{
	static const char *const known[] = {
		"accesses",        "reads",           "writes",          "faults",
		"faults_zero",     "faults_major",    "evictions",       "evictions_clean",
		"evictions_dirty", "store_reads",     "store_writes",    "tlb_hits",
		"tlb_misses",      "tlb_shootdowns",  "tlb_reach_bytes", "pt_walk_accesses",
		"pt_bytes",        "footprint_pages", "resident_sum",    "resident_peak_frames",
		"faults_soft",     "faults_spurious", "faults_write",    "references_cleared",
	};
	int column = 0, lines = 0;

	for (uint32_t i = 0; i < vm_stat_count; i++) {
		uint64_t value = vm_stat_get(&c->stats, &vm_stat_list[i]);
		char word[TEXT];
		bool is_known = !c->applies[i] || !value;

		for (size_t k = 0; k < sizeof(known) / sizeof(known[0]); k++)
			is_known |= !strcmp(vm_stat_list[i].name, known[k]);
		if (is_known)
			continue;
		snprintf(word, sizeof(word), "%s %" PRIu64, vm_stat_list[i].name, value);
		if (column && column + (int)strlen(word) + 2 > WIDTH)
			column = 0;
		printf("%s%s",
		       column    ? ", "
		       : lines++ ? "\n              "
				 : "  also        ",
		       word);
		column = column ? column + (int)strlen(word) + 2 : 14 + (int)strlen(word);
	}
	if (lines)
		putchar('\n');
}

/* Is every first touch a fault? A large page is filled whole. */
static bool each_page_faults(const struct sim_options *o)
{
	return !o->large || !strcmp(o->large, "off");
}

static void text_one(const struct sim_report *r, const struct sim_result *res)
{
	const struct sim_cell *c = &res->cells[0];
	const struct vm_stats *s = &c->stats;
	char size[SIZE_TEXT_BYTES], params[256];

	sim_policy_params(c->policy, params, sizeof(params));
	printf("vmm: %s%s%s%s, %u frames (%s), ", sim_policy_name(c->policy), params[0] ? " (" : "",
	       params, params[0] ? ")" : "", c->frames,
	       size_text(size, c->frames * res->page_size));
	if (res->window && sim_approximate(res, c))
		printf("approximate (window %u)\n", res->window);
	else
		puts(sim_fidelity(r->options, res, c));
	text_trace(r, res);
	printf("  faults      %" PRIu64 ": %.4f%% of the references", s->faults,
	       percent(s->faults, s->accesses));
	if (each_page_faults(r->options))
		printf("; %" PRIu64 " of them cold", res->totals.pages_cold);
	putchar('\n');
	if (c->bracketed && sim_approximate(res, c))
		printf("  bracket     the program's are between %" PRIu64 " and %" PRIu64 "\n",
		       c->faults_low, c->faults_high);
	if (sim_cell_has(c, "faults_zero"))
		printf("  filled      %" PRIu64 " with zeros, %" PRIu64 " from swap\n",
		       s->faults_zero, s->faults_major);
	if (sim_cell_has(c, "evictions"))
		printf("  evictions   %" PRIu64 " (%" PRIu64 " clean, %" PRIu64 " dirty)\n",
		       s->evictions, s->evictions_clean, s->evictions_dirty);
	if (s->resident_sum)
		printf("  resident    %.1f frames on average, %" PRIu64 " at most; %" PRIu64
		       " frames times references\n",
		       (double)s->resident_sum / (double)(s->accesses ? s->accesses : 1),
		       s->resident_peak_frames, s->resident_sum);
	text_translation(c);
	text_others(c);
	if (sim_cell_has(c, "store_reads"))
		text_model(r, c);
}

/* --- the table --------------------------------------------------------------------------------------------------- */

struct row {
	const struct sim_report *report;
	const struct sim_result *result;
	struct sim_group group;
};

struct column {
	const char *title;
	int width;
	int keep; /* the lower ones go first when the table is too wide; 0: never shown */
	void (*print)(const struct row *row, char text[TEXT]);
};

static void print_policy(const struct row *r, char text[TEXT])
{
	sim_policy_short(r->group.cells->policy, text, TEXT);
	if (strlen(text) > POLICY_WIDTH_MAX)
		strcpy(text + POLICY_WIDTH_MAX - 2, "..");
}

static void print_page(const struct row *r, char text[TEXT])
{
	size_text(text, r->result->page_size);
}

static void print_table(const struct row *r, char text[TEXT])
{
	snprintf(text, TEXT, "%s", r->group.cells->table);
}

static void print_frames(const struct row *r, char text[TEXT])
{
	snprintf(text, TEXT, "%u", r->group.cells->frames);
}

static void print_memory(const struct row *r, char text[TEXT])
{
	size_text(text, r->group.cells->frames * r->result->page_size);
}

static bool compared(const struct row *r)
{
	return r->report->options->n_policies > 1;
}

static void print_faults(const struct row *r, char text[TEXT])
{
	snprintf(text, TEXT, r->group.n > 1 ? "%.1f%s" : "%.0f%s", r->group.faults,
		 !compared(r)                           ? ""
		 : sim_group_best(r->result, &r->group) ? "*"
							: " ");
}

static void print_interval(const struct row *r, char text[TEXT])
{
	if (r->group.n > 1)
		snprintf(text, TEXT, "%.1f..%.1f", r->group.low, r->group.high);
	else
		snprintf(text, TEXT, "-");
}

static void print_bracket(const struct row *r, char text[TEXT])
{
	const struct sim_cell *c = r->group.cells;

	if (!c->bracketed)
		snprintf(text, TEXT, "approximate");
	else if (sim_approximate(r->result, c))
		snprintf(text, TEXT, "%" PRIu64 "..%" PRIu64, c->faults_low, c->faults_high);
	else
		snprintf(text, TEXT, "exact");
}

static void print_ratio(const struct row *r, char text[TEXT])
{
	snprintf(text, TEXT, "%.4f%%",
		 percent(1, r->group.cells->stats.accesses) * r->group.faults);
}

static void print_out(const struct row *r, char text[TEXT])
{
	if (sim_cell_has(r->group.cells, "store_writes"))
		snprintf(text, TEXT, "%" PRIu64, r->group.cells->stats.store_writes);
}

static void print_resident(const struct row *r, char text[TEXT])
{
	const struct vm_stats *s = &r->group.cells->stats;

	if (s->resident_sum)
		snprintf(text, TEXT, "%.1f", percent(s->resident_sum, s->accesses) / 100);
}

static void print_tlb(const struct row *r, char text[TEXT])
{
	const struct vm_stats *s = &r->group.cells->stats;

	snprintf(text, TEXT, "%.3f%%", percent(s->tlb_misses, s->accesses));
}

static void print_pt_bytes(const struct row *r, char text[TEXT])
{
	size_text(text, r->group.cells->stats.pt_bytes);
}

static void print_walk(const struct row *r, char text[TEXT])
{
	const struct vm_stats *s = &r->group.cells->stats;

	snprintf(text, TEXT, "%.4f", percent(s->pt_walk_accesses, s->accesses) / 100);
}

static void print_amt(const struct row *r, char text[TEXT])
{
	if (sim_cell_has(r->group.cells, "store_reads"))
		snprintf(text, TEXT, "%.1f", sim_amt_ns(r->report->options, r->group.cells));
}

enum {
	POLICY,
	PAGE,
	TABLE,
	BRACKET = 6,
	INTERVAL,
	RESIDENT = 9,
	OUT,
	TLB,
	PT_BYTES,
	WALK,
	AMT,
	COLUMNS
};

static void columns_choose(const struct sim_report *r, struct column c[COLUMNS])
{
	const struct sim_options *o = r->options;
	int total = WIDTH + 1;

	c[PAGE].keep *= r->n_results > 1;
	c[TABLE].keep *= o->n_tables > 0;
	c[PT_BYTES].keep *= o->n_tables > 0;
	c[WALK].keep *= o->n_tables > 0;
	c[TLB].keep *= o->tlb != NULL;
	c[INTERVAL].keep *= o->seeds > 1;
	c[BRACKET].keep *= r->results[0].window > 0;
	for (uint32_t k = 0, any = 0; k < r->n_results; k++) {
		for (uint32_t i = 0; i < r->results[k].n_cells; i++) {
			struct row row = { r,
					   &r->results[k],
					   { .cells = &r->results[k].cells[i] } };
			char text[TEXT];
			int n;

			print_policy(&row, text);
			n = (int)strlen(text);
			c[POLICY].width = n > c[POLICY].width ? n : c[POLICY].width;
			any += row.group.cells->stats.resident_sum != 0;
		}
		if (k + 1 == r->n_results)
			c[RESIDENT].keep *= any != 0;
	}
	while (total > WIDTH) {
		int least = -1;

		total = 2;
		for (int i = 0; i < COLUMNS; i++) {
			total += c[i].keep ? c[i].width + 1 : 0;
			if (c[i].keep && (least < 0 || c[i].keep < c[least].keep))
				least = i;
		}
		if (total > WIDTH)
			c[least].keep = 0;
	}
}

static void table_line(const struct column c[COLUMNS], const struct row *row)
{
	fputs(" ", stdout);
	for (int i = 0; i < COLUMNS; i++) {
		char text[TEXT] = "";

		if (!c[i].keep)
			continue;
		if (row)
			c[i].print(row, text);
		printf(i == POLICY ? " %-*s" : " %*s", c[i].width, row ? text : c[i].title);
	}
	putchar('\n');
}

static void text_table(const struct sim_report *r)
{
	struct column c[COLUMNS] = {
		{ "policy", 6, 99, print_policy },
		{ "page", 8, 98, print_page },
		{ "table", 8, 97, print_table },
		{ "frames", 9, 96, print_frames },
		{ "memory", 9, 10, print_memory },
		{ "faults", 12, 95, print_faults },
		{ "the program's", 21, 92, print_bracket },
		{ "95% interval", 21, 90, print_interval },
		{ "of refs", 9, 80, print_ratio },
		{ "resident", 9, 70, print_resident },
		{ "swapped out", 11, 15, print_out },
		{ "TLB misses", 10, 60, print_tlb },
		{ "table bytes", 11, 85, print_pt_bytes },
		{ "walk/ref", 8, 84, print_walk },
		{ "ns/ref", 10, 50, print_amt },
	};
	uint32_t n;

	columns_choose(r, c);
	putchar('\n');
	table_line(c, NULL);
	for (uint32_t k = 0; k < r->n_results; k++)
		for (uint32_t i = 0; i < r->results[k].n_cells; i += n) {
			struct row row = { r, &r->results[k], sim_group_at(&r->results[k], i) };

			n = row.group.n;
			table_line(c, &row);
		}
	if (r->options->n_policies > 1 && r->results[0].fidelity == TRACE_FULL)
		puts("\n  * fewest faults with so many frames; without it no policy has fewer than all others");
	putchar('\n');
}

/* --- intervals and processes ------------------------------------------------------------------------------------- */

static void text_rows(const struct sim_report *r, const struct sim_result *res)
{
	uint32_t cells = res->n_cells < CELLS_SHOWN ? res->n_cells : CELLS_SHOWN;
	bool timed = r->options->interval_ns != 0;
	uint64_t first = res->totals.warmup;

	if (timed)
		printf("\n  intervals of %g seconds", (double)r->options->interval_ns / 1e9);
	else
		printf("\n  intervals of %" PRIu64 " references", r->options->interval);
	fputs(": their working set, and faults of", stdout);
	for (uint32_t i = 0; i < cells; i++)
		printf("%s %s in %u", i ? "," : "", sim_policy_name(res->cells[i].policy),
		       res->cells[i].frames);
	printf("%s\n  %14s %12s", cells < res->n_cells ? " ..." : "", timed ? "from (s)" : "from",
	       "pages");
	for (uint32_t i = 0; i < cells; i++)
		printf(" %12.12s", sim_policy_name(res->cells[i].policy));
	putchar('\n');
	for (uint32_t k = 0; k < res->n_rows && k < ROWS_SHOWN; k++) {
		if (timed)
			printf("  %14.3f", (double)res->rows[k].start_ns / 1e9);
		else
			printf("  %14" PRIu64, first);
		printf(" %12" PRIu64, res->rows[k].pages);
		for (uint32_t i = 0; i < cells; i++) {
			const struct vm_stats *s = res->cells[i].rows;

			printf(" %12" PRIu64, s[k].faults - (k ? s[k - 1].faults : 0));
		}
		putchar('\n');
		first += res->rows[k].references;
	}
	if (res->n_rows > ROWS_SHOWN)
		printf("  %u more rows are in --csv and --json\n", res->n_rows - ROWS_SHOWN);
	putchar('\n');
}

static void text_processes(const struct sim_cell *c)
{
	const bool local = c->n_processes && c->processes[0].frames;

	printf("\n  %10s %s%14s %14s %12s %9s %12s\n", "process", local ? "     frames " : "",
	       "references", "writes", "faults", "of refs", "from swap");
	for (uint32_t i = 0; i < c->n_processes; i++) {
		const struct full_process *p = &c->processes[i];

		printf("  %10u ", p->pid);
		if (local)
			printf("%11u ", p->frames);
		printf("%14" PRIu64 " %14" PRIu64 " %12" PRIu64 " %8.4f%% %12" PRIu64 "\n",
		       p->stats.accesses, p->stats.writes, p->stats.faults,
		       percent(p->stats.faults, p->stats.accesses), p->stats.store_reads);
	}
	putchar('\n');
}

/* Of all replays, when they have it in common. */
static const char *text_fidelity(const struct sim_report *r)
{
	const struct sim_result *res = &r->results[0];
	const char *one = sim_fidelity(r->options, res, &res->cells[0]);

	if (res->window)
		return "lru bracketed, other policies approximate";
	for (uint32_t i = 1; i < res->n_cells; i++)
		if (strcmp(one, sim_fidelity(r->options, res, &res->cells[i])) != 0)
			return "exact for lru and opt in as many frames as it was reduced for";
	return one;
}

void sim_report_text(const struct sim_report *r)
{
	const struct sim_result *first = &r->results[0];
	uint32_t cells = 0;

	for (uint32_t k = 0; k < r->n_results; k++)
		cells += r->results[k].n_cells;
	if (cells == 1) {
		text_one(r, first);
	} else {
		printf("vmm: %u replays, %s\n", cells, text_fidelity(r));
		text_trace(r, first);
		if (each_page_faults(r->options))
			printf("  cold        %" PRIu64
			       " faults of every policy are first touches\n",
			       first->totals.pages_cold);
		text_table(r);
	}
	if (r->options->interval_text && first->n_rows)
		text_rows(r, first);
	if (cells == 1 && first->cells[0].n_processes > 1)
		text_processes(&first->cells[0]);
	text_speed(r);
}
