/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* wrap: nvrtc_compile process_run */
/* What GPUs get is what the emulation runs: for models and for steps of training the text that goes
 * to NVRTC and the text that goes to the system's C compiler are compared, byte by byte behind the
 * prelude. Where NVRTC is found it compiles every kernel for sm_75, sm_80 and sm_90; a cache in the
 * build folder knows the texts that it has compiled before. What a kernel keeps in registers must
 * have room there: its machine code has no stack. */
#include "tests/unit/check.h"
#include "base/io.h"
#include "codegen/cache.h"
#include "codegen/compile.h"
#include "codegen/cuda/cuda.h"
#include "codegen/process.h"
#include "include/burin.h"
#include "ir/model.h"
#include "passes/train.h"
#include <elf.h>
#include <stdio.h>
#include <string.h>

#define SOURCE BURIN_SOURCE_DIR

/* --- what the two compilers are given -------------------------------------------------------- */

static struct {
	Arena *arena;
	Str nvrtc;   /* kernels, each behind an empty line */
	char *emu;   /* behind the prelude */
	bool real;   /* NVRTC is here */
	int kernels; /* given to NVRTC */
	bool mma;    /* some of them multiply matrices by warps */
	ObjectCache hooks;
} seen;

static const char *without_prelude(const char *text)
{
	size_t n = strlen(cuda_prelude());
	assert_true(strncmp(text, cuda_prelude(), n) == 0);
	return text + n;
}

bool __real_nvrtc_compile(Context *, Arena *, NvrtcJob *, int, NvrtcOptions);

/* Bytes of local memory of a thread, as the sections .nv.info of machine code have it: entries of a
 * format, an attribute and a size, then for this format (index of the function, value). */
static uint32_t stack_bytes(const ObjectCode *cubin)
{
	enum { SIZED = 4, FRAME_SIZE = 0x11 };
	const char *data = cubin->data;
	Elf64_Ehdr head;
	uint32_t most = 0, value;
	memcpy(&head, data, sizeof head);
	for (int i = 0; i < head.e_shnum; i++) {
		Elf64_Shdr s, names;
		memcpy(&s, data + head.e_shoff + (size_t)i * sizeof s, sizeof s);
		memcpy(&names, data + head.e_shoff + head.e_shstrndx * sizeof s, sizeof s);
		if (!str_starts(data + names.sh_offset + s.sh_name, ".nv.info"))
			continue;
		for (size_t at = s.sh_offset; at + 4 <= s.sh_offset + s.sh_size; at += 4) {
			const unsigned char *entry = (const unsigned char *)data + at;
			if (entry[0] != SIZED)
				continue;
			memcpy(&value, entry + 8, sizeof value);
			if (entry[1] == FRAME_SIZE && value > most)
				most = value;
			at += entry[2] | (size_t)entry[3] << 8;
		}
	}
	return most;
}

static bool compile_here(Context *c, Arena *arena, NvrtcJob *job, int n_job, NvrtcOptions o)
{
	o.cache = &seen.hooks;
	if (!__real_nvrtc_compile(c, arena, job, n_job, o))
		return false;
	for (int i = 0; i < n_job; i++)
		if (!job[i].ptx && stack_bytes(&job[i].out))
			fail_msg("%s for sm_%d has %u bytes of stack:\n%s", job[i].name,
				 job[i].arch, stack_bytes(&job[i].out),
				 without_prelude(job[i].text));
	return true;
}

bool __wrap_nvrtc_compile(Context *c, Arena *arena, NvrtcJob *job, int n_job, NvrtcOptions o);
bool __wrap_nvrtc_compile(Context *c, Arena *arena, NvrtcJob *job, int n_job, NvrtcOptions o)
{
	const char *last = NULL;
	for (int i = 0; i < n_job; i++) {
		const char *text = without_prelude(job[i].text);
		job[i].out = (ObjectCode){ "", 1 };
		if (last && str_eq(text, last))
			continue; /* the same for another GPU */
		str_add(&seen.nvrtc, text);
		seen.kernels++;
		seen.mma = seen.mma || strstr(text, "burin_mma_bf16(");
		last = text;
	}
	return !seen.real || compile_here(c, arena, job, n_job, o);
}

/* The C compiler is not run: models are emulated in other tests. */
int __wrap_process_run(Process *p, const char *folder, char *const *args,
		       const volatile sig_atomic_t *stop);
int __wrap_process_run(Process *p, const char *folder, char *const *args,
		       const volatile sig_atomic_t *stop)
{
	IoText text;
	IoError e;
	(void)args, (void)stop;
	assert_true(io_read(path_join(seen.arena, folder, "k.c"), seen.arena, 1 << 26, &text, &e));
	seen.emu = arena_strdup(seen.arena, without_prelude(text.at));
	*p = (Process){ .status = 1 };
	return 0;
}

/* --- models ---------------------------------------------------------------------------------- */

typedef struct Case {
	const char *file;
	const char *bind; /* a symbol and its value */
	bool train, bf16;
} Case;

static burin_graph *read_model(const Case *k)
{
	burin_error e = { .size = sizeof e };
	burin_graph *g;
	burin_opts *o;
	burin_opts_new(&o, NULL);
	burin_opts_set(o, "size", k->bind, NULL);
	if (!strstr(k->file, "data/train") && !strstr(k->file, ".onnx"))
		burin_opts_set(o, "model-weights", "init:seed=1", NULL);
	if (burin_read(&g, k->file, o, NULL, &e) != BURIN_OK)
		fail_msg("%s: %s", k->file, e.message);
	burin_opts_free(o);
	return g;
}

static CompileOptions options(const Case *k, const char *gpu)
{
	CompileOptions o = { .threads = 2, .pass.bf16 = k->bf16 };
	assert_true(target_find(gpu, &o.pass.target) && target_find("native", &o.pass.host));
	if (str_eq(gpu, "sm_75"))
		o.gpus = (GpuList){ { 75 }, 1 };
	else
		o.gpus = (GpuList){ { 80, 90 }, 2 };
	return o;
}

static const Graph *graph_of(burin_graph *g, const Case *k, const CompileOptions *o)
{
	Pass p = { .ctx = g->ctx, .o = &o->pass };
	if (!k->train)
		return g->graph;
	Graph *step = train_graph(&p, g->rebuild(g, 0, true), g->arena);
	assert_non_null(step);
	return step;
}

/* Kernels for one GPU: given to both compilers. */
static void compile_twice(burin_graph *g, const Graph *graph, CompileOptions *o)
{
	Program *p = program_compile(g->ctx, graph, o);
	if (!p)
		fail_msg("%s: %s", g->path, diag_at(g->ctx->diag, 0)->message);
	program_destroy(p);
	o->emulate = true;
	assert_null(program_compile(g->ctx, graph, o));
	assert_non_null(seen.emu);
	char *end = strstr(seen.emu, "\n#define UNSEEN");
	assert_non_null(end);
	*end = '\0';
}

static void check(const Case *k, const char *gpu)
{
	burin_graph *g = read_model(k);
	CompileOptions o = options(k, gpu);
	str_init(&seen.nvrtc, seen.arena);
	seen.emu = NULL;
	seen.kernels = 0;
	seen.mma = false;
	compile_twice(g, graph_of(g, k, &o), &o);
	assert_true(seen.kernels > 0);
	assert_int_equal(seen.mma, k->bf16 && !str_eq(gpu, "sm_75"));
	assert_string_equal(str_text(&seen.nvrtc), seen.emu);
	print_message("%s%s%s for %s: %d kernels\n", path_base(k->file),
		      k->train ? ", a step of training" : "", k->bf16 ? ", bf16" : "", gpu,
		      seen.kernels);
	burin_graph_free(g);
}

static void check_models(const Case *list, size_t n)
{
	const char *version;
	bool knows;
	seen.arena = arena_create();
	seen.real = nvrtc_found(seen.arena, 80, &version, &knows);
	if (!seen.real)
		print_message("compared only; no NVRTC: %s\n", version);
	Cache *cache = cache_open(BURIN_BUILD_DIR "/test_cuda_text.cache", 0);
	seen.hooks = cache_hooks(cache);
	for (size_t i = 0; i < n; i++) {
		check(&list[i], "sm_75");
		check(&list[i], "sm_80");
	}
	cache_close(cache);
	arena_destroy(seen.arena);
}

static void test_training(void **state)
{
	static const Case list[] = {
		{ SOURCE "/tests/data/train/mlp.xml", "5", true, false },
		{ SOURCE "/tests/data/train/mlp.xml", "5", true, true },
		{ SOURCE "/tests/data/train/cnn.xml", "5", true, false },
		{ SOURCE "/examples/digits.xml", "8", true, true },
	};
	(void)state;
	check_models(list, sizeof list / sizeof *list);
}

static void test_inference(void **state)
{
	static const Case list[] = {
		{ SOURCE "/tests/data/train/cnn.xml", "5", false, false },
		{ SOURCE "/examples/bert.xml", "6", false, true },
		{ SOURCE "/examples/face/rfb-320.onnx", "1", false, false },
	};
	(void)state;
	check_models(list, sizeof list / sizeof *list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_training),
		cmocka_unit_test(test_inference),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
