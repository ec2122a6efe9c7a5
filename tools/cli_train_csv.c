/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Tables as text: a line a row, columns separated by ',' ';' or tabs, fields quoted as RFC 4180
 * has it, and a first line of names unless it is all numbers. An input of one number a row takes
 * the column of its name; --columns INPUT=A,B,C says which columns others take; what is left goes,
 * in order, to the inputs that are left. Texts of a label column become numbers in the order of the
 * texts. */
#include "tools/cli_train.h"
#include <stdlib.h>

typedef struct Table {
	Cli *c;
	Dataset *d;
	char separator;
	int columns;
	int64_t rows, first_line; /* line of row 0, from 1 */
	VEC(const char *) cell;   /* the names, then row by row */
	VEC(int) line;            /* of each row: a quoted field may hold line breaks */
	const char **name;
	bool *taken;
} Table;

static int fault(Table *t, int64_t line, const char *hint, const char *message)
{
	Diag *d = diag_create(t->c->arena);
	diag_error(d, (Loc){ .file = t->d->path, .line = (int)line }, E6402, "%s", message);
	if (hint)
		diag_hint(d, "%s", hint);
	return cli_diagnostics(t->c, d);
}

/* --- fields ----------------------------------------------------------------------------------- */

typedef struct Reader {
	const char *at, *end;
	int line;
} Reader;

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* A field, without the blanks around it; NULL: its quotes do not end. */
static const char *read_field(Table *t, Reader *r)
{
	const char *start = r->at, *stop;
	while (r->at < r->end && *r->at == ' ')
		r->at++;
	if (r->at < r->end && *r->at == '"') {
		Str s;
		str_init(&s, t->c->arena);
		for (r->at++; r->at < r->end; r->at++) {
			r->line += *r->at == '\n';
			if (*r->at != '"')
				str_char(&s, *r->at);
			else if (r->at + 1 < r->end && r->at[1] == '"')
				str_char(&s, *r->at++);
			else
				break;
		}
		if (r->at == r->end)
			return NULL;
		for (r->at++; r->at < r->end && *r->at != t->separator && *r->at != '\n';)
			r->at++;
		return str_text(&s);
	}
	start = r->at;
	while (r->at < r->end && *r->at != t->separator && *r->at != '\n')
		r->at++;
	stop = r->at;
	while (stop > start && is_space(stop[-1]))
		stop--;
	return arena_strndup(t->c->arena, start, (size_t)(stop - start));
}

/* The fields of one line, added to t->cell; their number, or -1 after a report. */
static int read_line(Table *t, Reader *r)
{
	int n = 0, line = r->line;
	for (;;) {
		const char *field = read_field(t, r);
		if (!field) {
			fault(t, line, NULL, "a quoted field does not end");
			return -1;
		}
		vec_push(t->c->arena, &t->cell, field);
		n++;
		if (r->at == r->end || *r->at == '\n')
			break;
		r->at++;
	}
	r->line++;
	r->at += r->at < r->end;
	return n;
}

static char find_separator(const char *text, size_t n)
{
	static const char kind[] = { ',', ';', '\t' };
	int best = 0, most = 0;
	for (int k = 0; k < 3; k++) {
		int count = 0;
		for (size_t i = 0; i < n && text[i] != '\n'; i++)
			count += text[i] == kind[k];
		if (count > most)
			most = count, best = k;
	}
	return kind[best];
}

static bool is_number(const char *text)
{
	double v;
	return parse_f64(text, strlen(text), &v);
}

/* A table whose first line is all numbers has no names: columns are called 0, 1 ... */
static void find_names(Table *t)
{
	bool numbers = true;
	for (int i = 0; i < t->columns; i++)
		numbers &= is_number(t->cell.at[i]);
	t->name = ARENA_ARRAY(t->c->arena, const char *, t->columns);
	t->taken = ARENA_ARRAY(t->c->arena, bool, t->columns);
	for (int i = 0; i < t->columns; i++)
		t->name[i] = numbers ? arena_printf(t->c->arena, "%d", i) : t->cell.at[i];
	if (numbers)
		return;
	t->cell.at += t->columns;
	t->cell.n -= t->columns;
	t->line.at++;
	t->line.n--;
}

static int read_lines(Table *t, const char *text, size_t n)
{
	Reader r = { text, text + n, 1 };
	while (r.at < r.end) {
		int line = r.line, before = t->cell.n;
		while (r.at < r.end && is_space(*r.at) && *r.at != t->separator)
			r.at++;
		if (r.at < r.end && *r.at == '\n') { /* an empty line */
			r.at++;
			r.line++;
			continue;
		}
		if (r.at == r.end)
			break;
		int count = read_line(t, &r);
		if (count < 0)
			return EXIT_INPUT;
		if (before == 0)
			t->columns = count;
		if (count != t->columns)
			return fault(t, line, NULL,
				     arena_printf(t->c->arena, "%d fields, the first line has %d",
						  count, t->columns));
		vec_push(t->c->arena, &t->line, line);
	}
	if (!t->columns)
		return fault(t, 1, NULL, "the table is empty");
	find_names(t);
	t->rows = t->line.n;
	return EXIT_YES;
}

/* --- which column is for whom ----------------------------------------------------------------- */

static int find_column(const Table *t, const char *name, size_t n)
{
	for (int i = 0; i < t->columns; i++)
		if (strlen(t->name[i]) == n && memcmp(t->name[i], name, n) == 0)
			return i;
	return -1;
}

static int no_column(Table *t, const char *name)
{
	const char *near = nearest_name(name, t->name, t->columns);
	return cli_error(t->c, E6401,
			 near ? arena_printf(t->c->arena, "did you mean '%s'?", near) : NULL,
			 "'%s' has no column '%s'", t->d->path, name);
}

static int wrong_count(Table *t, const DataColumn *col, int n)
{
	return cli_error(t->c, E6401, NULL, "input '%s' has %lld numbers a row, --columns names %d",
			 col->name, (long long)col->row->count, n);
}

/* --columns INPUT=A,B,C */
static int take_listed(Table *t, const char *pair, int *const *column)
{
	const char *list = strchr(pair, '=');
	int at = 0, n = 0;
	if (!list)
		return cli_usage(t->c, NULL, "--columns %.80s: INPUT=A,B,... is wanted", pair);
	while (at < t->d->n_col && (strlen(t->d->col[at].name) != (size_t)(list - pair) ||
				    memcmp(t->d->col[at].name, pair, (size_t)(list - pair)) != 0))
		at++;
	if (at == t->d->n_col)
		return cli_error(t->c, E6401, NULL, "--columns %.80s: a step has no such input",
				 pair);
	const DataColumn *col = &t->d->col[at];
	for (const char *p = list + 1;; n++) {
		size_t len = strcspn(p, ",");
		int k = find_column(t, p, len);
		if (k < 0)
			return no_column(t, arena_strndup(t->c->arena, p, len));
		if (n < col->row->count)
			column[at][n] = k;
		t->taken[k] = true;
		p += len;
		if (!*p++)
			break;
	}
	return n + 1 == col->row->count ? EXIT_YES : wrong_count(t, col, n + 1);
}

static int take_rest(Table *t, int *const *column)
{
	int64_t wanted = 0, left = 0;
	int next = 0;
	for (int i = 0; i < t->d->n_col; i++)
		wanted += column[i][0] < 0 ? t->d->col[i].row->count : 0;
	for (int i = 0; i < t->columns; i++)
		left += !t->taken[i];
	if (wanted != left && wanted > 0)
		return cli_error(t->c, E6401, "--columns INPUT=A,B,C says which columns are for it",
				 "'%s' has %lld columns left for inputs of %lld numbers a row",
				 t->d->path, (long long)left, (long long)wanted);
	for (int i = 0; i < t->d->n_col; i++) {
		bool chosen = column[i][0] >= 0;
		for (int64_t k = 0; !chosen && k < t->d->col[i].row->count; k++) {
			while (t->taken[next])
				next++;
			column[i][k] = next++;
		}
	}
	return EXIT_YES;
}

static int choose_columns(Table *t, int *const *column)
{
	Cli *c = t->c;
	const Texts *columns = opt_all(c, OPT_columns);
	for (int i = 0; i < columns->n; i++) {
		int rc = take_listed(t, columns->at[i], column);
		if (rc)
			return rc;
	}
	for (int i = 0; i < t->d->n_col; i++) {
		const DataColumn *col = &t->d->col[i];
		int k = col->row->count == 1 ? find_column(t, col->name, strlen(col->name)) : -1;
		if (k < 0 || t->taken[k] || column[i][0] >= 0)
			continue;
		column[i][0] = k;
		t->taken[k] = true;
	}
	return take_rest(t, column);
}

/* --- values ----------------------------------------------------------------------------------- */

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static const char *cell(const Table *t, int64_t row, int column)
{
	return t->cell.at[row * t->columns + column];
}

static bool holds_texts(const Table *t, int column)
{
	for (int64_t i = 0; i < t->rows; i++)
		if (*cell(t, i, column) && !is_number(cell(t, i, column)))
			return true;
	return false;
}

/* The texts of the column become the classes 0, 1 ... */
static int store_texts(Table *t, DataColumn *col, int column)
{
	const char **text = ARENA_ARRAY(t->c->arena, const char *, t->rows + 1);
	for (int64_t i = 0; i < t->rows; i++)
		text[i] = cell(t, i, column);
	qsort(text, (size_t)t->rows, sizeof *text, by_text);
	for (int64_t i = 0; i < t->rows; i++)
		if (i == 0 || !str_eq(text[i], text[i - 1]))
			vec_push(t->c->arena, &t->d->class_name, text[i]);
	for (int64_t i = 0; i < t->rows; i++) {
		const char *key = cell(t, i, column);
		const char **found = bsearch(&key, t->d->class_name.at, (size_t)t->d->class_name.n,
					     sizeof key, by_text);
		if (!*key || !column_store(col, i, 0, (double)(found - t->d->class_name.at)))
			return fault(t, t->line.at[i], NULL,
				     arena_printf(t->c->arena, "column '%s' has no value",
						  t->name[column]));
	}
	return EXIT_YES;
}

static int store_numbers(Table *t, DataColumn *col, const int *column)
{
	for (int64_t i = 0; i < t->rows; i++)
		for (int64_t k = 0; k < col->row->count; k++) {
			const char *text = cell(t, i, column[k]);
			double v;
			if (parse_f64(text, strlen(text), &v) && column_store(col, i, k, v))
				continue;
			const char *what =
				*text ? arena_printf(t->c->arena,
						     "column '%s': '%.40s' is no %s for '%s'",
						     t->name[column[k]], text,
						     dtype_info[col->row->dtype].name, col->name)
				      : arena_printf(t->c->arena, "column '%s' has no value",
						     t->name[column[k]]);
			return fault(t, t->line.at[i], NULL, what);
		}
	return EXIT_YES;
}

static int store_all(Table *t, int *const *column)
{
	Dataset *d = t->d;
	d->n = t->rows;
	for (int i = 0; i < d->n_col; i++) {
		DataColumn *col = &d->col[i];
		col->data = arena_alloc(t->c->arena, (size_t)d->n * col->bytes + 1);
		bool texts = col->label && !d->class_name.n && holds_texts(t, column[i][0]);
		int rc = texts ? store_texts(t, col, column[i][0])
			       : store_numbers(t, col, column[i]);
		if (rc)
			return rc;
	}
	return EXIT_YES;
}

int dataset_read_table(Cli *c, const char *text, size_t n, Dataset *d)
{
	static const char mark[] = "\xef\xbb\xbf";
	Table t = { .c = c, .d = d };
	if (n >= 3 && memcmp(text, mark, 3) == 0)
		text += 3, n -= 3;
	t.separator = find_separator(text, n);
	int rc = read_lines(&t, text, n);
	if (rc)
		return rc;
	int **column = ARENA_ARRAY(c->arena, int *, d->n_col + 1);
	for (int i = 0; i < d->n_col; i++) {
		column[i] = ARENA_ARRAY(c->arena, int, d->col[i].row->count + 1);
		column[i][0] = -1;
	}
	rc = choose_columns(&t, column);
	return rc ? rc : store_all(&t, column);
}
