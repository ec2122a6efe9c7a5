/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The reader of XML text. The file is in memory and has passed xml_guard; libxml2 is used as a push
 * parser with SAX2 callbacks and builds nothing itself: no tree, no entities, no DTD, no files, no
 * global state but xmlInitParser, once. The callbacks come in the order of the start tags that the
 * guard remembered, so the place of an element, of an attribute's name and of its value is found by
 * reading that tag again in our own text; should the two ever disagree, the tag's line stands for
 * all of them. */
#include "base/oom.h"
#include "frontend/frontend.h"
#include "frontend/xml_tree.h"
#include <libxml/parser.h>
#include <libxml/parserInternals.h>
#include <pthread.h>

static const char graph_namespace[] = "urn:burin:graph:1";

typedef struct Reader {
	Context *c;
	Arena *arena;
	const XmlText *x;
	xmlParserCtxt *parser;
	XmlNode *root;
	XmlNode *open[XML_MAX_DEPTH];
	int depth, n_tag;
	bool failed, stray_text, no_memory;
} Reader;

const ElemAttr *xml_attr(const XmlNode *n, const char *name)
{
	for (int i = 0; i < n->attr.n; i++)
		if (str_eq(n->attr.at[i].name, name))
			return &n->attr.at[i];
	return NULL;
}

static void stop(Reader *r)
{
	r->failed = true;
	xmlStopParser(r->parser);
}

/* --- places ---------------------------------------------------------------------------------- */

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

typedef struct Tag {
	const XmlText *x;
	size_t at; /* being read; 0: lost */
	Loc loc;   /* of the tag's name */
} Tag;

/* The k-th start tag, if its name is the one expected. */
static Tag tag_open(Reader *r, const char *prefix, const char *name)
{
	const XmlText *x = r->x;
	int k = r->n_tag++;
	Tag t = { .x = x };
	size_t start = k < x->tag.n ? x->tag.at[k] + 1 : x->n, at = start;
	size_t plen = prefix ? strlen(prefix) : 0, nlen = strlen(name);
	if (prefix && x->n - at > plen && memcmp(x->text + at, prefix, plen) == 0)
		at += plen + 1;
	if (x->n - at > nlen && memcmp(x->text + at, name, nlen) == 0) {
		t.at = at + nlen;
		t.loc = xml_loc(x, start, (int)(t.at - start));
	} else {
		t.loc = (Loc){ .file = x->file, .line = xmlSAX2GetLineNumber(r->parser) };
	}
	return t;
}

/* Finds the attribute by its name from the tag's beginning; attributes are few (XML_MAX_ATTRS). */
static void tag_attr(const Tag *t, const char *prefix, const char *name, ElemAttr *out)
{
	const char *text = t->x->text;
	size_t n = t->x->n, at = t->at;
	out->name_loc = out->value_loc = t->loc;
	while (t->at && at < n && text[at] != '>') {
		while (at < n && is_space(text[at]))
			at++;
		size_t start = at;
		while (at < n && !is_space(text[at]) && text[at] != '=' && text[at] != '>')
			at++;
		size_t len = at - start, plen = prefix ? strlen(prefix) + 1 : 0;
		while (at < n && text[at] != '"' && text[at] != '\'' && text[at] != '>')
			at++;
		if (at >= n || text[at] == '>')
			return;
		size_t value = at + 1;
		const char *end = memchr(text + value, text[at], n - value);
		if (!end)
			return;
		at = (size_t)(end - text) + 1;
		if (len - plen != strlen(name) ||
		    memcmp(text + start + plen, name, len - plen) != 0)
			continue;
		out->name_loc = xml_loc(t->x, start, (int)len);
		out->value_loc = xml_loc(t->x, value, (int)(at - 1 - value));
		return;
	}
}

/* --- callbacks ------------------------------------------------------------------------------- */

static bool right_namespace(Reader *r, Loc loc, const xmlChar *uri)
{
	if (!uri || str_eq((const char *)uri, graph_namespace))
		return true;
	diag_error(r->c->diag, loc, E2016, "the namespace '%.80s' is not Burin's",
		   (const char *)uri);
	diag_hint(r->c->diag, "write xmlns=\"%s\", or leave it out", graph_namespace);
	return false;
}

/* Of another root nothing more is said: its content is not ours to judge. */
static bool right_root(Reader *r, Loc loc, const char *tag)
{
	if (str_eq(tag, "graph"))
		return true;
	if (!str_eq(tag, "net"))
		return diag_error(r->c->diag, loc, E2016, "the root element is <%s>, not <graph>",
				  tag);
	diag_error(r->c->diag, loc, E3106, "this is a model of OpenVINO (IR), which is not read");
	diag_hint(r->c->diag, "export the model to ONNX");
	return false;
}

/* Without entity substitution libxml2 gives an ampersand as "&#38;", and no other '&' can be left.
 */
static char *plain_value(Arena *arena, const char *value, const char *end)
{
	char *text = arena_strndup(arena, value, (size_t)(end - value)), *out = text;
	for (const char *in = text; *in; in++) {
		*out++ = *in;
		if (strncmp(in, "&#38;", 5) == 0)
			in += 4;
	}
	*out = '\0';
	return text;
}

static bool add_attrs(Reader *r, XmlNode *node, const Tag *tag, int n, const xmlChar **attrs)
{
	if (n > XML_MAX_ATTRS)
		return diag_error(r->c->diag, tag->loc, E2015, "<%s> has more than %d attributes",
				  node->tag, XML_MAX_ATTRS);
	node->attr.at = ARENA_ARRAY(r->arena, ElemAttr, n);
	node->attr.cap = n;
	for (int i = 0; i < n; i++) {
		const char *name = (const char *)attrs[5 * i];
		const char *prefix = (const char *)attrs[5 * i + 1];
		const char *value = (const char *)attrs[5 * i + 3],
			   *end = (const char *)attrs[5 * i + 4];
		if (prefix) /* xsi:schemaLocation, xml:space and the like are for other tools */
			continue;
		if (strlen(name) > XML_MAX_NAME)
			return diag_error(r->c->diag, tag->loc, E2015,
					  "an attribute's name is longer than %d bytes",
					  XML_MAX_NAME);
		ElemAttr a = { .name = sym(r->c, name) };
		a.value = plain_value(r->arena, value, end);
		tag_attr(tag, NULL, name, &a);
		vec_push(r->arena, &node->attr, a);
	}
	return true;
}

static void on_start(void *user, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri,
		     int n_namespaces, const xmlChar **namespaces, int n_attrs, int n_defaulted,
		     const xmlChar **attrs)
{
	(void)n_namespaces, (void)namespaces, (void)n_defaulted;
	Reader *r = user;
	if (r->failed)
		return;
	Tag tag = tag_open(r, (const char *)prefix, (const char *)name);
	if (r->depth >= XML_MAX_DEPTH) {
		diag_error(r->c->diag, tag.loc, E2015, "elements are nested deeper than %d",
			   XML_MAX_DEPTH);
		stop(r);
		return;
	}
	if (strlen((const char *)name) > XML_MAX_NAME) {
		diag_error(r->c->diag, tag.loc, E2015, "an element's name is longer than %d bytes",
			   XML_MAX_NAME);
		stop(r);
		return;
	}
	XmlNode *node = ARENA_NEW(r->arena, XmlNode);
	node->tag = sym(r->c, (const char *)name);
	node->loc = tag.loc;
	if ((r->depth == 0 && !right_root(r, tag.loc, node->tag)) ||
	    !right_namespace(r, tag.loc, uri) || !add_attrs(r, node, &tag, n_attrs, attrs)) {
		stop(r);
		return;
	}
	if (r->depth == 0)
		r->root = node;
	else
		vec_push(r->arena, &r->open[r->depth - 1]->child, node);
	r->open[r->depth++] = node;
}

static void on_end(void *user, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri)
{
	(void)name, (void)prefix, (void)uri;
	Reader *r = user;
	if (!r->failed && r->depth > 0)
		r->depth--;
}

static void on_text(void *user, const xmlChar *text, int n)
{
	Reader *r = user;
	for (int i = 0; i < n && !r->failed && !r->stray_text; i++) {
		if (is_space((char)text[i]))
			continue;
		Loc loc = { .file = r->x->file, .line = xmlSAX2GetLineNumber(r->parser) };
		for (int k = i; k < n; k++) /* the parser stands behind the text already */
			loc.line -= text[k] == '\n';
		if (r->depth > 0)
			loc.element = r->open[r->depth - 1]->tag;
		diag_error(r->c->diag, loc, E2018, "there is text between the elements");
		diag_hint(r->c->diag, "put remarks into <!-- comments -->, values into attributes");
		r->stray_text = true; /* once a file */
	}
}

/* The guard has refused every document type; these stay as a second bar. */
static void on_dtd(void *user, const xmlChar *name, const xmlChar *id, const xmlChar *system)
{
	(void)name, (void)id, (void)system;
	stop(user);
}

static void on_entity_decl(void *user, const xmlChar *name, int type, const xmlChar *id,
			   const xmlChar *system, xmlChar *content)
{
	(void)name, (void)type, (void)id, (void)system, (void)content;
	stop(user);
}

static xmlParserInputPtr on_resolve(void *user, const xmlChar *id, const xmlChar *system)
{
	(void)id, (void)system;
	stop(user);
	return NULL;
}

static xmlEntityPtr on_entity(void *user, const xmlChar *name)
{
	(void)user, (void)name;
	return NULL; /* unknown: a well-formedness error; &lt; and its kind never come here */
}

#if LIBXML_VERSION >= 21200
static void on_error(void *user, const xmlError *e)
#else
static void on_error(void *user, xmlErrorPtr e)
#endif
{
	Reader *r = user;
	if (e->code == XML_ERR_NO_MEMORY)
		r->no_memory = r->failed = true;
	if (r->failed || !e->message || e->level < XML_ERR_ERROR)
		return;
	size_t n = strlen(e->message);
	while (n > 0 && (e->message[n - 1] == '\n' || e->message[n - 1] == '.'))
		n--;
	Loc loc = { .file = r->x->file, .line = e->line, .col = e->int2 };
	diag_error(r->c->diag, loc, E2001, "%.*s", n > 300 ? 300 : (int)n, e->message);
	r->failed |= e->level == XML_ERR_FATAL;
}

/* --- the parse ------------------------------------------------------------------------------- */

static void init_parser(void)
{
	xmlInitParser();
}

static xmlParserCtxt *parser_create(Reader *r)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	pthread_once(&once, init_parser);
	xmlSAXHandler sax = {
		.initialized = XML_SAX2_MAGIC,
		.startElementNs = on_start,
		.endElementNs = on_end,
		.characters = on_text,
		.cdataBlock = on_text,
		.internalSubset = on_dtd,
		.externalSubset = on_dtd,
		.entityDecl = on_entity_decl,
		.resolveEntity = on_resolve,
		.getEntity = on_entity,
		.serror = on_error,
	};
	xmlParserCtxt *parser = xmlCreatePushParserCtxt(&sax, r, NULL, 0, NULL);
	if (!parser)
		return NULL;
	int options = XML_PARSE_NONET | XML_PARSE_BIG_LINES;
#if LIBXML_VERSION >= 21300
	options |= XML_PARSE_NO_XXE;
#endif
#if LIBXML_VERSION >= 21400
	options |= XML_PARSE_NO_SYS_CATALOG;
#endif
	xmlCtxtUseOptions(parser, options);
	return parser;
}

/* Memory may run out in a callback: the parser is freed before that is passed on. */
static void parser_run(Reader *r)
{
	OomScope scope;
	if (OOM_GUARD(&scope)) {
		xmlParseChunk(r->parser, r->x->text, (int)r->x->n, 0);
		if (!r->failed)
			xmlParseChunk(r->parser, NULL, 0, 1);
		oom_leave(&scope);
		return;
	}
	xmlFreeParserCtxt(r->parser);
	oom_raise();
}

/* libxml2 prints, where it has no parser to tell, that memory ran out. Its function for that is the
 * thread's, and goes back to what it was. */
static void be_silent(void *context, const char *format, ...)
{
	(void)context, (void)format;
}

static xmlParserCtxt *parser_create_silently(Reader *r)
{
	xmlGenericErrorFunc print = xmlGenericError;
	void *context = xmlGenericErrorContext;
	xmlSetGenericErrorFunc(NULL, be_silent);
	xmlParserCtxt *parser = parser_create(r);
	xmlSetGenericErrorFunc(context, print);
	return parser;
}

XmlNode *xml_parse(Context *c, Arena *arena, const XmlText *x)
{
	Reader r = { .c = c, .arena = arena, .x = x };
	int before = diag_errors(c->diag);
	r.parser = parser_create_silently(&r);
	if (!r.parser)
		oom_raise();
	parser_run(&r);
	bool good = r.parser->wellFormed && !r.failed && r.root;
	bool no_memory = r.no_memory || r.parser->errNo == XML_ERR_NO_MEMORY;
	xmlFreeParserCtxt(r.parser);
	if (no_memory)
		oom_raise();
	if (!good && diag_errors(c->diag) == before)
		diag_error(c->diag, (Loc){ .file = x->file, .line = 1 }, E2001,
			   "this is not an XML document");
	return good ? r.root : NULL;
}

static bool is_blank(const char *text, size_t n)
{
	while (n && text[n - 1] && strchr(" \t\r\n", text[n - 1]))
		n--;
	return n == 0;
}

ElemList *xml_read(Context *c, Arena *arena, const char *path, const char *text, size_t n)
{
	XmlText x = { .file = sym(c, path), .text = text, .n = n };
	diag_source(c->diag, x.file, text, n);
	int before = diag_errors(c->diag);
	if (is_blank(text, n)) {
		diag_error(c->diag, (Loc){ .file = x.file }, E2001, "the file is empty");
		diag_hint(c->diag, "a model begins with <graph xmlns=\"urn:burin:graph:1\">");
		return NULL;
	}
	if (!xml_guard(c, arena, &x))
		return NULL;
	XmlNode *root = xml_parse(c, arena, &x);
	ElemList *list = root ? xml_expand(c, arena, root, x.file) : NULL;
	return diag_errors(c->diag) > before ? NULL : list;
}
