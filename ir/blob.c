/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Constant data, and the one place that converts between bytes of a data type and the numbers of
 * the reference: doubles and int64. */
#include "ir/blob.h"
#include "base/map.h"
#include "ir/context.h"
#include <math.h>
#include <string.h>

/* --- half precision -------------------------------------------------------------------------- */

static uint32_t float_bits(float f)
{
	uint32_t u;
	memcpy(&u, &f, 4);
	return u;
}

static float bits_float(uint32_t u)
{
	float f;
	memcpy(&f, &u, 4);
	return f;
}

float f16_to_f32(uint16_t h)
{
	uint32_t sign = (uint32_t)(h & 0x8000) << 16, e = h >> 10 & 31, m = h & 0x3ff;
	if (e == 31)
		return bits_float(sign | 0x7f800000 | m << 13);
	if (e == 0) { /* m * 2^-24: exact */
		float f = (float)m * 0x1p-24f;
		return bits_float(sign | float_bits(f));
	}
	return bits_float(sign | (e + 112) << 23 | m << 13);
}

/* Drops the low `drop` bits of v, rounding to nearest, ties to even. */
static uint32_t round_bits(uint32_t v, int drop)
{
	uint32_t half = 1u << (drop - 1), low = v & ((1u << drop) - 1);
	v >>= drop;
	return v + (low > half || (low == half && (v & 1)));
}

uint16_t f32_to_f16(float f)
{
	uint32_t u = float_bits(f), a = u & 0x7fffffff;
	uint16_t sign = (uint16_t)(u >> 16 & 0x8000);
	if (a > 0x7f800000)
		return sign | 0x7e00;
	if (a >= 0x47800000) /* 2^16 */
		return sign | 0x7c00;
	if (a >= 0x38800000) /* 2^-14: normal; a carry goes on into the exponent, up to infinity */
		return (uint16_t)(sign | round_bits(a - (112u << 23), 13));
	if (a < 0x33000000) /* below 2^-25 */
		return sign;
	int drop = 126 - (int)(a >> 23);
	return (uint16_t)(sign | round_bits((a & 0x7fffff) | 0x800000, drop));
}

float bf16_to_f32(uint16_t h)
{
	return bits_float((uint32_t)h << 16);
}

uint16_t f32_to_bf16(float f)
{
	uint32_t u = float_bits(f);
	if (f != f)
		return (uint16_t)(u >> 16 | 0x40);
	return (uint16_t)round_bits(u, 16);
}

/* The float next to v, odd in its last bit unless exact: rounding that once more to a shorter
 * format is as rounding v itself. */
static float round_odd(double v)
{
	float f = (float)v;
	if (!isfinite(f) || (double)f == v)
		return f;
	uint32_t u = float_bits(f);
	if (fabs((double)f) > fabs(v))
		u--;
	return bits_float(u | 1);
}

/* --- elements -------------------------------------------------------------------------------- */

/* Unaligned on purpose: the data of a mapped weight file starts where it likes. */
#define LOAD(T, data, i) \
	(*(const T *)memcpy(&(T){ 0 }, (const char *)(data) + (i) * (int64_t)sizeof(T), sizeof(T)))
#define STORE(T, data, i, v) \
	memcpy((char *)(data) + (i) * (int64_t)sizeof(T), &(T){ (T)(v) }, sizeof(T))

double load_f64(DType t, const void *data, int64_t i)
{
	switch (t) {
	case DT_f32: return (double)LOAD(float, data, i);
	case DT_f64: return LOAD(double, data, i);
	case DT_f16: return (double)f16_to_f32(LOAD(uint16_t, data, i));
	case DT_bf16: return (double)bf16_to_f32(LOAD(uint16_t, data, i));
	case DT_i8:
	case DT_u8:
	case DT_i16:
	case DT_i32:
	case DT_i64:
	case DT_bool: return (double)load_i64(t, data, i);
	case DT_COUNT: break;
	}
	return 0;
}

static int64_t saturate(double v, int64_t min, int64_t max)
{
	if (v != v)
		return 0;
	if (v <= (double)min)
		return min;
	return v >= (double)max ? max : (int64_t)v;
}

void store_f64(DType t, void *data, int64_t i, double v)
{
	switch (t) {
	case DT_f32: STORE(float, data, i, v); break;
	case DT_f64: STORE(double, data, i, v); break;
	case DT_f16: STORE(uint16_t, data, i, f32_to_f16(round_odd(v))); break;
	case DT_bf16: STORE(uint16_t, data, i, f32_to_bf16(round_odd(v))); break;
	case DT_i8: STORE(int8_t, data, i, saturate(v, INT8_MIN, INT8_MAX)); break;
	case DT_u8: STORE(uint8_t, data, i, saturate(v, 0, UINT8_MAX)); break;
	case DT_i16: STORE(int16_t, data, i, saturate(v, INT16_MIN, INT16_MAX)); break;
	case DT_i32: STORE(int32_t, data, i, saturate(v, INT32_MIN, INT32_MAX)); break;
	case DT_i64: STORE(int64_t, data, i, saturate(v, INT64_MIN, INT64_MAX)); break;
	case DT_bool: STORE(uint8_t, data, i, v != 0); break;
	case DT_COUNT: break;
	}
}

int64_t load_i64(DType t, const void *data, int64_t i)
{
	switch (t) {
	case DT_f32:
	case DT_f64:
	case DT_f16:
	case DT_bf16: return saturate(load_f64(t, data, i), INT64_MIN, INT64_MAX);
	case DT_i8: return LOAD(int8_t, data, i);
	case DT_u8: return LOAD(uint8_t, data, i);
	case DT_i16: return LOAD(int16_t, data, i);
	case DT_i32: return LOAD(int32_t, data, i);
	case DT_i64: return LOAD(int64_t, data, i);
	case DT_bool: return LOAD(uint8_t, data, i) != 0;
	case DT_COUNT: break;
	}
	return 0;
}

/* To integers it wraps, as `cast` does; to floats it rounds once. */
void store_i64(DType t, void *data, int64_t i, int64_t v)
{
	switch (t) {
	case DT_f32: STORE(float, data, i, v); break;
	case DT_f64: STORE(double, data, i, v); break;
	case DT_f16:
	case DT_bf16: store_f64(t, data, i, (double)v); break;
	case DT_i8: STORE(int8_t, data, i, v); break;
	case DT_u8: STORE(uint8_t, data, i, v); break;
	case DT_i16: STORE(int16_t, data, i, v); break;
	case DT_i32: STORE(int32_t, data, i, v); break;
	case DT_i64: STORE(int64_t, data, i, v); break;
	case DT_bool: STORE(uint8_t, data, i, v != 0); break;
	case DT_COUNT: break;
	}
}
#undef LOAD
#undef STORE

double blob_f64(const Blob *b, int64_t i)
{
	return load_f64(b->type->dtype, b->data, b->splat ? 0 : i);
}

int64_t blob_i64(const Blob *b, int64_t i)
{
	return load_i64(b->type->dtype, b->data, b->splat ? 0 : i);
}

/* --- blobs ----------------------------------------------------------------------------------- */

static bool same_content(const void *item, const void *key)
{
	const Blob *a = item, *b = key;
	if (a->type != b->type || a->name || b->name || a->splat != b->splat)
		return false;
	return a->data == b->data ||
	       (a->data && b->data && memcmp(a->data, b->data, (size_t)type_bytes(a->type)) == 0);
}

static bool same_place(const void *item, const void *key)
{
	const Blob *a = item, *b = key;
	return a->type == b->type && a->data == b->data && a->name == b->name;
}

const Blob *blob_intern(Context *c, const Type *t, const void *data)
{
	size_t n = (size_t)type_bytes(t);
	Blob key = { .type = t, .data = data, .hash = hash_bytes(data, n, (uint64_t)t->dtype) };
	Blob *b = cons_find(c->blobs, key.hash, same_content, &key);
	if (b)
		return b;
	b = arena_copy(c->arena, &key, sizeof key);
	b->data = arena_copy(c->arena, data, n);
	cons_add(c->blobs, b->hash, b);
	return b;
}

const Blob *blob_wrap(Context *c, const Type *t, const void *data, const char *name)
{
	Blob key = { .type = t, .data = data, .name = name ? sym(c, name) : NULL };
	uint64_t place = hash_mix((uint64_t)(uintptr_t)data, (uint64_t)(uintptr_t)key.name);
	Blob *b = cons_find(c->blobs, place, same_place, &key);
	if (b)
		return b;
	if (name)
		key.hash = hash_bytes(name, strlen(name), (uint64_t)t->dtype);
	else if (data)
		key.hash = hash_bytes(data, (size_t)type_bytes(t), (uint64_t)t->dtype);
	b = arena_copy(c->arena, &key, sizeof key);
	cons_add(c->blobs, place, b);
	return b;
}

/* Small numbers: floats in [-1, 1), integers from -8 to 7. */
static void *make_data(Context *c, const Type *t, uint64_t seed)
{
	void *data = arena_alloc(c->arena, (size_t)type_bytes(t));
	for (int64_t i = 0; i < t->count; i++) {
		uint64_t r = hash_mix(seed, (uint64_t)i);
		if (dtype_is_float(t->dtype))
			store_f64(t->dtype, data, i, (double)(r >> 40) * 0x1p-23 - 1);
		else
			store_i64(t->dtype, data, i, (int64_t)(r >> 60) - 8);
	}
	return data;
}

const Blob *blob_from_hash(Context *c, const Type *t, const char *name, uint64_t hash,
			   bool with_data)
{
	Blob *b = ARENA_NEW(c->arena, Blob);
	*b = (Blob){ .type = t, .name = name ? sym(c, name) : NULL, .hash = hash };
	if (with_data)
		b->data = make_data(c, t, hash);
	return b;
}

void blob_print(Str *s, const Blob *b, int64_t i)
{
	DType t = b->type->dtype;
	if (!dtype_is_float(t))
		str_fmt(s, "%lld", (long long)blob_i64(b, i));
	else if (t == DT_f64)
		str_double(s, blob_f64(b, i));
	else
		str_float(s, (float)blob_f64(b, i));
}
