/* SPDX-License-Identifier: Apache-2.0 */
/* edit_distance.c - see edit_distance.h. */
#include "core/edit_distance.h"

#include <string.h>

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

uint32_t edit_distance(const char *a, const char *b)
{
	uint32_t d[EDIT_WORD_MAX + 1][EDIT_WORD_MAX + 1];
	uint32_t m = (uint32_t)strnlen(a, EDIT_WORD_MAX), n = (uint32_t)strnlen(b, EDIT_WORD_MAX);

	for (uint32_t i = 0; i <= m; i++)
		for (uint32_t j = 0; j <= n; j++) {
			uint32_t best;

			if (!i || !j) {
				d[i][j] = i + j;
				continue;
			}
			best = d[i - 1][j - 1] + (lower(a[i - 1]) != lower(b[j - 1]));
			if (d[i - 1][j] + 1 < best)
				best = d[i - 1][j] + 1;
			if (d[i][j - 1] + 1 < best)
				best = d[i][j - 1] + 1;
			if (i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) &&
			    lower(a[i - 2]) == lower(b[j - 1]) && d[i - 2][j - 2] + 1 < best)
				best = d[i - 2][j - 2] + 1;
			d[i][j] = best;
		}
	return d[m][n];
}
