/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* convert: a list of elements to XML and safetensors. */
#include "base/io.h"
#include "frontend/frontend.h"

bool model_write(Context *c, const ElemList *list, const char *path)
{
	TensorList tensors = { 0 };
	IoError e;
	Str text;
	const char *weights = NULL;
	elem_tensors(list, &tensors);
	if (tensors.name.n) {
		weights = path_with_suffix(c->arena, path, ".safetensors");
		if (!safetensors_write(c, weights, tensors.name.n, tensors.name.at,
				       tensors.blob.at))
			return false;
	}
	str_init(&text, c->arena);
	if (!xml_write(c, list, &text, weights ? path_base(weights) : NULL))
		return false;
	return io_write_file(path, str_text(&text), text.n, &e) ||
	       io_report(c->diag, (Loc){ 0 }, path, &e);
}
