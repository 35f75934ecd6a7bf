/* SPDX-License-Identifier: Apache-2.0 */
/*
 * faulty.c - for tests: another store that goes wrong at chosen calls.
 *
 * Its argument is a list of faults and the other store, `CALL-EFFECT@N,...:STORE`, for example `read-flip@3,write-full@40:lz4`.
 * CALL is read or write, N the number of the call, from 1. Effects:
 *   fail   -EIO                     full   -ENOSPC
 *   flip   one bit is changed       delay  DELAY_NS later
 */
#include "pager/store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define FAULTS_MAX 8
#define DELAY_NS 20000000
#define FLIPPED_BYTE 1234

enum effect { FAIL, FULL, FLIP, DELAY, NONE };

struct fault {
	bool on_write;
	enum effect effect;
	uint64_t at;
};

struct store {
	const struct store_ops *ops;
	struct store *inner;
	struct fault fault[FAULTS_MAX];
	uint32_t faults;
	uint64_t reads, writes;
	uint8_t page[STORE_PAGE] __attribute__((aligned(STORE_PAGE)));
};

/* "read-flip@3": 0 or -EINVAL. */
static int parse_fault(const char *word, struct fault *f)
{
	static const char *const effects[] = { "fail", "full", "flip", "delay" };
	unsigned long long at;
	char call[8], effect[8];

	if (sscanf(word, "%7[a-z]-%7[a-z]@%llu", call, effect, &at) != 3 || !at)
		return -EINVAL;
	f->on_write = !strcmp(call, "write");
	f->at = at;
	if (!f->on_write && strcmp(call, "read"))
		return -EINVAL;
	for (int i = FAIL; i < NONE; i++)
		if (!strcmp(effect, effects[i])) {
			f->effect = (enum effect)i;
			return 0;
		}
	return -EINVAL;
}

/* The list up to the colon; *inner: what follows. */
static int parse(struct store *s, const char *text, const char **inner)
{
	const char *colon = text ? strchr(text, ':') : NULL;
	int rc = 0;

	if (!colon)
		return -EINVAL;
	while (text < colon && !rc) {
		size_t n = strcspn(text, ",:");

		if (s->faults == FAULTS_MAX)
			return -E2BIG;
		rc = parse_fault(text, &s->fault[s->faults++]);
		text += n + 1;
	}
	*inner = colon + 1;
	return rc;
}

static enum effect effect_of(const struct store *s, bool on_write, uint64_t call)
{
	const struct timespec late = { .tv_nsec = DELAY_NS };

	for (uint32_t i = 0; i < s->faults; i++) {
		const struct fault *f = &s->fault[i];

		if (f->on_write != on_write || f->at != call)
			continue;
		if (f->effect != DELAY)
			return f->effect;
		nanosleep(&late, NULL);
	}
	return NONE;
}

static int faulty_write(struct store *s, uint32_t *slot, const void *page)
{
	switch (effect_of(s, true, ++s->writes)) {
	case FAIL:
		return -EIO;
	case FULL:
		return -ENOSPC;
	case FLIP:
		memcpy(s->page, page, STORE_PAGE);
		s->page[FLIPPED_BYTE] ^= 1;
		return s->ops->write(s->inner, slot, s->page);
	default:
		return s->ops->write(s->inner, slot, page);
	}
}

static int faulty_read(struct store *s, uint32_t slot, void *page)
{
	int rc;

	switch (effect_of(s, false, ++s->reads)) {
	case FAIL:
		return -EIO;
	case FULL:
		return -ENOSPC;
	case FLIP:
		rc = s->ops->read(s->inner, slot, page);
		((uint8_t *)page)[FLIPPED_BYTE] ^= 1;
		return rc;
	default:
		return s->ops->read(s->inner, slot, page);
	}
}

static bool faulty_same(struct store *s, uint32_t slot, const void *page)
{
	return s->ops->same(s->inner, slot, page);
}

static void faulty_ref(struct store *s, uint32_t slot)
{
	s->ops->ref(s->inner, slot);
}

static void faulty_unref(struct store *s, uint32_t slot)
{
	s->ops->unref(s->inner, slot);
}

static int faulty_flush(struct store *s)
{
	return s->ops->flush ? s->ops->flush(s->inner) : 0;
}

static void faulty_stats(const struct store *s, struct store_stats *stats)
{
	s->ops->stats(s->inner, stats);
}

static void faulty_close(struct store *s)
{
	s->ops->close(s->inner);
	free(s);
}

static int faulty_open(struct store **store, const struct store_setup *setup)
{
	struct store_setup own = *setup;
	struct store *s =
		aligned_alloc(STORE_PAGE, (sizeof(*s) + STORE_PAGE - 1) / STORE_PAGE * STORE_PAGE);
	const char *inner = "";
	int rc;

	if (!s)
		return -ENOMEM;
	memset(s, 0, sizeof(*s));
	rc = parse(s, setup->argument, &inner);
	s->ops = rc ? NULL : store_find(inner, &own.argument);
	if (!rc && (!s->ops || !s->ops->open))
		rc = -ENOENT;
	if (!rc)
		rc = s->ops->open(&s->inner, &own);
	if (rc)
		free(s);
	else
		*store = s;
	return rc;
}

const struct store_ops store_faulty = {
	.name = "faulty",
	.takes_argument = true,
	.open = faulty_open,
	.write = faulty_write,
	.read = faulty_read,
	.same = faulty_same,
	.ref = faulty_ref,
	.unref = faulty_unref,
	.flush = faulty_flush,
	.stats = faulty_stats,
	.close = faulty_close,
};
