/* SPDX-License-Identifier: Apache-2.0 */
/* test_policy.c - the registry, names, aliases, nearest names, parameters and their errors, and vmm_create's. */
#include "core/core.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void test_registry(void **state)
{
	static const char *const needed[] = {
		"fifo",     "random",    "clock",   "gclock", "nru",   "enhanced-clock",
		"aging",    "ws",        "wsclock", "sieve",  "car",   "clock-pro",
		"mglru",    "linux2",    "lru",     "mru",    "lru-k", "lfu",
		"lfuda",    "nfu",       "slru",    "2q",     "arc",   "lirs",
		"s3-fifo",  "w-tinylfu", "lecar",   "opt",    "vmin",  "null",
		"skeleton",
	};
	uint32_t order = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++)
		assert_non_null(policy_find(needed[i]));
	for (const struct policy_ops *const *p = policy_all(); *p; p++) {
		assert_ptr_equal(policy_find((*p)->name), *p);
		assert_true((*p)->order >= order);
		order = (*p)->order;
		for (int i = 0; (*p)->params && (*p)->params[i].name; i++) {
			const struct policy_param *a = &(*p)->params[i];

			assert_true(i < POLICY_PARAMS_MAX);
			assert_true(a->value_min <= a->value_default &&
				    a->value_default <= a->value_max);
			assert_non_null(a->help);
		}
	}
	assert_true(policy_find("null")->flags & POLICY_HIDDEN);
	assert_true(policy_find("skeleton")->flags & POLICY_HIDDEN);
	assert_null(policy_find("nosuch"));
	assert_null(policy_find(""));
}

static void test_names(void **state)
{
	(void)state;
	assert_string_equal(policy_find("LRU")->name, "lru");
	assert_string_equal(policy_find("Second-Chance")->name, "clock");
	assert_string_equal(policy_find("Belady")->name, "opt");
	assert_string_equal(policy_find("approx-lru")->name, "aging");
	assert_null(policy_find("second"));
	assert_string_equal(policy_nearest("clok")->name, "clock");
	assert_string_equal(policy_nearest("FIFOO")->name, "fifo");
	assert_string_equal(policy_nearest("second_chance")->name, "clock");
	assert_string_equal(policy_nearest("seive")->name, "sieve");
	assert_string_equal(policy_nearest("nul")->name, "nru"); /* hidden ones are not offered */
	assert_non_null(policy_nearest(""));
	assert_non_null(policy_nearest(
		"a name far longer than any policy will ever have, whatever happens, really"));
}

static void test_parse(void **state)
{
	static const struct {
		const char *spec;
		int err;
		int bad; /* offset of the offending word */
		uint64_t value;
	} cases[] = {
		{ "clock", 0, 0, 1 },
		{ "CLOCK:ref-at-load=0", 0, 0, 0 },
		{ "clock:Ref-At-Load=1", 0, 0, 1 },
		{ "second-chance:ref-at-load=0x0", 0, 0, 0 },
		{ "clock:", 0, 0, 1 },
		{ "nru:reset=123", 0, 0, 123 },
		{ "nru:reset=18446744073709551615", 0, 0, UINT64_MAX },
		{ "nru:reset=1,reset=2", 0, 0, 2 },
		{ "clok", -ENOENT, 0, 0 },
		{ "", -ENOENT, 0, 0 },
		{ ":reset=1", -ENOENT, 0, 0 },
		{ "clock:ref=1", -EINVAL, 6, 0 },
		{ "clock:ref-at-load", -EINVAL, 6, 0 },
		{ "clock:ref-at-load=2", -EINVAL, 18, 0 },
		{ "clock:ref-at-load=", -EINVAL, 18, 0 },
		{ "clock:ref-at-load=-1", -EINVAL, 18, 0 },
		{ "clock:ref-at-load=1x", -EINVAL, 18, 0 },
		{ "clock:ref-at-load= 1", -EINVAL, 18, 0 },
		{ "clock:ref-at-load=1,", -EINVAL, 19, 0 },
		{ "clock:,ref-at-load=1", -EINVAL, 6, 0 },
		{ "nru:reset=18446744073709551616", -EINVAL, 10, 0 },
		{ "fifo:x=1", -EINVAL, 5, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct policy_ops *ops = NULL;
		uint64_t values[POLICY_PARAMS_MAX];
		const char *bad;
		int err = policy_parse(cases[i].spec, &ops, values, &bad);

		assert_int_equal(err, cases[i].err);
		if (err) {
			assert_int_equal(bad - cases[i].spec, cases[i].bad);
			continue;
		}
		assert_int_equal(values[0], cases[i].value);
	}
}

static void test_add(void **state)
{
	static struct policy_ops good, bad;
	const struct policy_ops *const *end = policy_all();

	(void)state;
	good = *policy_find("null");
	good.alias = NULL;
	good.name = "of-ones-own";
	bad = good;
	assert_null(policy_lacks(&good));
	bad.abi++;
	assert_string_equal(policy_lacks(&bad), "abi");
	bad = good;
	bad.victim = NULL;
	assert_string_equal(policy_lacks(&bad), "victim");
	assert_int_equal(policy_registry_add(&bad), -EINVAL);
	bad = good;
	bad.class = POLICY_T;
	bad.touch = NULL;
	assert_string_equal(policy_lacks(&bad), "touch");
	bad.class = (enum policy_class)9;
	assert_string_equal(policy_lacks(&bad), "class");
	bad = good;
	bad.name = "CLOCK";
	assert_int_equal(policy_registry_add(&bad), -EEXIST);
	bad.name = "second-chance";
	assert_int_equal(policy_registry_add(&bad), -EEXIST);
	bad.name = "a:b";
	assert_int_equal(policy_registry_add(&bad), -EINVAL);
	bad.name = "";
	assert_int_equal(policy_registry_add(&bad), -EINVAL);
	assert_int_equal(policy_registry_add(&good), 0);
	assert_int_equal(policy_registry_add(&good), -EEXIST);
	assert_ptr_equal(policy_find("Of-Ones-Own"), &good);
	while (end[1])
		end++;
	assert_ptr_equal(*end, &good);
}

/* The list has an end. Names are never freed. */
static void test_add_many(void **state)
{
	static struct policy_ops many[200];
	static char names[200][16];
	uint32_t n = 0, k = 0;
	int err = 0;

	(void)state;
	for (; k < 200 && !err; k++) {
		snprintf(names[k], sizeof(names[k]), "many-%u", k);
		many[k] = *policy_find("null");
		many[k].alias = NULL;
		many[k].name = names[k];
		err = policy_registry_add(&many[k]);
	}
	assert_int_equal(err, -ENOSPC);
	for (const struct policy_ops *const *p = policy_all(); *p; p++)
		n++;
	assert_int_equal(n, 128);
	assert_null(policy_find(names[k - 1]));
	assert_non_null(policy_find(names[k - 2]));
}

static void refused(const struct vmm_config *c, int expected)
{
	errno = 0;
	assert_null(vmm_create(c));
	assert_int_equal(errno, expected);
}

static void test_create(void **state)
{
	struct vmm_config ok = { .frames = 4 };
	struct vmm_config c;
	struct vmm *v = vmm_create(&ok);

	(void)state;
	assert_non_null(v);
	assert_string_equal(core_policy(v)->name, "clock");
	assert_int_equal(core_class(v), POLICY_R1);
	vmm_destroy(v);
	vmm_destroy(NULL);
	c = ok;
	c.policy = "clock:ref-at-load=0";
	v = vmm_create(&c);
	assert_int_equal(core_class(v), POLICY_R0);
	vmm_destroy(v);
	c = ok;
	c.frames = 0;
	refused(&c, EINVAL);
	c = ok;
	c.page_size = 3000;
	refused(&c, EINVAL);
	c = ok;
	c.size = 1;
	refused(&c, EINVAL);
	c = ok;
	c.flags = 1u << 31;
	refused(&c, EINVAL);
	c = ok;
	c.policy = "nosuch";
	refused(&c, ENOENT);
	c.policy = "nru:reset=x";
	refused(&c, EINVAL);
	c.policy = "s3-fifo:bits=2,promote=4";
	refused(&c, EINVAL);
	c.policy = "gclock:init=3,cap=2";
	refused(&c, EINVAL);
}

/* Without the next use they would guess. */
static void test_future(void **state)
{
	static const char *const policies[] = { "opt", "vmin" };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct vmm_config c = { .frames = 4, .policy = policies[i] };
		struct vmm *v = vmm_create(&c);

		assert_non_null(v);
		assert_int_equal(core_class(v), POLICY_X);
		assert_int_equal(vmm_access(v, 1, 0, 0), -ENOTSUP);
		assert_int_equal(vmm_stats(v)->accesses, 0);
		assert_int_equal(vmm_access_next(v, 1, 0, 0, 1), 1);
		assert_int_equal(vmm_access_next(v, 1, 0, 0, UINT64_MAX), 0);
		vmm_destroy(v);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_registry), cmocka_unit_test(test_names),
		cmocka_unit_test(test_parse),    cmocka_unit_test(test_create),
		cmocka_unit_test(test_future),   cmocka_unit_test(test_add),
		cmocka_unit_test(test_add_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
