/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Layers of ONNX over time: recurrence and attention. */
#include "frontend/onnx_ops.h"

/* --- recurrence ------------------------------------------------------------------------------ */

static bool usual_activations(OnnxCall *n)
{
	static const char *const lstm[] = { "Sigmoid", "Tanh", "Tanh" };
	bool is_rnn = str_eq(n->row->name, "RNN");
	int per = str_eq(n->row->name, "LSTM") ? 3 : is_rnn ? 1 : 2;
	const OnnxAttr *a = onnx_attr(n, "activations", OA_texts);
	onnx_ignore(n, "activation_alpha");
	onnx_ignore(n, "activation_beta");
	for (int i = 0; a && i < a->texts.n; i++) {
		const char *want = is_rnn ? "Tanh" : lstm[i % per];
		if (!str_eq(a->texts.at[i], want))
			return onnx_no(n, "the default activations are read",
				       "with the activation '%.40s'", a->texts.at[i]);
	}
	return true;
}

/* Lengths are accepted when they say what the input says: all of the time. */
static bool full_length(OnnxCall *n, bool batch_first)
{
	Ints lengths;
	if (!onnx_in(n, 4))
		return true;
	const OnnxValueInfo *x = onnx_told(n->scope, n->node->in.at[0]);
	int64_t time = x && x->dim.n == 3 && x->dim.at[batch_first].known
			       ? x->dim.at[batch_first].size
			       : -1;
	bool full = onnx_known_ints(n, 4, &lengths);
	for (int i = 0; full && i < lengths.n; i++)
		full = lengths.v[i] == time;
	return full || onnx_no(n, "sequences of full length are read", "with sequence_lens");
}

static bool recurrent_form(OnnxCall *n, bool batch_first)
{
	if (onnx_has_attr(n, "clip"))
		return onnx_no(n, NULL, "with clip");
	if (onnx_attr_int(n, "input_forget", 0))
		return onnx_no(n, NULL, "with input_forget");
	if (onnx_in(n, 7))
		return onnx_no(n, NULL, "with peepholes");
	return usual_activations(n) && full_length(n, batch_first);
}

/* Batch before time or, for states, before directions. */
static const char *exchange(OnnxCall *n, const char *id, const char *perm, const char *what)
{
	Elem e = onnx_elem(n, "transpose");
	onnx_arg_id(n, &e, id);
	onnx_set(n, &e, "perm", perm);
	return id ? onnx_step(n, &e, what) : NULL;
}

/* layout=1: the element runs over [time, batch, ...] and its results are exchanged back. */
static bool results_batch_first(OnnxCall *n, Elem *e, int count)
{
	static const char *const what[3] = { "y", "h", "c" };
	const char *id = onnx_step_results(n, e, "core", count);
	for (int k = 0; k < count; k++) {
		const char *from = arena_printf(n->o->scratch, "%s.%d", id, k);
		if (onnx_has_out(n, k) &&
		    !onnx_bind(n, k, exchange(n, from, k ? "1,0,2" : "2,0,1,3", what[k]),
			       onnx_type(n, 0)))
			return false;
	}
	return true;
}

bool onnx_map_rnn(OnnxCall *n)
{
	bool batch_first = n->opset >= 14 && onnx_attr_int(n, "layout", 0) == 1;
	bool lstm = str_eq(n->row->name, "LSTM");
	int count = lstm ? 3 : 2;
	const OnnxValue *r = onnx_in(n, 2);
	int64_t hidden = onnx_attr_int(n, "hidden_size",
				       r->data && r->rank == 3 ? r->data->type->dim[2] : 0);
	if (hidden < 1)
		return onnx_lacks(n, "hidden_size");
	if (n->opset < 7)
		onnx_ignore(n, "output_sequence");
	if (!recurrent_form(n, batch_first))
		return false;
	const char *in[6] = { onnx_in_id(n, 0), onnx_in_id(n, 1), onnx_in_id(n, 2),
			      onnx_in_id(n, 3), onnx_in_id(n, 5), lstm ? onnx_in_id(n, 6) : NULL };
	if (batch_first) {
		in[0] = exchange(n, in[0], "1,0,2", "time_first");
		in[4] = exchange(n, in[4], "1,0,2", "h0");
		in[5] = exchange(n, in[5], "1,0,2", "c0");
	}
	Elem e = onnx_elem(n, n->row->target);
	for (int i = 0; i < 6; i++)
		onnx_arg_id(n, &e, in[i]);
	onnx_set_int(n, &e, "hidden", hidden);
	const char *direction = onnx_attr_text(n, "direction", "forward");
	if (!str_eq(direction, "forward"))
		onnx_set(n, &e, "direction", direction);
	if (!in[3])
		onnx_set_flag(n, &e, "bias", false);
	if (str_eq(n->row->name, "GRU") && !onnx_attr_int(n, "linear_before_reset", 0))
		onnx_set_flag(n, &e, "linear_before_reset", false);
	DType type[3] = { onnx_type(n, 0), onnx_type(n, 0), onnx_type(n, 0) };
	return batch_first ? results_batch_first(n, &e, count) : onnx_results(n, &e, count, type);
}

/* --- attention ------------------------------------------------------------------------------- */

typedef struct Heads {
	const char *q, *k, *v; /* [batch, heads, time, features] */
	int64_t n_q, n_kv;     /* heads; 0: not known, taken as equal */
	bool folded;           /* heads lie in the last dimension of [batch, time, features] */
} Heads;

/* Size of dimension d of input i when the file tells it, else 0. */
static int64_t told_size(const OnnxCall *n, int i, int d)
{
	const OnnxValue *v = onnx_in(n, i);
	if (v && v->data && d < v->data->type->rank)
		return v->data->type->dim[d];
	const OnnxValueInfo *info = v ? onnx_told(n->scope, n->node->in.at[i]) : NULL;
	return info && d < info->dim.n && info->dim.at[d].known ? info->dim.at[d].size : 0;
}

static const char *unfold_heads(OnnxCall *n, const char *id, int64_t heads, const char *what)
{
	Elem e = onnx_elem(n, "reshape");
	onnx_arg_id(n, &e, id);
	onnx_set(n, &e, "shape", arena_printf(n->o->scratch, "0,0,%lld,-1", (long long)heads));
	const char *rows = onnx_step(n, &e, arena_printf(n->o->scratch, "%s_rows", what));
	return exchange(n, rows, "0,2,1,3", what);
}

/* Key or value with the past before it; it is a result of the operator too. */
static const char *with_past(OnnxCall *n, const char *id, int past, int result, const char *what)
{
	if (onnx_in(n, past)) {
		Elem e = onnx_elem(n, "concat");
		onnx_arg(n, &e, past);
		onnx_arg_id(n, &e, id);
		onnx_set_int(n, &e, "axis", 2);
		id = onnx_step(n, &e, what);
	}
	return onnx_bind(n, result, id, onnx_type(n, 1)) ? id : NULL;
}

/* Every head of keys and values serves several of the queries. */
static const char *repeat_heads(OnnxCall *n, const char *id, const Heads *h, const char *what)
{
	if (h->n_q == h->n_kv)
		return id;
	Str s;
	str_init(&s, n->o->scratch);
	for (int64_t i = 0; i < h->n_q; i++)
		str_fmt(&s, i ? ",%lld" : "%lld", (long long)(i / (h->n_q / h->n_kv)));
	Elem index = onnx_elem(n, "const");
	onnx_set(n, &index, "type", "i64");
	onnx_set(n, &index, "value", str_text(&s));
	const char *heads = onnx_step(n, &index, arena_printf(n->o->scratch, "%s_heads", what));
	Elem e = onnx_elem(n, "gather");
	onnx_arg_id(n, &e, id);
	onnx_arg_id(n, &e, heads);
	onnx_set_int(n, &e, "axis", 1);
	return onnx_step(n, &e, what);
}

static bool read_heads(OnnxCall *n, Heads *h)
{
	h->n_q = onnx_attr_int(n, "q_num_heads", told_size(n, 0, 1));
	h->n_kv = onnx_attr_int(n, "kv_num_heads", told_size(n, 1, 1));
	h->folded = onnx_has_attr(n, "q_num_heads");
	if (onnx_rank(n, 0) == 3 && !h->folded)
		return onnx_lacks(n, "q_num_heads");
	if (!h->n_q || !h->n_kv)
		h->n_q = h->n_kv = 0;
	if (h->n_q < 0 || h->n_kv < 0 || h->n_q > 1 << 16 || (h->n_kv && h->n_q % h->n_kv))
		return onnx_bad(n, "has %lld heads for %lld of keys", (long long)h->n_q,
				(long long)h->n_kv);
	h->q = onnx_in_id(n, 0), h->k = onnx_in_id(n, 1), h->v = onnx_in_id(n, 2);
	if (h->folded) {
		h->q = unfold_heads(n, h->q, h->n_q, "q");
		h->k = unfold_heads(n, h->k, h->n_kv, "k");
		h->v = unfold_heads(n, h->v, h->n_kv, "v");
	}
	h->k = with_past(n, h->k, 4, 1, "keys");
	h->v = h->k ? with_past(n, h->v, 5, 2, "values") : NULL;
	if (!h->v)
		return false;
	h->k = repeat_heads(n, h->k, h, "all_keys");
	h->v = repeat_heads(n, h->v, h, "all_values");
	return true;
}

/* 0 where the condition holds, minus infinity elsewhere. */
static const char *mask_of(OnnxCall *n, const char *condition, const char *what)
{
	DType type = onnx_type(n, 0);
	Elem never = onnx_elem(n, "const");
	onnx_set(n, &never, "type", dtype_info[type == DT_COUNT ? DT_f32 : type].name);
	onnx_set(n, &never, "value", "-inf");
	const char *infinite = onnx_step(n, &never, "never");
	Elem e = onnx_elem(n, "select");
	onnx_arg_id(n, &e, condition);
	onnx_arg_id(n, &e, "0");
	onnx_arg_id(n, &e, infinite);
	return onnx_step(n, &e, what);
}

static const char *time_of(OnnxCall *n, const char *id, const char *what)
{
	const char *shape =
		onnx_do(n, arena_printf(n->o->scratch, "%s_shape", what), "shape", id, NULL);
	Elem e = onnx_elem(n, "strided_slice");
	onnx_arg_id(n, &e, shape);
	onnx_set_int(n, &e, "starts", 2);
	onnx_set_int(n, &e, "ends", 3);
	return onnx_step(n, &e, what);
}

/* Which keys a query sees, as truth values: the first 0 to i, also when there are more keys than
 * queries; of a past, all of it too: the last query sees all, which is the triangle turned round. */
static const char *triangle(OnnxCall *n, const Heads *h)
{
	bool past = onnx_in(n, 4);
	const char *rows = time_of(n, h->q, "queries_n"), *columns = time_of(n, h->k, "keys_n");
	Elem shape = onnx_elem(n, "concat");
	onnx_arg_id(n, &shape, rows);
	onnx_arg_id(n, &shape, columns);
	onnx_set_int(n, &shape, "axis", 0);
	const char *both = onnx_step(n, &shape, "sizes");
	Elem ones = onnx_elem(n, "fill");
	onnx_set(n, &ones, "shape", arena_printf(n->o->scratch, "@%s", both));
	onnx_set(n, &ones, "value", "1");
	const char *all = onnx_step(n, &ones, "ones");
	Elem part = onnx_elem(n, "trilu");
	onnx_arg_id(n, &part, all);
	onnx_set_flag(n, &part, "upper", past);
	const char *half = onnx_step(n, &part, past ? "upper" : "lower");
	if (past) {
		Elem turned = onnx_elem(n, "strided_slice");
		onnx_arg_id(n, &turned, half);
		onnx_set(n, &turned, "starts", "-1,-1");
		onnx_set(n, &turned, "ends", "-2147483648,-2147483648");
		onnx_set(n, &turned, "steps", "-1,-1");
		half = onnx_step(n, &turned, "turned");
	}
	return onnx_do(n, "seen", "gt", half, "0");
}

/* What hides keys. */
typedef struct Hiding {
	const char *mask; /* or NULL */
	bool truths;      /* it says which keys are seen; else it is added */
	bool causal;      /* the element's own flag */
	bool rows;        /* a query may be left without keys */
} Hiding;

static Hiding attention_mask(OnnxCall *n, const Heads *h)
{
	const char *mask = onnx_in_id(n, 3);
	Hiding y = { mask, mask && onnx_type(n, 3) == DT_bool, false, mask != NULL };
	int time = h->folded ? 1 : 2;
	bool square = told_size(n, 0, time) && told_size(n, 0, time) == told_size(n, 1, time);
	if (!onnx_attr_int(n, "is_causal", 0))
		return y;
	y.causal = !mask && (onnx_in(n, 4) || square);
	if (y.causal)
		return y;
	const char *half = triangle(n, h);
	y.truths = y.truths || !mask;
	y.mask = !mask      ? half
		 : y.truths ? onnx_do(n, "masks", "and", mask, half)
			    : onnx_do(n, "masks", "add", mask, mask_of(n, half, "causal"));
	return y;
}

/* A query that the masks keep from all keys gives zeros. */
static Elem guarded_rows(OnnxCall *n, const char *y, const Hiding *h)
{
	const char *mask = h->mask;
	if (h->truths) {
		Elem number = onnx_elem(n, "cast");
		onnx_arg_id(n, &number, mask);
		onnx_set(n, &number, "to", "i32");
		mask = onnx_step(n, &number, "number");
	}
	Elem most = onnx_elem(n, "reduce_max");
	onnx_arg_id(n, &most, mask);
	onnx_set(n, &most, "axes", "-1");
	onnx_set_flag(n, &most, "keepdims", true);
	const char *seen = onnx_step(n, &most, "most");
	Elem e = onnx_elem(n, "select");
	onnx_arg_id(n, &e,
		    h->truths ? onnx_do(n, "blind", "eq", seen, "0")
			      : onnx_do(n, "blind", "isinf", seen, NULL));
	onnx_arg_id(n, &e, "0");
	onnx_arg_id(n, &e, y);
	return e;
}

static bool attention_form(OnnxCall *n)
{
	onnx_ignore(n, "softmax_precision");
	onnx_ignore(n, "qk_matmul_output_mode");
	if (onnx_attr_float(n, "softcap", 0) != 0)
		return onnx_no(n, NULL, "with softcap");
	if (onnx_attr_int(n, "left_window_size", -1) >= 0 ||
	    onnx_attr_int(n, "right_window_size", -1) >= 0)
		return onnx_no(n, "a mask says the same", "with a window");
	if (onnx_in(n, 6))
		return onnx_no(n, "a mask says the same", "with nonpad_kv_seqlen");
	return onnx_leave_out(n, 3, "with the scores as an output");
}

bool onnx_map_attention(OnnxCall *n)
{
	Heads h = { 0 };
	if (!attention_form(n) || !read_heads(n, &h))
		return false;
	Hiding hiding = attention_mask(n, &h);
	Elem e = onnx_elem(n, "attention");
	onnx_arg_id(n, &e, h.q);
	onnx_arg_id(n, &e, h.k);
	onnx_arg_id(n, &e, h.v);
	onnx_arg_id(n, &e, hiding.mask);
	if (onnx_has_attr(n, "scale"))
		onnx_set_num(n, &e, "scale", onnx_attr_float(n, "scale", 0));
	if (hiding.causal)
		onnx_set_flag(n, &e, "causal", true);
	if (hiding.rows)
		e = guarded_rows(n, onnx_step(n, &e, "seen_by"), &hiding);
	if (!h.folded)
		return onnx_result(n, &e, onnx_type(n, 0));
	const char *y = exchange(n, onnx_step(n, &e, "heads"), "0,2,1,3", "rows");
	Elem fold = onnx_elem(n, "reshape");
	onnx_arg_id(n, &fold, y);
	onnx_set(n, &fold, "shape", "0,0,-1");
	return onnx_result(n, &fold, onnx_type(n, 0));
}
