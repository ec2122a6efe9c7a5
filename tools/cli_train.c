/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* burin train: the loop over epochs and steps, and what is around it. Where the training stands is
 * a Position; everything that a step depends on besides the state is a function of it (order of the
 * rows, learning rate), so a training that goes on from a checkpoint takes the same steps. */
#include "tools/cli_train.h"
#include "ir/schedule.h"
#include "runtime/model.h"
#include <math.h>

/* --- batches ---------------------------------------------------------------------------------- */

void batch_create(const Train *t, int64_t rows, Batch *b)
{
	Arena *a = t->c->arena;
	b->n = t->data.n_col;
	b->in = ARENA_ARRAY(a, burin_tensor, b->n + 1);
	b->data = ARENA_ARRAY(a, char *, b->n + 1);
	for (int i = 0; i < b->n; i++) {
		const DataColumn *col = &t->data.col[i];
		const DlType *d = &dl_types[col->row->dtype];
		burin_tensor *in = &b->in[i];
		b->data[i] = arena_alloc(a, (size_t)rows * col->bytes + 64);
		in->data = b->data[i];
		in->device.type = 1;
		in->dtype.code = d->code;
		in->dtype.bits = d->bits;
		in->dtype.lanes = 1;
		in->ndim = col->row->rank + 1;
		in->shape = ARENA_ARRAY(a, int64_t, MAX_RANK + 1);
		for (int k = 0; k < col->row->rank; k++)
			in->shape[k + (k >= col->axis)] = col->row->dim[k];
	}
}

/* Rows lie one after the other in the data, in the input where the batch's axis has them. */
static void put_row(const DataColumn *col, char *to, int64_t k, int64_t n, int64_t row)
{
	int64_t parts = 1;
	for (int d = 0; d < col->axis; d++)
		parts *= col->row->dim[d];
	if (!parts)
		return;
	size_t bytes = col->bytes / (size_t)parts;
	const char *from = col->data + (size_t)row * col->bytes;
	for (int64_t i = 0; i < parts; i++)
		memcpy(to + (size_t)(i * n + k) * bytes, from + (size_t)i * bytes, bytes);
}

void batch_fill(const Train *t, Batch *b, const int64_t *row, int64_t n)
{
	for (int i = 0; i < b->n; i++) {
		const DataColumn *col = &t->data.col[i];
		b->in[i].shape[col->axis] = n;
		for (int64_t k = 0; k < n; k++)
			put_row(col, b->data[i], k, n, row[k]);
	}
}

/* --- means ------------------------------------------------------------------------------------ */

/* What the loss of a batch of n rows is a mean of. */
static double counted(const Train *t, const Batch *b, int64_t n)
{
	for (int i = 0; i < b->n; i++) {
		const DataColumn *col = &t->data.col[i];
		int64_t count = 0;
		if (!col->range.of_loss)
			continue;
		for (int64_t k = 0; k < n * col->row->count; k++)
			count += load_i64(col->row->dtype, b->data[i], k) != col->range.ignored;
		return (double)count;
	}
	return (double)n;
}

static void means_add(const Train *t, Means *m, const Batch *b, int64_t n, const double *metrics)
{
	double weight = counted(t, b, n);
	for (int i = 0; i < t->n_metrics; i++)
		m->sum[i] += metrics[i] * (i ? (double)n : weight);
	m->rows += (double)n;
	m->counted += weight;
}

static void means_take(const Train *t, const Means *m, double out[MAX_METRICS])
{
	for (int i = 0; i < t->n_metrics; i++) {
		double over = i ? m->rows : m->counted;
		out[i] = over > 0 ? m->sum[i] / over : 0;
	}
}

int train_failed(Train *t, const burin_error *e)
{
	Diag *d = t->graph->ctx->diag;
	return diag_errors(d) ? cli_diagnostics(t->c, d) : cli_runtime_error(t->c, e);
}

/* --- validation and test ---------------------------------------------------------------------- */

/* Rows at a time: many, but not more than some megabytes of input. */
static int64_t evaluation_rows(const Train *t)
{
	enum { MOST = 512, BYTES = 16 << 20 };
	size_t bytes = 1;
	for (int i = 0; i < t->data.n_col; i++)
		bytes += t->data.col[i].bytes;
	int64_t rows = (int64_t)(BYTES / bytes);
	rows = rows > MOST ? MOST : rows;
	return rows < t->set.batch ? t->set.batch : rows;
}

/* The mean of each metric over the part, in pieces of nearly equal size: at most two sizes are
 * compiled. */
static int evaluate(Train *t, int part, double out[MAX_METRICS])
{
	const Rows *rows = &t->split.part[part];
	int64_t most = evaluation_rows(t), pieces = (rows->n + most - 1) / most, at = 0;
	double metrics[MAX_METRICS];
	Means means = { 0 };
	burin_error e = { .size = sizeof e };
	ArenaMark mark = arena_mark(t->c->arena);
	Batch b;
	batch_create(t, most, &b);
	for (int64_t p = 0; p < pieces; p++) {
		int64_t n = rows->n / pieces + (p < rows->n % pieces);
		batch_fill(t, &b, rows->at + at, n);
		if (burin_eval_step(t->trainer, b.in, (size_t)b.n, metrics, (size_t)t->n_metrics,
				    &e) != BURIN_OK)
			return train_failed(t, &e);
		if (!isfinite(metrics[0]))
			return blame_validation(t, &b, metrics[0]);
		means_add(t, &means, &b, n, metrics);
		at += n;
	}
	means_take(t, &means, out);
	arena_release(t->c->arena, mark);
	return EXIT_YES;
}

/* --- one epoch -------------------------------------------------------------------------------- */

double train_rate(const Train *t, int64_t step)
{
	ScheduleSpan span = { t->steps_per_epoch, t->set.epochs };
	return schedule_rate(&t->how, t->set.lr, step, span);
}

static int64_t rows_of_batch(const Train *t, int64_t batch)
{
	int64_t n = t->split.part[PART_TRAIN].n, from = batch * t->set.batch;
	return n - from < t->set.batch ? n - from : t->set.batch;
}

burin_status train_batch(Train *t, Batch *b, const int64_t *order, int64_t batch, int64_t step,
			 double *metrics, burin_error *e)
{
	batch_fill(t, b, order + batch * t->set.batch, rows_of_batch(t, batch));
	return burin_train_step(t->trainer, train_rate(t, step), b->in, (size_t)b->n, metrics,
				(size_t)t->n_metrics, e);
}

static bool checkpoint_is_due(const Train *t, int64_t step)
{
	return t->checkpoint_every && step % t->checkpoint_every == 0;
}

/* Is the state written after the step under way? Whether to stop is asked once for each step: what
 * is written was looked at. */
static bool saves(Train *t)
{
	t->stops = cli_interrupted();
	return t->stops || t->at.batch + 1 == t->steps_per_epoch ||
	       checkpoint_is_due(t, t->at.step + 1);
}

static int train_step(Train *t, Batch *b, const int64_t *order)
{
	double metrics[MAX_METRICS];
	burin_error e = { .size = sizeof e };
	int64_t n = rows_of_batch(t, t->at.batch);
	blame_keep(t);
	if (train_batch(t, b, order, t->at.batch, t->at.step, metrics, &e) != BURIN_OK)
		return train_failed(t, &e);
	if (!isfinite(metrics[0]) || (saves(t) && !blame_finite(t)))
		return blame_step(t, b, order, metrics[0]);
	means_add(t, &t->at.means, b, n, metrics);
	t->at.batch++;
	t->at.step++;
	t->done_rows += n;
	log_step(t, metrics, train_rate(t, t->at.step - 1));
	return EXIT_YES;
}

static int train_steps(Train *t)
{
	ArenaMark mark = arena_mark(t->c->arena);
	const Rows *rows = &t->split.part[PART_TRAIN];
	int64_t *order = ARENA_ARRAY(t->c->arena, int64_t, rows->n + 1);
	Batch b;
	int rc = EXIT_YES;
	shuffle_rows(t->c->arena, rows, (uint64_t)t->set.seed, t->at.epoch, order);
	batch_create(t, t->set.batch, &b);
	while (t->at.batch < t->steps_per_epoch && !rc) {
		rc = train_step(t, &b, order);
		if (rc == EXIT_YES && (t->stops || checkpoint_is_due(t, t->at.step)))
			rc = train_checkpoint(t);
		if (rc == EXIT_YES && t->stops)
			rc = EXIT_INTERRUPTED;
	}
	if (rc == EXIT_YES) /* else what was reported lives there */
		arena_release(t->c->arena, mark);
	return rc;
}

/* Is this epoch the best so far? Without rows to validate on every epoch is. */
static bool improves(const Train *t, const EpochRow *row)
{
	if (!t->split.part[PART_VALIDATE].n || !t->at.best_epoch)
		return true;
	return row->validate[0] < t->at.best - t->how.min_delta;
}

static int end_epoch(Train *t)
{
	EpochRow row = { .epoch = t->at.epoch + 1,
			 .step = t->at.step,
			 .rate = train_rate(t, t->at.step - 1) };
	int rc = EXIT_YES;
	means_take(t, &t->at.means, row.train);
	if (t->split.part[PART_VALIDATE].n)
		rc = evaluate(t, PART_VALIDATE, row.validate);
	if (rc)
		return rc;
	row.seconds = t->spent_before + (double)(now_ns() - t->started) * 1e-9;
	bool best = improves(t, &row);
	t->at = (Position){ .epoch = row.epoch,
			    .step = t->at.step,
			    .best = best ? row.validate[0] : t->at.best,
			    .best_epoch = best ? row.epoch : t->at.best_epoch,
			    .waited = best ? 0 : t->at.waited + 1 };
	vec_push(t->c->arena, &t->history, row);
	log_epoch(t, &row);
	if (!log_write_history(t))
		return EXIT_ENVIRONMENT;
	rc = best ? train_keep_best(t) : EXIT_YES;
	return rc ? rc : train_checkpoint(t);
}

static bool waits_no_longer(const Train *t)
{
	return t->how.patience > 0 && t->at.waited >= t->how.patience;
}

static int train_epochs(Train *t)
{
	int rc = EXIT_YES;
	cli_hold_interrupts();
	t->started = now_ns();
	t->first_step = t->at.step;
	t->spent_before = t->history.n ? t->history.at[t->history.n - 1].seconds : 0;
	while (t->at.epoch < t->set.epochs && !waits_no_longer(t) && !rc) {
		rc = train_steps(t);
		rc = rc ? rc : end_epoch(t);
		if (rc == EXIT_YES && cli_interrupted())
			return EXIT_INTERRUPTED;
	}
	t->stopped_early = t->at.epoch < t->set.epochs;
	return rc;
}

/* --- the end ---------------------------------------------------------------------------------- */

static void report_part(Train *t, const char *name, const double *v, Str *line)
{
	str_fmt(line, "%-9s", name);
	for (int i = 0; i < t->n_metrics; i++) {
		str_fmt(line, " %s ", t->metric[i]);
		add_metric(line, v[i]);
		json_key_real(t->c, arena_printf(t->c->arena, "%s_%s", name, t->metric[i]), v[i]);
	}
	str_char(line, '\n');
}

/* Inference of one row, with the sizes that training was told. */
static const char *how_to_compile(const Train *t, const char *weights)
{
	Str s;
	str_init(&s, t->c->arena);
	str_fmt(&s, "burin compile %s --weights %s --batch 1", t->model_path, weights);
	const Texts *bound = opt_all(t->c, OPT_bind);
	for (int i = 0; i < bound->n; i++) {
		const char *pair = bound->at[i];
		size_t n = strcspn(pair, "=");
		if (strlen(t->graph->batch_symbol) != n ||
		    memcmp(pair, t->graph->batch_symbol, n) != 0)
			str_fmt(&s, " --bind %s", pair);
	}
	str_fmt(&s, " -o %s.so", t->graph->graph->name);
	return str_text(&s);
}

static void report(Train *t, const double *test)
{
	Cli *c = t->c;
	Str s;
	double seconds = (double)(now_ns() - t->started) * 1e-9;
	const EpochRow *best = &t->history.at[t->at.best_epoch - 1];
	str_init(&s, c->arena);
	json_key_int(c, "seed", t->set.seed);
	json_key_int(c, "epochs", t->at.epoch);
	json_key_int(c, "steps", t->at.step);
	json_key_int(c, "best_epoch", t->at.best_epoch);
	json_key_bool(c, "stopped_early", t->stopped_early);
	json_key_real(c, "seconds", seconds);
	json_key_real(c, "samples_per_second", (double)t->done_rows / seconds);
	report_part(t, "train", best->train, &s);
	if (t->split.part[PART_VALIDATE].n)
		report_part(t, "val", best->validate, &s);
	if (t->split.part[PART_TEST].n)
		report_part(t, "test", test, &s);
	cli_print(c, "trained   %lld epoch%s, %lld step%s in %s%s; best epoch %lld\n%s",
		  (long long)t->at.epoch, t->at.epoch == 1 ? "" : "s", (long long)t->at.step,
		  t->at.step == 1 ? "" : "s", text_time(c->arena, seconds),
		  t->stopped_early ? ", stopped early" : "", (long long)t->at.best_epoch,
		  str_text(&s));
	const char *weights = train_file(t, "weights.safetensors");
	json_key_text(c, "folder", t->folder);
	json_key_text(c, "weights", weights);
	cli_print(c, "wrote     %s\n", weights);
	cli_note(c, "compile it: %s", how_to_compile(t, weights));
}

static void report_stop(Train *t)
{
	json_key_int(t->c, "epochs", t->at.epoch);
	json_key_int(t->c, "steps", t->at.step);
	json_key_text(t->c, "folder", t->folder);
	cli_note(t->c, "stopped at step %lld; --resume goes on", (long long)t->at.step);
}

static int finish(Train *t)
{
	double test[MAX_METRICS] = { 0 };
	burin_error e = { .size = sizeof e };
	int rc = train_restore_best(t);
	if (rc == EXIT_YES && t->split.part[PART_TEST].n)
		rc = evaluate(t, PART_TEST, test);
	if (rc == EXIT_YES &&
	    burin_trainer_weights(t->trainer, train_file(t, "weights.safetensors"), &e) != BURIN_OK)
		rc = cli_runtime_error(t->c, &e);
	if (rc == EXIT_YES)
		report(t, test);
	return rc;
}

/* --- the verb --------------------------------------------------------------------------------- */

static int train(Train *t)
{
	Cli *c = t->c;
	int rc = train_set_up(t);
	if (rc || opt_given(c, OPT_check_data))
		return rc ? rc : dataset_report(c, &t->data);
	rc = options_had_effect(c, NULL);
	rc = rc ? rc : train_share_rows(t);
	rc = rc ? rc : train_begin(t);
	rc = rc ? rc : train_write_classes(t);
	rc = rc ? rc : train_epochs(t);
	if (rc == EXIT_INTERRUPTED)
		report_stop(t);
	return rc ? rc : finish(t);
}

int verb_train(Cli *c)
{
	Train t = { .c = c, .model_path = c->arg.at[0] };
	int rc = train(&t);
	burin_trainer_free(t.trainer);
	burin_graph_free(t.graph);
	return rc;
}
