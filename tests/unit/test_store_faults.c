/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_store_faults.c - stores for which something runs out or breaks: nothing that was accepted is lost, and what was refused
 * changed nothing.
 *
 * link: -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc
 */
#include "tests/unit/fail_alloc.h"
#include "tests/unit/store_drive.h"

#define LIMIT (1ull << 32)

static struct drive drive;

static void skip_unless(const char *spec)
{
	if (pager_store_check(spec) == -ENOTSUP)
		skip();
}

/* The limit stops writes; what is stored stays, and room that becomes free is used. */
static void run_limit(const char *spec, uint64_t limit_bytes)
{
	uint64_t refused;

	skip_unless(spec);
	prng = 11;
	assert_int_equal(drive_open(&drive, spec, limit_bytes, 0), 0);
	drive_steps(&drive, 20000);
	refused = drive.refused;
	assert_true(refused > 100);
	for (uint32_t i = 0; i < HOLDERS; i++)
		if (i % 8 && drive.holder[i].slot != STORE_NONE)
			drive_drop(&drive, &drive.holder[i]);
	for (uint32_t i = 0; i < 10; i++)
		drive_write(&drive, &drive.holder[i * 8 + 1]);
	assert_int_equal(drive.refused, refused);
	drive_close(&drive);
}

static void test_mem_limit(void **state)
{
	(void)state;
	run_limit("mem", 150 * STORE_PAGE);
}

static void test_lz4_limit(void **state)
{
	(void)state;
	run_limit("lz4", 80 * STORE_PAGE);
}

/* The Nth allocation fails, for every N, until none does any more. A file may get over it: it asks for less. */
static void run_allocations(const char *spec)
{
	int opened;

	skip_unless(spec);
	for (uint64_t n = 1;; n++) {
		calls = 0;
		fail_at = n;
		opened = drive_open(&drive, spec, LIMIT, 0);
		if (!opened) {
			prng = 13;
			for (uint32_t i = 0; i < HOLDERS; i++)
				drive_write(&drive, &drive.holder[i]);
		}
		fail_at = 0;
		if (!opened)
			drive_close(&drive);
		else
			assert_int_equal(opened, -ENOMEM);
		if (calls < n)
			return; /* n - 1 of them failed in turn */
	}
}

static void test_allocations(void **state)
{
	(void)state;
	run_allocations("mem");
	run_allocations("lz4");
}

static void test_faulty(void **state)
{
	static const char spec[] =
		"faulty:read-flip@2,read-fail@3,write-full@2,write-flip@3,write-fail@4:mem";
	uint32_t slot[3] = { STORE_NONE, STORE_NONE, STORE_NONE }, i, differ = 0;
	const struct store_ops *ops;
	uint8_t page[STORE_PAGE] = { 1, 2, 3 }, back[STORE_PAGE];

	(void)state;
	assert_int_equal(drive_open(&drive, spec, LIMIT, 0), 0);
	ops = drive.ops;
	assert_int_equal(ops->write(drive.store, &slot[0], page), 0);
	assert_int_equal(ops->write(drive.store, &slot[1], page), -ENOSPC);
	assert_int_equal(slot[1], STORE_NONE);
	assert_int_equal(ops->write(drive.store, &slot[1], page), 0); /* flipped */
	assert_int_equal(ops->write(drive.store, &slot[2], page), -EIO);
	assert_true(ops->same(drive.store, slot[0], page));
	assert_false(ops->same(drive.store, slot[1], page));
	assert_int_equal(ops->read(drive.store, slot[0], back), 0);
	assert_memory_equal(back, page, STORE_PAGE);
	assert_int_equal(ops->read(drive.store, slot[0], back), 0);
	for (i = 0; i < STORE_PAGE; i++)
		differ += back[i] != page[i];
	assert_int_equal(differ, 1);
	assert_int_equal(ops->read(drive.store, slot[0], back), -EIO);
	ops->unref(drive.store, slot[0]);
	ops->unref(drive.store, slot[1]);
	drive_close(&drive);
	assert_int_equal(drive_open(&drive, "faulty:read-flip@0:mem", LIMIT, 0), -EINVAL);
	assert_int_equal(drive_open(&drive, "faulty:read-flip@1", LIMIT, 0), -EINVAL);
	assert_int_equal(drive_open(&drive, "faulty:read-flip@1:nothing", LIMIT, 0), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mem_limit),
		cmocka_unit_test(test_lz4_limit),
		cmocka_unit_test(test_allocations),
		cmocka_unit_test(test_faulty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
