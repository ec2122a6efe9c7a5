/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Types, elements of constants and attributes, as every text form writes them. */
#include "ir/parse_parts.h"
#include "ir/op.h"
#include <string.h>

bool parse_type(Scan *s, const Type **out)
{
	scan_skip(s);
	Loc loc = scan_loc(s);
	const char *p = s->p;
	if (!type_parse(s->c, &p, out)) {
		diag_error(s->c->diag, loc, E5003, "a type is expected, not %s", scan_seen(s));
		diag_hint(s->c->diag,
			  "such as f32[2,3], f32 for a scalar, (f32[2], i64) for several "
			  "results; at most %d sizes and 2^40 elements",
			  MAX_RANK);
		return false;
	}
	s->p = p;
	return true;
}

static bool fits(DType t, int64_t v)
{
	uint64_t room = 0;
	store_i64(t, &room, 0, v);
	return load_i64(t, &room, 0) == v;
}

bool parse_element(Scan *s, DType t, void *data, int64_t i)
{
	scan_skip(s);
	size_t n = strcspn(s->p, ",]}) \t\r\n");
	double f;
	int64_t v;
	if (dtype_is_float(t) ? !parse_f64(s->p, n, &f) : !parse_i64(s->p, n, &v) || !fits(t, v))
		return diag_error(s->c->diag, scan_loc(s), E5003,
				  "a number of type %s is expected, not %s", dtype_info[t].name,
				  scan_seen(s));
	if (dtype_is_float(t))
		store_f64(t, data, i, f);
	else
		store_i64(t, data, i, v);
	s->p += n;
	return true;
}

/* The end of a value: quoted text, a list or call up to its closing bracket, a word. */
static bool skip_value(Scan *s)
{
	const char *ignored;
	scan_skip(s);
	if (*s->p == '"')
		return scan_quoted(s, &ignored);
	s->p += scan_word_length(s->p);
	if (*s->p == '+') /* 1e+20 */
		s->p += 1 + scan_word_length(s->p + 1);
	char close = *s->p == '[' ? ']' : *s->p == '(' ? ')' : 0;
	while (close && *s->p != close) {
		if (!*s->p || *s->p == '}')
			return diag_error(s->c->diag, scan_loc(s), E5003, "'%c' is missing", close);
		if (*s->p != '"')
			s->p++;
		else if (!scan_quoted(s, &ignored))
			return false;
		scan_skip(s);
	}
	s->p += close != 0;
	return true;
}

static bool unknown_field(Scan *s, Loc loc, Op op, const char *name)
{
	const AttrInfo *info = &attr_info[op_info(op)->attr];
	const char *names[32];
	int n = 0;
	for (; n < info->n_field && n < 32; n++)
		names[n] = info->field[n].name;
	diag_error(s->c->diag, loc, E5003, "%s has no attribute '%s'", op_info(op)->name, name);
	const char *near = nearest_name(name, names, n);
	if (near)
		diag_hint(s->c->diag, "did you mean '%s'?", near);
	return false;
}

static bool parse_field(Scan *s, Op op, void *record, uint64_t *given, Scan *data)
{
	AttrRecord r = op_info(op)->attr;
	const char *name, *text;
	scan_skip(s);
	Loc loc = scan_loc(s);
	if (!scan_word(s, "an attribute", &name))
		return false;
	int i = attr_find(r, name);
	if (i < 0)
		return unknown_field(s, loc, op, name);
	if (*given >> i & 1)
		return diag_error(s->c->diag, loc, E5003, "attribute '%s' is given twice", name);
	*given |= (uint64_t)1 << i;
	if (!scan_expect(s, '='))
		return false;
	scan_skip(s);
	loc = scan_loc(s);
	const char *start = s->p;
	if (attr_info[r].field[i].kind == AK_blob)
		*data = *s;
	if (*start == '"' && attr_info[r].field[i].kind == AK_str)
		return scan_quoted(s, &text) && attr_set_text(s->c, r, record, i, text);
	if (!skip_value(s))
		return false;
	text = arena_strndup(s->c->arena, start, (size_t)(s->p - start));
	return attr_info[r].field[i].kind == AK_blob || attr_set_text(s->c, r, record, i, text) ||
	       diag_error(s->c->diag, loc, E5003, "'%.40s' is not a value for '%s': %s", text, name,
			  attr_info[r].field[i].doc);
}

bool parse_attr(Scan *s, Op op, void *record, uint64_t *given, Scan *data)
{
	attr_defaults(s->c, op_info(op)->attr, record);
	if (!scan_accept(s, '{') || scan_accept(s, '}'))
		return true;
	do {
		if (!parse_field(s, op, record, given, data))
			return false;
	} while (scan_accept(s, ','));
	return scan_expect(s, '}');
}

bool has_required(Scan *s, Loc loc, Op op, uint64_t given)
{
	const AttrInfo *info = &attr_info[op_info(op)->attr];
	for (int i = 0; i < info->n_field; i++)
		if (str_eq(info->field[i].def, "?") && !(given >> i & 1))
			return diag_error(s->c->diag, loc, E5003, "%s needs the attribute '%s'",
					  op_info(op)->name, info->field[i].name);
	return true;
}
