/* SPDX-License-Identifier: Apache-2.0 */
/*
 * source.h - the bytes of a trace: a file, stdin or memory, decompressed when they begin with zstd's magic number.
 *
 * A source shows a window of contiguous bytes [pos, end) of its buffer. SOURCE_SLACK bytes after `end` may be read (they mean
 * nothing), so that decoders load whole words, and one may be written.
 */
#ifndef VMM_TRACE_SOURCE_H
#define VMM_TRACE_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define SOURCE_SLACK 64u
#define SOURCE_BUFFER (1u << 18)      /* bytes to begin with */
#define SOURCE_BUFFER_MAX (64u << 20) /* a source_need beyond it fails */

struct source {
	int fd; /* -1: memory */
	bool own_fd;
	const uint8_t *memory; /* what is left of it */
	size_t memory_left;

	uint8_t *buffer;
	size_t capacity, pos, end;
	uint64_t base; /* offset of buffer[0] in the decompressed bytes */
	bool eof;      /* nothing comes after end */
	bool cut;      /* the compressed file ends in the middle of a frame */

	void *zstd; /* ZSTD_DStream, NULL when not compressed */
	uint8_t *packed;
	size_t packed_pos, packed_end;
	bool in_frame, more_output; /* the last call filled all the room it had */

	uint64_t done, total; /* bytes of the file: consumed, in all (0: unknown) */
};

/* path "-": stdin. 0 or -errno. */
int source_open(struct source *s, const char *path);
int source_open_memory(struct source *s, const void *data, size_t size);
void source_close(struct source *s);

/*
 * Makes at least n bytes visible at pos, fewer only at the end of the file: 0 or -errno (-EBADMSG: the compression is
 * broken, -EFBIG: n is beyond SOURCE_BUFFER_MAX). More than n may come.
 */
int source_need(struct source *s, size_t n);

static inline size_t source_left(const struct source *s)
{
	return s->end - s->pos;
}

static inline uint8_t *source_at(const struct source *s)
{
	return s->buffer + s->pos;
}

static inline uint64_t source_offset(const struct source *s)
{
	return s->base + s->pos;
}

#endif
