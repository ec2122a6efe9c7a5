/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Types, attributes, blobs, operators' table, emit, text form, verifier. What text can say is in
 * tests/golden/graph; here is what takes many values or looks at pointers. */
#include "tests/unit/ir_fixture.h"
#include "ir/scalar.h"
#include <math.h>
#include <string.h>

/* --- types ----------------------------------------------------------------------------------- */

static void types_are_interned(void **state)
{
	Fixture *f = *state;
	int64_t dim[2] = { 2, 3 };
	const Type *t = type_get(f->c, DT_f32, 2, dim);
	assert_ptr_equal(t, type_of(f, "f32[2,3]"));
	assert_ptr_equal(t, type_of(f, "f32[ 2 , 3 ]"));
	assert_ptr_not_equal(t, type_of(f, "f32[3,2]"));
	assert_ptr_not_equal(t, type_of(f, "f64[2,3]"));
	assert_ptr_equal(type_scalar(f->c, DT_bool), type_of(f, "bool"));
	assert_int_equal(t->count, 6);
	assert_int_equal(type_bytes(t), 24);
	assert_int_equal(type_of(f, "i64[0,7]")->count, 0);
	for (int i = 1; i < 5000; i++) {
		int64_t d[2] = { i, i % 7 };
		assert_ptr_equal(type_get(f->c, DT_i8, 2, d), type_get(f->c, DT_i8, 2, d));
	}
}

static void types_out_of_range_are_refused(void **state)
{
	Fixture *f = *state;
	int64_t nine[9] = { 1, 1, 1, 1, 1, 1, 1, 1, 1 }, large[2] = { 1 << 20, (1 << 20) + 1 };
	int64_t hidden[3] = { 0, MAX_ELEMENTS, 2 }, negative[1] = { -1 };
	int64_t wrap[4] = { (int64_t)1 << 32, (int64_t)1 << 32, 1, 1 };
	assert_null(type_get(f->c, DT_f32, 9, nine));
	assert_null(type_get(f->c, DT_f32, 2, large));
	assert_null(type_get(f->c, DT_f32, 3, hidden));
	assert_null(type_get(f->c, DT_f32, 1, negative));
	assert_null(type_get(f->c, DT_f32, 4, wrap));
	large[1]--;
	assert_non_null(type_get(f->c, DT_f32, 2, large));
}

static void types_print_and_parse(void **state)
{
	Fixture *f = *state;
	static const char *const good[] = { "f32",           "bf16[1]",
					    "i64[0]",        "u8[2,3,4,5,6,7,8,9]",
					    "(f32[2], i64)", "()" };
	static const char *const bad[] = {
		"",        "f33",     "f32[", "f32[]",  "f32[2",
		"f32[2,]", "f32[-1]", "(f32", "(f32,)", "f32[99999999999999999999]"
	};
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		Str s;
		str_init(&s, f->c->arena);
		type_print(&s, type_of(f, good[i]));
		assert_string_equal(str_text(&s), good[i]);
	}
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		const Type *t;
		const char *text = bad[i];
		assert_false(type_parse(f->c, &text, &t));
	}
}

/* --- attributes ------------------------------------------------------------------------------ */

static void attributes_are_interned_by_value(void **state)
{
	Fixture *f = *state;
	int64_t v[2] = { 1, 2 }, same[2] = { 1, 2 };
	Attr_slice a = { .begin = { 2, v }, .count = { 2, v }, .step = { 2, v } };
	Attr_slice b = { .begin = { 2, same }, .count = { 2, v }, .step = { 2, same } };
	const Attr_slice *x = attr_intern(f->c, ATTR_slice_RECORD, &a);
	assert_ptr_equal(x, attr_intern(f->c, ATTR_slice_RECORD, &b));
	same[1] = 3;
	assert_ptr_not_equal(x, attr_intern(f->c, ATTR_slice_RECORD, &b));
	v[0] = 9;
	assert_int_equal(x->begin.v[0], 1); /* lists are copied */
	Attr_axis axis = { .axis = 1 };
	Attr_cumsum cumsum = { .axis = 1 };
	assert_ptr_not_equal(attr_intern(f->c, ATTR_axis_RECORD, &axis),
			     attr_intern(f->c, ATTR_cumsum_RECORD, &cumsum));
	Attr_fill zero = { .value = num_of(0) }, minus = { .value = num_of(-0.0) },
		  nan = { .value = num_of(NAN) };
	assert_ptr_not_equal(attr_intern(f->c, ATTR_fill_RECORD, &zero),
			     attr_intern(f->c, ATTR_fill_RECORD, &minus));
	assert_ptr_equal(attr_intern(f->c, ATTR_fill_RECORD, &nan),
			 attr_intern(f->c, ATTR_fill_RECORD, &nan));
	char text[] = "same";
	Attr_gelu g = { .approximate = text }, h = { .approximate = "same" };
	assert_ptr_equal(attr_intern(f->c, ATTR_gelu_RECORD, &g),
			 attr_intern(f->c, ATTR_gelu_RECORD, &h));
}

/* One number has one form; integers of 64 bits are exact, all else is a double. */
static void numbers_keep_their_bits(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		bool whole;
		int64_t i;
		double f;
	} good[] = {
		{ "9007199254740993", true, 9007199254740993, 0x1p53 },
		{ "-9223372036854775808", true, INT64_MIN, -0x1p63 },
		{ "9223372036854775807", true, INT64_MAX, 0x1p63 },
		{ "9223372036854775808", false, 0, 0x1p63 },
		{ "1e18", true, 1000000000000000000, 1e18 },
		{ "3.0", true, 3, 3 },
		{ "0", true, 0, 0 },
		{ "-0", false, 0, -0.0 },
		{ "0.1", false, 0, 0.1 },
		{ "-inf", false, 0, -HUGE_VAL },
	};
	for (size_t k = 0; k < sizeof good / sizeof *good; k++) {
		Num v, again;
		Arena *a = arena_create();
		Str s;
		str_init(&s, a);
		assert_true(num_parse(good[k].text, strlen(good[k].text), &v));
		assert_int_equal(num_is_whole(v), good[k].whole);
		assert_true(v.i == good[k].i);
		assert_memory_equal(&v.f, &good[k].f, sizeof v.f);
		num_print(&s, v);
		assert_true(num_parse(str_text(&s), s.n, &again));
		assert_memory_equal(&v, &again, sizeof v);
		arena_destroy(a);
	}
	Num v;
	assert_false(num_parse("", 0, &v));
	assert_false(num_parse("1x", 2, &v));
}

/* As a cast: rounded once, and at most what the type can hold. */
static void numbers_are_stored_by_type(void **state)
{
	(void)state;
	int64_t whole = 0;
	uint8_t byte = 0;
	float single = 0;
	num_store(DT_i64, &whole, 0, num_of_i64(9007199254740993));
	assert_true(whole == 9007199254740993);
	num_store(DT_i64, &whole, 0, num_of(1e300));
	assert_true(whole == INT64_MAX);
	assert_true(num_is_of(DT_i64, num_of(-0.0)) && num_is_of(DT_u8, num_of(-0.0)));
	num_store(DT_i64, &whole, 0, num_of(-0.0));
	assert_true(whole == 0);
	num_store(DT_f32, &single, 0, num_of(-0.0));
	assert_true(single == 0 && signbit(single));
	num_store(DT_u8, &byte, 0, num_of_i64(300));
	assert_int_equal(byte, 255);
	/* 2^60 + 2^36 + 1: as a double it would lie between two floats, and become 2^60 */
	num_store(DT_f32, &single, 0, num_of_i64((1ll << 60) + (1ll << 36) + 1));
	assert_true(single == 0x1.000002p60f);
}

/* What prints is what sets, for every field of every record, from its default on. */
static void attributes_print_what_they_read(void **state)
{
	Fixture *f = *state;
	static const char *const text[] = {
		[AK_i64] = "-7",     [AK_f64] = "1e-05",           [AK_flag] = "yes",
		[AK_ints] = "[3]",   [AK_nums] = "[0.5, -inf]",    [AK_str] = "any text",
		[AK_dtype] = "bf16", [AK_num] = "9007199254740993"
	};
	for (int r = 0; r < ATTR_RECORD_COUNT; r++) {
		char room[256], again[256];
		attr_defaults(f->c, (AttrRecord)r, room);
		for (int i = 0; i < attr_info[r].n_field; i++) {
			const AttrFieldInfo *field = &attr_info[r].field[i];
			assert_int_equal(attr_find((AttrRecord)r, field->name), i);
			if (field->kind == AK_blob || field->kind == AK_graph)
				continue;
			bool required = str_eq(field->def, "?");
			assert_int_equal(attr_field_is_default(f->c, (AttrRecord)r, room, i),
					 !required);
			assert_true(attr_set_text(f->c, (AttrRecord)r, room, i, text[field->kind]));
			Str s;
			str_init(&s, f->c->arena);
			attr_field_print(&s, (AttrRecord)r, room, i);
			assert_string_equal(str_text(&s), text[field->kind]);
			memcpy(again, room, sizeof again);
			assert_true(attr_set_text(f->c, (AttrRecord)r, again, i, str_text(&s)));
			assert_ptr_equal(attr_intern(f->c, (AttrRecord)r, room),
					 attr_intern(f->c, (AttrRecord)r, again));
		}
	}
}

static void attribute_text(void **state)
{
	Fixture *f = *state;
	Attr_conv a;
	attr_defaults(f->c, ATTR_conv_RECORD, &a);
	assert_int_equal(a.stride.n, 2);
	assert_int_equal(a.pad.n, 4);
	assert_int_equal(a.groups, 1);
	static const char *const same[] = { "3 4", "3,4", " 3, 4 ", "[3, 4]", "[ 3 4 ]", "3 ,4" };
	for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
		assert_true(attr_set_text(f->c, ATTR_conv_RECORD, &a, 0, same[i]));
		assert_int_equal(a.stride.n, 2);
		assert_int_equal(a.stride.v[0] * 10 + a.stride.v[1], 34);
	}
	assert_true(attr_set_text(f->c, ATTR_conv_RECORD, &a, 0, ""));
	assert_int_equal(a.stride.n, 0);
	static const char *const bad[] = { "3by4", "[3", "[", "3,,4", "3.5", "0x3", "3]", "1 [2]" };
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_false(attr_set_text(f->c, ATTR_conv_RECORD, &a, 0, bad[i]));
	int flag = attr_find(ATTR_conv_RECORD, "channels_last");
	assert_true(attr_set_text(f->c, ATTR_conv_RECORD, &a, flag, "true") &&
		    a.channels_last == 1);
	assert_true(attr_set_text(f->c, ATTR_conv_RECORD, &a, flag, "no") && a.channels_last == 0);
	assert_false(attr_set_text(f->c, ATTR_conv_RECORD, &a, flag, "2"));
}

/* --- operators ------------------------------------------------------------------------------- */

static void operators_are_described(void **state)
{
	(void)state;
	bool optional;
	const char *param;
	for (int i = 0; i < OP_COUNT; i++) {
		Op op;
		assert_true(op_find(op_info((Op)i)->name, &op));
		assert_int_equal(op, i);
		assert_true(op_info(op)->doc[0]);
		for (int k = 0; k < op_info(op)->max_in; k++)
			assert_true(op_input_name(op, k, &optional, &param)[0]);
	}
	assert_false(op_find("no_such_operator", &(Op){ OP_add }));
	const OpInfo *conv = op_info(OP_conv2d);
	assert_int_equal(conv->min_in, 2);
	assert_int_equal(conv->max_in, 3);
	assert_string_equal(op_input_name(OP_conv2d, 1, &optional, &param), "w");
	assert_string_equal(param, "weight");
	assert_false(optional);
	assert_string_equal(op_input_name(OP_conv2d, 2, &optional, &param), "b");
	assert_string_equal(param, "bias");
	assert_true(optional);
	assert_string_equal(op_input_name(OP_add, 1, &optional, &param), "y");
	assert_null(param);
	assert_true(op_info(OP_concat)->variadic);
	assert_string_equal(op_input_name(OP_concat, 17, &optional, &param), "x");
	assert_int_equal(op_info(OP_topk)->n_results, 2);
	assert_int_equal(op_info(OP_lstm)->n_results, 3);
	assert_int_equal(op_info(OP_split)->n_results, 0);
}

/* --- numbers --------------------------------------------------------------------------------- */

static void half_precision_round_trips(void **state)
{
	(void)state;
	for (int i = 0; i < 0x10000; i++) {
		uint16_t h = (uint16_t)i;
		float f = f16_to_f32(h), g = bf16_to_f32(h);
		if (f == f)
			assert_int_equal(f32_to_f16(f), h);
		else
			assert_true(f16_to_f32(f32_to_f16(f)) != f16_to_f32(f32_to_f16(f)));
		if (g == g)
			assert_int_equal(f32_to_bf16(g), h);
	}
}

/* Between neighbours the nearer one is taken, in the middle the even one. */
static void half_precision_rounds_to_nearest(void **state)
{
	(void)state;
	for (int i = 0; i < 0x7bff; i++) {
		double low = (double)f16_to_f32((uint16_t)i),
		       high = (double)f16_to_f32((uint16_t)(i + 1));
		double mid = (low + high) / 2, eps = (high - low) * 0x1p-30;
		uint16_t h[3];
		store_f64(DT_f16, h, 0, mid - eps);
		store_f64(DT_f16, h, 1, mid);
		store_f64(DT_f16, h, 2, -(mid + eps));
		assert_int_equal(h[0], i);
		assert_int_equal(h[1], i & 1 ? i + 1 : i);
		assert_int_equal(h[2], 0x8000 | (i + 1));
	}
	uint16_t h;
	store_f64(DT_f16, &h, 0, 65519.999);
	assert_int_equal(h, 0x7bff);
	store_f64(DT_f16, &h, 0, 65520);
	assert_int_equal(h, 0x7c00);
	store_f64(DT_bf16, &h, 0, 1 + 0x1p-8 + 0x1p-40); /* twice rounded it would be 1 */
	assert_int_equal(h, 0x3f81);
}

static void conversions_saturate_and_wrap(void **state)
{
	(void)state;
	static const struct {
		DType t;
		double v;
		int64_t want;
	} row[] = { { DT_i8, 127.9, 127 },
		    { DT_i8, 1e9, 127 },
		    { DT_i8, -1e9, -128 },
		    { DT_u8, -3, 0 },
		    { DT_u8, 256, 255 },
		    { DT_i32, -2.9, -2 },
		    { DT_i64, 1e300, INT64_MAX },
		    { DT_i64, -1e300, INT64_MIN },
		    { DT_i64, NAN, 0 },
		    { DT_bool, 0.25, 1 },
		    { DT_bool, NAN, 1 },
		    { DT_bool, -0.0, 0 },
		    { DT_i16, -INFINITY, INT16_MIN } };
	for (size_t i = 0; i < sizeof row / sizeof *row; i++)
		assert_int_equal(float_to_int(row[i].t, row[i].v), row[i].want);
	assert_int_equal(int_wrap(DT_i8, 200), -56);
	assert_int_equal(int_wrap(DT_u8, -1), 255);
	assert_int_equal(int_wrap(DT_bool, 256), 1);
	char unaligned[9];
	store_f64(DT_f64, unaligned + 1, 0, 0.1);
	assert_true(load_f64(DT_f64, unaligned + 1, 0) == 0.1);
	float f;
	store_i64(DT_f32, &f, 0, ((int64_t)1 << 54) + ((int64_t)1 << 30) + 1);
	assert_true(f == 0x1p54f + 0x1p31f); /* by way of double it would be 2^54 */
}

static void blobs_are_interned(void **state)
{
	Fixture *f = *state;
	float a[3] = { 1, 2, 3 }, b[3] = { 1, 2, 3 };
	const Type *t = type_of(f, "f32[3]");
	const Blob *x = blob_intern(f->c, t, a);
	assert_ptr_equal(x, blob_intern(f->c, t, b));
	assert_ptr_not_equal(x, blob_intern(f->c, type_of(f, "f32[3,1]"), a));
	a[0] = 7;
	assert_true(blob_f64(x, 0) == 1);
	const Blob *w = blob_wrap(f->c, t, a, "w");
	assert_ptr_equal(w->data, a);
	assert_ptr_equal(w, blob_wrap(f->c, t, a, "w"));
	assert_ptr_not_equal(w, blob_wrap(f->c, t, b, "w"));
	assert_int_equal(w->hash, blob_wrap(f->c, t, b, "w")->hash);
}

/* --- emit ------------------------------------------------------------------------------------ */

static void equal_nodes_are_one(void **state)
{
	Fixture *f = *state;
	Node *x = emit_input(f->b, type_of(f, "f32[2]"), "x", 0);
	Node *y = emit_input(f->b, type_of(f, "f32[2]"), "y", 1);
	Node *sum = emit2(f->b, OP_add, x, y);
	assert_ptr_equal(sum, emit2(f->b, OP_add, x, y));
	assert_ptr_equal(sum, emit2(f->b, OP_add, y, x));
	assert_ptr_not_equal(emit2(f->b, OP_sub, x, y), emit2(f->b, OP_sub, y, x));
	assert_ptr_equal(emit_scalar(f->b, DT_f32, 0.1), emit_scalar(f->b, DT_f32, (double)0.1f));
	f->c->emit_cse = false;
	assert_ptr_not_equal(sum, emit2(f->b, OP_add, x, y));
}

/* However a constant is made, there is one node for it. */
static void constants_have_one_spelling(void **state)
{
	Fixture *f = *state;
	float two[4] = { 2, 2, 2, 2 };
	const Type *t = type_of(f, "f32[2,2]");
	Node *a = emit_full(f->b, t, 2), *b = emit_const(f->b, t, two);
	Node *c = emit_broadcast(f->b, emit_scalar(f->b, DT_f32, 2), 2, t->dim);
	assert_ptr_equal(a, b);
	assert_ptr_equal(a, c);
	assert_int_equal(a->op, OP_fill);
	assert_ptr_equal(emit_scalar(f->b, DT_f32, 2), emit_full(f->b, type_of(f, "f32"), 2));
	int64_t big[2] = { INT64_MAX, INT64_MAX }; /* no double is that */
	Node *n = emit_const(f->b, type_of(f, "i64[2]"), big);
	assert_int_equal(n->op, OP_fill);
	assert_true(ATTR_OF(n, fill)->value.i == INT64_MAX);
	n = emit2(f->b, OP_add, n, emit_full(f->b, n->type, 0));
	int64_t v[2];
	assert_int_equal(const_ints(n, v, 2), 2);
	assert_true(v[1] == INT64_MAX);
	double d;
	assert_true(const_scalar(a, &d) && d == 2);
	assert_false(const_scalar(emit_iota(f->b, DT_i64, 1, (int64_t[]){ 4 }, 0), &d));
	int64_t w[4];
	assert_int_equal(const_ints(emit_iota(f->b, DT_i64, 2, t->dim, 1), w, 4), 4);
	assert_int_equal(w[0] * 1000 + w[1] * 100 + w[2] * 10 + w[3], 101);
	assert_int_equal(const_ints(emit_iota(f->b, DT_i64, 2, t->dim, 1), w, 3), -1);
}

/* Truth values stay 0 and 1, whole numbers are turned bit by bit and stay in their type. */
static void not_is_folded(void **state)
{
	Fixture *f = *state;
	static const uint8_t bytes[] = { 0, 1, 1, 0 };
	static const struct {
		const char *type;
		int64_t of_0, of_1;
	} row[] = { { "bool[4]", 1, 0 }, { "u8[4]", 255, 254 }, { "i8[4]", -1, -2 } };
	for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
		const Blob *b = blob_intern(f->c, type_of(f, row[i].type), bytes);
		Node *n = emit1(f->b, OP_not, emit_blob(f->b, b));
		assert_true(is_const(n));
		assert_ptr_equal(n->type, b->type);
		for (int k = 0; k < 4; k++)
			assert_int_equal(blob_i64(ATTR_OF(n, data)->data, k),
					 bytes[k] ? row[i].of_1 : row[i].of_0);
		Node *twice = emit1(f->b, OP_not, n);
		assert_memory_equal(ATTR_OF(twice, data)->data->data, bytes, 4);
	}
}

static void switches_turn_emit_off(void **state)
{
	Fixture *f = *state;
	Node *x = emit_input(f->b, type_of(f, "f32[2]"), "x", 0);
	f->c->emit_rules = false;
	assert_ptr_not_equal(emit_c2(f->b, OP_mul, x, 1), x);
	f->c->emit_rules = true;
	assert_ptr_equal(emit_c2(f->b, OP_div, x, 1), x);
	Node *two = emit_scalar(f->b, DT_f32, 2), *three = emit_scalar(f->b, DT_f32, 3);
	assert_true(is_const(emit2(f->b, OP_mul, two, two)));
	f->c->emit_fold = false;
	f->c->emit_cse = false;
	assert_false(is_const(emit2(f->b, OP_mul, two, three)));
	f->c->fp = FP_FAST; /* rules that gather constants must end without folding, too */
	Node *n = emit2(f->b, OP_mul, emit2(f->b, OP_mul, two, three), two);
	n = emit2(f->b, OP_div, two, emit2(f->b, OP_add, n, two));
	assert_false(is_poison(n));
}

static void errors_are_told_once_and_poison(void **state)
{
	Fixture *f = *state;
	Node *x = emit_input(f->b, type_of(f, "f32[2]"), "x", 0);
	Node *y = emit_input(f->b, type_of(f, "f32[3]"), "y", 1);
	Node *bad = emit_b2(f->b, OP_add, x, y);
	assert_true(is_poison(bad));
	assert_true(f->b->failed);
	assert_int_equal(diag_errors(f->c->diag), 1);
	assert_true(is_poison(emit_b2(f->b, OP_mul, x, bad)));
	assert_true(is_poison(emit_c2(f->b, OP_mul, bad, 3)));
	assert_true(is_poison(emit_cast(f->b, bad, DT_i64)));
	assert_true(is_poison(emit_transpose(f->b, bad, (int[]){ 0 })));
	assert_true(is_poison(emit_slice_axis(f->b, bad, 0, 0, 1)));
	assert_true(is_poison(emit_slice(f->b, bad, bad->type->dim, bad->type->dim, NULL)));
	assert_true(is_poison(emit_concat(f->b, (Node *[]){ x, bad }, 2, 0)));
	assert_true(is_poison(emit_broadcast(f->b, bad, 1, (int64_t[]){ 2 })));
	assert_true(is_poison(emit_reshape(f->b, bad, 0, NULL)));
	assert_true(is_poison(emit1(f->b, OP_softmax, x)));
	assert_int_equal(ATTR_OF(bad, slice)->begin.n, 0);
	assert_int_equal(diag_errors(f->c->diag), 1);
	assert_string_equal(op_info(bad->op)->name, "poison");
}

static void broadcasting_follows_numpy(void **state)
{
	Fixture *f = *state;
	static const char *const row[][3] = {
		{ "f32[2,3]", "f32[3]", "f32[2,3]" },   { "f32[2,1]", "f32[1,3]", "f32[2,3]" },
		{ "f32", "f32[2]", "f32[2]" },          { "f32[2,3]", "f32[2]", NULL },
		{ "f32[0,3]", "f32[1,3]", "f32[0,3]" }, { "f32[0]", "f32[3]", NULL }
	};
	for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
		int64_t dim[MAX_RANK];
		int rank = broadcast_shape(type_of(f, row[i][0]), type_of(f, row[i][1]), dim);
		if (!row[i][2])
			assert_int_equal(rank, -1);
		else
			assert_ptr_equal(type_get(f->c, DT_f32, rank, dim), type_of(f, row[i][2]));
	}
}

static void names_are_given_once(void **state)
{
	Fixture *f = *state;
	Node *x = emit_input(f->b, type_of(f, "f32[2]"), "x", 0);
	Node *y = emit_input(f->b, type_of(f, "f32"), "y", 1);
	f->b->name = "sum";
	Node *sum = emit_b2(f->b, OP_add, x, y);
	assert_string_equal(sum->name, "sum");
	assert_null(sum->in[1]->name); /* the broadcast is nobody's */
	f->b->name = "other";
	assert_string_equal(emit_b2(f->b, OP_add, x, y)->name, "sum");
	assert_null(f->b->name);
}

static void prune_drops_what_is_dead(void **state)
{
	Fixture *f = *state;
	Node *x = emit_input(f->b, type_of(f, "f32[2]"), "x", 0);
	emit_input(f->b, type_of(f, "f32[2]"), "unused", 1);
	Node *w = emit_param(f->b, type_of(f, "f32[2]"), "w", true, NULL);
	emit_param(f->b, type_of(f, "f32[2]"), "dead", true, NULL);
	Node *n = emit2(f->b, OP_add, x, w);
	emit1(f->b, OP_exp, n);
	for (int i = 0; i < 200000; i++) { /* deep: no recursion */
		n = emit1(f->b, OP_sin, n);
	}
	vec_push(f->c->arena, &f->g->result, n);
	Graph *g = graph_prune(f->g, f->c->arena);
	assert_int_equal(g->input.n, 2);
	assert_int_equal(g->param.n, 1);
	assert_int_equal(g->node.n, 2 + 1 + 1 + 200000);
	for (int i = 0; i < g->node.n; i++)
		assert_int_equal(g->node.at[i]->id, i);
	assert_true(graph_verify(g, LEVEL_T));
	assert_int_equal(graph_simplify(g, f->c->arena)->node.n, g->node.n);
}

/* --- the verifier ---------------------------------------------------------------------------- */

static Graph *small_graph(Fixture *f)
{
	Node *x = emit_input(f->b, type_of(f, "f32[2,3]"), "x", 0);
	Node *t = emit1(f->b, OP_transpose, x);
	vec_push(f->c->arena, &f->g->result, emit1(f->b, OP_exp, t));
	vec_push(f->c->arena, &f->g->result_name, "y");
	assert_true(graph_verify(f->g, LEVEL_T));
	return f->g;
}

static void verifier_finds_faults(void **state)
{
	Fixture *f = *state;
	Graph *g = small_graph(f);
	Node *e = g->node.at[2], *x = g->node.at[0];
	int errors = 0;
#define REFUSED() \
	assert_false(graph_verify(g, LEVEL_T)); \
	assert_true(diag_errors(f->c->diag) > errors); \
	errors = diag_errors(f->c->diag)
	const Type *type = e->type;
	e->type = type_of(f, "f32[2,3]");
	REFUSED();
	e->type = type;
	e->id = 7;
	REFUSED();
	e->id = 2;
	e->in[0] = e;
	REFUSED();
	e->in[0] = g->node.at[1];
	e->op = OP_softmax;
	REFUSED();
	e->op = OP_exp;
	Attr_none copy = { 0 };
	Attr attr = e->attr;
	e->attr = &copy;
	REFUSED();
	e->attr = attr;
	Graph *other = graph_create(f->c, f->c->arena, "other");
	Node *foreign = emit_input(builder_create(other), x->type, "z", 0);
	g->node.at[1]->in[0] = foreign;
	REFUSED();
	g->node.at[1]->in[0] = x;
	g->result.at[0] = foreign;
	REFUSED();
#undef REFUSED
	g->result.at[0] = e;
	assert_true(graph_verify(g, LEVEL_T));
}

/* --- text ------------------------------------------------------------------------------------ */

static const char sample[] =
	"graph @m(%x: f32[2,3] {name=\"a \\\"b\"}, %w: f32[3] param {trainable=no, state=yes}) {\n"
	"  %0 = broadcast %w {shape=[2, 3]} : f32[2,3]\n"
	"  %s = add %x, %0 : f32[2,3] @\"m.xml\":12\n"
	"  %c = const {data=[1, -0.5, nan]} : f32[3]\n"
	"  %d = const {data=dense(\"w\", 0xabc)} : i64[70]\n"
	"  %t = topk %s {k=2} : (f32[2,2], i64[2,2])\n"
	"  %1 = get %t {index=1} : i64[2,2]\n"
	"  update %w = %c\n"
	"  return %s, %1 as \"the \\x01 y\", %d\n"
	"}\n";

static void text_round_trips(void **state)
{
	Fixture *f = *state;
	TextOptions o = { .locs = true };
	Str one, two;
	str_init(&one, f->c->arena);
	str_init(&two, f->c->arena);
	Graph *g = graph_parse(f->c, f->c->arena, "sample", sample, sizeof sample - 1);
	if (!g)
		fail_msg("%s", messages(f->c));
	assert_true(graph_verify(g, LEVEL_T | LEVEL_M));
	assert_string_equal(ATTR_OF(g->input.at[0], port)->name, "a \"b");
	assert_string_equal(g->result_name.at[1], "the \x01 y");
	assert_int_equal(g->node.at[3]->loc.line, 12);
	graph_print(&one, g, o);
	g = graph_parse(f->c, f->c->arena, "again", str_text(&one), one.n);
	if (!g)
		fail_msg("%s", messages(f->c));
	graph_print(&two, g, o);
	assert_string_equal(str_text(&one), str_text(&two));
	assert_int_equal(g->update.n, 1);
}

static void shared_hints_are_numbered(void **state)
{
	Fixture *f = *state;
	Node *n = emit_input(f->b, type_of(f, "f32"), "a", 0);
	static const char *const hint[] = { "a", "a.2", "a", "12", "b c" };
	for (int i = 0; i < 5; i++) {
		f->b->name = hint[i];
		n = emit1(f->b, OP_exp, n);
	}
	vec_push(f->c->arena, &f->g->result, n);
	assert_string_equal(printed(f->g), "graph @test(%a: f32) {\n"
					   "  %a.2 = exp %a : f32\n"
					   "  %a.2.2 = exp %a.2 : f32\n"
					   "  %a.3 = exp %a.2.2 : f32\n"
					   "  %\"12\" = exp %a.3 : f32\n"
					   "  %\"b c\" = exp %\"12\" : f32\n"
					   "  return %\"b c\"\n"
					   "}\n");
}

static void hashed_data_is_made_the_same(void **state)
{
	Fixture *f = *state;
	const Type *t = type_of(f, "f32[100]");
	const Blob *a = blob_from_hash(f->c, t, "w", 5, true),
		   *b = blob_from_hash(f->c, t, "w", 5, true);
	const Blob *c = blob_from_hash(f->c, t, "w", 6, true);
	assert_memory_equal(a->data, b->data, 400);
	assert_memory_not_equal(a->data, c->data, 400);
	assert_null(blob_from_hash(f->c, t, "w", 5, false)->data);
}

/* Text with random faults must give a graph or a message, never a crash (run under the sanitizers).
 */
static void broken_text_is_refused(void **state)
{
	(void)state;
	uint64_t seed = 4;
	for (int round = 0; round < 8000; round++) {
		Context *c = context_create();
		char text[sizeof sample];
		size_t n = sizeof sample - 1;
		memcpy(text, sample, sizeof sample);
		for (int k = 1 + pick(&seed, 4); k > 0; k--) {
			size_t at = (size_t)pick(&seed, (int)n);
			if (pick(&seed, 2))
				text[at] = sample[pick(&seed, (int)sizeof sample)];
			else if (pick(&seed, 2))
				text[at] = (char)random_bits(&seed);
			else
				n = at + 1;
		}
		Graph *g = graph_parse(c, c->arena, "broken", text, n);
		assert_int_equal(g == NULL, diag_errors(c->diag) > 0);
		if (g)
			printed(g);
		messages(c);
		context_destroy(c);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FIXTURE_TEST(types_are_interned),
		FIXTURE_TEST(types_out_of_range_are_refused),
		FIXTURE_TEST(types_print_and_parse),
		FIXTURE_TEST(attributes_are_interned_by_value),
		FIXTURE_TEST(numbers_keep_their_bits),
		FIXTURE_TEST(numbers_are_stored_by_type),
		FIXTURE_TEST(attributes_print_what_they_read),
		FIXTURE_TEST(attribute_text),
		FIXTURE_TEST(operators_are_described),
		FIXTURE_TEST(half_precision_round_trips),
		FIXTURE_TEST(half_precision_rounds_to_nearest),
		FIXTURE_TEST(conversions_saturate_and_wrap),
		FIXTURE_TEST(blobs_are_interned),
		FIXTURE_TEST(equal_nodes_are_one),
		FIXTURE_TEST(constants_have_one_spelling),
		FIXTURE_TEST(not_is_folded),
		FIXTURE_TEST(switches_turn_emit_off),
		FIXTURE_TEST(errors_are_told_once_and_poison),
		FIXTURE_TEST(broadcasting_follows_numpy),
		FIXTURE_TEST(names_are_given_once),
		FIXTURE_TEST(prune_drops_what_is_dead),
		FIXTURE_TEST(verifier_finds_faults),
		FIXTURE_TEST(text_round_trips),
		FIXTURE_TEST(shared_hints_are_numbered),
		FIXTURE_TEST(hashed_data_is_made_the_same),
		FIXTURE_TEST(broken_text_is_refused),
	};
	return cmocka_run_group_tests_name("ir", tests, NULL, NULL);
}
