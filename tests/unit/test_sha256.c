/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* SHA-256 against the examples of FIPS 180-4 and of NIST's test vectors. */
#include "tests/unit/check.h"
#include "base/sha256.h"
#include <string.h>

static void check(const void *data, size_t n, const char *want)
{
	unsigned char digest[SHA256_BYTES];
	char hex[SHA256_HEX];
	sha256_bytes(data, n, digest);
	sha256_hex(digest, hex);
	assert_string_equal(hex, want);
}

static void test_vectors(void **state)
{
	(void)state;
	check("", 0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	check("abc", 3, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	check("\xd3", 1, "28969cdfa74a12c82f3bad960b0b000aca2ac329deea5c2328ebc6f2ba9802c1");
	check("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 56,
	      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
	check("abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmn"
	      "hijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
	      112, "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1");
}

static void test_million(void **state)
{
	(void)state;
	static char a[1000000];
	memset(a, 'a', sizeof a);
	check(a, sizeof a, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

/* However the bytes are cut, the digest is the same. */
static void test_pieces(void **state)
{
	(void)state;
	unsigned char data[300], whole[SHA256_BYTES], parts[SHA256_BYTES];
	for (size_t i = 0; i < sizeof data; i++)
		data[i] = (unsigned char)(i * 7);
	for (size_t n = 0; n <= sizeof data; n++) {
		sha256_bytes(data, n, whole);
		for (size_t step = 1; step < 130; step += 9) {
			Sha256 s;
			sha256_init(&s);
			for (size_t i = 0; i < n; i += step)
				sha256_add(&s, data + i, n - i < step ? n - i : step);
			sha256_add(&s, data, 0);
			sha256_final(&s, parts);
			assert_memory_equal(whole, parts, SHA256_BYTES);
		}
	}
}

/* Long inputs take another way than short pieces. */
static void test_long(void **state)
{
	(void)state;
	static unsigned char data[300001];
	unsigned char whole[SHA256_BYTES], parts[SHA256_BYTES];
	for (size_t i = 0; i < sizeof data; i++)
		data[i] = (unsigned char)(i * i >> 3);
	for (size_t first = 0; first < 200; first += 37) {
		Sha256 s;
		sha256_bytes(data, sizeof data, whole);
		sha256_init(&s);
		sha256_add(&s, data, first);
		for (size_t i = first; i < sizeof data; i += 1000)
			sha256_add(&s, data + i, sizeof data - i < 1000 ? sizeof data - i : 1000);
		sha256_final(&s, parts);
		assert_memory_equal(whole, parts, SHA256_BYTES);
		sha256_init(&s);
		sha256_add(&s, data, first);
		sha256_add(&s, data + first, sizeof data - first);
		sha256_final(&s, parts);
		assert_memory_equal(whole, parts, SHA256_BYTES);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors),
		cmocka_unit_test(test_million),
		cmocka_unit_test(test_pieces),
		cmocka_unit_test(test_long),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
