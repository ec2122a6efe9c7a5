/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Random models to be trained, as XML: layers put together so that shapes fit, a loss, an optimiser.
 * One element a line, each with its id and its inputs, so that lines can be taken away. */
#include "tests/random/net.h"
#include <string.h>

enum { MOST_VALUES = 40, MOST_RANK = 4, CLASSES = 3 };

/* One element for each item of the batch: its sizes, without the batch. */
typedef struct Value {
	int id, rank;
	int64_t dim[MOST_RANK];
} Value;

typedef struct Net {
	Case *c; /* for its random numbers */
	Str s;
	Value at[MOST_VALUES];
	int n, next, params;
	bool batchnorm;
} Net;

static int64_t count(const Value *v)
{
	int64_t n = 1;
	for (int i = 0; i < v->rank; i++)
		n *= v->dim[i];
	return n;
}

static const char *ref(Net *z, const Value *v)
{
	return v->id ? arena_printf(z->c->arena, "e%d", v->id) : "x";
}

/* The element `op` with those inputs; the value it makes has x's sizes for now. */
static Value *add(Net *z, const char *op, const Value *x, const char *more_in, const char *attrs)
{
	Value v = *x;
	v.id = ++z->next;
	str_fmt(&z->s, "  <%s id=\"e%d\" in=\"%s%s%s\"%s%s/>\n", op, v.id, ref(z, x),
		*more_in ? " " : "", more_in, *attrs ? " " : "", attrs);
	z->at[z->n] = v;
	return &z->at[z->n++];
}

static const char *layer_attrs(Net *z, const char *attrs)
{
	static const char *const init[] = { "normal:0.2", "kaiming_uniform", "xavier_normal",
					    "uniform:0.3" };
	const char *frozen = chance(z->c, 12) ? " trainable=\"no\"" : "";
	if (chance(z->c, 20))
		return arena_printf(z->c->arena, "%s init=\"%s\"%s", attrs, init[pick(z->c, 0, 3)],
				    frozen);
	return arena_printf(z->c->arena, "%s%s", attrs, frozen);
}

/* --- layers ----------------------------------------------------------------------------------- */

static void add_linear(Net *z, const Value *x)
{
	int64_t units = pick(z->c, 1, 9);
	Value *v =
		add(z, "linear", x, "",
		    layer_attrs(z, arena_printf(z->c->arena, "units=\"%lld\"%s", (long long)units,
						chance(z->c, 25) ? " bias=\"no\"" : "")));
	v->dim[v->rank - 1] = units;
}

static void add_conv(Net *z, const Value *x)
{
	int64_t k = pick(z->c, 1, 3), stride = chance(z->c, 30) ? 2 : 1, pad = pick(z->c, 0, 1);
	int64_t out = pick(z->c, 1, 8), groups = 1;
	if (x->dim[1] + 2 * pad < k || x->dim[2] + 2 * pad < k)
		return;
	if (chance(z->c, 20)) {
		groups = x->dim[0];
		out = groups * pick(z->c, 1, 2);
	}
	Value *v = add(z, "conv2d", x, "",
		       layer_attrs(z, arena_printf(z->c->arena,
						   "filters=\"%lld\" kernel=\"%lld\" "
						   "stride=\"%lld\" pad=\"%lld\" "
						   "groups=\"%lld\"%s",
						   (long long)out, (long long)k, (long long)stride,
						   (long long)pad, (long long)groups,
						   chance(z->c, 40) ? " bias=\"no\"" : "")));
	v->dim[0] = out;
	for (int d = 1; d < 3; d++)
		v->dim[d] = (v->dim[d] + 2 * pad - k) / stride + 1;
}

static void add_pool(Net *z, const Value *x)
{
	if (chance(z->c, 25)) {
		Value *v = add(z, "global_avgpool", x, "", "");
		v->dim[1] = v->dim[2] = 1;
		return;
	}
	if (x->dim[1] < 2 || x->dim[2] < 2)
		return;
	Value *v = add(z, chance(z->c, 50) ? "maxpool2d" : "avgpool2d", x, "",
		       "kernel=\"2\" stride=\"2\"");
	for (int d = 1; d < 3; d++)
		v->dim[d] = (v->dim[d] - 2) / 2 + 1;
}

static void add_norm(Net *z, const Value *x)
{
	switch (pick(z->c, 0, 3)) {
	case 0:
		add(z, "batchnorm", x, "", layer_attrs(z, ""));
		z->batchnorm = true;
		break;
	case 1: add(z, "layernorm", x, "", layer_attrs(z, "eps=\"0.1\"")); break;
	case 2: add(z, "rmsnorm", x, "", layer_attrs(z, "eps=\"0.1\"")); break;
	case 3: add(z, "groupnorm", x, "", layer_attrs(z, "groups=\"1\" eps=\"0.1\"")); break;
	}
}

static void add_activation(Net *z, const Value *x)
{
	static const char *const op[] = { "relu",       "tanh",       "sigmoid", "gelu",
					  "silu",       "softplus",   "elu",     "leaky_relu",
					  "hard_swish", "softsign",   "mish",    "selu",
					  "sin",        "cos",        "neg",     "abs",
					  "softmax",    "log_softmax" };
	add(z, op[pick(z->c, 0, 17)], x, "", "");
}

/* A parameter of the model: a scalar, or along the last dimension. */
static void add_parameter(Net *z, const Value *x)
{
	int n = ++z->params;
	str_fmt(&z->s, "  <param id=\"p%d\" shape=\"%s\" init=\"uniform:0.5,1.5\"%s/>\n", n,
		chance(z->c, 50)
			? ""
			: arena_printf(z->c->arena, "%lld", (long long)x->dim[x->rank - 1]),
		chance(z->c, 15) ? " trainable=\"no\"" : "");
	add(z, chance(z->c, 60) ? "mul" : "add", x, arena_printf(z->c->arena, "p%d", n), "");
}

static bool same_sizes(const Value *a, const Value *b)
{
	return a->rank == b->rank && memcmp(a->dim, b->dim, (size_t)a->rank * sizeof *a->dim) == 0;
}

static void add_join(Net *z, const Value *x)
{
	static const char *const op[] = { "add", "mul", "sub", "max", "min" };
	const Value *y = x;
	for (int tries = 0; tries < 6; tries++) {
		const Value *v = &z->at[pick(z->c, 0, z->n - 1)];
		y = same_sizes(v, x) ? v : y;
	}
	if (chance(z->c, 60)) {
		add(z, op[pick(z->c, 0, 4)], x, ref(z, y), "");
		return;
	}
	int axis = (int)pick(z->c, 0, x->rank - 1);
	Value *v =
		add(z, "concat", x, ref(z, y), arena_printf(z->c->arena, "axis=\"%d\"", axis + 1));
	v->dim[axis] *= 2;
}

static void add_view(Net *z, const Value *x)
{
	if (x->rank >= 2 && chance(z->c, 50)) { /* the last two exchanged */
		Value *v = add(z, "transpose", x, "",
			       x->rank == 2 ? "perm=\"0 2 1\"" : "perm=\"0 1 3 2\"");
		int64_t d = v->dim[v->rank - 1];
		v->dim[v->rank - 1] = v->dim[v->rank - 2];
		v->dim[v->rank - 2] = d;
		return;
	}
	int64_t n = count(x);
	if (x->rank < MOST_RANK - 1 && n % 2 == 0 && chance(z->c, 50)) {
		Value *v = add(z, "reshape", x, "",
			       arena_printf(z->c->arena, "shape=\"0,2,%lld\"", (long long)n / 2));
		v->rank = 2;
		v->dim[0] = 2;
		v->dim[1] = n / 2;
		return;
	}
	Value *v = add(z, "reshape", x, "",
		       arena_printf(z->c->arena, "shape=\"0,%lld\"", (long long)n));
	v->rank = 1;
	v->dim[0] = n;
}

static void add_mean(Net *z, const Value *x)
{
	static const char *const op[] = { "reduce_mean", "reduce_sum", "reduce_max",
					  "reduce_logsumexp" };
	int axis = (int)pick(z->c, 0, x->rank - 1);
	Value *v = add(z, op[pick(z->c, 0, 3)], x, "",
		       arena_printf(z->c->arena, "axes=\"%d\" keepdims=\"yes\"", axis + 1));
	v->dim[axis] = 1;
}

/* Steps, features of each item: the recurrence wants the steps first. */
static void add_recurrence(Net *z, const Value *x)
{
	static const char *const op[] = { "lstm", "gru", "rnn" };
	int64_t hidden = pick(z->c, 1, 5);
	if (x->rank != 2 || x->dim[0] > 6)
		return;
	const Value *t = add(z, "transpose", x, "", "perm=\"1 0 2\"");
	z->n--;
	Value turned = *t;
	Value *y = add(z, op[pick(z->c, 0, 2)], &turned, "",
		       arena_printf(z->c->arena, "hidden=\"%lld\"", (long long)hidden));
	z->n--;
	Value made = *y;
	int id = ++z->next;
	str_fmt(&z->s, "  <reshape id=\"e%d\" in=\"e%d.y\" shape=\"%lld,-1,%lld\"/>\n", id, made.id,
		(long long)x->dim[0], (long long)hidden);
	made.id = id;
	Value *v = add(z, "transpose", &made, "", "perm=\"1 0 2\"");
	v->dim[1] = hidden;
}

/* x op f(x), some times. */
static void add_repeated(Net *z, const Value *x)
{
	static const char *const f[] = { "tanh", "sin", "sigmoid", "layernorm" };
	const char *op = f[pick(z->c, 0, 3)];
	Value v = *x;
	for (int times = (int)pick(z->c, 2, 5); times > 0 && z->n < MOST_VALUES - 3; times--) {
		Value y = *add(z, op, &v, "",
			       str_eq(op, "layernorm") ? "affine=\"no\" eps=\"0.1\"" : "");
		v = *add(z, "add", &v, ref(z, &y), "");
	}
}

/* Across the items of the batch. */
static void add_mixing(Net *z, const Value *x)
{
	switch (pick(z->c, 0, 3)) {
	case 0: add(z, "softmax", x, "", "axis=\"0\""); break;
	case 1: {
		Value m = *add(z, "reduce_mean", x, "", "axes=\"0\" keepdims=\"yes\"");
		z->n--;
		add(z, "sub", x, ref(z, &m), "");
		break;
	}
	case 2: add(z, "cumsum", x, "", "axis=\"0\""); break;
	case 3: /* [N,F] beside [N,1,F]: every item with every other, then their mean */
		if (x->rank != 1)
			return;
		Value r =
			*add(z, "reshape", x, "",
			     arena_printf(z->c->arena, "shape=\"0,1,%lld\"", (long long)x->dim[0]));
		z->n--;
		Value s = *add(z, "sub", &r, ref(z, x), "");
		z->n--;
		add(z, "reduce_mean", &s, "", "axes=\"1\"");
		break;
	}
}

static void add_layer(Net *z, bool mixing)
{
	Value x = chance(z->c, 70) ? z->at[z->n - 1] : z->at[pick(z->c, 0, z->n - 1)];
	if (count(&x) > 600)
		return;
	switch (pick(z->c, 0, mixing ? 13 : 12)) {
	case 0:
	case 1: add_linear(z, &x); break;
	case 2:
	case 3:
		if (x.rank == 3)
			add_conv(z, &x);
		else
			add_linear(z, &x);
		break;
	case 4:
		if (x.rank == 3)
			add_pool(z, &x);
		break;
	case 5: add_norm(z, &x); break;
	case 6:
	case 7: add_activation(z, &x); break;
	case 8: add_parameter(z, &x); break;
	case 9: add_join(z, &x); break;
	case 10: add_view(z, &x); break;
	case 11:
		if (chance(z->c, 50))
			add_mean(z, &x);
		else
			add(z, "dropout", &x, "", "p=\"0.25\"");
		break;
	case 12:
		if (chance(z->c, 50))
			add_recurrence(z, &x);
		else
			add_repeated(z, &x);
		break;
	case 13: add_mixing(z, &x); break;
	}
}

static void add_training(Net *z)
{
	static const char *const optimizer[] = {
		"<sgd/>",
		"<sgd weight_decay=\"0.1\"/>",
		"<momentum/>",
		"<momentum momentum=\"0.5\" nesterov=\"yes\" weight_decay=\"0.01\"/>",
		"<adam eps=\"0.01\"/>",
		"<adam beta1=\"0.5\" eps=\"0.001\" weight_decay=\"0.1\"/>",
		"<adamw eps=\"0.01\"/>",
		"<adamw eps=\"0.001\" weight_decay=\"0.2\"/>",
	};
	Value x = z->at[z->n - 1];
	int64_t n = count(&x);
	Value flat = *add(z, "reshape", &x, "",
			  arena_printf(z->c->arena, "shape=\"0,%lld\"", (long long)n));
	flat.rank = 1;
	flat.dim[0] = n;
	Value y = *add(z, "linear", &flat, "", "units=\"3\"");
	str_fmt(&z->s, "  <output id=\"y\" in=\"%s\"/>\n  <training loss=\"loss\" batch=\"2\">\n",
		ref(z, &y));
	switch (pick(z->c, 0, 2)) {
	case 0:
		str_fmt(&z->s,
			"  <input id=\"label\" type=\"i64\" shape=\"N\"/>\n"
			"  <cross_entropy id=\"loss\" in=\"%s label\"/>\n",
			ref(z, &y));
		break;
	case 1:
		str_fmt(&z->s,
			"  <input id=\"target\" type=\"f32\" shape=\"N,3\"/>\n"
			"  <mse id=\"loss\" in=\"%s target\"/>\n",
			ref(z, &y));
		break;
	case 2: str_fmt(&z->s, "  <reduce_mean id=\"loss\" in=\"%s\"/>\n", ref(z, &y)); break;
	}
	str_fmt(&z->s, "  %s\n  </training>\n</graph>\n", optimizer[pick(z->c, 0, 7)]);
}

/* The first line: how the model is tried. */
static void print_how(Net *z, Str *s)
{
	static const char *const fp[] = { "strict", "contract", "contract" };
	static const char *const target[] = { "native", "native", "x86-64-v2", "x86-64-v3",
					      "x86-64-v4" };
	Case *c = z->c;
	const char *mode = fp[pick(c, 0, 2)], *machine = target[pick(c, 0, 4)];
	int64_t threads = pick(c, 2, 3), seed = pick(c, 1, 999);
	int64_t batch = pick(c, z->batchnorm ? 2 : 1, 5); /* of one item there is no variance */
	str_fmt(s, "<!-- fp=%s target=%s threads=%d batch=%d seed=%d free-batch=%d", mode,
		host_has(machine) ? machine : "native", (int)threads, (int)batch, (int)seed,
		chance(c, 10));
	for (int p = 0; p < PASS_COUNT; p++)
		if (p != PASS_expand && chance(c, 15))
			str_fmt(s, " off=%s", pass_info[p].name);
	for (int p = 0; p < PASS_COUNT; p++)
		if (p != PASS_expand && str_eq(mode, "strict") && chance(c, 30))
			str_fmt(s, " again=%s", pass_info[p].name);
	str_add(s, " -->\n");
}

const char *net_make(Arena *arena, uint64_t seed, int64_t i)
{
	Case *c =
		case_create(seed * 0x100000001b3u + (uint64_t)i + ((uint64_t)1 << 40), FP_CONTRACT);
	Net z = { .c = c };
	Value x = { .rank = (int)pick(c, 1, 3) };
	Str all;
	str_init(&all, arena);
	str_init(&z.s, arena);
	str_add(&z.s, "<graph name=\"net\">\n  <input id=\"x\" shape=\"N");
	for (int d = 0; d < x.rank; d++) {
		x.dim[d] = pick(c, 1, x.rank == 3 ? 5 : 9);
		str_fmt(&z.s, ",%lld", (long long)x.dim[d]);
	}
	str_add(&z.s, "\"/>\n");
	z.at[z.n++] = x;
	bool mixing = chance(c, 25);
	for (int steps = (int)pick(c, 1, chance(c, 20) ? 14 : 7); steps > 0; steps--)
		if (z.n < MOST_VALUES - 12)
			add_layer(&z, mixing);
	add_training(&z);
	print_how(&z, &all);
	str_add(&all, str_text(&z.s));
	case_destroy(c);
	return str_text(&all);
}
