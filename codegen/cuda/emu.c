/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* See emu.h. The kernels behind their prelude are compiled with -fsanitize=thread, which puts a
 * call before every access to memory, and -fsanitize=bounds, which asks before every index of a
 * thread's own arrays. The sanitizers' own runtime is not linked: the emulator, an object that is
 * carried along (device/emulator.c), answers the calls. What comes out is loaded and told of the
 * plan's steps. */
#include "codegen/cuda/emu.h"
#include "base/io_error.h"
#include "codegen/cuda/text.h"
#include "codegen/cuda/device/emu_abi.h"
#include "codegen/folder.h"
#include "codegen/process.h"
#include "codegen/table.h"
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

struct EmuProgram {
	Arena *arena;
	void *library;
	const BurinProgram *table;
	BurinEmuProgram shown; /* what the library sees */
};

typedef struct Emu {
	Context *c;
	Arena *arena; /* of the program */
	const Plan *plan;
	const Target *target;
	EmuOptions o;
	CudaKernel *kernel;
	Folder folder;
	const char *compiler;
} Emu;

/* --- the compiler ---------------------------------------------------------------------------- */

static bool find_compiler(Emu *e)
{
	static const char *const names[] = { "cc", "gcc", "clang" };
	if (e->o.compiler) {
		e->compiler = strchr(e->o.compiler, '/') ? e->o.compiler
							 : process_find(e->arena, e->o.compiler);
		return e->compiler || diag_error(e->c->diag, (Loc){ 0 }, E5231,
						 "there is no C compiler '%s'", e->o.compiler);
	}
	for (size_t i = 0; !e->compiler && i < sizeof names / sizeof *names; i++)
		e->compiler = process_find(e->arena, names[i]);
	if (e->compiler)
		return true;
	diag_error(e->c->diag, (Loc){ 0 }, E5231,
		   "no C compiler: none of cc, gcc, clang is in PATH");
	diag_hint(e->c->diag, "on Debian: apt-get install gcc libc6-dev; or name one with --set "
			      "emu.cc=PROGRAM");
	return false;
}

static bool run_compiler(Emu *e, const char *const *option)
{
	static const char *const common[] = { "-std=gnu11",
					      "-w",
					      "-fPIC",
					      "-march=native",
					      "-ffp-contract=off",
					      "-fno-math-errno",
					      "-fwrapv",
					      "-fno-strict-aliasing" };
	const char *args[40] = { e->compiler };
	int n = 1;
	Process run;
	for (size_t i = 0; i < sizeof common / sizeof *common; i++)
		args[n++] = common[i];
	for (; *option; option++)
		args[n++] = *option;
	int error = process_run(&run, e->folder.path, (char *const *)(uintptr_t)args, NULL);
	if (error != 0)
		return diag_error(e->c->diag, (Loc){ 0 }, E5232, "%s could not be started: %s",
				  args[0], strerror(error));
	return (run.status == 0 && !run.signalled) ||
	       diag_error(e->c->diag, (Loc){ 0 }, E5232, "%s failed (%s %d): %s", args[0],
			  run.signalled ? "signal" : "exit status", run.status, run.said);
}

static bool compile(Emu *e)
{
	static const char *const kernels[] = { "-O1",
					       "-fsanitize=thread,bounds",
					       "-fno-sanitize-recover=bounds",
					       "-c",
					       "k.c",
					       "-o",
					       "k.o",
					       NULL };
	static const char *const library[] = { "-shared", "-Wl,-z,defs", "k.o",       "e.o", "-o",
					       "e.so",    "-lm",         "-lpthread", NULL };
	return run_compiler(e, kernels) && run_compiler(e, library);
}

/* --- the texts ------------------------------------------------------------------------------- */

static bool write_file(Emu *e, const char *name, const void *data, size_t bytes)
{
	IoError error;
	const char *path = path_join(e->arena, e->folder.path, name);
	IoWriter *w = io_create(path, &error);
	if (w) {
		io_scratch(w);
		io_write(w, data, bytes);
	}
	return (w && io_commit(w, &error)) || io_report(e->c->diag, (Loc){ 0 }, path, &error);
}

static int arguments(const CudaKernel *k)
{
	int n = k->scratch > 0;
	for (int i = 0; i < k->kernel->buf.n; i++)
		n += k->kernel->buf.at[i].space == BUF_ARG;
	return n;
}

/* A kernel's call from an array of its arguments; no access to check. */
static void call_text(Str *s, const CudaKernel *k, int number)
{
	str_fmt(s, "UNSEEN static void call_%d(void *const *arg)\n{\n\t%s(", number,
		k->kernel->name);
	for (int i = 0; i < arguments(k); i++)
		str_fmt(s, "%sarg[%d]", i ? ", " : "", i);
	str_add(s, ");\n}\n");
}

/* What is behind the kernels: a function for each kernel and each step, and a table of them. */
static void end_text(Emu *e, Str *s)
{
	str_add(s, "\n#define UNSEEN __attribute__((no_sanitize_thread))\n"
		   "void burin_emu_step(int, void *const *);\nextern void *burin_emu_program;\n");
	for (int i = 0; i < e->plan->kernel.n; i++)
		call_text(s, &e->kernel[i], i);
	for (int i = 0; i < e->plan->step.n; i++)
		str_fmt(s,
			"UNSEEN static void step_%d(void *const *base)\n{\n"
			"\tburin_emu_step(%d, base);\n}\n",
			i, i);
	str_add(s, "void *const burin_emu_call[] = {");
	for (int i = 0; i < e->plan->kernel.n; i++)
		str_fmt(s, " call_%d,", i);
	str_add(s, " 0 };\nvoid *const burin_emu_run[] = {");
	for (int i = 0; i < e->plan->step.n; i++)
		str_fmt(s, " step_%d,", i);
	str_add(s, " 0 };\nvoid **const burin_emu_shown = &burin_emu_program;\n");
}

static bool write_texts(Emu *e)
{
	Str printed, text;
	ObjectCode emulator = emulator_object();
	str_init(&printed, e->arena);
	str_init(&text, e->arena);
	if (!cuda_source(e->c, e->arena, e->plan, e->target, e->kernel, &printed))
		return false;
	str_add(&text, cuda_prelude());
	str_add(&text, e->o.source ? e->o.source : str_text(&printed));
	end_text(e, &text);
	return write_file(e, "k.c", str_text(&text), text.n) &&
	       write_file(e, "e.o", emulator.data, emulator.bytes);
}

/* --- the tables ------------------------------------------------------------------------------ */

/* Bytes of the buffer before and behind its first element. */
static void extent(const Buf *b, BurinEmuArg *out)
{
	int64_t item = dtype_info[b->dtype].bytes;
	out->high = item;
	for (int i = 0; i < b->rank; i++) {
		int64_t far = (b->dim[i] - 1) * b->stride[i] * item;
		if (b->dim[i] == 0)
			out->high = out->low = 0;
		else if (far < 0)
			out->low += far;
		else
			out->high += far;
	}
}

static const BurinEmuArg *step_arguments(Emu *e, const Step *s)
{
	BurinEmuArg *arg = ARENA_ARRAY(e->arena, BurinEmuArg, s->n_arg + 1);
	const Kernel *k = s->kernel;
	for (int i = 0, b = 0; i < s->n_arg; i++, b++) {
		while (k->buf.at[b].space != BUF_ARG)
			b++;
		const PlanArg *from = &s->arg[i];
		arg[i].base = plan_base_index(e->plan, from);
		arg[i].item = dtype_info[k->buf.at[b].dtype].bytes;
		arg[i].offset = from->offset;
		arg[i].written = k->buf.at[b].written;
		arg[i].common = from->space == SPACE_WORK && from->offset == PLAN_STATUS_OFFSET;
		extent(&k->buf.at[b], &arg[i]);
	}
	return arg;
}

static const BurinEmuShared *shared_arrays(Emu *e, const CudaKernel *k)
{
	BurinEmuShared *s = ARENA_ARRAY(e->arena, BurinEmuShared, k->n_shared + 1);
	int n = 0;
	for (int i = 0; n < k->n_shared && i < k->kernel->buf.n; i++) {
		const Buf *b = &k->kernel->buf.at[i];
		if (b->space != BUF_SCRATCH)
			continue;
		s[n].item = dtype_info[b->dtype].bytes;
		s[n].bytes = cuda_elements(b) * s[n].item;
		n++;
	}
	if (k->meets)
		s[n] = (BurinEmuShared){ CUDA_ROOM_WORDS * 8, 4 };
	return s;
}

static int kernel_number(const Plan *p, const Kernel *k)
{
	int i = 0;
	while (p->kernel.at[i] != k)
		i++;
	return i;
}

static const BurinEmuStep *step_table(Emu *e, void *const *call)
{
	BurinEmuStep *to = ARENA_ARRAY(e->arena, BurinEmuStep, e->plan->step.n + 1);
	for (int i = 0; i < e->plan->step.n; i++) {
		const Step *s = &e->plan->step.at[i];
		int k = kernel_number(e->plan, s->kernel);
		const CudaKernel *kernel = &e->kernel[k];
		to[i] = (BurinEmuStep){ .call = (BurinEmuCall *)call[k],
					.name = arena_strdup(e->arena, s->kernel->name),
					.sources = s->sources ? arena_strdup(e->arena, s->sources)
							      : NULL,
					.threads = kernel->threads,
					.n_arg = s->n_arg,
					.n_shared = kernel->n_shared,
					.arg = step_arguments(e, s),
					.shared = shared_arrays(e, kernel),
					.blocks = kernel->blocks,
					.scratch = kernel->scratch };
	}
	return to;
}

/* --- all of it ------------------------------------------------------------------------------- */

static bool load(Emu *e, EmuProgram *p)
{
	p->library = dlopen(path_join(e->arena, e->folder.path, "e.so"), RTLD_NOW | RTLD_LOCAL);
	void *const *call = p->library ? dlsym(p->library, "burin_emu_call") : NULL;
	void *const *run = call ? dlsym(p->library, "burin_emu_run") : NULL;
	BurinEmuProgram **const *shown = run ? dlsym(p->library, "burin_emu_shown") : NULL;
	if (!shown) {
		const char *why = dlerror();
		return diag_error(e->c->diag, (Loc){ 0 }, E5232,
				  "the emulation cannot be loaded: %s", why ? why : "");
	}
	p->shown = (BurinEmuProgram){ .step = step_table(e, call),
				      .work = e->plan->input.n + e->plan->output.n,
				      .status = BURIN_STATUS_OFFSET,
				      .seed = e->o.seed };
	**shown = &p->shown;
	p->table = plan_table(e->arena, e->plan, (BurinStepFn *const *)(uintptr_t)run, NULL);
	return true;
}

static bool begin_folder(Emu *e)
{
	IoError error;
	const char *tmp = getenv("TMPDIR");
	const char *at = path_join(e->arena, tmp && *tmp ? tmp : "/tmp", "emu");
	return folder_begin(&e->folder, at, &error) ||
	       io_report(e->c->diag, (Loc){ 0 }, at, &error);
}

EmuProgram *emu_program(Context *c, const Plan *plan, const Target *t, EmuOptions o)
{
	Arena *arena = arena_create();
	EmuProgram *p = ARENA_NEW(arena, EmuProgram);
	Emu e = { .c = c, .arena = arena, .plan = plan, .target = t, .o = o };
	p->arena = arena;
	e.kernel = ARENA_ARRAY(arena, CudaKernel, plan->kernel.n + 1);
	bool ok = find_compiler(&e) && begin_folder(&e);
	if (ok) {
		ok = write_texts(&e) && compile(&e) && load(&e, p);
		folder_end(&e.folder);
	}
	if (ok)
		return p;
	emu_destroy(p);
	return NULL;
}

const BurinProgram *emu_table(const EmuProgram *e)
{
	return e->table;
}

const char *emu_fault(const EmuProgram *e)
{
	return e->shown.fault[0] ? e->shown.fault : NULL;
}

void emu_destroy(EmuProgram *e)
{
	if (!e)
		return;
	if (e->library)
		dlclose(e->library);
	arena_destroy(e->arena);
}
