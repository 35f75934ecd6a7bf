/* SPDX-License-Identifier: Apache-2.0 */
/*
 * msg.c - what the pager has to say. It never writes to a descriptor that the program may hold (H14): lines go into the shared
 * result and the front prints them.
 */
#include "pager/pager.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

void msg(struct pager *p, const char *fmt, ...)
{
	char *out = p->result->messages;
	size_t used = strlen(out);
	va_list ap;
	int n;

	if (used + 256 > RUN_MESSAGE_BYTES)
		return;
	va_start(ap, fmt);
	n = vsnprintf(out + used, 250, fmt, ap);
	va_end(ap);
	used += n < 250 ? (size_t)n : 249;
	out[used] = '\n';
	out[used + 1] = 0;
}

void fatal(struct pager *p, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(p->result->fatal, sizeof(p->result->fatal), fmt, ap);
	va_end(ap);
	_exit(1); /* the guardian kills every process of the run; no userfaultfd closes before */
}
