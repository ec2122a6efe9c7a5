/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* convert: a list of elements to XML and safetensors. */
#include "base/io.h"
#include "frontend/frontend.h"

bool model_write(Context *c, const ElemList *list, const char *path)
{
	TensorList tensors = { 0 };
	IoError e;
	Str text;
	int failed, n = 1;
	const char *weights = path_with_suffix(c->arena, path, ".safetensors");
	const char *const name[] = { path, weights };
	elem_tensors(list, &tensors);
	str_init(&text, c->arena);
	if (!xml_write(c, list, &text, tensors.name.n ? path_base(weights) : NULL))
		return false;
	io_sweep(path);
	IoWriter *w[2] = { io_create(path, &e) };
	if (!w[0])
		return io_report(c->diag, (Loc){ 0 }, path, &e);
	io_write(w[0], str_text(&text), text.n);
	if (tensors.name.n)
		w[n++] = safetensors_create(c, weights, tensors.name.n, tensors.name.at,
					    tensors.blob.at);
	if (!w[n - 1]) {
		io_abort(w[0]);
		return false;
	}
	return io_commit_all(w, n, &failed, &e) || io_report(c->diag, (Loc){ 0 }, name[failed], &e);
}
