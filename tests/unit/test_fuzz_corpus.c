/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_fuzz_corpus.c - the fuzz targets (tests/fuzz) over their seed corpus, as it is and with seeded mutations, without a
 * fuzzer. FULL=1 mutates a hundred times as often, FUZZ_MUTATIONS=N makes N of each.
 */
#include "tests/unit/trace_drive.h"

#include "core/rng.h"
#include "tests/fuzz/spec_targets.h"

#include <dirent.h>

#define MUTATIONS 300

/* Flips, overwrites, cuts, repeats: a few changes in place; returns the new size. */
static size_t mutate(struct rng *rng, uint8_t *data, size_t size, size_t capacity)
{
	for (uint64_t n = rng_below(rng, 6) + 1; n && size; n--) {
		size_t at = rng_below(rng, size), k = rng_below(rng, 16);

		switch (rng_below(rng, 5)) {
		case 0:
			data[at] ^= (uint8_t)(1 << rng_below(rng, 8));
			break;
		case 1:
			data[at] = (uint8_t)rng_next(rng);
			break;
		case 2:
			data[at] = (uint8_t) "0x\n #RWMUDFX9\xff"[rng_below(rng, 15)];
			break;
		case 3:
			size = at;
			break;
		default:
			k = k < size - at ? k : size - at;
			if (size + k > capacity)
				break;
			memmove(data + at + k, data + at, size - at);
			size += k;
			break;
		}
	}
	return size;
}

static void run_corpus(const char *name, int (*target)(const uint8_t *data, size_t size))
{
	const char *some = getenv("FUZZ_MUTATIONS");
	uint64_t rounds = getenv("FULL") ? 100 * MUTATIONS : MUTATIONS;
	struct rng rng = { 1 };
	struct dirent *entry;
	char path[512];
	int files = 0;
	DIR *dir;

	rounds = some ? strtoull(some, NULL, 10) : rounds;
	snprintf(path, sizeof(path), "tests/fuzz/corpus/%s", name);
	dir = opendir(path);
	if (!dir)
		skip(); /* not started from the top of the sources */
	while ((entry = readdir(dir))) {
		uint8_t *copy;
		struct blob b;

		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "tests/fuzz/corpus/%s/%s", name, entry->d_name);
		b = slurp(path);
		files++;
		target(b.data, b.size);
		copy = malloc(b.size + 256);
		assert_non_null(copy);
		for (uint64_t i = 0; i < rounds; i++) {
			memcpy(copy, b.data, b.size);
			target(copy, mutate(&rng, copy, b.size, b.size + 256));
		}
		free(copy);
		free(b.data);
	}
	closedir(dir);
	assert_true(files > 0);
}

static void test_text(void **state)
{
	(void)state;
	run_corpus("text", fuzz_text);
}

static void test_vmt(void **state)
{
	(void)state;
	run_corpus("vmt", fuzz_vmt);
}

static void test_binary(void **state)
{
	(void)state;
	run_corpus("binary", fuzz_binary);
}

static void test_spec(void **state)
{
	(void)state;
	run_corpus("spec", fuzz_spec);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_vmt),
		cmocka_unit_test(test_binary),
		cmocka_unit_test(test_spec),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
