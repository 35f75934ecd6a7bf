/* SPDX-License-Identifier: Apache-2.0 */
/*
 * windowed.c - what a window leaves of a full log of accesses, said without the core: lines as `vmm trace cat` writes them.
 *
 *   windowed WINDOW BATCH < LOG
 *
 * The log has lines "<pid> <R|W> <0xADDRESS>" of one thread. A page that is not inside enters (R or W). When more than WINDOW are
 * inside, those leave that entered first (L, in the order of their addresses): as many as are too many, and at least BATCH, but
 * no more than a quarter of WINDOW; never the one that has just entered. The first write to a page since it entered is a W too.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#define PAGES 65536u
#define PAGE 4096u

static uint64_t
	first; /* page number of the lowest page, less a margin: all lie in PAGES pages from here */
static bool inside[PAGES], written[PAGES];
static uint32_t fifo[PAGES], head, count;

static int ascending(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static void leave(uint32_t n)
{
	uint32_t gone[PAGES];

	for (uint32_t i = 0; i < n; i++, head++, count--)
		gone[i] = fifo[head % PAGES];
	qsort(gone, n, sizeof(gone[0]), ascending);
	for (uint32_t i = 0; i < n; i++) {
		inside[gone[i]] = false;
		printf("L 0x%" PRIx64 "\n", (first + gone[i]) * PAGE);
	}
}

static void touch(uint32_t page, bool write, uint32_t window, uint32_t batch)
{
	uint32_t over, part = window / 4 ? window / 4 : 1;

	if (!inside[page] || (write && !written[page]))
		printf("%c 0x%" PRIx64 "\n", write ? 'W' : 'R', (first + page) * PAGE);
	if (inside[page]) {
		written[page] |= write;
		return;
	}
	inside[page] = true;
	written[page] = write;
	fifo[(head + count++) % PAGES] = page;
	if (count <= window)
		return;
	over = count - window;
	part = batch < part ? batch : part;
	leave(over > part ? over : part);
}

int main(int argc, char **argv)
{
	uint32_t window, batch;
	uint64_t address;
	unsigned pid;
	char kind;

	if (argc != 3)
		return fprintf(stderr, "usage: windowed WINDOW BATCH < LOG\n"), 2;
	window = (uint32_t)strtoul(argv[1], NULL, 0);
	batch = (uint32_t)strtoul(argv[2], NULL, 0);
	while (scanf("%u %c %" SCNx64, &pid, &kind, &address) == 3) {
		uint64_t page = address / PAGE;

		if (!first)
			first = page - PAGES / 2;
		if (page - first >= PAGES)
			return fprintf(stderr, "windowed: pages are too far apart\n"), 1;
		touch((uint32_t)(page - first), kind == 'W', window, batch);
	}
	return 0;
}
