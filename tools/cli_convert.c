/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* burin convert: a model as XML with its tensors beside it. The elements are written as they were
 * read, so symbolic sizes stay symbols. */
#include "base/io.h"
#include "base/oom.h"
#include "tools/cli_model.h"
#include <stdlib.h>
#include <string.h>

static int write_model(Cli *c, burin_graph *g, const char *path)
{
	int rc = options_had_effect(c, NULL);
	if (rc)
		return rc;
	cli_hold_interrupts();
	if (!model_write(g->ctx, g->list, path))
		return cli_diagnostics(c, g->ctx->diag);
	TensorList tensors = { 0 };
	elem_tensors(g->list, &tensors);
	const char *weights =
		tensors.name.n ? path_with_suffix(c->arena, path, ".safetensors") : NULL;
	json_key_text(c, "wrote", path);
	if (weights)
		json_key_text(c, "weights", weights);
	json_key_int(c, "elements", g->list->elem.n);
	json_key_int(c, "tensors", tensors.name.n);
	cli_print(c, "wrote     %s%s%s  %d elements, %d tensors\n", path, weights ? " " : "",
		  weights ? weights : "", g->list->elem.n, tensors.name.n);
	return cli_diagnostics(c, g->ctx->diag);
}

int verb_convert(Cli *c)
{
	const char *in = c->arg.at[0], *out = opt_text(c, OPT_output_file);
	ReadOptions r = { 0 };
	if (!out)
		return cli_usage(c, "-o OUT.xml says where the model goes", "no output file");
	if (!str_ends(out, ".xml"))
		return cli_usage(c, "models are written as .xml", "unknown kind of output: %.200s",
				 out);
	if (str_eq(in, out))
		return cli_usage(c, NULL, "input and output are the same file");
	burin_graph *g = mem_alloc(sizeof *g);
	int rc = model_open(g, in, NULL, &r) && elem_check(g->ctx, g->list)
			 ? write_model(c, g, out)
			 : cli_diagnostics(c, g->ctx->diag);
	burin_graph_free(g);
	return rc;
}
