/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Initial values of parameters. An element's value is a hash of (seed, name of the tensor, index),
 * so it does not depend on the order in which tensors are made or on threads. Without a spec the
 * role decides, such that activations keep their size through deep networks: weights are uniform
 * with variance 2 / fan-in, scales near 1, variances in [0.5, 1.5). */
#include "frontend/build_impl.h"
#include <math.h>

static uint64_t mix(uint64_t z)
{
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

static double unit_uniform(uint64_t key, int64_t i) /* [0, 1) */
{
	return (double)(mix(key + 0x9e3779b97f4a7c15u * ((uint64_t)i + 1)) >> 11) * 0x1p-53;
}

/* Box and Muller from two hashes. */
static double unit_normal(uint64_t key, int64_t i)
{
	double u = unit_uniform(key, i), v = unit_uniform(~key, i);
	return sqrt(-2 * log(1 - u)) * cos(6.283185307179586 * v);
}

/* [out, in, window...] or, recurrent, [directions, out, in]. fan_in counts the elements that one
 * result sums over, fan_out the results that one element goes to, as PyTorch counts them. */
static bool is_recurrent(const Type *t, const char *role)
{
	return t->rank == 3 && role && str_starts(role, "weight_");
}

static double fan_in(const Type *t, const char *role)
{
	if (t->rank < 2 || t->count == 0)
		return 1;
	return (double)(is_recurrent(t, role) ? t->dim[2] : t->count / t->dim[0]);
}

static double fan_out(const Type *t, const char *role)
{
	if (t->rank < 2 || t->count == 0)
		return 1;
	return (double)(is_recurrent(t, role) ? t->dim[1] : t->count / t->dim[1]);
}

/* The last dimension of recurrent weights [directions, gates * hidden, hidden] and, as near as it
 * gets, of their biases. */
static double hidden_size(const Type *t)
{
	return t->rank && t->dim[t->rank - 1] ? (double)t->dim[t->rank - 1] : 1;
}

typedef struct Spread {
	enum { CONSTANT, UNIFORM, NORMAL } kind;
	double middle, width;
} Spread;

static Spread spread_by_role(const Type *t, const char *role)
{
	if (role && str_eq(role, "running_var"))
		return (Spread){ UNIFORM, 1, 0.5 };
	if (role && str_eq(role, "weight") && t->rank < 2)
		return (Spread){ UNIFORM, 1, 0.1 };
	if (t->rank < 2 || (role && !str_starts(role, "weight")))
		return (Spread){ UNIFORM, 0, 0.1 };
	return (Spread){ UNIFORM, 0, sqrt(6 / fan_in(t, role)) };
}

/* Initialisers by size: the deviation (normal) or the bound (uniform) is sqrt(gain / fan). */
typedef enum Fan { FAN_IN, FAN_BOTH, FAN_HIDDEN } Fan;
static const struct Scaled {
	const char *name;
	int kind;
	double gain;
	Fan fan;
} scaled[] = {
	{ "xavier_uniform", UNIFORM, 6, FAN_BOTH },   { "glorot_uniform", UNIFORM, 6, FAN_BOTH },
	{ "xavier_normal", NORMAL, 2, FAN_BOTH },     { "glorot_normal", NORMAL, 2, FAN_BOTH },
	{ "kaiming_uniform", UNIFORM, 6, FAN_IN },    { "he_uniform", UNIFORM, 6, FAN_IN },
	{ "kaiming_normal", NORMAL, 2, FAN_IN },      { "he_normal", NORMAL, 2, FAN_IN },
	{ "lecun_normal", NORMAL, 1, FAN_IN },        { "uniform_fan_in", UNIFORM, 1, FAN_IN },
	{ "uniform_hidden", UNIFORM, 1, FAN_HIDDEN },
};
enum { N_SCALED = sizeof scaled / sizeof *scaled };

int init_names(const char **names)
{
	static const char *const others[] = { "zeros", "ones", "constant", "uniform", "normal" };
	int n = 0;
	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		names[n++] = others[i];
	for (int i = 0; i < N_SCALED; i++)
		names[n++] = scaled[i].name;
	return n;
}

static bool spread_by_size(const Type *t, const char *role, const char *init, Spread *s)
{
	for (int i = 0; i < N_SCALED; i++) {
		const struct Scaled *k = &scaled[i];
		if (!str_eq(init, k->name))
			continue;
		double fan = k->fan == FAN_HIDDEN ? hidden_size(t) : fan_in(t, role);
		fan += k->fan == FAN_BOTH ? fan_out(t, role) : 0;
		*s = (Spread){ k->kind, 0, sqrt(k->gain / fan) };
		return true;
	}
	return false;
}

/* "uniform:0.1" or "uniform:-1,1": the one or two numbers behind the colon; their count, 0 when it
 * is another kind. */
static int spec_numbers(const char *init, const char *kind, double v[2])
{
	size_t n = strlen(kind);
	int count = 0;
	if (strncmp(init, kind, n) != 0 || init[n] != ':')
		return 0;
	for (const char *p = init + n + 1;; count++) {
		size_t len = strcspn(p, ",");
		if (count == 2 || !parse_f64(p, len, &v[count]) || !isfinite(v[count]))
			return 0;
		p += len;
		if (!*p++)
			return count + 1;
	}
}

static bool spread_by_spec(const Type *t, const char *role, const char *init, Spread *s)
{
	double v[2] = { 0, 0 };
	int n;
	if (str_eq(init, "zeros"))
		*s = (Spread){ CONSTANT, 0, 0 };
	else if (str_eq(init, "ones"))
		*s = (Spread){ CONSTANT, 1, 0 };
	else if (str_eq(init, "normal"))
		*s = (Spread){ NORMAL, 0, 1 };
	else if (spec_numbers(init, "constant", v) == 1)
		*s = (Spread){ CONSTANT, v[0], 0 };
	else if ((n = spec_numbers(init, "uniform", v)) != 0)
		*s = n == 1 ? (Spread){ UNIFORM, 0, v[0] }
			    : (Spread){ UNIFORM, (v[0] + v[1]) / 2, (v[1] - v[0]) / 2 };
	else if ((n = spec_numbers(init, "normal", v)) != 0)
		*s = n == 1 ? (Spread){ NORMAL, 0, v[0] } : (Spread){ NORMAL, v[0], v[1] };
	else if (parse_f64(init, strlen(init), v))
		*s = (Spread){ CONSTANT, v[0], 0 };
	else
		return spread_by_size(t, role, init, s);
	return true;
}

bool init_is_known(const Type *t, const char *init)
{
	Spread s;
	return spread_by_spec(t, NULL, init, &s);
}

static double spread_value(const Spread *s, uint64_t key, int64_t i)
{
	switch (s->kind) {
	case CONSTANT: return s->middle;
	case UNIFORM: return s->middle + s->width * (2 * unit_uniform(key, i) - 1);
	case NORMAL: return s->middle + s->width * unit_normal(key, i);
	}
	return 0;
}

bool init_tensor(const Type *t, void *data, const char *init, const char *role, const char *name,
		 uint64_t seed)
{
	Spread s = spread_by_role(t, role);
	if (init && !spread_by_spec(t, role, init, &s))
		return false;
	uint64_t key = mix(seed ^ hash_bytes(name, strlen(name), 0x6275));
	float *f = data;
	if (t->dtype == DT_f32) /* the common case, and large */
		for (int64_t i = 0; i < t->count; i++)
			f[i] = (float)spread_value(&s, key, i);
	else if (dtype_is_float(t->dtype))
		for (int64_t i = 0; i < t->count; i++)
			store_f64(t->dtype, data, i, spread_value(&s, key, i));
	else
		for (int64_t i = 0; i < t->count; i++)
			store_f64(t->dtype, data, i, s.kind == CONSTANT ? s.middle : 0);
	return true;
}
