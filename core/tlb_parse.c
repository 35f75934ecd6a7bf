/* SPDX-License-Identifier: Apache-2.0 */
/* tlb_parse.c - "64" and "l1=64x4,l1-2m=32x4,l2=1536x12,policy=lru,asid": a table of keys, one row a word. */
#include "core/spec.h"
#include "core/tlb.h"

/* ENTRIES or ENTRIESxWAYS, up to `end`. */
static int geometry(const char *at, const char *end, struct tlb_geometry *g)
{
	if (spec_number(&at, TLB_ENTRIES_MAX, &g->entries))
		return -EINVAL;
	g->ways = g->entries;
	if (at < end && (*at == 'x' || *at == 'X')) {
		at++;
		if (spec_number(&at, TLB_ENTRIES_MAX, &g->ways) || g->entries % g->ways)
			return -EINVAL;
	}
	return at == end ? 0 : -EINVAL;
}

static int policy(const char *at, const char *end, enum tlb_policy *out)
{
	static const char *const names[] = { "lru", "fifo", "plru", "random",
					     NULL }; /* as enum tlb_policy */
	int i = spec_choice(names, at, end);

	if (i < 0)
		return i;
	*out = (enum tlb_policy)i;
	return 0;
}

static int asids(const char *at, const char *end, uint32_t *out)
{
	*out = TLB_ASIDS_DEFAULT;
	if (at == end)
		return 0;
	return spec_number(&at, TLB_ASIDS_MAX, out) || at != end ? -EINVAL : 0;
}

/* One word: a key, '=' unless it is "asid" alone, a value. Or a geometry, which is L1's. */
static int word(const char *at, const char *end, struct tlb_config *c)
{
	static const char *const keys[] = { "l1", "l1-2m", "l1-1g", "l2", "policy", "asid", NULL };
	struct tlb_geometry *const geometries[] = { &c->l1[PAGE_4K], &c->l1[PAGE_2M],
						    &c->l1[PAGE_1G], &c->l2 };
	const char *equals = memchr(at, '=', (size_t)(end - at));
	const char *value = equals ? equals + 1 : end;
	int key;

	if (isdigit((unsigned char)*at))
		return geometry(at, end, &c->l1[PAGE_4K]);
	key = spec_choice(keys, at, equals ? equals : end);
	if (key < 0 || (equals && value == end))
		return -EINVAL;
	if (key < 4)
		return geometry(value, end, geometries[key]);
	return key == 4 ? policy(value, end, &c->policy) : asids(value, end, &c->asids);
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
