/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The wire form of protocol buffers: what is written reads back, and no bytes lead the reader
 * outside of them. */
#include "frontend/protobuf.h"
#include "tests/unit/check.h"
#include <string.h>

static PbReader reader_of(const Str *s)
{
	return pb_reader((PbBytes){ .at = (const uint8_t *)s->at, .n = s->n });
}

static PbReader reader_at(const void *data, size_t n)
{
	return pb_reader((PbBytes){ .at = data, .n = n });
}

static void numbers_read_back(void **state)
{
	(void)state;
	static const uint64_t v[] = { 0,        1,          127,        128,       300,
				      1u << 28, UINT32_MAX, 1ull << 35, INT64_MAX, UINT64_MAX };
	Arena *a = arena_create();
	Str s;
	PbField f;
	str_init(&s, a);
	for (uint32_t i = 0; i < 10; i++)
		pb_put_varint(&s, i + 1, v[i]);
	pb_put_fixed32(&s, 11, 0xdeadbeef);
	pb_put_fixed64(&s, 0x1fffffff, 0x0123456789abcdef);
	PbReader r = reader_of(&s);
	for (uint32_t i = 0; i < 10; i++) {
		assert_true(pb_next(&r, &f));
		assert_int_equal(f.number, i + 1);
		assert_int_equal(f.wire, PB_VARINT);
		assert_true(f.value == v[i]);
	}
	assert_true(pb_next(&r, &f));
	assert_int_equal(f.value, 0xdeadbeef);
	assert_int_equal(f.wire, PB_FIXED32);
	assert_true(pb_next(&r, &f));
	assert_true(f.value == 0x0123456789abcdef && f.number == 0x1fffffff);
	assert_false(pb_next(&r, &f));
	assert_null(r.fault);
	arena_destroy(a);
}

static void bytes_are_not_copied(void **state)
{
	(void)state;
	Arena *a = arena_create();
	Str s, inner;
	PbField f;
	str_init(&s, a), str_init(&inner, a);
	pb_put_text(&inner, 2, "inside");
	pb_put_message(&s, 1, &inner);
	pb_put_bytes(&s, 2, NULL, 0);
	PbReader r = reader_of(&s);
	assert_true(pb_next(&r, &f));
	assert_int_equal(f.bytes.n, inner.n);
	assert_ptr_equal(f.bytes.at, s.at + 2);
	PbReader in = pb_reader(f.bytes);
	assert_true(pb_next(&in, &f));
	assert_memory_equal(f.bytes.at, "inside", 6);
	assert_true(pb_next(&r, &f));
	assert_int_equal(f.bytes.n, 0);
	assert_false(pb_next(&r, &f));
	arena_destroy(a);
}

static int count_numbers(const PbField *f, PbWire element, uint64_t *sum, bool *fault)
{
	PbNumbers n = pb_numbers(f, element);
	int count = 0;
	uint64_t v;
	for (*sum = 0; pb_number(&n, &v); count++)
		*sum += v;
	*fault = n.reader.fault;
	return count;
}

static void lists_packed_or_not(void **state)
{
	(void)state;
	Arena *a = arena_create();
	Str s;
	PbField f;
	uint64_t sum;
	bool fault;
	str_init(&s, a);
	pb_put_packed(&s, 1, (int64_t[]){ 1, 300, 5 }, 3);
	pb_put_varint(&s, 1, 7);
	pb_put_bytes(&s, 2, "\1\0\0\0\2\0\0\0", 8);
	pb_put_fixed32(&s, 2, 9);
	PbReader r = reader_of(&s);
	pb_next(&r, &f);
	assert_int_equal(count_numbers(&f, PB_VARINT, &sum, &fault), 3);
	assert_true(sum == 306 && !fault);
	pb_next(&r, &f);
	assert_int_equal(count_numbers(&f, PB_VARINT, &sum, &fault), 1);
	assert_true(sum == 7 && !fault);
	assert_int_equal(count_numbers(&f, PB_FIXED32, &sum, &fault), 0);
	assert_true(fault);
	pb_next(&r, &f);
	assert_int_equal(count_numbers(&f, PB_FIXED32, &sum, &fault), 2);
	assert_true(sum == 3 && !fault);
	assert_int_equal(count_numbers(&f, PB_FIXED64, &sum, &fault), 1);
	assert_false(fault);
	f.bytes.n = 7;
	assert_int_equal(count_numbers(&f, PB_FIXED32, &sum, &fault), 1);
	assert_true(fault);
	pb_next(&r, &f);
	assert_int_equal(count_numbers(&f, PB_FIXED32, &sum, &fault), 1);
	arena_destroy(a);
}

static void floats(void **state)
{
	(void)state;
	Arena *a = arena_create();
	Str s;
	PbField f;
	str_init(&s, a);
	pb_put_float(&s, 1, -1.5f);
	PbReader r = reader_of(&s);
	pb_next(&r, &f);
	assert_true(pb_float(f.value) == -1.5f);
	assert_true(pb_double(0x3ff8000000000000) == 1.5);
	arena_destroy(a);
}

/* Ends with a fault, and stays so. */
static void assert_fault(const char *bytes, size_t n)
{
	PbReader r = reader_at(bytes, n);
	PbField f;
	while (pb_next(&r, &f))
		;
	assert_non_null(r.fault);
	assert_false(pb_next(&r, &f));
}

static void faults(void **state)
{
	(void)state;
#define FAULT(text) assert_fault(text, sizeof(text) - 1)
	FAULT("\x08");                                         /* no value */
	FAULT("\x08\x80");                                     /* half a value */
	FAULT("\x80");                                         /* half a tag */
	FAULT("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"); /* 65 bits */
	FAULT("\x08\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01");
	FAULT("\x00\x01");                 /* field 0 */
	FAULT("\x80\x80\x80\x80\x10\x00"); /* field 2^29 */
	FAULT("\x0b");                     /* group */
	FAULT("\x0c");
	FAULT("\x0e");
	FAULT("\x0f");
	FAULT("\x09\1\2\3\4\5\6\7"); /* 7 bytes of 8 */
	FAULT("\x0d\1\2\3");
	FAULT("\x0a\5abcd");
	FAULT("\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01");
	FAULT("\x0a\xff\xff\xff\xff\xff\xff\xff\xff\x7f");
#undef FAULT
}

/* Cut anywhere, a message reads as far as it goes and not further. */
static void every_cut(void **state)
{
	(void)state;
	Arena *a = arena_create();
	Str s;
	str_init(&s, a);
	pb_put_varint(&s, 1, 1u << 20);
	pb_put_text(&s, 2, "some text");
	pb_put_fixed64(&s, 3, 3);
	pb_put_fixed32(&s, 4, 4);
	for (size_t n = 0; n <= s.n; n++) {
		char *exact = test_malloc(n ? n : 1); /* its end is guarded */
		memcpy(exact, s.at, n);
		PbReader r = reader_at(exact, n);
		PbField f;
		int fields = 0;
		while (pb_next(&r, &f))
			fields++;
		bool at_border = n == 0 || n == 4 || n == 15 || n == 24 || n == 29;
		assert_int_equal(r.fault == NULL, at_border);
		assert_true(fields <= 4);
		test_free(exact);
	}
	assert_int_equal(s.n, 29);
	arena_destroy(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_read_back),
		cmocka_unit_test(bytes_are_not_copied),
		cmocka_unit_test(lists_packed_or_not),
		cmocka_unit_test(floats),
		cmocka_unit_test(faults),
		cmocka_unit_test(every_cut),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
