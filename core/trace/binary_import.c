/* SPDX-License-Identifier: Apache-2.0 */
/*
 * binary_import.c - binary traces of other tools. Neither has a magic number, so both are recognised by values that only they
 * have at their places; a file that is neither needs the format's name.
 *
 * ChampSim (inc/trace_instruction.h, input_instr): 64 bytes an instruction, little endian.
 *      0 u64 ip   8 u8 is_branch   9 u8 branch_taken   10 u8[2] destination registers   12 u8[4] source registers
 *     16 u64[2] destination memory   32 u64[4] source memory; an address of 0 is none.
 *
 * libCacheSim oracleGeneral (oracleGeneralBin.h): 24 bytes a request, little endian, packed.
 *      0 u32 time   4 u64 object id   12 u32 size   16 i64 request number (from 1) of the next access, -1 or INT64_MAX: none
 */
#include "core/trace/trace_internal.h"

#include <errno.h>

#define CHAMPSIM_BYTES 64u
#define CHAMPSIM_RECORDS 7u /* fetch, four sources, two destinations */
#define ORACLE_BYTES 24u
#define PROBE_MIN 1u

static uint64_t load64(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static uint32_t load32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

/* Makes a whole item visible: 1, 0 at the end, -errno. */
static int item_need(struct trace_reader *r, size_t size, const char *cut)
{
	struct source *s = &r->source;
	int err = source_need(s, size);

	if (err == -EBADMSG)
		return trace_bad_bytes(r, s->done, "the zstd compression is broken here");
	if (err)
		return err;
	if (source_left(s) >= size)
		return 1;
	if (s->cut)
		r->cut = "the compressed file ends in the middle of a zstd frame";
	else if (source_left(s))
		r->cut = cut;
	return 0;
}

/* --- ChampSim --- */

static void champsim_put(struct trace_record **rec, const struct trace_reader *r, uint64_t address,
			 enum trace_kind kind)
{
	if (!address)
		return;
	**rec = (struct trace_record){
		.vpn = address >> r->native_shift,
		.pid = 1,
		.offset = (uint32_t)(address & ((1ull << r->native_shift) - 1)),
		.kind = (uint8_t)kind,
	};
	(*rec)++;
}

static ssize_t champsim_records(struct trace_reader *r, struct trace_record *records, size_t max)
{
	struct trace_record *rec = records;
	int more = 1;

	while (rec + CHAMPSIM_RECORDS <= records + max) {
		const uint8_t *p;

		more = item_need(r, CHAMPSIM_BYTES,
				 "the file ends in the middle of a 64-byte record");
		if (more <= 0)
			break;
		p = source_at(&r->source);
		if (!r->no_fetch)
			champsim_put(&rec, r, load64(p), TRACE_READ);
		for (int i = 0; i < 4; i++)
			champsim_put(&rec, r, load64(p + 32 + (size_t)8 * i), TRACE_READ);
		for (int i = 0; i < 2; i++)
			champsim_put(&rec, r, load64(p + 16 + (size_t)8 * i), TRACE_WRITE);
		r->source.pos += CHAMPSIM_BYTES;
	}
	return rec > records ? rec - records : more < 0 ? more : 0;
}

/* Both flags 0 or 1 in every record, instruction pointers that a user program can have. */
static bool champsim_probe(const uint8_t *head, size_t n, bool whole)
{
	if (n < PROBE_MIN * CHAMPSIM_BYTES || (whole && n % CHAMPSIM_BYTES != 0 && n < 1024))
		return false;
	for (; n >= CHAMPSIM_BYTES; n -= CHAMPSIM_BYTES, head += CHAMPSIM_BYTES)
		if (head[8] > 1 || head[9] > 1 || !load64(head) || load64(head) >> 48)
			return false;
	return true;
}

const struct trace_format format_champsim = {
	.name = "champsim",
	.probe = champsim_probe,
	.records = champsim_records,
};

/* --- oracleGeneral --- */

static int oracle_open(struct trace_reader *r)
{
	const uint8_t *p = source_at(&r->source);
	uint32_t size = source_left(&r->source) >= ORACLE_BYTES ? load32(p + 12) : 0;
	uint32_t shift = TRACE_PAGE_SHIFT;

	/* Our own export says the page size there; elsewhere objects have sizes of their own. */
	if (size >= 1u << TRACE_PAGE_SHIFT && !(size & (size - 1)))
		shift = (uint32_t)__builtin_ctz(size);
	if (shift > TRACE_PAGE_SHIFT_MAX)
		shift = TRACE_PAGE_SHIFT;
	r->native_shift = r->header.page_shift = shift;
	return 0;
}

static ssize_t oracle_records(struct trace_reader *r, struct trace_record *records, size_t max)
{
	size_t n = 0;
	int more = 1;

	while (n < max) {
		more = item_need(r, ORACLE_BYTES,
				 "the file ends in the middle of a 24-byte record");
		if (more <= 0)
			break;
		records[n++] =
			(struct trace_record){ .vpn = load64(source_at(&r->source) + 4), .pid = 1 };
		r->source.pos += ORACLE_BYTES;
	}
	return n ? (ssize_t)n : more;
}

/* Times do not go back, and the next access is none or later. */
static bool oracle_probe(const uint8_t *head, size_t n, bool whole)
{
	uint32_t time = 0;
	int64_t number = 0;

	if (n < PROBE_MIN * ORACLE_BYTES || (whole && n % ORACLE_BYTES != 0 && n < 1024))
		return false;
	for (; n >= ORACLE_BYTES; n -= ORACLE_BYTES, head += ORACLE_BYTES) {
		int64_t next = (int64_t)load64(head + 16);

		number++;
		if (load32(head) < time || (next >= 0 && next < number) || next < -2 ||
		    (next != INT64_MAX && next > 1ll << 48))
			return false;
		time = load32(head);
	}
	return true;
}

const struct trace_format format_oracle = {
	.name = "oracle",
	.probe = oracle_probe,
	.open = oracle_open,
	.records = oracle_records,
};
