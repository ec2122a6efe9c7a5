/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* burin check: everything that can be said about a model without its weights. */
#include "tools/cli_model.h"
#include "tools/cli_graph.h"

/* The other graph of the file: the inference graph was fine. */
static int check_training(Cli *c, burin_graph *g)
{
	if (!g->list->training)
		return EXIT_YES;
	const Graph *t = g->rebuild(g, 0, true);
	if (!t)
		return cli_diagnostics(c, g->ctx->diag);
	graph_training_json(c, g, t);
	return EXIT_YES;
}

static int check_file(Cli *c, const char *path)
{
	burin_graph *g;
	json_put_object(&c->json);
	json_key_text(c, "file", path);
	int rc = model_read(c, path, NULL, &g);
	if (rc == EXIT_YES)
		rc = check_training(c, g);
	json_key_bool(c, "ok", rc == EXIT_YES);
	if (rc == EXIT_YES) {
		GraphSummary s = graph_summary(c->arena, g);
		cli_diagnostics(c, g->ctx->diag);
		cli_print(c, "%s: ok  %d elements, %s parameters  %s%s\n", path, s.elements,
			  text_count(c->arena, (double)s.parameters),
			  ports_text(c->arena, g->graph),
			  g->list->training ? ", and training" : "");
		graph_summary_json(c, g, &s);
	}
	json_end(&c->json);
	burin_graph_free(g);
	return rc;
}

int verb_check(Cli *c)
{
	int rc = EXIT_YES;
	shapes_alone(c);
	json_key_array(c, "files");
	for (int i = 0; i < c->arg.n; i++) {
		int one = check_file(c, c->arg.at[i]);
		rc = rc ? rc : one;
	}
	json_end(&c->json);
	return rc;
}
