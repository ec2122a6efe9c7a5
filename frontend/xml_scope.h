/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Names and parameters while a tree is expanded (blocks.c): what an id means at a place, and what
 * {expression} stands for. */
#ifndef FRONTEND_XML_SCOPE_H
#define FRONTEND_XML_SCOPE_H
#include "base/map.h"
#include "frontend/xml_tree.h"

/* libFuzzer's convention: a limit that many inputs meet must not take most of the time. */
#ifdef FUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION
enum { EXPAND_MAX_ELEMENTS = 2000 };
#else
enum { EXPAND_MAX_ELEMENTS = 200000 };
#endif
enum { EXPAND_MAX_DEPTH = 32, EXPAND_MAX_BYTES = 1 << 29, EXPAND_MAX_TEXT = 64 << 10 };

/* A name as it can be written, and the element (or another's result) it stands for. */
typedef struct Name {
	const char *full; /* name in the list; NULL: no name, but a number that was used */
	const char
		*op; /* of an element; NULL: an alias (block input, block result, carried value) */
	Loc loc;
} Name;

/* One list of elements: the graph's, or a branch's of an <if>. */
typedef struct ListScope {
	struct ListScope *outer;
	ElemList *list;
	Map *full;
} ListScope;

typedef enum ScopeKind { SCOPE_list, SCOPE_block, SCOPE_repeat } ScopeKind;
typedef struct Scope {
	ScopeKind kind;
	struct Scope *outer; /* whose names are visible too; NULL at the border of a block */
	ListScope *into;
	const XmlNode *node;         /* whose children are expanded */
	Map *names;                  /* written name -> Name; NULL: none */
	Map *vars;                   /* block: parameter -> text, or NULL */
	const char *counter, *count; /* repeat: its name and its value now */
	Loc used_at;                 /* the <use> or <repeat> that is expanded; line 0: none */
	const char *prefix;          /* "layer1.0." */
	const char *last;    /* result of the element before: the input of one without in= */
	int *n_auto;         /* numbers of the made-up ids; shared by scopes of one prefix */
	VEC(ElemRef) result; /* block, repeat: what its <output> elements name */
	VEC(const char *) result_id;
} Scope;

typedef struct Expander {
	Context *c;
	Arena *arena;
	const char *file;
	Map *block;
	int depth, steps;
	int64_t bytes;
	bool exhausted;
} Expander;

/* The attribute's value with {...} replaced. A fault is reported and leaves the text as it is. */
const char *scope_text(Expander *x, const Scope *s, const ElemAttr *a);
/* An integer: a value that is one expression, such as the count of a <repeat>. */
bool scope_int(Expander *x, const Scope *s, const ElemAttr *a, int64_t *out);
/* What a written reference stands for; reports an undefined one and returns NULL. Numbers stand for
 * themselves. */
const char *scope_resolve(Expander *x, const Scope *s, const char *written, Loc loc);
/* The references of in="a b -" into a list. */
typedef VEC(ElemRef) RefList;
void scope_refs(Expander *x, const Scope *s, const ElemAttr *a, RefList *out);
/* Makes a name known. id NULL: one is made up from the tag. Returns the full name. */
const char *scope_define(Expander *x, Scope *s, const char *tag, const char *id, Loc loc);
Scope *scope_home(Scope *s); /* the scope that elements written in s belong to */
void scope_alias(Expander *x, Scope *s, const char *written, const char *full, Loc loc);

/* --- blocks.c and blocks_use.c --------------------------------------------------------------- */
void xml_expand_children(Expander *x, Scope *s, const XmlNode *parent);
void xml_define_block(Expander *x, Scope *s, const XmlNode *n);
void xml_expand_use(Expander *x, Scope *s, const XmlNode *n);
void xml_expand_repeat(Expander *x, Scope *s, const XmlNode *n);
bool xml_deeper(Expander *x,
		const XmlNode *n); /* false after a report; else x->depth is one more */
void xml_check_attrs(Expander *x, const XmlNode *n, const char *const *allowed, int count);
const ElemAttr *xml_need_attr(Expander *x, const XmlNode *n, const char *name);
bool xml_good_parameter(Expander *x, const char *name, Loc loc); /* false after a report */
void xml_misplaced(Expander *x, const XmlNode *n, const char *hint);
bool xml_is_one_of(const char *name, const char *const *allowed, int n);
/* The value that in= stands for when it is left out. */
bool xml_use_last(Expander *x, const Scope *s, const XmlNode *n, RefList *in);
#endif
