/* SPDX-License-Identifier: Apache-2.0 */
/* writer.c - creating a trace: which format, from its name or as the caller says. */
#include "core/trace/trace_internal.h"

#include <errno.h>
#include <stdlib.h>

static const struct trace_writer_ops *const writers[] = { &writer_text, &writer_vmt, &writer_oracle,
							  &writer_csv };

static bool ends(const char *name, size_t n, const char *ending)
{
	size_t k = strlen(ending);

	return n > k && !memcmp(name + n - k, ending, k);
}

static const struct trace_writer_ops *ops_find(const char *format, const char *path, size_t n)
{
	if (!format)
		return ends(path, n, ".vmt") ? &writer_vmt : &writer_text;
	for (size_t i = 0; i < sizeof(writers) / sizeof(writers[0]); i++)
		if (!strcmp(writers[i]->name, format))
			return writers[i];
	return NULL;
}

int trace_create(struct trace_writer **result, const char *path,
		 const struct trace_write_options *options)
{
	size_t n = strlen(path);
	bool compress = ends(path, n, ".zst");
	const struct trace_writer_ops *ops;
	struct trace_writer *w;
	int err;

	ops = ops_find(options ? options->format : NULL, path, compress ? n - strlen(".zst") : n);
	if (!ops)
		return -EINVAL;
	w = calloc(1, sizeof(*w));
	if (!w)
		return -ENOMEM;
	w->ops = ops;
	w->header.page_shift = TRACE_PAGE_SHIFT;
	if (options)
		w->header = options->header;
	if (!w->header.page_shift)
		w->header.page_shift = TRACE_PAGE_SHIFT;
	err = sink_open(&w->sink, path, compress);
	if (!err && ops->open)
		err = ops->open(w);
	if (err) {
		w->err = err;
		trace_finish(w);
		return err;
	}
	*result = w;
	return 0;
}

static bool mark_ok(const struct trace_record *rec)
{
	size_t n = rec->name ? strlen(rec->name) : 0;

	return n && n <= TRACE_NAME_MAX && !strchr(rec->name, '\n');
}

int trace_write(struct trace_writer *w, const struct trace_record *records, size_t n)
{
	for (size_t i = 0; i < n && !w->err; i++)
		if (records[i].kind >= TRACE_KINDS ||
		    (records[i].kind == TRACE_MARK && !mark_ok(&records[i])))
			w->err = -EINVAL;
	if (!w->err)
		w->err = w->ops->write(w, records, n);
	return w->err;
}

int trace_flush(struct trace_writer *w)
{
	if (!w->err && w->ops->flush)
		w->err = w->ops->flush(w);
	if (!w->err)
		w->err = sink_flush(&w->sink);
	return w->err;
}

int trace_finish(struct trace_writer *w)
{
	int err = w->err, close_err;

	if (!err && w->ops->finish)
		err = w->ops->finish(w);
	if (w->ops->close)
		w->ops->close(w);
	close_err = w->sink.fd >= 0 ? sink_close(&w->sink) : 0;
	free(w);
	return err ? err : close_err;
}

const char *trace_write_problem(const struct trace_writer *w)
{
	return w->problem;
}

uint64_t trace_events_dropped(const struct trace_writer *w)
{
	return w->dropped;
}
