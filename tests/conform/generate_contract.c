/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Products, convolutions, attention, recurrences, interpolation. */
#include "tests/conform/generate.h"

static DType contract_type(Case *c)
{
	static const DType other[] = { DT_f64, DT_f16, DT_bf16 };
	return c->smooth || chance(c, 85) ? DT_f32 : other[pick(c, 0, 2)];
}

/* What a convolution multiplies a border's zeros by: whether they are multiplied at all is left open,
 * which of infinities makes NaN or nothing. A transform mixes the elements of a tile, so that an
 * infinity spreads over it. */
static Domain border_factor(const Case *c)
{
	return c->values == VALUES_SPECIAL ? between(-4, 4) : any;
}

void make_matmul(Case *c, Op op)
{
	int64_t x[MAX_RANK], w[MAX_RANK], m = some_size(c), k = some_size(c), n = some_size(c);
	int lead = (int)pick(c, -2, 2);
	lead = lead < 0 ? 0 : lead;
	bool tx = chance(c, 30), tw = chance(c, 30);
	DType t = chance(c, 90) ? contract_type(c) : DT_i32;
	if (chance(c, 3))
		k = 0;
	for (int i = 0; i < lead; i++)
		x[i] = w[i] = pick(c, 1, 3);
	x[lead] = tx ? k : m;
	x[lead + 1] = tx ? m : k;
	w[lead] = tw ? n : k;
	w[lead + 1] = tw ? k : n;
	Node *in[2] = { case_operand(c, t, lead + 2, x, any),
			case_operand(c, t, lead + 2, w, any) };
	case_result(c, case_emit(c, op, in, 2, "trans_x=%d;trans_w=%d", tx, tw));
}

/* --- convolution ------------------------------------------------------------------------------ */

typedef struct ConvCase {
	int64_t n, groups, in, out; /* channels of a group */
	int64_t size[2], kernel[2], stride[2], dilation[2], pad[4];
} ConvCase;

static ConvCase conv_case(Case *c, int64_t least_pad)
{
	ConvCase v = { .n = pick(c, 1, 2), .groups = 1, .in = some_size(c), .out = some_size(c) };
	if (chance(c, 40)) {
		v.groups = chance(c, 40) ? some_size(c) : pick(c, 2, 4);
		v.in = chance(c, 50) ? 1 : pick(c, 1, 9);
		v.out = chance(c, 50) ? 1 : pick(c, 1, 9);
	}
	for (int d = 0; d < 2; d++) {
		v.kernel[d] = chance(c, 30) ? 1 : pick(c, 1, 4);
		v.stride[d] = chance(c, 60) ? 1 : pick(c, 1, 5);
		v.dilation[d] = chance(c, 70) ? 1 : pick(c, 1, 3);
		int64_t extent = (v.kernel[d] - 1) * v.dilation[d] + 1;
		for (int side = 0; side < 2; side++)
			v.pad[d + 2 * side] = chance(c, 40) ? 0 : pick(c, least_pad, 3);
		v.size[d] = pick(c, 1, 12);
		if (v.size[d] + v.pad[d] + v.pad[d + 2] < extent)
			v.size[d] = extent;
	}
	return v;
}

void make_conv(Case *c, Op op)
{
	ConvCase v = conv_case(c, 0);
	bool last = chance(c, 40);
	int64_t in = v.groups * v.in, out = v.groups * v.out;
	DType t = contract_type(c);
	Node *x[2];
	x[0] = last ? case_operand(c, t, 4, DIMS(v.n, v.size[0], v.size[1], in), any)
		    : case_operand(c, t, 4, DIMS(v.n, in, v.size[0], v.size[1]), any);
	x[1] = last ? case_operand(c, t, 4, DIMS(v.kernel[0], v.kernel[1], v.in, out),
				   border_factor(c))
		    : case_operand(c, t, 4, DIMS(out, v.in, v.kernel[0], v.kernel[1]),
				   border_factor(c));
	case_result(c, case_emit(c, op, x, 2,
				 "stride=%s;pad=%s;dilation=%s;groups=%lld;channels_last=%d",
				 list(c, 2, v.stride), list(c, 4, v.pad), list(c, 2, v.dilation),
				 (long long)v.groups, last));
}

/* Of a convolution that has such sizes. */
void make_conv_dw(Case *c, Op op)
{
	ConvCase v = conv_case(c, 0);
	bool last = chance(c, 40);
	int64_t in = v.groups * v.in, out = v.groups * v.out, to[2];
	int64_t kernel[3] = { v.kernel[0], v.kernel[1], out };
	DType t = contract_type(c);
	Node *x[2];
	for (int d = 0; d < 2; d++)
		to[d] = (v.size[d] + v.pad[d] + v.pad[d + 2] - (v.kernel[d] - 1) * v.dilation[d] -
			 1) / v.stride[d] +
			1;
	x[0] = last ? case_operand(c, t, 4, DIMS(v.n, v.size[0], v.size[1], in), any)
		    : case_operand(c, t, 4, DIMS(v.n, in, v.size[0], v.size[1]), any);
	x[1] = last ? case_operand(c, t, 4, DIMS(v.n, to[0], to[1], out), border_factor(c))
		    : case_operand(c, t, 4, DIMS(v.n, out, to[0], to[1]), border_factor(c));
	case_result(c,
		    case_emit(c, op, x, 2,
			      "stride=%s;pad=%s;dilation=%s;groups=%lld;channels_last=%d;kernel=%s",
			      list(c, 2, v.stride), list(c, 4, v.pad), list(c, 2, v.dilation),
			      (long long)v.groups, last, list(c, 3, kernel)));
}

/* The layers: over an image, or a line of it. */
static Node *conv_layer(Case *c, Op op, const ConvCase *v, const char *more)
{
	bool line = chance(c, 20), back = op == OP_conv_transpose2d;
	int n = line ? 1 : 2, k = 0;
	int64_t in = v->groups * v->in, out = v->groups * v->out, pads[4] = { 0 };
	int64_t x[4] = { v->n, in, v->size[0], v->size[1] };
	int64_t w[4] = { back ? in : out, back ? v->out : v->in, v->kernel[0], v->kernel[1] };
	for (int side = 0; side < 2; side++)
		for (int d = 0; d < n; d++)
			pads[k++] = v->pad[d + 2 * side];
	bool named = chance(c, 25) && !back;
	const char *pad = named ? (chance(c, 50) ? "same" : "same_lower") : list(c, 2 * n, pads);
	DType t = contract_type(c);
	Node *operand[3] = { case_operand(c, t, n + 2, x, any),
			     case_operand(c, t, n + 2, w, border_factor(c)) };
	bool bias = chance(c, 60);
	if (bias)
		operand[2] = case_operand(c, t, 1, &out, any);
	return case_emit(c, op, operand, bias ? 3 : 2,
			 "stride=%s;pad=%s;dilation=%s;groups=%lld;bias=%d%s",
			 list(c, n, v->stride), pad, list(c, n, v->dilation), (long long)v->groups,
			 bias, more);
}

void make_conv2d(Case *c, Op op)
{
	ConvCase v = conv_case(c, 0);
	case_result(c, conv_layer(c, op, &v, ""));
}

void make_conv_transpose2d(Case *c, Op op)
{
	ConvCase v = conv_case(c, 0);
	for (int d = 0; d < 2; d++) {
		int64_t extent = (v.kernel[d] - 1) * v.dilation[d] + 1;
		if (v.pad[d] > (extent - 1) / 2)
			v.pad[d] = (extent - 1) / 2;
		if (v.pad[d + 2] > (extent - 1) / 2)
			v.pad[d + 2] = (extent - 1) / 2;
		v.size[d] = pick(c, 1, 7);
		v.stride[d] = pick(c, 1, 3);
	}
	case_result(c, conv_layer(c, op, &v, ""));
}

/* --- layers that are products ----------------------------------------------------------------- */

void make_linear(Case *c, Op op)
{
	int64_t dim[MAX_RANK], k = some_size(c), n = some_size(c);
	int rank = (int)pick(c, 1, 4);
	bool bias = chance(c, 70);
	DType t = contract_type(c);
	some_dims(c, rank, 300, false, dim);
	dim[rank - 1] = k;
	Node *in[3] = { case_operand(c, t, rank, dim, any),
			case_operand(c, t, 2, DIMS(n, k), any) };
	if (bias)
		in[2] = case_operand(c, t, 1, &n, any);
	case_result(c, case_emit(c, op, in, bias ? 3 : 2, "bias=%d", bias));
}

void make_product(Case *c, Op op)
{
	int64_t x[MAX_RANK], w[MAX_RANK], m = some_size(c), k = some_size(c), n = some_size(c);
	int lx = (int)pick(c, 0, 2), lw = (int)pick(c, 0, 2);
	DType t = contract_type(c);
	for (int i = 0; i < 2; i++) { /* aligned at the end; 1 repeats */
		int64_t d = pick(c, 1, 3);
		if (i >= 2 - lx)
			x[i - (2 - lx)] = chance(c, 30) ? 1 : d;
		if (i >= 2 - lw)
			w[i - (2 - lw)] = chance(c, 30) ? 1 : d;
	}
	x[lx] = m;
	x[lx + 1] = w[lw] = k;
	w[lw + 1] = n;
	bool row = lx == 0 && chance(c, 30), column = lw == 0 && chance(c, 30);
	Node *in[2];
	in[0] = row ? case_operand(c, t, 1, &k, any) : case_operand(c, t, lx + 2, x, any);
	in[1] = column ? case_operand(c, t, 1, &k, any) : case_operand(c, t, lw + 2, w, any);
	case_result(c, case_emit(c, op, in, 2, "%s", ""));
}

void make_gemm(Case *c, Op op)
{
	int64_t m = some_size(c), k = some_size(c), n = some_size(c);
	bool ta = chance(c, 40), tb = chance(c, 40), addend = chance(c, 60);
	DType t = contract_type(c);
	Node *in[3];
	in[0] = ta ? case_operand(c, t, 2, DIMS(k, m), any)
		   : case_operand(c, t, 2, DIMS(m, k), any);
	in[1] = tb ? case_operand(c, t, 2, DIMS(n, k), any)
		   : case_operand(c, t, 2, DIMS(k, n), any);
	if (addend)
		in[2] = chance(c, 30)   ? case_operand(c, t, 1, &n, any)
			: chance(c, 40) ? case_operand(c, t, 2, DIMS(m, 1), any)
			: chance(c, 30) ? case_operand(c, t, 0, NULL, any)
					: case_operand(c, t, 2, DIMS(m, n), any);
	case_result(c,
		    case_emit(c, op, in, addend ? 3 : 2, "alpha=%g;beta=%g;trans_a=%d;trans_b=%d",
			      chance(c, 50) ? 1.0 : 0.5, chance(c, 50) ? 1.0 : 2.0, ta, tb));
}

/* Every letter has one size in a case. */
void make_einsum(Case *c, Op op)
{
	static const char *const equation[] = { "ij,jk->ik",
						"bij,bjk->bik",
						"bhid,bhjd->bhij",
						"bhij,bhjd->bhid",
						"ij->ji",
						"ii->i",
						"ii->",
						"ij->j",
						"ij->",
						"i,i->",
						"i,j->ij",
						"ij,kj->ik",
						"bij,kj->bik",
						"ij,ij->ij",
						"ij,i->ij",
						"abc,cd->abd",
						"abc,bd->acd",
						"ab,cd->abcd",
						"i,ij,j->",
						"ij,jk,kl->il",
						"bld,hd->bhl",
						"ijk->kji",
						"nchw,oc->nohw",
						"abc,abc->ac",
						"ij,ij->i" };
	const char *text = equation[pick(c, 0, (int64_t)(sizeof equation / sizeof *equation) - 1)];
	int64_t size[26], dim[MAX_RANK];
	Node *in[3];
	int n = 0, rank = 0;
	DType t = contract_type(c);
	for (int i = 0; i < 26; i++)
		size[i] = chance(c, 60) ? pick(c, 1, 5) : pick(c, 1, 17);
	for (const char *p = text;; p++) {
		if (*p >= 'a' && *p <= 'z') {
			dim[rank++] = size[*p - 'a'];
			continue;
		}
		in[n++] = case_operand(c, t, rank, dim, any);
		rank = 0;
		if (*p != ',')
			break;
	}
	case_result(c, case_emit(c, op, in, n, "equation=%s", text));
}

/* --- winograd -------------------------------------------------------------------------------- */

void make_winograd(Case *c, Op op)
{
	int64_t n = pick(c, 1, 2), h = some_size(c), w = some_size(c), in_c = some_size(c);
	int64_t out = some_size(c), panel = chance(c, 50) ? 32 : 16, plain = chance(c, 50);
	int64_t x[4] = { n, (h + 3) / 4 * 4 + 2, (w + 3) / 4 * 4 + 2, in_c };
	int64_t u[4] = { (out + panel - 1) / panel, 36, in_c, panel },
		taps[4] = { 3, 3, in_c, out };
	Node *in[2] = { case_operand(c, DT_f32, 4, x, border_factor(c)),
			case_operand(c, DT_f32, 4, plain ? taps : u, border_factor(c)) };
	case_result(c, case_emit(c, op, in, 2, "size=%lld %lld %lld;plain=%d", (long long)h,
				 (long long)w, (long long)out, (int)plain));
}

void make_winograd_tiles(Case *c, Op op)
{
	int64_t gradient = chance(c, 50), border = gradient ? 0 : 2;
	int64_t dim[4] = { pick(c, 1, 3), pick(c, 1, 4) * 4 + border, pick(c, 1, 4) * 4 + border,
			   some_size(c) };
	Node *x = case_operand(c, DT_f32, 4, dim, border_factor(c));
	case_result(c, case_emit(c, op, &x, 1, "gradient=%d", (int)gradient));
}

/* --- attention -------------------------------------------------------------------------------- */

void make_attention(Case *c, Op op)
{
	int64_t b = pick(c, 1, 2), h = pick(c, 1, 3), s = some_size(c), t = some_size(c);
	int64_t d = some_size(c), e = some_size(c), mask[4] = { b, h, s, t };
	DType type = some_float(c);
	bool causal = chance(c, 30);
	if (causal && s > t)
		s = t; /* else the first queries see no key */
	mask[2] = s;
	/* of infinite scores nothing would be known: the edges lie in the values */
	Domain near = c->values == VALUES_SPECIAL ? between(-1, 1) : any;
	Node *in[4] = { case_operand(c, type, 4, DIMS(b, h, s, d), near),
			case_operand(c, type, 4, DIMS(b, h, t, d), near),
			case_operand(c, type, 4, DIMS(b, h, t, e), any) };
	bool masked = chance(c, 60);
	int drop = (int)pick(c, 0, 4);
	for (int i = drop; i < 4; i++)
		mask[i] = chance(c, 40) ? 1 : mask[i];
	if (masked && chance(c, 40))
		in[3] = case_input(c, DT_bool, 4 - drop, mask + drop, any);
	else if (masked)
		in[3] = case_operand(c, type, 4 - drop, mask + drop, near);
	case_result(c, case_emit(c, op, in, masked ? 4 : 3, "causal=%d;scale=%g", causal,
				 chance(c, 50) ? 0.0 : 0.25));
}

/* --- interpolation, recurrences --------------------------------------------------------------- */

void make_resize(Case *c, Op op)
{
	static const char *const mode[] = { "nearest", "linear", "cubic" };
	static const char *const where[] = { "half_pixel", "pytorch_half_pixel", "align_corners",
					     "asymmetric" };
	static const char *const tie[] = { "round_prefer_floor", "round_prefer_ceil", "floor",
					   "ceil" };
	int64_t to[2] = { pick(c, 1, 17), pick(c, 1, 17) };
	Node *x =
		case_operand(c, contract_type(c), 4,
			     DIMS(pick(c, 1, 2), pick(c, 1, 5), pick(c, 1, 9), pick(c, 1, 9)), any);
	const char *m = mode[pick(c, 0, 2)], *w = where[pick(c, 0, 3)], *r = tie[pick(c, 0, 3)];
	if (chance(c, 40))
		case_result(c,
			    case_emit(c, op, &x, 1, "scale=%g,%g;mode=%s;coordinates=%s;nearest=%s",
				      (double)pick(c, 4, 12) / 4, (double)pick(c, 4, 12) / 4, m, w,
				      r));
	else
		case_result(c, case_emit(c, op, &x, 1, "size=%s;mode=%s;coordinates=%s;nearest=%s",
					 list(c, 2, to), m, w, r));
}

void make_rnn(Case *c, Op op)
{
	static const char *const direction[] = { "forward", "reverse", "bidirectional" };
	int64_t steps = pick(c, 1, 4), batch = pick(c, 1, 4), features = pick(c, 1, 17);
	int64_t hidden = chance(c, 70) ? pick(c, 1, 8) : 17, gates = op == OP_lstm  ? 4
								     : op == OP_gru ? 3
										    : 1;
	DType t = some_float(c);
	int way = (int)pick(c, 0, 2), n = 3;
	int64_t d = way == 2 ? 2 : 1, all = gates * hidden;
	bool first = chance(c, 20);
	Node *in[6] = { first ? case_operand(c, t, 3, DIMS(batch, steps, features), any)
			      : case_operand(c, t, 3, DIMS(steps, batch, features), any),
			case_operand(c, t, 3, DIMS(d, all, features), any),
			case_operand(c, t, 3, DIMS(d, all, hidden), any) };
	if (chance(c, 70))
		in[n++] = case_operand(c, t, 2, DIMS(d, 2 * all), any);
	for (int most = op == OP_lstm ? 6 : 5; n >= 4 && n < most && chance(c, 60); n++)
		in[n] = first ? case_operand(c, t, 3, DIMS(batch, d, hidden), any)
			      : case_operand(c, t, 3, DIMS(d, batch, hidden), any);
	case_result(
		c,
		case_emit(c, op, in, n,
			  "hidden=%lld;direction=%s;bias=%d;batch_first=%d;linear_before_reset=%d",
			  (long long)hidden, direction[way], n > 3, first, (int)pick(c, 0, 1)));
}
