/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A field begins with a tag: its number and its wire type in one varint. Every length is compared
 * with what is left before it is used, so a reader cannot leave its bytes, and every field takes at
 * least one byte, so it comes to an end. Groups (wire types 3 and 4) went out of use before the
 * formats read here were made; they are a fault. */
#include "frontend/protobuf.h"
#include <string.h>

PbReader pb_reader(PbBytes bytes)
{
	static const uint8_t none[1];
	const uint8_t *at =
		bytes.n ? bytes.at : none; /* a message that was left out has no address */
	return (PbReader){ .at = at, .end = at + bytes.n };
}

static bool fault(PbReader *r, const char *what)
{
	r->fault = what;
	r->at = r->end;
	return false;
}

static bool read_varint(PbReader *r, uint64_t *out)
{
	uint64_t v = 0;
	for (int shift = 0; shift < 64; shift += 7) {
		if (r->at == r->end)
			return fault(r, "the file ends inside of a number");
		uint8_t byte = *r->at++;
		if (shift == 63 && byte > 1)
			return fault(r, "a number has more than 64 bits");
		v |= (uint64_t)(byte & 0x7f) << shift;
		if (byte < 0x80) {
			*out = v;
			return true;
		}
	}
	return fault(r, "a number has more than 64 bits");
}

static bool read_fixed(PbReader *r, int bytes, uint64_t *out)
{
	if (r->end - r->at < bytes)
		return fault(r, "the file ends inside of a number");
	*out = 0;
	for (int i = 0; i < bytes; i++)
		*out |= (uint64_t)*r->at++ << (8 * i);
	return true;
}

static bool read_bytes(PbReader *r, PbBytes *out)
{
	uint64_t n;
	if (!read_varint(r, &n))
		return false;
	if (n > (uint64_t)(r->end - r->at))
		return fault(r, "a field is longer than what holds it");
	*out = (PbBytes){ .at = r->at, .n = (size_t)n };
	r->at += n;
	return true;
}

bool pb_next(PbReader *r, PbField *f)
{
	uint64_t tag;
	if (r->fault || r->at == r->end || !read_varint(r, &tag))
		return false;
	if (tag >> 3 == 0 || tag >> 3 > 0x1fffffff)
		return fault(r, "a field has an impossible number");
	*f = (PbField){ .number = (uint32_t)(tag >> 3), .wire = (PbWire)(tag & 7) };
	switch ((int)(tag & 7)) {
	case PB_VARINT: return read_varint(r, &f->value);
	case PB_FIXED64: return read_fixed(r, 8, &f->value);
	case PB_FIXED32: return read_fixed(r, 4, &f->value);
	case PB_BYTES: return read_bytes(r, &f->bytes);
	}
	return fault(r, "a field has an impossible wire type");
}

PbNumbers pb_numbers(const PbField *f, PbWire element)
{
	PbNumbers n = { .wire = element };
	if (f->wire == PB_BYTES) {
		n.reader = pb_reader(f->bytes);
	} else {
		n.single = true;
		n.value = f->value;
		if (f->wire != element)
			n.reader.fault = "a list holds numbers of another kind";
	}
	return n;
}

bool pb_number(PbNumbers *n, uint64_t *out)
{
	PbReader *r = &n->reader;
	if (r->fault)
		return false;
	if (n->single) {
		*out = n->value;
		bool first = !n->done;
		n->done = true;
		return first;
	}
	if (r->at == r->end)
		return false;
	if (n->wire == PB_VARINT)
		return read_varint(r, out);
	return read_fixed(r, n->wire == PB_FIXED32 ? 4 : 8, out);
}

float pb_float(uint64_t bits)
{
	uint32_t low = (uint32_t)bits;
	float f;
	memcpy(&f, &low, sizeof(f));
	return f;
}

double pb_double(uint64_t bits)
{
	double d;
	memcpy(&d, &bits, sizeof(d));
	return d;
}

/* --- writing --------------------------------------------------------------------------------- */

static void put_varint(Str *s, uint64_t v)
{
	for (; v >= 0x80; v >>= 7)
		str_char(s, (char)(v | 0x80));
	str_char(s, (char)v);
}

static void put_tag(Str *s, uint32_t number, PbWire wire)
{
	put_varint(s, (uint64_t)number << 3 | wire);
}

static void put_fixed(Str *s, uint64_t v, int bytes)
{
	for (int i = 0; i < bytes; i++)
		str_char(s, (char)(v >> (8 * i)));
}

void pb_put_varint(Str *s, uint32_t number, uint64_t v)
{
	put_tag(s, number, PB_VARINT);
	put_varint(s, v);
}

void pb_put_fixed32(Str *s, uint32_t number, uint32_t v)
{
	put_tag(s, number, PB_FIXED32);
	put_fixed(s, v, 4);
}

void pb_put_fixed64(Str *s, uint32_t number, uint64_t v)
{
	put_tag(s, number, PB_FIXED64);
	put_fixed(s, v, 8);
}

void pb_put_float(Str *s, uint32_t number, float v)
{
	uint32_t bits;
	memcpy(&bits, &v, sizeof(bits));
	pb_put_fixed32(s, number, bits);
}

void pb_put_bytes(Str *s, uint32_t number, const void *data, size_t n)
{
	put_tag(s, number, PB_BYTES);
	put_varint(s, n);
	if (n)
		str_addn(s, data, n);
}

void pb_put_text(Str *s, uint32_t number, const char *text)
{
	pb_put_bytes(s, number, text, strlen(text));
}

void pb_put_message(Str *s, uint32_t number, const Str *message)
{
	pb_put_bytes(s, number, message->at, message->n);
}

void pb_put_packed(Str *s, uint32_t number, const int64_t *v, int n)
{
	Str list;
	str_init(&list, s->arena);
	for (int i = 0; i < n; i++)
		put_varint(&list, (uint64_t)v[i]);
	pb_put_message(s, number, &list);
}
