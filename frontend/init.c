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

/* Elements that one result sums over: all but the first dimension of [out, in, ...]; the last of
 * recurrent [directions, out, in]. */
static double fan_in(const Type *t, const char *role)
{
	if (t->rank < 2 || t->count == 0)
		return 1;
	bool recurrent = t->rank == 3 && role && (str_starts(role, "weight_"));
	return (double)(recurrent ? t->dim[2] : t->count / t->dim[0]);
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

/* "uniform:0.1": the number behind the colon. */
static bool spec_number(const char *init, const char *kind, double *out)
{
	size_t n = strlen(kind);
	return strncmp(init, kind, n) == 0 && init[n] == ':' &&
	       parse_f64(init + n + 1, strlen(init + n + 1), out) && isfinite(*out);
}

static bool spread_by_spec(const Type *t, const char *role, const char *init, Spread *s)
{
	double v;
	if (str_eq(init, "zeros"))
		*s = (Spread){ CONSTANT, 0, 0 };
	else if (str_eq(init, "ones"))
		*s = (Spread){ CONSTANT, 1, 0 };
	else if (str_eq(init, "normal"))
		*s = (Spread){ NORMAL, 0, 1 };
	else if (str_eq(init, "kaiming_uniform")) /* as PyTorch's layers do it */
		*s = (Spread){ UNIFORM, 0, 1 / sqrt(fan_in(t, role)) };
	else if (str_eq(init, "uniform_hidden"))
		*s = (Spread){ UNIFORM, 0, 1 / sqrt(hidden_size(t)) };
	else if (spec_number(init, "constant", &v))
		*s = (Spread){ CONSTANT, v, 0 };
	else if (str_eq(init, "xavier_uniform"))
		*s = (Spread){ UNIFORM, 0,
			       sqrt(6 / (fan_in(t, role) + (double)(t->rank ? t->dim[0] : 1))) };
	else if (spec_number(init, "uniform", &v))
		*s = (Spread){ UNIFORM, 0, v };
	else if (spec_number(init, "normal", &v))
		*s = (Spread){ NORMAL, 0, v };
	else if (parse_f64(init, strlen(init), &v))
		*s = (Spread){ CONSTANT, v, 0 };
	else
		return false;
	return true;
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
