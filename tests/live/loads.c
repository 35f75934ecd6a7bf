/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loads.c - loads shared objects, calls them, unloads them, while its memory is under pressure.
 *
 *   loads PLUGIN
 */
#define _GNU_SOURCE
#include "tests/live/churn.h"

#include <dlfcn.h>

int main(int argc, char **argv)
{
	struct block b = churn_make(700);
	size_t wrong = 0;

	if (argc != 2)
		return 2;
	for (int round = 0; round < 10; round++) {
		void *plugin = dlopen(argv[1], round & 1 ? RTLD_LAZY : RTLD_NOW);
		void *math = dlopen("libm.so.6", RTLD_NOW);
		size_t (*work)(uint64_t) =
			plugin ? (size_t(*)(uint64_t))dlsym(plugin, "plugin_work") : NULL;
		double (*root)(double) = math ? (double (*)(double))dlsym(math, "sqrt") : NULL;

		if (!work || !root)
			return fprintf(stderr, "loads: %s\n", dlerror()), 2;
		wrong += churn_walk(&b, 1);
		wrong += work((uint64_t)round + 7);
		wrong += root(1444) != 38;
		dlclose(plugin);
		dlclose(math);
	}
	return churn_say("loads", wrong);
}
