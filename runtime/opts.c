/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Options as names and values. Any name is kept: each call takes the ones it knows, so that one set
 * serves compiling and running. */
#include "runtime/cpu/rt.h"
#include "runtime/model.h"
#include <stdlib.h>
#include <string.h>

enum { NAME_LIMIT = 64, VALUE_LIMIT = 4096, COUNT_LIMIT = 256 };

typedef struct Option {
	char *key, *value;
} Option;

struct burin_opts {
	Option at[COUNT_LIMIT];
	int n;
};

burin_status burin_opts_new(burin_opts **out, burin_error *err)
{
	if (!out)
		return rt_fail(err, BURIN_E_ARG, 0, "out is NULL");
	*out = calloc(1, sizeof(**out));
	return *out ? BURIN_OK : rt_fail(err, BURIN_E_MEMORY, 1008, "out of memory");
}

void burin_opts_free(burin_opts *o)
{
	for (int i = 0; o && i < o->n; i++) {
		free(o->at[i].key);
		free(o->at[i].value);
	}
	free(o);
}

static bool is_name(const char *key)
{
	size_t n = strspn(key, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-");
	return n > 0 && n <= NAME_LIMIT && key[n] == 0;
}

static Option *find(const burin_opts *o, const char *key)
{
	for (int i = 0; o && i < o->n; i++)
		if (strcmp(o->at[i].key, key) == 0)
			return (Option *)&o->at[i];
	return NULL;
}

static burin_status check_value(const burin_opts *o, const char *key, burin_error *err)
{
	int threads;
	bool flag;
	if (strcmp(key, "threads") == 0)
		return opts_threads(o, &threads, err);
	if (strcmp(key, "hugepages") == 0)
		return opts_flag(o, key, &flag, err);
	return BURIN_OK;
}

static burin_status replace(burin_opts *o, Option *option, const char *value, burin_error *err)
{
	char *before = option->value, *copy = strdup(value);
	if (!copy)
		return rt_fail(err, BURIN_E_MEMORY, 1008, "out of memory");
	option->value = copy;
	burin_status s = check_value(o, option->key, err);
	if (s != BURIN_OK) {
		option->value = before;
		before = copy;
	}
	free(before);
	return s;
}

burin_status burin_opts_set(burin_opts *o, const char *key, const char *value, burin_error *err)
{
	if (!o || !key || !value)
		return rt_fail(err, BURIN_E_ARG, 0, "options, key or value is NULL");
	if (!is_name(key) || strlen(value) > VALUE_LIMIT)
		return rt_fail(err, BURIN_E_ARG, 5001,
			       "'%.64s' is not a key, or its value is too long", key);
	Option *option = find(o, key);
	if (option)
		return replace(o, option, value, err);
	if (o->n == COUNT_LIMIT)
		return rt_fail(err, BURIN_E_ARG, 5001, "more than %d options", COUNT_LIMIT);
	option = &o->at[o->n];
	*option = (Option){ .key = strdup(key), .value = strdup("") };
	if (!option->key || !option->value) {
		free(option->key);
		free(option->value);
		return rt_fail(err, BURIN_E_MEMORY, 1008, "out of memory");
	}
	o->n++;
	burin_status s = replace(o, option, value, err);
	if (s != BURIN_OK) {
		o->n--;
		free(option->key);
		free(option->value);
	}
	return s;
}

const char *opts_get(const burin_opts *o, const char *key)
{
	const Option *option = find(o, key);
	return option ? option->value : NULL;
}

int opts_count(const burin_opts *o)
{
	return o ? o->n : 0;
}

void opts_at(const burin_opts *o, int i, const char **key, const char **value)
{
	*key = o->at[i].key;
	*value = o->at[i].value;
}

burin_status opts_threads(const burin_opts *o, int *threads, burin_error *err)
{
	const char *value = opts_get(o, "threads");
	int n = 0;
	for (const char *c = value; c && *c; c++) {
		if (*c < '0' || *c > '9' || n > BURIN_MAX_THREADS)
			return rt_fail(err, BURIN_E_ARG, 5001, "threads: '%.32s' is not 0 to %d",
				       value, BURIN_MAX_THREADS);
		n = n * 10 + (*c - '0');
	}
	if (n > BURIN_MAX_THREADS || (value && !*value))
		return rt_fail(err, BURIN_E_ARG, 5001, "threads: '%.32s' is not 0 to %d", value,
			       BURIN_MAX_THREADS);
	*threads = n;
	return BURIN_OK;
}

burin_status opts_flag(const burin_opts *o, const char *key, bool *value, burin_error *err)
{
	const char *text = opts_get(o, key);
	*value = text && (strcmp(text, "yes") == 0 || strcmp(text, "on") == 0);
	if (!text || *value || strcmp(text, "no") == 0 || strcmp(text, "off") == 0)
		return BURIN_OK;
	return rt_fail(err, BURIN_E_ARG, 5001, "%s: '%.32s' is neither yes nor no", key, text);
}
