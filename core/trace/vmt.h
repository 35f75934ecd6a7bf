/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vmt.h - the .vmt format's constants and its coding of numbers. docs/trace-format.md describes the format; nothing here
 * is known that is not said there.
 *
 *     file    = header block* end
 *     block   = block header, lists (maybe compressed by zstd), refs
 *     lists   = pid of each new space, groups of new pages, events
 */
#ifndef VMM_TRACE_VMT_H
#define VMM_TRACE_VMT_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define VMT_MAGIC_BYTES 8u
#define VMT_VERSION 1u
#define VMT_HEADER_BYTES 32u
#define VMT_META_MAX 65536u

#define VMT_BLOCK_MAGIC 0x42544D56u /* "VMTB" */
#define VMT_END_MAGIC 0x45544D56u   /* "VMTE" */
#define VMT_BLOCK_BYTES 48u         /* of a block header */
#define VMT_REFS_MAX 65536u         /* in a block */
#define VMT_LISTS_MAX (4u << 20)    /* bytes of the lists of a block, not compressed */

#define VMT_PACKED 0u
#define VMT_RUNS 1u
#define VMT_FLAG_ZSTD 1u /* the lists are a zstd frame */

/* As in PNG: shows at once when the file was copied as text. */
static const uint8_t vmt_magic[VMT_MAGIC_BYTES] = { 0x89, 'V', 'M', 'T', '\r', '\n', 0x1a, '\n' };

struct vmt_block {
	uint32_t magic, crc;
	uint32_t number; /* of the block, from 0 */
	uint32_t refs, pages, spaces, events;
	uint32_t lists_bytes, lists_stored;
	uint32_t refs_bytes;
	uint32_t base;
	uint8_t encoding, width, shift, low_flags; /* low bit: `low`; next: VMT_FLAG_ZSTD */
};
_Static_assert(sizeof(struct vmt_block) == VMT_BLOCK_BYTES, "as in the file");

/* --- numbers: 7 bits a byte, low ones first, the top bit says that another byte follows --- */

#define VARINT_BYTES 10u

static inline uint8_t *varint_put(uint8_t *to, uint64_t value)
{
	for (; value >= 0x80; value >>= 7)
		*to++ = (uint8_t)(value | 0x80);
	*to++ = (uint8_t)value;
	return to;
}

/* NULL when the number does not end before `end` or has more than 64 bits. */
static inline const uint8_t *varint_get(const uint8_t *p, const uint8_t *end, uint64_t *value)
{
	uint64_t v = 0;

	for (unsigned shift = 0; p < end && shift < 64; shift += 7) {
		uint8_t byte = *p++;

		if (shift == 63 && byte > 1)
			return NULL;
		v |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80)) {
			*value = v;
			return p;
		}
	}
	return NULL;
}

/* Small for small differences of either sign. */
static inline uint64_t zigzag(uint64_t difference)
{
	return difference << 1 ^ (uint64_t)((int64_t)difference >> 63);
}

static inline uint64_t unzigzag(uint64_t z)
{
	return z >> 1 ^ -(z & 1);
}

/* --- packed refs (vmt_pack.c) --- */

/* Bytes of n values of `width` bits, the first in the low bits of the first byte. */
static inline size_t vmt_packed_bytes(size_t n, unsigned width)
{
	return (n * width + 7) / 8;
}

/* Packs n values into vmt_packed_bytes(n, width) + 8 writable bytes. width <= 32. */
void vmt_pack(uint8_t *to, const uint32_t *values, size_t n, unsigned width);

/*
 * out[i] = (value[first + i] << shift) + add, for i < n. Up to 8 bytes beyond the values may be read. Returns the largest
 * of `out`, 0 when n is 0.
 */
uint32_t vmt_unpack(const uint8_t *from, size_t first, size_t n, unsigned width, unsigned shift,
		    uint32_t add, uint32_t *out);

#endif
