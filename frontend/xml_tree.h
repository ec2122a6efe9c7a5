/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The XML reader in three steps: xml_guard looks at the bytes, xml_parse makes a tree with exact
 * places, xml_expand (blocks.c) makes elements of it. Nothing outside of frontend/xml.c sees
 * libxml2. */
#ifndef FRONTEND_XML_TREE_H
#define FRONTEND_XML_TREE_H
#include "frontend/element.h"

enum {
	XML_MAX_BYTES = 16 << 20,
	XML_MAX_TAG_BYTES = 64 << 10,
	XML_MAX_TAGS = 1000000,
	XML_MAX_DEPTH = 64,
	XML_MAX_ATTRS = 64,
	XML_MAX_NAME = 128
};

/* The file's text with what the pre-scan found: where lines and start tags begin (byte offsets). */
typedef struct XmlText {
	const char *file, *text;
	size_t n;
	VEC(uint32_t) line, tag;
} XmlText;

/* Refuses what a parser should not see: no UTF-8, NUL, a DOCTYPE, endless tags. Linear in the
 * bytes. */
bool xml_guard(Context *c, Arena *arena, XmlText *x);
Loc xml_loc(const XmlText *x, size_t offset, int len);

typedef struct XmlNode {
	const char *tag;
	Loc loc; /* the element's name in its start tag */
	VEC(ElemAttr) attr;
	VEC(struct XmlNode *) child;
} XmlNode;
/* NULL after errors. */
XmlNode *xml_parse(Context *c, Arena *arena, const XmlText *x);
ElemList *xml_expand(Context *c, Arena *arena, const XmlNode *root, const char *file);
const ElemAttr *xml_attr(const XmlNode *n, const char *name); /* or NULL */
#endif
