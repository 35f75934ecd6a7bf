/* SPDX-License-Identifier: Apache-2.0 */
/*
 * text.c - the text format, and lines for the other text formats.
 *
 *     PID R|W ADDRESS          one reference; the address is 0x... or decimal
 *     PID LETTER ARGUMENTS     one event: see the table of letters below, and docs/trace-format.md
 *     # anything               a comment, also at the end of a line
 *
 * Every line that parse_line() sees ends in '\n', so that scanning needs no other bound: no loop below passes a '\n'.
 */
#include "core/trace/text.h"

#include <errno.h>
#include <stdlib.h>

static const char expects_pid[] = "expected a process id, a decimal number below 4294967296";
static const char expects_kind[] = "expected R or W (or an event: M U D F X L T @ K)";
static const char expects_address[] = "expected an address: 0x and hexadecimal digits, or decimal";
static const char expects_end[] = "expected the end of the line, or a # comment";
static const char expects_number[] = "expected a number";
static const char expects_space[] = "expected a space";
static const char expects_backing[] =
	"expected nothing, anon, shared, file or fileshared with ID and PAGE";
static const char expects_name[] = "expected a name of at most 255 bytes";
static const char line_long[] = "expected a line of at most 65535 bytes";

#define LINE_MAX_BYTES 65535u

/* 16 + value of a hexadecimal digit; 0: none. */
const uint8_t text_hex[256] = {
	['0'] = 16, ['1'] = 17, ['2'] = 18, ['3'] = 19, ['4'] = 20, ['5'] = 21,
	['6'] = 22, ['7'] = 23, ['8'] = 24, ['9'] = 25, ['a'] = 26, ['b'] = 27,
	['c'] = 28, ['d'] = 29, ['e'] = 30, ['f'] = 31, ['A'] = 26, ['B'] = 27,
	['C'] = 28, ['D'] = 29, ['E'] = 30, ['F'] = 31,
};

const char *const text_backings[TRACE_BACKINGS] = { "anon", "shared", "file", "fileshared" };

/* By letter: kind + 1, 0: none. */
static const uint8_t letters[256] = {
	['R'] = TRACE_READ + 1,    ['r'] = TRACE_READ + 1,   ['W'] = TRACE_WRITE + 1,
	['w'] = TRACE_WRITE + 1,   ['M'] = TRACE_MAP + 1,    ['U'] = TRACE_UNMAP + 1,
	['D'] = TRACE_DISCARD + 1, ['F'] = TRACE_FORK + 1,   ['X'] = TRACE_EXIT + 1,
	['L'] = TRACE_LEAVE + 1,   ['T'] = TRACE_THREAD + 1, ['@'] = TRACE_TIME + 1,
	['K'] = TRACE_MARK + 1,
};

int trace_lines(struct trace_reader *r, const uint8_t **from, const uint8_t **to)
{
	struct source *s = &r->source;
	uint8_t *last;
	int err;

	for (size_t want = 1;;) {
		err = source_need(s, want);
		if (err == -EBADMSG)
			return trace_bad_bytes(r, s->done, "the zstd compression is broken here");
		if (err)
			return err;
		if (s->cut)
			r->cut = "the compressed file ends in the middle of a zstd frame";
		*from = source_at(s);
		last = memrchr(*from, '\n', source_left(s));
		if (last)
			break;
		if (s->eof) {
			if (!source_left(s) || s->cut)
				return 1;
			last = s->buffer + s->end;
			*last = '\n';
			break;
		}
		if (source_left(s) > LINE_MAX_BYTES) {
			r->line++;
			return trace_bad_line(r, *from, *from + LINE_MAX_BYTES, line_long);
		}
		want = source_left(s) + 1;
	}
	*to = last + 1;
	return 0;
}

/* Consumes what was parsed of the window; the newline that trace_lines() added is not there. */
static void lines_done(struct trace_reader *r, const uint8_t *to)
{
	size_t pos = (size_t)(to - r->source.buffer);

	r->source.pos = pos < r->source.end ? pos : r->source.end;
}

ssize_t text_records(struct trace_reader *r, struct trace_record *records, size_t max,
		     text_line_fn line)
{
	const uint8_t *p = NULL, *to = NULL, *bad = NULL;
	size_t n = 0;
	int err = trace_lines(r, &p, &to);

	if (err)
		return err > 0 ? 0 : err;
	while (p < to && n + TEXT_LINE_RECORDS <= max) {
		const char *what = NULL;
		const uint8_t *next;

		r->line++;
		next = line(r, p, records, &n, &what, &bad);
		if (what) {
			if (n) { /* what precedes is handed out first; the line is met again */
				r->line--;
				break;
			}
			return trace_bad_line(r, p, bad, what);
		}
		if (!next)
			return -ENOMEM;
		p = next;
		if (!n && p == to) { /* nothing but comments so far */
			lines_done(r, p);
			err = trace_lines(r, &p, &to);
			if (err)
				return err > 0 ? 0 : err;
		}
	}
	lines_done(r, p);
	return (ssize_t)n;
}

static const uint8_t *blanks(const uint8_t *p)
{
	while (*p == ' ' || *p == '\t')
		p++;
	return p;
}

/* What may follow the last word: blanks, a comment, '\r'. NULL when something else does. */
const uint8_t *text_end(const uint8_t *p)
{
	p = blanks(p);
	if (*p == '\n')
		return p + 1;
	if (*p == '\r' && p[1] == '\n')
		return p + 2;
	if (*p == '#')
		return (const uint8_t *)rawmemchr(p, '\n') + 1;
	return NULL;
}

/* A decimal number; NULL when there is none or it is above `max`. */
const uint8_t *text_decimal(const uint8_t *p, uint64_t max, uint64_t *value)
{
	uint64_t v = 0;
	unsigned digit = *p - '0';

	if (digit > 9)
		return NULL;
	do {
		if (__builtin_mul_overflow(v, 10, &v) || __builtin_add_overflow(v, digit, &v))
			return NULL;
		digit = *++p - '0';
	} while (digit <= 9);
	if (v > max)
		return NULL;
	*value = v;
	return p;
}

/* Hexadecimal digits, at most 64 bits of them; NULL when there are none or too many. */
const uint8_t *text_hexadecimal(const uint8_t *p, uint64_t *value)
{
	const uint8_t *first;
	uint64_t v = 0;
	uint8_t digit;

	if (!text_hex[*p])
		return NULL;
	while (*p == '0')
		p++;
	first = p;
	for (; (digit = text_hex[*p]); p++)
		v = v << 4 | (digit & 15);
	if (p - first > 16)
		return NULL;
	*value = v;
	return p;
}

const uint8_t *text_number(const uint8_t *p, uint64_t *value)
{
	if (*p == '0' && (p[1] | 0x20) == 'x')
		return text_hexadecimal(p + 2, value);
	return text_decimal(p, UINT64_MAX, value);
}

/* What was expected is said in *what, and where in *bad. */
#define EXPECT(condition, text, at)                                                                \
	do {                                                                                       \
		if (__builtin_expect(!(condition), 0)) {                                           \
			*what = (text);                                                            \
			*bad = (at);                                                               \
			return NULL;                                                               \
		}                                                                                  \
	} while (0)

/* Blanks (at least one) and a number. */
#define NUMBER(value, text)                                                                        \
	do {                                                                                       \
		const uint8_t *word = blanks(p);                                                   \
		EXPECT(word > p, expects_space, p);                                                \
		p = text_number(word, value);                                                      \
		EXPECT(p, text, word);                                                             \
	} while (0)

/* " shared:ID:PAGE" and the like, or nothing. */
static const uint8_t *parse_backing(const uint8_t *p, struct trace_record *rec, const char **what,
				    const uint8_t **bad)
{
	const uint8_t *word = blanks(p);
	uint64_t id = 0;

	rec->backing = TRACE_ANON;
	if (word == p || text_end(p))
		return p;
	for (rec->backing = 0; rec->backing < TRACE_BACKINGS; rec->backing++) {
		size_t n = strlen(text_backings[rec->backing]);

		if (!strncmp((const char *)word, text_backings[rec->backing], n) &&
		    (word[n] <= ' ' || word[n] == '#')) {
			p = word + n;
			break;
		}
	}
	EXPECT(rec->backing < TRACE_BACKINGS, expects_backing, word);
	if (rec->backing == TRACE_ANON)
		return p;
	NUMBER(&id, expects_number);
	EXPECT(id <= UINT32_MAX, expects_number, p);
	rec->object = (uint32_t)id;
	NUMBER(&rec->object_page, expects_number);
	return p;
}

static const uint8_t *parse_mark(struct trace_reader *r, const uint8_t *p, struct trace_record *rec,
				 const char **what, const uint8_t **bad)
{
	const uint8_t *word = blanks(p), *end = rawmemchr(word, '\n');

	EXPECT(word > p, expects_space, p);
	while (end > word && (end[-1] == ' ' || end[-1] == '\t' || end[-1] == '\r'))
		end--;
	EXPECT(end > word && end - word <= TRACE_NAME_MAX && !memchr(word, 0, end - word),
	       expects_name, word);
	rec->name = trace_intern(r, (const char *)word, (size_t)(end - word));
	return rec->name ? (const uint8_t *)rawmemchr(end, '\n') : NULL;
}

/* After the letter of an event; returns what follows its last word. */
static const uint8_t *parse_event(struct trace_reader *r, const uint8_t *p,
				  struct trace_record *rec, const char **what, const uint8_t **bad)
{
	uint64_t page = 1ull << r->native_shift, address;

	switch (rec->kind) {
	case TRACE_MAP:
	case TRACE_UNMAP:
	case TRACE_DISCARD:
		NUMBER(&address, expects_address);
		NUMBER(&rec->value, "expected a number of bytes");
		EXPECT(rec->value && rec->value - 1 <= UINT64_MAX - address,
		       "expected bytes that do not pass the end of the address space", p - 1);
		rec->vpn = address >> r->native_shift;
		rec->value = ((address + (rec->value - 1)) >> r->native_shift) - rec->vpn + 1;
		return rec->kind == TRACE_MAP ? parse_backing(p, rec, what, bad) : p;
	case TRACE_LEAVE:
		NUMBER(&address, expects_address);
		rec->vpn = address >> r->native_shift;
		rec->offset = (uint32_t)(address & (page - 1));
		return p;
	case TRACE_FORK:
		NUMBER(&rec->value, "expected the process id of the child");
		EXPECT(rec->value <= UINT32_MAX, expects_pid, p - 1);
		return p;
	case TRACE_THREAD:
	case TRACE_TIME:
		NUMBER(&rec->value, expects_number);
		return p;
	case TRACE_MARK:
		return parse_mark(r, p, rec, what, bad);
	default: /* TRACE_EXIT */
		return p;
	}
}

static const uint8_t *parse_line(struct trace_reader *r, const uint8_t *line,
				 struct trace_record *records, size_t *n, const char **what,
				 const uint8_t **bad)
{
	struct trace_record *rec = &records[*n];
	const uint8_t *p = blanks(line), *word, *end;
	uint64_t value;

	word = p;
	p = text_decimal(word, UINT32_MAX, &value);
	if (__builtin_expect(!p, 0)) {
		end = text_end(word);
		EXPECT(end, expects_pid, word);
		return end;
	}
	*rec = (struct trace_record){ .pid = (uint32_t)value };
	word = blanks(p);
	EXPECT(word > p || *word == '\n', expects_space, p);
	EXPECT(letters[*word], expects_kind, word);
	rec->kind = (uint8_t)(letters[*word] - 1);
	p = word + 1;
	if (__builtin_expect(rec->kind <= TRACE_WRITE, 1)) {
		NUMBER(&value, expects_address);
		rec->vpn = value >> r->native_shift;
		rec->offset = (uint32_t)(value & ((1ull << r->native_shift) - 1));
	} else {
		p = parse_event(r, p, rec, what, bad);
		if (!p)
			return NULL;
	}
	end = *p == '\n' ? p + 1 : text_end(p);
	EXPECT(end, expects_end, p);
	(*n)++;
	return end;
}

static ssize_t read_records(struct trace_reader *r, struct trace_record *records, size_t max)
{
	return text_records(r, records, max, parse_line);
}

/* "# vmm trace: page-size 4096, window 128" as the first line; anything else is a comment like others. */
static int text_open(struct trace_reader *r)
{
	static const char mark[] = "# vmm trace: page-size ", window[] = ", window ",
			  faults[] = ", faults only";
	const uint8_t *p = source_at(&r->source);
	uint64_t value;
	uint32_t shift;

	if (source_left(&r->source) < sizeof(mark) || memcmp(p, mark, sizeof(mark) - 1) != 0)
		return 0;
	p = text_decimal(p + sizeof(mark) - 1, 1ull << TRACE_PAGE_SHIFT_MAX, &value);
	if (!p || value < 2 || value & (value - 1))
		return 0;
	r->recorded_shift = shift = (uint32_t)__builtin_ctzll(value);
	if (shift > r->native_shift || r->header.page_shift == TRACE_PAGE_SHIFT)
		r->native_shift = r->header.page_shift = shift;
	if (!strncmp((const char *)p, window, sizeof(window) - 1) &&
	    text_decimal(p + sizeof(window) - 1, UINT32_MAX, &value)) {
		r->header.fidelity = TRACE_WINDOW;
		r->header.window = (uint32_t)value;
	} else if (!strncmp((const char *)p, faults, sizeof(faults) - 1)) {
		r->header.fidelity = TRACE_FAULTS;
	}
	return 0;
}

/* Text is what no other probe has taken and has nothing in it that no text has. */
static bool text_probe(const uint8_t *head, size_t n, bool whole)
{
	(void)whole;
	return !memchr(head, 0, n) && (!n || (head[0] < 0x80 && head[0] >= '\t'));
}

const struct trace_format format_text = {
	.name = "text",
	.probe = text_probe,
	.open = text_open,
	.records = read_records,
};
