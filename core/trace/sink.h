/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sink.h - where the bytes of a trace go: a file or stdout, compressed when asked.
 *
 * sink_room() gives room for n bytes, which the caller fills and takes with `end += used`. An error stays: every later call
 * returns it again, so writers may look at it once at the end.
 */
#ifndef VMM_TRACE_SINK_H
#define VMM_TRACE_SINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SINK_BUFFER (1u << 18)

struct sink {
	int fd;
	bool own_fd;
	int err;
	uint8_t *buffer;
	size_t end;
	void *zstd; /* ZSTD_CCtx, NULL when not compressed */
	uint8_t *packed;
	size_t packed_size;
};

/* path "-": stdout. 0 or -errno. */
int sink_open(struct sink *s, const char *path, bool compress);
/* n <= SINK_BUFFER. NULL after an error. */
uint8_t *sink_room(struct sink *s, size_t n);
int sink_write(struct sink *s, const void *data, size_t n);
int sink_flush(struct sink *s);
int sink_close(struct sink *s); /* completes; 0 or the first error */

#endif
