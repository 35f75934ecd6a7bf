/* SPDX-License-Identifier: Apache-2.0 */
/* sink.c - see sink.h. */
#include "core/trace/sink.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zstd.h>

#define SINK_LEVEL 3 /* of zstd */

static int raw_write(struct sink *s, const uint8_t *data, size_t n)
{
	while (n && !s->err) {
		ssize_t done = write(s->fd, data, n);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0) {
			s->err = -errno;
			break;
		}
		data += done;
		n -= (size_t)done;
	}
	return s->err;
}

static int pack(struct sink *s, const uint8_t *data, size_t n, ZSTD_EndDirective directive)
{
	ZSTD_inBuffer in = { data, n, 0 };
	size_t left;

	do {
		ZSTD_outBuffer out = { s->packed, s->packed_size, 0 };

		left = ZSTD_compressStream2(s->zstd, &out, &in, directive);
		if (ZSTD_isError(left))
			s->err = -EIO;
		else
			raw_write(s, s->packed, out.pos);
	} while (!s->err && (in.pos < in.size || (left && directive != ZSTD_e_continue)));
	return s->err;
}

static int drain(struct sink *s)
{
	size_t n = s->end;

	s->end = 0;
	if (s->err || !n)
		return s->err;
	return s->zstd ? pack(s, s->buffer, n, ZSTD_e_continue) : raw_write(s, s->buffer, n);
}

int sink_open(struct sink *s, const char *path, bool compress)
{
	memset(s, 0, sizeof(*s));
	s->own_fd = strcmp(path, "-") != 0;
	s->fd = s->own_fd ? open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666)
			  : STDOUT_FILENO;
	if (s->fd < 0)
		return -errno;
	s->buffer = malloc(SINK_BUFFER);
	if (compress) {
		s->packed_size = ZSTD_CStreamOutSize();
		s->packed = malloc(s->packed_size);
		s->zstd = ZSTD_createCCtx();
		if (s->zstd) {
			ZSTD_CCtx_setParameter(s->zstd, ZSTD_c_compressionLevel, SINK_LEVEL);
			ZSTD_CCtx_setParameter(s->zstd, ZSTD_c_checksumFlag, 1);
		}
	}
	if (!s->buffer || (compress && (!s->packed || !s->zstd))) {
		s->err = -ENOMEM;
		return sink_close(s);
	}
	return 0;
}

uint8_t *sink_room(struct sink *s, size_t n)
{
	if (s->end + n > SINK_BUFFER)
		drain(s);
	return s->err ? NULL : s->buffer + s->end;
}

int sink_write(struct sink *s, const void *data, size_t n)
{
	const uint8_t *from = data;

	while (n) {
		size_t part = n < SINK_BUFFER ? n : SINK_BUFFER;
		uint8_t *to = sink_room(s, part);

		if (!to)
			return s->err;
		memcpy(to, from, part);
		s->end += part;
		from += part;
		n -= part;
	}
	return s->err;
}

int sink_flush(struct sink *s)
{
	if (!drain(s) && s->zstd)
		pack(s, NULL, 0, ZSTD_e_flush);
	return s->err;
}

int sink_close(struct sink *s)
{
	int err;

	if (s->buffer && !drain(s) && s->zstd)
		pack(s, NULL, 0, ZSTD_e_end);
	ZSTD_freeCCtx(s->zstd);
	free(s->packed);
	free(s->buffer);
	if (s->own_fd && s->fd >= 0 && close(s->fd) && !s->err)
		s->err = -errno;
	err = s->err;
	memset(s, 0, sizeof(*s));
	s->fd = -1;
	s->err = err;
	return err;
}
