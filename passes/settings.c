/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "passes/settings.h"
#include <string.h>

static bool read_switch(Context *c, const char *key, const char *value, bool *off)
{
	*off = str_eq(value, "off") || str_eq(value, "no");
	if (*off || str_eq(value, "on") || str_eq(value, "yes"))
		return true;
	return diag_error(c->diag, (Loc){ 0 }, E5001, "option %s: '%s' is neither on nor off", key,
			  value);
}

bool settings_switch(Context *c, const burin_opts *o, const char *key, bool *out)
{
	const char *value = opts_get(o, key);
	bool off;
	if (!value)
		return true;
	if (!read_switch(c, key, value, &off))
		return false;
	*out = !off;
	return true;
}

static bool read_pass(Context *c, const char *key, const char *value, PassOptions *out)
{
	const char *name = key + strlen("passes.");
	const char *names[PASS_COUNT];
	PassId id;
	if (pass_find(name, &id)) {
		if (!read_switch(c, key, value, &out->off[id]))
			return false;
		return id != PASS_expand || !out->off[id] ||
		       diag_error(c->diag, (Loc){ 0 }, E5001, "pass 'expand' cannot be left out");
	}
	for (int i = 0; i < PASS_COUNT; i++)
		names[i] = pass_info[i].name;
	diag_error(c->diag, (Loc){ 0 }, E7003, "there is no pass '%s'", name);
	const char *near = nearest_name(name, names, PASS_COUNT);
	if (near)
		diag_hint(c->diag, "did you mean 'passes.%s'?", near);
	return false;
}

static bool read_precision(Context *c, const char *value, PassOptions *out)
{
	out->bf16 = str_eq(value, "bf16");
	if (out->bf16 || str_eq(value, "f32"))
		return true;
	return diag_error(c->diag, (Loc){ 0 }, E5001,
			  "option cuda.precision: '%s' is neither f32 nor bf16", value);
}

static bool read_target(Context *c, const char *name, Target *out)
{
	if (target_find(name ? name : "native", out) && out->kind == TARGET_CPU)
		return true;
	diag_error(c->diag, (Loc){ 0 }, E5001, "unknown CPU '%s'", name);
	diag_hint(c->diag, "one of native, x86-64-v2, x86-64-v3, x86-64-v4");
	return false;
}

/* One or several; kernels are made for the oldest. */
static bool read_gpu(Context *c, const char *names, Target *out)
{
	bool first = true, more = true;
	for (names = names ? names : "sm_80"; more;) {
		size_t n = strcspn(names, ",");
		const char *name = arena_strndup(c->arena, names, n);
		Target t;
		if (!target_find(name, &t) || t.kind != TARGET_CUDA) {
			diag_error(c->diag, (Loc){ 0 }, E5001, "unknown GPU '%s'", name);
			diag_hint(c->diag, "one of sm_75, sm_80, sm_90, or several: sm_80,sm_90");
			return false;
		}
		if (first || strcmp(t.name, out->name) < 0)
			*out = t;
		first = false;
		more = names[n] == ',';
		names += n + more;
	}
	return true;
}

/* target: the machine that the model is compiled for; host: where its weights are prepared. */
static bool read_device(Context *c, const burin_opts *o, PassOptions *out)
{
	const char *device = opts_get(o, "device"), *cpu = opts_get(o, "target.cpu");
	if (!device || str_eq(device, "cpu"))
		return read_target(c, cpu, &out->target);
	if (str_eq(device, "cuda") || str_eq(device, "cuda-emu"))
		return read_target(c, cpu, &out->host) &&
		       read_gpu(c, opts_get(o, "gpu"), &out->target);
	diag_error(c->diag, (Loc){ 0 }, E5001, "option device: there is no device '%s'", device);
	diag_hint(c->diag, "one of cpu, cuda, cuda-emu");
	return false;
}

bool settings_read(Context *c, const burin_opts *o, PassOptions *out)
{
	bool ok = read_device(c, o, out);
	for (int i = 0; i < opts_count(o); i++) {
		const char *key, *value;
		opts_at(o, i, &key, &value);
		if (str_starts(key, "passes."))
			ok = read_pass(c, key, opts_get(o, key), out) && ok;
	}
	ok = settings_switch(c, o, "verify-passes", &out->verify) && ok;
	const char *precision =
		out->target.kind == TARGET_CUDA ? opts_get(o, "cuda.precision") : NULL;
	return (!precision || read_precision(c, precision, out)) && ok;
}
