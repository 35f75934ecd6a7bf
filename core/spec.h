/* SPDX-License-Identifier: Apache-2.0 */
/* spec.h - the pieces of specifications such as "l1=64x4,policy=lru": numbers, and words of which one must be chosen. */
#ifndef VMM_SPEC_H
#define VMM_SPEC_H

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

/* An option that is given and is not "off". */
static inline bool spec_wanted(const char *option)
{
	return option && strcasecmp(option, "off") != 0;
}

/* A decimal number in [1, max] that begins at *at; *at moves behind it. 0, -EINVAL. */
static inline int spec_number(const char **at, uint32_t max, uint32_t *out)
{
	uint64_t n = 0;

	if (!isdigit((unsigned char)**at))
		return -EINVAL;
	for (; isdigit((unsigned char)**at); ++*at) {
		n = n * 10 + (uint64_t)(**at - '0');
		if (n > max)
			return -EINVAL;
	}
	*out = (uint32_t)n;
	return n ? 0 : -EINVAL;
}

/* Which of the names (NULL-terminated) is [at, end)? Case does not matter. -EINVAL: none. */
static inline int spec_choice(const char *const names[], const char *at, const char *end)
{
	size_t length = (size_t)(end - at);

	for (int i = 0; names[i]; i++)
		if (strlen(names[i]) == length && !strncasecmp(names[i], at, length))
			return i;
	return -EINVAL;
}

#endif
