/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Parameters: which tensor of the weight file each one is, whether it fits, and what happens when
 * there is none. All that is missing, left over or of another shape is reported together, so that
 * one look at a model and its weights is enough. */
#include "frontend/build_impl.h"
#include "frontend/weights.h"
#include <fnmatch.h>

/* "random" or "init", with or without ":seed=N". */
static bool is_source(const char *text, const char *kind, uint64_t *seed)
{
	size_t n = strlen(kind);
	int64_t v = 0;
	if (strncmp(text, kind, n) != 0)
		return false;
	const char *number = str_starts(text + n, ":seed=") ? text + n + 6 : NULL;
	if (text[n] != '\0' && (!number || !parse_i64(number, strlen(number), &v)))
		return false;
	*seed = (uint64_t)v;
	return true;
}

bool weights_are_made(const char *weights)
{
	uint64_t ignored;
	return weights &&
	       (is_source(weights, "random", &ignored) || is_source(weights, "init", &ignored));
}

void build_param_options(Build *s)
{
	const char *w = s->o->weights;
	s->random = w && is_source(w, "random", &s->seed);
	s->made = s->random || (w && is_source(w, "init", &s->seed));
	if (!s->made)
		s->seed = s->o->seed;
}

/* The name of a parameter, a pattern of such names, or a layer or block that it belongs to. */
static bool means(const char *pattern, const char *name)
{
	size_t n = strlen(pattern);
	return fnmatch(pattern, name, 0) == 0 || (strncmp(pattern, name, n) == 0 && name[n] == '.');
}

bool param_is_fresh(const ReadOptions *o, const char *name)
{
	for (int i = 0; i < o->fresh.n; i++)
		if (means(o->fresh.at[i], name))
			return true;
	return false;
}

static bool is_known(Build *s, const char *fresh)
{
	uint64_t name;
	for (int i = 0; i < map_count(s->known); i++) {
		map_at(s->known, i, &name);
		if (means(fresh, (const char *)(uintptr_t)name))
			return true;
	}
	return false;
}

/* A parameter or the layer or block that it belongs to. */
static const char *nearest_known(Build *s, const char *fresh)
{
	int n = 0;
	uint64_t at;
	const char **names = ARENA_ARRAY(s->arena, const char *, 2 * map_count(s->known) + 1);
	for (int i = 0; i < map_count(s->known); i++) {
		map_at(s->known, i, &at);
		const char *name = (const char *)(uintptr_t)at, *dot = strrchr(name, '.');
		names[n++] = name;
		if (dot)
			names[n++] = arena_strndup(s->arena, name, (size_t)(dot - name));
	}
	return nearest_name(fresh, names, n);
}

bool build_check_fresh(Build *s)
{
	Diag *d = s->c->diag;
	bool ok = true;
	if (!s->o->fresh.n || s->o->shapes_only)
		return true;
	if (s->made || !s->weights)
		return diag_error(d, (Loc){ 0 }, E4008,
				  "--fresh has no effect: no parameter is read from a file");
	if (weights_raw(s->weights))
		return diag_error(d, (Loc){ .file = weights_file(s->weights) }, E4008,
				  "--fresh: a .bin has no names of parameters");
	for (int i = 0; i < s->o->fresh.n; i++) {
		if (is_known(s, s->o->fresh.at[i]))
			continue;
		ok = diag_error(d, (Loc){ 0 }, E4008, "--fresh: the model has no parameter '%.80s'",
				s->o->fresh.at[i]);
		const char *near = nearest_known(s, s->o->fresh.at[i]);
		if (near)
			diag_hint(d, "did you mean '%s'?", near);
	}
	return ok;
}

static const char *type_text(Arena *a, const Type *t)
{
	Str text;
	str_init(&text, a);
	type_print(&text, t);
	return str_text(&text);
}

static const Blob *make_initial(Build *s, const ParamAsk *ask)
{
	void *data = arena_alloc(s->g->arena, (size_t)type_bytes(ask->type));
	const char *init = ask->init || s->random ? ask->init : ask->own_init;
	init_tensor(ask->type, data, init, ask->role, ask->name, s->seed);
	return blob_wrap(s->c, ask->type, data, ask->name);
}

static bool check_init(Build *s, const ParamAsk *ask)
{
	if (!ask->init || init_is_known(ask->type, ask->init))
		return true;
	const char *names[MAX_INIT_NAMES];
	int n = init_names(names);
	diag_error(s->c->diag, ask->loc, E2006, "init=\"%.60s\": there is no such initialiser",
		   ask->init);
	const char *near = nearest_name(ask->init, names, n);
	if (near)
		diag_hint(s->c->diag, "did you mean '%s'?", near);
	else
		diag_hint(s->c->diag, "zeros, ones, a number, uniform:A, normal:S, he_normal, "
				      "xavier_uniform, lecun_normal ...");
	return false;
}

static void hint_fresh(Build *s, const ParamAsk *ask)
{
	if (s->trains)
		diag_hint(s->c->diag, "--fresh %s: training begins it anew", ask->name);
}

static const Blob *no_tensor(Build *s, const ParamAsk *ask)
{
	const char *type = type_text(s->arena, ask->type);
	if (!s->weights) {
		if (!s->no_file_reported) {
			diag_error(s->c->diag, ask->loc, E4006,
				   "the model has parameters (the first is '%s' %s) but no weight "
				   "file",
				   ask->name, type);
			diag_hint(s->c->diag, "weights=\"FILE\" at <graph>, --weights FILE, or "
					      "--weights random:seed=1");
		}
		s->no_file_reported = true;
		return NULL;
	}
	diag_error(s->c->diag, ask->loc, E4002, "the weight file has no tensor '%s' %s", ask->name,
		   type);
	if (!elem_worth_hint(s->c))
		return NULL;
	int n = 0; /* what the model does not use is what was meant */
	const char **names = ARENA_ARRAY(s->arena, const char *, weights_count(s->weights));
	for (int i = 0; i < weights_count(s->weights); i++) {
		weights_at(s->weights, i, &names[n]);
		n += !map_get_str(s->known, names[n]);
	}
	const char *near = nearest_name(ask->name, names, n);
	if (near)
		diag_hint(s->c->diag, "it has '%s' %s", near,
			  type_text(s->arena, weights_find(s->weights, near)->type));
	else if (n == 1)
		diag_hint(s->c->diag, "the model does not use its tensor '%s'", names[0]);
	else
		hint_fresh(s, ask);
	return NULL;
}

/* Floats may be stored in another width. */
static const Blob *convert(Build *s, const ParamAsk *ask, const Blob *from)
{
	const Type *t = ask->type;
	if (!s->converted_reported) {
		diag_warning(s->c->diag, ask->loc, E4005,
			     "the weight file holds '%s' as %s: converted to %s", ask->name,
			     dtype_info[from->type->dtype].name, dtype_info[t->dtype].name);
		diag_hint(s->c->diag, "reported for the first such tensor only");
	}
	s->converted_reported = true;
	void *data = arena_alloc(s->g->arena, (size_t)type_bytes(t));
	for (int64_t i = 0; i < t->count; i++)
		store_f64(t->dtype, data, i,
			  load_f64(from->type->dtype, from->data, from->splat ? 0 : i));
	return blob_wrap(s->c, t, data, ask->name);
}

static const Blob *check_fit(Build *s, const ParamAsk *ask, const Blob *found)
{
	if (found->type == ask->type)
		return found;
	bool floats = dtype_is_float(found->type->dtype) && dtype_is_float(ask->type->dtype);
	if (type_same_shape(found->type, ask->type) && floats)
		return found->data ? convert(s, ask, found) : found;
	diag_error(s->c->diag, ask->loc, E4003, "'%s' is %s here, but %s in the weight file",
		   ask->name, type_text(s->arena, ask->type), type_text(s->arena, found->type));
	hint_fresh(s, ask);
	return NULL;
}

/* A .bin has no names: its bytes are the parameters one after the other. */
static const Blob *take_raw(Build *s, const ParamAsk *ask, const Blob *raw)
{
	int64_t bytes = type_bytes(ask->type), at = s->raw_at;
	s->raw_at += bytes;
	if (s->raw_at <= raw->type->count)
		return blob_wrap(s->c, ask->type, (const char *)raw->data + at, ask->name);
	diag_error(s->c->diag, ask->loc, E4002, "the raw weights end at byte %lld, before '%s' %s",
		   (long long)raw->type->count, ask->name, type_text(s->arena, ask->type));
	return NULL;
}

static const Blob *param_data(Build *s, const ParamAsk *ask)
{
	if (s->made || param_is_fresh(s->o, ask->name))
		return make_initial(s, ask);
	const Blob *raw = s->weights ? weights_raw(s->weights) : NULL;
	if (raw)
		return take_raw(s, ask, raw);
	const Blob *found = s->weights ? weights_find(s->weights, ask->name) : NULL;
	if (found)
		return check_fit(s, ask, found);
	return ask->may_lack ? make_initial(s, ask) : no_tensor(s, ask);
}

static Node *poison(Build *s)
{
	s->failed = s->b->failed = true;
	return emit_scalar(s->b, DT_f32, 0);
}

/* Whether the data that the model itself brings (ONNX) is used: other weights replace what training
 * changes, and constants only where they name them. */
static bool keeps_own(const Build *s, const ParamAsk *ask)
{
	if (!ask->data || !s->o->weights)
		return ask->data;
	return !ask->trainable &&
	       (s->made || weights_raw(s->weights) || !weights_find(s->weights, ask->name));
}

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && str_eq(a, b));
}

/* One parameter is one thing, however often it is named. */
static bool agrees(Build *s, const ParamAsk *ask, const ParamAsk *first)
{
	const char *what, *here, *there;
	if (first->type != ask->type) {
		what = "is";
		here = type_text(s->arena, ask->type);
		there = type_text(s->arena, first->type);
	} else if (first->trainable != ask->trainable) {
		what = "has trainable";
		here = ask->trainable ? "yes" : "no";
		there = first->trainable ? "yes" : "no";
	} else if (!same_text(first->init, ask->init)) {
		what = "has init";
		here = ask->init ? ask->init : "none";
		there = first->init ? first->init : "none";
	} else {
		return true;
	}
	diag_error(s->c->diag, ask->loc, E4003, "the parameter '%s' %s %s here, but %s in line %d",
		   ask->name, what, here, there, first->loc.line);
	diag_note(s->c->diag, first->loc, "'%s' is first named here", ask->name);
	return false;
}

Node *build_param(Build *s, const ParamAsk *ask)
{
	Node *old = map_get_str(s->param, ask->name);
	if (old)
		return agrees(s, ask, map_get_str(s->asked, ask->name)) ? old : poison(s);
	map_put_str(s->asked, ask->name, arena_copy(s->arena, ask, sizeof *ask));
	if (!check_init(s, ask))
		return poison(s);
	const Blob *data = keeps_own(s, ask) ? ask->data : NULL;
	if (!data && !s->o->shapes_only) {
		data = param_data(s, ask);
		s->failed |= !data; /* go on without: the rest shall be checked too */
	}
	Node *n = emit_param(s->b, ask->type, ask->name, ask->trainable, data);
	map_put_str(s->param, ask->name, n);
	return n;
}

void build_param_extra(Build *s)
{
	if (!s->weights || s->made || s->o->shapes_only)
		return;
	const Blob *raw = weights_raw(s->weights);
	Loc loc = { .file = weights_file(s->weights) };
	if (raw && raw->type->count != s->raw_at)
		diag_warning(s->c->diag, loc, E4004, "the model uses %lld of %lld bytes",
			     (long long)s->raw_at, (long long)raw->type->count);
	Str names;
	str_init(&names, s->arena);
	int extra = 0;
	for (int i = 0; !raw && i < weights_count(s->weights); i++) {
		const char *name;
		weights_at(s->weights, i, &name);
		if (map_get_str(s->known, name) || str_ends(name, ".num_batches_tracked"))
			continue;
		if (extra++ < 8)
			str_fmt(&names, "%s'%s'", extra > 1 ? ", " : "", name);
	}
	if (extra)
		diag_warning(s->c->diag, loc, E4004, "the model does not use %d tensor%s: %s%s",
			     extra, extra == 1 ? "" : "s", str_text(&names),
			     extra > 8 ? " ..." : "");
}
