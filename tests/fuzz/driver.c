/* SPDX-License-Identifier: Apache-2.0 */
/*
 * driver.c - main() of a fuzz target for compilers that bring none (afl-gcc): runs it once, over the files named, or over
 * stdin.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define INPUT_MAX (1u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int run(FILE *f)
{
	uint8_t *data = malloc(INPUT_MAX);
	size_t n;

	if (!f || !data) {
		free(data);
		return 1;
	}
	n = fread(data, 1, INPUT_MAX, f);
	data = realloc(data, n + 1); /* so that a sanitizer sees the end */
	LLVMFuzzerTestOneInput(data, n);
	free(data);
	return 0;
}

int main(int argc, char **argv)
{
	int status = 0;

	if (argc < 2)
		return run(stdin);
	for (int i = 1; i < argc; i++) {
		FILE *f = fopen(argv[i], "re");

		status |= run(f);
		if (f)
			fclose(f);
	}
	return status;
}
