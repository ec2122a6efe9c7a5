/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The verifier of kernels. One walk over the statements keeps what is true at each place: the open
 * axes, the variables that are declared, whether something may skip the place. A value is judged by
 * itself once (operator, operands, type) and against the place wherever a statement uses it.
 *
 * Accesses: an index that is a sum of axes which all run over their full extents, in a statement
 * that nothing guards, takes every value of its range, so the whole range must lie inside the
 * buffer. Of any other index only what interval arithmetic excludes is a fault: a range that lies
 * outside as a whole. The interpreter checks the rest when it runs. */
#include "ir/kernel_text.h"
#include "ir/node.h"
#include <string.h>

enum { MOST_LANES = 1024, MOST_COPIES = 1 << 16, MOST_FAULTS = 50 };

typedef struct NodeState {
	const Node *judged; /* NULL: not yet */
	bool sound;
	uint64_t needs;       /* axes that must be open */
	uint64_t lanes;       /* vector axes by which it differs from lane to lane */
	uint32_t at, at_open; /* number of the statement that looked at it last; without a guard */
} NodeState;

typedef struct VarState {
	bool declared;
	int registers;  /* of a matrix: their axis + 1 */
	uint64_t needs; /* axes that must be open where it is used */
} VarState;

typedef struct Verifier {
	const Kernel *k;
	Arena *arena;
	Builder *types; /* of a graph aside, for inference */
	NodeState *node;
	VarState *var;
	Range *span;
	VEC(int) declared;
	VEC(KernelNote) fault;
	VEC(Loc) place; /* of each fault, where a text was read */
	const Stmt *stmt;
	Loc value; /* under judgement; line 0: none, or not from a text */
	uint32_t n_stmt;
	uint64_t open;            /* axes of the loops around */
	uint64_t full;            /* of these, those without bounds of their own */
	uint64_t bound[MAX_AXES]; /* what the bounds of an open loop depend on */
	int vector, guards;       /* the open vector axis or -1; conditions around */
	bool threads;             /* lanes are threads: they may go different ways */
	int apart;                /* conditions and bounds around on which lanes differ */
	int never;                /* loops around that do not run at all */
	bool silent;              /* nothing to print: a statement names what is not there */
} Verifier;

static void fault(Verifier *v, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void fault(Verifier *v, const char *fmt, ...)
{
	va_list ap;
	Str s;
	if (v->fault.n == MOST_FAULTS)
		return;
	str_init(&s, v->arena);
	va_start(ap, fmt);
	str_vfmt(&s, fmt, ap);
	va_end(ap);
	Loc loc = v->value.line ? v->value : v->stmt ? v->stmt->loc : v->k->loc;
	vec_push(v->arena, &v->fault, ((KernelNote){ v->stmt, str_text(&s), 0 }));
	vec_push(v->arena, &v->place, loc);
}

static bool is_lanes(const Kernel *k, int axis)
{
	return k->axis.at[axis].kind == AX_VECTOR;
}

static bool is_copies(const Kernel *k, int64_t axis)
{
	AxisKind kind = k->axis.at[axis].kind;
	return kind == AX_VECTOR || kind == AX_UNROLL;
}

/* --- values by themselves -------------------------------------------------------------------- */

static const char *type_name(const Node *n)
{
	return n->type->rank ? "a tensor" : dtype_info[n->type->dtype].name;
}

/* The type an operator gives; elementwise ones are inferred as in a graph. */
static const Type *infer(Verifier *v, const Node *n)
{
	if (n->op == OP_axis)
		return type_scalar(v->k->ctx, DT_i64);
	if (n->op == OP_var)
		return type_scalar(v->k->ctx, v->k->var.at[ATTR_OF(n, index)->index].dtype);
	if (n->op == OP_load)
		return type_scalar(v->k->ctx, v->k->buf.at[ATTR_OF(n, index)->index].dtype);
	if (n->op == OP_const)
		return n->type;
	if (op_info(n->op)->attr == ATTR_axes_RECORD)
		return n->in[0]->type;
	if (n->op == OP_fma)
		return dtype_is_float(n->in[0]->type->dtype) && n->in[1]->type == n->in[0]->type &&
				       n->in[2]->type == n->in[0]->type
			       ? n->in[0]->type
			       : NULL;
	if (n->op == OP_pack_bf16)
		return n->in[0]->type->dtype == DT_f32 && n->in[1]->type->dtype == DT_f32
			       ? type_scalar(v->k->ctx, DT_i32)
			       : NULL;
	v->types->failed = false;
	v->types->loc = n->loc;
	return infer_node(v->types, n->op, n->attr, n->in, n->n_in);
}

static bool check_arity(Verifier *v, const Node *n)
{
	const OpInfo *info = op_info(n->op);
	int rank = n->op == OP_load ? v->k->buf.at[ATTR_OF(n, index)->index].rank : -1;
	if (rank >= 0 ? n->n_in == rank : n->n_in >= info->min_in && n->n_in <= info->max_in)
		return true;
	fault(v, "%s has %d operands", info->name, n->n_in);
	return false;
}

static bool check_fold(Verifier *v, const Node *n, uint64_t *needs)
{
	const Ints *axes = &ATTR_OF(n, axes)->axes;
	uint64_t over = 0;
	for (int i = 0; i < axes->n; i++) {
		uint64_t bit = (uint64_t)1 << axes->v[i];
		if (axes->v[i] >= v->k->axis.n || !is_copies(v->k, axes->v[i]) || (over & bit) ||
		    !(*needs & bit)) {
			fault(v,
			      "%s runs over unroll and vector axes that its operand depends on, "
			      "each once",
			      op_info(n->op)->name);
			return false;
		}
		over |= bit;
	}
	*needs &= ~over;
	if (!over)
		fault(v, "%s runs over nothing", op_info(n->op)->name);
	return over != 0;
}

static bool check_type(Verifier *v, const Node *n)
{
	const Type *t = infer(v, n);
	for (int i = 0; n->op == OP_load && i < n->n_in; i++)
		if (n->in[i]->type->dtype != DT_i64) {
			fault(v, "index %d of a load is %s, not i64", i, type_name(n->in[i]));
			return false;
		}
	if (t == n->type && t->rank == 0)
		return true;
	if (t)
		fault(v, "%s gives %s here, not %s", op_info(n->op)->name,
		      dtype_info[t->dtype].name, type_name(n));
	else
		fault(v, "%s does not take these operands", op_info(n->op)->name);
	return false;
}

/* Does the operator belong here, and what it names exist? Of variables it is enough that they are
 * there: whether they are declared depends on the place. */
static bool check_names(Verifier *v, const Node *n)
{
	int64_t i = n->op == OP_axis || n->op == OP_var || n->op == OP_load
			    ? ATTR_OF(n, index)->index
			    : 0;
	int64_t there = n->op == OP_axis   ? v->k->axis.n
			: n->op == OP_var  ? v->k->var.n
			: n->op == OP_load ? v->k->buf.n
					   : 1;
	bool known = n->op < OP_COUNT && ((op_info(n->op)->levels & LEVEL_K) || n->op == OP_const);
	bool own = n->id < (uint32_t)v->k->next_id && !v->node[n->id].judged;
	if (known && i >= 0 && i < there && own)
		return true;
	v->silent = true;
	fault(v, !known ? "an operator of graphs is left"
		 : own  ? "a value names what is not there"
			: "a value has the number of another one");
	return false;
}

static bool judge(Verifier *v, const Node *n);

static bool judge_parts(Verifier *v, const Node *n, NodeState *s)
{
	bool sound = true;
	for (int i = 0; i < n->n_in; i++) {
		if (n->in[i]->id >= n->id) {
			fault(v, "an operand comes after its user");
			v->silent = true;
			return false;
		}
		sound = judge(v, n->in[i]) && sound;
		s->needs |= v->node[n->in[i]->id].needs;
		s->lanes |= v->node[n->in[i]->id].lanes;
	}
	return sound;
}

static bool judge_itself(Verifier *v, const Node *n, NodeState *s)
{
	bool fold = op_info(n->op)->attr == ATTR_axes_RECORD;
	if (!check_arity(v, n) || !check_type(v, n))
		return false;
	if (n->op == OP_axis)
		s->needs = s->lanes = (uint64_t)1 << ATTR_OF(n, index)->index;
	if (n->op == OP_var) {
		s->needs = v->var[ATTR_OF(n, index)->index].needs;
		s->lanes = v->k->var.at[ATTR_OF(n, index)->index].axes;
	}
	if (fold && !check_fold(v, n, &s->needs))
		return false;
	s->lanes &= s->needs;
	return true;
}

static bool judge(Verifier *v, const Node *n)
{
	if (n->id < (uint32_t)v->k->next_id && v->node[n->id].judged == n)
		return v->node[n->id].sound;
	if (!check_names(v, n))
		return false;
	NodeState *s = &v->node[n->id];
	s->judged = n;
	if (!judge_parts(v, n, s))
		return false;
	v->value = n->loc;
	s->sound = judge_itself(v, n, s);
	v->value = (Loc){ 0 };
	return s->sound;
}

/* --- memory ---------------------------------------------------------------------------------- */

/* The position of an access, when it takes every value of the range: a sum of axes that all run
 * over their whole extents. */
static bool exact_position(const Verifier *v, const Buf *b, Node *const *at, Range *out)
{
	int64_t coef[MAX_AXES] = { 0 }, far;
	*out = (Range){ 0, 0 };
	for (int i = 0; i < b->rank; i++)
		if (!kernel_affine(at[i], b->stride[i], coef, &out->min))
			return false;
	out->max = out->min;
	for (int i = 0; i < v->k->axis.n; i++) {
		const Axis *a = &v->k->axis.at[i];
		if (coef[i] == 0)
			continue;
		if (!(v->full >> i & 1) || a->extent < 1 ||
		    __builtin_mul_overflow(coef[i], a->extent - 1, &far) ||
		    __builtin_add_overflow(far < 0 ? out->min : out->max, far,
					   far < 0 ? &out->min : &out->max))
			return false;
	}
	return true;
}

static Range rough_position(const Verifier *v, const Buf *b, Node *const *at)
{
	__int128 min = 0, max = 0;
	for (int i = 0; i < b->rank; i++) {
		Range r = kernel_range(v->k, at[i]);
		__int128 x = (__int128)r.min * b->stride[i], y = (__int128)r.max * b->stride[i];
		min += x < y ? x : y;
		max += x < y ? y : x;
	}
	return (Range){ min < INT64_MIN ? INT64_MIN : (int64_t)min,
			max > INT64_MAX ? INT64_MAX : (int64_t)max };
}

static void check_access(Verifier *v, int buf, Node *const *at, bool guarded)
{
	const Buf *b = &v->k->buf.at[buf];
	Range r, span = v->span[buf];
	if (v->never)
		return;
	bool exact = !guarded && exact_position(v, b, at, &r);
	if (!exact)
		r = rough_position(v, b, at);
	if (exact ? r.min >= span.min && r.max <= span.max : r.min <= span.max && r.max >= span.min)
		return;
	fault(v, "the access reaches positions %lld to %lld of a buffer that has %lld to %lld",
	      (long long)r.min, (long long)r.max, (long long)span.min, (long long)span.max);
}

/* --- values at their place ------------------------------------------------------------------- */

typedef struct Use {
	bool guarded, names_target; /* it mentions the variable that the statement sets */
} Use;

static void use_value(Verifier *v, const Node *n, bool guarded, Use *u)
{
	NodeState *s = &v->node[n->id];
	if (s->at == v->n_stmt && (guarded || s->at_open == v->n_stmt))
		return;
	s->at = v->n_stmt;
	if (!guarded)
		s->at_open = v->n_stmt;
	int64_t index = n->op == OP_var || n->op == OP_load ? ATTR_OF(n, index)->index : 0;
	if (n->op == OP_var && !v->var[index].declared)
		fault(v, "a variable is used where it is not declared");
	u->names_target = u->names_target || (n->op == OP_var && index == v->stmt->var);
	v->value = n->loc;
	if (n->op == OP_load)
		check_access(v, (int)index, n->in, guarded);
	v->value = (Loc){ 0 };
	uint64_t full = v->full;
	const Ints *over =
		op_info(n->op)->attr == ATTR_axes_RECORD ? &ATTR_OF(n, axes)->axes : NULL;
	for (int i = 0; over && i < over->n; i++)
		v->full |= (uint64_t)1 << over->v[i];
	for (int i = 0; i < n->n_in; i++)
		use_value(v, n->in[i], guarded || (n->op == OP_select && i > 0), u);
	v->full = full;
}

/* Everything that statement s computes; false when a value of it is not sound. */
static bool use_operands(Verifier *v, const Stmt *s, Use *u)
{
	Node *operand[MAX_OPERANDS];
	int n = stmt_operands(v->k, s, operand);
	bool sound = true;
	*u = (Use){ .guarded = v->guards > 0 };
	for (int i = 0; i < n; i++) {
		sound = judge(v, operand[i]) && sound;
		if (v->silent)
			return false;
	}
	for (int i = 0; sound && i < n; i++) {
		uint64_t needs = v->node[operand[i]->id].needs;
		if ((needs & ~v->open) && s->kind != S_MMA) /* which opens its axes by itself */
			fault(v, "a value depends on an axis that is not open here");
		if (needs != operand[i]->axes)
			fault(v, "a value's set of axes is not that of its parts");
		use_value(v, operand[i], u->guarded, u);
	}
	return sound;
}

static bool by_lanes(const Verifier *v, const Node *n)
{
	return v->vector >= 0 && (v->node[n->id].lanes >> v->vector & 1);
}

/* The axes that decide the value, also by the bounds of loops. */
static uint64_t depends_on(const Verifier *v, const Node *n)
{
	uint64_t needs = n ? v->node[n->id].needs : 0, all = needs;
	for (int i = 0; i < v->k->axis.n; i++)
		if (needs & v->open & (uint64_t)1 << i)
			all |= v->bound[i];
	return all;
}

static void want_type(Verifier *v, const Node *n, DType t, const char *what)
{
	if (n->type->dtype != t)
		fault(v, "%s is %s, not %s", what, type_name(n), dtype_info[t].name);
}

/* --- statements ------------------------------------------------------------------------------ */

static void check_bound(Verifier *v, const Node *n, const Axis *a, const char *what)
{
	if (!n)
		return;
	want_type(v, n, DT_i64, what);
	if (by_lanes(v, n) && !v->threads)
		fault(v, "%s of a loop depends on a vector axis", what);
	Range r = kernel_range(v->k, n);
	if (r.min > a->extent || r.max < 0)
		fault(v, "%s of a loop lies outside of 0 to %lld", what, (long long)a->extent);
}

static void check_loop(Verifier *v, const Stmt *s)
{
	const Axis *a = &v->k->axis.at[s->axis];
	bool bounds = s->lo || s->hi;
	if (v->open >> s->axis & 1)
		fault(v, "the axis is open already");
	if (a->extent < 0 || a->extent > MAX_ELEMENTS)
		fault(v, "the axis has no usable extent");
	if (a->kind != AX_LOOP && bounds)
		fault(v, "only the bounds of a plain loop can be set");
	if (a->kind == AX_TASK && (v->open || v->guards))
		fault(v, "tasks are shared out by the outermost loop");
	if (a->kind == AX_TASK && a->extent != v->k->n_tasks)
		fault(v, "the kernel has %lld tasks, not %lld", (long long)v->k->n_tasks,
		      (long long)a->extent);
	if (a->kind == AX_UNROLL && a->extent > MOST_COPIES)
		fault(v, "at most %d copies can be unrolled", MOST_COPIES);
	if (a->kind == AX_VECTOR && v->vector >= 0)
		fault(v, "a vector axis is open already");
	if (a->kind == AX_VECTOR && (a->lanes < 1 || a->lanes > MOST_LANES || a->extent > a->lanes))
		fault(v, "a vector has 1 to %d lanes, of which at most all are active", MOST_LANES);
	check_bound(v, s->lo, a, "the lower bound");
	check_bound(v, s->hi, a, "the upper bound");
}

static void check_assigned(Verifier *v, const Stmt *s)
{
	const Var *var = &v->k->var.at[s->var];
	want_type(v, s->value, var->dtype, "the value");
	if (by_lanes(v, s->value) && !(var->axes >> v->vector & 1))
		fault(v, "a variable without lanes gets a vector");
}

static void check_var(Verifier *v, const Stmt *s)
{
	const Var *var = &v->k->var.at[s->var];
	VarState *state = &v->var[s->var];
	int64_t copies = 1;
	if (state->declared)
		fault(v, "the variable is declared already");
	if (var->axes & ~v->open)
		fault(v, "the variable is indexed by an axis that is not open");
	for (int i = 0; i < v->k->axis.n; i++) {
		if (!(var->axes >> i & 1))
			continue;
		if (!is_copies(v->k, i))
			fault(v, "a variable is indexed by unroll and vector axes alone");
		else if (copies <= MOST_COPIES)
			copies *= v->k->axis.at[i].extent;
	}
	if (copies > MOST_COPIES)
		fault(v, "the variable has more than %d copies", MOST_COPIES);
	check_assigned(v, s);
	state->declared = true;
	state->needs = var->axes | v->open;
	vec_push(v->arena, &v->declared, s->var);
}

static void check_set(Verifier *v, const Stmt *s, const Use *u)
{
	const Var *var = &v->k->var.at[s->var];
	const VarState *state = &v->var[s->var];
	if (!state->declared)
		fault(v, "a variable is set where it is not declared");
	else if (state->needs & ~v->open)
		fault(v, "the variable is indexed by an axis that is not open");
	if (v->vector >= 0 && !((var->axes | state->needs) >> v->vector & 1) && u->names_target)
		fault(v, "a variable without lanes is updated inside a vector");
	check_assigned(v, s);
}

/* May several lanes or tasks write one element? Constants may: they all write the same. */
static void check_race(Verifier *v, const Stmt *s)
{
	const Buf *b = &v->k->buf.at[s->buf];
	uint64_t where = 0;
	for (int i = 0; i < b->rank; i++)
		where |= depends_on(v, s->at[i]);
	if (s->value->op == OP_const)
		return;
	if (by_lanes(v, s->value) && !(where >> v->vector & 1))
		fault(v, "all lanes of a vector are stored to one element");
	if (b->space == BUF_SCRATCH || v->k->n_tasks <= 1 || v->guards)
		return;
	bool shared = true;
	for (int i = 0; i < v->k->axis.n; i++)
		if ((where & v->open) >> i & 1)
			shared = shared && v->k->axis.at[i].kind != AX_TASK;
	if (shared)
		fault(v, "all tasks store to one element");
}

static void check_store(Verifier *v, const Stmt *s, const Use *u)
{
	const Buf *b = &v->k->buf.at[s->buf];
	want_type(v, s->value, b->dtype, "the value");
	for (int i = 0; i < b->rank; i++)
		want_type(v, s->at[i], DT_i64, "an index");
	check_access(v, s->buf, s->at, u->guarded);
	check_race(v, s);
}

static void check_if(Verifier *v, const Stmt *s)
{
	want_type(v, s->cond, DT_bool, "the condition");
	if (by_lanes(v, s->cond) && !v->threads)
		fault(v, "the condition of a statement depends on a vector axis");
}

/* A matrix in registers: a variable of the type, by lanes and by an axis of so many registers. */
static void check_fragment(Verifier *v, int var, const Node *axis, int lanes, DType t,
			   int64_t registers)
{
	const Var *x = &v->k->var.at[var];
	if (axis->op != OP_axis || x->dtype != t) {
		fault(v, "a matrix of a warp is a variable of %s and an axis", dtype_info[t].name);
		return;
	}
	int64_t a = ATTR_OF(axis, index)->index;
	uint64_t own = (uint64_t)1 << a | (uint64_t)1 << lanes;
	if (v->k->axis.at[a].kind != AX_UNROLL || v->k->axis.at[a].extent != registers ||
	    (own & ~x->axes))
		fault(v, "a matrix of a warp has its lanes and %lld registers",
		      (long long)registers);
	if (v->var[var].registers && v->var[var].registers != a + 1)
		fault(v, "a matrix of a warp has its registers along another axis before");
	v->var[var].registers = (int)a + 1;
	if (!v->var[var].declared || (v->var[var].needs & ~v->open & ~own))
		fault(v, "a matrix of a warp is not declared here");
}

static void check_mma(Verifier *v, const Stmt *s)
{
	const Axis *lanes = &v->k->axis.at[s->axis];
	if (lanes->kind != AX_VECTOR || lanes->extent % 32 || (v->open >> s->axis & 1))
		fault(v,
		      "matrices are multiplied by whole warps of a vector axis that is not open");
	if (s->at[0]->op != OP_var || s->at[1]->op != OP_var) {
		fault(v, "the factors are variables");
		return;
	}
	check_fragment(v, s->var, s->at[2], s->axis, DT_f32, 4);
	check_fragment(v, (int)ATTR_OF(s->at[0], index)->index, s->at[3], s->axis, DT_i32, 4);
	check_fragment(v, (int)ATTR_OF(s->at[1], index)->index, s->at[4], s->axis, DT_i32, 2);
}

static void check_values(Verifier *v, const Stmt *s)
{
	Use u;
	if (!use_operands(v, s, &u))
		return;
	switch (s->kind) {
	case S_LOOP: check_loop(v, s); return;
	case S_VAR: check_var(v, s); return;
	case S_SET: check_set(v, s, &u); return;
	case S_STORE: check_store(v, s, &u); return;
	case S_IF: check_if(v, s); return;
	case S_MMA: check_mma(v, s); return;
	case S_BARRIER:
		if (v->apart)
			fault(v, "not all lanes come to the barrier");
		return;
	case S_BLOCK:
	case STMT_KINDS: return;
	}
}

/* What the form of the statement names must be there before anything looks at it. */
static bool check_form(Verifier *v, const Stmt *s)
{
	bool there = (unsigned)s->kind < STMT_KINDS;
	for (const StmtItem *item = there ? stmt_form[s->kind].item : NULL; there && *item;
	     item++) {
		if (*item == ITEM_AXIS || *item == ITEM_LANES)
			there = s->axis >= 0 && s->axis < v->k->axis.n;
		if (*item == ITEM_VAR || *item == ITEM_NEW_VAR)
			there = s->var >= 0 && s->var < v->k->var.n;
		if (*item == ITEM_PLACE)
			there = s->buf >= 0 && s->buf < v->k->buf.n;
		if (*item == ITEM_VALUE)
			there = s->value != NULL;
		if (*item == ITEM_COND)
			there = s->cond != NULL;
	}
	Node *operand[MAX_OPERANDS];
	for (int i = 0, n = there ? stmt_operands(v->k, s, operand) : 0; there && i < n; i++)
		there = operand[i] != NULL;
	if (there)
		return true;
	v->silent = true;
	fault(v, "a statement names what is not there");
	return false;
}

static void walk(Verifier *v, const Stmt *s);

/* What was declared inside ends with it, except what the axis of the loop indexes. */
static void leave_body(Verifier *v, int mark, const Stmt *s)
{
	int kept = mark;
	for (int i = mark; i < v->declared.n; i++) {
		int var = v->declared.at[i];
		if (s->kind == S_LOOP && (v->k->var.at[var].axes >> s->axis & 1))
			v->declared.at[kept++] = var;
		else
			v->var[var].declared = false;
	}
	v->declared.n = kept;
}

static void walk_body(Verifier *v, const Stmt *s)
{
	uint64_t open = v->open, full = v->full;
	int vector = v->vector, mark = v->declared.n;
	if (s->kind == S_LOOP) {
		uint64_t bit = (uint64_t)1 << s->axis;
		v->open |= bit;
		v->full = s->lo || s->hi ? v->full & ~bit : v->full | bit;
		v->vector = is_lanes(v->k, s->axis) ? s->axis : vector;
		v->bound[s->axis] = depends_on(v, s->lo) | depends_on(v, s->hi);
	}
	bool never = s->kind == S_LOOP && v->k->axis.at[s->axis].extent == 0;
	v->never += never;
	bool apart = (s->cond && by_lanes(v, s->cond)) || (s->lo && by_lanes(v, s->lo)) ||
		     (s->hi && by_lanes(v, s->hi));
	v->apart += apart;
	v->guards += s->kind == S_IF;
	walk(v, s->body);
	v->apart -= apart;
	v->guards -= s->kind == S_IF;
	v->never -= never;
	leave_body(v, mark, s);
	v->open = open;
	v->full = full;
	v->vector = vector;
}

static void walk(Verifier *v, const Stmt *s)
{
	for (; s && !v->silent; s = s->next) {
		v->stmt = s;
		v->n_stmt++;
		if (!check_form(v, s))
			return;
		check_values(v, s);
		if (s->body)
			walk_body(v, s);
	}
}

/* --- the kernel as a whole ------------------------------------------------------------------- */

static void check_buf(Verifier *v, int i)
{
	const Buf *b = &v->k->buf.at[i];
	const char *name = v->k->loc.line ? b->name : arena_printf(v->arena, "buffer %d", i);
	int64_t bytes = dtype_info[b->dtype].bytes;
	if (b->rank < 0 || b->rank > MAX_RANK || !buf_span(b, &v->span[i])) {
		fault(v, "%s has no countable elements", name);
		v->span[i] = (Range){ 0, 0 };
		return;
	}
	if (b->align < 1 || (b->align & (b->align - 1)))
		fault(v, "%s has an alignment that is not a power of two", name);
	if (b->space == BUF_ARG)
		return;
	if (b->offset < 0 || v->span[i].min < 0 || b->offset % bytes ||
	    b->offset + (v->span[i].max + 1) * bytes > v->k->scratch_bytes)
		fault(v, "%s does not lie inside of the %lld bytes of scratch", name,
		      (long long)v->k->scratch_bytes);
}

/* Where no text gave a place to the statements, the canonical text does. */
static void report(Verifier *v, Str *dump)
{
	Context *c = v->k->ctx;
	const char *name = *v->k->name ? sym(c, v->k->name) : "kernel";
	Str text;
	str_init(&text, c->arena);
	if (!v->silent)
		kernel_print_notes(&text, v->k, v->fault.at, v->fault.n);
	diag_source(c->diag, name, str_text(&text), text.n);
	for (int i = 0; i < v->fault.n; i++) {
		const KernelNote *f = &v->fault.at[i];
		Loc loc = { .file = name, .line = f->line };
		bool read = v->place.at[i].line;
		diag_error(c->diag, read ? v->place.at[i] : loc, read ? E5005 : E7001, "kernel: %s",
			   f->text);
	}
	if (dump && !v->silent)
		kernel_print_notes(dump, v->k, v->fault.at, v->fault.n);
}

bool kernel_verify(const Kernel *k, bool threads, Str *dump)
{
	Arena *a = arena_create();
	Verifier v = { .k = k, .arena = a, .threads = threads, .vector = -1 };
	v.types = builder_create(graph_create(k->ctx, a, "kernel"));
	v.node = ARENA_ARRAY(a, NodeState, k->next_id + 1);
	v.var = ARENA_ARRAY(a, VarState, k->var.n + 1);
	v.span = ARENA_ARRAY(a, Range, k->buf.n + 1);
	if (k->axis.n > MAX_AXES || k->scratch_bytes < 0 || k->n_tasks < 0) {
		fault(&v, "it has too many axes, or a negative size");
		v.silent = true;
	}
	for (int i = 0; i < k->buf.n; i++)
		check_buf(&v, i);
	walk(&v, k->body);
	bool ok = v.fault.n == 0;
	if (!ok)
		report(&v, dump);
	arena_destroy(a);
	return ok;
}
