/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "tests/fuzz/mutate.h"
#include <stdlib.h>
#include <string.h>

enum { LONGEST = 64, NEAR = 8192 };

uint64_t random_next(Random *r) /* splitmix64 */
{
	uint64_t z = r->state += 0x9e3779b97f4a7c15;
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

size_t random_below(Random *r, size_t n)
{
	return (size_t)(random_next(r) % n);
}

Piece piece_copy(const Piece *from)
{
	Piece p = { malloc(from->n + 1), from->n };
	if (from->n)
		memcpy(p.at, from->at, from->n);
	return p;
}

/* Half of the time near the beginning, where headers are, else anywhere. */
static size_t place(Random *r, const Piece *p)
{
	size_t near = p->n < NEAR ? p->n : NEAR;
	return p->n == 0 ? 0 : random_below(r, random_below(r, 2) ? near : p->n);
}

static size_t run_length(Random *r, const Piece *p, size_t at)
{
	size_t left = p->n - at, most = left < LONGEST ? left : LONGEST;
	return most ? 1 + random_below(r, most) : 0;
}

static void flip_bits(Random *r, Piece *p)
{
	for (size_t k = 1 + random_below(r, 4); k && p->n; k--)
		p->at[place(r, p)] ^= (unsigned char)(1u << random_below(r, 8));
}

static void overwrite(Random *r, Piece *p)
{
	static const unsigned char same[] = { 0, 0xff, 0x80, 0x7f, ' ', '9', '"', '<' };
	size_t at = place(r, p), kind = random_below(r, sizeof same + 1);
	for (size_t n = run_length(r, p, at); n; n--, at++)
		p->at[at] = kind < sizeof same ? same[kind] : (unsigned char)random_next(r);
}

static void cut(Random *r, Piece *p)
{
	size_t at = place(r, p), n = run_length(r, p, at);
	memmove(p->at + at, p->at + at + n, p->n - at - n);
	p->n -= n;
}

static void truncate_piece(Random *r, Piece *p)
{
	p->n = place(r, p);
}

static void insert(Piece *p, size_t at, const unsigned char *bytes, size_t n)
{
	unsigned char *copy = malloc(n + 1);
	memcpy(copy, bytes, n);
	p->at = realloc(p->at, p->n + n + 1);
	memmove(p->at + at + n, p->at + at, p->n - at);
	memcpy(p->at + at, copy, n);
	p->n += n;
	free(copy);
}

static void splice(Random *r, Piece *p, const Piece *from)
{
	size_t at = place(r, p), source = place(r, from);
	insert(p, at, from->at + source,
	       run_length(r, from, source) * (1 + random_below(r, 16)) % (from->n - source + 1));
}

/* A number of four or eight bytes, or digits, where some stand. */
static void number(Random *r, Piece *p)
{
	static const uint64_t values[] = { 0,          1,          0x7f,       0xff,
					   0x7fff,     0xffff,     0x7fffffff, 0xffffffff,
					   1ull << 32, 1ull << 40, 1ull << 62, ~0ull >> 1,
					   1ull << 63, ~0ull };
	uint64_t v = values[random_below(r, sizeof values / sizeof values[0])];
	size_t at = place(r, p), n = random_below(r, 2) ? 4 : 8;
	if (at + n <= p->n)
		memcpy(p->at + at, &v, n);
}

static void digits(Random *r, Piece *p)
{
	static const char *const values[] = { "0",          "-1",
					      "1",          "3",
					      "7",          "64",
					      "99999",      "2147483648",
					      "4294967296", "1099511627776",
					      "1e9",        "9223372036854775807",
					      "N",          "0.5",
					      "-0" };
	size_t at = place(r, p), end;
	while (at < p->n && (p->at[at] < '0' || p->at[at] > '9'))
		at++;
	for (end = at; end < p->n && p->at[end] >= '0' && p->at[end] <= '9'; end++)
		;
	const char *v = values[random_below(r, sizeof values / sizeof values[0])];
	memmove(p->at + at, p->at + end, p->n - end);
	p->n -= end - at;
	insert(p, at, (const unsigned char *)v, strlen(v));
}

/* --- words of a text ------------------------------------------------------------------------- */

static bool is_break(unsigned char c)
{
	return strchr(" \n\t\"<>/=,{}", c) != NULL;
}

static Piece word_at(const Piece *p, size_t at)
{
	size_t end;
	while (at < p->n && is_break(p->at[at]))
		at++;
	while (at > 0 && at < p->n && !is_break(p->at[at - 1]))
		at--;
	for (end = at; end < p->n && !is_break(p->at[end]); end++)
		;
	return (Piece){ p->at + at, end - at };
}

/* One word becomes a word from elsewhere. */
static void replace_word(Random *r, Piece *p, const Piece *from)
{
	Piece old = word_at(p, place(r, p)), new = word_at(from, place(r, from));
	size_t at = (size_t)(old.at - p->at);
	unsigned char *copy = malloc(new.n + 1);
	memcpy(copy, new.at, new.n);
	memmove(old.at, old.at + old.n, p->n - at - old.n);
	p->n -= old.n;
	insert(p, at, copy, new.n);
	free(copy);
}

static void mutate_once(Random *r, Piece *p, const Piece *other, bool text)
{
	switch (random_below(r, text ? 20 : 9)) {
	case 0:
	case 1: flip_bits(r, p); break;
	case 2: overwrite(r, p); break;
	case 3: cut(r, p); break;
	case 4: truncate_piece(r, p); break;
	case 5: splice(r, p, other); break;
	case 6: splice(r, p, p); break;
	case 7: number(r, p); break;
	case 8:
	case 9:
	case 10:
	case 11: digits(r, p); break;
	case 12:
	case 13:
	case 14:
	case 15: replace_word(r, p, other); break;
	default: {
		Piece copy = piece_copy(p);
		replace_word(r, p, &copy);
		free(copy.at);
	}
	}
}

void mutate(Random *r, Piece *p, const Piece *other, bool text)
{
	do
		mutate_once(r, p, other, text);
	while (random_below(r, 4) == 0);
}
