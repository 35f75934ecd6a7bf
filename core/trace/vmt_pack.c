/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vmt_pack.c - values of one width, packed bit by bit, and out again: the hot loop of reading a trace.
 *
 * Eight values of w bits take w bytes, so every group of eight begins at a whole byte, and inside a group all shifts are
 * constants once w is: unpack_groups() is made 33 times, for each width, and chosen by a table.
 */
#include "core/trace/vmt.h"

static inline uint64_t load64(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

void vmt_pack(uint8_t *to, const uint32_t *values, size_t n, unsigned width)
{
	uint64_t word = 0;
	unsigned bits = 0;

	for (size_t i = 0; i < n; i++) {
		word |= (uint64_t)values[i] << bits;
		bits += width;
		if (bits >= 32) {
			uint32_t low = (uint32_t)word;

			memcpy(to, &low, sizeof(low));
			to += sizeof(low);
			word >>= 32;
			bits -= 32;
		}
	}
	memcpy(to, &word, sizeof(word));
}

static inline __attribute__((always_inline)) void unpack_groups(const uint8_t *p, uint32_t *out,
								size_t groups, const unsigned w,
								unsigned shift, uint32_t add)
{
	const uint64_t mask = (1ull << w) - 1;

	for (; groups; groups--, p += w, out += 8) {
#pragma GCC unroll 8
		for (unsigned k = 0; k < 8; k++)
			out[k] = ((uint32_t)(load64(p + k * w / 8) >> k * w % 8 & mask) << shift) +
				 add;
	}
}

typedef void (*unpack_fn)(const uint8_t *p, uint32_t *out, size_t groups, unsigned shift,
			  uint32_t add);

/* clang-format off */
#define WIDTHS(X)                                                                                  \
	X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13) X(14) X(15)      \
	X(16) X(17) X(18) X(19) X(20) X(21) X(22) X(23) X(24) X(25) X(26) X(27) X(28) X(29) X(30)  \
	X(31) X(32)
/* clang-format on */

#define UNPACK(w)                                                                                  \
	static void unpack_##w(const uint8_t *p, uint32_t *out, size_t groups, unsigned shift,     \
			       uint32_t add)                                                       \
	{                                                                                          \
		if (shift)                                                                         \
			unpack_groups(p, out, groups, w, 1, add);                                  \
		else                                                                               \
			unpack_groups(p, out, groups, w, 0, add);                                  \
	}
WIDTHS(UNPACK)

#define ENTRY(w) unpack_##w,
static const unpack_fn unpackers[] = { WIDTHS(ENTRY) };

static uint32_t unpack_one(const uint8_t *from, size_t i, unsigned width, unsigned shift,
			   uint32_t add)
{
	uint64_t bit = (uint64_t)i * width;
	uint64_t value = load64(from + bit / 8) >> bit % 8 & ((1ull << width) - 1);

	return ((uint32_t)value << shift) + add;
}

uint32_t vmt_unpack(const uint8_t *from, size_t first, size_t n, unsigned width, unsigned shift,
		    uint32_t add, uint32_t *out)
{
	uint32_t largest = 0;
	size_t i = 0, groups;

	for (; i < n && (first + i) % 8; i++)
		out[i] = unpack_one(from, first + i, width, shift, add);
	groups = (n - i) / 8;
	unpackers[width](from + (first + i) / 8 * width, out + i, groups, shift, add);
	for (i += groups * 8; i < n; i++)
		out[i] = unpack_one(from, first + i, width, shift, add);
	for (i = 0; i < n; i++)
		largest = out[i] > largest ? out[i] : largest;
	return largest;
}
