/* SPDX-License-Identifier: Apache-2.0 */
/*
 * text_input.c - text traces as a source (text_input.h).
 *
 * Only whole lines are parsed: what follows the last newline of the buffer is moved to its front before the next read.
 */
#include "core/replay/text_input.h"
#include "core/frame.h"
#include "core/page_map.h"
#include "core/replay/replay.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BUFFER (1u << 20) /* and the longest line */

struct text_input {
	struct replay_source source;
	struct page_map map;
	uint32_t page_shift;
	int fd;
	bool eof;
	uint64_t line, bytes, size; /* line number; bytes read; 0: size unknown */
	char *buffer, *at, *end;    /* [at, end) is not parsed yet */
	char why[TEXT_INPUT_WHY];
};

static int bad_line(struct text_input *t, const char *line, const char *at, const char *expected)
{
	snprintf(t->why, sizeof(t->why), "line %llu, column %ld: expected %s",
		 (unsigned long long)t->line, (long)(at - line) + 1, expected);
	return -EILSEQ;
}

static const char *skip_blank(const char *p)
{
	while (*p == ' ' || *p == '\t' || *p == '\r')
		p++;
	return p;
}

/* NULL when there is no number, or it does not fit. */
static const char *parse_u64(const char *p, uint64_t *value)
{
	uint64_t v = 0;
	const char *first;

	if (p[0] == '0' && (p[1] | 32) == 'x') {
		for (first = p += 2;; p++) {
			uint32_t d = (uint8_t)*p - '0';

			if (d > 9) {
				d = (((uint8_t)*p | 32u) - 'a') + 10;
				if (d < 10 || d > 15)
					break;
			}
			if (v >> 60)
				return NULL;
			v = v << 4 | d;
		}
	} else {
		for (first = p; *p >= '0' && *p <= '9'; p++)
			if (__builtin_mul_overflow(v, 10u, &v) ||
			    __builtin_add_overflow(v, (uint64_t)(*p - '0'), &v))
				return NULL;
	}
	*value = v;
	return p == first ? NULL : p;
}

static int page_of(struct text_input *t, uint32_t pid, uint64_t vpn, uint32_t *page)
{
	int err;

	*page = page_map_get(&t->map, pid, vpn);
	if (*page != VMM_NONE)
		return 0;
	if (t->source.pages == REPLAY_PAGES_MAX)
		return -EFBIG;
	err = page_map_set(&t->map, pid, vpn, t->source.pages);
	*page = t->source.pages;
	t->source.pages += !err;
	return err;
}

/* A line that ends in 0. 1: a reference, 0: nothing, or -errno. */
static int parse_line(struct text_input *t, const char *line, uint32_t *ref)
{
	const char *p = skip_blank(line), *next;
	uint64_t pid, address;
	bool write;
	int err;

	if (!*p || *p == '#')
		return 0;
	next = parse_u64(p, &pid);
	if (!next || pid > UINT32_MAX)
		return bad_line(t, line, p, "a process number");
	p = skip_blank(next);
	write = (*p | 32) == 'w';
	if (p == next || (!write && (*p | 32) != 'r'))
		return bad_line(t, line, p, "R or W");
	next = p + 1;
	p = skip_blank(next);
	next = p == next ? NULL : parse_u64(p, &address);
	if (!next)
		return bad_line(t, line, p, "an address, decimal or 0x...");
	p = skip_blank(next);
	if (*p && *p != '#')
		return bad_line(t, line, p, "the end of the line");
	err = page_of(t, (uint32_t)pid, address >> t->page_shift, ref);
	if (err)
		return err;
	*ref |= write ? REPLAY_WRITE : 0;
	return 1;
}

/* More bytes behind [at, end). 0 or -errno. */
static int fill(struct text_input *t)
{
	size_t left = (size_t)(t->end - t->at);
	ssize_t k;

	if (left == BUFFER) {
		t->line++;
		return bad_line(t, t->at, t->at, "a shorter line: is this a text trace?");
	}
	memmove(t->buffer, t->at, left);
	t->at = t->buffer;
	t->end = t->buffer + left;
	do
		k = read(t->fd, t->end, BUFFER - left);
	while (k < 0 && errno == EINTR);
	if (k < 0)
		return -errno;
	t->eof = k == 0;
	t->end += k;
	t->bytes += (uint64_t)k;
	if (t->eof && left) /* a last line without a newline */
		*t->end++ = '\n';
	return 0;
}

static int text_read(struct replay_source *s, uint32_t *refs, size_t max, size_t *n)
{
	struct text_input *t = (struct text_input *)s;
	size_t k = 0;
	int err = 0;

	while (k < max) {
		char *newline = memchr(t->at, '\n', (size_t)(t->end - t->at));

		if (!newline) {
			err = t->eof ? 0 : fill(t);
			if (err || (t->eof && t->at == t->end))
				break;
			continue;
		}
		*newline = 0;
		t->line++;
		if (memchr(t->at, 0, (size_t)(newline - t->at)))
			err = bad_line(t, t->at, memchr(t->at, 0, BUFFER), "text, not a zero byte");
		else
			err = parse_line(t, t->at, &refs[k]);
		if (err < 0)
			break;
		k += (size_t)err;
		err = 0;
		t->at = newline + 1;
	}
	s->done = t->size ? (double)t->bytes / (double)t->size : -1;
	*n = k;
	return err;
}

static int text_rewind(struct replay_source *s)
{
	struct text_input *t = (struct text_input *)s;

	if (lseek(t->fd, 0, SEEK_SET))
		return -errno;
	t->at = t->end = t->buffer;
	t->bytes = t->line = 0;
	t->eof = false;
	return 0;
}

int text_input_open(struct replay_source **source, const char *path, uint32_t page_shift)
{
	struct text_input *t = calloc(1, sizeof(*t));
	struct stat st;
	int err;

	*source = NULL;
	if (!t)
		return -ENOMEM;
	page_map_init(&t->map);
	t->source.read = text_read;
	t->source.rewind = text_rewind;
	t->page_shift = page_shift;
	t->fd = strcmp(path, "-") ? open(path, O_RDONLY | O_CLOEXEC) : dup(0);
	err = t->fd < 0 || fstat(t->fd, &st) ? -errno : 0;
	if (!err && S_ISDIR(st.st_mode))
		err = -EISDIR;
	t->buffer = err ? NULL : malloc(BUFFER + 1);
	if (!err && !t->buffer)
		err = -ENOMEM;
	if (err) {
		text_input_close(&t->source);
		return err;
	}
	t->at = t->end = t->buffer;
	t->size = S_ISREG(st.st_mode) ? (uint64_t)st.st_size : 0;
	*source = &t->source;
	return 0;
}

void text_input_close(struct replay_source *source)
{
	struct text_input *t = (struct text_input *)source;

	if (!t)
		return;
	if (t->fd >= 0)
		close(t->fd);
	page_map_destroy(&t->map);
	free(t->buffer);
	free(t);
}

const char *text_input_why(const struct replay_source *source)
{
	return ((const struct text_input *)source)->why;
}
