/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* safetensors: 8 bytes with the length of a JSON header, the header, the tensors' bytes. Read as
 * strictly as the format's own reader: the tensors cover the data without hole or overlap, every
 * product is checked, no name comes twice. */
#include "base/json.h"
#include "frontend/weights.h"
#include <stdlib.h>

enum { MAX_HEADER = 100 << 20 };

static const struct {
	const char *name;
	DType dtype; /* DT_COUNT: known to the format, not to us */
	int bytes;
} kinds[] = {
	{ "F32", DT_f32, 4 },       { "F64", DT_f64, 8 },       { "F16", DT_f16, 2 },
	{ "BF16", DT_bf16, 2 },     { "I8", DT_i8, 1 },         { "U8", DT_u8, 1 },
	{ "I16", DT_i16, 2 },       { "I32", DT_i32, 4 },       { "I64", DT_i64, 8 },
	{ "BOOL", DT_bool, 1 },     { "U16", DT_COUNT, 2 },     { "U32", DT_COUNT, 4 },
	{ "U64", DT_COUNT, 8 },     { "F8_E4M3", DT_COUNT, 1 }, { "F8_E5M2", DT_COUNT, 1 },
	{ "F8_E8M0", DT_COUNT, 1 }, { "C64", DT_COUNT, 8 },
};
enum { N_KINDS = sizeof(kinds) / sizeof(kinds[0]) };

typedef struct Entry {
	const char *name;
	int64_t begin, end;
} Entry;

typedef struct Reader {
	WeightSet *w;
	const unsigned char *data;
	int64_t data_bytes;
	VEC(Entry) entry;
} Reader;

static bool bad(Reader *r, const char *name, const char *what)
{
	Loc loc = { .file = r->w->file };
	return name ? diag_error(r->w->c->diag, loc, E4001, "'%.80s': %s", name, what)
		    : diag_error(r->w->c->diag, loc, E4001, "%s", what);
}

static bool read_sizes(Reader *r, const JsonValue *shape, const char *name, int64_t dim[MAX_RANK])
{
	if (!shape || shape->kind != JSON_ARRAY)
		return bad(r, name, "\"shape\" is not a list");
	if (shape->n > MAX_RANK)
		return bad(r, name, "it has more than 8 dimensions");
	int rank = 0;
	JSON_EACH(item, shape)
	if (!json_int(item, &dim[rank++]) || dim[rank - 1] < 0)
		return bad(r, name, "\"shape\" holds something that is not a size");
	return true;
}

static bool read_offsets(Reader *r, const JsonValue *pair, Entry *e)
{
	if (!pair || pair->kind != JSON_ARRAY || pair->n != 2 ||
	    !json_int(json_at(pair, 0), &e->begin) || !json_int(json_at(pair, 1), &e->end))
		return bad(r, e->name, "\"data_offsets\" is not a pair of numbers");
	if (e->begin < 0 || e->begin > e->end || e->end > r->data_bytes)
		return bad(r, e->name, "its data lies outside of the file (is the file cut off?)");
	return true;
}

static bool only_known_keys(Reader *r, const JsonValue *info)
{
	JSON_EACH(item, info)
	if (!str_eq(item->key, "dtype") && !str_eq(item->key, "shape") &&
	    !str_eq(item->key, "data_offsets"))
		return bad(r, info->key, "it has a field that the format does not know");
	return true;
}

static bool read_tensor(Reader *r, const JsonValue *info)
{
	Entry e = { .name = sym(r->w->c, info->key) };
	const char *dtype;
	int64_t dim[MAX_RANK];
	if (info->kind != JSON_OBJECT || !json_text(json_get(info, "dtype"), &dtype))
		return bad(r, e.name, "it has no \"dtype\"");
	const JsonValue *shape = json_get(info, "shape");
	if (!only_known_keys(r, info) || !read_sizes(r, shape, e.name, dim) ||
	    !read_offsets(r, json_get(info, "data_offsets"), &e))
		return false;
	int k = 0;
	while (k < N_KINDS && !str_eq(kinds[k].name, dtype))
		k++;
	if (k == N_KINDS)
		return bad(r, e.name, "it has an unknown data type");
	const Type *t = weights_type(r->w->c, r->w->file, e.name, DT_u8, shape->n, dim);
	if (!t)
		return false;
	if (t->count * kinds[k].bytes != e.end - e.begin)
		return bad(r, e.name, "its sizes and its number of bytes do not agree");
	vec_push(r->w->arena, &r->entry, e);
	if (kinds[k].dtype == DT_COUNT) {
		diag_warning(r->w->c->diag, (Loc){ .file = r->w->file }, E4101,
			     "'%.80s' is left out: its data type %s is not read", e.name, dtype);
		return true;
	}
	t = type_with_dtype(r->w->c, t, kinds[k].dtype);
	const Blob *blob = weights_blob(r->w->c, r->w->arena, t, r->data + e.begin, e.name);
	if (!blob)
		return bad(r, e.name, "a BOOL is neither 0 nor 1");
	weights_add(r->w, e.name, blob);
	return true;
}

static bool is_metadata(const JsonValue *info)
{
	if (info->kind != JSON_OBJECT)
		return false;
	JSON_EACH(item, info)
	if (item->kind != JSON_STRING)
		return false;
	return true;
}

static int by_place(const void *a, const void *b)
{
	const Entry *x = a, *y = b;
	if (x->begin != y->begin)
		return x->begin < y->begin ? -1 : 1;
	return (x->end > y->end) - (x->end < y->end);
}

/* Nothing may hide between the tensors, and none may lie on another. */
static bool is_gapless(Reader *r)
{
	int64_t at = 0;
	if (r->entry.n)
		qsort(r->entry.at, (size_t)r->entry.n, sizeof(Entry), by_place);
	for (int i = 0; i < r->entry.n; i++) {
		const Entry *e = &r->entry.at[i];
		if (e->begin != at)
			return bad(r, e->name,
				   e->begin < at ? "its data overlaps another tensor's"
						 : "there is a hole before its data");
		at = e->end;
	}
	return at == r->data_bytes || bad(r, NULL, "there are bytes behind the last tensor");
}

static bool read_header(Reader *r, const char *text, size_t n, Arena *scratch)
{
	JsonError e;
	const JsonValue *root = json_parse(scratch, text, n, &e);
	if (!root)
		return diag_error(r->w->c->diag, (Loc){ .file = r->w->file }, E4001,
				  "the header is not JSON: %s at byte %zu", e.message,
				  e.offset + 8);
	if (root->kind != JSON_OBJECT)
		return bad(r, NULL, "the header is not a JSON object");
	bool ok = true;
	JSON_EACH(item, root)
	{
		if (!str_eq(item->key, "__metadata__"))
			ok &= read_tensor(r, item);
		else if (!is_metadata(item))
			ok = bad(r, NULL, "__metadata__ holds something that is not text");
	}
	return ok && is_gapless(r);
}

bool safetensors_read(WeightSet *w, Bytes file)
{
	Reader r = { .w = w };
	if (file.n < 8)
		return bad(&r, NULL, "the file is shorter than its first field");
	uint64_t n = 0;
	for (int i = 7; i >= 0; i--)
		n = n << 8 | file.at[i];
	if (n > MAX_HEADER)
		return bad(&r, NULL, "the header is longer than 100 MB: is it a safetensors file?");
	if (n > file.n - 8)
		return bad(&r, NULL, "the file ends within its header");
	if (n == 0 || file.at[8] != '{')
		return bad(&r, NULL,
			   "the header does not begin with '{': is it a safetensors file?");
	r.data = file.at + 8 + n;
	r.data_bytes = (int64_t)(file.n - 8 - n);
	Arena *scratch = arena_create();
	bool ok = read_header(&r, arena_copy(scratch, file.at + 8, n), n, scratch);
	arena_destroy(scratch);
	return ok;
}

/* --- writing --------------------------------------------------------------------------------- */

static const char *kind_name(DType t)
{
	for (int k = 0; k < N_KINDS; k++)
		if (kinds[k].dtype == t)
			return kinds[k].name;
	return NULL;
}

static void write_header(Str *out, int n, const char *const *name, const Blob *const *blob)
{
	JsonWriter j;
	json_write(&j, out, false);
	json_put_object(&j);
	int64_t at = 0;
	for (int i = 0; i < n; i++) {
		const Type *t = blob[i]->type;
		json_put_key(&j, name[i]);
		json_put_object(&j);
		json_put_key(&j, "dtype");
		json_put_text(&j, kind_name(t->dtype));
		json_put_key(&j, "shape");
		json_put_array(&j);
		for (int d = 0; d < t->rank; d++)
			json_put_int(&j, t->dim[d]);
		json_end(&j);
		json_put_key(&j, "data_offsets");
		json_put_array(&j);
		json_put_int(&j, at);
		json_put_int(&j, at += type_bytes(t));
		json_end(&j);
		json_end(&j);
	}
	json_end(&j);
	while (out->n % 8) /* the data begins aligned */
		str_char(out, ' ');
}

static void write_splat(IoWriter *w, const Blob *b)
{
	char chunk[4096];
	size_t size = (size_t)dtype_info[b->type->dtype].bytes;
	int64_t room = (int64_t)(sizeof(chunk) / size);
	for (int64_t i = 0; i < room; i++)
		memcpy(chunk + (size_t)i * size, b->data, size);
	for (int64_t left = b->type->count; left > 0; left -= room)
		io_write(w, chunk, size * (size_t)(left < room ? left : room));
}

static bool can_write(Context *c, const char *path, int n, const char *const *name,
		      const Blob *const *blob)
{
	Map *seen = map_create(c->arena);
	for (int i = 0; i < n; i++) {
		if (!blob[i]->data && blob[i]->type->count)
			return diag_error(c->diag, (Loc){ .file = path }, E4001,
					  "'%.80s' has no data to write", name[i]);
		if (map_get_str(seen, name[i]))
			return diag_error(c->diag, (Loc){ .file = path }, E4001,
					  "the name '%.80s' comes twice", name[i]);
		map_put_str(seen, name[i], seen);
	}
	return true;
}

IoWriter *safetensors_create(Context *c, const char *path, int n, const char *const *name,
			     const Blob *const *blob)
{
	if (!can_write(c, path, n, name, blob))
		return NULL;
	Str header;
	str_init(&header, c->arena);
	write_header(&header, n, name, blob);
	IoError e;
	IoWriter *w = io_create(path, &e);
	if (!w) {
		io_report(c->diag, (Loc){ .file = path }, path, &e);
		return NULL;
	}
	unsigned char length[8];
	for (int i = 0; i < 8; i++)
		length[i] = (unsigned char)((uint64_t)header.n >> 8 * i);
	io_write(w, length, 8);
	io_write(w, header.at, header.n);
	for (int i = 0; i < n; i++) {
		if (blob[i]->splat)
			write_splat(w, blob[i]);
		else
			io_write(w, blob[i]->data, (size_t)type_bytes(blob[i]->type));
	}
	return w;
}
