/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_store_faults.c - stores for which something runs out or breaks: nothing that was accepted is lost, and what was refused
 * changed nothing.
 *
 * link: -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=fcntl,--wrap=fallocate
 */
#include "tests/unit/fail_alloc.h"
#include "tests/unit/store_drive.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define LIMIT (1ull << 32)
#define DISK_BYTES (1u << 20)

static struct drive drive;
static bool poor_file_system;

int __wrap_fcntl(int fd, int what, int flags);
int __wrap_fallocate(int fd, int mode, off_t offset, off_t bytes);
int __real_fcntl(int fd, int what, int flags);
int __real_fallocate(int fd, int mode, off_t offset, off_t bytes);

int __wrap_fcntl(int fd, int what, int flags)
{
	if (poor_file_system && flags & O_DIRECT) {
		errno = EINVAL;
		return -1;
	}
	return __real_fcntl(fd, what, flags);
}

int __wrap_fallocate(int fd, int mode, off_t offset, off_t bytes)
{
	if (poor_file_system) {
		errno = EOPNOTSUPP;
		return -1;
	}
	return __real_fallocate(fd, mode, offset, bytes);
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
	run_allocations("file:/tmp");
}

/* A disk of DISK_BYTES that only this process sees. 0, or -errno: that may not be done here. */
static int small_disk(char *spec, size_t spec_bytes)
{
	char where[] = "/tmp/vmm-store-disk-XXXXXX";

	if (!mkdtemp(where))
		return -errno;
	snprintf(spec, spec_bytes, "file:%s", where);
	if (unshare(CLONE_NEWNS) || mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) ||
	    mount("tmpfs", where, "tmpfs", 0, "size=1048576")) {
		rmdir(where);
		return -errno;
	}
	return 0;
}

static void small_disk_end(const char *spec)
{
	const char *where = strchr(spec, ':') + 1;

	umount2(where, MNT_DETACH);
	rmdir(where);
}

static void fill_all(void)
{
	for (uint32_t i = 0; i < HOLDERS; i++)
		drive_write(&drive, &drive.holder[i]);
}

/* More pages than the disk has blocks (256): the others stay in memory, up to the limit, and all can be read. */
static void check_full_disk(const char *spec, int error)
{
	struct store_stats stats;
	uint64_t refused;

	prng = 17;
	assert_int_equal(drive_open(&drive, spec, 200 * STORE_PAGE, 0), 0);
	fill_all();
	assert_int_equal(drive.refused, 0);
	assert_int_equal(drive.ops->flush(drive.store), -error);
	drive_read_all(&drive);
	drive.ops->stats(drive.store, &stats);
	assert_int_equal(stats.last_error, error);
	assert_true(stats.kept_pages_peak >= HOLDERS - 256);
	drive_steps(&drive, 20000);
	assert_int_equal(drive.refused, 0); /* 200 in memory and 256 on the disk hold 400 */
	/* Blocks that become free are used without delay. */
	for (uint32_t i = 0; i < HOLDERS; i++)
		if (i % 4 && drive.holder[i].slot != STORE_NONE)
			drive_drop(&drive, &drive.holder[i]);
	assert_int_equal(drive.ops->flush(drive.store), 0);
	drive_close(&drive);

	assert_int_equal(drive_open(&drive, spec, 50 * STORE_PAGE, 0), 0);
	fill_all();
	refused = drive.refused;
	assert_true(refused > 0 && refused <= HOLDERS - 256 - 50 + 32);
	drive_close(&drive);
}

static void test_full_disk(void **state)
{
	struct rlimit old, small = { DISK_BYTES, RLIM_INFINITY };
	char spec[64];
	int rc;

	(void)state;
	skip_unless("file:/tmp");
	rc = small_disk(spec, sizeof(spec));
	if (!rc) {
		check_full_disk(spec, ENOSPC);
		small_disk_end(spec);
	}
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &old);
	small.rlim_max = old.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	check_full_disk("file:/tmp", EFBIG);
	setrlimit(RLIMIT_FSIZE, &old);
}

/* A file system without O_DIRECT and fallocate: the same, and a write is the first to know that the disk is full. */
static void test_poor_file_system(void **state)
{
	struct store_stats stats;
	char spec[64];

	(void)state;
	skip_unless("file:/tmp");
	if (small_disk(spec, sizeof(spec)))
		skip();
	poor_file_system = true;
	prng = 23;
	assert_int_equal(drive_open(&drive, spec, LIMIT, 0), 0);
	fill_all();
	assert_int_equal(drive.ops->flush(drive.store), -ENOSPC);
	drive_read_all(&drive);
	drive_steps(&drive, 20000);
	assert_int_equal(drive.refused, 0);
	drive.ops->stats(drive.store, &stats);
	assert_false(stats.direct);
	assert_int_equal(stats.last_error, ENOSPC);
	assert_true(stats.file_bytes > DISK_BYTES);
	drive_close(&drive);
	poor_file_system = false;
	small_disk_end(spec);
}

/* Writes that fail although there was room: their pages stay in memory, and are written when the disk works again. */
static void test_failed_writes(void **state)
{
	const struct timespec pause = { .tv_nsec = 50000000 };
	struct rlimit old, small = { DISK_BYTES / 4, RLIM_INFINITY };
	struct store_stats stats;
	int rc, tries;

	(void)state;
	skip_unless("file:/tmp");
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &old);
	small.rlim_max = old.rlim_max;
	prng = 19;
	assert_int_equal(drive_open(&drive, "file:/tmp", LIMIT, 0), 0);
	for (uint32_t i = 0; i < 40; i++) /* room for 256 is made */
		drive_write(&drive, &drive.holder[i]);
	assert_int_equal(drive.ops->flush(drive.store), 0);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	fill_all();
	rc = drive.ops->flush(drive.store);
	drive_read_all(&drive);
	drive_steps(&drive, 5000);
	setrlimit(RLIMIT_FSIZE, &old);
	assert_int_equal(rc, -EFBIG);
	assert_int_equal(drive.refused, 0);
	drive.ops->stats(drive.store, &stats);
	assert_true(stats.write_errors > 0 && stats.kept_pages_peak > 0);
	for (tries = 0; drive.ops->flush(drive.store) && tries < 200; tries++)
		nanosleep(&pause, NULL);
	assert_int_equal(drive.ops->flush(drive.store), 0);
	drive_close(&drive);
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
		cmocka_unit_test(test_mem_limit),     cmocka_unit_test(test_lz4_limit),
		cmocka_unit_test(test_allocations),   cmocka_unit_test(test_full_disk),
		cmocka_unit_test(test_failed_writes), cmocka_unit_test(test_poor_file_system),
		cmocka_unit_test(test_faulty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
