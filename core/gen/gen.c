/* SPDX-License-Identifier: Apache-2.0 */
/* gen.c - running a generator: whose turn it is, reads and writes, events. */
#include "core/gen/gen_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define WRITES_SEED 0xA5A5A5A55A5A5A5Aull /* keeps the two streams apart */

static const struct gen_type *type_find(const char *name)
{
	for (const struct gen_type *t = gen_types; t->name; t++)
		if (!strcmp(t->name, name))
			return t;
	return NULL;
}

static int config_check(const struct gen_config *c)
{
	bool good = c->processes && c->processes <= GEN_PROCESSES_MAX && c->pages &&
		    c->pages < TRACE_PAGES_MAX && c->writes <= 100 && c->quantum && c->stride &&
		    c->phases && c->alpha >= 0 && c->alpha <= 100;

	return good ? 0 : -EINVAL;
}

int gen_create(struct gen **result, const struct gen_config *config)
{
	const struct gen_type *type = type_find(config->type);
	struct gen *g;
	int err;

	if (!type)
		return -ENOENT;
	g = calloc(1, sizeof(*g));
	if (!g)
		return -ENOMEM;
	g->type = type;
	g->config = *config;
	if (g->config.processes == GEN_DEFAULT)
		g->config.processes = type->processes;
	if (g->config.writes == GEN_DEFAULT)
		g->config.writes = type->writes;
	if (g->config.quantum == GEN_DEFAULT)
		g->config.quantum = type->quantum;
	g->writes.state = config->seed ^ WRITES_SEED;
	g->turn_left = g->config.quantum;
	g->alive = g->config.processes;
	err = config_check(&g->config);
	if (!err) {
		g->processes = calloc(g->config.processes, sizeof(*g->processes));
		err = g->processes ? 0 : -ENOMEM;
	}
	/* The first process has the seed itself; the others, streams that are far from it. */
	for (uint32_t i = 0; i < g->config.processes && !err; i++)
		g->processes[i].rng.state = config->seed + i * 0xD1342543DE82EF95ull;
	if (!err && type->create)
		err = type->create(g);
	if (err)
		gen_destroy(g);
	else
		*result = g;
	return err;
}

void gen_destroy(struct gen *g)
{
	if (!g)
		return;
	zipf_destroy(&g->zipf);
	free(g->next_page);
	free(g->processes);
	free(g);
}

static void reference(struct gen *g, struct trace_record *rec)
{
	struct gen_process *p;

	if (!g->turn_left) {
		g->turn_left = g->config.quantum;
		g->turn = g->turn + 1 < g->alive ? g->turn + 1 : 0;
	}
	g->turn_left--;
	p = &g->processes[g->turn];
	*rec = (struct trace_record){ .pid = g->turn + 1 };
	if (g->config.writes && rng_below(&g->writes, 100) < g->config.writes)
		rec->kind = TRACE_WRITE;
	g->type->next(g, p, rec);
	p->count++;
	g->done++;
}

size_t gen_read(struct gen *g, struct trace_record *records, size_t max)
{
	size_t n = 0;

	while (n + GEN_EVENTS < max) {
		size_t events = g->type->events ? g->type->events(g, records + n) : 0;

		n += events;
		if (g->done < g->config.refs)
			reference(g, &records[n++]);
		else if (!events)
			break;
	}
	return n;
}
