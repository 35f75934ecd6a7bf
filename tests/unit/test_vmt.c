/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_vmt.c - the .vmt format: coding of refs, its layout byte by byte, damaged and cut files.
 *
 * The law of damage: a file with one bit flipped, or cut anywhere, yields an error, or the right content, or the beginning of
 * the right content and a message that it is cut.
 */
#include "tests/unit/trace_drive.h"

#include "core/gen/gen.h"
#include "core/rng.h"
#include "core/trace/crc32c.h"
#include "core/trace/vmt.h"

static void test_crc(void **state)
{
	uint8_t data[40000];
	struct rng rng = { 1 };

	(void)state;
	assert_int_equal(crc32c(0, "123456789", 9), 0xE3069283);
	assert_int_equal(crc32c(crc32c(0, "1234", 4), "56789", 5), 0xE3069283);
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)rng_next(&rng);
	for (size_t n = 0; n < sizeof(data); n = n * 3 / 2 + 1)
		assert_int_equal(crc32c(7, data, n), crc32c_portable(7, data, n));
	assert_int_equal(crc32c(0, data, sizeof(data)), crc32c_portable(0, data, sizeof(data)));
}

static void test_varint(void **state)
{
	static const uint64_t values[] = { 0, 1, 127, 128, 16383, 16384, 1ull << 32, UINT64_MAX };
	static const uint8_t endless[10] = { [0 ... 9] = 0x80 },
			     large[10] = { [0 ... 8] = 0xff, [9] = 2 };
	uint8_t bytes[VARINT_BYTES];
	uint64_t v;

	(void)state;
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		uint8_t *end = varint_put(bytes, values[i]);

		assert_ptr_equal(varint_get(bytes, end, &v), end);
		assert_int_equal(v, values[i]);
		assert_null(varint_get(bytes, end - 1, &v));
		assert_int_equal(unzigzag(zigzag(values[i])), values[i]);
	}
	assert_null(varint_get(endless, endless + 10, &v));
	assert_null(varint_get(large, large + 10, &v));
	assert_int_equal(zigzag((uint64_t)-1), 1);
}

/* Every width, every place to begin, every length up to 40. */
static void test_pack(void **state)
{
	uint32_t values[64], out[64];
	uint8_t packed[64 * 4 + 16];
	struct rng rng = { 2 };

	(void)state;
	for (unsigned width = 0; width <= 32; width++) {
		for (int i = 0; i < 64; i++)
			values[i] = (uint32_t)(rng_next(&rng) & ((1ull << width) - 1));
		vmt_pack(packed, values, 64, width);
		for (size_t first = 0; first < 20; first++)
			for (size_t n = 0; n <= 40; n++) {
				uint32_t largest = 0, got;

				got = vmt_unpack(packed, first, n, width, n & 1, 5, out);
				for (size_t i = 0; i < n; i++) {
					uint32_t want = (values[first + i] << (n & 1)) + 5;

					assert_int_equal(out[i], want);
					largest = want > largest ? want : largest;
				}
				assert_int_equal(got, largest);
			}
	}
}

/* The example of docs/trace-format.md. */
static void test_layout(void **state)
{
	static const struct trace_record records[] = {
		{ .kind = TRACE_READ, .pid = 7, .vpn = 16 },
		{ .kind = TRACE_WRITE, .pid = 7, .vpn = 17 },
		{ .kind = TRACE_READ, .pid = 7, .vpn = 16 },
		{ .kind = TRACE_EXIT, .pid = 7 },
	};
	static const uint8_t want[] = {
		/* header */
		0x89, 'V', 'M', 'T', '\r', '\n', 0x1a, '\n', 1, 0, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
		0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
		/* block header: magic, checksum, number, refs, pages, spaces, events */
		'V', 'M', 'T', 'B', 0, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 1,
		0, 0, 0,
		/* bytes of the lists, stored; of the refs; base; packed, 2 bits, shift 0, flags 0 */
		8, 0, 0, 0, 8, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0,
		/* spaces: pid 7; pages: space 0, 2 of them, +16, +1; event: after 3, EXIT, space 0 */
		7, 0, 2, 32, 2, 3, 6, 0,
		/* refs 0, 3, 0 of 2 bits */
		0x0c,
		/* end block */
		'V', 'M', 'T', 'E', 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
		0, 0, 0, 5, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
		/* totals: refs, writes, events, pages, spaces */
		3, 1, 1, 2, 1
	};
	static const size_t sums[] = { 20, 32 + 4, 32 + 48 + 9 + 4 };
	struct blob b = write_all("x.vmt", NULL, records, 4);

	(void)state;
	assert_int_equal(b.size, sizeof(want));
	for (size_t i = 0; i < 3; i++)
		memset(b.data + sums[i], 0, 4);
	assert_memory_equal(b.data, want, sizeof(want));
	free(b.data);
}

/* A small trace of several blocks, with events, packed refs and runs. */
static struct blob sample(struct stream *content)
{
	char *path = temporary("x.vmt");
	struct trace_record rec[8];
	struct trace_writer *w;
	struct blob b;
	struct rng rng = { 3 };

	*content = (struct stream){ 0 };
	assert_int_equal(trace_create(&w, path, NULL), 0);
	for (int block = 0; block < 4; block++) {
		for (int i = 0; i < 40; i++) {
			rec[0] = (struct trace_record){ .pid = 1 + (uint32_t)rng_below(&rng, 2),
							.vpn = rng_below(&rng, 30),
							.kind = rng_below(&rng, 2) };
			if (block == 2) /* runs */
				rec[0] = (struct trace_record){ .pid = 1, .vpn = 100 + i };
			stream_add(content, rec, 1);
			assert_int_equal(trace_write(w, rec, 1), 0);
		}
		rec[0] = (struct trace_record){ .kind = TRACE_FORK, .pid = 1, .value = 5 };
		rec[1] = (struct trace_record){
			.kind = TRACE_UNMAP, .pid = 1, .vpn = 3, .value = 9
		};
		rec[2] = (struct trace_record){ .kind = TRACE_EXIT, .pid = 5 };
		rec[3] = (struct trace_record){ .kind = TRACE_LEAVE, .pid = 1, .vpn = 4 };
		rec[4] = (struct trace_record){ .kind = TRACE_MARK, .pid = 1, .name = "m" };
		stream_add(content, rec, 5);
		assert_int_equal(trace_write(w, rec, 5), 0);
		assert_int_equal(trace_flush(w), 0);
	}
	assert_int_equal(trace_finish(w), 0);
	b = slurp(path);
	temporary_remove(path);
	return b;
}

static bool is_beginning(const struct stream *s, const struct stream *whole)
{
	for (size_t i = 0; i < s->n; i++)
		if (i >= whole->n || !same_record(&s->records[i], &whole->records[i]))
			return false;
	return true;
}

static void test_flips(void **state)
{
	struct trace_read_options options = { .format = "vmt", .events = TRACE_ALL_EVENTS };
	struct stream whole, s;
	struct blob b = sample(&whole);

	(void)state;
	s = read_all(b.data, b.size, NULL);
	assert_int_equal(s.err, 0);
	assert_int_equal(s.n, whole.n);
	assert_true(is_beginning(&s, &whole));
	free(s.records);
	for (size_t bit = 0; bit < 8 * b.size; bit++) {
		b.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
		s = read_all(b.data, b.size, &options);
		assert_true(is_beginning(&s, &whole));
		assert_true(s.err || s.cut || s.n == whole.n);
		free(s.records);
		b.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	free(whole.records);
	free(b.data);
}

static void test_truncations(void **state)
{
	struct trace_read_options options = { .format = "vmt", .events = TRACE_ALL_EVENTS };
	struct stream whole, s;
	struct blob b = sample(&whole);
	size_t most = 0;

	(void)state;
	for (size_t size = 0; size < b.size; size++) {
		s = read_all(b.data, size, &options);
		assert_true(is_beginning(&s, &whole));
		assert_true(s.err ? s.err == -EBADMSG && size < VMT_HEADER_BYTES : s.cut != NULL);
		assert_true(s.n >= most); /* nothing that is complete is lost */
		most = s.n;
		free(s.records);
	}
	assert_int_equal(most, whole.n);
	b.data = realloc(b.data, b.size + 1);
	b.data[b.size] = 0;
	s = read_all(b.data, b.size + 1, &options);
	assert_int_equal(s.err, -EBADMSG); /* something behind the end */
	free(s.records);
	free(whole.records);
	free(b.data);
}

/* Puts the right checksum into the first block, so that what it says is looked at. */
static int with_sum(struct blob *b)
{
	struct vmt_block k;
	struct stream s;
	uint32_t crc;

	memcpy(&k, b->data + VMT_HEADER_BYTES, sizeof(k));
	crc = crc32c(0, b->data + VMT_HEADER_BYTES + 8,
		     VMT_BLOCK_BYTES - 8 + k.lists_stored + k.refs_bytes);
	memcpy(b->data + VMT_HEADER_BYTES + 4, &crc, 4);
	s = read_all(b->data, b->size, NULL);
	free(s.records);
	return s.err;
}

/* Files that somebody made: sums are right, numbers are not. */
static void test_forged(void **state)
{
	static const struct trace_record records[] = {
		{ .pid = 7, .vpn = 16 },
		{ .pid = 7, .vpn = 17 },
		{ .pid = 7, .vpn = 17, .kind = TRACE_WRITE },
		{ .kind = TRACE_EXIT, .pid = 7 },
	};
	struct blob b = write_all("x.vmt", NULL, records, 4);
	static const struct {
		size_t at;
		uint8_t value;
	} cases[] = {
		{ 46, 1 },       /* a ref to page 3 */
		{ 47, 1 },       /* a bit that nothing makes room for */
		{ 48 + 1, 1 },   /* pages of a space that is not there */
		{ 48 + 2, 3 },   /* more pages than the header says */
		{ 48 + 2, 0 },   /* a group without pages */
		{ 48 + 5, 4 },   /* an event behind the last ref */
		{ 48 + 6, 200 }, /* an event of no kind */
		{ 48 + 7, 9 },   /* an event of no space */
		{ 44, 2 },       /* a coding that is not there */
		{ 45, 33 },      /* a width that is too large */
		{ 46, 2 },       /* a shift that is too large */
		{ 47, 4 },       /* a flag that is not there */
		{ 47, 2 },       /* lists that are not compressed */
		{ 12, 200 },     /* more refs than bytes */
		{ 16, 1 },       /* fewer pages than the list */
		{ 20, 0 },       /* no space */
		{ 24, 0 },       /* no event, but bytes of one */
		{ 24, 2 },       /* two events, but bytes of one */
		{ 40, 200 },     /* a base that makes all refs too large */
	};

	(void)state;
	assert_int_equal(with_sum(&b), 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint8_t *at = b.data + VMT_HEADER_BYTES + cases[i].at, old = *at;

		*at = cases[i].value;
		assert_int_equal(with_sum(&b), -EBADMSG);
		*at = old;
	}
	free(b.data);
}

/* Full blocks, of a generator with many pages: refs from text and from .vmt are equal, in batches of any size. */
static void test_blocks(void **state)
{
	struct gen_config config = { .type = "working_set",
				     .refs = 200000,
				     .processes = 3,
				     .pages = 5000,
				     .writes = 30,
				     .quantum = 10,
				     .stride = 1,
				     .phases = 1 };
	static const size_t batches[] = { 1, 7, 4096, 100000 };
	static uint32_t text[200000], refs[200000];
	struct trace_record *records = malloc(200008 * sizeof(*records));
	size_t n, total = 0, made = 0;
	struct trace_event e;
	struct trace_reader *r;
	struct blob b;
	struct gen *g;

	(void)state;
	assert_int_equal(gen_create(&g, &config), 0);
	while ((n = gen_read(g, records + made, 200008 - made)))
		made += n;
	gen_destroy(g);
	assert_int_equal(made, 200000);
	b = write_all("x.trace", NULL, records, made);
	assert_int_equal(trace_open_memory(&r, b.data, b.size, NULL, NULL), 0);
	while (!trace_read_refs(r, text + total, 200000 - total, &n, &e) && n)
		total += n;
	assert_int_equal(total, made);
	trace_close(r);
	free(b.data);
	b = write_all("x.vmt", NULL, records, made);
	for (size_t i = 0; i < sizeof(batches) / sizeof(batches[0]); i++) {
		assert_int_equal(trace_open_memory(&r, b.data, b.size, NULL, NULL), 0);
		for (total = 0; total < made; total += n) {
			size_t max = made - total < batches[i] ? made - total : batches[i];

			assert_int_equal(trace_read_refs(r, refs + total, max, &n, &e), 0);
			assert_int_equal(n, max);
		}
		assert_memory_equal(refs, text, sizeof(text));
		trace_close(r);
	}
	free(b.data);
	free(records);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_crc),    cmocka_unit_test(test_varint),
		cmocka_unit_test(test_pack),   cmocka_unit_test(test_layout),
		cmocka_unit_test(test_flips),  cmocka_unit_test(test_truncations),
		cmocka_unit_test(test_forged), cmocka_unit_test(test_blocks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
