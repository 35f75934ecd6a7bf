/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core_age.c - one tick of aging over all frames, every way that this processor has: nanoseconds a thousand frames,
 * medians, when no, a tenth and all of the frames were referenced.
 */
#include "core/frame_age.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define ROUNDS 201
#define FRAMES (1u << 16)

static const uint32_t percents[] = { 0, 10, 100 };

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static uint64_t median_ns(const struct frame_age_way *way, uint8_t *bits, uint8_t *age,
			  uint32_t *cleared, uint32_t percent)
{
	static uint64_t ns[ROUNDS];
	struct rng rng = { 42 };

	for (uint32_t r = 0; r < ROUNDS; r++) {
		for (uint32_t f = 0; f < FRAMES; f++)
			bits[f] = FRAME_USED | (rng_below(&rng, 100) < percent ? FRAME_REF : 0);
		ns[r] = now_ns();
		way->sweep(bits, age, 128, FRAMES, cleared);
		ns[r] = now_ns() - ns[r];
	}
	qsort(ns, ROUNDS, sizeof(ns[0]), by_value);
	return ns[ROUNDS / 2];
}

int main(void)
{
	uint8_t *bits = calloc(FRAMES, 1), *age = calloc(FRAMES, 1);
	uint32_t *cleared = calloc(FRAMES, sizeof(*cleared));

	if (!bits || !age || !cleared)
		return 1;
	printf("aging, %u frames, ns a 1000 frames\n%-8s %10s %10s %10s\n", FRAMES, "way", "0%",
	       "10%", "100%");
	for (uint32_t w = 0; w < frame_age_way_count; w++) {
		if (!frame_age_ways[w].supported()) {
			printf("%-8s not on this processor\n", frame_age_ways[w].name);
			continue;
		}
		printf("%-8s", frame_age_ways[w].name);
		for (uint32_t p = 0; p < 3; p++)
			printf(" %10.1f", (double)median_ns(&frame_age_ways[w], bits, age, cleared,
							    percents[p]) *
						  1000 / FRAMES);
		putchar('\n');
	}
	free(bits);
	free(age);
	free(cleared);
	return 0;
}
