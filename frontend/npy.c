/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* NumPy's .npy: a magic, a length, a Python dictionary with three keys, the elements. The
 * dictionary is read by a parser of exactly what NumPy writes; nothing is evaluated. Little endian
 * and C order only. */
#include "frontend/weights.h"

static const struct {
	const char *descr;
	DType dtype;
} kinds[] = {
	{ "f4", DT_f32 }, { "f8", DT_f64 }, { "f2", DT_f16 }, { "i1", DT_i8 },   { "u1", DT_u8 },
	{ "i2", DT_i16 }, { "i4", DT_i32 }, { "i8", DT_i64 }, { "b1", DT_bool },
};

typedef struct Npy {
	Context *c;
	const char *what; /* file, or member of an archive */
	const char *at, *end;
	char descr[16];
	bool fortran, have_descr, have_fortran, have_shape;
	int rank;
	int64_t dim[MAX_RANK];
} Npy;

static bool report(Npy *r, DiagCode code, const char *what, const char *hint)
{
	diag_error(r->c->diag, (Loc){ .file = r->what }, code, "%s", what);
	if (hint)
		diag_hint(r->c->diag, "%s", hint);
	return false;
}

static bool bad(Npy *r, const char *what, const char *hint)
{
	return report(r, E4001, what, hint);
}

static void skip_blanks(Npy *r)
{
	while (r->at < r->end && (*r->at == ' ' || *r->at == '\n'))
		r->at++;
}

static bool take(Npy *r, char c)
{
	skip_blanks(r);
	if (r->at >= r->end || *r->at != c)
		return false;
	r->at++;
	return true;
}

/* 'text' into out */
static bool take_text(Npy *r, char *out, size_t size)
{
	if (!take(r, '\''))
		return false;
	const char *close = memchr(r->at, '\'', (size_t)(r->end - r->at));
	if (!close || (size_t)(close - r->at) >= size)
		return false;
	memcpy(out, r->at, (size_t)(close - r->at));
	out[close - r->at] = '\0';
	r->at = close + 1;
	return true;
}

static bool take_word(Npy *r, const char *word)
{
	size_t n = strlen(word);
	skip_blanks(r);
	if ((size_t)(r->end - r->at) < n || memcmp(r->at, word, n) != 0)
		return false;
	r->at += n;
	return true;
}

static bool take_shape(Npy *r)
{
	if (!take(r, '('))
		return bad(r, "the shape in the header is not a tuple", NULL);
	while (!take(r, ')')) {
		const char *start = r->at;
		while (r->at < r->end && *r->at >= '0' && *r->at <= '9')
			r->at++;
		if (r->rank == MAX_RANK)
			return bad(r, "the tensor has more than 8 dimensions", NULL);
		if (!parse_i64(start, (size_t)(r->at - start), &r->dim[r->rank++]))
			return bad(r, "the shape in the header holds something that is not a size",
				   NULL);
		take_word(r, "L"); /* Python 2 wrote 3L */
		if (!take(r, ',') && (skip_blanks(r), r->at >= r->end || *r->at != ')'))
			return bad(r, "the shape in the header is not a tuple", NULL);
	}
	return true;
}

static bool take_entry(Npy *r)
{
	char key[32];
	if (!take_text(r, key, sizeof key) || !take(r, ':'))
		return bad(r, "the header is not the dictionary that NumPy writes", NULL);
	skip_blanks(r);
	if (str_eq(key, "descr") && !r->have_descr) {
		r->have_descr = true;
		return take_text(r, r->descr, sizeof r->descr) ||
		       bad(r, "the elements are records, which is not read", NULL);
	}
	if (str_eq(key, "fortran_order") && !r->have_fortran) {
		r->have_fortran = true;
		r->fortran = take_word(r, "True");
		return r->fortran || take_word(r, "False") ||
		       bad(r, "the order is neither True nor False", NULL);
	}
	if (str_eq(key, "shape") && !r->have_shape) {
		r->have_shape = true;
		return take_shape(r);
	}
	return bad(r, "the header has an unknown or repeated key", NULL);
}

static bool take_dictionary(Npy *r)
{
	if (!take(r, '{'))
		return bad(r, "the header is not the dictionary that NumPy writes", NULL);
	while (!take(r, '}')) {
		if (!take_entry(r))
			return false;
		if (!take(r, ',') && (skip_blanks(r), r->at >= r->end || *r->at != '}'))
			return bad(r, "the header is not the dictionary that NumPy writes", NULL);
	}
	skip_blanks(r);
	if (r->at != r->end || !r->have_descr || !r->have_fortran || !r->have_shape)
		return bad(r, "the header is not the dictionary that NumPy writes", NULL);
	return true;
}

static bool find_dtype(Npy *r, DType *out)
{
	char order = r->descr[0];
	if (order == '>')
		return report(r, E4101, "the elements are big endian",
			      "save it after a.astype(a.dtype.newbyteorder('<'))");
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (order && str_eq(r->descr + 1, kinds[i].descr) && strchr("<|=", order)) {
			*out = kinds[i].dtype;
			return true;
		}
	bool known =
		order && strchr("<|=", order) && r->descr[1] && strchr("ucSUVmMO", r->descr[1]);
	return report(r, known ? E4101 : E4001, "the data type of the elements is not read",
		      "f2 f4 f8, i1 i2 i4 i8, u1 and bool are");
}

/* Where the header begins and how long it is; 0 when this is not an .npy. */
static size_t header_place(Npy *r, Bytes file, size_t *length)
{
	if (file.n < 10 || memcmp(file.at, "\x93NUMPY", 6) != 0) {
		bad(r, "this is not in NumPy's format (np.save)", NULL);
		return 0;
	}
	int version = file.at[6];
	size_t start = version == 1 ? 10 : 12;
	if (version < 1 || version > 3 || file.n < start) {
		bad(r, "this version of NumPy's format is not read", NULL);
		return 0;
	}
	*length = file.at[8] | (size_t)file.at[9] << 8;
	if (version > 1)
		*length |= (size_t)file.at[10] << 16 | (size_t)file.at[11] << 24;
	if (*length > file.n - start || *length > 1 << 16) {
		bad(r, "the file ends within its header", NULL);
		return 0;
	}
	return start;
}

const Blob *npy_parse(Context *c, Arena *arena, Bytes file, const char *what, const char *name)
{
	Npy r = { .c = c, .what = what };
	size_t length, start = header_place(&r, file, &length);
	if (!start)
		return NULL;
	char *header = arena_copy(arena, file.at + start, length);
	r.at = header;
	r.end = header + length;
	DType dtype = DT_f32;
	if (!take_dictionary(&r) || !find_dtype(&r, &dtype))
		return NULL;
	const Type *t = weights_type(c, what, name, dtype, r.rank, r.dim);
	if (!t)
		return NULL;
	if (r.fortran && t->rank > 1) {
		bad(&r, "the elements are in Fortran order",
		    "save it with np.ascontiguousarray(a)");
		return NULL;
	}
	if ((int64_t)(file.n - start - length) != type_bytes(t)) {
		bad(&r, "the header's sizes and the number of bytes do not agree (is it cut off?)",
		    NULL);
		return NULL;
	}
	const Blob *blob = weights_blob(c, arena, t, file.at + start + length, name);
	if (!blob)
		bad(&r, "a bool is neither 0 nor 1", NULL);
	return blob;
}

enum { MAX_NPY = 1 << 30 };

const Blob *npy_read(Context *c, Arena *arena, const char *path)
{
	IoError e;
	IoText text;
	if (!io_read(path, arena, MAX_NPY, &text, &e)) {
		io_report(c->diag, (Loc){ .file = path }, path, &e);
		return NULL;
	}
	Bytes b = { .at = (const unsigned char *)text.at, .n = text.n };
	return npy_parse(c, arena, b, sym(c, path), "array");
}

/* --- writing --------------------------------------------------------------------------------- */

static const char *descr_of(DType t)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (kinds[i].dtype == t)
			return kinds[i].descr;
	return NULL;
}

static void write_header(Str *s, const Type *t, const char *descr)
{
	str_fmt(s, "{'descr': '%c%s', 'fortran_order': False, 'shape': (",
		dtype_info[t->dtype].bytes == 1 ? '|' : '<', descr);
	for (int i = 0; i < t->rank; i++)
		str_fmt(s, i ? ", %lld" : "%lld", (long long)t->dim[i]);
	str_add(s, t->rank == 1 ? ",), }" : "), }");
	while ((10 + s->n + 1) % 64)
		str_char(s, ' ');
	str_char(s, '\n');
}

bool npy_write(Context *c, const char *path, const Type *t, const void *data)
{
	const char *descr = descr_of(t->dtype);
	if (!descr)
		return diag_error(c->diag, (Loc){ .file = path }, E4101,
				  "NumPy has no data type %s", dtype_info[t->dtype].name);
	Str header;
	str_init(&header, c->arena);
	write_header(&header, t, descr);
	IoError e;
	IoWriter *w = io_create(path, &e);
	if (!w)
		return io_report(c->diag, (Loc){ .file = path }, path, &e);
	const unsigned char head[10] = {
		0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0, header.n & 0xff, (header.n >> 8) & 0xff
	};
	io_write(w, head, sizeof head);
	io_write(w, header.at, header.n);
	io_write(w, data, (size_t)type_bytes(t));
	return io_commit(w, &e) || io_report(c->diag, (Loc){ .file = path }, path, &e);
}
