/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Cases: random numbers, inputs filled with them, operators by name. */
#include "tests/conform/random_graph.h"
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

Case *case_create(uint64_t seed, FpMode fp)
{
	Arena *arena = arena_create();
	Case *c = ARENA_NEW(arena, Case);
	c->arena = arena;
	c->random = seed * 0x9e3779b97f4a7c15u + 1;
	c->ctx = context_create();
	c->ctx->fp = fp;
	c->g = graph_create(c->ctx, arena, "conform");
	c->b = builder_create(c->g);
	c->title = "";
	return c;
}

void case_destroy(Case *c)
{
	context_destroy(c->ctx);
	arena_destroy(c->arena);
}

/* --- random numbers --------------------------------------------------------------------------- */

/* splitmix64 */
uint64_t random_bits(Case *c)
{
	uint64_t z = c->random += 0x9e3779b97f4a7c15u;
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

int64_t pick(Case *c, int64_t low, int64_t high)
{
	return high <= low ? low : low + (int64_t)(random_bits(c) % (uint64_t)(high - low + 1));
}

bool chance(Case *c, int percent)
{
	return pick(c, 0, 99) < percent;
}

int64_t some_size(Case *c)
{
	static const int64_t odd[] = { 1, 1, 2, 3, 4, 5, 7, 11, 13, 16, 17, 31, 65 };
	if (c->pool)
		return odd[pick(c, 0, 12)];
	static const int64_t often[] = { 1, 2, 3, 7, 15, 16, 17, 31, 33 };
	return chance(c, 80) ? often[pick(c, 0, 8)] : pick(c, 1, 40);
}

void some_dims(Case *c, int rank, int64_t most, bool empty, int64_t *dim)
{
	int64_t product = 1;
	for (int i = 0; i < rank; i++) {
		dim[i] = some_size(c);
		if (product * dim[i] > most)
			dim[i] = pick(c, 1, 3);
		if (product * dim[i] > most)
			dim[i] = 1;
		product *= dim[i];
	}
	for (int i = rank - 1; i > 0; i--) { /* the large ones not always first */
		int64_t k = pick(c, 0, i), d = dim[i];
		dim[i] = dim[k];
		dim[k] = d;
	}
	if (empty && rank && chance(c, 4))
		dim[pick(c, 0, rank - 1)] = 0;
}

DType some_float(Case *c)
{
	static const DType other[] = { DT_f64, DT_f16, DT_bf16 };
	return c->smooth || chance(c, 70) ? DT_f32 : other[pick(c, 0, 2)];
}

DType some_number(Case *c)
{
	static const DType whole[] = { DT_i32, DT_i64, DT_i8, DT_u8, DT_i16 };
	return c->smooth || chance(c, 60) ? some_float(c) : whole[pick(c, 0, 4)];
}

DType some_type(Case *c)
{
	return !c->smooth && chance(c, 10) ? DT_bool : some_number(c);
}

/* --- values ----------------------------------------------------------------------------------- */

Domain between(double low, double high)
{
	return (Domain){ .given = true, .low = low, .high = high };
}

Domain indices(Case *c, int64_t size)
{
	int64_t low = chance(c, 30) ? -size : 0;
	return (Domain){
		.given = true, .whole = true, .low = (double)low, .high = (double)size - 1
	};
}

static double uniform(Case *c)
{
	return (double)(random_bits(c) >> 11) * 0x1p-53;
}

/* The sum of four: near enough. */
static double normal(Case *c)
{
	return (uniform(c) + uniform(c) + uniform(c) + uniform(c) - 2) * sqrt(3);
}

static double special(Case *c)
{
	static const double row[] = { 0.0,     -0.0,     INFINITY, -INFINITY, NAN,    1e-40,
				      -1e-40,  0x1p-149, 0x1p-126, 3e38,      -3e38,  1,
				      -1,      0.5,      -0.5,     2.5,       1.5,    -2.5,
				      1e-10,   88.5,     -88.5,    -103.5,    65504,  1e5,
				      -1e6,    1e10,     3,        -7,        0x1p23, 0x1p31,
				      -0x1p31, 0x1p63,   -0x1p63,  127,       255,    16777217,
				      2e6,     0.3,      4.6,      -9.5,      20,     -16.7 };
	int n = sizeof row / sizeof *row;
	if (chance(c, 40))
		return row[pick(c, 0, n - 1)];
	double v = normal(c);
	return chance(c, 20) ? v * pow(10, (double)pick(c, -12, 12)) : v * 4;
}

static double some_real(Case *c, Domain d)
{
	if (d.given)
		return d.whole ? (double)pick(c, (int64_t)d.low, (int64_t)d.high)
			       : d.low + (d.high - d.low) * uniform(c);
	switch (c->values) {
	case VALUES_WHOLE: return (double)pick(c, -4, 4);
	case VALUES_NORMAL: return normal(c);
	case VALUES_SPECIAL: return special(c);
	}
	return 0;
}

static int64_t some_whole(Case *c, DType t, Domain d)
{
	static const int64_t far[] = { 0,         1,         -1,        INT8_MIN,
				       INT8_MAX,  UINT8_MAX, INT16_MIN, INT32_MIN,
				       INT32_MAX, INT64_MIN, INT64_MAX };
	if (t == DT_bool)
		return pick(c, 0, 1);
	if (d.given)
		return pick(c, (int64_t)d.low, (int64_t)d.high);
	if (c->values == VALUES_SPECIAL && chance(c, 30))
		return far[pick(c, 0, 10)];
	return c->values == VALUES_NORMAL ? pick(c, -100, 100) : pick(c, -4, 4);
}

/* Rounded (and wrapped) to the type by way of memory. */
static void *make_data(Case *c, const Type *t, Domain d)
{
	char *data = arena_alloc(c->arena, (size_t)type_bytes(t) + 8);
	for (int64_t i = 0; i < t->count; i++)
		if (dtype_is_float(t->dtype))
			store_f64(t->dtype, data, i, some_real(c, d));
		else
			store_i64(t->dtype, data, i, some_whole(c, t->dtype, d));
	return data;
}

Node *case_input(Case *c, DType t, int rank, const int64_t *dim, Domain d)
{
	const Type *type = type_get(c->ctx, t, rank, dim);
	int i = c->g->input.n;
	Node *made = c->pool ? pool_operand(c, type, d) : NULL;
	if (made)
		return made;
	if (c->pool && i > CASE_PORTS - 4)
		return case_param(c, t, rank, dim, d);
	if (i == CASE_PORTS) {
		case_fail(c, "the case has too many inputs");
		return c->g->input.at[0];
	}
	c->in[i] = eval_from_data(c->arena, type, make_data(c, type, d));
	return emit_input(c->b, type, arena_printf(c->arena, "x%d", i), i);
}

Node *case_param(Case *c, DType t, int rank, const int64_t *dim, Domain d)
{
	const Type *type = type_get(c->ctx, t, rank, dim);
	const char *name = arena_printf(c->arena, "w%d", c->names++);
	const Blob *data = blob_wrap(c->ctx, type, make_data(c, type, d), name);
	return emit_param(c->b, type, name, true, data);
}

Node *case_operand(Case *c, DType t, int rank, const int64_t *dim, Domain d)
{
	bool param = !c->no_params && chance(c, 40);
	return param ? case_param(c, t, rank, dim, d) : case_input(c, t, rank, dim, d);
}

/* --- operators -------------------------------------------------------------------------------- */

static void one_result(Case *c, Node *n)
{
	vec_push(c->arena, &c->g->result, n);
	vec_push(c->arena, &c->g->result_name,
		 (const char *)arena_printf(c->arena, "y%d", c->g->result.n - 1));
}

void case_result(Case *c, Node *n)
{
	if (is_poison(n) || c->b->failed)
		return;
	if (c->pool) {
		pool_results(c, n);
		return;
	}
	if (n->type->dtype != DT_tuple)
		one_result(c, n);
	for (int i = 0; n->type->dtype == DT_tuple && i < n->type->n_elem; i++)
		one_result(c, emit_get(c->b, n, i));
}

/* "name=value; name=value" */
static void set_attributes(Case *c, Op op, void *record, char *text)
{
	AttrRecord r = op_info(op)->attr;
	char *save = NULL;
	for (char *p = strtok_r(text, ";", &save); p; p = strtok_r(NULL, ";", &save)) {
		p += strspn(p, " ");
		char *value = strchr(p, '=');
		if (!value)
			continue;
		*value++ = '\0';
		int field = attr_find(r, p);
		if (field < 0 || !attr_set_text(c->ctx, r, record, field, value))
			case_fail(c, "%s: attribute %s='%s' is wrong", op_info(op)->name, p, value);
	}
}

Node *case_emit(Case *c, Op op, Node *const *in, int n_in, const char *fmt, ...)
{
	_Alignas(max_align_t) char record[512];
	char text[512];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	attr_defaults(c->ctx, op_info(op)->attr, record);
	set_attributes(c, op, record, text);
	return emit(c->b, op, attr_intern(c->ctx, op_info(op)->attr, record), in, n_in);
}
