/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Training data: one array for each input of a step, whose first dimension counts the rows. Values
 * are converted to the input's type where that loses nothing but precision; what does not fit (a
 * missing array, other sizes, NaN, a label without a class) is an error before the first step. */
#include "tools/cli_train.h"
#include "base/io.h"
#include "base/map.h"
#include <math.h>

static const char *type_text(Cli *c, const Type *t)
{
	Str s;
	str_init(&s, c->arena);
	type_print(&s, t);
	return str_text(&s);
}

bool column_store(DataColumn *col, int64_t row, int64_t i, double v)
{
	DType t = col->row->dtype;
	int64_t at = row * col->row->count + i;
	if (dtype_is_float(t)) {
		store_f64(t, col->data, at, v);
		return isfinite(v) && isfinite(load_f64(t, col->data, at));
	}
	if (!(fabs(v) < 0x1p63) || v != floor(v))
		return false;
	store_i64(t, col->data, at, (int64_t)v);
	return load_i64(t, col->data, at) == (int64_t)v;
}

/* --- arrays ----------------------------------------------------------------------------------- */

/* Sizes but for those of 1: [N,8,8] serves an input [N,1,8,8]; a flat row serves any shape. */
static bool fits_row(const Type *row, const Type *array)
{
	int i = 0, k = 1;
	if (array->rank < 1)
		return false;
	if (array->rank == 2 && array->dim[1] == row->count)
		return true;
	for (;;) {
		while (i < row->rank && row->dim[i] == 1)
			i++;
		while (k < array->rank && array->dim[k] == 1)
			k++;
		if (i == row->rank || k == array->rank)
			return i == row->rank && k == array->rank;
		if (row->dim[i++] != array->dim[k++])
			return false;
	}
}

static int no_array(Cli *c, const Dataset *d, const WeightSet *w, const char *name)
{
	const char **names = ARENA_ARRAY(c->arena, const char *, weights_count(w) + 1);
	Str all;
	str_init(&all, c->arena);
	for (int i = 0; i < weights_count(w); i++) {
		weights_at(w, i, &names[i]);
		str_fmt(&all, "%s'%s'", i ? ", " : "it has ", names[i]);
	}
	const char *near = nearest_name(name, names, weights_count(w));
	return cli_error(c, E6401,
			 near ? arena_printf(c->arena,
					     "did you mean '%s'? An array is called as "
					     "the input it is for",
					     near)
			      : str_text(&all),
			 "'%s' has no array '%s'", d->path, name);
}

static int bad_value(Cli *c, const Dataset *d, const DataColumn *col, int64_t i, double v)
{
	int64_t row = i / col->row->count;
	if (!isfinite(v))
		return cli_error(c, E6403, "mend the data, or leave such rows out",
				 "'%s': array '%s', row %lld (from 0) holds %s", d->path, col->name,
				 (long long)row, isnan(v) ? "NaN" : "an infinite value");
	return cli_error(c, E6403, NULL, "'%s': array '%s', row %lld (from 0): %.17g is no %s",
			 d->path, col->name, (long long)row, v, dtype_info[col->row->dtype].name);
}

/* The input's type, for rows rather than one row: f32[N,8,8]. */
static const char *rows_text(Cli *c, const Type *row)
{
	const char *text = type_text(c, row), *sizes = strchr(text, '[');
	return sizes ? arena_printf(c->arena, "%.*s[N,%s", (int)(sizes - text), text, sizes + 1)
		     : arena_printf(c->arena, "%s[N]", text);
}

static int wrong_sizes(Cli *c, const Dataset *d, const DataColumn *col, const Type *t)
{
	bool one_hot = col->range.classes && t->rank == 2 && t->dim[1] == col->range.classes;
	return cli_error(c, E6401,
			 one_hot ? "cross_entropy takes the number of each row's class: "
				   "np.argmax(label, 1) of a one-hot array"
				 : "N, the first size of an array, counts the rows",
			 "'%s': array '%s' is %s, the input takes %s", d->path, col->name,
			 type_text(c, t), rows_text(c, col->row));
}

static int read_array(Cli *c, Dataset *d, DataColumn *col, const Blob *b)
{
	const Type *t = b->type;
	if (!fits_row(col->row, t))
		return wrong_sizes(c, d, col, t);
	if (d->col == col)
		d->n = t->dim[0];
	if (t->dim[0] != d->n)
		return cli_error(c, E6401, NULL,
				 "'%s': array '%s' has %lld rows, array '%s' has %lld", d->path,
				 col->name, (long long)t->dim[0], d->col[0].name, (long long)d->n);
	col->data = arena_alloc(c->arena, (size_t)d->n * col->bytes + 1);
	bool whole = !dtype_is_float(t->dtype);
	for (int64_t i = 0; i < t->count; i++) {
		int64_t at = b->splat ? 0 : i;
		double v = whole ? (double)load_i64(t->dtype, b->data, at)
				 : load_f64(t->dtype, b->data, at);
		if (!column_store(col, 0, i, v))
			return bad_value(c, d, col, i, v);
	}
	return EXIT_YES;
}

static int read_arrays(Cli *c, Dataset *d)
{
	WeightSet *w = weights_open(c->ctx, c->ctx->arena, d->path, (Loc){ .file = d->path });
	int rc = w ? EXIT_YES : cli_diagnostics(c, c->ctx->diag);
	for (int i = 0; i < d->n_col && !rc; i++) {
		const Blob *b = weights_find(w, d->col[i].name);
		rc = b ? read_array(c, d, &d->col[i], b) : no_array(c, d, w, d->col[i].name);
	}
	weights_close(w);
	return rc;
}

/* --- checks ----------------------------------------------------------------------------------- */

static int check_classes(Cli *c, const Dataset *d, const DataColumn *col)
{
	int64_t i = target_outside(&col->range, col->data, d->n * col->row->count);
	if (i < 0)
		return EXIT_YES;
	return cli_error(c, E6403, NULL,
			 "'%s': '%s' of row %lld (from 0) is %lld, the model has the classes 0 to "
			 "%lld",
			 d->path, col->name, (long long)(i / col->row->count),
			 (long long)load_i64(col->row->dtype, col->data, i),
			 (long long)col->range.classes - 1);
}

static int finish(Cli *c, Dataset *d)
{
	int labels = 0;
	d->hash = hash_bytes(NULL, 0, (uint64_t)d->n);
	for (int i = 0; i < d->n_col; i++) {
		const DataColumn *col = &d->col[i];
		int rc = check_classes(c, d, col);
		if (rc)
			return rc;
		labels += col->label;
		d->label = col->label ? col : d->label;
		d->hash = hash_mix(d->hash, hash_bytes(col->name, strlen(col->name), 1));
		d->hash = hash_bytes(col->data, (size_t)d->n * col->bytes, d->hash);
	}
	if (labels != 1)
		d->label = NULL;
	return d->n ? EXIT_YES : cli_error(c, E6401, NULL, "'%s' has no rows", d->path);
}

int dataset_read(Cli *c, const char *path, Dataset *d)
{
	static const char *const table[] = { ".csv", ".tsv", ".txt" };
	IoText text;
	IoError e;
	int rc = -1;
	d->path = path;
	for (size_t i = 0; i < sizeof table / sizeof *table && rc < 0; i++) {
		if (!str_ends(path, table[i]))
			continue;
		if (!io_read(path, c->arena, (size_t)4 << 30, &text, &e))
			return cli_error(c, e.code, NULL, "cannot read '%s': %s", path, e.text);
		if (memchr(text.at, 0, text.n))
			return cli_error(c, E6402, "save it as UTF-8 or ASCII",
					 "'%s' is not text: it holds zero bytes", path);
		rc = dataset_read_table(c, text.at, text.n, d);
	}
	if (rc < 0 && !str_ends(path, ".npz") && !str_ends(path, ".safetensors"))
		return cli_error(c, E1007, "data are read from .npz, .csv, .tsv and .safetensors",
				 "'%s': unknown kind of data", path);
	if (rc < 0)
		rc = read_arrays(c, d);
	return rc ? rc : finish(c, d);
}

/* --- the report ------------------------------------------------------------------------------- */

static double value_at(const DataColumn *col, int64_t i)
{
	DType t = col->row->dtype;
	return dtype_is_float(t) ? load_f64(t, col->data, i) : (double)load_i64(t, col->data, i);
}

static void report_range(Cli *c, const Dataset *d, const DataColumn *col)
{
	double low = INFINITY, high = -INFINITY, sum = 0, square = 0;
	int64_t n = d->n * col->row->count;
	for (int64_t i = 0; i < n; i++) {
		double v = value_at(col, i);
		low = v < low ? v : low;
		high = v > high ? v : high;
		sum += v;
	}
	for (int64_t i = 0; i < n; i++)
		square +=
			(value_at(col, i) - sum / (double)n) * (value_at(col, i) - sum / (double)n);
	double mean = sum / (double)n, deviation = sqrt(square / (double)n);
	cli_print(c, "input     %s %s  from %g to %g, mean %.4g, deviation %.4g\n", col->name,
		  type_text(c, col->row), low, high, mean, deviation);
	json_put_object(&c->json);
	json_key_text(c, "name", col->name);
	json_key_real(c, "min", low);
	json_key_real(c, "max", high);
	json_key_real(c, "mean", mean);
	json_key_real(c, "deviation", deviation);
	json_end(&c->json);
	if (dtype_is_float(col->row->dtype) && low == high)
		cli_warning(c, "'%s' is the same everywhere", col->name);
	else if (dtype_is_float(col->row->dtype) && (fabs(mean) > 10 || deviation > 10))
		cli_warning(c,
			    "'%s' is far from mean 0 and deviation 1: scale it, in the data or "
			    "in the model",
			    col->name);
}

static const char *class_text(Cli *c, const Dataset *d, int64_t label)
{
	return label >= 0 && label < d->class_name.n
		       ? d->class_name.at[label]
		       : arena_printf(c->arena, "%lld", (long long)label);
}

/* Labels in order, with their rows; at most `room`, the number of all. */
static int64_t count_classes(Cli *c, const Dataset *d, int64_t room, int64_t *label, int64_t *rows)
{
	Map *seen = map_create(c->arena);
	int64_t n = 0;
	for (int64_t i = 0; i < d->n; i++) {
		int64_t v = load_i64(d->label->row->dtype, d->label->data, i);
		uintptr_t at = (uintptr_t)map_get(seen, (uint64_t)v);
		if (!at) {
			map_put(seen, (uint64_t)v, (void *)(uintptr_t)(++n));
			if (n <= room)
				label[n - 1] = v, rows[n - 1] = 0;
			at = (uintptr_t)n;
		}
		if ((int64_t)at <= room)
			rows[at - 1]++;
	}
	for (int64_t i = 1; i < n && n <= room; i++)
		for (int64_t k = i; k > 0 && label[k] < label[k - 1]; k--) {
			int64_t l = label[k], r = rows[k];
			label[k] = label[k - 1], rows[k] = rows[k - 1];
			label[k - 1] = l, rows[k - 1] = r;
		}
	return n;
}

static void report_classes(Cli *c, const Dataset *d)
{
	enum { ROOM = 256, SHOWN = 20 };
	int64_t label[ROOM], rows[ROOM], n = count_classes(c, d, ROOM, label, rows);
	int64_t least = d->n, most = 0;
	json_put_key(&c->json, "classes");
	json_put_object(&c->json);
	for (int64_t i = 0; i < n && n <= ROOM; i++) {
		const char *name = class_text(c, d, label[i]);
		json_key_int(c, name, rows[i]);
		least = rows[i] < least ? rows[i] : least;
		most = rows[i] > most ? rows[i] : most;
		if (i < SHOWN)
			cli_print(c, "class     %s  %lld rows, %.1f %%\n", name, (long long)rows[i],
				  100.0 * (double)rows[i] / (double)d->n);
		else if (i == SHOWN)
			cli_print(c, "class     ... %lld more\n", (long long)n - SHOWN);
	}
	json_end(&c->json);
	if (n > ROOM) {
		cli_print(c, "classes   %lld\n", (long long)n);
		return;
	}
	if (most >= 10 * least)
		cli_warning(c,
			    "the classes are not balanced: the largest has %lld rows, the smallest "
			    "%lld",
			    (long long)most, (long long)least);
	if (d->label->range.classes > n)
		cli_warning(c, "the model has %lld classes, the data have rows of %lld",
			    (long long)d->label->range.classes, (long long)n);
}

int dataset_report(Cli *c, const Dataset *d)
{
	cli_print(c, "%s  %lld rows\n", d->path, (long long)d->n);
	json_key_int(c, "rows", d->n);
	json_key_array(c, "inputs");
	for (int i = 0; i < d->n_col; i++)
		report_range(c, d, &d->col[i]);
	json_end(&c->json);
	if (d->label)
		report_classes(c, d);
	return EXIT_YES;
}
