/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Can the emulation tell wrong kernels of the templates for GPUs from right ones? Of a kernel's
 * text each barrier is left out, and what it reads and writes first is moved to where the tensor, or
 * the thread's own array, is not, one at a time: all must be found. The kernels are those that steps of training are made of:
 * products, a convolution and its weight gradient, attention; with multiply-adds
 * and by warps. */
#include "tests/unit/emu_fixture.h"

/* The weight gradient of a product: the batch is what is summed over. */
static const char product[] = "graph @m(%x: f32[40,24], %dy: f32[40,20]) {\n"
			      "  %g = matmul %x, %dy {trans_x=yes} : f32[24,20]\n"
			      "  return %g as g\n}\n";
static const char conv[] = "graph @m(%x: f32[2,5,6,6], %w: f32[20,5,3,3]) {\n"
			   "  %y = conv %x, %w {pad=[1, 1, 1, 1]} : f32[2,20,6,6]\n"
			   "  return %y as y\n}\n";
static const char conv_dw[] =
	"graph @m(%x: f32[2,5,6,6], %dy: f32[2,20,6,6]) {\n"
	"  %g = conv_dw %x, %dy {kernel=[3, 3, 20], pad=[1, 1, 1, 1]} : f32[20,5,3,3]\n"
	"  return %g as g\n}\n";
static const char attention[] =
	"graph @m(%q: f32[1,1,20,8], %k: f32[1,1,140,8], %v: f32[1,1,140,8]) {\n"
	"  %y = attention %q, %k, %v : f32[1,1,20,8]\n"
	"  return %y as y\n}\n";
static int run(const Made *m, char *said, size_t room)
{
	void *ports[8];
	int n = 0;
	for (int i = 0; i < m->g->input.n; i++) {
		float *x = ARENA_ARRAY(m->f->c->arena, float, m->g->input.at[i]->type->count);
		for (int64_t k = 0; k < m->g->input.at[i]->type->count; k++)
			x[k] = (float)(k * 7919 % 1000) / 500 - 1;
		ports[n++] = x;
	}
	for (int i = 0; i < m->g->result.n; i++)
		ports[n++] = ARENA_ARRAY(m->f->c->arena, float, m->g->result.at[i]->type->count);
	return run_edited(m, ports, said, room);
}

static void must_find(Made *m, const char *text, const char *what, const char *says)
{
	char said[700] = "";
	m->o.emu_source = text;
	int status = run(m, said, sizeof said);
	if (status != BURIN_RT_DEVICE || !strstr(said, says))
		fail_msg("%s: returned %d and says '%s', not '%s'\n%s", what, status, said, says,
			 text);
}

static const char *edited(const Made *m, const char *text, const char *at, size_t n, const char *by)
{
	return arena_printf(m->f->c->arena, "%.*s%s%s", (int)(at - text), text, by, at + n);
}

/* Where a kernel's text first has an argument's element at the left of a store, or elsewhere. */
static const char *access_at(const char *text, bool store)
{
	for (const char *at = text; (at = strchr(at, '[')); at++) {
		const char *begin = at, *line = at;
		while (begin > text && begin[-1] >= '0' && begin[-1] <= '9')
			begin--;
		if (begin == at || begin[-1] != 'b')
			continue;
		while (line[-1] != '\n')
			line--;
		line += strspn(line, "\t");
		if ((line == begin - 1) == store)
			return at + 1;
	}
	return NULL;
}

/* The same of an array that each thread has of its own: v3[...] */
static const char *own_access_at(const char *text)
{
	for (const char *at = text; (at = strchr(at, '[')); at++) {
		const char *begin = at;
		while (begin > text && begin[-1] >= '0' && begin[-1] <= '9')
			begin--;
		if (begin < at && begin[-1] == 'v' && at[1] == 'a') /* not its declaration */
			return at + 1;
	}
	return NULL;
}

static void check(void **state, const char *graph, bool bf16)
{
	static const char barrier[] = "burin_barrier();";
	Made m = made(*state, graph);
	char said[700] = "";
	int barriers = 0;
	m.o.pass.bf16 = bf16;
	m.o.pass.target.cores = 1; /* one kernel, big tiles */
	const char *text = text_of(&m);
	if (run(&m, said, sizeof said) != BURIN_RT_OK)
		fail_msg("%s", said);
	assert_true(bf16 == (strstr(text, "burin_mma_bf16") != NULL));
	for (const char *at = text; (at = strstr(at, barrier)); at++, barriers++)
		must_find(&m, edited(&m, text, at, strlen(barrier), ""), "no barrier",
			  "with no barrier between");
	assert_true(barriers > 0);
	for (int store = 0; store < 2; store++) {
		const char *at = access_at(text, store);
		assert_non_null(at);
		must_find(&m, edited(&m, text, at, 0, "123456 + "), "an index outside",
			  ", which has");
	}
	const char *own = own_access_at(text);
	assert_non_null(own);
	must_find(&m, edited(&m, text, own, 0, "64 + "), "an index outside of registers",
		  "of an array of its own");
}

static void products(void **state)
{
	check(state, product, false);
}

static void products_by_warps(void **state)
{
	check(state, product, true);
}

static void convolutions(void **state)
{
	check(state, conv, false);
}

static void weight_gradients(void **state)
{
	check(state, conv_dw, false);
}

static void weight_gradients_by_warps(void **state)
{
	check(state, conv_dw, true);
}

static void attentions(void **state)
{
	check(state, attention, false);
}

static void attentions_by_warps(void **state)
{
	check(state, attention, true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FIXTURE_TEST(products),
		FIXTURE_TEST(products_by_warps),
		FIXTURE_TEST(convolutions),
		FIXTURE_TEST(weight_gradients),
		FIXTURE_TEST(weight_gradients_by_warps),
		FIXTURE_TEST(attentions),
		FIXTURE_TEST(attentions_by_warps),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
