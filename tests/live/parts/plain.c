/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plain.c - works on 400 pages of memory and says so; built static or dynamic, it shows whether a program is
 * paged.
 */
#define _GNU_SOURCE
#include "tests/live/churn.h"

int main(int argc, char **argv)
{
	struct block b = churn_make(400);

	printf("plain: %d arguments, uid %d\n", argc, (int)geteuid());
	if (argc > 1)
		sleep((unsigned)atoi(argv[1]));
	return churn_say("plain", churn_walk(&b, 3));
}
