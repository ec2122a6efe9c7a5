/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* See checkpoint.h. The order of the file is that of the layout, so that equal states make equal
 * files. A file is checked whole before the first byte of the state is written: a checkpoint holds
 * the SHA-256 of all its bytes, taken with zeros in the place of its own digits, which stand at a
 * fixed place in the head. */
#include "codegen/checkpoint.h"
#include "base/io.h"
#include "base/json.h"
#include "base/sha256.h"
#include "ir/type.h"
#include <stdio.h>
#include <string.h>

static const size_t CAP = (size_t)1 << 40;

/* How the head of a checkpoint begins; the checksum's digits follow. */
static const char begin_of_head[] =
	"{\"__metadata__\":{\"format\":\"burin.checkpoint/2\",\"sha256\":\"";
enum {
	SIZE_BYTES = 8,
	SUM_AT = SIZE_BYTES + sizeof begin_of_head - 1,
	SUM_DIGITS = SHA256_HEX - 1
};

static const char *const kind[DT_COUNT] = {
	[DT_f32] = "F32", [DT_f64] = "F64", [DT_f16] = "F16", [DT_bf16] = "BF16", [DT_i8] = "I8",
	[DT_u8] = "U8",   [DT_i16] = "I16", [DT_i32] = "I32", [DT_i64] = "I64",   [DT_bool] = "BOOL"
};

/* hidden: also those whose names begin with a dot */
static bool is_saved(const StateTensor *t, bool hidden)
{
	return hidden || t->name[0] != '.';
}

/* --- writing --------------------------------------------------------------------------------- */

static const char no_sum[SHA256_HEX] =
	"0000000000000000000000000000000000000000000000000000000000000000";

static void put_tensor(JsonWriter *w, const StateTensor *t, int64_t at)
{
	json_put_key(w, t->name);
	json_put_object(w);
	json_put_key(w, "dtype");
	json_put_text(w, kind[t->type->dtype]);
	json_put_key(w, "shape");
	json_put_array(w);
	for (int d = 0; d < t->type->rank; d++)
		json_put_int(w, t->type->dim[d]);
	json_end(w);
	json_put_key(w, "data_offsets");
	json_put_array(w);
	json_put_int(w, at);
	json_put_int(w, at + type_bytes(t->type));
	json_end(w);
	json_end(w);
}

static void put_head(Str *s, const StateLayout *l, const char *note, bool hidden)
{
	JsonWriter w;
	int64_t at = 0;
	json_write(&w, s, false);
	json_put_object(&w);
	if (hidden) {
		json_put_key(&w, "__metadata__");
		json_put_object(&w);
		json_put_key(&w, "format");
		json_put_text(&w, "burin.checkpoint/2");
		json_put_key(&w, "sha256");
		json_put_text(&w, no_sum);
		if (note) {
			json_put_key(&w, "note");
			json_put_text(&w, note);
		}
		json_end(&w);
	}
	for (int i = 0; i < l->tensor.n; i++)
		if (is_saved(&l->tensor.at[i], hidden)) {
			put_tensor(&w, &l->tensor.at[i], at);
			at += type_bytes(l->tensor.at[i].type);
		}
	json_end(&w);
	while (s->n % 8)
		str_char(s, ' ');
}

static void little_endian(uint64_t v, unsigned char out[8])
{
	for (int i = 0; i < 8; i++)
		out[i] = (unsigned char)(v >> 8 * i);
}

/* Writes the digits into the head. */
static void put_sum(Str *head, const unsigned char size[8], const StateLayout *l, const char *state)
{
	Sha256 sum;
	unsigned char digest[SHA256_BYTES];
	char hex[SHA256_HEX];
	sha256_init(&sum);
	sha256_add(&sum, size, SIZE_BYTES);
	sha256_add(&sum, str_text(head), head->n);
	for (int i = 0; i < l->tensor.n; i++)
		sha256_add(&sum, state + l->tensor.at[i].offset,
			   (size_t)type_bytes(l->tensor.at[i].type));
	sha256_final(&sum, digest);
	sha256_hex(digest, hex);
	memcpy(head->at + SUM_AT - SIZE_BYTES, hex, SUM_DIGITS);
}

bool checkpoint_save(Context *c, const StateLayout *l, const char *state, const char *path,
		     const char *note, bool hidden)
{
	Arena *a = arena_create();
	Str head;
	IoError e;
	unsigned char size[8];
	str_init(&head, a);
	put_head(&head, l, note, hidden);
	little_endian(head.n, size);
	if (hidden)
		put_sum(&head, size, l, state);
	IoWriter *w = io_create(path, &e);
	if (w) {
		io_write(w, size, sizeof size);
		io_write(w, str_text(&head), head.n);
		for (int i = 0; i < l->tensor.n; i++)
			if (is_saved(&l->tensor.at[i], hidden))
				io_write(w, state + l->tensor.at[i].offset,
					 (size_t)type_bytes(l->tensor.at[i].type));
	}
	bool ok = w && io_commit(w, &e);
	arena_destroy(a);
	return ok || io_report(c->diag, (Loc){ .file = path }, path, &e);
}

/* --- reading --------------------------------------------------------------------------------- */

typedef struct Reader {
	Context *c;
	const char *path;
	const StateLayout *l;
	const char *data; /* behind the head */
	int64_t bytes;
	const char **from; /* by tensor of the layout */
} Reader;

static bool bad(const Reader *r, const char *name, const char *what)
{
	return diag_error(r->c->diag, (Loc){ .file = r->path }, E6201,
			  "checkpoint '%s'%s%.80s%s: %s", r->path, name ? ", tensor '" : "",
			  name ? name : "", name ? "'" : "", what);
}

static bool has_shape(const JsonValue *shape, const Type *t)
{
	if (!shape || shape->kind != JSON_ARRAY || shape->n != t->rank)
		return false;
	for (int d = 0; d < t->rank; d++) {
		int64_t size;
		if (!json_int(json_at(shape, d), &size) || size != t->dim[d])
			return false;
	}
	return true;
}

static bool read_tensor(Reader *r, int i, const JsonValue *info)
{
	const StateTensor *t = &r->l->tensor.at[i];
	const char *dtype;
	int64_t begin, end;
	const JsonValue *at = json_get(info, "data_offsets");
	if (!info)
		return bad(r, t->name, "it is missing");
	if (!json_text(json_get(info, "dtype"), &dtype) || !str_eq(dtype, kind[t->type->dtype]) ||
	    !has_shape(json_get(info, "shape"), t->type))
		return bad(r, t->name, "it has another type or other sizes than in the model");
	if (!at || at->kind != JSON_ARRAY || at->n != 2 || !json_int(json_at(at, 0), &begin) ||
	    !json_int(json_at(at, 1), &end) || begin < 0 || end < begin || end > r->bytes ||
	    end - begin != type_bytes(t->type))
		return bad(r, t->name, "its data lies outside of the file");
	r->from[i] = r->data + begin;
	return true;
}

static bool read_head(Reader *r, const JsonValue *head, Arena *arena, const char **note)
{
	const JsonValue *about = head ? json_get(head, "__metadata__") : NULL;
	const char *text;
	if (!about)
		return bad(r, NULL, "its head is damaged");
	if (head->n != r->l->tensor.n + 1)
		return bad(r, NULL, "it has other tensors than the model's training state");
	for (int i = 0; i < r->l->tensor.n; i++)
		if (!read_tensor(r, i, json_get(head, r->l->tensor.at[i].name)))
			return false;
	if (note)
		*note = json_text(json_get(about, "note"), &text) ? arena_strdup(arena, text)
								  : NULL;
	return true;
}

static uint64_t from_little_endian(const unsigned char *p)
{
	uint64_t v = 0;
	for (int i = 0; i < 8; i++)
		v |= (uint64_t)p[i] << 8 * i;
	return v;
}

static bool check_sum(const Reader *r, IoText file)
{
	Sha256 sum;
	unsigned char digest[SHA256_BYTES];
	char hex[SHA256_HEX];
	const char *rest = file.at + SUM_AT + SUM_DIGITS;
	if (file.n < SUM_AT + SUM_DIGITS ||
	    memcmp(file.at + SIZE_BYTES, begin_of_head, sizeof begin_of_head - 1) != 0)
		return bad(r, NULL, "it was not saved as one, or by another version");
	sha256_init(&sum);
	sha256_add(&sum, file.at, SUM_AT);
	sha256_add(&sum, no_sum, SUM_DIGITS);
	sha256_add(&sum, rest, file.n - SUM_AT - SUM_DIGITS);
	sha256_final(&sum, digest);
	sha256_hex(digest, hex);
	if (memcmp(hex, file.at + SUM_AT, SUM_DIGITS) == 0)
		return true;
	bad(r, NULL, "its bytes do not add up to its checksum: it is damaged or cut off");
	diag_hint(r->c->diag, "take a copy of it, or begin anew from the weights");
	return false;
}

static bool read_all(Reader *r, IoText file, Arena *scratch, Arena *arena, const char **note)
{
	JsonError je;
	uint64_t n = file.n >= 8 ? from_little_endian((const unsigned char *)file.at) : 0;
	if (!check_sum(r, file))
		return false;
	if (n > file.n - 8)
		return bad(r, NULL, "it is cut off");
	const JsonValue *head = json_parse(scratch, file.at + 8, (size_t)n, &je);
	r->data = file.at + 8 + n;
	r->bytes = (int64_t)(file.n - 8 - n);
	r->from = ARENA_ARRAY(scratch, const char *, r->l->tensor.n + 1);
	return read_head(r, head, arena, note);
}

bool checkpoint_load(Context *c, const StateLayout *l, char *state, const char *path, Arena *arena,
		     const char **note)
{
	Arena *scratch = arena_create();
	Reader r = { .c = c, .path = path, .l = l };
	IoText file;
	IoError e;
	bool ok = io_read(path, scratch, CAP, &file, &e) ||
		  io_report(c->diag, (Loc){ .file = path }, path, &e);
	ok = ok && read_all(&r, file, scratch, arena, note);
	for (int i = 0; ok && i < l->tensor.n; i++)
		if (l->tensor.at[i].type->count)
			memcpy(state + l->tensor.at[i].offset, r.from[i],
			       (size_t)type_bytes(l->tensor.at[i].type));
	arena_destroy(scratch);
	return ok;
}
