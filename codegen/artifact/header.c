/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The C header of a model: its functions with typed arguments in the model's order, and what a
 * caller has to know. It compiles as C99 and later and as C++; names of the model become C names
 * here. */
#include "base/map.h"
#include "codegen/artifact/internal.h"
#include "codegen/table.h"
#include "runtime/cpu/layout.h"
#include "runtime/cpu/rt.h"
#include <string.h>

/* --- ports ------------------------------------------------------------------------------------ */

typedef struct Header {
	Arena *arena;
	Str s;
	const ArtifactRequest *r;
	const char *m, *M; /* prefix, and in capitals */
	/* of the entry under way */
	const GlueEntry *entry;
	const Plan *plan;
	const char **name; /* of the ports: inputs, then outputs */
	int n_ports;
} Header;

static const PlanPort *port_at(const Header *h, int i)
{
	int n = h->plan->input.n;
	return i < n ? &h->plan->input.at[i] : &h->plan->output.at[i - n];
}

static bool used_before(const Header *h, int i, const char *name)
{
	for (int k = 0; k < i; k++)
		if (str_eq(h->name[k], name))
			return true;
	return false;
}

/* Is it, or may it be, a constant or macro of this header? */
static bool is_own(const Header *h, const char *name)
{
	size_t n = strlen(h->M);
	return strncmp(name, h->M, n) == 0 && name[n] == '_';
}

static void take_entry(Header *h, const GlueEntry *e)
{
	h->entry = e;
	h->plan = e->variant[0].plan;
	h->n_ports = h->plan->input.n + h->plan->output.n;
	h->name = ARENA_ARRAY(h->arena, const char *, h->n_ports + 1);
	for (int i = 0; i < h->n_ports; i++) {
		const char *base = c_identifier(h->arena, port_at(h, i)->name, PREFIX_LIMIT);
		if (c_name_is_taken(base) || is_own(h, base))
			base = arena_printf(h->arena, "%s_", base);
		h->name[i] = base;
		for (int k = 2; used_before(h, i, h->name[i]); k++)
			h->name[i] = arena_printf(h->arena, "%s_%d", base, k);
	}
}

static const char *capitals(Arena *a, const char *text)
{
	char *copy = arena_strdup(a, text);
	for (char *c = copy; *c; c++)
		if (*c >= 'a' && *c <= 'z')
			*c = (char)(*c - 'a' + 'A');
	return copy;
}

static const char *c_type(DType t)
{
	static const char *const name[DT_COUNT] = {
		[DT_f32] = "float",     [DT_f64] = "double",  [DT_f16] = "uint16_t",
		[DT_bf16] = "uint16_t", [DT_i8] = "int8_t",   [DT_u8] = "uint8_t",
		[DT_i16] = "int16_t",   [DT_i32] = "int32_t", [DT_i64] = "int64_t",
		[DT_bool] = "uint8_t",
	};
	return name[t];
}

/* "f32[n][1][28][28]"; names of the model go into a comment, so nothing that could end one. */
static void add_shape(Header *h, const Type *t, bool items)
{
	str_add(&h->s, dtype_info[t->dtype].name);
	for (int i = 0; i < t->rank; i++) {
		if (i == 0 && items)
			str_add(&h->s, "[n]");
		else
			str_fmt(&h->s, "[%lld]", (long long)t->dim[i]);
	}
	if (t->rank == 0)
		str_add(&h->s, " scalar");
}

static void add_port_doc(Header *h, int i)
{
	const PlanPort *p = port_at(h, i);
	bool input = i < h->plan->input.n;
	if (p->block) {
		str_fmt(&h->s, " *   %-6s %s: %s_%s_BYTES, aligned to %s_WORKSPACE_ALIGN",
			input ? "block" : "output", h->name[i], h->M, capitals(h->arena, p->name),
			h->M);
	} else {
		str_fmt(&h->s, " *   %-6s %s: ", input ? "input" : "output", h->name[i]);
		add_shape(h, p->type, h->entry->free_batch);
	}
	if (!str_eq(h->name[i], p->name))
		str_fmt(&h->s, " (called %s in the model)", artifact_prefix(h->arena, p->name));
	str_add(&h->s, "\n");
}

/* --- text ------------------------------------------------------------------------------------- */

/* Text of the user's in a comment: what is not plain becomes '?'. */
static void add_plain(Header *h, const char *text)
{
	for (; *text; text++) {
		bool plain = *text >= ' ' && *text < 127 && !(text[0] == '*' && text[1] == '/') &&
			     !(text[0] == '/' && text[1] == '*');
		str_char(&h->s, plain ? *text : '?');
	}
}

static int64_t workspace_bytes(const Header *h)
{
	int64_t most = 0;
	for (int i = 0; i < h->entry->n_variant; i++) {
		const Plan *p = h->entry->variant[i].plan;
		int64_t bytes = layout_bytes(h->n_ports, p->work_bytes, p->scratch_bytes, 1);
		if (for_cuda(h->r))
			return 0;
		most = bytes > most ? bytes : most;
	}
	return most;
}

/* $m stands for the prefix, $M for the same in capitals. */
static void add_text(Header *h, const char *text)
{
	for (; *text; text++) {
		bool name = *text == '$' && (text[1] == 'm' || text[1] == 'M');
		if (name)
			str_add(&h->s, *++text == 'm' ? h->m : h->M);
		else
			str_char(&h->s, *text);
	}
}

static const char before_all[] =
	" * Thread-safe: yes, with one workspace for each call in flight. No global is written.\n"
	" */\n"
	"#ifndef $M_H\n"
	"#define $M_H\n"
	"#include <stddef.h>\n"
	"#include <stdint.h>\n"
	"#ifdef __cplusplus\n"
	"extern \"C\" {\n"
	"#endif\n"
	"\n"
	"enum {\n"
	"\t$M_OK = 0,\n"
	"\t$M_E_ARG = 1,       /* NULL or misaligned pointer, context not initialised or moved */\n"
	"\t$M_E_WEIGHTS = 4,   /* no weights set, or those of another model */\n"
	"\t$M_E_SHAPE = 5,     /* a size that the model does not take */\n"
	"\t$M_E_CPU = 7,       /* this CPU lacks instructions the model was compiled for */\n"
	"\t$M_E_WORKSPACE = 9, /* workspace NULL or not aligned to $M_WORKSPACE_ALIGN */\n"
	"\t$M_E_DEVICE = 10,   /* of a model for GPUs: no driver, no device, or a failure of it "
	"*/\n"
	"\t$M_E_INDEX = 12     /* an index in the data was out of range; outputs are void */\n"
	"};\n"
	"\n"
	"/* Threads and weights of one caller, in the caller's memory; not to be copied or moved "
	"once\n"
	" * initialised. A call that finds the threads of its context busy runs alone, and so does "
	"one\n"
	" * in a forked child. */\n";

static const char context_functions[] =
	"\n"
	"/* 0, or $M_E_CPU. */\n"
	"int $m_supported(void);\n"
	"/* Of the workspace for $m_run with this context, which may be NULL. */\n"
	"size_t $m_workspace_bytes(const $m_ctx *ctx);\n"
	"/* Starts threads - 1 threads, of 1 to 256. 0: as $BURIN_THREADS, else $OMP_NUM_THREADS, "
	"else "
	"the\n"
	" * CPUs that this process may use say. $M_E_ARG for another number, and for a context "
	"that is "
	"\n"
	" * initialised: end it first. */\n"
	"int $m_ctx_init($m_ctx *ctx, int threads);\n"
	"/* Loops run on the host's threads instead: parallel_for calls fn(task, i) for every i < "
	"count,\n"
	" * in any order, and returns when all have ended. threads: how many run at once. NULL: "
	"own\n"
	" * threads again. */\n"
	"int $m_ctx_set_parallel($m_ctx *ctx, int threads,\n"
	"\t\t\tvoid (*parallel_for)(void *user, uint32_t count,\n"
	"\t\t\t\t\t     void (*fn)(void *task, uint32_t index), void *task),\n"
	"\t\t\tvoid *user);\n"
	"/* Packed weights: the whole .weights file, in memory that is aligned to 64 bytes and "
	"stays.\n"
	" * They must be of this model; whether they are whole is not checked here, but by "
	"burin_load\n"
	" * and by `burin inspect`. */\n"
	"int $m_ctx_set_weights($m_ctx *ctx, const void *file, size_t bytes);\n"
	"/* Ends the threads; before dlclose. */\n"
	"void $m_ctx_done($m_ctx *ctx);\n"
	"/* For burin_load_static(). */\n"
	"extern const void *const $m_descriptor;\n";

/* The same for a model that runs on a GPU. */
static const char cuda_context_functions[] =
	"\n"
	"/* 0, or $M_E_DEVICE: no CUDA driver (libcuda.so.1), or no device. */\n"
	"int $m_supported(void);\n"
	"/* Always 0: workspaces lie on the device. */\n"
	"size_t $m_workspace_bytes(const $m_ctx *ctx);\n"
	"/* Opens device number `device`, loads the code that fits it, uploads the weights. On "
	"failure\n"
	" * $m_ctx_error says why. $M_E_ARG for a context that is initialised: end it first. */\n"
	"int $m_ctx_init($m_ctx *ctx, int device);\n"
	"/* What the last call with this context that failed had to say. */\n"
	"const char *$m_ctx_error(const $m_ctx *ctx);\n"
	"/* Does nothing: there are no loops on the host. */\n"
	"int $m_ctx_set_parallel($m_ctx *ctx, int threads,\n"
	"\t\t\tvoid (*parallel_for)(void *user, uint32_t count,\n"
	"\t\t\t\t\t     void (*fn)(void *task, uint32_t index), void *task),\n"
	"\t\t\tvoid *user);\n"
	"/* Packed weights: the whole .weights file, in memory that is aligned to 64 bytes; "
	"uploaded. */\n"
	"int $m_ctx_set_weights($m_ctx *ctx, const void *file, size_t bytes);\n"
	"/* Gives all of the device back. */\n"
	"void $m_ctx_done($m_ctx *ctx);\n"
	"/* For burin_load_static(). */\n"
	"extern const void *const $m_descriptor;\n";

static const char after_all[] = "\n"
				"#ifdef __cplusplus\n"
				"}\n"
				"#endif\n"
				"#endif\n";

static void add_top(Header *h)
{
	const ArtifactRequest *r = h->r;
	str_add(&h->s, "/* Generated by burin");
	if (r->source) {
		str_add(&h->s, " from ");
		add_plain(h, r->source);
	}
	str_add(&h->s, ". Do not edit.\n * ");
	if (r->targets) {
		add_plain(h, r->targets);
		str_add(&h->s, " | ");
	}
	str_fmt(&h->s, "weights: %s | needs: libc, libm%s\n",
		r->weight_bytes == 0 ? "none"
		: r->state           ? "trained, see _train_step"
		: r->beside          ? "in a file beside, see _ctx_set_weights"
				     : "embedded",
		for_cuda(r) ? ", and when run the CUDA driver" : "");
	add_text(h, before_all);
}

static void add_context(Header *h)
{
	add_text(h, "typedef struct $m_ctx {\n");
	str_fmt(&h->s, "\tuint64_t opaque[%d];\n", BURIN_CTX_BYTES / 8);
	add_text(h, "} $m_ctx;\n\n#define $M_WORKSPACE_ALIGN 64\n#define $M_WORKSPACE_BYTES ");
	str_fmt(&h->s, "((size_t)%lld) /* with ctx NULL */\n", (long long)workspace_bytes(h));
	add_text(h, for_cuda(h->r) ? cuda_context_functions : context_functions);
}

/* ---- state --------------------------------------------------------------------------------- */

/* A tensor's name as the end of a macro's: the dot of the optimiser's own is left out. */
static const char *tensor_macro(Header *h, const char **used, int n, const char *name)
{
	const char *base = c_identifier(h->arena, *name == '.' ? name + 1 : name, 4 * PREFIX_LIMIT);
	const char *macro = base = capitals(h->arena, base);
	for (int k = 2, i = 0; i < n; i++)
		if (str_eq(used[i], macro)) {
			macro = arena_printf(h->arena, "%s_%d", base, k++);
			i = -1;
		}
	return used[n] = macro;
}

static void add_block_size(Header *h, const PlanPort *p)
{
	str_fmt(&h->s, "#define %s_%s_BYTES ((size_t)%lld)\n", h->M, capitals(h->arena, p->name),
		(long long)type_bytes(p->type));
}

/* Sizes of the blocks that entries hand each other: each once. */
static void add_block_sizes(Header *h)
{
	Map *seen = map_create(h->arena);
	for (int e = 0; e < h->r->n_entry; e++) {
		take_entry(h, &h->r->entry[e]);
		for (int i = 0; i < h->n_ports; i++) {
			const PlanPort *p = port_at(h, i);
			if (!p->block || map_get_str(seen, p->name))
				continue;
			map_put_str(seen, p->name, h);
			add_block_size(h, p);
		}
	}
}

static const char state_text[] =
	"\n/* The state of training is one block of the caller's, aligned to $M_WORKSPACE_ALIGN, "
	"for "
	"one\n"
	" * call at a time; it may be copied, and kept in a file. Its tensors lie at these offsets "
	"in\n"
	" * bytes. */\n";

static const char state_init_text[] = "/* The state as training begins: the parameters that this "
				      "was compiled with, and zeros for "
				      "what\n"
				      " * the optimiser remembers. 0, or $M_E_ARG. */\n"
				      "int $m_state_init(void *state);\n";

static void add_state(Header *h)
{
	const StateLayout *l = h->r->state->layout;
	const char **used = ARENA_ARRAY(h->arena, const char *, l->tensor.n + 1);
	add_text(h, state_text);
	for (int i = 0; i < l->tensor.n; i++) {
		const StateTensor *t = &l->tensor.at[i];
		str_fmt(&h->s, "#define %s_AT_%s ((size_t)%lld) /* ", h->M,
			tensor_macro(h, used, i, t->name), (long long)t->offset);
		add_plain(h, t->name);
		str_add(&h->s, ": ");
		add_shape(h, t->type, false);
		str_add(&h->s, " */\n");
	}
	add_block_sizes(h);
	if (h->r->train_batch)
		str_fmt(&h->s, "#define %s_TRAIN_BATCH %lld /* rows of a step */\n", h->M,
			(long long)h->r->train_batch);
	add_text(h, state_init_text);
}

/* ---- entries ------------------------------------------------------------------------------- */

/* What a caller must know of context and workspace. */
static void add_conditions(Header *h)
{
	const GlueEntry *e = h->entry;
	bool bring = e->weight_bytes > 0 && e->weights_at < 0;
	if (for_cuda(h->r)) {
		add_text(h, " * workspace: NULL. */\n");
		return;
	}
	const char *with = bring                 ? "has been given weights"
			   : e->weight_bytes > 0 ? "NULL: one thread, embedded weights"
						 : "NULL: one thread";
	str_fmt(&h->s, " * ctx%s %s. workspace: %s%s_workspace_bytes(ctx) bytes.\n",
		bring ? ":" : "", with, h->m,
		e == h->r->entry ? "" : arena_printf(h->arena, "_%s", e->name));
	add_text(h, " * No two of these may overlap. Calls no malloc, and at one thread no system "
		    "call. */\n");
}

static void add_argument(Header *h, int i)
{
	const PlanPort *p = port_at(h, i);
	bool input = i < h->plan->input.n;
	bool written = !input || (h->entry->writes_state && i == h->plan->input.n - 1);
	str_fmt(&h->s, " %s%s *%s,", written ? "" : "const ",
		p->block ? "void" : c_type(p->type->dtype), h->name[i]);
}

static void add_function(Header *h)
{
	const GlueEntry *e = h->entry;
	add_text(h, "\n/* ");
	add_text(h, e->about);
	for (int i = 0; i < h->n_ports; i++)
		add_port_doc(h, entry_port(e, i));
	add_conditions(h);
	str_fmt(&h->s, "int %s_%s(const %s_ctx *ctx,", h->m, e->name, h->m);
	if (e->free_batch)
		str_add(&h->s, " size_t n,");
	for (int i = 0; i < h->n_ports; i++)
		add_argument(h, entry_port(e, i));
	str_add(&h->s, " void *workspace);\n");
}

/* A function beside the model's own, with the size of its workspace. */
static void add_further(Header *h, const GlueEntry *e)
{
	const char *full = arena_printf(h->arena, "%s_%s", h->m, e->name);
	const char *size = capitals(h->arena, full);
	take_entry(h, e);
	add_function(h);
	str_fmt(&h->s, "#define %s_WORKSPACE_BYTES ((size_t)%lld) /* with ctx NULL */\n", size,
		(long long)workspace_bytes(h));
	str_fmt(&h->s, "size_t %s_workspace_bytes(const %s_ctx *ctx);\n", full, h->m);
}

const char *artifact_header(Arena *a, const ArtifactRequest *r)
{
	Header h = { .arena = a, .r = r, .m = r->prefix, .M = capitals(a, r->prefix) };
	str_init(&h.s, a);
	take_entry(&h, &r->entry[0]);
	add_top(&h);
	add_context(&h);
	if (r->state)
		add_state(&h);
	take_entry(&h, &r->entry[0]);
	add_function(&h);
	for (int i = 1; i < r->n_entry; i++)
		add_further(&h, &r->entry[i]);
	str_add(&h.s, after_all);
	return str_text(&h.s);
}
