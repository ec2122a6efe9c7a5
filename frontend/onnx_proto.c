/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* One function decodes one kind of message: a loop over its fields and a switch over their numbers
 * (onnx.proto), unknown ones passed over as protocol buffers want it. A field of a known number
 * with another wire type is a fault. The first fault ends the decoding. */
#include "frontend/onnx_proto.h"
#include <string.h>

static bool stop(OnnxDecoder *d, const char *what, const uint8_t *at)
{
	if (!d->fault) {
		d->fault = what;
		d->fault_at = (size_t)(at - d->start);
	}
	return false;
}

/* Steps to the next field; a fault of the reader becomes the decoder's. */
static bool next(OnnxDecoder *d, PbReader *r, PbField *f)
{
	if (d->fault)
		return false;
	const uint8_t *at = r->at;
	if (pb_next(r, f)) {
		if (d->n_items++ < ONNX_MAX_ITEMS)
			return true;
		d->too_large = true;
		return stop(d, "the model has too many parts", at);
	}
	if (r->fault)
		stop(d, r->fault, at);
	return false;
}

static bool is(OnnxDecoder *d, const PbReader *r, const PbField *f, PbWire wire)
{
	return f->wire == wire || stop(d, "a field is of another kind than ONNX says", r->at - 1);
}

/* Continuation bytes after a lead byte; 0: not UTF-8. Overlong forms and surrogates are left to
 * those who print. */
static size_t utf8_length(uint8_t lead)
{
	return lead < 0x80                   ? 1
	       : lead >= 0xc2 && lead < 0xe0 ? 2
	       : lead >= 0xe0 && lead < 0xf0 ? 3
	       : lead >= 0xf0 && lead < 0xf5 ? 4
					     : 0;
}

static bool is_utf8(PbBytes b)
{
	for (size_t i = 0; i < b.n;) {
		size_t n = utf8_length(b.at[i]);
		if (n == 0 || n > b.n - i)
			return false;
		for (size_t k = 1; k < n; k++)
			if ((b.at[i + k] & 0xc0) != 0x80)
				return false;
		i += n;
	}
	return true;
}

enum { MAX_TEXT = 1 << 16 };

static const char *text(OnnxDecoder *d, const PbReader *r, const PbField *f)
{
	if (!is(d, r, f, PB_BYTES))
		return "";
	if (f->bytes.n > MAX_TEXT || !is_utf8(f->bytes) || memchr(f->bytes.at, 0, f->bytes.n)) {
		stop(d, "a name is longer than 64 KiB or no UTF-8 text", f->bytes.at);
		return "";
	}
	return intern_n(d->c->symbols, (const char *)f->bytes.at, f->bytes.n);
}

static int64_t number(OnnxDecoder *d, const PbReader *r, const PbField *f)
{
	return is(d, r, f, PB_VARINT) ? (int64_t)f->value : 0;
}

#define NUMBERS(d, r, f, element, list, convert) \
	do { \
		PbNumbers numbers_ = pb_numbers(f, element); \
		uint64_t bits_; \
		while (pb_number(&numbers_, &bits_)) \
			vec_push((d)->arena, list, convert(bits_)); \
		if (numbers_.reader.fault) \
			stop(d, numbers_.reader.fault, (r)->at - 1); \
	} while (0)

static int64_t as_i64(uint64_t bits)
{
	return (int64_t)bits;
}

static double as_float(uint64_t bits)
{
	return (double)pb_float(bits);
}

/* --- tensors --------------------------------------------------------------------------------- */

static void decode_entry(OnnxDecoder *d, PbBytes bytes, OnnxEntry *out)
{
	*out = (OnnxEntry){ .key = "", .value = "" };
	PbReader r = pb_reader(bytes);
	for (PbField f; next(d, &r, &f);)
		if (f.number == 1)
			out->key = text(d, &r, &f);
		else if (f.number == 2)
			out->value = text(d, &r, &f);
}

static void add_entry(OnnxDecoder *d, const PbReader *r, const PbField *f, OnnxTensor *t)
{
	OnnxEntry e;
	if (!is(d, r, f, PB_BYTES))
		return;
	decode_entry(d, f->bytes, &e);
	vec_push(d->arena, &t->external, e);
}

bool onnx_decode_tensor(OnnxDecoder *d, PbBytes bytes, OnnxTensor *out)
{
	*out = (OnnxTensor){ .name = "", .message = bytes };
	PbReader r = pb_reader(bytes);
	for (PbField f; next(d, &r, &f);) {
		switch (f.number) {
		case 1: NUMBERS(d, &r, &f, PB_VARINT, &out->dim, as_i64); break;
		case 2: out->type = (int)number(d, &r, &f); break;
		case 3: stop(d, "a tensor is cut into segments", r.at - 1); break;
		case 4:
		case 5:
		case 7:
		case 10: /* float, int32, int64 and double data: onnx_data.c */
		case 11: out->has_typed = true; break;
		case 8: out->name = text(d, &r, &f); break;
		case 9:
			out->has_raw = is(d, &r, &f, PB_BYTES);
			out->raw = f.bytes;
			break;
		case 13: add_entry(d, &r, &f, out); break;
		case 14: out->is_external = number(d, &r, &f) == 1; break;
		default: break;
		}
	}
	return !d->fault;
}

/* --- types ----------------------------------------------------------------------------------- */

static void decode_dim(OnnxDecoder *d, PbBytes bytes, OnnxDim *out)
{
	*out = (OnnxDim){ .known = false };
	PbReader r = pb_reader(bytes);
	for (PbField f; next(d, &r, &f);)
		if (f.number == 1) {
			out->known = true;
			out->size = number(d, &r, &f);
		} else if (f.number == 2) {
			out->symbol = text(d, &r, &f);
		}
	if (out->known && out->size < 0)
		out->known = false; /* some exporters write -1 for a free size */
	if (out->symbol && !out->symbol[0])
		out->symbol = NULL;
}

static void decode_shape(OnnxDecoder *d, PbBytes bytes, OnnxValueInfo *v)
{
	v->has_shape = true;
	PbReader r = pb_reader(bytes);
	for (PbField f; next(d, &r, &f);) {
		if (f.number != 1 || !is(d, &r, &f, PB_BYTES))
			continue;
		OnnxDim dim;
		decode_dim(d, f.bytes, &dim);
		vec_push(d->arena, &v->dim, dim);
	}
}

static void decode_tensor_type(OnnxDecoder *d, PbBytes bytes, OnnxValueInfo *v)
{
	v->is_tensor = true;
	PbReader r = pb_reader(bytes);
	for (PbField f; next(d, &r, &f);)
		if (f.number == 1)
			v->type = (int)number(d, &r, &f);
		else if (f.number == 2 && is(d, &r, &f, PB_BYTES))
			decode_shape(d, f.bytes, v);
}

static void decode_value_info(OnnxDecoder *d, PbBytes bytes, OnnxValueInfo *out)
{
	*out = (OnnxValueInfo){ .name = "" };
	PbReader r = pb_reader(bytes);
	for (PbField f; next(d, &r, &f);) {
		if (f.number == 1)
			out->name = text(d, &r, &f);
		if (f.number != 2 || !is(d, &r, &f, PB_BYTES))
			continue;
		PbReader type = pb_reader(f.bytes);
		for (PbField g; next(d, &type, &g);)
			if (g.number == 1 && is(d, &type, &g, PB_BYTES))
				decode_tensor_type(d, g.bytes, out);
	}
}

/* --- nodes ----------------------------------------------------------------------------------- */

static OnnxAttrKind attr_kind(int64_t type)
{
	return type == 0 ? OA_none : type > 0 && type <= OA_texts ? (OnnxAttrKind)type : OA_other;
}

static double float_field(OnnxDecoder *d, const PbReader *r, const PbField *f)
{
	return is(d, r, f, PB_FIXED32) ? as_float(f->value) : 0;
}

/* `seen` is the kind that the fields themselves tell: files before IR version 2 give no type. */
static bool decode_attr(OnnxDecoder *d, PbBytes bytes, OnnxAttr *out)
{
	*out = (OnnxAttr){ .name = "", .text = "" };
	OnnxAttrKind seen = OA_none;
	PbReader r = pb_reader(bytes);
	for (PbField f; next(d, &r, &f);) {
		switch (f.number) {
		case 1: out->name = text(d, &r, &f); continue;
		case 2:
			out->f = float_field(d, &r, &f);
			seen = OA_float;
			continue;
		case 3:
			out->i = number(d, &r, &f);
			seen = OA_int;
			continue;
		case 4:
			out->text = text(d, &r, &f);
			seen = OA_text;
			continue;
		case 5:
		case 6:
			if (is(d, &r, &f, PB_BYTES))
				out->message = f.bytes;
			seen = f.number == 5 ? OA_tensor : OA_graph;
			continue;
		case 7:
			NUMBERS(d, &r, &f, PB_FIXED32, &out->floats, as_float);
			seen = OA_floats;
			continue;
		case 8:
			NUMBERS(d, &r, &f, PB_VARINT, &out->ints, as_i64);
			seen = OA_ints;
			continue;
		case 9:
			vec_push(d->arena, &out->texts, text(d, &r, &f));
			seen = OA_texts;
			continue;
		case 20: out->kind = attr_kind(number(d, &r, &f)); continue;
		case 21: out->ref = text(d, &r, &f); continue;
		default: continue;
		}
	}
	if (out->ref && !out->ref[0])
		out->ref = NULL;
	if (out->kind == OA_none)
		out->kind = seen;
	return !d->fault;
}

bool onnx_decode_node(OnnxDecoder *d, PbBytes bytes, OnnxNode *out)
{
	*out = (OnnxNode){ .name = "", .op = "", .domain = "", .overload = "" };
	PbReader r = pb_reader(bytes);
	for (PbField f; next(d, &r, &f);) {
		OnnxAttr a;
		switch (f.number) {
		case 1: vec_push(d->arena, &out->in, text(d, &r, &f)); break;
		case 2: vec_push(d->arena, &out->out, text(d, &r, &f)); break;
		case 3: out->name = text(d, &r, &f); break;
		case 4: out->op = text(d, &r, &f); break;
		case 5:
			if (is(d, &r, &f, PB_BYTES) && decode_attr(d, f.bytes, &a))
				vec_push(d->arena, &out->attr, a);
			break;
		case 7: out->domain = text(d, &r, &f); break;
		case 8: out->overload = text(d, &r, &f); break;
		default: break;
		}
	}
	if (strcmp(out->domain, "ai.onnx") == 0)
		out->domain = "";
	return !d->fault;
}

/* --- graphs, functions, the model ------------------------------------------------------------ */

bool onnx_decode_graph(OnnxDecoder *d, PbBytes bytes, OnnxGraph *out)
{
	*out = (OnnxGraph){ .name = "" };
	PbReader r = pb_reader(bytes);
	for (PbField f; next(d, &r, &f);) {
		OnnxTensor tensor;
		OnnxValueInfo value;
		bool message = f.number == 1 || f.number == 5 || (f.number >= 11 && f.number <= 13);
		if (message && !is(d, &r, &f, PB_BYTES))
			break;
		switch (f.number) {
		case 1: vec_push(d->arena, &out->node, f.bytes); break;
		case 2: out->name = text(d, &r, &f); break;
		case 5:
			if (onnx_decode_tensor(d, f.bytes, &tensor))
				vec_push(d->arena, &out->initializer, tensor);
			break;
		case 11:
			decode_value_info(d, f.bytes, &value);
			vec_push(d->arena, &out->input, value);
			break;
		case 12:
			decode_value_info(d, f.bytes, &value);
			vec_push(d->arena, &out->output, value);
			break;
		case 13:
			decode_value_info(d, f.bytes, &value);
			vec_push(d->arena, &out->value_info, value);
			break;
		case 15: out->n_sparse++; break;
		default: break;
		}
	}
	return !d->fault;
}

static void decode_import(OnnxDecoder *d, const PbReader *from, const PbField *field,
			  OnnxImports *list)
{
	if (!is(d, from, field, PB_BYTES))
		return;
	OnnxImport import = { .domain = "" };
	PbReader r = pb_reader(field->bytes);
	for (PbField f; next(d, &r, &f);)
		if (f.number == 1)
			import.domain = text(d, &r, &f);
		else if (f.number == 2)
			import.version = number(d, &r, &f);
	if (strcmp(import.domain, "ai.onnx") == 0)
		import.domain = "";
	vec_push(d->arena, list, import);
}

static bool decode_function(OnnxDecoder *d, PbBytes bytes, OnnxFunction *out)
{
	*out = (OnnxFunction){ .name = "", .domain = "", .overload = "" };
	PbReader r = pb_reader(bytes);
	for (PbField f; next(d, &r, &f);) {
		OnnxAttr a = { .text = "" };
		switch (f.number) {
		case 1: out->name = text(d, &r, &f); break;
		case 4: vec_push(d->arena, &out->in, text(d, &r, &f)); break;
		case 5: vec_push(d->arena, &out->out, text(d, &r, &f)); break;
		case 6: /* an attribute without a default */
			a.name = text(d, &r, &f);
			vec_push(d->arena, &out->attr, a);
			break;
		case 7:
			if (is(d, &r, &f, PB_BYTES))
				vec_push(d->arena, &out->node, f.bytes);
			break;
		case 9: decode_import(d, &r, &f, &out->import); break;
		case 10: out->domain = text(d, &r, &f); break;
		case 11:
			if (is(d, &r, &f, PB_BYTES) && decode_attr(d, f.bytes, &a))
				vec_push(d->arena, &out->attr, a);
			break;
		case 13: out->overload = text(d, &r, &f); break;
		default: break;
		}
	}
	if (strcmp(out->domain, "ai.onnx") == 0)
		out->domain = "";
	return !d->fault;
}

bool onnx_decode_model(OnnxDecoder *d, PbBytes bytes, OnnxModel *out)
{
	*out = (OnnxModel){ .producer = "" };
	PbReader r = pb_reader(bytes);
	for (PbField f; next(d, &r, &f);) {
		OnnxFunction function;
		switch (f.number) {
		case 1: out->ir_version = number(d, &r, &f); break;
		case 2: out->producer = text(d, &r, &f); break;
		case 7:
			if (out->has_graph)
				return stop(d, "the model holds two graphs", r.at - 1);
			out->has_graph = is(d, &r, &f, PB_BYTES);
			out->graph = f.bytes;
			break;
		case 8: decode_import(d, &r, &f, &out->import); break;
		case 25:
			if (is(d, &r, &f, PB_BYTES) && decode_function(d, f.bytes, &function))
				vec_push(d->arena, &out->function, function);
			break;
		default: break;
		}
	}
	return !d->fault;
}
