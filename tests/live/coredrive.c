/* SPDX-License-Identifier: Apache-2.0 */
/*
 * coredrive.c - what a logged sequence of accesses costs, said twice: by the core and by the brute-force model.
 *
 *   coredrive core|model POLICY[+PREFETCH] SEED FRAMES... < LOG
 *
 * The log has lines "<pid> <R|W> <0xADDRESS>". The rules are those of `vmm run --exact`: virtual time counts
 * faults, first writes are known, and policies of class R0 have probation. Prints for each number of frames
 * one line: "FRAMES faults N zero N evictions N dirty N", with +PREFETCH (core only) also " ahead N used N".
 */
#include "core/policy.h"
#include "core/vmm.h"
#include "tests/model/model.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAGE 4096

static struct model_access *accesses;
static uint64_t *addresses;
static size_t count;

static int read_log(void)
{
	size_t capacity = 0;
	unsigned pid;
	uint64_t address;
	char kind;

	while (scanf("%u %c %" SCNx64, &pid, &kind, &address) == 3) {
		if (count == capacity) {
			capacity = capacity ? 2 * capacity : 1 << 18;
			accesses = realloc(accesses, capacity * sizeof(*accesses));
			addresses = realloc(addresses, capacity * sizeof(*addresses));
			if (!accesses || !addresses)
				return -1;
		}
		addresses[count] = address;
		accesses[count++] = (struct model_access){ .pid = pid,
							   .write = kind == 'W',
							   .page = address / PAGE };
	}
	return feof(stdin) && count ? 0 : -1;
}

static int by_core(const char *policy, const char *prefetch, uint64_t seed, uint32_t frames)
{
	const struct policy_ops *ops;
	uint64_t values[POLICY_PARAMS_MAX];
	const char *bad;
	struct vmm_config config = { .frames = frames,
				     .seed = seed,
				     .policy = policy,
				     .prefetch = prefetch,
				     .flags = VMM_FLAG_TIME_FAULTS | VMM_FLAG_TRACK_DIRTY };
	struct vmm *v;

	if (policy_parse(policy, &ops, values, &bad))
		return -1;
	if (ops->class == POLICY_R0)
		config.flags |= VMM_FLAG_PROBATION;
	v = vmm_create(&config);
	if (!v)
		return -1;
	for (size_t i = 0; i < count; i++)
		if (vmm_access(v, accesses[i].pid, addresses[i], accesses[i].write) < 0)
			return -1;

	const struct vm_stats *s = vmm_stats(v);

	printf("%u faults %" PRIu64 " zero %" PRIu64 " evictions %" PRIu64 " dirty %" PRIu64,
	       frames, s->faults, s->faults_zero, s->evictions, s->evictions_dirty);
	if (prefetch)
		printf(" ahead %" PRIu64 " used %" PRIu64, s->prefetch_issued, s->prefetch_used);
	putchar('\n');
	vmm_destroy(v);
	return 0;
}

static int by_model(const char *policy, uint64_t seed, uint32_t frames)
{
	int which = model_policy_by_name(policy);
	struct model_config config = { .policy = (enum model_policy)which,
				       .frames = frames,
				       .seed = seed };
	struct model_counts n;

	if (which < 0 || model_run(&config, accesses, count, &n))
		return -1;
	printf("%u faults %" PRIu64 " zero %" PRIu64 " evictions %" PRIu64 " dirty %" PRIu64 "\n",
	       frames, n.faults, n.faults_zero, n.evictions, n.evictions_dirty);
	return 0;
}

int main(int argc, char **argv)
{
	char *prefetch = argc > 2 ? strchr(argv[2], '+') : NULL;

	if (argc < 5 || (strcmp(argv[1], "core") && strcmp(argv[1], "model")))
		return fprintf(stderr,
			       "usage: coredrive core|model POLICY[+PREFETCH] SEED FRAMES... < LOG\n"),
		       2;
	if (prefetch)
		*prefetch++ = '\0';
	if (read_log())
		return fprintf(stderr, "coredrive: not a log\n"), 1;
	for (int i = 4; i < argc; i++) {
		uint64_t seed = strtoull(argv[3], NULL, 0);
		uint32_t frames = (uint32_t)strtoul(argv[i], NULL, 0);

		if (!strcmp(argv[1], "core") ? by_core(argv[2], prefetch, seed, frames)
					     : by_model(argv[2], seed, frames))
			return fprintf(stderr, "coredrive: %s %s, %u frames: failed\n", argv[1],
				       argv[2], frames),
			       1;
	}
	return 0;
}
