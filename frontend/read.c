/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A model from its file: the suffix says what it is, and its content must agree. The weight file is
 * opened here too: one that the model names lies beside the model; one that the user names is taken
 * as it is, and then constants of the model itself still lie where they lay. */
#include "base/io.h"
#include "frontend/onnx_proto.h"
#include "frontend/weights.h"
#include "frontend/xml_tree.h"

static ElemList *read_xml(Context *c, Arena *arena, const char *path, const ReadOptions *o,
			  WeightSet **weights)
{
	IoError e;
	IoText text;
	Loc here = { .file = path };
	if (!io_read(path, arena, XML_MAX_BYTES, &text, &e)) {
		io_report(c->diag, here, path, &e);
		return NULL;
	}
	ElemList *list = xml_read(c, arena, path, text.at, text.n);
	if (!list || o->weights || !list->weights || o->shapes_only)
		return list;
	*weights = weights_open_beside(c, arena, path, list->weights, list->weights_loc);
	return *weights ? list : NULL;
}

static ElemList *read_onnx(Context *c, Arena *arena, const char *path, WeightSet **weights)
{
	IoError e;
	IoMap *m = onnx_open(path, &e);
	if (!m) {
		io_report(c->diag, (Loc){ .file = path }, path, &e);
		return NULL;
	}
	ElemList *list = onnx_read(c, arena, path, io_map_data(m), io_map_size(m), weights);
	if (list)
		weights_keep(*weights, m);
	else
		io_unmap(m);
	return list;
}

static bool holds(const char *data, size_t n, const char *word)
{
	return memmem(data, n, word, strlen(word)) != NULL;
}

/* An archive with a pickle, as torch.save and torch.jit.save write it: named at its beginning and in
 * the directory at its end. */
static bool is_pytorch(const char *data, size_t n)
{
	enum { NAMES = 1 << 16 };
	size_t part = n < NAMES ? n : NAMES;
	return n > 4 && memcmp(data, "PK\3\4", 4) == 0 &&
	       (holds(data, part, "data.pkl") || holds(data + n - part, part, "data.pkl"));
}

static void report_kind(Context *c, const char *path)
{
	IoError e;
	Loc loc = { .file = path };
	IoMap *m = io_map(path, &e);
	if (!m) {
		io_report(c->diag, loc, path, &e);
		return;
	}
	if (is_pytorch(io_map_data(m), io_map_size(m))) {
		diag_error(c->diag, loc, E3106, "this is a file of PyTorch, which is not read");
		diag_hint(c->diag, "export the model to ONNX: torch.onnx.export(model, inputs, "
				   "\"m.onnx\")");
	} else {
		diag_error(c->diag, loc, E1007, "'%.200s' is not a file of a model", path);
		diag_hint(c->diag, "models are read from .xml and .onnx");
	}
	io_unmap(m);
}

ElemList *read_elements(Context *c, Arena *arena, const char *path, const ReadOptions *o,
			WeightSet **weights)
{
	ElemList *list;
	path = sym(c, path);
	*weights = NULL;
	if (str_ends(path, ".onnx")) {
		list = read_onnx(c, arena, path, weights);
	} else if (str_ends(path, ".xml")) {
		list = read_xml(c, arena, path, o, weights);
	} else {
		report_kind(c, path);
		return NULL;
	}
	if (!list || !o->weights || weights_are_made(o->weights) || o->shapes_only)
		return list;
	WeightSet *own = *weights;
	*weights = weights_open(c, arena, o->weights, (Loc){ .file = o->weights });
	if (*weights && own)
		weights_inherit(*weights, own);
	weights_close(own);
	return *weights ? list : NULL;
}
