/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crc32c.c - CRC-32C with the CPU's instruction where there is one, else with a table of one byte.
 *
 * Three streams at once hide the instruction's latency of three cycles; their sums are joined by carrying the first two over
 * STRIPE zero bytes each, with tables made once (a CRC is linear).
 */
#include "core/trace/crc32c.h"

#include <string.h>

#define POLYNOMIAL 0x82F63B78u
#define STRIPE 4096u /* bytes of one of the three streams */

static uint32_t byte_table[256];
static uint32_t stripe_table[4][256]; /* by byte of the sum: its sum STRIPE zero bytes later */

__attribute__((constructor)) static void tables_init(void)
{
	static const uint8_t zeros[STRIPE];

	for (uint32_t i = 0; i < 256; i++) {
		uint32_t c = i;

		for (int k = 0; k < 8; k++)
			c = c & 1 ? c >> 1 ^ POLYNOMIAL : c >> 1;
		byte_table[i] = c;
	}
	for (uint32_t bit = 0; bit < 32; bit++)
		stripe_table[bit / 8][1u << bit % 8] =
			~crc32c_portable(~(1u << bit), zeros, STRIPE);
	for (int t = 0; t < 4; t++)
		for (uint32_t i = 1; i < 256; i++)
			stripe_table[t][i] = stripe_table[t][i & (i - 1)] ^ stripe_table[t][i & -i];
}

uint32_t crc32c_portable(uint32_t crc, const void *data, size_t size)
{
	const uint8_t *p = data;

	crc = ~crc;
	while (size--)
		crc = byte_table[(crc ^ *p++) & 0xff] ^ crc >> 8;
	return ~crc;
}

#ifdef __x86_64__
static uint32_t carry(uint64_t crc)
{
	return stripe_table[0][crc & 0xff] ^ stripe_table[1][crc >> 8 & 0xff] ^
	       stripe_table[2][crc >> 16 & 0xff] ^ stripe_table[3][crc >> 24 & 0xff];
}

static uint64_t word(const uint8_t *p)
{
	uint64_t w;

	memcpy(&w, p, sizeof(w));
	return w;
}

__attribute__((target("sse4.2"))) static uint32_t crc32c_sse42(uint32_t crc, const uint8_t *p,
							       size_t size)
{
	uint64_t a = ~crc;

	for (; size >= (size_t)3 * STRIPE; size -= (size_t)3 * STRIPE, p += (size_t)3 * STRIPE) {
		uint64_t b = 0, c = 0;

		for (size_t i = 0; i < STRIPE; i += 8) {
			a = __builtin_ia32_crc32di(a, word(p + i));
			b = __builtin_ia32_crc32di(b, word(p + STRIPE + i));
			c = __builtin_ia32_crc32di(c, word(p + (size_t)2 * STRIPE + i));
		}
		a = carry(carry(a) ^ b) ^ c;
	}
	for (; size >= 8; size -= 8, p += 8)
		a = __builtin_ia32_crc32di(a, word(p));
	for (; size; size--)
		a = __builtin_ia32_crc32qi((uint32_t)a, *p++);
	return ~(uint32_t)a;
}
#endif

uint32_t crc32c(uint32_t crc, const void *data, size_t size)
{
#ifdef __x86_64__
	if (__builtin_cpu_supports("sse4.2"))
		return crc32c_sse42(crc, data, size);
#endif
	return crc32c_portable(crc, data, size);
}
