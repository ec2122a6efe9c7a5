/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "ir/num.h"
#include "base/str.h"
#include "ir/blob.h"
#include <math.h>

Num num_of_i64(int64_t v)
{
	return (Num){ .f = (double)v, .i = v };
}

Num num_of(double v)
{
	bool whole = v >= -0x1p63 && v < 0x1p63 && v == floor(v) && !(v == 0 && signbit(v));
	return (Num){ .f = v, .i = whole ? (int64_t)v : 0 };
}

bool num_is_whole(Num v)
{
	return v.i != 0 || (v.f == 0 && !signbit(v.f));
}

/* A whole number beyond 64 bits is a double like any other, and "-0" keeps its sign. */
bool num_parse(const char *text, size_t n, Num *out)
{
	int64_t whole;
	double v;
	if (parse_i64(text, n, &whole) && whole != 0) {
		*out = num_of_i64(whole);
		return true;
	}
	if (!parse_f64(text, n, &v))
		return false;
	*out = num_of(v);
	return true;
}

void num_print(Str *s, Num v)
{
	if (num_is_whole(v) && fabs(v.f) >= 0x1p53)
		str_fmt(s, "%lld", (long long)v.i);
	else
		str_double(s, v.f);
}

Num num_load(DType t, const void *data, int64_t i)
{
	return dtype_is_float(t) ? num_of(load_f64(t, data, i)) : num_of_i64(load_i64(t, data, i));
}

bool num_is_of(DType t, Num v)
{
	uint64_t room = 0;
	if (dtype_is_float(t))
		return true;
	num_store(t, &room, 0, v);
	return (num_is_whole(v) || v.f == 0) && load_i64(t, &room, 0) == v.i;
}

void num_store(DType t, void *data, int64_t i, Num v)
{
	/* up to 2^53 the double is the number; beyond it i64 alone holds what the double may not */
	if (num_is_whole(v) && (t == DT_i64 || dtype_is_float(t)))
		store_i64(t, data, i, v.i);
	else
		store_f64(t, data, i, v.f);
}
