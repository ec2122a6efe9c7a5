/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Attribute records: reflection, text, interning. A record is compared and hashed field by field,
 * never as bytes: structs have padding and lists are pointers. */
#include "base/map.h"
#include "ir/context.h"
#include "ir/op.h"
#include <math.h>
#include <string.h>

/* --- reflection --------------------------------------------------------------------------------
 * The macro of a field does not know its record, so offsets are taken inside a function where the
 * record's type has a fixed name. They are filled in once, when the library is loaded. */
#define F(kind, field, def, range, doc) +1
#define R(name) enum { n_fields_##name = 0 ATTR_##name(F) };
ATTR_RECORDS(R)
#undef R
#undef F

#define R(name) static AttrFieldInfo fields_##name[n_fields_##name + 1];
ATTR_RECORDS(R)
#undef R

const AttrInfo attr_info[ATTR_RECORD_COUNT] = {
#define R(name_) \
	[ATTR_##name_##_RECORD] = { .name = #name_, \
				    .size = sizeof(Attr_##name_), \
				    .n_field = n_fields_##name_, \
				    .field = fields_##name_ },
	ATTR_RECORDS(R)
#undef R
};

#define F(kind_, field_, def_, range_, doc_) \
	*f++ = (AttrFieldInfo){ .name = #field_, \
				.kind = AK_##kind_, \
				.offset = offsetof(Record, field_), \
				.def = def_, \
				.range = range_, \
				.doc = doc_ };
#define R(name) \
	static void reflect_##name(void) \
	{ \
		typedef Attr_##name Record; \
		AttrFieldInfo *f = fields_##name; \
		ATTR_##name(F)(void) f; \
		(void)sizeof(Record); \
	}
ATTR_RECORDS(R)
#undef R
#undef F

/* Runs before any thread exists. */
__attribute__((constructor)) static void attr_info_finish(void)
{
#define R(name) reflect_##name();
	ATTR_RECORDS(R)
#undef R
}

int attr_find(AttrRecord r, const char *field)
{
	for (int i = 0; i < attr_info[r].n_field; i++)
		if (str_eq(attr_info[r].field[i].name, field))
			return i;
	return -1;
}

/* A field of a record as what it is. */
typedef union FieldPtr {
	const void *any;
	const int64_t *i64;
	const double *f64;
	const Num *num;
	const Ints *ints;
	const Nums *nums;
	const char *const *str;
	const DType *dtype;
	const void *const *ptr; /* blob, graph */
} FieldPtr;

static FieldPtr field_at(const AttrFieldInfo *f, const void *record)
{
	return (FieldPtr){ .any = (const char *)record + f->offset };
}

/* --- text ------------------------------------------------------------------------------------ */

static bool parse_flag(const char *text, int64_t *out)
{
	static const char *const words[] = { "no", "yes", "0", "1", "false", "true" };
	for (int i = 0; i < 6; i++)
		if (str_eq(text, words[i])) {
			*out = i & 1;
			return true;
		}
	return false;
}

/* Next item of a list in *p: n characters; false at its end. Items are parted by blanks, commas or
 * both. */
static bool next_item(const char **p, const char *end, const char **item, size_t *n)
{
	static const char blanks[] = " \t\r\n";
	*p += strspn(*p, blanks);
	if (*p >= end)
		return false;
	*item = *p;
	*n = strcspn(*p, " \t\r\n,");
	if (*n > (size_t)(end - *p))
		*n = (size_t)(end - *p);
	*p += *n;
	*p += strspn(*p, blanks);
	if (*p < end && **p == ',')
		++*p;
	return true;
}

/* The text between brackets, if there are any. */
static bool list_bounds(const char **text, const char **end)
{
	*text += strspn(*text, " \t\r\n");
	const char *p = *text;
	size_t n = strlen(p);
	while (n > 0 && strchr(" \t\r\n", p[n - 1]))
		n--;
	if (*p == '[') {
		if (n < 2 || p[n - 1] != ']')
			return false;
		++*text;
		n--;
	}
	*end = p + n;
	return true;
}

static int count_items(const char *p, const char *end)
{
	const char *item;
	size_t len;
	int n = 0;
	while (next_item(&p, end, &item, &len))
		n++;
	return n;
}

static bool set_ints(Context *c, Ints *out, const char *text)
{
	const char *end, *item;
	size_t len;
	if (!list_bounds(&text, &end))
		return false;
	int64_t *v = ARENA_ARRAY(c->arena, int64_t, count_items(text, end));
	for (out->n = 0; next_item(&text, end, &item, &len); out->n++)
		if (!parse_i64(item, len, &v[out->n]))
			return false;
	out->v = v;
	return true;
}

static bool set_nums(Context *c, Nums *out, const char *text)
{
	const char *end, *item;
	size_t len;
	if (!list_bounds(&text, &end))
		return false;
	double *v = ARENA_ARRAY(c->arena, double, count_items(text, end));
	for (out->n = 0; next_item(&text, end, &item, &len); out->n++)
		if (!parse_f64(item, len, &v[out->n]))
			return false;
	out->v = v;
	return true;
}

bool attr_set_text(Context *c, AttrRecord r, void *record, int field, const char *text)
{
	const AttrFieldInfo *f = &attr_info[r].field[field];
	void *at = (char *)record + f->offset;
	switch (f->kind) {
	case AK_i64: return parse_i64(text, strlen(text), at);
	case AK_f64: return parse_f64(text, strlen(text), at);
	case AK_num: return num_parse(text, strlen(text), at);
	case AK_flag: return parse_flag(text, at);
	case AK_ints: return set_ints(c, at, text);
	case AK_nums: return set_nums(c, at, text);
	case AK_str: *(const char **)at = sym(c, text); return true;
	case AK_dtype: return dtype_find(text, at);
	case AK_blob:
	case AK_graph: return false;
	}
	return false;
}

void attr_defaults(Context *c, AttrRecord r, void *record)
{
	const AttrInfo *info = &attr_info[r];
	memset(record, 0, info->size);
	for (int i = 0; i < info->n_field; i++)
		if (!str_eq(info->field[i].def, "?"))
			attr_set_text(c, r, record, i, info->field[i].def);
}

void attr_field_print(Str *s, AttrRecord r, const void *record, int field)
{
	const AttrFieldInfo *f = &attr_info[r].field[field];
	FieldPtr at = field_at(f, record);
	switch (f->kind) {
	case AK_i64: str_fmt(s, "%lld", (long long)*at.i64); break;
	case AK_f64: str_double(s, *at.f64); break;
	case AK_num: num_print(s, *at.num); break;
	case AK_flag: str_add(s, *at.i64 ? "yes" : "no"); break;
	case AK_ints:
		str_char(s, '[');
		for (int i = 0; i < at.ints->n; i++)
			str_fmt(s, i ? ", %lld" : "%lld", (long long)at.ints->v[i]);
		str_char(s, ']');
		break;
	case AK_nums:
		str_char(s, '[');
		for (int i = 0; i < at.nums->n; i++) {
			str_add(s, i ? ", " : "");
			str_double(s, at.nums->v[i]);
		}
		str_char(s, ']');
		break;
	case AK_str: str_add(s, *at.str ? *at.str : ""); break;
	case AK_dtype: str_add(s, dtype_info[*at.dtype].name); break;
	case AK_blob:
	case AK_graph: break; /* print.c */
	}
}

/* --- ranges ----------------------------------------------------------------------------------- */

/* "[low,high)": a bracket includes its bound, a parenthesis does not. */
typedef struct Interval {
	double low, high;
	bool with_low, with_high;
} Interval;

static Interval interval_of(const char *range)
{
	Interval v = { .with_low = *range == '[' };
	size_t low = strcspn(range + 1, ","), high = strcspn(range + low + 2, "])");
	parse_f64(range + 1, low, &v.low);
	parse_f64(range + low + 2, high, &v.high);
	v.with_high = range[low + 2 + high] == ']';
	return v;
}

static bool interval_holds(const Interval *v, double x)
{
	return (v->with_low ? x >= v->low : x > v->low) &&
	       (v->with_high ? x <= v->high : x < v->high);
}

bool attr_in_range(AttrRecord r, const void *record, int field)
{
	const AttrFieldInfo *f = &attr_info[r].field[field];
	FieldPtr at = field_at(f, record);
	bool ok = true;
	if (!*f->range)
		return true;
	Interval v = interval_of(f->range);
	switch (f->kind) {
	case AK_i64: return interval_holds(&v, (double)*at.i64);
	case AK_f64: return interval_holds(&v, *at.f64);
	case AK_num: return interval_holds(&v, at.num->f);
	case AK_ints:
		for (int i = 0; i < at.ints->n; i++)
			ok &= interval_holds(&v, (double)at.ints->v[i]);
		return ok;
	case AK_nums:
		for (int i = 0; i < at.nums->n; i++)
			ok &= interval_holds(&v, at.nums->v[i]);
		return ok;
	case AK_flag:
	case AK_str:
	case AK_dtype:
	case AK_blob:
	case AK_graph: break;
	}
	return true;
}

const char *attr_range_text(Arena *a, const AttrFieldInfo *f)
{
	Interval v = interval_of(f->range);
	Str s;
	str_init(&s, a);
	if (isinf(v.low)) {
		str_add(&s, "a number, not NaN");
	} else if (isinf(v.high)) {
		str_add(&s, v.with_low ? "" : "more than ");
		str_double(&s, v.low);
		str_add(&s, v.with_low ? " or more" : "");
	} else {
		bool both = v.with_low && v.with_high;
		str_add(&s, both ? "from " : v.with_low ? "at least " : "more than ");
		str_double(&s, v.low);
		str_add(&s, both ? " to " : v.with_high ? " and at most " : " and less than ");
		str_double(&s, v.high);
	}
	return str_text(&s);
}

/* --- interning ------------------------------------------------------------------------------- */

static bool same_list(int n, const void *a, int m, const void *b, size_t size)
{
	return n == m && (n == 0 || memcmp(a, b, size * (size_t)n) == 0);
}

/* Doubles by their bits: NaN equals itself, -0 differs from 0. Strings are interned already. */
static bool same_field(const AttrFieldInfo *f, const void *a, const void *b)
{
	FieldPtr x = field_at(f, a), y = field_at(f, b);
	switch (f->kind) {
	case AK_i64:
	case AK_flag: return *x.i64 == *y.i64;
	case AK_f64: return memcmp(x.f64, y.f64, sizeof(double)) == 0;
	case AK_num: return memcmp(x.num, y.num, sizeof(Num)) == 0;
	case AK_ints: return same_list(x.ints->n, x.ints->v, y.ints->n, y.ints->v, sizeof(int64_t));
	case AK_nums: return same_list(x.nums->n, x.nums->v, y.nums->n, y.nums->v, sizeof(double));
	case AK_str: return *x.str == *y.str;
	case AK_dtype: return *x.dtype == *y.dtype;
	case AK_blob:
	case AK_graph: return *x.ptr == *y.ptr;
	}
	return false;
}

static uint64_t hash_field(const AttrFieldInfo *f, const void *record, uint64_t h)
{
	FieldPtr x = field_at(f, record);
	switch (f->kind) {
	case AK_i64:
	case AK_flag: return hash_mix(h, (uint64_t)*x.i64);
	case AK_f64: return hash_bytes(x.f64, sizeof(double), h);
	case AK_num: return hash_bytes(x.num, sizeof(Num), h);
	case AK_ints: return hash_bytes(x.ints->v, sizeof(int64_t) * (size_t)x.ints->n, h);
	case AK_nums: return hash_bytes(x.nums->v, sizeof(double) * (size_t)x.nums->n, h);
	case AK_str: return hash_mix(h, (uint64_t)(uintptr_t)*x.str);
	case AK_dtype: return hash_mix(h, (uint64_t)*x.dtype);
	case AK_blob:
	case AK_graph: return hash_mix(h, (uint64_t)(uintptr_t)*x.ptr);
	}
	return h;
}

/* What is in the table: the record's kind, then the record. */
typedef struct Record {
	AttrRecord kind;
	const void *record;
} Record;

static bool same_record(const void *item, const void *key)
{
	const Record *a = item, *b = key;
	const AttrInfo *info = &attr_info[a->kind];
	if (a->kind != b->kind)
		return false;
	for (int i = 0; i < info->n_field; i++)
		if (!same_field(&info->field[i], a->record, b->record))
			return false;
	return true;
}

static uint64_t record_hash(const Record *k)
{
	const AttrInfo *info = &attr_info[k->kind];
	uint64_t h = (uint64_t)k->kind;
	for (int i = 0; i < info->n_field; i++)
		h = hash_field(&info->field[i], k->record, h);
	return h;
}

static void intern_strings(Context *c, AttrRecord r, void *record)
{
	for (int i = 0; i < attr_info[r].n_field; i++) {
		const AttrFieldInfo *f = &attr_info[r].field[i];
		const char **at = (const char **)((char *)record + f->offset);
		if (f->kind == AK_str && *at)
			*at = sym(c, *at);
	}
}

static void copy_lists(Context *c, AttrRecord r, void *record)
{
	for (int i = 0; i < attr_info[r].n_field; i++) {
		const AttrFieldInfo *f = &attr_info[r].field[i];
		void *at = (char *)record + f->offset;
		if (f->kind == AK_ints) {
			Ints *l = at;
			l->v = arena_copy(c->arena, l->v, sizeof(int64_t) * (size_t)l->n);
		} else if (f->kind == AK_nums) {
			Nums *l = at;
			l->v = arena_copy(c->arena, l->v, sizeof(double) * (size_t)l->n);
		}
	}
}

enum { MAX_RECORD = 256 };
#define R(name) _Static_assert(sizeof(Attr_##name) <= MAX_RECORD, "raise MAX_RECORD");
ATTR_RECORDS(R)
#undef R

Attr attr_intern(Context *c, AttrRecord r, const void *record)
{
	_Alignas(max_align_t) char room[MAX_RECORD];
	Record key = { r, room };
	memcpy(room, record, attr_info[r].size);
	intern_strings(c, r, room);
	uint64_t h = record_hash(&key);
	const Record *found = cons_find(c->attrs, h, same_record, &key);
	if (found)
		return found->record;
	copy_lists(c, r, room);
	Record *fresh = ARENA_NEW(c->arena, Record);
	*fresh = (Record){ r, arena_copy(c->arena, room, attr_info[r].size) };
	cons_add(c->attrs, h, fresh);
	return fresh->record;
}

bool attr_field_is_default(Context *c, AttrRecord r, const void *record, int field)
{
	_Alignas(max_align_t) char room[MAX_RECORD];
	const AttrFieldInfo *f = &attr_info[r].field[field];
	if (str_eq(f->def, "?"))
		return false;
	memset(room, 0, sizeof room);
	if (f->kind != AK_blob && f->kind != AK_graph)
		attr_set_text(c, r, room, field, f->def);
	return same_field(f, room, record);
}
