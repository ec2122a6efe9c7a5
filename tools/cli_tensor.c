/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* See cli_tensor.h. */
#include "tools/cli_tensor.h"
#include "base/map.h"
#include "frontend/frontend.h"
#include "ir/scalar.h"
#include "ir/wide.h"
#include <math.h>
#include <string.h>
#include <strings.h>

/* --- --input ---------------------------------------------------------------------------------- */

/* "2x3xf32" */
static const Type *literal_type(Cli *c, const char *text, size_t n)
{
	int64_t dim[MAX_RANK];
	int rank = 0;
	for (;;) {
		size_t part = 0;
		DType t;
		while (part < n && text[part] != 'x')
			part++;
		if (part == n)
			return dtype_find(arena_strndup(c->arena, text, n), &t)
				       ? type_get(c->ctx, t, rank, dim)
				       : NULL;
		if (rank == MAX_RANK || !parse_i64(text, part, &dim[rank++]))
			return NULL;
		text += part + 1;
		n -= part + 1;
	}
}

static bool store_number(const Type *t, void *data, int64_t at, const char *text, size_t n)
{
	double v;
	int64_t i;
	if (dtype_is_float(t->dtype) && parse_f64(text, n, &v))
		store_f64(t->dtype, data, at, v);
	else if (!dtype_is_float(t->dtype) && parse_i64(text, n, &i))
		store_i64(t->dtype, data, at, i);
	else
		return false;
	return true;
}

/* "1,2,3": as many as the type has elements, or one for all. */
static const Blob *literal_tensor(Cli *c, const Type *t, const char *text)
{
	char *data = arena_alloc(c->arena, (size_t)type_bytes(t) + 8);
	int64_t n = 0;
	for (const char *at = text; *at || n == 0;) {
		size_t part = strcspn(at, ", ");
		if (n >= t->count || !store_number(t, data, n++, at, part))
			return NULL;
		at += part;
		at += strspn(at, ", ");
		if (!*at)
			break;
	}
	for (int64_t i = n; n == 1 && i < t->count; i++)
		memcpy(data + i * dtype_info[t->dtype].bytes, data,
		       (size_t)dtype_info[t->dtype].bytes);
	return n == t->count || n == 1 ? blob_wrap(c->ctx, t, data, NULL) : NULL;
}

static int bad_input(Cli *c, const Given *g, const char *value)
{
	return cli_usage(c,
			 "such as x=@x.npy, x=2x3xf32=1,2,3,4,5,6, x=random:seed=7, x=zeros, x=1.5",
			 "--input %s: '%.80s' is not a value", g->name, value);
}

static int read_literal(Cli *c, Given *g, const char *value)
{
	const char *equals = strchr(value, '=');
	const Type *t = literal_type(c, value, (size_t)(equals - value));
	g->kind = GIVEN_TENSOR;
	g->tensor = t ? literal_tensor(c, t, equals + 1) : NULL;
	return g->tensor ? EXIT_YES : bad_input(c, g, value);
}

static int read_random(Cli *c, Given *g, const char *value)
{
	int64_t seed = (int64_t)cli_seed(c);
	const char *text = value + strlen("random");
	g->kind = GIVEN_RANDOM;
	if (*text && (!str_starts(text, ":seed=") || !parse_i64(text + 6, strlen(text + 6), &seed)))
		return bad_input(c, g, value);
	g->seed = (uint64_t)seed;
	return EXIT_YES;
}

static int read_value(Cli *c, Given *g, const char *value)
{
	if (*value == '@') {
		Context *own = c->ctx;
		g->kind = GIVEN_TENSOR;
		g->file = value + 1;
		g->tensor = npy_read(own, own->arena, g->file);
		return g->tensor ? EXIT_YES : cli_diagnostics(c, own->diag);
	}
	if (str_starts(value, "random"))
		return read_random(c, g, value);
	if (strchr(value, '='))
		return read_literal(c, g, value);
	g->kind = GIVEN_FILL;
	if (str_eq(value, "zeros") || str_eq(value, "ones"))
		g->fill = num_of_i64(str_eq(value, "ones"));
	else if (!num_parse(value, strlen(value), &g->fill))
		return bad_input(c, g, value);
	return EXIT_YES;
}

int given_read(Cli *c, GivenList *out)
{
	const Texts *text = opt_all(c, OPT_input);
	for (int i = 0; i < text->n; i++) {
		const char *equals = strchr(text->at[i], '=');
		if (!equals || equals == text->at[i])
			return cli_usage(c, NULL, "--input %.80s: NAME=VALUE is wanted",
					 text->at[i]);
		Given g = { .name = arena_strndup(c->arena, text->at[i],
						  (size_t)(equals - text->at[i])) };
		int rc = read_value(c, &g, equals + 1);
		if (rc)
			return rc;
		vec_push(c->arena, out, g);
	}
	return EXIT_YES;
}

Given *given_find(const GivenList *l, const char *name)
{
	for (int i = 0; l && i < l->n; i++)
		if (str_eq(l->at[i].name, name))
			return &l->at[i];
	return NULL;
}

bool named_file(Cli *c, OptId o, const char *text, const char **name, const char **file)
{
	const char *equals = strchr(text, '=');
	if (!equals || equals == text || equals[1] != '@' || !equals[2]) {
		cli_usage(c, NULL, "--%s %.80s: NAME=@FILE is wanted", opt_info[o].name, text);
		return false;
	}
	*name = arena_strndup(c->arena, text, (size_t)(equals - text));
	*file = equals + 2;
	return true;
}

/* --- memory and random values ----------------------------------------------------------------- */

Tensor tensor_new(Arena *a, const char *name, const Type *t)
{
	char *p = arena_alloc(a, (size_t)type_bytes(t) + 128);
	return (Tensor){ .name = name, .type = t, .data = p + (-(uintptr_t)p & 63) };
}

/* splitmix64 */
static uint64_t next_random(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15u;
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

static double uniform(uint64_t *state)
{
	return ((double)(next_random(state) >> 11) + 0.5) * 0x1p-53;
}

static double normal(uint64_t *state)
{
	double radius = sqrt(-2 * log(uniform(state)));
	return radius * cos(6.283185307179586 * uniform(state));
}

static void fill_mask(const Tensor *t, uint64_t *state)
{
	int64_t row = t->type->rank ? t->type->dim[t->type->rank - 1] : 1;
	int64_t ones = row;
	for (int64_t i = 0; i < t->type->count; i++) {
		if (i % row == 0)
			ones = 1 + (int64_t)(next_random(state) % (uint64_t)row);
		bool v = i % row < ones;
		if (dtype_is_float(t->type->dtype))
			store_f64(t->type->dtype, t->data, i, v);
		else
			store_i64(t->type->dtype, t->data, i, v);
	}
}

void tensor_random(const Tensor *t, uint64_t seed, InputHint hint)
{
	uint64_t state = hash_bytes(t->name, strlen(t->name), seed);
	DType d = t->type->dtype;
	bool is_mask = hint.mask || d == DT_bool;
	uint64_t limit = hint.limit > 0 ? (uint64_t)hint.limit : 2;
	if (is_mask && t->type->count > 0) {
		fill_mask(t, &state);
		return;
	}
	if (limit > 120)
		limit = dtype_info[d].bytes == 1 ? 120 : limit > 30000 ? 30000 : limit;
	for (int64_t i = 0; i < t->type->count; i++)
		if (dtype_is_float(d))
			store_f64(d, t->data, i, normal(&state));
		else
			store_i64(d, t->data, i, (int64_t)(next_random(&state) % limit));
}

/* --- comparison ------------------------------------------------------------------------------- */

bool tolerance_is_narrow(Cli *c)
{
	const char *precision = opts_get(c->opts, "cuda.precision");
	return precision && strcmp(precision, "bf16") == 0;
}

bool tolerance_read(Cli *c, Tolerance *out)
{
	*out = (Tolerance){ .rtol = tolerance_is_narrow(c) ? 2e-2 : -1, .atol = -1 };
	return opt_real(c, OPT_rtol, &out->rtol) && opt_real(c, OPT_atol, &out->atol);
}

/* What g computes in and rounds to: an expanded graph, in which only casts that are the model's own
 * or fp=strict's make 16-bit floats of computed values. */
typedef struct Precision {
	bool f64_only;
	double rounding; /* half a unit in the last place of the narrowest type rounded to; 0: none */
} Precision;

static double half_unit(DType t)
{
	return t == DT_f16 ? 0x1p-11 : t == DT_bf16 ? 0x1p-8 : 0;
}

static Precision precision_of(const Graph *g)
{
	Precision p = { .f64_only = true };
	for (int i = 0; i < g->node.n; i++) {
		const Node *n = g->node.at[i];
		DType t = n->type->dtype;
		if (dtype_is_float(t) && t != DT_f64)
			p.f64_only = false;
		bool rounds = n->op == OP_cast && !ATTR_OF(n, cast)->loose &&
			      !(op_info(n->in[0]->op)->flags & OF_LEAF);
		if (rounds && half_unit(t) > p.rounding)
			p.rounding = half_unit(t);
	}
	return p;
}

Tolerance tolerance_for(Tolerance t, DType type, const Graph *g)
{
	enum { UNITS = 16 }; /* where values are rounded to 16 bits on the way: as PyTorch's are */
	Precision p = { .rounding = half_unit(type) };
	if (g)
		p = precision_of(g);
	double rtol = g && p.f64_only ? 1e-11 : 1e-4;
	if (UNITS * p.rounding > rtol)
		rtol = UNITS * p.rounding;
	if (t.rtol < 0)
		t.rtol = rtol;
	if (t.atol < 0)
		t.atol = rtol / 100;
	return t;
}

/* The size of one unit in the last place of v as a number of this type. */
static double unit_of(DType t, double v)
{
	int digits = t == DT_f64 ? 53 : t == DT_f32 ? 24 : t == DT_f16 ? 11 : 8;
	int least = t == DT_f64 ? -1021 : t == DT_f16 ? -13 : -125;
	int exponent;
	frexp(v, &exponent);
	return ldexp(1, (exponent > least ? exponent : least) - digits);
}

/* Integers by all their bits: beyond 2^53 two of them may be one double. */
static bool same_number(Num x, Num y)
{
	return (x.f == y.f && x.i == y.i) || (x.f == 0 && y.f == 0) || (isnan(x.f) && isnan(y.f));
}

/* At least 1 between integers that differ. */
static double distance(Num x, Num y)
{
	double off = fabs(x.f - y.f);
	return off == 0 ? 1 : off;
}

/* The largest magnitude of x, or of x - from. */
static double largest_of(const EvalTensor *x, const EvalTensor *from)
{
	double largest = 0;
	for (int64_t i = 0; x->f && i < x->type->count; i++) {
		double v = fabs(from ? x->f[i] - from->f[i] : x->f[i]);
		if (v > largest && !isinf(v))
			largest = v;
	}
	return largest;
}

/* How far coarser arithmetic may lead: errors of the same kind as those of t.coarse, but other
 * ones, since compiled code rounds elsewhere. Where there are many elements the largest errors are
 * alike; where there are few, as for a loss, the least is what one rounding of the result makes. */
static double coarse_limit(const EvalTensor *want, Tolerance t, double largest)
{
	enum { APART = 4 };
	return t.coarse ? APART * largest_of(want, t.coarse) + t.coarse_share * largest : 0;
}

static double limit_of(DType type, const EvalTensor *want, Tolerance t, double largest)
{
	double scale = t.from ? largest_of(want, t.from) : largest;
	double unit = t.from ? unit_of(type, largest) : 0;
	if (!dtype_is_float(type))
		return 0;
	return t.atol + t.rtol * scale + unit + coarse_limit(want, t, scale);
}

/* How far x is from y, the rounding of 16-bit floats aside; beyond their range, infinity is what y
 * is rounded to. */
static double excess(DType t, double x, double y, double limit)
{
	double off = fabs(x - y);
	if (!dtype_is_narrow_float(t))
		return off;
	if (isinf(x) && x == float_round(t, copysign(fabs(y) + limit, y)))
		return 0;
	off -= unit_of(t, fabs(x) > fabs(y) ? x : y) / 2;
	return off < 0 ? 0 : off;
}

Difference tensor_difference(const Tensor *got, const EvalTensor *want, Tolerance t)
{
	Difference d = { .first_bad = -1, .largest = largest_of(want, NULL) };
	bool is_float = dtype_is_float(got->type->dtype);
	d.limit = limit_of(got->type->dtype, want, t, d.largest);
	for (int64_t i = 0; i < got->type->count; i++) {
		Num x = num_load(got->type->dtype, got->data, i);
		Num y = want->f ? num_of(want->f[i]) : num_of_i64(want->i[i]);
		if (same_number(x, y))
			continue;
		double off = distance(x, y);
		double over = is_float ? excess(got->type->dtype, x.f, y.f, d.limit) : off;
		bool bad = !(over <= d.limit);
		if (isinf(x.f) && !bad) /* beyond the type's range */
			continue;
		if (!(off <= d.max_abs))
			d.max_abs = off;
		if (d.limit > 0 && !(over / d.limit <= d.used))
			d.used = over / d.limit;
		if (is_float && fabs(y.f) >= d.largest * 0x1p-10 &&
		    off / unit_of(got->type->dtype, y.f) > d.ulp)
			d.ulp = off / unit_of(got->type->dtype, y.f);
		if (bad && d.bad++ == 0) {
			d.first_bad = i;
			d.got = x;
			d.want = y;
		}
	}
	return d;
}

const char *text_index(Arena *a, const Type *t, int64_t at)
{
	Str s;
	int64_t stride[MAX_RANK];
	str_init(&s, a);
	type_strides(t, stride);
	str_char(&s, '[');
	for (int i = 0; i < t->rank; i++)
		str_fmt(&s, i ? ",%lld" : "%lld", (long long)(at / stride[i] % t->dim[i]));
	str_char(&s, ']');
	return str_text(&s);
}

const char *text_element(Arena *a, DType t, Num v, int digits)
{
	return dtype_is_float(t) ? arena_printf(a, "%.*g", digits, v.f)
				 : arena_printf(a, "%lld", (long long)v.i);
}

static void print_difference(Cli *c, const char *what, const char *name, const Tensor *got,
			     const Difference *d)
{
	cli_print(c, "%-9s '%s'  max abs %.2g of %.4g  max ulp %.4g  %.3g %% of the limit  %s\n",
		  what, name, d->max_abs, d->largest, d->ulp, 100 * d->used,
		  d->bad        ? "FAIL"
		  : d->rounding ? "ok (rounding)"
				: "ok");
	if (d->bad)
		cli_print(c, "          %lld of %lld elements; first at %s: %s instead of %s\n",
			  (long long)d->bad, (long long)got->type->count,
			  text_index(c->arena, got->type, d->first_bad),
			  text_element(c->arena, got->type->dtype, d->got, 9),
			  text_element(c->arena, got->type->dtype, d->want, 9));
}

void difference_report(Cli *c, const char *what, const char *name, const Tensor *got,
		       const Difference *d)
{
	JsonWriter *w = &c->json;
	if (what)
		print_difference(c, what, name, got, d);
	json_put_object(w);
	json_key_text(c, "name", name);
	json_key_real(c, "max_abs", d->max_abs);
	json_key_real(c, "largest", d->largest);
	json_key_real(c, "limit", d->limit);
	json_key_real(c, "used", d->used);
	json_key_real(c, "max_ulp", d->ulp);
	json_key_int(c, "bad", d->bad);
	if (d->bad)
		json_key_text(c, "first_bad", text_index(c->arena, got->type, d->first_bad));
	json_key_bool(c, "ok", d->bad == 0);
	json_key_bool(c, "rounding", d->rounding);
	json_end(w);
}
