/* SPDX-License-Identifier: Apache-2.0 */
/* numa.c - homes of processes, placement of pages, and the sums of accesses. */
#define HASH_NONFATAL_OOM 1
#include "core/numa.h"
#include "core/spec.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

struct numa_home {
	uint32_t process, node;
	bool in_hash;
	UT_hash_handle hh;
};

#undef uthash_nonfatal_oom
#define uthash_nonfatal_oom(e) ((e)->in_hash = false)

int numa_parse(const char *spec, struct numa_config *c, const char **bad)
{
	static const char *const placements[] = { "first-touch", "interleave", "bind", "migrate",
						  NULL }; /* as enum numa_placement */
	static const char remote[] = "remote-ns=";
	const char *at = spec, *end;
	int i;

	memset(c, 0, sizeof(*c));
	*bad = at;
	if (spec_number(&at, NUMA_NODES_MAX, &c->nodes))
		return -EINVAL;
	if (*at == ':') {
		*bad = ++at;
		end = strchrnul(at, ',');
		i = spec_choice(placements, at, end);
		if (i < 0)
			return -EINVAL;
		c->placement = (enum numa_placement)i;
		at = end;
	}
	if (*at == ',') {
		*bad = ++at;
		if (strncasecmp(at, remote, strlen(remote)))
			return -EINVAL;
		at += strlen(remote);
		if (spec_number(&at, NUMA_REMOTE_NS_MAX, &c->remote_ns))
			return -EINVAL;
	}
	return *at ? -EINVAL : 0;
}

/* near[from] by insertion: stable, so equals are in the order of their numbers. */
static void near_sort(struct numa *n, uint32_t from)
{
	uint8_t *near = n->near[from];

	for (uint32_t node = 0; node < n->config.nodes; node++) {
		uint32_t i = node;

		while (i && n->distance[from][near[i - 1]] > n->distance[from][node]) {
			near[i] = near[i - 1];
			i--;
		}
		near[i] = (uint8_t)node;
	}
	/* another node may be as near as 10: the own one is first all the same */
	for (uint32_t i = 0; near[0] != from; i++)
		if (near[i] == from) {
			memmove(&near[1], &near[0], i);
			near[0] = (uint8_t)from;
		}
}

int numa_init(struct numa *n, const struct numa_config *c)
{
	memset(n, 0, sizeof(*n));
	if (c->nodes == 0 || c->nodes > NUMA_NODES_MAX)
		return -EINVAL;
	n->config = *c;
	memset(n->distance, NUMA_REMOTE, sizeof(n->distance));
	for (uint32_t node = 0; node < c->nodes; node++) {
		n->distance[node][node] = NUMA_LOCAL;
		near_sort(n, node);
	}
	return 0;
}

void numa_destroy(struct numa *n)
{
	struct numa_home *h, *next;

	HASH_ITER(hh, n->homes, h, next)
	{
		/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): it loses track inside */
		HASH_DEL(n->homes, h);
		free(h);
	}
	memset(n, 0, sizeof(*n));
}

int numa_set_distance(struct numa *n, uint32_t from, uint32_t to, uint8_t distance)
{
	if (from >= n->config.nodes || to >= n->config.nodes || distance < NUMA_LOCAL)
		return -EINVAL;
	if (from == to)
		return distance == NUMA_LOCAL ? 0 : -EINVAL;
	n->distance[from][to] = distance;
	near_sort(n, from);
	return 0;
}

static struct numa_home *home_find(struct numa *n, uint32_t process)
{
	struct numa_home *h = n->last;

	if (h && h->process == process)
		return h;
	HASH_FIND(hh, n->homes, &process, sizeof(process), h);
	if (h)
		n->last = h;
	return h;
}

int numa_set_home(struct numa *n, uint32_t process, uint32_t node)
{
	struct numa_home *h = home_find(n, process);

	if (node >= n->config.nodes)
		return -EINVAL;
	if (h) {
		h->node = node;
		return 0;
	}
	h = calloc(1, sizeof(*h));
	if (!h)
		return -ENOMEM;
	h->process = process;
	h->node = node;
	h->in_hash = true;
	HASH_ADD(hh, n->homes, process, sizeof(h->process), h);
	if (h->in_hash)
		return 0;
	free(h);
	return -ENOMEM;
}

uint32_t numa_home(struct numa *n, uint32_t process)
{
	struct numa_home *h = home_find(n, process);
	uint32_t node = n->seen % n->config.nodes;

	if (h)
		return h->node;
	if (numa_set_home(n, process, node)) /* no memory: a home that needs none */
		return process % n->config.nodes;
	n->seen++;
	return node;
}

void numa_process_exit(struct numa *n, uint32_t process)
{
	struct numa_home *h = home_find(n, process);

	if (!h)
		return;
	HASH_DEL(n->homes, h);
	n->last = NULL;
	free(h);
}

uint32_t numa_wanted(struct numa *n, uint32_t process, uint64_t vpn)
{
	if (n->config.placement == NUMA_INTERLEAVE)
		return (uint32_t)(vpn % n->config.nodes);
	return numa_home(n, process);
}

uint32_t numa_take(struct numa *n, struct frame_table *t, uint32_t process, uint64_t vpn,
		   uint32_t order)
{
	uint32_t wanted = numa_wanted(n, process, vpn >> order), f = VMM_NONE;
	uint32_t tries = n->config.placement == NUMA_BIND ? 1 : n->config.nodes;

	for (uint32_t i = 0; i < tries && f == VMM_NONE; i++) {
		f = frame_take_group(t, order, n->near[wanted][i]);
		n->elsewhere += i && f != VMM_NONE;
	}
	return f;
}

uint32_t numa_access(struct numa *n, const struct frame_table *t, uint32_t process, uint32_t frame)
{
	uint32_t from = numa_home(n, process), to = frame_node(t, frame);

	n->accesses[from][to]++;
	if (n->config.placement != NUMA_MIGRATE || from == to || !frame_node_free(t, from))
		return VMM_NONE;
	return from;
}

uint32_t numa_latency_ns(const struct numa *n, uint32_t from, uint32_t to, uint32_t mem_ns)
{
	if (from == to)
		return mem_ns;
	if (n->config.remote_ns)
		return n->config.remote_ns;
	return (uint32_t)((uint64_t)mem_ns * n->distance[from][to] / NUMA_LOCAL);
}

uint64_t numa_local(const struct numa *n)
{
	uint64_t sum = 0;

	for (uint32_t node = 0; node < n->config.nodes; node++)
		sum += n->accesses[node][node];
	return sum;
}

uint64_t numa_remote(const struct numa *n)
{
	uint64_t sum = 0;

	for (uint32_t from = 0; from < n->config.nodes; from++)
		for (uint32_t to = 0; to < n->config.nodes; to++)
			sum += from == to ? 0 : n->accesses[from][to];
	return sum;
}

uint64_t numa_extra_ns(const struct numa *n, uint32_t mem_ns)
{
	uint64_t sum = 0;

	for (uint32_t from = 0; from < n->config.nodes; from++)
		for (uint32_t to = 0; to < n->config.nodes; to++) {
			uint32_t ns = numa_latency_ns(n, from, to, mem_ns);

			sum += ns > mem_ns ? n->accesses[from][to] * (ns - mem_ns) : 0;
		}
	return sum;
}

uint32_t numa_balance_percent(const struct numa *n, const struct frame_table *t)
{
	uint64_t most = 0, sum = 0;

	for (uint32_t node = 0; node < n->config.nodes; node++) {
		uint32_t size = node + 1 < t->nodes ? t->node_frames
						    : t->capacity - t->node_frames * (t->nodes - 1);
		uint64_t used = size - frame_node_free(t, node);

		sum += used;
		if (most < used)
			most = used;
	}
	return most ? (uint32_t)(sum * 100 / (most * n->config.nodes)) : 0;
}

int numa_check(const struct numa *n)
{
	for (uint32_t from = 0; from < n->config.nodes; from++) {
		const uint8_t *near = n->near[from];
		uint64_t named = 0;

		if (near[0] != from || n->distance[from][from] != NUMA_LOCAL)
			return -EINVAL;
		for (uint32_t i = 0; i < n->config.nodes; i++) {
			named |= 1ull << near[i];
			if (i && n->distance[from][near[i]] < n->distance[from][near[i - 1]])
				return -EINVAL;
		}
		if (named != UINT64_MAX >> (64 - n->config.nodes))
			return -EINVAL;
	}
	for (const struct numa_home *h = n->homes; h; h = h->hh.next)
		if (h->node >= n->config.nodes)
			return -EINVAL;
	return 0;
}
