/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* For tests that compile kernels: the targets this host can run, buffers that end at a page that
 * must not be touched, calls. */
#ifndef TESTS_UNIT_KERNEL_RUN_H
#define TESTS_UNIT_KERNEL_RUN_H
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "codegen/codegen.h"
#include "ir/kbuilder.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* --- targets: 4, 8 and 16 lanes where the host has them -------------------------------------- */

static inline int host_targets(Target out[3])
{
	static const char *const names[] = { "x86-64-v2", "x86-64-v3", "x86-64-v4" };
	Target host;
	int n = 0;
	assert_true(target_find("native", &host));
	for (int i = 0; i < 3; i++) {
		assert_true(target_find(names[i], &out[n]));
		n += out[n].vector_bytes <= host.vector_bytes;
	}
	return n;
}

/* --- buffers: `bytes` bytes, of which the last is the last of its page; the pages around fault  */

typedef struct Fenced {
	void *data;
	char *map;
	size_t size;
} Fenced;

static inline Fenced fenced(size_t bytes)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), room = (bytes + page - 1) / page * page;
	Fenced f = { .size = room + 2 * page };
	f.map = mmap(NULL, f.size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_true(f.map != MAP_FAILED);
	assert_int_equal(mprotect(f.map + page, room, PROT_READ | PROT_WRITE), 0);
	f.data = f.map + page + room - bytes;
	return f;
}

static inline void fenced_free(Fenced *f)
{
	munmap(f->map, f->size);
}

/* --- building -------------------------------------------------------------------------------- */

static inline KBuilder *start_kernel(Context *c, const Target *t, const char *kind)
{
	return kb_create(c, c->arena, t, kind);
}

/* A row-major argument; stride of the first dimension may be larger. */
static inline int arg_strided(KBuilder *kb, DType t, int rank, const int64_t *dim, int64_t first)
{
	const Type *type = type_get(kb_context(kb), t, rank, dim);
	Storage s = { 0 };
	type_strides(type, s.stride);
	if (first)
		s.stride[0] = first;
	return kb_arg(kb, type, &s);
}

static inline int arg1(KBuilder *kb, DType t, int64_t n)
{
	return arg_strided(kb, t, 1, &n, 0);
}

static inline Node *load1(KBuilder *kb, int buf, Node *at)
{
	return kb_load_buf(kb, buf, &at);
}

static inline void store1(KBuilder *kb, int buf, Node *at, Node *value)
{
	kb_store_buf(kb, buf, &at, value);
}

/* --- running --------------------------------------------------------------------------------- */

typedef void Code(void *, void *, void *, void *, void *, void *, void *, void *);

/* Calls k with its arguments: pointers of the buffers, then begin, end and scratch. */
static inline void call_kernel(void *code, const Kernel *k, void *const *arg, int64_t begin,
			       int64_t end)
{
	void *p[8] = { 0 };
	void *scratch = k->scratch_bytes
				? aligned_alloc(64, ((size_t)k->scratch_bytes + 63) / 64 * 64)
				: NULL;
	int n = 0;
	for (int i = 0; i < k->buf.n; i++)
		if (k->buf.at[i].space == BUF_ARG)
			p[n] = arg[n], n++;
	assert_true(n + 3 <= 8);
	p[n] = (void *)(intptr_t)begin;
	p[n + 1] = (void *)(intptr_t)end;
	p[n + 2] = scratch;
	Code *f = (Code *)code;
	f(p[0], p[1], p[2], p[3], p[4], p[5], p[6], p[7]);
	free(scratch);
}

static inline void print_diag(Context *c)
{
	Str s;
	str_init(&s, c->arena);
	diag_print(c->diag, &s, 20, false);
	fputs(str_text(&s), stderr);
}

static inline void run_kernel(Context *c, const Kernel *k, const Target *t, void *const *arg)
{
	JitProgram *j = jit_kernel(c, k, t);
	if (!j)
		print_diag(c);
	assert_non_null(j);
	void *code = jit_symbol(j, k->name);
	assert_non_null(code);
	call_kernel(code, k, arg, 0, k->n_tasks);
	jit_destroy(j);
}

static inline uint32_t random_bits(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed ^ *seed >> 15;
}

/* -2 to 2 */
static inline float random_float(uint32_t *seed)
{
	return (float)(int32_t)random_bits(seed) * 0x1p-30f;
}

/* --- all targets, floats --------------------------------------------------------------------- */

typedef void EachTarget(Context *c, const Target *t);

static inline void for_targets(EachTarget *test)
{
	Target target[3];
	int n = host_targets(target);
	for (int i = 0; i < n; i++) {
		Context *c = context_create();
		test(c, &target[i]);
		context_destroy(c);
	}
}

static inline float *floats(const Fenced *f)
{
	return f->data;
}

static inline Fenced random_floats(int64_t n, uint32_t seed)
{
	Fenced f = fenced((size_t)n * sizeof(float));
	for (int64_t i = 0; i < n; i++)
		floats(&f)[i] = random_float(&seed);
	return f;
}
#endif
