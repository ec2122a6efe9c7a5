/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The wire form of protocol buffers, read in place and written into a string: tag, then a varint, 4
 * or 8 bytes, or a counted run of bytes. Nothing here knows a schema. The reader copies nothing and
 * never looks past its end. */
#ifndef FRONTEND_PROTOBUF_H
#define FRONTEND_PROTOBUF_H
#include "base/str.h"
#include <stddef.h>
#include <stdint.h>

typedef struct PbBytes {
	const uint8_t *at;
	size_t n;
} PbBytes;

typedef enum PbWire { PB_VARINT = 0, PB_FIXED64 = 1, PB_BYTES = 2, PB_FIXED32 = 5 } PbWire;

typedef struct PbField {
	uint32_t number;
	PbWire wire;
	uint64_t value; /* of a varint or fixed field */
	PbBytes bytes;  /* of a counted field */
} PbField;

typedef struct PbReader {
	const uint8_t *at, *end;
	const char *fault; /* NULL while the bytes make sense */
} PbReader;

PbReader pb_reader(PbBytes bytes);
/* The next field. False at the end and at a fault; pb_reader.fault tells which. */
bool pb_next(PbReader *r, PbField *f);

/* Repeated numbers come packed in one counted field or as a field each. A PbNumbers walks either.
 */
typedef struct PbNumbers {
	PbReader reader;
	PbWire wire; /* of an element */
	bool single, done;
	uint64_t value;
} PbNumbers;
PbNumbers pb_numbers(const PbField *f, PbWire element);
/* False at the end and at a fault (reader.fault). */
bool pb_number(PbNumbers *n, uint64_t *out);

float pb_float(uint64_t bits);
double pb_double(uint64_t bits);

/* Writing: for tests and tools. */
void pb_put_varint(Str *s, uint32_t number, uint64_t v);
void pb_put_fixed32(Str *s, uint32_t number, uint32_t v);
void pb_put_fixed64(Str *s, uint32_t number, uint64_t v);
void pb_put_float(Str *s, uint32_t number, float v);
void pb_put_bytes(Str *s, uint32_t number, const void *data, size_t n);
void pb_put_text(Str *s, uint32_t number, const char *text);
void pb_put_message(Str *s, uint32_t number, const Str *message);
void pb_put_packed(Str *s, uint32_t number, const int64_t *v, int n);
#endif
