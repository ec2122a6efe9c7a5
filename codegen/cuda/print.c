/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Kernel -> CUDA C, the statements.
 *
 * A task is a block, lanes of the vector axis are its threads: what depends on the vector axis is a
 * value of each thread, all else every thread computes for itself; stores of such values are
 * thread 0's. The loop over a vector axis vanishes, or becomes the question which threads take
 * part. A fold over it is a meeting of all threads (burin_fold_... of the prelude). Scratch is
 * shared memory, or where it is too large a part of global memory for each block, of which there
 * are then only as many as run at once. UNROLL axes are loops the compiler unrolls; a variable that
 * they index is an array it keeps in registers.
 *
 * Threads that take no part in a vector loop skip it, unless threads meet inside: then they run it
 * too, and each statement of its own asks who takes part. */
#include "codegen/cuda/internal.h"
#include <stdarg.h>

enum { WARP = 32, MAX_THREADS = 1024, ROOM_BYTES = CUDA_ROOM_WORDS * 8, BLOCKS_PER_CORE = 4 };

void cuda_cannot(CudaEmit *e, const char *what)
{
	if (!e->error)
		e->error = what;
}

void cuda_indent(CudaEmit *e)
{
	for (int i = 0; i < e->depth; i++)
		str_char(e->s, '\t');
}

void cuda_line(CudaEmit *e, const char *fmt, ...)
{
	va_list ap;
	cuda_indent(e);
	va_start(ap, fmt);
	str_vfmt(e->s, fmt, ap);
	va_end(ap);
	str_char(e->s, '\n');
}

int cuda_scope_begin(CudaEmit *e)
{
	return e->undo.n;
}

void cuda_scope_end(CudaEmit *e, int mark)
{
	while (e->undo.n > mark) {
		const struct CudaUndo *u = &e->undo.at[--e->undo.n];
		e->temp[u->node] = u->was;
	}
}

static int number(int *table, int i, int *count)
{
	if (!table[i])
		table[i] = ++*count;
	return table[i] - 1;
}

int cuda_axis_number(CudaEmit *e, int axis)
{
	return number(e->axis, axis, &e->n_axis);
}

int cuda_var_number(CudaEmit *e, int var)
{
	return number(e->var, var, &e->n_var);
}

/* --- what a body changes --------------------------------------------------------------------- */

static void note_changes(CudaEmit *e, const Stmt *s)
{
	for (; s; s = s->next) {
		if (s->kind == S_SET || s->kind == S_VAR || s->kind == S_MMA)
			e->var_time[s->var % 64] = ++e->time;
		if (s->kind == S_STORE)
			e->buf_time[__builtin_ctzll(kernel_buf_bit(e->k, s->buf))] = ++e->time;
		note_changes(e, s->body);
	}
}

/* Must all threads of the block run s, even those that take no part in its vector axis? Where they
 * meet, or where a variable that they share by value changes. */
static bool all_must_run(const CudaEmit *e, const Stmt *s, uint64_t declared)
{
	for (; s; s = s->next) {
		Node *operand[MAX_OPERANDS];
		for (int i = 0, n = stmt_operands(e->k, s, operand); i < n; i++)
			if (e->fact[operand[i]->id].meets)
				return true;
		if (s->kind == S_BARRIER || s->kind == S_MMA)
			return true;
		if (s->kind == S_VAR)
			declared |= (uint64_t)1 << s->var % 64;
		if (s->kind == S_SET && !(declared >> s->var % 64 & 1) &&
		    !(e->k->var.at[s->var].axes))
			return true;
		if (all_must_run(e, s->body, declared))
			return true;
	}
	return false;
}

/* --- variables ------------------------------------------------------------------------------- */

/* The axes that a variable has copies along, which are the dimensions of its array. What a warp
 * holds of a matrix lies side by side, so the axis of its registers comes last. */
static int copy_axes(const CudaEmit *e, int var, int axis[MAX_AXES])
{
	int n = 0, own = e->registers[var] - 1;
	for (uint64_t set = e->k->var.at[var].axes; set; set &= set - 1) {
		int a = __builtin_ctzll(set);
		if (e->k->axis.at[a].kind == AX_UNROLL && a != own)
			axis[n++] = a;
	}
	if (own >= 0)
		axis[n++] = own;
	return n;
}

static void print_declared(CudaEmit *e, int var)
{
	const Var *v = &e->k->var.at[var];
	int axis[MAX_AXES], n = copy_axes(e, var, axis);
	cuda_indent(e);
	str_fmt(e->s, "%s v%d", cuda_register_type(v->dtype), cuda_var_number(e, var));
	for (int i = 0; i < n; i++)
		str_fmt(e->s, "[%lld]", (long long)e->k->axis.at[axis[i]].extent);
}

static bool has_copies(const CudaEmit *e, int var)
{
	int axis[MAX_AXES];
	return copy_axes(e, var, axis) > 0;
}

/* v3[a1], or, where a matrix is meant, v3 with the last `omit` axes left away */
static void print_copy(CudaEmit *e, Str *s, int var, int omit)
{
	int axis[MAX_AXES], n = copy_axes(e, var, axis) - omit;
	str_fmt(s, "v%d", cuda_var_number(e, var));
	for (int i = 0; i < n; i++)
		str_fmt(s, "[a%d]", cuda_axis_number(e, axis[i]));
}

void cuda_variable(CudaEmit *e, int var)
{
	print_copy(e, e->s, var, 0);
}

static bool passes_through(const CudaEmit *e, const Stmt *s)
{
	if (s->kind != S_LOOP)
		return false;
	AxisKind kind = e->k->axis.at[s->axis].kind;
	return kind == AX_UNROLL || kind == AX_VECTOR;
}

/* A loop over all threads of the block leaves no trace. */
static bool is_whole(const CudaEmit *e, const Stmt *s)
{
	const Axis *a = &e->k->axis.at[s->axis];
	return a->kind == AX_VECTOR && a->extent == e->threads;
}

/* A variable keeps its copies and lanes between the loops over the axes that index it: it is
 * declared before the first. */
static void hoist_variables(CudaEmit *e, const Stmt *s)
{
	for (; s; s = s->next) {
		if (passes_through(e, s))
			hoist_variables(e, s->body);
		if (s->kind != S_VAR || !e->k->var.at[s->var].axes || e->hoisted[s->var])
			continue;
		e->hoisted[s->var] = true;
		print_declared(e, s->var);
		str_add(e->s, ";\n");
	}
}

static void forget_hoisted(CudaEmit *e, const Stmt *s)
{
	for (; s; s = s->next) {
		if (passes_through(e, s))
			forget_hoisted(e, s->body);
		if (s->kind == S_VAR)
			e->hoisted[s->var] = false;
	}
}

static void print_assigned(CudaEmit *e, const Stmt *s)
{
	bool declare = s->kind == S_VAR && !e->hoisted[s->var];
	if (declare && has_copies(e, s->var)) {
		print_declared(e, s->var);
		str_add(e->s, ";\n");
		declare = false;
	}
	if (declare)
		print_declared(e, s->var);
	else
		cuda_indent(e);
	if (!declare)
		cuda_variable(e, s->var);
	str_add(e->s, " = ");
	str_fmt(e->s, "%s;\n", cuda_bare(e, s->value));
}

static bool by_lane(const CudaEmit *e, int var)
{
	for (uint64_t set = e->k->var.at[var].axes; set; set &= set - 1)
		if (e->k->axis.at[__builtin_ctzll(set)].kind == AX_VECTOR)
			return true;
	return false;
}

/* --- under a mask ---------------------------------------------------------------------------- */

/* A statement of single threads: asks for those that take part where the loop around did not. */
static bool mask_begin(CudaEmit *e, bool lanes)
{
	if (!e->mask || !lanes)
		return false;
	cuda_line(e, "if (lane < %lld) {", (long long)e->mask);
	e->depth++;
	return true;
}

static void mask_end(CudaEmit *e, bool masked)
{
	if (!masked)
		return;
	e->depth--;
	cuda_line(e, "}");
}

static void print_assign(CudaEmit *e, const Stmt *s)
{
	bool lanes = by_lane(e, s->var);
	if (e->lane[s->value->id] && !lanes) {
		cuda_cannot(e, "a variable is set to a vector but has no vector axis");
		return;
	}
	cuda_meet(e, s->value);
	bool declared = s->kind == S_VAR && !e->hoisted[s->var];
	if (e->mask && lanes && declared) {
		print_declared(e, s->var); /* visible after the question */
		str_add(e->s, ";\n");
		e->hoisted[s->var] = true;
	}
	int mark = cuda_scope_begin(e);
	bool masked = mask_begin(e, lanes);
	cuda_prepare(e, s->value);
	print_assigned(e, s);
	mask_end(e, masked);
	if (masked)
		cuda_scope_end(e, mark);
	if (e->mask && lanes && declared)
		e->hoisted[s->var] = false;
	e->var_time[s->var % 64] = ++e->time;
}

static void print_stored(CudaEmit *e, const Stmt *s)
{
	DType t = e->k->buf.at[s->buf].dtype;
	bool narrow = t == DT_f16 || t == DT_bf16;
	cuda_indent(e);
	cuda_place(e, s->buf, s->at);
	str_add(e->s, " = ");
	if (narrow)
		str_fmt(e->s, "burin_%s_of_f32(", dtype_info[t].name);
	str_fmt(e->s, narrow ? "%s);\n" : "%s;\n", cuda_bare(e, s->value));
}

static void print_store(CudaEmit *e, const Stmt *s)
{
	int rank = e->k->buf.at[s->buf].rank;
	bool lanes = e->lane[s->value->id];
	cuda_meet(e, s->value);
	for (int i = 0; i < rank; i++) {
		cuda_meet(e, s->at[i]);
		lanes = lanes || e->lane[s->at[i]->id];
	}
	int mark = cuda_scope_begin(e);
	bool masked = mask_begin(e, lanes);
	if (!lanes && !e->chosen) {
		cuda_line(e, "if (lane == 0) {");
		e->depth++;
		masked = true;
	}
	for (int i = 0; i < rank; i++)
		cuda_prepare(e, s->at[i]);
	cuda_prepare(e, s->value);
	print_stored(e, s);
	mask_end(e, masked);
	if (masked)
		cuda_scope_end(e, mark);
	note_changes(e, &(Stmt){ .kind = S_STORE, .buf = s->buf });
}

/* --- statements ------------------------------------------------------------------------------ */

static void print_body(CudaEmit *e, const Stmt *s);

/* A body between braces, whose head is printed. */
static void print_braced(CudaEmit *e, const Stmt *body)
{
	int mark = cuda_scope_begin(e);
	e->depth++;
	print_body(e, body);
	e->depth--;
	cuda_scope_end(e, mark);
	cuda_line(e, "}");
}

static void print_bound(CudaEmit *e, const Node *n, int64_t otherwise)
{
	if (n)
		cuda_value(e, n);
	else
		str_fmt(e->s, "%lld", (long long)otherwise);
}

static void print_counted(CudaEmit *e, const Stmt *s)
{
	const Axis *a = &e->k->axis.at[s->axis];
	int i = cuda_axis_number(e, s->axis);
	uint64_t was = e->axis_time[s->axis];
	for (int k = 0; k < 2; k++) {
		const Node *n = k ? s->hi : s->lo;
		if (n)
			cuda_named(e, n); /* the body may change what it reads */
	}
	e->axis_time[s->axis] = ++e->time;
	cuda_indent(e);
	str_add(e->s, a->kind == AX_UNROLL ? "BURIN_UNROLL " : "");
	str_fmt(e->s, "for (%s a%d = ", a->extent > INT32_MAX ? "i64" : "i32", i);
	print_bound(e, s->lo, 0);
	str_fmt(e->s, "; a%d < ", i);
	print_bound(e, s->hi, a->extent);
	str_fmt(e->s, "; a%d++) {\n", i);
	note_changes(e, s->body);
	print_braced(e, s->body);
	note_changes(e, s->body);
	e->axis_time[s->axis] = was;
}

static void print_lanes(CudaEmit *e, const Stmt *s)
{
	int64_t extent = e->k->axis.at[s->axis].extent, was = e->mask;
	if (is_whole(e, s)) {
		print_body(e, s->body);
		return;
	}
	if (all_must_run(e, s->body, 0)) {
		e->mask = extent;
		print_body(e, s->body);
		e->mask = was;
		return;
	}
	bool divergent = e->divergent;
	cuda_line(e, "if (lane < %lld) {", (long long)extent);
	e->divergent = true;
	print_braced(e, s->body);
	e->divergent = divergent;
}

/* Blocks are tasks; where there are fewer, a block takes several one after another. */
static void print_tasks(CudaEmit *e, const Stmt *s)
{
	int i = cuda_axis_number(e, s->axis);
	long long n = e->k->axis.at[s->axis].extent;
	if (e->global_scratch) {
		cuda_line(e, "for (i32 a%d = burin_block(); a%d < %lld; a%d += burin_blocks()) {",
			  i, i, n, i);
		int mark = cuda_scope_begin(e);
		e->depth++;
		note_changes(e, s->body);
		print_body(e, s->body);
		cuda_line(e, "burin_barrier();");
		e->depth--;
		cuda_scope_end(e, mark);
		cuda_line(e, "}");
	} else if (!s->next && n == e->k->n_tasks) {
		cuda_line(e, "const i32 a%d = burin_block();", i);
		print_body(e, s->body);
	} else {
		cuda_line(e, "for (i32 a%d = burin_block(); a%d < %lld; a%d += burin_blocks()) {",
			  i, i, n, i);
		print_braced(e, s->body);
	}
}

static void print_loop(CudaEmit *e, const Stmt *s)
{
	switch (e->k->axis.at[s->axis].kind) {
	case AX_TASK: print_tasks(e, s); return;
	case AX_VECTOR: print_lanes(e, s); return;
	case AX_LOOP:
	case AX_UNROLL: print_counted(e, s); return;
	case AXIS_KINDS: return;
	}
}

static void print_if(CudaEmit *e, const Stmt *s)
{
	bool was = e->divergent, chosen = e->chosen, lanes = e->lane[s->cond->id];
	int64_t mask = e->mask;
	cuda_meet(e, s->cond);
	int mark = cuda_scope_begin(e);
	bool masked = mask_begin(e, lanes);
	cuda_prepare(e, s->cond);
	cuda_indent(e);
	str_fmt(e->s, "if (%s) {\n", cuda_bare(e, s->cond));
	e->divergent = was || lanes;
	e->chosen = chosen || lanes;
	if (lanes)
		e->mask = 0; /* has been asked for */
	print_braced(e, s->body);
	e->divergent = was;
	e->chosen = chosen;
	e->mask = mask;
	mask_end(e, masked);
	if (masked)
		cuda_scope_end(e, mark);
	note_changes(e, s->body);
}

/* A share of a matrix: all registers of the variable. */
static const char *registers(CudaEmit *e, int var)
{
	Str s;
	str_init(&s, e->arena);
	print_copy(e, &s, var, 1);
	return str_text(&s);
}

static void print_mma(CudaEmit *e, const Stmt *s)
{
	if (e->divergent)
		cuda_cannot(e, "warps multiply inside of a branch that not all threads take");
	cuda_line(e, "burin_mma_bf16(&%s, &%s, &%s);", registers(e, s->var),
		  registers(e, (int)ATTR_OF(s->at[0], index)->index),
		  registers(e, (int)ATTR_OF(s->at[1], index)->index));
	note_changes(e, &(Stmt){ .kind = S_SET, .var = s->var });
}

static void print_stmt(CudaEmit *e, const Stmt *s)
{
	switch (s->kind) {
	case S_LOOP: print_loop(e, s); return;
	case S_VAR:
	case S_SET: print_assign(e, s); return;
	case S_STORE: print_store(e, s); return;
	case S_IF: print_if(e, s); return;
	case S_BLOCK:
		cuda_line(e, "{");
		print_braced(e, s->body);
		return;
	case S_MMA: print_mma(e, s); return;
	case S_BARRIER:
		if (e->divergent)
			cuda_cannot(e, "a barrier inside of a branch that not all threads take");
		cuda_line(e, "burin_barrier();");
		return;
	case STMT_KINDS: return;
	}
}

static void print_body(CudaEmit *e, const Stmt *s)
{
	const Stmt *first = s;
	for (; s && !e->error; s = s->next) {
		if (passes_through(e, s) && !is_whole(e, s))
			hoist_variables(e, s->body);
		print_stmt(e, s);
	}
	forget_hoisted(e, first);
}

/* --- the function ---------------------------------------------------------------------------- */

static int block_threads(const Kernel *k)
{
	int most = WARP;
	for (int i = 0; i < k->axis.n; i++)
		if (k->axis.at[i].kind == AX_VECTOR && k->axis.at[i].lanes > most)
			most = k->axis.at[i].lanes;
	return (most + WARP - 1) / WARP * WARP;
}

int64_t cuda_elements(const Buf *b)
{
	int64_t n = 1;
	for (int i = 0; i < b->rank; i++)
		n += (b->dim[i] - 1) * b->stride[i];
	return b->rank && b->dim[0] * b->stride[0] > n ? b->dim[0] * b->stride[0] : n;
}

static bool meets_anywhere(const CudaEmit *e)
{
	for (int i = 0; i < e->k->next_id; i++)
		if (e->fact[i].meets)
			return true;
	return false;
}

static void print_parameters(CudaEmit *e)
{
	bool any = false;
	str_fmt(e->s, "BURIN_KERNEL(%d) %s(", e->threads, e->k->name);
	for (int i = 0; i < e->k->buf.n; i++) {
		const Buf *b = &e->k->buf.at[i];
		if (b->space != BUF_ARG)
			continue;
		str_fmt(e->s, "%s%s%s *%sb%d", any ? ", " : "",
			e->written & kernel_buf_bit(e->k, i) ? "" : "const ",
			cuda_memory_type(b->dtype), b->aliased ? "" : "__restrict__ ", i);
		any = true;
	}
	if (e->global_scratch)
		str_fmt(e->s, "%su8 *__restrict__ scratch", any ? ", " : "");
	str_add(e->s, ")\n{\n");
}

static void print_memory(CudaEmit *e, CudaKernel *out)
{
	for (int i = 0; i < e->k->buf.n; i++) {
		const Buf *b = &e->k->buf.at[i];
		const char *type = cuda_memory_type(b->dtype);
		if (b->space != BUF_SCRATCH)
			continue;
		if (e->global_scratch) {
			cuda_line(
				e,
				"%s *const b%d = (%s *)(scratch + burin_block() * %lldLL + %lld);",
				type, i, type, (long long)out->scratch, (long long)b->offset);
			continue;
		}
		cuda_line(e, "BURIN_SHARED(%s, b%d, %d, %lld);", type, i, out->n_shared++,
			  (long long)cuda_elements(b));
		out->shared += (cuda_elements(b) * dtype_info[b->dtype].bytes + 15) / 16 * 16;
	}
	if (meets_anywhere(e)) {
		cuda_line(e, "BURIN_SHARED(u64, room, %d, %d);", out->n_shared++, CUDA_ROOM_WORDS);
		out->shared += ROOM_BYTES;
		out->meets = true;
	}
	cuda_line(e, "const i32 lane = burin_lane();");
}

/* Which axis has the registers of each matrix. */
static void find_registers(CudaEmit *e, const Stmt *s)
{
	for (; s; s = s->next) {
		if (s->kind == S_MMA) {
			int of[3] = { s->var, (int)ATTR_OF(s->at[0], index)->index,
				      (int)ATTR_OF(s->at[1], index)->index };
			for (int i = 0; i < 3; i++)
				e->registers[of[i]] = (int)ATTR_OF(s->at[2 + i], index)->index + 1;
		}
		find_registers(e, s->body);
	}
}

static bool usable(CudaEmit *e)
{
	if (e->threads > MAX_THREADS)
		cuda_cannot(e, "a vector axis is wider than a block");
	for (int i = 0; i < e->k->axis.n; i++)
		if (e->k->axis.at[i].kind == AX_VECTOR &&
		    e->k->axis.at[i].extent > e->k->axis.at[i].lanes)
			cuda_cannot(e, "a vector axis has no usable width");
	if (e->k->n_tasks > INT32_MAX)
		cuda_cannot(e, "more tasks than a grid has blocks");
	return !e->error;
}

bool cuda_print(Context *c, Arena *arena, const Kernel *k, const Target *t, CudaKernel *out)
{
	Str text;
	CudaEmit *e = ARENA_NEW(arena, CudaEmit);
	str_init(&text, arena);
	*e = (CudaEmit){ .ctx = c, .k = k, .target = t, .arena = arena, .s = &text };
	e->threads = block_threads(k);
	e->fma = c->fp != FP_STRICT;
	e->global_scratch = k->scratch_bytes + ROOM_BYTES > t->shared_bytes;
	e->lane = kernel_lanes(k, arena);
	e->fact = kernel_facts(k, arena, &e->written);
	e->range = ARENA_ARRAY(arena, Range *, k->next_id + 1);
	e->temp = ARENA_ARRAY(arena, CudaTemp, k->next_id + 1);
	e->axis = ARENA_ARRAY(arena, int, k->axis.n + 1);
	e->var = ARENA_ARRAY(arena, int, k->var.n + 1);
	e->hoisted = ARENA_ARRAY(arena, bool, k->var.n + 1);
	e->registers = ARENA_ARRAY(arena, int, k->var.n + 1);
	find_registers(e, k->body);
	int64_t resident = (int64_t)t->cores * BLOCKS_PER_CORE;
	*out = (CudaKernel){ .kernel = k, .threads = e->threads, .blocks = k->n_tasks };
	if (e->global_scratch) {
		out->scratch = (k->scratch_bytes + 255) / 256 * 256;
		out->blocks = k->n_tasks < resident ? k->n_tasks : resident;
	}
	if (usable(e)) {
		print_parameters(e);
		e->depth = 1;
		print_memory(e, out);
		print_body(e, k->body);
		str_add(e->s, "}\n");
	}
	out->text = str_text(&text);
	if (!e->error)
		return true;
	return diag_error(c->diag, (Loc){ 0 }, E5206, "kernel '%s': %s", k->name, e->error);
}
