/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What a training tells while it runs: on a terminal one line that is rewritten, and a line for
 * each epoch; metrics.csv, a row for each epoch, written anew as a whole each time, so that it is
 * complete at any moment and a training that goes on continues it. */
#include "tools/cli_train.h"
#include "base/io.h"
#include <math.h>
#include <stdio.h>

/* --- lines ------------------------------------------------------------------------------------ */

void add_metric(Str *s, double v)
{
	if (isnan(v))
		str_add(s, "nan"); /* whatever its sign */
	else
		str_fmt(s, v != 0 && (fabs(v) < 0.001 || fabs(v) >= 100000) ? "%.2e" : "%.4f", v);
}

static void add_pace(Train *t, Str *s)
{
	double spent = (double)(now_ns() - t->started) * 1e-9;
	int64_t done = t->at.step - t->first_step,
		left = t->set.epochs * t->steps_per_epoch - t->at.step;
	if (done <= 0 || spent <= 0)
		return;
	str_fmt(s, "  %s samples/s  ETA %.0f s",
		text_count(t->c->arena, (double)t->done_rows / spent),
		spent * (double)left / (double)done);
}

static void add_place(const Train *t, Str *s, int64_t epoch)
{
	char last[32];
	int width = snprintf(last, sizeof last, "%lld", (long long)t->set.epochs);
	str_fmt(s, "epoch %*lld/%lld", width, (long long)epoch, (long long)t->set.epochs);
}

void log_step(Train *t, const double *metrics, double rate)
{
	if (!progress_is_due(t->c))
		return;
	ArenaMark m = arena_mark(t->c->arena);
	Str s;
	str_init(&s, t->c->arena);
	add_place(t, &s, t->at.epoch + 1);
	str_fmt(&s, "  step %lld/%lld  %s ", (long long)t->at.batch, (long long)t->steps_per_epoch,
		t->metric[0]);
	add_metric(&s, metrics[0]);
	str_fmt(&s, "  rate %.3g", rate);
	add_pace(t, &s);
	progress_line(t->c, str_text(&s));
	arena_release(t->c->arena, m);
}

void log_epoch(Train *t, const EpochRow *row)
{
	if (t->c->progress.mode == PROGRESS_NONE)
		return;
	ArenaMark m = arena_mark(t->c->arena);
	Str s;
	str_init(&s, t->c->arena);
	add_place(t, &s, row->epoch);
	str_fmt(&s, "  step %lld", (long long)row->step);
	for (int i = 0; i < t->n_metrics; i++) {
		str_fmt(&s, "  %s ", t->metric[i]);
		add_metric(&s, row->train[i]);
	}
	for (int i = 0; i < t->n_metrics && t->split.part[PART_VALIDATE].n; i++) {
		str_fmt(&s, "  val_%s ", t->metric[i]);
		add_metric(&s, row->validate[i]);
	}
	str_fmt(&s, "  rate %.3g", row->rate);
	add_pace(t, &s);
	progress_wipe(t->c);
	fprintf(stderr, "%s\n", str_text(&s));
	fflush(stderr);
	arena_release(t->c->arena, m);
}

/* --- metrics.csv ------------------------------------------------------------------------------ */

static const char *head_line(const Train *t)
{
	Str s;
	str_init(&s, t->c->arena);
	str_add(&s, "epoch,step,rate");
	for (int i = 0; i < t->n_metrics; i++)
		str_fmt(&s, ",%s", t->metric[i]);
	for (int i = 0; i < t->n_metrics && t->split.part[PART_VALIDATE].n; i++)
		str_fmt(&s, ",val_%s", t->metric[i]);
	str_add(&s, ",seconds");
	return str_text(&s);
}

static void add_cell(Str *s, double v)
{
	str_char(s, ',');
	str_double(s, v);
}

/* What the checkpoint counts on is brought to the disk, a picture is not. */
static bool write_file(Train *t, const char *name, const Str *text, bool durable)
{
	IoError e;
	const char *path = train_file(t, name);
	IoWriter *w = io_create(path, &e);
	if (w && !durable)
		io_scratch(w);
	if (w)
		io_write(w, str_text(text), text->n);
	if (w && io_commit(w, &e))
		return true;
	cli_error(t->c, e.code, NULL, "cannot write '%s': %s", path, e.text);
	return false;
}

static bool write_table(Train *t)
{
	Str s;
	str_init(&s, t->c->arena);
	str_fmt(&s, "%s\n", head_line(t));
	for (int k = 0; k < t->history.n; k++) {
		const EpochRow *row = &t->history.at[k];
		str_fmt(&s, "%lld,%lld", (long long)row->epoch, (long long)row->step);
		add_cell(&s, row->rate);
		for (int i = 0; i < t->n_metrics; i++)
			add_cell(&s, row->train[i]);
		for (int i = 0; i < t->n_metrics && t->split.part[PART_VALIDATE].n; i++)
			add_cell(&s, row->validate[i]);
		str_fmt(&s, ",%.3f\n", row->seconds);
	}
	return write_file(t, "metrics.csv", &s, true);
}

bool log_write_history(Train *t)
{
	ArenaMark m = arena_mark(t->c->arena);
	Str svg;
	str_init(&svg, t->c->arena);
	plot_history(t, &svg);
	bool ok = write_table(t) && write_file(t, "loss.svg", &svg, false);
	if (ok)
		arena_release(t->c->arena, m);
	return ok;
}

/* --- reading it again ------------------------------------------------------------------------- */

static bool next_number(const char **at, double *v)
{
	size_t n = strcspn(*at, ",\n");
	if (!parse_f64(*at, n, v))
		return false;
	*at += n;
	*at += **at == ',';
	return true;
}

static bool read_row(const Train *t, const char **at, EpochRow *row)
{
	double epoch, step;
	*row = (EpochRow){ 0 };
	if (!next_number(at, &epoch) || !next_number(at, &step) || !next_number(at, &row->rate))
		return false;
	row->epoch = (int64_t)epoch;
	row->step = (int64_t)step;
	for (int i = 0; i < t->n_metrics; i++)
		if (!next_number(at, &row->train[i]))
			return false;
	for (int i = 0; i < t->n_metrics && t->split.part[PART_VALIDATE].n; i++)
		if (!next_number(at, &row->validate[i]))
			return false;
	return next_number(at, &row->seconds) && *(*at)++ == '\n';
}

bool log_read_history(Train *t, int64_t epochs)
{
	IoText text;
	IoError e;
	EpochRow row;
	const char *path = train_file(t, "metrics.csv"), *head = head_line(t);
	size_t n = strlen(head);
	if (epochs == 0)
		return true;
	bool ok = io_read(path, t->c->arena, (size_t)1 << 30, &text, &e) && text.n > n &&
		  memcmp(text.at, head, n) == 0 && text.at[n] == '\n';
	for (const char *at = ok ? text.at + n + 1 : ""; *at && read_row(t, &at, &row);)
		if (row.epoch == t->history.n + 1 && row.epoch <= epochs)
			vec_push(t->c->arena, &t->history, row);
	if (ok && t->history.n == epochs)
		return true;
	cli_error(t->c, E6405,
		  "without it --resume cannot continue the curves; start anew with "
		  "another --out",
		  "'%s' does not hold the %lld epochs of the checkpoint", path, (long long)epochs);
	return false;
}
