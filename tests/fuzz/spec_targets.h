/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spec_targets.h - what the fuzzer of specifications runs: policies with parameters, TLBs, NUMA nodes, numbers of replay.
 *
 * An input is one string. Whatever it is: no crash; what is accepted is in range, and works; what is refused is pointed at inside
 * the string. Also run over the seed corpus by tests/unit/test_fuzz_corpus.c.
 */
#ifndef TESTS_FUZZ_SPEC_TARGETS_H
#define TESTS_FUZZ_SPEC_TARGETS_H

#include "core/numa.h"
#include "core/replay/replay.h"
#include "core/tlb.h"
#include "core/vmm.h"
#include "tests/fuzz/targets.h"

#include <errno.h>
#include <string.h>

#define FUZZ_SPEC_MAX 512 /* bytes; a longer input is cut */

static inline void fuzz_bad_is_inside(const char *spec, const char *bad)
{
	FUZZ_CHECK(bad >= spec && bad <= spec + strlen(spec));
}

/* A policy that is accepted can be made, or refuses its parameters together; then it runs. */
static inline void fuzz_policy(const char *spec)
{
	struct vmm_config c = { .frames = 3, .policy = spec };
	uint64_t values[POLICY_PARAMS_MAX];
	const struct policy_ops *ops;
	const char *bad;
	struct vmm *v;
	int err = policy_parse(spec, &ops, values, &bad);

	if (err) {
		FUZZ_CHECK(err == -ENOENT || err == -EINVAL);
		fuzz_bad_is_inside(spec, bad);
		return;
	}
	for (int i = 0; ops->params && ops->params[i].name; i++)
		FUZZ_CHECK(values[i] >= ops->params[i].value_min &&
			   values[i] <= ops->params[i].value_max);
	v = vmm_create(&c);
	if (!v) {
		FUZZ_CHECK(errno == EINVAL || errno == ENOMEM);
		return;
	}
	for (uint64_t k = 0; k < 40; k++)
		FUZZ_CHECK(vmm_access_next(v, 1, k * k % 7 << 12, k % 3 == 0, k + 5) >= 0);
	FUZZ_CHECK(vm_stats_check(vmm_stats(v)) == 0);
	vmm_destroy(v);
}

static inline void fuzz_tlb(const char *spec)
{
	struct tlb_config c;
	const char *bad;

	if (tlb_parse(spec, &c, &bad)) {
		fuzz_bad_is_inside(spec, bad);
		return;
	}
	FUZZ_CHECK(c.l1[PAGE_4K].entries);
	for (enum page_size size = PAGE_4K; size < PAGE_SIZES; size++)
		FUZZ_CHECK(!c.l1[size].entries || c.l1[size].entries % c.l1[size].ways == 0);
	FUZZ_CHECK(!c.l2.entries || c.l2.entries % c.l2.ways == 0);
}

static inline void fuzz_numa(const char *spec)
{
	struct numa_config c;
	const char *bad;

	if (numa_parse(spec, &c, &bad)) {
		fuzz_bad_is_inside(spec, bad);
		return;
	}
	FUZZ_CHECK(c.nodes >= 1 && c.nodes <= NUMA_NODES_MAX);
	FUZZ_CHECK(c.remote_ns <= NUMA_REMOTE_NS_MAX);
}

static inline int fuzz_spec(const uint8_t *data, size_t size)
{
	char *spec;

	size = size < FUZZ_SPEC_MAX ? size : FUZZ_SPEC_MAX;
	spec = malloc(size + 1); /* so that a sanitizer sees the end */
	if (!spec)
		return 0;
	memcpy(spec, data, size);
	spec[size] = 0;
	fuzz_policy(spec);
	fuzz_tlb(spec);
	fuzz_numa(spec);
	free(spec);
	return 0;
}

#endif
