/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_load.c - loads a policy from a shared object and puts it into the registry (policy_load.h).
 *
 * What is loaded stays loaded: policies and their loops are used until the process ends.
 */
#include "cli/policy_load.h"
#include "cli/cli.h"
#include "core/policy.h"
#include "core/replay/engine.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LOADED_MAX 64
#define NAME_BYTES 64 /* with the 0; as core/policy.c has it */

static const char guide[] = "docs/adding-a-policy.md shows how a policy is written.";

/* What was loaded: the same file twice is the same policy. */
static struct {
	const struct policy_ops *table; /* the object's */
	char name[NAME_BYTES];          /* in the registry */
} loaded[LOADED_MAX];
static int n_loaded;

/* The tables of an object; the first is the one that the file stands for. */
static const struct policy_ops *export_table(const struct policy_export *e, size_t i,
					     const struct replay_unit **unit)
{
	size_t units = (size_t)(e->unit_end - e->unit_first);

	*unit = NULL;
	if (i < units) {
		*unit = e->unit_first[i];
		return (*unit)->ops;
	}
	i -= units;
	return i < (size_t)(e->end - e->first) ? e->first[i] : NULL;
}

/* "mine", or "mine@FILE" when there is another policy of that name. */
static const struct policy_ops *renamed(const struct policy_ops *table, const char *file)
{
	struct policy_ops *copy = malloc(sizeof(*copy));
	const char *base = strrchr(file, '/');
	char name[NAME_BYTES];

	if (!copy)
		return NULL;
	snprintf(name, sizeof(name), "%.31s@%.31s", table->name, base ? base + 1 : file);
	*copy = *table;
	copy->alias = NULL;
	copy->name = strdup(name);
	if (copy->name)
		return copy;
	free(copy);
	return NULL;
}

static void complain_added(const char *file, const char *name, int err)
{
	if (err == -ENOMEM)
		complain(file, NULL, "out of memory");
	else if (err == -ENOSPC)
		complain(file, NULL, "there are too many policies");
	else if (err == -EEXIST)
		complain(file, "Give it another name.", "there is a policy '%s' already", name);
	else
		complain(file, guide, "'%s' is no name of a policy", name);
}

/* Puts one table into the registry. Complains itself. */
static int table_add(const char *file, const struct policy_ops *table,
		     const struct replay_unit *unit, uint32_t replay_abi)
{
	const struct policy_ops *ops = table;
	const char *lacks = policy_lacks(table);
	int err;

	if (lacks && !strcmp(lacks, "abi")) {
		complain(file, "Compile it again, with the headers of this vmm.",
			 "its table has ABI %u, this vmm has %u", table->abi, VMM_POLICY_ABI);
		return -EINVAL;
	}
	if (lacks) {
		complain(file, guide, "the policy's table has no usable .%s", lacks);
		return -EINVAL;
	}
	err = n_loaded == LOADED_MAX ? -ENOSPC : policy_registry_add(ops);
	if (err == -EEXIST) {
		ops = renamed(table, file);
		err = ops ? policy_registry_add(ops) : -ENOMEM;
	}
	if (err) {
		complain_added(file, ops ? ops->name : table->name, err);
		return -EINVAL;
	}
	/* A loop for another engine is not used: the policy is called through its table. */
	if (unit)
		(void)replay_unit_add(ops, unit, replay_abi);
	loaded[n_loaded].table = table;
	snprintf(loaded[n_loaded++].name, NAME_BYTES, "%s", ops->name);
	return 0;
}

static const char *loaded_name(const struct policy_ops *table)
{
	for (int i = 0; i < n_loaded; i++)
		if (loaded[i].table == table)
			return loaded[i].name;
	return NULL;
}

/* The policies of an object that is loaded. The name of the first, NULL when there is none that can be used. */
static const char *export_add(const char *file, const struct policy_export *e)
{
	const struct policy_ops *table;
	const struct replay_unit *unit;
	const char *first = NULL;

	if (e->abi != VMM_POLICY_ABI || e->ops_size != sizeof(struct policy_ops)) {
		complain(file, "Compile it again, with the headers of this vmm.",
			 "it was made for ABI %u (tables of %u bytes), this vmm has %u (%zu bytes)",
			 e->abi, e->ops_size, VMM_POLICY_ABI, sizeof(struct policy_ops));
		return NULL;
	}
	for (size_t i = 0; (table = export_table(e, i, &unit)); i++) {
		if (!loaded_name(table) && table_add(file, table, unit, e->replay_abi))
			return NULL;
		first = first ? first : loaded_name(table);
	}
	if (!first)
		complain(file, guide, "it registers no policy");
	return first;
}

/* The message of dlopen begins with the path. */
static const char *dl_reason(const char *path)
{
	const char *why = dlerror();
	size_t n = strlen(path);

	if (!why)
		return "no reason given";
	return !strncmp(why, path, n) && !strncmp(why + n, ": ", 2) ? why + n + 2 : why;
}

/* Loads an object; `file` is what the user named. */
static const char *object_load(const char *file, const char *object)
{
	void *handle = dlopen(object, RTLD_NOW | RTLD_LOCAL);
	const struct policy_export *e;

	if (!handle) {
		complain(file, guide, "it cannot be loaded: %s", dl_reason(object));
		return NULL;
	}
	e = dlsym(handle, "vmm_policy_export");
	if (!e) {
		complain(file, guide, "it registers no policy: POLICY_REGISTER is missing");
		return NULL;
	}
	return export_add(file, e);
}

static bool ends_in(const char *text, const char *end)
{
	size_t n = strlen(text), k = strlen(end);

	return n > k && !strcmp(text + n - k, end);
}

/* The name of the file's policy, NULL after a complaint. */
static const char *file_load(const char *file)
{
	const char *name;
	int temporary;
	char *object;

	if (!ends_in(file, ".c") && !ends_in(file, ".so")) {
		complain(file, guide, "the file of a policy ends in .c or .so");
		return NULL;
	}
	if (access(file, R_OK)) {
		complain(file, NULL, "the policy cannot be read: %s", strerror(errno));
		return NULL;
	}
	if (ends_in(file, ".so"))
		return object_load(file, file);
	if (policy_compile(file, &object, &temporary))
		return NULL;
	name = object_load(file, object);
	if (temporary)
		unlink(object);
	free(object);
	return name;
}

int policy_spec_load(char **spec)
{
	size_t n = strcspn(*spec, ":");
	char *file = strndup(*spec, n), *made = NULL;
	const char *name;
	int err = -EINVAL;

	if (!file)
		goto no_memory;
	if (!strchr(file, '/')) {
		err = 0;
		if (!policy_find(file) && (ends_in(file, ".c") || ends_in(file, ".so"))) {
			complain(file, "A policy in a file is named with its directory: -a ./NAME.",
				 "there is no such policy");
			err = -EINVAL;
		}
		goto out;
	}
	name = file_load(file);
	if (!name)
		goto out;
	if (asprintf(&made, "%s%s", name, *spec + n) < 0)
		goto no_memory;
	free(*spec);
	*spec = made;
	err = 0;
out:
	free(file);
	return err;
no_memory:
	complain("-a", NULL, "out of memory");
	free(file);
	return -EINVAL;
}
