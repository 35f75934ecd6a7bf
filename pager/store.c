/* SPDX-License-Identifier: Apache-2.0 */
/* store.c - the stores by name. */
#include "pager/store.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* faulty is for tests: not among the names that help and messages offer. */
static const struct store_ops *const stores[] = { &store_mem, &store_lz4, &store_file,
						  &store_faulty };
#define STORES (sizeof(stores) / sizeof(stores[0]))

const char *const store_names[] = { "mem", "lz4", "file", NULL };

const struct store_ops *store_find(const char *spec, const char **argument)
{
	size_t n = strcspn(spec, ":");

	*argument = spec[n] ? spec + n + 1 : NULL;
	for (size_t i = 0; i < STORES; i++)
		if (strlen(stores[i]->name) == n && !memcmp(stores[i]->name, spec, n))
			return stores[i];
	return NULL;
}

int pager_store_check(const char *spec)
{
	const char *argument;
	const struct store_ops *ops = store_find(spec, &argument);

	if (!ops)
		return -ENOENT;
	if (!ops->open)
		return -ENOTSUP;
	if (ops->takes_argument ? !argument || !*argument : argument != NULL)
		return -EINVAL;
	return 0;
}

int pager_store_probe(const char *spec, char *why, size_t why_bytes)
{
	const char *argument;
	const struct store_ops *ops = store_find(spec, &argument);
	int rc = pager_store_check(spec);

	if (!rc && ops->probe)
		return ops->probe(argument, why, why_bytes);
	if (rc)
		snprintf(why, why_bytes, "%s", strerror(-rc));
	return rc;
}

int store_open(const char *spec, const struct store_setup *setup, const struct store_ops **ops,
	       struct store **store)
{
	struct store_setup own = *setup;
	const struct store_ops *inner = store_find(spec, &own.argument);
	int rc = pager_store_check(spec);

	return rc ? rc : store_open_timed(inner, &own, ops, store);
}

int store_read_many(const struct store_ops *ops, struct store *store, uint32_t n,
		    const uint32_t *slots, void *const *pages)
{
	int rc = 0;

	if (ops->read_many)
		return ops->read_many(store, n, slots, pages);
	for (uint32_t i = 0; i < n && !rc; i++)
		rc = ops->read(store, slots[i], pages[i]);
	return rc;
}
