/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy.c - the registry of policies and the parser of "name:key=value,...".
 *
 * The tables are found through the linker section that POLICY_REGISTER fills. They are sorted once, before main;
 * those that are added at run time follow.
 */
#include "core/policy.h"
#include "core/edit_distance.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define POLICIES_MAX 128
#define NAME_MAX_LENGTH 63

static const struct policy_ops *policies[POLICIES_MAX + 1];

const char *policy_lacks(const struct policy_ops *o)
{
	const struct {
		const char *name;
		bool there;
	} needed[] = {
		{ "abi", o->abi == VMM_POLICY_ABI },
		{ "name", o->name },
		{ "summary", o->summary },
		{ "source", o->source },
		{ "create", o->create },
		{ "destroy", o->destroy },
		{ "victim", o->victim },
		{ "reject", o->reject },
		{ "remove", o->remove },
		{ "insert", o->insert },
		{ "check", o->check },
		{ "touch", o->touch || (o->class != POLICY_T && o->class != POLICY_X) },
		{ "class", o->class <= POLICY_X },
	};

	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++)
		if (!needed[i].there)
			return needed[i].name;
	return NULL;
}

static int by_order(const void *a, const void *b)
{
	const struct policy_ops *x = *(const struct policy_ops *const *)a;
	const struct policy_ops *y = *(const struct policy_ops *const *)b;

	if (x->order != y->order)
		return x->order < y->order ? -1 : 1;
	return strcmp(x->name, y->name);
}

__attribute__((constructor)) static void registry_init(void)
{
	const struct policy_ops *const *p = __start_vmm_policies;
	size_t n = 0;

	for (; p < __stop_vmm_policies && n < POLICIES_MAX; p++)
		if (*p && !policy_lacks(*p))
			policies[n++] = *p;
	/* NOLINTNEXTLINE(bugprone-sizeof-expression): an array of pointers */
	qsort(policies, n, sizeof(policies[0]), by_order);
}

const struct policy_ops *const *policy_all(void)
{
	return policies;
}

/* Copies the next word of a comma-separated list and returns what follows, NULL at the end. */
static const char *next_word(const char *list, char word[NAME_MAX_LENGTH + 1])
{
	size_t n, k;

	if (!list)
		return NULL;
	list += strspn(list, ", ");
	if (!*list)
		return NULL;
	n = strcspn(list, ", ");
	k = n < NAME_MAX_LENGTH ? n : NAME_MAX_LENGTH;
	memcpy(word, list, k);
	word[k] = '\0';
	return list + n;
}

const struct policy_ops *policy_find(const char *name)
{
	char word[NAME_MAX_LENGTH + 1];

	for (const struct policy_ops *const *p = policies; *p; p++) {
		const char *list = (*p)->alias;

		if (strcasecmp((*p)->name, name) == 0)
			return *p;
		while ((list = next_word(list, word)))
			if (strcasecmp(word, name) == 0)
				return *p;
	}
	return NULL;
}

int policy_registry_add(const struct policy_ops *ops)
{
	size_t n = 0;

	if (policy_lacks(ops) || !*ops->name || strlen(ops->name) > NAME_MAX_LENGTH ||
	    strpbrk(ops->name, ":,"))
		return -EINVAL;
	if (policy_find(ops->name))
		return -EEXIST;
	while (policies[n])
		n++;
	if (n == POLICIES_MAX)
		return -ENOSPC;
	policies[n] = ops;
	return 0;
}

const struct policy_ops *policy_nearest(const char *name)
{
	const struct policy_ops *best = policies[0];
	uint32_t best_distance = UINT32_MAX, d;
	char word[NAME_MAX_LENGTH + 1];

	for (const struct policy_ops *const *p = policies; *p; p++) {
		const char *list = (*p)->alias;

		if ((*p)->flags & POLICY_HIDDEN)
			continue;
		d = edit_distance((*p)->name, name);
		while ((list = next_word(list, word)))
			if (edit_distance(word, name) < d)
				d = edit_distance(word, name);
		if (d < best_distance) {
			best_distance = d;
			best = *p;
		}
	}
	return best;
}

/* Decimal or 0x; the whole word up to ',' or the end. Returns the end, NULL when it is no such number. */
static const char *parse_number(const char *s, uint64_t *value)
{
	char *end;

	if (*s < '0' || *s > '9')
		return NULL;
	errno = 0;
	*value = strtoull(s, &end, s[0] == '0' && (s[1] | 32) == 'x' ? 16 : 10);
	return errno || (*end && *end != ',') ? NULL : end;
}

static int find_param(const struct policy_ops *ops, const char *key, size_t n)
{
	for (int i = 0; ops->params && i < POLICY_PARAMS_MAX && ops->params[i].name; i++)
		if (strlen(ops->params[i].name) == n &&
		    strncasecmp(ops->params[i].name, key, n) == 0)
			return i;
	return -1;
}

static int parse_params(const char *s, const struct policy_ops *ops, uint64_t *values,
			const char **bad)
{
	while (*s) {
		size_t n = strcspn(s, "=,");
		int i = find_param(ops, s, n);
		const char *value = s + n + 1, *end;
		uint64_t x;

		*bad = s;
		if (i < 0 || s[n] != '=')
			return -EINVAL;
		*bad = value;
		end = parse_number(value, &x);
		if (!end || x < ops->params[i].value_min || x > ops->params[i].value_max)
			return -EINVAL;
		values[i] = x;
		*bad = end;
		if (*end == ',' && !end[1])
			return -EINVAL;
		s = *end ? end + 1 : end;
	}
	return 0;
}

int policy_parse(const char *spec, const struct policy_ops **ops,
		 uint64_t values[POLICY_PARAMS_MAX], const char **bad)
{
	size_t n = strcspn(spec, ":");
	char name[NAME_MAX_LENGTH + 1];
	const struct policy_ops *o;
	int err;

	*bad = spec;
	if (n == 0 || n > NAME_MAX_LENGTH)
		return -ENOENT;
	memcpy(name, spec, n);
	name[n] = '\0';
	o = policy_find(name);
	if (!o)
		return -ENOENT;
	memset(values, 0, POLICY_PARAMS_MAX * sizeof(values[0]));
	for (int i = 0; o->params && i < POLICY_PARAMS_MAX && o->params[i].name; i++)
		values[i] = o->params[i].value_default;
	err = spec[n] ? parse_params(spec + n + 1, o, values, bad) : 0;
	if (err)
		return err;
	*ops = o;
	*bad = NULL;
	return 0;
}
