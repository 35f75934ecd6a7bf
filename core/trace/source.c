/* SPDX-License-Identifier: Apache-2.0 */
/* source.c - see source.h. */
#include "core/trace/source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#define PACKED_BUFFER (1u << 17)

/* Up to n bytes of the file as it is: their number, 0 at its end, -errno. */
static ssize_t raw_read(struct source *s, uint8_t *to, size_t n)
{
	ssize_t got;

	if (s->fd < 0) {
		n = n < s->memory_left ? n : s->memory_left;
		if (n)
			memcpy(to, s->memory, n);
		s->memory += n;
		s->memory_left -= n;
		got = (ssize_t)n;
	} else {
		do
			got = read(s->fd, to, n);
		while (got < 0 && errno == EINTR);
		if (got < 0)
			return -errno;
	}
	s->done += (uint64_t)got;
	return got;
}

/* Up to n decompressed bytes, 0 at the end. */
static ssize_t unpack(struct source *s, uint8_t *to, size_t n)
{
	ZSTD_outBuffer out = { to, n, 0 };

	while (!out.pos) {
		ZSTD_inBuffer in = { s->packed, s->packed_end, s->packed_pos };
		size_t result;

		if (s->packed_pos == s->packed_end && !s->more_output) {
			ssize_t got = raw_read(s, s->packed, PACKED_BUFFER);

			if (got < 0)
				return got;
			s->packed_pos = 0;
			s->packed_end = (size_t)got;
			if (!got) {
				s->cut = s->in_frame;
				return 0;
			}
			in = (ZSTD_inBuffer){ s->packed, s->packed_end, 0 };
		}
		result = ZSTD_decompressStream(s->zstd, &out, &in);
		if (ZSTD_isError(result))
			return -EBADMSG;
		s->packed_pos = in.pos;
		s->in_frame = result != 0;
		s->more_output = result && out.pos == out.size;
	}
	return (ssize_t)out.pos;
}

static ssize_t source_read(struct source *s, uint8_t *to, size_t n)
{
	return s->zstd ? unpack(s, to, n) : raw_read(s, to, n);
}

/* Room for n bytes from pos on: moves them to the front, or makes the buffer larger. */
static int make_room(struct source *s, size_t n)
{
	size_t left = source_left(s);

	if (s->pos) {
		memmove(s->buffer, s->buffer + s->pos, left);
		s->base += s->pos;
		s->pos = 0;
		s->end = left;
	}
	if (n > s->capacity) {
		size_t capacity = s->capacity;
		uint8_t *buffer;

		while (capacity < n)
			capacity *= 2;
		buffer = realloc(s->buffer, capacity + SOURCE_SLACK);
		if (!buffer)
			return -ENOMEM;
		s->buffer = buffer;
		s->capacity = capacity;
	}
	return 0;
}

int source_need(struct source *s, size_t n)
{
	int err;

	if (source_left(s) >= n || s->eof)
		return 0;
	if (n > SOURCE_BUFFER_MAX)
		return -EFBIG;
	err = make_room(s, n);
	while (!err && source_left(s) < n) {
		ssize_t got = source_read(s, s->buffer + s->end, s->capacity - s->end);

		if (got < 0)
			return (int)got;
		if (!got) {
			s->eof = true;
			break;
		}
		s->end += (size_t)got;
	}
	memset(s->buffer + s->end, 0, SOURCE_SLACK);
	return err;
}

/* Turns to decompression when the first bytes ask for it. */
static int source_start(struct source *s)
{
	static const uint8_t magic[4] = { 0x28, 0xB5, 0x2F, 0xFD };
	size_t left;
	int err;

	s->capacity = SOURCE_BUFFER;
	s->buffer = malloc(s->capacity + SOURCE_SLACK);
	if (!s->buffer)
		return -ENOMEM;
	err = source_need(s, sizeof(magic));
	left = source_left(s);
	if (err || left < sizeof(magic) || memcmp(source_at(s), magic, sizeof(magic)) != 0)
		return err;
	s->packed = malloc(left > PACKED_BUFFER ? left : PACKED_BUFFER);
	s->zstd = ZSTD_createDStream();
	if (!s->packed || !s->zstd)
		return -ENOMEM;
	memcpy(s->packed, s->buffer, left);
	s->packed_end = left;
	s->end = 0;
	s->eof = false;
	return 0;
}

int source_open(struct source *s, const char *path)
{
	struct stat st;
	int err;

	memset(s, 0, sizeof(*s));
	s->own_fd = strcmp(path, "-") != 0;
	s->fd = s->own_fd ? open(path, O_RDONLY | O_CLOEXEC) : STDIN_FILENO;
	if (s->fd < 0)
		return -errno;
	if (!fstat(s->fd, &st) && S_ISREG(st.st_mode)) {
		s->total = (uint64_t)st.st_size;
		(void)posix_fadvise(s->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	}
	err = source_start(s);
	if (err)
		source_close(s);
	return err;
}

int source_open_memory(struct source *s, const void *data, size_t size)
{
	int err;

	memset(s, 0, sizeof(*s));
	s->fd = -1;
	s->memory = data;
	s->memory_left = s->total = size;
	err = source_start(s);
	if (err)
		source_close(s);
	return err;
}

void source_close(struct source *s)
{
	ZSTD_freeDStream(s->zstd);
	free(s->packed);
	free(s->buffer);
	if (s->own_fd && s->fd >= 0)
		close(s->fd);
	memset(s, 0, sizeof(*s));
	s->fd = -1;
}
