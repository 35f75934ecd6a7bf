/* SPDX-License-Identifier: Apache-2.0 */
/* mine.c - a preload of the user's own: says on stderr that it is there. */
#include <unistd.h>

__attribute__((constructor)) static void begin(void)
{
	static const char text[] = "mine.c was here\n";

	if (write(2, text, sizeof(text) - 1) < 0)
		_exit(99);
}
