/* SPDX-License-Identifier: Apache-2.0 */
/* output.h - files that vmm writes: a regular file changes in one step or not at all; "-" is stdout. */
#ifndef CLI_OUTPUT_H
#define CLI_OUTPUT_H

#include <stdbool.h>
#include <stdio.h>

/* Writes the content; 0 or -errno. Errors of the stream itself need not be looked at. */
typedef int (*output_fn)(FILE *file, const void *arg);

/* 0, or -errno. */
int output_write(const char *path, output_fn write, const void *arg);

/* Complains when err, the result of writing `what` ("report") to path, is not 0. Returns it. */
int output_written(const char *path, const char *what, int err);

/* Is it "-"? NULL: no. */
bool output_is_stdout(const char *path);

/* Would output_write be able to make the file? 0, or -errno; nothing is written. */
int output_probe(const char *path);

#endif
