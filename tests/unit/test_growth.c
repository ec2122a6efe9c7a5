/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A graph of twice the size costs twice as much to compile, up to 30,000 operators: chains, values
 * that meet again, rows, wide sums and concatenations, products, steps of training. What is compared
 * is not seconds but work that is counted (Context.work: nodes visited and made, buffers compared by
 * the memory plan) and memory, from the text of the model to its plan. LLVM sees kernels that are
 * bounded, each by itself (tests/unit/test_growth_values.c compiles and runs such graphs). */
#include "tests/unit/growth.h"
#include <sys/resource.h>

static const char input[] = "<input id=\"x\" shape=\"8,64\"/>";

/* --- models ---------------------------------------------------------------------------------- */

static void chain(Str *s, int n)
{
	str_fmt(s, "%s<repeat count=\"%d\"><tanh/></repeat><output/>", input, n);
}

static void diamonds(Str *s, int n)
{
	str_fmt(s, "%s<sin id=\"a0\" in=\"x\"/>", input);
	for (int i = 1; i <= n / 2; i++)
		str_fmt(s, "<sin id=\"s%d\" in=\"a%d\"/><add id=\"a%d\" in=\"a%d s%d\"/>", i, i - 1,
			i, i - 1, i);
	str_add(s, "<output/>");
}

/* max, sub, exp, sum, broadcasts, div */
static void softmaxes(Str *s, int n)
{
	str_fmt(s, "%s<repeat count=\"%d\"><softmax axis=\"-1\"/></repeat><output/>", input, n / 7);
}

static void norms(Str *s, int n)
{
	str_fmt(s, "%s<tanh id=\"a0\" in=\"x\"/>", input);
	for (int i = 1; i <= n / 10; i++)
		str_fmt(s,
			"<layernorm id=\"l%d\" in=\"a%d\" affine=\"no\"/><add id=\"a%d\" in=\"a%d "
			"l%d\"/>",
			i, i - 1, i, i - 1, i);
	str_add(s, "<output/>");
}

static void slices(Str *s, int parts, int width)
{
	str_fmt(s, "<input id=\"x\" shape=\"8,%d\"/>", parts * width);
	for (int i = 0; i < parts; i++)
		str_fmt(s,
			"<slice id=\"s%d\" in=\"x\" begin=\"0,%d\" count=\"8,%d\" step=\"1,1\"/>",
			i, i * width, width);
}

/* In two steps: a tag has its limit. */
static void concat(Str *s, const char *of, int parts)
{
	enum { PER = 1000 };
	for (int i = 0; i < parts; i++) {
		str_fmt(s, "%s%s%d", i % PER ? " " : "<concat axis=\"1\" in=\"", of, parts - 1 - i);
		if ((i + 1) % PER == 0 || i + 1 == parts)
			str_fmt(s, "\" id=\"c%d\"/>", i / PER);
	}
	str_add(s, "<concat axis=\"1\" in=\"");
	for (int i = 0; i < parts; i += PER)
		str_fmt(s, "%sc%d", i ? " " : "", i / PER);
	str_add(s, "\"/><output/>");
}

static void segments(Str *s, int n)
{
	slices(s, n / 8, 4);
	for (int i = 0; i < n / 8; i++)
		str_fmt(s, "<softmax id=\"m%d\" in=\"s%d\" axis=\"-1\"/>", i, i);
	concat(s, "m", n / 8);
}

static void wide_sum(Str *s, int n)
{
	slices(s, n / 2, 2);
	str_add(s, "<add id=\"a1\" in=\"s0 s1\"/>");
	for (int i = 2; i < n / 2; i++)
		str_fmt(s, "<add id=\"a%d\" in=\"a%d s%d\"/>", i, i - 1, i);
	str_add(s, "<output/>");
}

/* What is added lives until the last has been computed. */
static void wide_sum_of_rows(Str *s, int n)
{
	slices(s, n / 4, 4);
	for (int i = 0; i < n / 4; i++)
		str_fmt(s, "<reduce_max id=\"m%d\" in=\"s%d\" axes=\"1\"/>", i, i);
	str_add(s, "<add id=\"a1\" in=\"m0 m1\"/>");
	for (int i = 2; i < n / 4; i++)
		str_fmt(s, "<add id=\"a%d\" in=\"a%d m%d\"/>", i, i - 1, i);
	str_add(s, "<output/>");
}

static void concatenation(Str *s, int n)
{
	slices(s, n, 1);
	concat(s, "s", n);
}

static void wide_concat(Str *s, int n)
{
	slices(s, n / 2, 2);
	for (int i = 0; i < n / 2; i++)
		str_fmt(s, "<tanh id=\"t%d\" in=\"s%d\"/>", i, i);
	concat(s, "t", n / 2);
}

static void views(Str *s, int n)
{
	str_fmt(s,
		"<input id=\"x\" shape=\"4,6\"/><repeat count=\"%d\"><transpose perm=\"1 0\"/>"
		"<reshape shape=\"4,6\"/></repeat><output/>",
		n / 2);
}

static void products(Str *s, int n)
{
	str_add(s, "<input id=\"x\" shape=\"8,16\"/>");
	for (int i = 0; i < n / 3; i++)
		str_fmt(s, "<linear id=\"l%d\" units=\"16\"/>", i);
	str_add(s, "<output/>");
}

/* An early value that is read again and again. */
static void shared(Str *s, int n)
{
	str_fmt(s, "%s<softmax id=\"a\" in=\"x\" axis=\"-1\"/><tanh id=\"t0\" in=\"x\"/>", input);
	for (int i = 1; i <= n / 2; i++)
		str_fmt(s, "<tanh id=\"u%d\" in=\"t%d\"/><mul id=\"t%d\" in=\"a u%d\"/>", i, i - 1,
			i, i);
	str_add(s, "<output/>");
}

static void outputs(Str *s, int n)
{
	slices(s, n / 2, 2);
	for (int i = 0; i < n / 2; i++)
		str_fmt(s, "<tanh id=\"t%d\" in=\"s%d\"/><output id=\"o%d\" in=\"t%d\"/>", i, i, i,
			i);
}

static void train(Str *s, const char *optimizer)
{
	str_fmt(s,
		"<relu id=\"o\"/><output in=\"o\"/><training loss=\"loss\" batch=\"4\">"
		"<reduce_mean id=\"loss\" in=\"o\"/><%s/></training>",
		optimizer);
}

/* n counts the operators of the step: some eight for each of a layer's. */
static void train_residual(Str *s, int n)
{
	str_add(s, "<input id=\"x\" shape=\"N,16\"/><linear id=\"a0\" units=\"16\"/>");
	for (int i = 1; i <= n / 8; i++)
		str_fmt(s, "<tanh id=\"s%d\" in=\"a%d\"/><add id=\"a%d\" in=\"a%d s%d\"/>", i,
			i - 1, i, i - 1, i);
	train(s, "sgd");
}

static void train_norms(Str *s, int n)
{
	str_add(s, "<input id=\"x\" shape=\"N,16\"/><linear id=\"a0\" units=\"16\"/>");
	for (int i = 1; i <= n / 40; i++)
		str_fmt(s, "<layernorm id=\"l%d\" in=\"a%d\"/><add id=\"a%d\" in=\"a%d l%d\"/>", i,
			i - 1, i, i - 1, i);
	train(s, "momentum");
}

static void train_products(Str *s, int n)
{
	str_add(s, "<input id=\"x\" shape=\"N,16\"/>");
	for (int i = 0; i < n / 40; i++)
		str_fmt(s, "<linear id=\"l%d\" units=\"16\"/><tanh/>", i);
	train(s, "adam");
}

/* --- cost ------------------------------------------------------------------------------------ */

typedef struct Cost {
	double work, bytes;
} Cost;

static Cost cost_of(WriteModel *write, int operators, bool training)
{
	Model m;
	write_model(&m, write, operators, training);
	compile_model(&m);
	Cost c = { (double)m.c->work, (double)arena_bytes(m.c->arena) };
	forget_model(&m);
	return c;
}

typedef struct Family {
	const char *name;
	WriteModel *write;
	bool training;
} Family;

enum { SIZES = 3, LARGEST = 30000 };

/* A factor of log n, and tables that grow by steps. Smaller graphs would show where limits of searches
 * and of the memory plan are met: before, these may grow faster. */
static const double most_growth = 2.3;

static void grows_evenly(const Family *f, int size, double small, double large, const char *what)
{
	if (large > most_growth * small)
		fail_msg("%s: %s of %d operators is %.0f, of %d %.0f: %.2f times as much", f->name,
			 what, size, small, 2 * size, large, large / small);
}

static void check_family(const Family *f)
{
	Cost c[SIZES];
	for (int i = 0; i < SIZES; i++)
		c[i] = cost_of(f->write, LARGEST >> (SIZES - 1 - i), f->training);
	print_message("%-22s per operator: %5.0f nodes, %6.0f bytes\n", f->name,
		      c[SIZES - 1].work / LARGEST, c[SIZES - 1].bytes / LARGEST);
	for (int i = 0; i + 1 < SIZES; i++) {
		int size = LARGEST >> (SIZES - 1 - i);
		grows_evenly(f, size, c[i].work, c[i + 1].work, "work");
		grows_evenly(f, size, c[i].bytes, c[i + 1].bytes, "memory");
	}
}

#define FAMILY(name, training) \
	static void name##_grows(void **state) \
	{ \
		(void)state; \
		check_family(&(Family){ #name, name, training }); \
	}
FAMILY(chain, false)
FAMILY(diamonds, false)
FAMILY(softmaxes, false)
FAMILY(norms, false)
FAMILY(segments, false)
FAMILY(wide_sum, false)
FAMILY(wide_sum_of_rows, false)
FAMILY(concatenation, false)
FAMILY(wide_concat, false)
FAMILY(views, false)
FAMILY(products, false)
FAMILY(shared, false)
FAMILY(outputs, false)
FAMILY(train_residual, true)
FAMILY(train_norms, true)
FAMILY(train_products, true)
#undef FAMILY

/* A walk that called itself for each operator would need many times as much, in any build. */
static bool keep_stack_small(void)
{
	struct rlimit r;
	if (getrlimit(RLIMIT_STACK, &r))
		return false;
	r.rlim_cur = 512 << 10;
	return setrlimit(RLIMIT_STACK, &r) == 0;
}

int main(void)
{
	if (!keep_stack_small())
		return 1;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(chain_grows),
		cmocka_unit_test(diamonds_grows),
		cmocka_unit_test(softmaxes_grows),
		cmocka_unit_test(norms_grows),
		cmocka_unit_test(segments_grows),
		cmocka_unit_test(wide_sum_grows),
		cmocka_unit_test(wide_sum_of_rows_grows),
		cmocka_unit_test(concatenation_grows),
		cmocka_unit_test(wide_concat_grows),
		cmocka_unit_test(views_grows),
		cmocka_unit_test(products_grows),
		cmocka_unit_test(shared_grows),
		cmocka_unit_test(outputs_grows),
		cmocka_unit_test(train_residual_grows),
		cmocka_unit_test(train_norms_grows),
		cmocka_unit_test(train_products_grows),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
