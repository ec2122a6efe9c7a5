/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A model from its file: the suffix says what it is, and its content must agree. The weight file is
 * opened here too: one that the model names lies beside the model; one that the user names is taken
 * as it is, and then constants of the model itself still lie where they lay. */
#include "base/io.h"
#include "frontend/onnx_proto.h"
#include "frontend/weights.h"
#include "frontend/xml_tree.h"
#include <unistd.h>

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
		IoError e;
		int fd = io_open(path, &e);
		if (fd < 0) {
			io_report(c->diag, (Loc){ .file = path }, path, &e);
			return NULL;
		}
		close(fd);
		diag_error(c->diag, (Loc){ .file = path }, E1007,
			   "'%.200s' is not a file of a model", path);
		diag_hint(c->diag, "models are read from .xml and .onnx");
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
