/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Options as names and values. Any name of settings.def is kept, whichever folder it is for: each
 * call takes the ones it reads, so that one set serves compiling and running. */
#include "base/opts.h"
#include "runtime/cpu/rt.h"
#include "runtime/model.h"
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_LIMIT = 64, VALUE_LIMIT = 4096, COUNT_LIMIT = 256 };

typedef struct Option {
	char *key, *value;
	atomic_bool read; /* one set of options may serve several threads */
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

static burin_status check_key(const char *key, burin_error *err)
{
	size_t n = strspn(key, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-");
	if (n > NAME_LIMIT || key[n] || !setting_find(key)) {
		const char *near = setting_nearest(key);
		rt_fail(err, BURIN_E_ARG, 5001, "there is no option '%.64s'", key);
		if (near)
			rt_hint(err, "did you mean '%s'?", near);
		return BURIN_E_ARG;
	}
	return BURIN_OK;
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
	atomic_store_explicit(&option->read, false, memory_order_relaxed);
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
	burin_status s = check_key(key, err);
	if (s != BURIN_OK)
		return s;
	if (strlen(value) > VALUE_LIMIT)
		return rt_fail(err, BURIN_E_ARG, 5001, "%s: a value has at most %d bytes", key,
			       VALUE_LIMIT);
	Option *option = find(o, key);
	if (option)
		return replace(o, option, value, err);
	if (o->n == COUNT_LIMIT)
		return rt_fail(err, BURIN_E_ARG, 5001, "more than %d options", COUNT_LIMIT);
	option = &o->at[o->n];
	*option = (Option){ .key = strdup(key), .value = strdup("") };
	atomic_init(&option->read, false);
	if (!option->key || !option->value) {
		free(option->key);
		free(option->value);
		return rt_fail(err, BURIN_E_MEMORY, 1008, "out of memory");
	}
	o->n++;
	s = replace(o, option, value, err);
	if (s != BURIN_OK) {
		o->n--;
		free(option->key);
		free(option->value);
	}
	return s;
}

const char *opts_get(const burin_opts *o, const char *key)
{
	Option *option = find(o, key);
	if (option)
		atomic_store_explicit(&option->read, true, memory_order_relaxed);
	return option ? option->value : NULL;
}

bool opts_was_read(const burin_opts *o, const char *key)
{
	Option *option = find(o, key);
	return option && atomic_load_explicit(&option->read, memory_order_relaxed);
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
