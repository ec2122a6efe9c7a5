/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Bringing an ONNX file into memory. Large tensors are mapped, so that they take memory only while
 * they are used; all else is read. Which bytes are a tensor's is found on the way, by the same
 * rules as in onnx_proto.c and on bytes that have been read: they cannot change before the decoder
 * comes to them. Where the bytes make no sense the walk ends and all that follows is read; telling
 * what is wrong is the decoder's. */
#include "frontend/onnx_impl.h"

enum {
	LARGE = 1 << 18,       /* bytes of a tensor that are worth a mapping of their own */
	LONGEST_HEAD = 20,     /* a tag and a length */
	MAX_BYTES = INT32_MAX, /* models above 2 GB keep their tensors outside */
	MAX_NESTING = 4 * ONNX_MAX_DEPTH
};

typedef enum Kind { OTHER, MODEL, GRAPH, NODE, ATTRIBUTE, TENSOR, DATA } Kind;

typedef struct Walk {
	IoMap *map;
	const uint8_t *start;
	size_t n;
	IoError *error;
} Walk;

/* What a counted field of a message is. */
static Kind kind_of(Kind holder, uint32_t field)
{
	static const struct {
		Kind holder;
		uint32_t field;
		Kind kind;
	} row[] = {
		{ MODEL, 7, GRAPH },    { GRAPH, 1, NODE },       { GRAPH, 5, TENSOR },
		{ NODE, 5, ATTRIBUTE }, { ATTRIBUTE, 5, TENSOR }, { ATTRIBUTE, 6, GRAPH },
		{ TENSOR, 4, DATA },    { TENSOR, 9, DATA },      { TENSOR, 10, DATA },
	};
	for (size_t i = 0; i < sizeof row / sizeof row[0]; i++)
		if (row[i].holder == holder && row[i].field == field)
			return row[i].kind;
	return OTHER;
}

/* The tag and length at `at` are there. */
static bool has_head(const Walk *w, const uint8_t *at)
{
	return io_read_to(w->map, (size_t)(at - w->start) + LONGEST_HEAD, w->error);
}

/* Brings what lies before the message and its large tensors; the rest comes with what follows. */
static bool walk(const Walk *w, PbBytes message, Kind kind, int depth)
{
	PbReader r = pb_reader(message);
	PbField f;
	while (r.at < r.end) {
		if (!has_head(w, r.at))
			return false;
		if (!pb_next(&r, &f))
			break;
		if (f.wire != PB_BYTES || f.bytes.n < LARGE)
			continue;
		Kind k = kind_of(kind, f.number);
		size_t begin = (size_t)(f.bytes.at - w->start);
		if (k == DATA && !io_map_to(w->map, begin, begin + f.bytes.n, w->error))
			return false;
		if (k != DATA && k != OTHER && depth < MAX_NESTING &&
		    !walk(w, f.bytes, k, depth + 1))
			return false;
	}
	return true;
}

IoMap *onnx_open(const char *path, IoError *e)
{
	int fd = io_open(path, e);
	IoMap *m = fd >= 0 ? io_piecewise(fd, MAX_BYTES, e) : NULL;
	if (!m)
		return NULL;
	Walk w = { .map = m, .start = io_map_data(m), .n = io_map_size(m), .error = e };
	bool ok = walk(&w, (PbBytes){ .at = w.start, .n = w.n }, MODEL, 0) && io_read_to(m, w.n, e);
	if (ok) {
		io_settle(m);
		return m;
	}
	io_unmap(m);
	return NULL;
}
