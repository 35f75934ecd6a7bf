/* SPDX-License-Identifier: Apache-2.0 */
/*
 * oracle_write.c - writes libCacheSim's oracleGeneral: 24 bytes a reference, packed, little endian:
 *
 *     u32 time   u64 object   u32 size   i64 number (from 1) of the next reference to the object, -1 when there is none
 *
 * The next reference is known only later, so page ids go to a temporary file (4 bytes a reference), from which a pass
 * backwards makes the next numbers (8 bytes), and a pass forwards the records. Disk: 12 bytes a reference in $TMPDIR, else /tmp;
 * memory: O(pages).
 *
 * The object is the page number; in a trace of several processes, the space's id is in its top 12 bits (the first is 0). Time
 * counts references and stays at its maximum once it is there. Reads and writes are not told apart, events are left out.
 */
#include "core/trace/trace_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#define RECORD_BYTES 24u
#define CHUNK 65536u /* references at a time */
#define SPACE_SHIFT 52u

struct oracle {
	struct page_ids ids;
	int id_file, next_file;
	uint64_t refs;
	uint32_t chunk[CHUNK];
	int64_t next[CHUNK];
	uint32_t n; /* in chunk, not yet in the file */
};

static int temporary_file(void)
{
	const char *dir = getenv("TMPDIR");
	char path[4096];
	int fd;

	if (!dir || !*dir || strlen(dir) > sizeof(path) - 32)
		dir = "/tmp";
	fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd >= 0)
		return fd;
	strcpy(stpcpy(path, dir), "/vmm-trace-XXXXXX");
	fd = mkostemp(path, O_CLOEXEC);
	if (fd < 0)
		return -errno;
	unlink(path);
	return fd;
}

/* All n bytes at `offset`, in or out. */
static int transfer(int fd, void *data, size_t n, uint64_t offset, bool out)
{
	uint8_t *at = data;

	while (n) {
		ssize_t done = out ? pwrite(fd, at, n, (off_t)offset)
				   : pread(fd, at, n, (off_t)offset);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return done ? -errno : -EIO;
		at += done;
		offset += (uint64_t)done;
		n -= (size_t)done;
	}
	return 0;
}

static int oracle_open(struct trace_writer *w)
{
	struct oracle *o = calloc(1, sizeof(*o));

	if (!o)
		return -ENOMEM;
	page_ids_init(&o->ids);
	w->state = o;
	o->next_file = -1;
	o->id_file = temporary_file();
	if (o->id_file < 0)
		return o->id_file;
	o->next_file = temporary_file();
	return o->next_file < 0 ? o->next_file : 0;
}

static int chunk_out(struct oracle *o)
{
	uint64_t offset = (o->refs - o->n) * sizeof(o->chunk[0]);
	int err = transfer(o->id_file, o->chunk, o->n * sizeof(o->chunk[0]), offset, true);

	o->n = 0;
	return err;
}

static int oracle_write(struct trace_writer *w, const struct trace_record *rec, size_t n)
{
	struct oracle *o = w->state;
	uint32_t space, id;
	int err;

	for (; n; n--, rec++) {
		if (!trace_is_ref(rec)) {
			if (rec->kind == TRACE_EXIT)
				page_ids_space_close(&o->ids, rec->pid);
			w->dropped++;
			continue;
		}
		err = page_ids_space(&o->ids, rec->pid, &space);
		if (!err)
			err = page_ids_get(&o->ids, space, rec->vpn, &id, NULL);
		if (err)
			return err;
		if (space && (space >= 1u << (64 - SPACE_SHIFT) || rec->vpn >> SPACE_SHIFT)) {
			w->problem = "more than 4096 processes, or page numbers above 52 bits with "
				     "several processes, do not fit into object ids";
			return -ERANGE;
		}
		o->chunk[o->n++] = id;
		o->refs++;
		err = o->n == CHUNK ? chunk_out(o) : 0;
		if (err)
			return err;
	}
	return 0;
}

/* From the last reference to the first: the number of the next one to the same page. */
static int next_pass(struct oracle *o)
{
	int64_t *seen = malloc(((size_t)o->ids.count + 1) * sizeof(*seen));
	uint64_t end = o->refs;
	int err = seen ? 0 : -ENOMEM;

	for (uint32_t i = 0; i < o->ids.count && !err; i++)
		seen[i] = -1;
	while (end && !err) {
		uint64_t first = (end - 1) / CHUNK * CHUNK;
		uint32_t n = (uint32_t)(end - first);

		err = transfer(o->id_file, o->chunk, n * sizeof(o->chunk[0]),
			       first * sizeof(o->chunk[0]), false);
		for (uint32_t i = n; i-- && !err;) {
			o->next[i] = seen[o->chunk[i]];
			seen[o->chunk[i]] = (int64_t)(first + i + 1);
		}
		if (!err)
			err = transfer(o->next_file, o->next, n * sizeof(o->next[0]),
				       first * sizeof(o->next[0]), true);
		end = first;
	}
	free(seen);
	return err;
}

static int record_out(struct trace_writer *w, uint64_t index, uint32_t id, int64_t next)
{
	const struct oracle *o = w->state;
	uint64_t object = o->ids.vpns[id] | (uint64_t)o->ids.spaces[id] << SPACE_SHIFT;
	uint32_t time = index < UINT32_MAX ? (uint32_t)index : UINT32_MAX;
	uint32_t size = 1u << w->header.page_shift;
	uint8_t *to = sink_room(&w->sink, RECORD_BYTES);

	if (!to)
		return w->sink.err;
	memcpy(to, &time, 4);
	memcpy(to + 4, &object, 8);
	memcpy(to + 12, &size, 4);
	memcpy(to + 16, &next, 8);
	w->sink.end += RECORD_BYTES;
	return 0;
}

static int oracle_finish(struct trace_writer *w)
{
	struct oracle *o = w->state;
	int err = chunk_out(o);

	if (!err)
		err = next_pass(o);
	for (uint64_t first = 0; first < o->refs && !err; first += CHUNK) {
		uint32_t n = o->refs - first < CHUNK ? (uint32_t)(o->refs - first) : CHUNK;

		err = transfer(o->id_file, o->chunk, n * sizeof(o->chunk[0]),
			       first * sizeof(o->chunk[0]), false);
		if (!err)
			err = transfer(o->next_file, o->next, n * sizeof(o->next[0]),
				       first * sizeof(o->next[0]), false);
		for (uint32_t i = 0; i < n && !err; i++)
			err = record_out(w, first + i, o->chunk[i], o->next[i]);
	}
	return err;
}

static void oracle_close(struct trace_writer *w)
{
	struct oracle *o = w->state;

	if (!o)
		return;
	page_ids_destroy(&o->ids);
	if (o->id_file >= 0)
		close(o->id_file);
	if (o->next_file >= 0)
		close(o->next_file);
	free(o);
}

const struct trace_writer_ops writer_oracle = {
	.name = "oracle",
	.open = oracle_open,
	.write = oracle_write,
	.finish = oracle_finish,
	.close = oracle_close,
};
