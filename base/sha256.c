/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* SHA-256 in the names of FIPS 180-4. Whole files (models of hundreds of megabytes) go through the
 * processor's own instructions where it has them: 5 times as fast. */
#include "base/sha256.h"
#include <stdbool.h>
#include <string.h>
#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>
#endif

static const uint32_t K[64] = {
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4,
	0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe,
	0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f,
	0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7,
	0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc,
	0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
	0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116,
	0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
	0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7,
	0xc67178f2
};

static uint32_t rotr(uint32_t x, int n)
{
	return x >> n | x << (32 - n);
}

static uint32_t big_endian(const unsigned char *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void put_big_endian(unsigned char *p, uint64_t v, int bytes)
{
	for (int i = bytes - 1; i >= 0; i--, v >>= 8)
		p[i] = (unsigned char)v;
}

static void expand(uint32_t w[64], const unsigned char *block)
{
	for (int t = 0; t < 16; t++)
		w[t] = big_endian(block + 4 * t);
	for (int t = 16; t < 64; t++) {
		uint32_t s0 = rotr(w[t - 15], 7) ^ rotr(w[t - 15], 18) ^ w[t - 15] >> 3;
		uint32_t s1 = rotr(w[t - 2], 17) ^ rotr(w[t - 2], 19) ^ w[t - 2] >> 10;
		w[t] = s1 + w[t - 7] + s0 + w[t - 16];
	}
}

static void compress(uint32_t state[8], const unsigned char *block)
{
	uint32_t w[64];
	expand(w, block);
	uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
	uint32_t e = state[4], f = state[5], g = state[6], h = state[7];
	for (int t = 0; t < 64; t++) {
		uint32_t s1 = rotr(e, 6) ^ rotr(e, 11) ^ rotr(e, 25), ch = (e & f) ^ (~e & g);
		uint32_t s0 = rotr(a, 2) ^ rotr(a, 13) ^ rotr(a, 22);
		uint32_t maj = (a & b) ^ (a & c) ^ (b & c);
		uint32_t t1 = h + s1 + ch + K[t] + w[t], t2 = s0 + maj;
		h = g;
		g = f;
		f = e;
		e = d + t1;
		d = c;
		c = b;
		b = a;
		a = t1 + t2;
	}
	const uint32_t add[8] = { a, b, c, d, e, f, g, h };
	for (int i = 0; i < 8; i++)
		state[i] += add[i];
}

static void compress_each(uint32_t state[8], const unsigned char *at, size_t blocks)
{
	for (size_t i = 0; i < blocks; i++)
		compress(state, at + 64 * i);
}

#if defined(__x86_64__)
enum { WORTH_ASKING = 1 << 16 }; /* CPUID takes microseconds in a virtual machine */

static bool has_instructions(void)
{
	unsigned a, b, c, d;
	if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_SSE4_1))
		return false;
	return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & 1U << 29);
}

/* Four rounds on { A B E F } and { C D G H }, as the instructions want the state. */
__attribute__((target("sha,sse4.1"))) static void four_rounds(__m128i *abef, __m128i *cdgh,
							      __m128i w, const uint32_t *k)
{
	w = _mm_add_epi32(w, _mm_loadu_si128((const __m128i *)k));
	*cdgh = _mm_sha256rnds2_epu32(*cdgh, *abef, w);
	*abef = _mm_sha256rnds2_epu32(*abef, *cdgh, _mm_shuffle_epi32(w, 0x0e));
}

__attribute__((target("sha,sse4.1"))) static void
compress_fast(uint32_t state[8], const unsigned char *at, size_t blocks)
{
	const __m128i swap = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
	__m128i abcd = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)state), 0xb1);
	__m128i efgh = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)(state + 4)), 0x1b);
	__m128i abef = _mm_alignr_epi8(abcd, efgh, 8), cdgh = _mm_blend_epi16(efgh, abcd, 0xf0);
	for (; blocks; blocks--, at += 64) {
		__m128i abef_before = abef, cdgh_before = cdgh, w[4];
		for (int i = 0; i < 4; i++)
			w[i] = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)at + i), swap);
		for (int t = 0; t < 64; t += 4) {
			four_rounds(&abef, &cdgh, w[0], K + t);
			__m128i next = _mm_add_epi32(_mm_sha256msg1_epu32(w[0], w[1]),
						     _mm_alignr_epi8(w[3], w[2], 4));
			next = _mm_sha256msg2_epu32(next, w[3]);
			w[0] = w[1];
			w[1] = w[2];
			w[2] = w[3];
			w[3] = next;
		}
		abef = _mm_add_epi32(abef, abef_before);
		cdgh = _mm_add_epi32(cdgh, cdgh_before);
	}
	__m128i feba = _mm_shuffle_epi32(abef, 0x1b), dchg = _mm_shuffle_epi32(cdgh, 0xb1);
	_mm_storeu_si128((__m128i *)state, _mm_blend_epi16(feba, dchg, 0xf0));
	_mm_storeu_si128((__m128i *)(state + 4), _mm_alignr_epi8(dchg, feba, 8));
}

static void compress_blocks(uint32_t state[8], const unsigned char *at, size_t blocks)
{
	bool fast = blocks >= WORTH_ASKING / 64 && has_instructions();
	(fast ? compress_fast : compress_each)(state, at, blocks);
}
#else
static void compress_blocks(uint32_t state[8], const unsigned char *at, size_t blocks)
{
	compress_each(state, at, blocks);
}
#endif

void sha256_init(Sha256 *s)
{
	*s = (Sha256){ .state = { 0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f,
				  0x9b05688c, 0x1f83d9ab, 0x5be0cd19 } };
}

void sha256_add(Sha256 *s, const void *data, size_t n)
{
	const unsigned char *at = data;
	size_t held = s->n % 64;
	s->n += n;
	if (held && n >= 64 - held) {
		memcpy(s->block + held, at, 64 - held);
		compress(s->state, s->block);
		at += 64 - held;
		n -= 64 - held;
		held = 0;
	}
	if (held == 0) {
		compress_blocks(s->state, at, n / 64);
		at += n / 64 * 64;
		n %= 64;
	}
	if (n)
		memcpy(s->block + held, at, n);
}

void sha256_final(Sha256 *s, unsigned char out[SHA256_BYTES])
{
	static const unsigned char padding[64] = { 0x80 };
	unsigned char length[8];
	put_big_endian(length, s->n * 8, 8);
	size_t held = s->n % 64;
	sha256_add(s, padding, held < 56 ? 56 - held : 120 - held);
	sha256_add(s, length, 8);
	for (int i = 0; i < 8; i++)
		put_big_endian(out + 4 * i, s->state[i], 4);
}

void sha256_bytes(const void *data, size_t n, unsigned char out[SHA256_BYTES])
{
	Sha256 s;
	sha256_init(&s);
	sha256_add(&s, data, n);
	sha256_final(&s, out);
}

void sha256_hex(const unsigned char digest[SHA256_BYTES], char out[SHA256_HEX])
{
	static const char digit[] = "0123456789abcdef";
	for (int i = 0; i < SHA256_BYTES; i++) {
		out[2 * i] = digit[digest[i] >> 4];
		out[2 * i + 1] = digit[digest[i] & 15];
	}
	out[SHA256_HEX - 1] = 0;
}
