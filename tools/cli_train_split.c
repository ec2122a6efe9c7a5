/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Which rows train, validate and test, and in which order they come. Both are functions of the seed
 * (and the epoch) through a hash of each row's number: nothing has to be remembered between two
 * runs, and a training that goes on at a position sees the rows it would have seen. */
#include "tools/cli_train.h"
#include "base/map.h"
#include <stdlib.h>

typedef struct Key {
	uint64_t key;
	int64_t row;
} Key;

static int by_key(const void *a, const void *b)
{
	const Key *x = a, *y = b;
	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	return (x->row > y->row) - (x->row < y->row);
}

static void sort_keys(Key *key, int64_t n)
{
	if (n)
		qsort(key, (size_t)n, sizeof *key, by_key);
}

void shuffle_rows(Arena *scratch, const Rows *rows, uint64_t seed, int64_t epoch, int64_t *out)
{
	Key *key = ARENA_ARRAY(scratch, Key, rows->n + 1);
	uint64_t of_epoch = hash_mix(hash_mix(seed, 0x73687566), (uint64_t)epoch);
	for (int64_t i = 0; i < rows->n; i++)
		key[i] = (Key){ hash_mix(of_epoch, (uint64_t)rows->at[i]), rows->at[i] };
	sort_keys(key, rows->n);
	for (int64_t i = 0; i < rows->n; i++)
		out[i] = key[i].row;
}

/* --- parts ------------------------------------------------------------------------------------ */

bool split_parse(const char *text, DataSplit *s)
{
	double sum = 0;
	int n = 0;
	*s = (DataSplit){ 0 };
	for (const char *p = text;; n++) {
		size_t len = strcspn(p, "/");
		if (n == PARTS || !parse_f64(p, len, &s->share[n]) || !(s->share[n] >= 0) ||
		    s->share[n] > 1e9)
			return false;
		sum += s->share[n];
		p += len;
		if (!*p++)
			break;
	}
	for (int i = 0; i < PARTS && sum > 0; i++)
		s->share[i] /= sum;
	return sum > 0 && s->share[PART_TRAIN] > 0;
}

/* Classes one after the other, the rows of each in an order of their own. */
static Key *by_class(Arena *a, const Dataset *d, uint64_t seed, int64_t *start, int64_t *n_class)
{
	Key *key = ARENA_ARRAY(a, Key, d->n + 1);
	const DataColumn *l = d->label;
	for (int64_t i = 0; i < d->n; i++) {
		int64_t label = l ? load_i64(l->row->dtype, l->data, i) : 0;
		key[i] = (Key){ (uint64_t)label ^ (uint64_t)INT64_MIN, i };
	}
	sort_keys(key, d->n);
	*n_class = 0;
	for (int64_t i = 0; i <= d->n; i++)
		if (i == d->n || i == 0 || key[i].key != key[i - 1].key)
			start[(*n_class)++] = i;
	--*n_class;
	uint64_t own = hash_mix(seed, 0x73706c74);
	for (int64_t k = 0; k < *n_class; k++) {
		for (int64_t i = start[k]; i < start[k + 1]; i++)
			key[i].key = hash_mix(own, (uint64_t)key[i].row);
		sort_keys(key + start[k], start[k + 1] - start[k]);
	}
	return key;
}

/* How many of a class go to each part: what is due of all rows so far, less what was given, so that
 * the parts as a whole come out right too. What rounding leaves goes where most is missing. */
static void deal(const DataSplit *s, int64_t n, double seen, const double given[PARTS],
		 int64_t out[PARTS])
{
	double missing[PARTS];
	int64_t left = n;
	for (int p = 0; p < PARTS; p++) {
		double due = s->share[p] * (double)n;
		out[p] = (int64_t)due;
		left -= out[p];
		missing[p] = s->share[p] * seen - given[p] - (double)out[p];
	}
	for (; left > 0; left--) {
		int most = 0;
		for (int p = 1; p < PARTS; p++)
			if (missing[p] > missing[most])
				most = p;
		out[most]++;
		missing[most] -= 1;
	}
}

void split_rows(Arena *a, const Dataset *d, uint64_t seed, DataSplit *s)
{
	int64_t *start = ARENA_ARRAY(a, int64_t, d->n + 2), n_class;
	Key *key = by_class(a, d, seed, start, &n_class);
	double given[PARTS] = { 0 }, seen = 0;
	for (int p = 0; p < PARTS; p++)
		s->part[p] = (Rows){ 0, ARENA_ARRAY(a, int64_t, d->n + 1) };
	for (int64_t k = 0; k < n_class; k++) {
		int64_t n = start[k + 1] - start[k], count[PARTS], at = start[k];
		seen += (double)n;
		deal(s, n, seen, given, count);
		for (int p = 0; p < PARTS; p++) {
			given[p] += (double)count[p];
			for (int64_t i = 0; i < count[p]; i++)
				s->part[p].at[s->part[p].n++] = key[at++].row;
		}
	}
}
