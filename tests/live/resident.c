/* SPDX-License-Identifier: Apache-2.0 */
/*
 * resident.c - how many pages of a range of a process have a frame of their own, as the kernel counts them.
 *
 *   resident PID START END
 *
 * Reads /proc/PID/pagemap; the zero page does not count (known from /proc/kpageflags, which takes root). For a
 * meaningful number the process must be stopped. Prints the number; exit status 1 when it cannot be read.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define PRESENT (1ull << 63)
#define FRAME_MASK ((1ull << 55) - 1)
#define KPF_ZERO_PAGE 24

int main(int argc, char **argv)
{
	unsigned long start, end, count = 0;
	char path[64];
	int map, flags;

	if (argc != 4)
		return fprintf(stderr, "usage: resident PID START END\n"), 2;
	snprintf(path, sizeof(path), "/proc/%d/pagemap", atoi(argv[1]));
	start = strtoul(argv[2], NULL, 0) / 4096;
	end = strtoul(argv[3], NULL, 0) / 4096;
	map = open(path, O_RDONLY);
	flags = open("/proc/kpageflags", O_RDONLY);
	if (map < 0)
		return perror(path), 1;
	for (unsigned long page = start; page < end; page++) {
		uint64_t entry, flag = 0;

		if (pread(map, &entry, 8, (off_t)(page * 8)) != 8)
			return perror(path), 1;
		if (!(entry & PRESENT))
			continue;
		if (flags >= 0 && entry & FRAME_MASK &&
		    pread(flags, &flag, 8, (off_t)((entry & FRAME_MASK) * 8)) != 8)
			flag = 0;
		count += !(flag >> KPF_ZERO_PAGE & 1);
	}
	printf("%lu\n", count);
	return 0;
}
