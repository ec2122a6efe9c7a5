/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Contractions as GPUs have them, without a GPU: cases of the operators that have templates of
 * their own there, compiled for one and run by the interpreter of kernels, some also as CUDA C by
 * the emulation, against the reference. Few multiprocessors make big tiles, many make small ones;
 * half of the cases round the factors of products to bf16. Shape, precision, GPU and whether it is
 * emulated are drawn independently, so that every combination comes up.
 *
 *   conform_gpu [OPERATOR [CASE]]
 *
 * A case named is also emulated. BURIN_CONFORM_EMULATED is every how many-th case is, else (on average).
 * BURIN_CONFORM_CASES is the number of cases of each operator, BURIN_CONFORM_SEED another series.
 */
#include "tests/conform/generate.h"
#include "tests/unit/plan_eval.h"
#include <stdio.h>

enum { CASES = 24, EMULATED = 6 };

static const Op operators[] = { OP_matmul, OP_conv,   OP_conv_dw, OP_attention,
				OP_linear, OP_conv2d, OP_gemm,    OP_conv_transpose2d };

static PassOptions gpu_options(const Case *c, int cores)
{
	PassOptions o = { .verify = true, .bf16 = c->bf16 };
	if (!target_find("sm_80", &o.target) || !target_find("native", &o.host))
		abort();
	o.target.cores = cores;
	return o;
}

/* Compiled for the GPU and interpreted: the bytes of each result. */
static bool interpret(Case *c, int cores, void **out)
{
	PassOptions o = gpu_options(c, cores);
	Pass pass = { .ctx = c->ctx, .o = &o };
	Compiled k;
	void *in[CASE_PORTS];
	if (!compile_plans(&pass, c->g, c->arena, &k)) {
		case_fail(c, "does not compile");
		return false;
	}
	for (int i = 0; i < c->g->input.n; i++) {
		in[i] = arena_alloc(c->arena, (size_t)type_bytes(c->in[i].type) + 8);
		eval_to_data(&c->in[i], in[i]);
	}
	for (int i = 0; i < c->g->result.n; i++) {
		size_t bytes = (size_t)type_bytes(c->g->result.at[i]->type) + 8;
		out[i] = arena_alloc(c->arena, bytes);
		memset(out[i], 0xff, bytes);
	}
	void *weights = eval_weights(&k, c->arena);
	bool ok = weights && eval_plan(k.main, in, out, weights);
	free(weights);
	if (!ok)
		case_fail(c, "the kernels cannot be interpreted");
	return ok;
}

static bool emulate(Case *c, int cores, void **out)
{
	CompileOptions o = {
		.pass = gpu_options(c, cores), .emu_seed = c->random, .threads = 1, .emulate = true
	};
	Program *p = program_compile(c->ctx, c->g, &o);
	bool ok = p && case_run(c, p, (Placement){ .fill = ~0u }, out);
	if (!p)
		case_fail(c, "does not compile for the emulation");
	if (p && program_fault(p))
		case_fail(c, "%s", program_fault(p));
	program_destroy(p);
	return ok;
}

static void run_case(Op op, int i, uint64_t series, int emulated)
{
	Case *c = case_create(((uint64_t)op << 32) + (uint64_t)i + series * 7919, FP_CONTRACT);
	void *out[CASE_PORTS];
	c->title = arena_printf(c->arena, "conform_gpu %s %d", op_info(op)->name, i);
	const int cores = (int[]){ 1, 8, 108 }[pick(c, 0, 2)];
	const bool emulate_it = pick(c, 1, emulated) == 1;
	c->values = chance(c, 50) ? VALUES_NORMAL : VALUES_WHOLE;
	c->single = true;
	c->bf16 = chance(c, 50);
	c->no_params = chance(c, 25);
	generate_row(op).make(c, op);
	case_enter(c);
	tally()->cases++;
	bool known = case_reference(c);
	if (known && interpret(c, cores, out))
		case_compare(c, "interpreted", out);
	if (known && emulate_it && emulate(c, cores, out))
		case_compare(c, "emulated", out);
	case_enter(NULL);
	case_destroy(c);
}

int main(int argc, char **argv)
{
	int cases = (int)env_number("BURIN_CONFORM_CASES", CASES), done = 0;
	uint64_t series = (uint64_t)env_number("BURIN_CONFORM_SEED", 0);
	int emulated = (int)env_number("BURIN_CONFORM_EMULATED", EMULATED);
	double start = seconds();
	for (size_t k = 0; k < sizeof operators / sizeof *operators; k++) {
		Op op = operators[k];
		if (argc > 1 && !str_eq(argv[1], op_info(op)->name))
			continue;
		Tally since = *tally();
		for (int i = 0; i < cases; i++, done++)
			if (argc < 3 || atoi(argv[2]) == i)
				run_case(op, i, series, argc > 2 ? 1 : emulated);
		if (argc > 2 && atoi(argv[2]) >= cases)
			run_case(op, atoi(argv[2]), series, 1);
		if (argc < 3)
			check_known_of(op, since);
	}
	const Tally *t = tally();
	if (argc < 3)
		check_known((Tally){ 0 });
	printf("%lld cases, %lld elements (%lld not known), %d failed, %.1f s\n",
	       (long long)t->cases, (long long)t->elements, (long long)t->unknown, failures(),
	       seconds() - start);
	return failures() || !done;
}
