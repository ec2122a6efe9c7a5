/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Deep and wide graphs compute what they say: values that meet again (a walk that followed every
 * way to them would never end), chains and rows beyond what one kernel may hold, and steps of
 * training in which many groups wait for each other. */
#include "tests/unit/growth.h"
#include "passes/fuse_impl.h"

static const char input[] = "<input id=\"x\" shape=\"8,64\"/>";

/* --- values that meet again ------------------------------------------------------------------ */

static void doubled(Str *s, int n)
{
	str_fmt(s, "%s<mul id=\"a0\" in=\"x 0.5\"/>", input);
	for (int i = 1; i <= n; i++)
		str_fmt(s, "<add id=\"s%d\" in=\"a%d a%d\"/><mul id=\"a%d\" in=\"s%d 0.5\"/>", i,
			i - 1, i - 1, i, i);
	str_add(s, "<output/>");
}

static void residual(Str *s, int n)
{
	str_fmt(s, "%s<sin id=\"a0\" in=\"x\"/>", input);
	for (int i = 1; i <= n; i++)
		str_fmt(s, "<sin id=\"s%d\" in=\"a%d\"/><add id=\"a%d\" in=\"a%d s%d\"/>", i, i - 1,
			i, i - 1, i);
	str_add(s, "<output/>");
}

static void chebyshev(Str *s, int n)
{
	str_fmt(s, "%s<tanh id=\"t1\" in=\"x\"/><mul id=\"two\" in=\"t1 2\"/>", input);
	str_add(s, "<mul id=\"t0\" in=\"t1 0\"/>");
	for (int i = 2; i <= n; i++)
		str_fmt(s, "<mul id=\"m%d\" in=\"two t%d\"/><sub id=\"t%d\" in=\"m%d t%d\"/>", i,
			i - 1, i, i, i - 2);
	str_add(s, "<output/>");
}

/* The same behind what is not elementwise. */
static void before_rows(Str *s, int n)
{
	str_fmt(s, "%s<sin id=\"a0\" in=\"x\"/>", input);
	for (int i = 1; i <= n; i++)
		str_fmt(s, "<cos id=\"s%d\" in=\"a%d\"/><mul id=\"a%d\" in=\"a%d s%d\"/>", i, i - 1,
			i, i - 1, i);
	str_fmt(s, "<softmax in=\"a%d\" axis=\"-1\"/><output/>", n);
}

static void meets_again(void **state)
{
	(void)state;
	check_written(doubled, 64, false, 1e-6);
	check_written(residual, 30, false, 1e-4);
	check_written(chebyshev, 51, false, 1e-3);
	check_written(before_rows, 40, false, 1e-5);
}

/* --- more than a kernel holds ---------------------------------------------------------------- */

static void softmaxes(Str *s, int n)
{
	str_add(s, input);
	for (int i = 0; i < n; i++)
		str_add(s, "<mul y=\"3\"/><softmax axis=\"-1\"/>");
	str_add(s, "<output/>");
}

static void norms(Str *s, int n)
{
	str_add(s, input);
	for (int i = 0; i < n; i++)
		str_fmt(s, "<layernorm id=\"l%d\" affine=\"no\"/><gelu/>", i);
	str_add(s, "<output/>");
}

static void norm_and_add(Str *s, int n)
{
	str_fmt(s, "%s<tanh id=\"a0\" in=\"x\"/>", input);
	for (int i = 1; i <= n; i++)
		str_fmt(s,
			"<layernorm id=\"l%d\" in=\"a%d\" affine=\"no\"/><add id=\"a%d\" in=\"a%d "
			"l%d\"/>",
			i, i - 1, i, i - 1, i);
	str_add(s, "<output/>");
}

/* Odd sizes need every kind of loop: blocks of vectors, single ones, the tail. */
static void odd_rows(Str *s, int n)
{
	str_add(s, "<input id=\"x\" shape=\"5,3,7,213\"/>");
	for (int i = 0; i < n; i++)
		str_add(s, "<mul y=\"2\"/><softmax axis=\"-1\"/>");
	str_add(s, "<output/>");
}

static void segments(Str *s, int n)
{
	str_fmt(s, "<input id=\"x\" shape=\"8,%d\"/><layernorm id=\"l\" affine=\"no\"/>", 5 * n);
	for (int i = 0; i < n; i++)
		str_fmt(s,
			"<slice id=\"s%d\" in=\"l\" begin=\"0,%d\" count=\"8,5\" step=\"1,1\"/>"
			"<softmax id=\"m%d\" in=\"s%d\" axis=\"-1\"/>",
			i, 5 * i, i, i);
	str_add(s, "<concat axis=\"1\" in=\"");
	for (int i = 0; i < n; i++)
		str_fmt(s, "%sm%d", i ? " " : "", i);
	str_add(s, "\"/><output/>");
}

/* Its border alone has more sides, each of more loops, than a kernel has axes. */
static void padded(Str *s, int rank)
{
	str_add(s, "<input id=\"x\" shape=\"37");
	for (int i = 1; i < rank; i++)
		str_fmt(s, ",%d", 2 + i % 2);
	for (int side = 0; side < 2; side++) {
		str_add(s, side ? "\" high=\"" : "\"/><pad in=\"x 2\" low=\"");
		for (int i = 0; i < rank; i++)
			str_fmt(s, "%s%d", i ? "," : "", 1 + side);
	}
	str_add(s, "\"/><output/>");
}

static void chain(Str *s, int n)
{
	str_fmt(s, "%s<repeat count=\"%d\"><tanh/></repeat><output/>", input, n);
}

static void rows(void **state)
{
	(void)state;
	check_written(softmaxes, 7, false, 1e-5);
	check_written(softmaxes, 40, false, 1e-5);
	check_written(norms, 24, false, 1e-4);
	check_written(norm_and_add, 40, false, 1e-4);
	check_written(odd_rows, 12, false, 1e-5);
	check_written(segments, 16, false, 1e-5);
	check_written(segments, 80, false, 1e-5);
	for (int rank = 1; rank <= MAX_RANK; rank++)
		check_written(padded, rank, false, 0);
}

static void long_chains(void **state)
{
	(void)state;
	check_written(chain, 2000, false, 1e-5);
	check_written(chain, 30000, false, 1e-5);
	check_written(residual, 15000, false, 1e-2);
}

/* --- steps of training ----------------------------------------------------------------------- */

static const char train_end[] =
	"<training loss=\"loss\" batch=\"2\"><reduce_mean id=\"loss\" in=\"o\"/>";

static void train_residual(Str *s, int n)
{
	str_add(s, "<input id=\"x\" shape=\"N,6\"/><linear id=\"a0\" units=\"6\"/>");
	for (int i = 1; i <= n; i++)
		str_fmt(s, "<tanh id=\"s%d\" in=\"a%d\"/><add id=\"a%d\" in=\"a%d s%d\"/>", i,
			i - 1, i, i - 1, i);
	str_fmt(s, "<relu id=\"o\"/><output in=\"o\"/>%s<sgd/></training>", train_end);
}

static void train_norms(Str *s, int n)
{
	str_add(s, "<input id=\"x\" shape=\"N,16\"/><linear id=\"a0\" units=\"16\"/>");
	for (int i = 1; i <= n; i++)
		str_fmt(s, "<layernorm id=\"l%d\" in=\"a%d\"/><add id=\"a%d\" in=\"a%d l%d\"/>", i,
			i - 1, i, i - 1, i);
	str_fmt(s, "<relu id=\"o\"/><output in=\"o\"/>%s<momentum/></training>", train_end);
}

/* What is kept for the way back is so much that its memory is planned in the order of the steps. */
static void train_tall(Str *s, int n)
{
	str_add(s, "<input id=\"x\" shape=\"N,6\"/>");
	for (int i = 0; i < n; i++)
		str_fmt(s, "<linear id=\"l%d\" units=\"%d\"/><tanh/>", i, 5 + i % 3);
	str_fmt(s, "<relu id=\"o\"/><output in=\"o\"/>%s<adam/></training>", train_end);
}

/* A scalar parameter's gradient, and the parameters of what reads it: two groups once waited for
 * each other. */
static void train_scalar(Str *s, int n)
{
	(void)n;
	str_add(s, "<input id=\"x\" shape=\"N,1,3,4\"/>"
		   "<conv2d id=\"c\" in=\"x\" filters=\"1\" kernel=\"5\" stride=\"2\" pad=\"2\"/>"
		   "<param id=\"p\" shape=\"\"/><mul id=\"m\" in=\"c p\"/>"
		   "<concat id=\"k\" in=\"m m\" axis=\"3\"/>"
		   "<conv2d id=\"d\" in=\"k\" filters=\"2\" kernel=\"3\" pad=\"1\" bias=\"no\"/>"
		   "<reshape id=\"r\" in=\"d\" shape=\"0,16\"/>"
		   "<linear id=\"o\" in=\"r\" units=\"3\"/><output in=\"o\"/>");
	str_fmt(s, "%s<adam/></training>", train_end);
}

static void training(void **state)
{
	(void)state;
	check_written(train_residual, 26, true, 1e-3);
	check_written(train_norms, 19, true, 1e-3);
	check_written(train_norms, 40, true, 1e-3);
	check_written(train_scalar, 0, true, 1e-3);
	check_written(train_tall, 400, true, 1e-3);
}

/* --- the check of the order ------------------------------------------------------------------ */

/* Fusion makes no ring of groups; one made by hand is named instead of walked for ever. */
static void names_a_ring(void **state)
{
	(void)state;
	Context *c = context_create();
	Graph *g = graph_create(c, c->arena, "ring");
	Builder *b = builder_create(g);
	Node *x = emit_input(b, type_scalar(c, DT_f32), "x", 0);
	Node *first = emit1(b, OP_sin, x), *second = emit1(b, OP_cos, first);
	first->name = "first";
	second->name = "second";
	PassOptions o = { 0 };
	Pass p = { .ctx = c, .o = &o };
	Fusion *f = fuse(&p, g, c->arena);
	assert_non_null(f);
	Group *late = f->of[second->id], apart = { .index = 0 };
	vec_push(c->arena, &apart.node, first);
	for (int i = late->node.n = 0; i < 1; i++)
		vec_push(c->arena, &late->node, second);
	f->of[first->id] = &apart;
	vec_push(c->arena, &apart.after, late);
	Fuser z = { .p = &p, .g = g, .arena = c->arena, .f = f };
	assert_false(order_groups(&z));
	assert_int_equal(diag_at(c->diag, 0)->code, E7004);
	assert_string_equal(diag_at(c->diag, 0)->message,
			    "groups of operators wait for each other: 'first' waits for 'second' "
			    "waits for 'first'");
	context_destroy(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(meets_again),  cmocka_unit_test(rows),
		cmocka_unit_test(long_chains),  cmocka_unit_test(training),
		cmocka_unit_test(names_a_ring),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
