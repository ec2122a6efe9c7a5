/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A model whose glue is compiled from C: y = x * w + OFFSET over 8 numbers, in two steps. */
#ifndef TESTS_ARTIFACT_FIXTURE_H
#define TESTS_ARTIFACT_FIXTURE_H
#include "base/io.h"
#include "codegen/artifact/artifact.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

enum { N = 8 };

/* y[i] = x[i] * w[i] + OFFSET, then y[0] = expf(y[0] * 0) * y[0], which needs libm. */
static const char glue_text[] =
	"#include \"runtime/artifact.h\"\n"
	"#include <math.h>\n"
	"#define JOIN_(a, b) a##_##b\n"
	"#define JOIN(a, b) JOIN_(a, b)\n"
	"#define NAME(b) JOIN(PREFIX, b)\n"
	"#define API __attribute__((visibility(\"default\")))\n"
	"extern const float burin_weights[];\n"
	"extern const char burin_metadata[];\n"
	"int kernel_helper = 3;\n"
	"static void first(void *const *base, int64_t b, int64_t e, void *s)\n"
	"{\n"
	"	const float *x = base[0], *w = base[3];\n"
	"	(void)s;\n"
	"	for (int64_t i = b; i < e; i++)\n"
	"		((float *)base[2])[i] = x[i] * w[i];\n"
	"}\n"
	"static void second(void *const *base, int64_t b, int64_t e, void *s)\n"
	"{\n"
	"	const float *t = base[2];\n"
	"	(void)s;\n"
	"	for (int64_t i = b; i < e; i++)\n"
	"		((float *)base[1])[i] = expf(t[i] * 0) * t[i] + OFFSET;\n"
	"}\n"
	"static const int64_t dim[] = { 8 };\n"
	"static const BurinPort in = { \"x\", 0, 4, 1, dim, 32 }, out = { \"y\", 0, 4, 1, dim, 32 "
	"};\n"
	"static const BurinStep steps[] = { { first, 8, 0 }, { second, 8, 0 } };\n"
	"static const BurinVariant variant = { .n_steps = 2, .step = steps, .work_bytes = 32,\n"
	"	.scratch_bytes = 64, .batch = 1 };\n"
	"const BurinProgram program = { .version = BURIN_PROGRAM_VERSION, .size = "
	"sizeof(program),\n"
	"	.name = \"t\", .metadata = burin_metadata, .n_in = 1, .n_out = 1, .n_variant = 1,\n"
	"	.in = &in, .out = &out, .variant = &variant, .weights = WEIGHTS, .weight_bytes = "
	"32,\n"
	"	.layout = { 7, 9 } };\n"
	"API const void *const NAME(descriptor) = &program;\n"
	"int burin_rt_run(const BurinProgram *, const void *, int64_t, void *const *, void *);\n"
	"int burin_rt_supported(const BurinProgram *);\n"
	"size_t burin_rt_workspace_bytes(const BurinProgram *, const void *);\n"
	"int burin_rt_ctx_init(const BurinProgram *, void *, int);\n"
	"int burin_rt_ctx_set_parallel(const BurinProgram *, void *, int, void *, void *);\n"
	"int burin_rt_ctx_set_weights(const BurinProgram *, void *, const void *, size_t);\n"
	"void burin_rt_ctx_done(const BurinProgram *, void *);\n"
	"API int NAME(run)(const void *c, const float *x, float *y, void *w)\n"
	"{\n"
	"	void *port[] = { (void *)x, y };\n"
	"	return burin_rt_run(&program, c, 1, port, w);\n"
	"}\n"
	"API int NAME(supported)(void) { return burin_rt_supported(&program); }\n"
	"API size_t NAME(workspace_bytes)(const void *c)\n"
	"	{ return burin_rt_workspace_bytes(&program, c); }\n"
	"API int NAME(ctx_init)(void *c, int n) { return burin_rt_ctx_init(&program, c, n); }\n"
	"API int NAME(ctx_set_parallel)(void *c, int n, void *f, void *u)\n"
	"	{ return burin_rt_ctx_set_parallel(&program, c, n, f, u); }\n"
	"API int NAME(ctx_set_weights)(void *c, const void *f, size_t n)\n"
	"	{ return burin_rt_ctx_set_weights(&program, c, f, n); }\n"
	"API void NAME(ctx_done)(void *c) { burin_rt_ctx_done(&program, c); }\n";

typedef struct Fixture {
	Context *c;
	char folder[64];
	Plan plan;
	GlueVariant variant;
	GlueEntry entry;
	ArtifactRequest r;
	ObjectCode object;
} Fixture;

static _Alignas(64) const float weights[N] = { 1, 2, 3, 4, 5, 6, 7, 8 };

static const char *in_folder(Fixture *f, const char *name)
{
	return path_join(f->c->arena, f->folder, name);
}

static void shell(Fixture *f, const char *command)
{
	char *in = arena_printf(f->c->arena, "cd %s && exec 2>log && %s", f->folder, command);
	if (system(in) == 0)
		return;
	if (system(arena_printf(f->c->arena, "cat %s/log", f->folder)) != 0)
		print_error("no log\n");
	fail_msg("%s", command);
}

static ObjectCode compile_glue(Fixture *f, const char *prefix, int offset, const char *embedded)
{
	IoError e;
	IoText t;
	assert_true(io_write_file(in_folder(f, "glue.c"), glue_text, strlen(glue_text), &e));
	shell(f, arena_printf(f->c->arena,
			      "cc -c -O1 -fPIC -fvisibility=hidden -I%s -DPREFIX=%s -DOFFSET=%d "
			      "-DWEIGHTS=%s glue.c -o glue.o",
			      BURIN_SOURCE_DIR, prefix, offset, embedded));
	assert_true(io_read(in_folder(f, "glue.o"), f->c->arena, 1 << 20, &t, &e));
	return (ObjectCode){ .data = t.at, .bytes = t.n };
}

static bool fill_weights(void *user, void *to, IoWriter *file)
{
	(void)user;
	(void)file;
	memcpy(to, weights, sizeof(weights));
	return true;
}

static int setup(void **state)
{
	Fixture *f = calloc(1, sizeof(*f));
	f->c = context_create();
	strcpy(f->folder, "/tmp/burin-test-XXXXXX");
	assert_non_null(mkdtemp(f->folder));
	const Type *t = type_get(f->c, DT_f32, 1, (const int64_t[]){ N });
	vec_push(f->c->arena, &f->plan.input, ((PlanPort){ .name = "x", .type = t, .align = 4 }));
	vec_push(f->c->arena, &f->plan.output, ((PlanPort){ .name = "y", .type = t, .align = 4 }));
	f->plan.work_bytes = 32;
	f->plan.scratch_bytes = 64;
	f->variant = (GlueVariant){ .plan = &f->plan };
	f->entry = (GlueEntry){ .name = "run",
				.about = "Runs it:\n",
				.variant = &f->variant,
				.n_variant = 1,
				.weight_bytes = sizeof(weights) };
	f->object = compile_glue(f, "m", 10, "burin_weights");
	f->r = (ArtifactRequest){ .path = in_folder(f, "m.so"),
				  .prefix = "m",
				  .metadata = "{\"schema\":\"burin.artifact/1\"}",
				  .object = &f->object,
				  .n_object = 1,
				  .entry = &f->entry,
				  .n_entry = 1,
				  .fill = fill_weights,
				  .weight_bytes = sizeof(weights) };
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	Fixture *f = *state;
	shell(f, arena_printf(f->c->arena, "rm -r %s", f->folder));
	context_destroy(f->c);
	free(f);
	return 0;
}

static void assert_written(Fixture *f)
{
	Str s;
	if (artifact_write(f->c, &f->r))
		return;
	str_init(&s, f->c->arena);
	diag_print(f->c->diag, &s, 10, false);
	fail_msg("%s", str_text(&s));
}
#endif
