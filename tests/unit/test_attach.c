/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Weights that the linker does not see: the segment that they get by every linker there is, tools
 * that work on such libraries, and linked files that are not as expected. */
#include "tests/unit/artifact_fixture.h"
#include "base/seal.h"
#include "codegen/artifact/elf_attach.h"
#include <dlfcn.h>
#include <elf.h>
#include <stdio.h>

static IoText read_file(Fixture *f, const char *name)
{
	IoText t;
	IoError e;
	assert_true(io_read(in_folder(f, name), f->c->arena, 1 << 24, &t, &e));
	return t;
}

static Elf64_Phdr segment(IoText t, const Elf64_Ehdr *h, int i)
{
	Elf64_Phdr p;
	memcpy(&p, t.at + h->e_phoff + (size_t)i * sizeof(p), sizeof(p));
	return p;
}

/* Read-only, at a page of its own behind all others, and the bytes are in it. */
static void assert_segments(IoText t)
{
	Elf64_Ehdr h;
	uint64_t end = 0;
	int read_only_last = 0;
	memcpy(&h, t.at, sizeof(h));
	for (int i = 0; i < h.e_phnum; i++) {
		Elf64_Phdr p = segment(t, &h, i);
		if (p.p_type != PT_LOAD)
			continue;
		assert_true(p.p_vaddr >= end && p.p_vaddr % p.p_align == p.p_offset % p.p_align);
		assert_true(p.p_offset + p.p_filesz <= t.n);
		end = p.p_vaddr + p.p_memsz;
		read_only_last = p.p_flags == PF_R && p.p_filesz == seal_end(sizeof(weights)) &&
				 p.p_memsz == p.p_filesz &&
				 memcmp(t.at + p.p_offset, weights, sizeof(weights)) == 0;
	}
	assert_true(read_only_last);
}

static void assert_answers(Fixture *f, const char *name)
{
	void *library = dlopen(in_folder(f, name), RTLD_NOW | RTLD_LOCAL);
	if (!library)
		fail_msg("%s", dlerror());
	typedef int Run(const void *ctx, const float *x, float *y, void *workspace);
	Run *run = (Run *)(uintptr_t)dlsym(library, "m_run");
	static _Alignas(64) char workspace[8192];
	float x[N] = { 1, 2, 3, 4, 5, 6, 7, 8 }, y[N];
	assert_int_equal(run(NULL, x, y, workspace), 0);
	for (int i = 0; i < N; i++)
		assert_true(y[i] == x[i] * weights[i] + 10);
	dlclose(library);
}

static void test_every_linker(void **state)
{
	static const char *const names[] = { "ld.lld", "ld.bfd", "ld.gold", "mold", "cc" };
	static const char *const tools[] = {
		"strip",
		"strip -g",
		"objcopy --remove-section=.comment",
		"llvm-strip-19",
	};
	Fixture *f = *state;
	size_t number = 0;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		f->r.linker = artifact_linker(f->c->arena, names[i]);
		if (!f->r.linker)
			continue;
		assert_written(f);
		assert_segments(read_file(f, "m.so"));
		assert_answers(f, "m.so");
		shell(f, "test -x m.so");
		shell(f, "nm m.so | grep -q ' r burin_weights'");
		shell(f, "! readelf -aW m.so 2>&1 | grep -i warning");
		for (size_t k = 0; k < sizeof(tools) / sizeof(tools[0]); k++) {
			const char *tool =
				arena_strndup(f->c->arena, tools[k], strcspn(tools[k], " "));
			if (!artifact_linker(f->c->arena, tool)) /* any program in PATH */
				continue;
			shell(f, arena_printf(f->c->arena, "cp m.so x%zu.so && %s x%zu.so", number,
					      tools[k], number));
			assert_answers(f, arena_printf(f->c->arena, "x%zu.so", number++));
		}
		assert_int_equal(unlink(f->r.path), 0);
	}
	assert_true(number > 0);
}

static bool keep(void *user, const void *data, size_t bytes)
{
	return fwrite(data, 1, bytes, user) == bytes;
}

/* What a linker makes of an object with space for 5000 bytes. */
static IoText linked(Fixture *f, const char *options)
{
	Arena *a = f->c->arena;
	ElfOut *e = elf_create(a, EM_X86_64);
	static const char code[] = "\xc3";
	uint32_t text =
		elf_section(e, ".text", SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR, 16, code, 1);
	uint32_t data = elf_reserve(e, EM_X86_64, 5000);
	const char *const exported[] = { "f", "w" };
	assert_null(elf_define(e, "f", text, 0, 1));
	assert_null(elf_define(e, "w", data, 0, 5000));
	assert_null(elf_finish(e, exported, 2));
	FILE *file = fopen(in_folder(f, "a.o"), "wb");
	assert_true(elf_write(e, keep, file));
	fclose(file);
	shell(f, arena_printf(a,
			      "printf '.bss\\n.zero 100\\n' | cc -c -x assembler - -o b.o && "
			      "cc -shared -nostdlib %s -o a.so",
			      options));
	return read_file(f, "a.so");
}

static void test_order(void **state)
{
	Fixture *f = *state;
	uint64_t at;
	IoText t = linked(f, "b.o a.o");
	assert_null(elf_attach((char *)(uintptr_t)t.at, t.n, &at));
	assert_true(at >= t.n && at % 4096 == 0);
	t = linked(f, "b.o");
	assert_string_equal(elf_attach((char *)(uintptr_t)t.at, t.n, &at),
			    "the space for the weights is not there");
	if (!artifact_linker(f->c->arena, "ld.lld"))
		return;
	t = linked(f, "a.o b.o -fuse-ld=lld"); /* in the order of the command line */
	assert_string_equal(elf_attach((char *)(uintptr_t)t.at, t.n, &at),
			    "the space for the weights is not the last");
}

static void test_hostile(void **state)
{
	Fixture *f = *state;
	IoText t = linked(f, "b.o a.o");
	uint32_t random = 3;
	int refused = 0;
	Elf64_Ehdr h;
	memcpy(&h, t.at, sizeof(h));
	for (int k = 0; k < 5000; k++) {
		size_t n = k % 16 == 7 ? (size_t)k % t.n : t.n;
		unsigned char *copy = malloc(n + 1);
		uint64_t at = 0;
		memcpy(copy, t.at, n);
		for (int i = 0; i <= k % 4; i++) {
			random = random * 1664525 + 1013904223;
			size_t table = k % 3 == 0 ? 0 : k % 3 == 1 ? h.e_phoff : h.e_shoff;
			size_t place = table + (random >> 8) % (k % 3 == 0 ? 64 : 600);
			if (place < n)
				copy[place] = k % 5 ? (unsigned char)(random >> 3) : 0xff;
		}
		if (elf_attach(copy, n, &at))
			refused++;
		else
			assert_true(at >= n);
		free(copy);
	}
	assert_true(refused > 100);
}

int main(void)
{
#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_every_linker),
		TEST(test_order),
		TEST(test_hostile),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
