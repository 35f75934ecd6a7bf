/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim_sizes.c - memory sizes, page sizes and budgets as they are given (sim_options.h). They become frames only when the page
 * size, and for percentages the trace's pages, are known.
 */
#include "cli/cli.h"
#include "cli/sim_options.h"
#include "core/replay/replay.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SIZES_MAX 4096
#define PAGE_SIZE_MIN 512u
#define PAGE_SIZE_MAX (1u << 30)

static int sizes_set(struct sim_options *o, const char *option, char letter, const char *value)
{
	if (o->size_letter && o->size_letter != letter && !o->sizes_default) {
		complain(option, "Give one of -f, -r and -m.", "the memory was given already");
		return -EINVAL;
	}
	o->sizes_default = false;
	o->size_letter = letter;
	o->sizes_text = value;
	return 0;
}

int sim_parse_frames(void *target, const char *option, const char *value)
{
	return sizes_set(target, option, 'f', value);
}

int sim_parse_ram(void *target, const char *option, const char *value)
{
	return sizes_set(target, option, 'r', value);
}

int sim_parse_memory(void *target, const char *option, const char *value)
{
	return sizes_set(target, option, 'm', value);
}

static bool percent_parse(const char *word, double *value)
{
	char *end;

	if (!isdigit((unsigned char)*word))
		return false;
	*value = strtod(word, &end);
	return !strcmp(end, "%") && isfinite(*value);
}

int sim_size_parse(const char *option, char letter, const char *word, struct sim_size *size)
{
	uint64_t n = 0;
	int err;

	size->unit = letter == 'f' ? 'f' : 'b';
	if (percent_parse(word, &size->value)) {
		size->unit = '%';
		n = size->value > 0;
		err = size->value > 1e6 ? -ERANGE : 0;
	} else {
		err = letter == 'm' ? parse_size(word, &n) : parse_count(word, &n);
		if (!err && letter == 'r')
			err = n > UINT64_MAX >> 20 ? -ERANGE : 0;
		size->value = letter == 'r' ? (double)n * (1 << 20) : (double)n;
	}
	if (err) {
		complain(option,
			 letter == 'm' ? "Sizes are written like 65536K, 64M, 1G or 25%." : NULL,
			 "'%s' is not a %s%s", word, letter == 'm' ? "size" : "number",
			 err == -ERANGE ? " that fits" : "");
		return -EINVAL;
	}
	if (!n) {
		complain(option, "Give at least one frame.", "'%s' is 0 frames", word);
		return -EINVAL;
	}
	return 0;
}

uint32_t sim_size_frames(const struct sim_size *size, uint64_t page_size, uint64_t trace_pages)
{
	double frames = size->value;

	if (size->unit == 'b')
		frames = floor(frames / (double)page_size);
	if (size->unit == '%')
		frames = floor(frames * (double)trace_pages / 100);
	if (size->unit == '%' && frames < 1)
		frames = 1;
	return frames <= REPLAY_PAGES_MAX ? (uint32_t)frames : UINT32_MAX;
}

/* --- lists ------------------------------------------------------------------------------------------------------- */

static int memory_parse(struct sim_options *o)
{
	const char option[] = { '-', o->size_letter, 0 };
	const char *p = o->sizes_text;
	char word[64];
	size_t n;

	o->given = calloc(SIZES_MAX, sizeof(*o->given));
	if (!o->given)
		return -ENOMEM;
	for (;; p += n + 1) {
		n = strcspn(p, ",");
		snprintf(word, sizeof(word), "%.*s", (int)n, p);
		if (o->n_given == SIZES_MAX) {
			complain(option, NULL, "more than %d sizes", SIZES_MAX);
			return -EINVAL;
		}
		if (sim_size_parse(option, o->size_letter, word, &o->given[o->n_given]))
			return -EINVAL;
		o->n_given++;
		if (!p[n])
			return 0;
	}
}

static int page_size_add(struct sim_options *o, uint64_t size)
{
	if (size < PAGE_SIZE_MIN || size > PAGE_SIZE_MAX || size & (size - 1)) {
		complain("-p", "Give a power of two from 512 to 1G, such as 4K or 2M.",
			 "%" PRIu64 " bytes is no page size", size);
		return -EINVAL;
	}
	if (o->n_page_sizes == SIM_PAGE_SIZES_MAX) {
		complain("-p", NULL, "more than %d page sizes", SIM_PAGE_SIZES_MAX);
		return -EINVAL;
	}
	for (uint32_t i = 0; i < o->n_page_sizes; i++)
		if (o->page_sizes[i] == size)
			return 0;
	o->page_sizes[o->n_page_sizes++] = size;
	return 0;
}

static int page_sizes_parse(struct sim_options *o)
{
	const char *p = o->page_sizes_text;
	int err = 0;

	for (size_t n; p && !err; p = p[n] ? p + n + 1 : NULL) {
		uint64_t size = 0;
		char word[32];

		n = strcspn(p, ",");
		snprintf(word, sizeof(word), "%.*s", (int)n, p);
		if (parse_size(word, &size)) {
			complain("-p", "Sizes are written like 4K, 16K or 2M.",
				 "'%s' is no page size", word);
			return -EINVAL;
		}
		err = page_size_add(o, size);
	}
	if (!err && !o->page_sizes_text)
		err = page_size_add(o, o->page_size);
	o->page_size = o->page_sizes[0];
	return err;
}

int sim_sizes_parse(struct sim_options *o)
{
	int err = page_sizes_parse(o);

	return err || !o->size_letter ? err : memory_parse(o);
}

bool sim_sizes_percent(const struct sim_options *o)
{
	bool percent = false;

	for (uint32_t i = 0; i < o->n_given; i++)
		percent |= o->given[i].unit == '%';
	return percent;
}

static int by_size(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

int sim_sizes_resolve(struct sim_options *o, uint64_t trace_pages)
{
	const char option[] = { '-', o->size_letter, 0 };
	char size[SIZE_TEXT_BYTES];
	uint32_t n = 1;

	if (!o->n_given)
		return 0;
	free(o->sizes);
	o->sizes = calloc(o->n_given, sizeof(*o->sizes));
	o->n_sizes = 0;
	if (!o->sizes) {
		complain(option, NULL, "out of memory");
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < o->n_given; i++) {
		uint32_t frames = sim_size_frames(&o->given[i], o->page_size, trace_pages);

		if (!frames || frames == UINT32_MAX) {
			complain(option, frames ? NULL : "Give at least one frame.",
				 frames ? "%.0f %s is more memory than can be simulated"
					: "%.0f %s is 0 frames of %s",
				 o->given[i].value, o->given[i].unit == 'f' ? "frames" : "bytes",
				 size_text(size, o->page_size));
			return -EINVAL;
		}
		o->sizes[o->n_sizes++] = frames;
	}
	qsort(o->sizes, o->n_sizes, sizeof(*o->sizes), by_size);
	for (uint32_t i = 1; i < o->n_sizes; i++)
		if (o->sizes[i] != o->sizes[n - 1])
			o->sizes[n++] = o->sizes[i];
	o->n_sizes = n;
	return 0;
}

/* --- budgets ----------------------------------------------------------------------------------------------------- */

/* PID=SIZE[,min=SIZE]; given again for another process. */
int sim_parse_budget(void *target, const char *option, const char *value)
{
	static const char how[] = "Write --budget 12=64M or --budget 12=25%,min=16M.";
	struct sim_options *o = target;
	struct sim_budget b = { .pid = 0 }, *more;
	const char *comma = strchr(value, ',');
	uint64_t pid = 0;
	char word[64];
	int eq = (int)strcspn(value, "=");

	snprintf(word, sizeof(word), "%.*s", eq, value);
	if (!value[eq] || parse_count(word, &pid) || pid > UINT32_MAX) {
		complain(option, how, "'%s' is no process id and size", value);
		return -EINVAL;
	}
	b.pid = (uint32_t)pid;
	snprintf(word, sizeof(word), "%.*s", (int)strcspn(value + eq + 1, ","), value + eq + 1);
	if (sim_size_parse(option, 'm', word, &b.size))
		return -EINVAL;
	if (comma && strncmp(comma, ",min=", 5) != 0) {
		complain(option, how, "'%s' is not min=SIZE", comma + 1);
		return -EINVAL;
	}
	if (comma && sim_size_parse(option, 'm', comma + 5, &b.min))
		return -EINVAL;
	for (uint32_t i = 0; i < o->n_budgets; i++)
		if (o->budgets[i].pid == b.pid) {
			complain(option, NULL, "process %u has a budget already", b.pid);
			return -EINVAL;
		}
	more = realloc(o->budgets, (o->n_budgets + 1) * sizeof(*more));
	if (!more) {
		complain(option, NULL, "out of memory");
		return -ENOMEM;
	}
	o->budgets = more;
	o->budgets[o->n_budgets++] = b;
	return 0;
}
