/* SPDX-License-Identifier: Apache-2.0 */
/*
 * text_import.c - traces that other tools print: valgrind's lackey, DynamoRIO's drmemtrace (the view tool), and the address
 * lists of "Operating Systems: Three Easy Pieces".
 *
 * An access that crosses the border of two pages is a reference to each. An instruction fetch is a read, unless
 * the reader was told to leave fetches out. Lackey's M (modify: load and store at once) is one write.
 */
#include "core/trace/text.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>

#define FIRST_LINE_BYTES 256u

struct import {
	uint32_t pid, thread;
	bool has_pid;
};

static int import_open(struct trace_reader *r)
{
	struct import *i = calloc(1, sizeof(*i));

	if (!i)
		return -ENOMEM;
	i->pid = 1;
	r->state = i;
	return 0;
}

static void import_close(struct trace_reader *r)
{
	free(r->state);
}

size_t trace_access(const struct trace_reader *r, struct trace_record *records, uint32_t pid,
		    enum trace_kind kind, uint64_t address, uint64_t size)
{
	uint64_t first = address >> r->native_shift, last;

	records[0] = (struct trace_record){
		.vpn = first,
		.pid = pid,
		.offset = (uint32_t)(address & ((1ull << r->native_shift) - 1)),
		.kind = (uint8_t)kind,
	};
	size = size ? size - 1 : 0;
	last = size > UINT64_MAX - address ? first : (address + size) >> r->native_shift;
	if (last == first)
		return 1;
	records[1] = (struct trace_record){ .vpn = first + 1, .pid = pid, .kind = (uint8_t)kind };
	return 2;
}

#define EXPECT(condition, text, at)                                                                \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			*what = (text);                                                            \
			*bad = (at);                                                               \
			return NULL;                                                               \
		}                                                                                  \
	} while (0)

static const uint8_t *blanks(const uint8_t *p)
{
	while (*p == ' ' || *p == '\t')
		p++;
	return p;
}

static const uint8_t *next_line(const uint8_t *p)
{
	return (const uint8_t *)rawmemchr(p, '\n') + 1;
}

/* The first line of the head that is neither blank nor a comment, with a '\n'; false when it has none or a long one. */
static bool first_line(const uint8_t *head, size_t n, uint8_t line[FIRST_LINE_BYTES + 1])
{
	const uint8_t *end = head + n, *p = head, *stop = end;

	for (; p < end; p = stop + 1) {
		stop = memchr(p, '\n', (size_t)(end - p));
		if (!stop)
			stop = end;
		while (p < stop && isspace(*p))
			p++;
		if (p < stop && *p != '#')
			break;
	}
	if (p >= end)
		return false;
	n = (size_t)(stop - p);
	if (n >= FIRST_LINE_BYTES)
		return false;
	memcpy(line, p, n);
	line[n] = '\n';
	line[n + 1] = 0;
	return true;
}

/* --- lackey:  "I  0401ab70,3"  " S 1fff000708,8"  " L ..."  " M ..."  "==PID== ..." --- */

static const uint8_t *lackey_line(struct trace_reader *r, const uint8_t *line,
				  struct trace_record *records, size_t *n, const char **what,
				  const uint8_t **bad)
{
	struct import *i = r->state;
	const uint8_t *p = line, *word;
	uint64_t address, size, pid;
	uint8_t letter;

	if ((*p == '=' && p[1] == '=') || (*p == '-' && p[1] == '-')) {
		p = text_decimal(line + 2, UINT32_MAX, &pid);
		if (p && *p == line[0]) {
			i->pid = (uint32_t)pid;
			return next_line(line);
		}
	}
	word = blanks(line);
	if (*word == '\n' || *word == '#')
		return next_line(line);
	letter = *word;
	EXPECT(letter == 'I' || letter == 'L' || letter == 'S' || letter == 'M',
	       "expected I, L, S or M (or ==PID== and a message)", word);
	p = blanks(word + 1);
	EXPECT(p > word + 1, "expected a space", p);
	word = p;
	p = text_hexadecimal(word, &address);
	EXPECT(p, "expected an address in hexadecimal", word);
	EXPECT(*p == ',', "expected a comma and the size", p);
	word = p + 1;
	p = text_decimal(word, UINT32_MAX, &size);
	EXPECT(p, "expected the size in bytes", word);
	word = p;
	p = text_end(word);
	EXPECT(p, "expected the end of the line", word);
	if (letter != 'I' || !r->no_fetch)
		*n += trace_access(r, records + *n, i->pid,
				   letter == 'S' || letter == 'M' ? TRACE_WRITE : TRACE_READ,
				   address, size);
	return p;
}

static ssize_t lackey_records(struct trace_reader *r, struct trace_record *records, size_t max)
{
	return text_records(r, records, max, lackey_line);
}

static bool lackey_probe(const uint8_t *head, size_t n, bool whole)
{
	uint8_t line[FIRST_LINE_BYTES + 1];
	const uint8_t *p = line;
	uint64_t value;

	(void)whole;
	if (!first_line(head, n, line))
		return false;
	if ((*p == '=' || *p == '-') && p[1] == *p) {
		p = text_decimal(line + 2, UINT32_MAX, &value);
		return p && p[0] == line[0] && p[1] == line[0];
	}
	if (!strchr("ILSM", *p) || p[1] != ' ')
		return false;
	p = text_hexadecimal(blanks(p + 1), &value);
	return p && *p == ',';
}

const struct trace_format format_lackey = {
	.name = "lackey",
	.probe = lackey_probe,
	.open = import_open,
	.close = import_close,
	.records = lackey_records,
};

/* --- drmemtrace:  "  47744  37770:  2765543 read  8 byte(s) @ 0x00007fdf64e2adc8 by PC 0x..." --- */

/* "RECORD [INSTRUCTION]: [W1.][T]THREAD " - returns what follows, NULL when the line does not begin like that. */
static const uint8_t *drmemtrace_prefix(struct import *i, const uint8_t *p, uint64_t *thread)
{
	uint64_t value;

	p = text_decimal(blanks(p), UINT64_MAX, &value);
	if (p && *blanks(p) != ':')
		p = text_decimal(blanks(p), UINT64_MAX, &value);
	if (!p || *blanks(p) != ':')
		return NULL;
	p = blanks(blanks(p) + 1);
	if (*p == 'W') {
		p = text_decimal(p + 1, UINT32_MAX, &value);
		if (!p || *p != '.')
			return NULL;
		p++;
		i->pid = (uint32_t)value;
		i->has_pid = true;
	}
	if (*p == 'T')
		p++;
	p = text_decimal(p, UINT32_MAX, thread);
	if (!p || (*p != ' ' && *p != '\t'))
		return NULL;
	if (!i->has_pid)
		i->pid = (uint32_t)*thread;
	i->has_pid = true;
	return blanks(p);
}

static bool keyword(const uint8_t **p, const char *word)
{
	size_t n = strlen(word);

	if (strncmp((const char *)*p, word, n) != 0)
		return false;
	*p = blanks(*p + n);
	return true;
}

static const uint8_t *drmemtrace_line(struct trace_reader *r, const uint8_t *line,
				      struct trace_record *records, size_t *n, const char **what,
				      const uint8_t **bad)
{
	struct import *i = r->state;
	enum trace_kind kind = TRACE_READ;
	const uint8_t *p, *word;
	uint64_t thread, size, address;

	p = drmemtrace_prefix(i, line, &thread);
	if (!p)
		return next_line(line);
	if (keyword(&p, "write "))
		kind = TRACE_WRITE;
	else if (keyword(&p, "ifetch ")) {
		if (r->no_fetch)
			return next_line(line);
	} else if (!keyword(&p, "read "))
		return next_line(line); /* markers, prefetches, flushes */
	word = p;
	p = text_decimal(word, UINT32_MAX, &size);
	EXPECT(p, "expected the size in bytes", word);
	word = p = blanks(p);
	EXPECT(keyword(&p, "byte(s) @ "), "expected byte(s) @ and the address", word);
	word = p;
	EXPECT(p[0] == '0' && p[1] == 'x', "expected an address: 0x and hexadecimal digits", word);
	p = text_number(word, &address);
	EXPECT(p, "expected an address: 0x and hexadecimal digits", word);
	if (i->thread != thread) {
		i->thread = (uint32_t)thread;
		records[(*n)++] = (struct trace_record){ .pid = i->pid,
							 .value = thread,
							 .kind = TRACE_THREAD };
	}
	*n += trace_access(r, records + *n, i->pid, kind, address, size);
	return next_line(p);
}

static ssize_t drmemtrace_records(struct trace_reader *r, struct trace_record *records, size_t max)
{
	return text_records(r, records, max, drmemtrace_line);
}

static bool drmemtrace_probe(const uint8_t *head, size_t n, bool whole)
{
	(void)whole;
	return memmem(head, n, "Output format:", 14) || memmem(head, n, " <marker: ", 10) ||
	       memmem(head, n, " byte(s) @ 0x", 13);
}

const struct trace_format format_drmemtrace = {
	.name = "drmemtrace",
	.probe = drmemtrace_probe,
	.open = import_open,
	.close = import_close,
	.records = drmemtrace_records,
};

/* --- ostep: a page number a line --- */

static const uint8_t *ostep_line(struct trace_reader *r, const uint8_t *line,
				 struct trace_record *records, size_t *n, const char **what,
				 const uint8_t **bad)
{
	const uint8_t *word = blanks(line), *p = text_end(word);
	uint64_t vpn;

	(void)r;
	if (p)
		return p;
	p = text_number(word, &vpn);
	EXPECT(p, "expected a page number", word);
	word = p;
	p = text_end(word);
	EXPECT(p, "expected the end of the line: one page number a line", word);
	records[(*n)++] = (struct trace_record){ .vpn = vpn, .pid = 1 };
	return p;
}

static ssize_t ostep_records(struct trace_reader *r, struct trace_record *records, size_t max)
{
	return text_records(r, records, max, ostep_line);
}

static int ostep_open(struct trace_reader *r)
{
	r->native_shift = r->header.page_shift = TRACE_PAGE_SHIFT;
	return 0;
}

static bool ostep_probe(const uint8_t *head, size_t n, bool whole)
{
	uint8_t line[FIRST_LINE_BYTES + 1];
	const uint8_t *p;
	uint64_t value;

	(void)whole;
	if (!first_line(head, n, line))
		return false;
	p = text_number(line, &value);
	return p && text_end(p);
}

const struct trace_format format_ostep = {
	.name = "ostep",
	.probe = ostep_probe,
	.open = ostep_open,
	.records = ostep_records,
};
