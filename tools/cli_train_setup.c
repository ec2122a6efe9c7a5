/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What stands before the first step of burin train: options, the model, the trainer, the columns of
 * the data that its inputs take, and which rows are for what. */
#include "base/io.h"
#include "ir/ops/batchnorm.h"
#include "runtime/model.h"
#include "tools/cli_model.h"
#include "tools/cli_train.h"
#include <stdlib.h>
#include <unistd.h>

static int read_options(Train *t)
{
	Cli *c = t->c;
	Settings *s = &t->set;
	s->data = opt_text(c, OPT_data);
	s->split = opt_given(c, OPT_split) ? opt_text(c, OPT_split) : "60/20/20";
	s->seed = (int64_t)cli_seed(c);
	t->resume = opt_given(c, OPT_resume);
	if (!opt_int(c, OPT_epochs, 1, MAX_EPOCHS, &s->epochs) ||
	    !opt_int(c, OPT_batch, 1, MAX_BATCH, &s->batch) || !opt_real(c, OPT_lr, &s->lr) ||
	    !opt_int(c, OPT_checkpoint_every, 1, INT64_MAX, &t->checkpoint_every))
		return EXIT_USAGE;
	if (!s->batch && opts_get(c->opts, "batch")) /* what --set gave */
		return cli_usage(c, "--batch N: the rows of a step",
				 "--set batch has no effect on a training");
	if (!split_parse(s->split, &t->split))
		return cli_usage(c, "such as 60/20/20", "--split: '%.40s' is not a list of shares",
				 s->split);
	return EXIT_YES;
}

/* The model's own file must lie beside it, as its weights must. */
static int find_data(Train *t)
{
	Cli *c = t->c;
	IoError e;
	const char *own = t->how.data;
	if (t->set.data)
		return EXIT_YES;
	if (!*own)
		return cli_usage(c, "--data FILE.npz, or data=\"FILE.npz\" at <training>",
				 "no training data");
	int fd = io_open_beside(t->model_path, own, &e);
	if (fd < 0)
		return cli_error(c, e.code, NULL, "cannot open '%s': %s", own, e.text);
	close(fd);
	t->set.data = path_join(c->arena, path_folder(c->arena, t->model_path), own);
	return EXIT_YES;
}

static bool is_bound(const ReadOptions *r, const char *name)
{
	for (int i = 0; i < r->bind.n; i++)
		if (str_eq(r->bind.at[i].name, name))
			return true;
	return false;
}

static int fixed_batch(Train *t)
{
	return cli_error(t->c, E5112,
			 "write N where the batch stands in its shape, in place of a number",
			 "the first input of '%s' has no size that is open", t->model_path);
}

/* The elements, with the batch bound; the typed graph is built for it. */
static int open_model(Train *t)
{
	Cli *c = t->c;
	ReadOptions r = { 0 };
	training_start(c, t->set.seed);
	if (train_goes_on(t) && (opt_given(c, OPT_weights) || opt_given(c, OPT_fresh)))
		return cli_usage(c, "begin anew with another --out",
				 "--resume goes on with the weights of the checkpoint");
	if (train_goes_on(t)) /* all of the state is in the checkpoint */
		cli_option(c, "model-weights", "init");
	burin_graph *g = t->graph = calloc(1, sizeof *g);
	if (!g)
		return cli_error(c, E1008, NULL, "out of memory");
	if (!model_open(g, t->model_path, c->opts, &r))
		return cli_diagnostics(c, g->ctx->diag);
	if (!g->list->training)
		return cli_error(c, E2024,
				 "add <training loss=\"...\"> with the loss and an "
				 "optimiser as the last element",
				 "'%s' has no <training> section", t->model_path);
	if (!elem_training(g->ctx, g->list->training, &t->how))
		return cli_diagnostics(c, g->ctx->diag);
	if (!t->set.batch)
		t->set.batch = t->how.batch;
	if (!g->batch_symbol)
		return fixed_batch(t);
	Binding b = { g->batch_symbol, (double)t->set.batch };
	if (!is_bound(&r, g->batch_symbol))
		vec_push(g->arena, &r.bind, b);
	t->diag = g->ctx->diag;
	return model_build(g, &r) ? find_data(t) : cli_diagnostics(c, g->ctx->diag);
}

/* "the weights of FILE (12 parameters); anew, by seed 7: head.weight, head.bias" */
static void tell_start(const Train *t)
{
	enum { SHOWN = 8 };
	const ReadOptions *r = t->graph->read_options;
	const WeightSet *w = weights_are_made(r->weights) ? NULL : t->graph->weights;
	int read = 0, anew = 0;
	Str names;
	str_init(&names, t->c->arena);
	for (int i = 0; i < t->lesson->param.n; i++) {
		const char *name = ATTR_OF(t->lesson->param.at[i], param)->name;
		bool kept =
			w && !param_is_fresh(r, name) && (weights_raw(w) || weights_find(w, name));
		read += kept;
		if (!kept && anew++ < SHOWN)
			str_fmt(&names, anew > 1 ? ", %s" : "%s", name);
	}
	if (!w) {
		cli_note(t->c, "starts from %s", r->weights);
		return;
	}
	const char *rest = anew ? arena_printf(t->c->arena, "; anew, by seed %lld: %s%s",
					       (long long)t->set.seed, str_text(&names),
					       anew > SHOWN ? " ..." : "")
				: "";
	cli_note(t->c, "starts from the weights of %s (%d parameter%s)%s", weights_file(w), read,
		 read == 1 ? "" : "s", rest);
}

static void read_lr(Train *t, const Graph *g)
{
	if (t->set.epochs == 0)
		t->set.epochs = t->how.epochs;
	if (!opt_given(t->c, OPT_lr) && !t->resume)
		t->set.lr = elem_rate(g->optimizer, g->optimizer_attr);
}

static int make_trainer(Train *t)
{
	burin_error e = { .size = sizeof e };
	const burin_port *metric;
	const Graph *g = t->lesson = t->graph->rebuild(t->graph, 0, true);
	if (!g)
		return cli_diagnostics(t->c, t->graph->ctx->diag);
	read_lr(t, g);
	if (!train_goes_on(t))
		tell_start(t);
	if (burin_trainer_new(&t->trainer, t->graph, t->c->opts, NULL, &e) != BURIN_OK)
		return train_failed(t, &e);
	t->n_metrics = (int)burin_trainer_metrics(t->trainer, &metric);
	if (t->n_metrics > MAX_METRICS)
		return cli_error(t->c, E5001, NULL, "more than %d metrics", MAX_METRICS - 1);
	for (int i = 0; i < t->n_metrics; i++)
		t->metric[i] = metric[i].name;
	blame_begin(t);
	return EXIT_YES;
}

static bool is_model_input(const Train *t, const char *name)
{
	const Graph *g = t->graph->graph;
	for (int i = 0; i < g->input.n; i++)
		if (str_eq(g->input.at[i]->name, name))
			return true;
	return false;
}

static int want_columns(Train *t)
{
	const burin_port *port;
	Dataset *d = &t->data;
	d->n_col = (int)burin_trainer_inputs(t->trainer, &port);
	d->col = ARENA_ARRAY(t->c->arena, DataColumn, d->n_col + 1);
	for (int i = 0; i < d->n_col; i++) {
		const Type *all = port_type(t->c, &port[i], 1);
		int axis = 0, rank = 0;
		int64_t dim[MAX_RANK];
		while (all && axis < all->rank && port[i].spec.shape[axis] >= 0)
			axis++;
		if (!all || axis == all->rank)
			return cli_error(t->c, E5112,
					 arena_printf(t->c->arena,
						      "its shape must hold the symbol of the "
						      "batch, %s",
						      t->graph->batch_symbol),
					 "input '%s' has no row for each example", port[i].name);
		for (int k = 0; k < all->rank; k++)
			if (k != axis)
				dim[rank++] = all->dim[k];
		const Type *row = type_get(t->c->ctx, all->dtype, rank, dim);
		d->col[i] = (DataColumn){ .name = port[i].name,
					  .row = row,
					  .axis = axis,
					  .bytes = (size_t)type_bytes(row),
					  .label = row->count == 1 && !dtype_is_float(row->dtype) &&
						   !is_model_input(t, port[i].name),
					  .range = target_range(t->lesson, port[i].name) };
	}
	return EXIT_YES;
}

/* Classes that the model has and no row shows cannot be learned. */
static void warn_of_classes(Train *t)
{
	const DataColumn *l = t->data.label;
	const Rows *rows = &t->split.part[PART_TRAIN];
	if (!l || !l->range.classes || l->range.classes > 1 << 20)
		return;
	bool *seen = ARENA_ARRAY(t->c->arena, bool, l->range.classes);
	int64_t n = 0;
	for (int64_t i = 0; i < rows->n; i++) {
		int64_t v = load_i64(l->row->dtype, l->data, rows->at[i]);
		if (v < 0 || v >= l->range.classes || seen[v])
			continue;
		seen[v] = true;
		n++;
	}
	if (n < l->range.classes)
		cli_warning(t->c,
			    "the rows to train on are of %lld classes, the model has %lld: "
			    "the others cannot be learned",
			    (long long)n, (long long)l->range.classes);
}

static bool has_batchnorm(const Graph *g)
{
	for (int i = 0; i < g->node.n; i++)
		if (g->node.at[i]->op == OP_batchnorm && !batchnorm_is_frozen(g->node.at[i]))
			return true;
	return false;
}

/* A last batch of one row is left out where batch normalisation would have to work with it. */
int train_share_rows(Train *t)
{
	if (!split_parse(t->set.split, &t->split))
		return cli_error(t->c, E6405, NULL, "the split of '%s' is damaged", t->folder);
	split_rows(t->c->arena, &t->data, (uint64_t)t->set.seed, &t->split);
	int64_t n = t->split.part[PART_TRAIN].n, rest = n % t->set.batch;
	bool skip = rest == 1 && n > t->set.batch && has_batchnorm(t->lesson);
	t->steps_per_epoch = n / t->set.batch + (rest > 0 && !skip);
	if (t->steps_per_epoch < 1)
		return cli_error(t->c, E6407, NULL, "no rows of '%s' are left to train on",
				 t->data.path);
	cli_note(t->c, "%lld rows: %lld train, %lld validate, %lld test%s%s", (long long)t->data.n,
		 (long long)n, (long long)t->split.part[PART_VALIDATE].n,
		 (long long)t->split.part[PART_TEST].n, t->data.label ? ", shared out by " : "",
		 t->data.label ? t->data.label->name : "");
	warn_of_classes(t);
	return EXIT_YES;
}

int train_write_classes(Train *t)
{
	Str s;
	IoError e;
	if (!t->data.class_name.n)
		return EXIT_YES;
	str_init(&s, t->c->arena);
	for (int i = 0; i < t->data.class_name.n; i++)
		str_fmt(&s, "%s\n", t->data.class_name.at[i]);
	const char *path = train_file(t, "classes.txt");
	return io_write_file(path, str_text(&s), s.n, &e)
		       ? EXIT_YES
		       : cli_error(t->c, e.code, NULL, "cannot write '%s': %s", path, e.text);
}

int train_set_up(Train *t)
{
	Cli *c = t->c;
	int rc = read_options(t);
	t->folder = opt_text(c, OPT_output_file);
	if (!t->folder) {
		const char *base = path_base(t->model_path);
		t->folder = path_with_suffix(c->arena, base, ".train");
	}
	rc = rc ? rc : train_settings(t);
	rc = rc ? rc : open_model(t);
	rc = rc ? rc : make_trainer(t);
	rc = rc ? rc : want_columns(t);
	return rc ? rc : dataset_read(c, t->set.data, &t->data);
}
