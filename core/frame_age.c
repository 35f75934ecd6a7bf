/* SPDX-License-Identifier: Apache-2.0 */
/*
 * frame_age.c - the sweep, written once for vectors of any width; each instance is compiled for its instructions.
 *
 * Bits of frames are bytes (frame.h), so one vector holds as many frames as it has bytes.
 */
#include "core/frame_age.h"

#include <string.h>

_Static_assert(FRAME_REF == 1 && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
	       "as the sweeps read them");

#define EVICTABLE_BITS (FRAME_USED | FRAME_REJECTED | FRAME_PINNED)

static inline uint32_t sweep_bytes(uint8_t *bits, uint8_t *age, uint8_t top, uint32_t from,
				   uint32_t n, uint32_t *cleared, uint32_t count)
{
	for (uint32_t f = from; f < n; f++) {
		age[f] = (uint8_t)(age[f] >> 1 | (bits[f] & FRAME_REF ? top : 0));
		if ((bits[f] & (EVICTABLE_BITS | FRAME_REF)) != (FRAME_USED | FRAME_REF))
			continue;
		bits[f] &= (uint8_t)~FRAME_REF;
		cleared[count++] = f;
	}
	return count;
}

/* Defines sweep_NAME for vectors of WIDTH bytes. A lane of `clear` is 1 where the bit was set and is cleared. */
#define SWEEP(NAME, WIDTH, ATTRIBUTES)                                                             \
	ATTRIBUTES static uint32_t sweep_##NAME(uint8_t *bits, uint8_t *age, uint8_t top,          \
						uint32_t n, uint32_t *cleared)                     \
	{                                                                                          \
		typedef uint8_t bytes __attribute__((vector_size(WIDTH)));                         \
		typedef uint64_t words __attribute__((vector_size(WIDTH)));                        \
		uint32_t f = 0, count = 0;                                                         \
                                                                                                   \
		for (; n - f >= (WIDTH); f += (WIDTH)) {                                           \
			bytes b, a, clear;                                                         \
			uint64_t any = 0;                                                          \
                                                                                                   \
			memcpy(&b, bits + f, WIDTH);                                               \
			memcpy(&a, age + f, WIDTH);                                                \
			a = a >> 1 | (-(b & FRAME_REF) & top);                                     \
			clear = (bytes)((b & EVICTABLE_BITS) == FRAME_USED) & b & FRAME_REF;       \
			b ^= clear;                                                                \
			memcpy(age + f, &a, WIDTH);                                                \
			memcpy(bits + f, &b, WIDTH);                                               \
			for (uint32_t w = 0; w < (WIDTH) / 8; w++)                                 \
				any |= ((words)clear)[w];                                          \
			for (uint32_t w = 0; any && w < (WIDTH) / 8; w++)                          \
				for (uint64_t left = ((words)clear)[w]; left; left &= left - 1)    \
					cleared[count++] = f + 8 * w +                             \
							   ((uint32_t)__builtin_ctzll(left) >> 3); \
		}                                                                                  \
		return sweep_bytes(bits, age, top, f, n, cleared, count);                          \
	}

static bool always(void)
{
	return true;
}

static uint32_t sweep_scalar(uint8_t *bits, uint8_t *age, uint8_t top, uint32_t n,
			     uint32_t *cleared)
{
	return sweep_bytes(bits, age, top, 0, n, cleared, 0);
}

/* The widest sweep with the target's own instructions: what AVX-512 computes, on any machine. */
SWEEP(wide, 64, )
SWEEP(base, 16, )

#ifdef __x86_64__
SWEEP(avx512, 64, __attribute__((target("avx512bw"))))
SWEEP(avx2, 32, __attribute__((target("avx2"))))

static bool has_avx512(void)
{
	return __builtin_cpu_supports("avx512bw");
}

static bool has_avx2(void)
{
	return __builtin_cpu_supports("avx2");
}
#endif

const struct frame_age_way frame_age_ways[] = {
#ifdef __x86_64__
	{ "avx512", has_avx512, sweep_avx512 }, { "avx2", has_avx2, sweep_avx2 },
#endif
	{ "base", always, sweep_base },         { "wide", always, sweep_wide },
	{ "scalar", always, sweep_scalar },
};
const uint32_t frame_age_way_count = sizeof(frame_age_ways) / sizeof(frame_age_ways[0]);

void frame_age_all(struct frame_table *t, uint8_t *age, uint8_t top)
{
	const struct frame_age_way *way = frame_age_ways;

	while (!way->supported())
		way++;
	t->cleared_count += way->sweep(t->bits, age, top, t->fresh, t->cleared + t->cleared_count);
}
