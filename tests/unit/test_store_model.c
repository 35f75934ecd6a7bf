/* SPDX-License-Identifier: Apache-2.0 */
/* test_store_model.c - every store beside a plain array; what lz4 packs and wastes; names; the clock around a store. */
#include "pager/hist.h"
#include "pager/stores/pack.h"
#include "tests/unit/store_drive.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define STEPS 40000u
#define LIMIT (1ull << 32)

static struct drive drive;
static char directory[] = "/tmp/vmm-store-test-XXXXXX";
static char file_spec[64], shm_spec[] = "file:/dev/shm";

static int setup(void **state)
{
	(void)state;
	if (!mkdtemp(directory))
		return -1;
	snprintf(file_spec, sizeof(file_spec), "file:%s", directory);
	return 0;
}

/* Fails when anything was left in it. */
static int teardown(void **state)
{
	(void)state;
	return rmdir(directory);
}

static void run_model(const char *spec)
{
	struct store_stats stats;

	skip_unless(spec);
	prng = 7;
	assert_int_equal(drive_open(&drive, spec, LIMIT, 0), 0);
	drive_steps(&drive, STEPS);
	if (drive.ops->flush(drive.store))
		fail();
	drive_read_all(&drive); /* now from where it stays */
	drive_steps(&drive, STEPS / 4);
	assert_int_equal(drive.refused, 0);
	drive.ops->stats(drive.store, &stats);
	assert_true(stats.stored_bytes_peak > 100 * STORE_PAGE);
	assert_true(stats.stored_bytes_peak <= HOLDERS * STORE_PAGE);
	assert_true(stats.write.count > STEPS / 3 && stats.read.count > STEPS / 5);
	assert_int_equal(stats.write_errors, 0);
	drive_close(&drive);
}

static void test_mem(void **state)
{
	(void)state;
	run_model("mem");
}

static void test_lz4(void **state)
{
	(void)state;
	run_model("lz4");
}

static void test_file(void **state)
{
	(void)state;
	run_model(file_spec);
}

static void test_file_in_memory(void **state)
{
	(void)state;
	if (access("/dev/shm", W_OK))
		skip();
	run_model(shm_spec);
}

/* What a page takes: nothing, its compressed bytes, or a page; and what is lost beside that is bounded (pack.h). */
static void test_lz4_waste(void **state)
{
	const struct store_ops *ops = &store_lz4;
	struct store_setup setup = { .pages = &drive.pages, .limit_bytes = LIMIT };
	uint64_t lost, tables;
	struct store_stats s;
	struct store *store;
	uint32_t slot[HOLDERS];

	(void)state;
	if (!ops->open)
		skip();
	memset(&drive, 0, sizeof(drive));
	assert_int_equal(ops->open(&store, &setup), 0);
	for (uint32_t round = 0; round < 20; round++) /* classes grow and shrink */
		for (uint32_t i = 0; i < HOLDERS; i++) {
			slot[i] = round ? slot[i] : STORE_NONE;
			make_content(drive.page);
			assert_int_equal(ops->write(store, &slot[i], drive.page), 0);
		}
	ops->stats(store, &s);
	assert_int_equal(s.stored_bytes_peak, HOLDERS * STORE_PAGE);
	assert_int_equal(s.compressed_pages + s.same_filled_pages + s.whole_pages, HOLDERS);
	assert_true(s.same_filled_pages > HOLDERS / 8 && s.whole_pages > HOLDERS / 16);
	lost = s.memory_bytes - s.compressed_bytes - s.whole_pages * STORE_PAGE;
	tables = 512 * 24 + PACK_CLASSES * 8 * sizeof(uint32_t);
	assert_true(lost <=
		    s.compressed_pages * (PACK_STEP + 4) + PACK_CLASSES * STORE_PAGE + tables);
	for (uint32_t i = 0; i < HOLDERS; i++)
		ops->unref(store, slot[i]);
	ops->close(store);
	slab_end(&drive.pages);
}

/* Objects that come and go leave no hole: a class has as many pages as its objects fill. */
static void test_pack_has_no_holes(void **state)
{
	struct {
		uint32_t class, place;
	} object[300];
	uint32_t n = 0, count[PACK_CLASSES] = { 0 };
	static struct pack pack;
	struct slab pages = { 0 };

	(void)state;
	prng = 3;
	pack = (struct pack){ .pages = &pages };
	for (uint32_t step = 0; step < 20000; step++) {
		uint64_t expected = 0;

		if (n < 300 && pick(300) >= n) {
			object[n].class = pack_class_of(1 + pick(PACK_BYTES_MAX));
			object[n].place = pack_add(&pack, object[n].class, n);
			pack_write(&pack, object[n].class, object[n].place, &n, sizeof(n));
			count[object[n].class]++;
			n++;
		} else if (n) { /* the last one, so that owners are numbers below n */
			uint32_t moved =
				pack_remove(&pack, object[n - 1].class, object[n - 1].place);

			n--;
			count[object[n].class]--;
			if (moved != UINT32_MAX) {
				assert_true(moved < n);
				object[moved].place = object[n].place;
			}
		}
		for (uint32_t c = 0; c < PACK_CLASSES; c++)
			expected += ((uint64_t)count[c] * (c + 1) * PACK_STEP + 4095) / 4096;
		assert_int_equal(pack.pages_used, expected);
		if (n) {
			uint32_t i = pick(n), scratch[1024], owner;

			memcpy(&owner,
			       pack_read(&pack, object[i].class, object[i].place, sizeof(owner),
					 scratch),
			       sizeof(owner));
			assert_int_equal(owner, i);
		}
	}
	while (n--)
		pack_remove(&pack, object[n].class, object[n].place);
	pack_destroy(&pack);
	slab_end(&pages);
}

static void test_names(void **state)
{
	char why[128] = "", path[96];
	int fd;

	(void)state;
	assert_int_equal(pager_store_check("mem"), 0);
	assert_int_equal(pager_store_check("me"), -ENOENT);
	assert_int_equal(pager_store_check("mem:"), -EINVAL);
	assert_int_equal(pager_store_check(""), -ENOENT);
	skip_unless(file_spec);
	assert_int_equal(pager_store_check("file"), -EINVAL);
	assert_int_equal(pager_store_check("file:"), -EINVAL);
	assert_int_equal(pager_store_probe(file_spec, why, sizeof(why)), 0);
	assert_int_equal(pager_store_probe("file:/no/such/place", why, sizeof(why)), -ENOENT);
	assert_int_equal(pager_store_probe("file:/dev/null", why, sizeof(why)), -EEXIST);
	snprintf(path, sizeof(path), "%s/new", file_spec);
	assert_int_equal(pager_store_probe(path, why, sizeof(why)), 0);
	assert_int_equal(access(path + 5, F_OK), -1);
	/* Nobody's file is overwritten. */
	fd = open(path + 5, O_CREAT | O_WRONLY, 0600);
	assert_int_equal(write(fd, "data", 4), 4);
	close(fd);
	assert_int_equal(pager_store_probe(path, why, sizeof(why)), -EEXIST);
	assert_non_null(strstr(why, "overwritten"));
	assert_int_equal(drive_open(&drive, path, LIMIT, 0), -EEXIST);
	unlink(path + 5);
}

/* Every call takes the latency at least, and is counted once; reading in place is no longer offered. */
static void test_latency(void **state)
{
	const uint64_t latency_ns = 300000;
	struct store_stats stats;

	(void)state;
	prng = 5;
	assert_int_equal(drive_open(&drive, "mem", LIMIT, latency_ns), 0);
	assert_null(drive.ops->map);
	assert_null(drive.ops->take);
	for (uint32_t i = 0; i < 10; i++)
		drive_write(&drive, &drive.holder[i]);
	for (uint32_t i = 0; i < 10; i++)
		drive_read(&drive, &drive.holder[i]);
	drive_read_many(&drive);
	drive.ops->stats(drive.store, &stats);
	assert_int_equal(stats.write.count, 10);
	assert_int_equal(stats.read.count, 11);
	for (uint32_t b = 0; b < hist_bucket(latency_ns); b++)
		assert_int_equal(stats.read.hist[b] + stats.write.hist[b], 0);
	assert_true(stats.read.sum_ns >= 11 * latency_ns && stats.read.max_ns >= latency_ns);
	drive_close(&drive);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mem),       cmocka_unit_test(test_lz4),
		cmocka_unit_test(test_file),      cmocka_unit_test(test_file_in_memory),
		cmocka_unit_test(test_lz4_waste), cmocka_unit_test(test_pack_has_no_holes),
		cmocka_unit_test(test_names),     cmocka_unit_test(test_latency),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
