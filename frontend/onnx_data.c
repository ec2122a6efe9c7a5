/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Tensors of the file. Their bytes are used where they lie, in the model's mapping or in that of a
 * file beside it, unless they must change: numbers packed as varints, truth values that are not 0
 * or 1. Small tensors are copied, since small blobs are compared by content. */
#include "frontend/onnx_impl.h"
#include "frontend/weights.h"

enum { SMALL = 1024 };

static bool bad(Onnx *o, Loc loc, const OnnxTensor *t, const char *why)
{
	return diag_error(o->c->diag, loc, E3004, "the tensor '%.80s': %s", t->name, why);
}

/* --- external data --------------------------------------------------------------------------- */

typedef struct OnnxFile {
	const uint8_t *at; /* NULL: could not be opened, reported */
	size_t n;
} OnnxFile;

static const OnnxFile *open_file(Onnx *o, const OnnxTensor *t, const char *name, Loc loc)
{
	OnnxFile *f = map_get_str(o->file, name);
	if (f)
		return f;
	f = ARENA_NEW(o->arena, OnnxFile);
	map_put_str(o->file, name, f);
	IoError error;
	int fd = io_open_beside(o->path, name, &error);
	IoMap *m = fd >= 0 ? io_map_fd(fd, &error) : NULL;
	if (!m) {
		io_report(o->c->diag, loc, name, &error);
		diag_hint(o->c->diag,
			  "the data of the tensor '%.80s' lies there; it has to be "
			  "beside the model, or below its folder",
			  t->name);
		return f;
	}
	weights_keep(o->weights, m);
	*f = (OnnxFile){ .at = io_map_data(m), .n = io_map_size(m) };
	return f;
}

static const char *entry(const OnnxTensor *t, const char *key)
{
	for (int i = 0; i < t->external.n; i++)
		if (str_eq(t->external.at[i].key, key))
			return t->external.at[i].value;
	return NULL;
}

/* Offset or length; false when it is not a number that a file can have. */
static bool entry_size(const OnnxTensor *t, const char *key, size_t fallback, size_t *out)
{
	const char *text = entry(t, key);
	int64_t v;
	*out = fallback;
	if (!text)
		return true;
	if (!parse_i64(text, strlen(text), &v) || v < 0)
		return false;
	*out = (size_t)v;
	return true;
}

static bool external(Onnx *o, const OnnxTensor *t, size_t bytes, Loc loc, PbBytes *out)
{
	const char *location = entry(t, "location"), *why = NULL;
	size_t offset, length;
	if (!location || !location[0])
		why = "no location is given";
	else if (!entry_size(t, "offset", 0, &offset) || !entry_size(t, "length", bytes, &length))
		why = "offset or length is not a number";
	else if (length != bytes)
		why = "its length does not fit its shape and type";
	if (why)
		return diag_error(o->c->diag, loc, E3005, "the tensor '%.80s': %s", t->name, why);
	const OnnxFile *f = open_file(o, t, location, loc);
	if (!f->at)
		return false;
	if (offset > f->n || bytes > f->n - offset)
		return diag_error(o->c->diag, loc, E3005,
				  "the tensor '%.80s' lies at %zu to %zu of '%.80s', which has %zu "
				  "bytes",
				  t->name, offset, offset + bytes, location, f->n);
	*out = (PbBytes){ .at = f->at + offset, .n = bytes };
	return true;
}

/* --- typed fields ---------------------------------------------------------------------------- */

/* The field of TensorProto that holds a type's data, and how a number of it is written. */
static uint32_t typed_field(DType t, PbWire *wire)
{
	*wire = t == DT_f32 ? PB_FIXED32 : t == DT_f64 ? PB_FIXED64 : PB_VARINT;
	return t == DT_f32 ? 4 : t == DT_f64 ? 10 : t == DT_i64 ? 7 : 5;
}

/* The number's bits are its bytes, low ones first: also of halves, which int32_data holds as bits.
 */
static void store_bits(DType t, uint8_t *data, int64_t i, uint64_t bits)
{
	int bytes = dtype_info[t].bytes;
	for (int k = 0; k < bytes; k++)
		data[i * bytes + k] = (uint8_t)(bits >> (8 * k));
}

/* Data in float_data, int64_data and so on: in place when it lies there as it would in memory. */
static bool typed_data(Onnx *o, const OnnxTensor *t, const Type *type, Loc loc, PbBytes *out)
{
	PbWire wire;
	uint32_t number = typed_field(type->dtype, &wire);
	size_t bytes = (size_t)type_bytes(type);
	uint8_t *data = NULL;
	int64_t n = 0;
	PbReader r = pb_reader(t->message);
	for (PbField f; pb_next(&r, &f);) {
		if (f.number != number)
			continue;
		if (wire != PB_VARINT && f.wire == PB_BYTES && n == 0 && f.bytes.n == bytes) {
			*out = f.bytes;
			n = type->count;
			continue;
		}
		if (!data) /* each number takes a byte at least: no more than the file holds */
			data = type->count <= (int64_t)t->message.n ? arena_alloc(o->arena, bytes)
								    : NULL;
		if (!data)
			break;
		PbNumbers list = pb_numbers(&f, wire);
		for (uint64_t bits; pb_number(&list, &bits); n++)
			if (n < type->count)
				store_bits(type->dtype, data, n, bits);
		if (list.reader.fault)
			return bad(o, loc, t, list.reader.fault);
		*out = (PbBytes){ .at = data, .n = bytes };
	}
	return n == type->count || bad(o, loc, t, "its data does not fit its shape");
}

/* --- blobs ----------------------------------------------------------------------------------- */

static const Type *tensor_type(Onnx *o, const OnnxTensor *t, Loc loc)
{
	DType d;
	if (!onnx_dtype(t->type, &d)) {
		onnx_refuse(o, loc, E3104, NULL, "tensors of type %s", onnx_dtype_name(t->type));
		return NULL;
	}
	const Type *type = t->dim.n <= MAX_RANK ? type_get(o->c, d, t->dim.n, t->dim.at) : NULL;
	if (!type)
		bad(o, loc, t, "a size is negative, or there are too many");
	return type;
}

/* A truth value is one byte, 0 or 1; files may hold others. */
static PbBytes clean_bools(Onnx *o, PbBytes b)
{
	size_t i = 0;
	while (i < b.n && b.at[i] <= 1)
		i++;
	if (i == b.n)
		return b;
	uint8_t *copy = arena_copy(o->arena, b.at, b.n);
	for (; i < b.n; i++)
		copy[i] = copy[i] != 0;
	return (PbBytes){ .at = copy, .n = b.n };
}

static bool tensor_bytes(Onnx *o, const OnnxTensor *t, const Type *type, Loc loc, PbBytes *out)
{
	size_t bytes = (size_t)type_bytes(type);
	*out = (PbBytes){ .at = (const uint8_t *)"", .n = 0 };
	if (t->is_external)
		return external(o, t, bytes, loc, out);
	if (t->has_raw && t->raw.n != bytes)
		return bad(o, loc, t, "its data does not fit its shape");
	if (t->has_raw)
		*out = t->raw;
	return t->has_raw || typed_data(o, t, type, loc, out);
}

const Blob *onnx_blob(Onnx *o, const OnnxTensor *t, Loc loc)
{
	const Type *type = tensor_type(o, t, loc);
	PbBytes b;
	if (!type || !tensor_bytes(o, t, type, loc, &b))
		return NULL;
	if (type->dtype == DT_bool)
		b = clean_bools(o, b);
	return b.n <= SMALL ? blob_intern(o->c, type, b.at)
			    : blob_wrap(o->c, type, b.at, t->name[0] ? t->name : NULL);
}

/* --- as text --------------------------------------------------------------------------------- */

/* Read as a number of the blob's type, the text is the element. */
static void add_number(Str *s, const Blob *b, int64_t i)
{
	DType t = b->type->dtype;
	if (b->splat)
		i = 0;
	if (t == DT_f32 || t == DT_f16 || t == DT_bf16)
		str_float(s, (float)blob_f64(b, i));
	else if (t == DT_f64)
		str_double(s, blob_f64(b, i));
	else
		str_fmt(s, "%lld", (long long)blob_i64(b, i));
}

const char *onnx_number_text(Arena *a, const Blob *b, int64_t i)
{
	Str s;
	str_init(&s, a);
	add_number(&s, b, i);
	return str_text(&s);
}

const char *onnx_numbers_text(Arena *a, const Blob *b)
{
	Str s;
	str_init(&s, a);
	for (int64_t i = 0; i < b->type->count; i++) {
		if (i)
			str_char(&s, ',');
		add_number(&s, b, i);
	}
	return str_text(&s);
}
