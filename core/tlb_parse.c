/* SPDX-License-Identifier: Apache-2.0 */
/* tlb_parse.c - "64" and "l1=64x4,l1-2m=32x4,l2=1536x12,policy=lru,asid": a table of keys, one row a word. */
#include "core/tlb.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

/* A decimal number in [1, max] that begins at *at; *at moves behind it. */
static int number(const char **at, uint32_t max, uint32_t *out)
{
	uint64_t n = 0;

	if (!isdigit((unsigned char)**at))
		return -EINVAL;
	for (; isdigit((unsigned char)**at); ++*at) {
		n = n * 10 + (uint64_t)(**at - '0');
		if (n > max)
			return -EINVAL;
	}
	*out = (uint32_t)n;
	return n ? 0 : -EINVAL;
}

/* ENTRIES or ENTRIESxWAYS, up to `end`. */
static int geometry(const char *at, const char *end, struct tlb_geometry *g)
{
	if (number(&at, TLB_ENTRIES_MAX, &g->entries))
		return -EINVAL;
	g->ways = g->entries;
	if (at < end && (*at == 'x' || *at == 'X')) {
		at++;
		if (number(&at, TLB_ENTRIES_MAX, &g->ways) || g->entries % g->ways)
			return -EINVAL;
	}
	return at == end ? 0 : -EINVAL;
}

static int policy(const char *at, const char *end, enum tlb_policy *out)
{
	static const char *const names[] = {
		[TLB_LRU] = "lru", [TLB_FIFO] = "fifo", [TLB_PLRU] = "plru", [TLB_RANDOM] = "random"
	};
	size_t length = (size_t)(end - at);

	for (uint32_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strlen(names[i]) == length && !strncasecmp(names[i], at, length)) {
			*out = (enum tlb_policy)i;
			return 0;
		}
	return -EINVAL;
}

static int asids(const char *at, const char *end, uint32_t *out)
{
	*out = TLB_ASIDS_DEFAULT;
	if (at == end)
		return 0;
	return number(&at, TLB_ASIDS_MAX, out) || at != end ? -EINVAL : 0;
}

/* One word: a key, '=' unless it is "asid" alone, a value. Or a geometry, which is L1's. */
static int word(const char *at, const char *end, struct tlb_config *c)
{
	const struct {
		const char *key;
		struct tlb_geometry *geometry;
	} keys[] = { { "l1", &c->l1[PAGE_4K] },
		     { "l1-4k", &c->l1[PAGE_4K] },
		     { "l1-2m", &c->l1[PAGE_2M] },
		     { "l1-1g", &c->l1[PAGE_1G] },
		     { "l2", &c->l2 },
		     { "policy", NULL },
		     { "asid", NULL } };
	const char *equals = memchr(at, '=', (size_t)(end - at));
	const char *value = equals ? equals + 1 : end;
	size_t length = (size_t)((equals ? equals : end) - at);

	if (isdigit((unsigned char)*at))
		return geometry(at, end, &c->l1[PAGE_4K]);
	for (uint32_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		if (strlen(keys[i].key) != length || strncasecmp(keys[i].key, at, length))
			continue;
		if (keys[i].geometry)
			return geometry(value, end, keys[i].geometry);
		if (keys[i].key[0] == 'p')
			return policy(value, end, &c->policy);
		return equals && value == end ? -EINVAL : asids(value, end, &c->asids);
	}
	return -EINVAL;
}

static bool plru_fits(const struct tlb_config *c)
{
	for (enum page_size size = PAGE_4K; size < PAGE_SIZES; size++)
		if (c->l1[size].ways > TLB_PLRU_WAYS_MAX)
			return false;
	return c->l2.ways <= TLB_PLRU_WAYS_MAX;
}

int tlb_parse(const char *spec, struct tlb_config *c, const char **bad)
{
	const char *at = spec, *policy_at = spec;

	memset(c, 0, sizeof(*c));
	for (;;) {
		const char *end = strchrnul(at, ',');
		enum tlb_policy before = c->policy;

		*bad = at;
		if (at == end || word(at, end, c))
			return -EINVAL;
		if (c->policy != before)
			policy_at = at;
		if (!*end)
			break;
		at = end + 1;
	}
	*bad = spec;
	if (!c->l1[PAGE_4K].entries)
		return -EINVAL;
	*bad = policy_at;
	return c->policy == TLB_PLRU && !plru_fits(c) ? -EINVAL : 0;
}
