/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The table of operators: finding rows, printing it. */
#include "frontend/onnx_ops.h"

static const OnnxRow rows[] = {
#define ONNX(domain, name, since, min_in, max_in, max_out, map, target, note) \
	{ domain, #name, since, min_in, max_in, max_out, onnx_map_##map, #target, note },
#define ONNX_NO(domain, name, hint) { domain, #name, 0, 0, 0, 0, NULL, NULL, hint },
#include "frontend/onnx.def"
#undef ONNX
#undef ONNX_NO
};
enum { N_ROWS = sizeof(rows) / sizeof(rows[0]) };

const OnnxRow *onnx_row_at(int i)
{
	return i < N_ROWS ? &rows[i] : NULL;
}

Map *onnx_row_index(Arena *arena)
{
	Map *m = map_create(arena);
	for (int i = 0; i < N_ROWS; i++)
		map_put_str(m, arena_printf(arena, "%s:%s", rows[i].domain, rows[i].name),
			    (void *)(uintptr_t)&rows[i]);
	return m;
}

/* --- the table ------------------------------------------------------------------------------- */

static bool domain_follows(const char *domain, const char *name, const char *other_domain,
			   const char *other)
{
	int d = strcmp(domain, other_domain);
	return d > 0 || (d == 0 && strcmp(name, other) > 0);
}

/* The first row in the order of domain and name that comes after `last`, among those read or not.
 */
static const OnnxRow *row_after(const OnnxRow *last, bool is_read)
{
	const OnnxRow *best = NULL;
	for (int i = 0; i < N_ROWS; i++) {
		const OnnxRow *r = &rows[i];
		if ((r->map != NULL) != is_read ||
		    (last && !domain_follows(r->domain, r->name, last->domain, last->name)))
			continue;
		if (!best || domain_follows(best->domain, best->name, r->domain, r->name))
			best = r;
	}
	return best;
}

void onnx_ops_table(Str *out)
{
	int n = 0;
	str_add(out, "| operator | operator set | becomes | limits |\n| --- | --- | --- | --- |\n");
	for (const OnnxRow *r = row_after(NULL, true); r; r = row_after(r, true), n++)
		str_fmt(out, "| %s%s%s | %d | `%s` | %s |\n", r->domain, r->domain[0] ? "." : "",
			r->name, r->since, r->target, r->note);
	str_fmt(out, "\n%d operators, in operator sets %d to %d.\n\nNot read:\n\n", n, ONNX_OLDEST,
		ONNX_NEWEST);
	str_add(out, "| operator | instead |\n| --- | --- |\n");
	for (const OnnxRow *r = row_after(NULL, false); r; r = row_after(r, false))
		str_fmt(out, "| %s%s%s | %s |\n", r->domain, r->domain[0] ? "." : "", r->name,
			r->note);
}
