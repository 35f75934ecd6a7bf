/* SPDX-License-Identifier: Apache-2.0 */
/* text.h - scanning numbers and lines, for text.c and text_import.c. Every line ends in '\n'; nothing reads beyond it. */
#ifndef VMM_TRACE_TEXT_H
#define VMM_TRACE_TEXT_H

#include "core/trace/trace_internal.h"

#define TEXT_LINE_RECORDS 3u /* the most that one line gives */

extern const uint8_t text_hex[256]; /* 16 + value of a hexadecimal digit; 0: none */
extern const char *const text_backings[TRACE_BACKINGS];

/*
 * Parses the line at `line`, adds to records[*n] and returns the next line. When it is malformed *what says what was
 * expected and *bad where. NULL without *what: no memory.
 */
typedef const uint8_t *(*text_line_fn)(struct trace_reader *r, const uint8_t *line,
				       struct trace_record *records, size_t *n, const char **what,
				       const uint8_t **bad);

/* trace_format.records for a format of lines. */
ssize_t text_records(struct trace_reader *r, struct trace_record *records, size_t max,
		     text_line_fn line);

/* Each returns what follows, NULL when there is no such thing at p. */
const uint8_t *text_end(const uint8_t *p);
const uint8_t *text_decimal(const uint8_t *p, uint64_t max, uint64_t *value);
const uint8_t *text_hexadecimal(const uint8_t *p, uint64_t *value);
const uint8_t *text_number(const uint8_t *p, uint64_t *value); /* 0x... or decimal */

#endif
