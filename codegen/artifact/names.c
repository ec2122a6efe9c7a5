/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Names: of the model in C, and those that an artefact exports. */
#include "codegen/artifact/internal.h"
#include "base/vec.h"
#include <string.h>

/* Keywords of C and C++, types that the header uses, macros of other headers, and the arguments
 * that the functions add themselves. */
static const char *const taken[] = {
	"alignas",
	"alignof",
	"and",
	"and_eq",
	"asm",
	"atomic",
	"auto",
	"bitand",
	"bitor",
	"bool",
	"break",
	"case",
	"catch",
	"char",
	"char16_t",
	"char32_t",
	"char8_t",
	"class",
	"compl",
	"complex",
	"concept",
	"const",
	"const_cast",
	"consteval",
	"constexpr",
	"constinit",
	"continue",
	"co_await",
	"co_return",
	"co_yield",
	"ctx",
	"decltype",
	"default",
	"delete",
	"do",
	"double",
	"dynamic_cast",
	"else",
	"enum",
	"errno",
	"explicit",
	"export",
	"extern",
	"false",
	"float",
	"for",
	"friend",
	"goto",
	"i386",
	"if",
	"imaginary",
	"inline",
	"int",
	"int16_t",
	"int32_t",
	"int64_t",
	"int8_t",
	"linux",
	"long",
	"mutable",
	"n",
	"namespace",
	"new",
	"noexcept",
	"not",
	"not_eq",
	"nullptr",
	"operator",
	"or",
	"or_eq",
	"private",
	"protected",
	"public",
	"register",
	"reinterpret_cast",
	"requires",
	"restrict",
	"return",
	"short",
	"signed",
	"size_t",
	"sizeof",
	"static",
	"static_assert",
	"static_cast",
	"stderr",
	"stdin",
	"stdout",
	"struct",
	"switch",
	"template",
	"this",
	"thread_local",
	"throw",
	"true",
	"try",
	"typedef",
	"typeid",
	"typename",
	"typeof",
	"typeof_unqual",
	"uint16_t",
	"uint8_t",
	"union",
	"unix",
	"unsigned",
	"using",
	"virtual",
	"void",
	"volatile",
	"wchar_t",
	"while",
	"workspace",
	"xor",
	"xor_eq",
	"I",
	"NULL",
	"EOF",
};

/* INT8_MAX, SIZE_WIDTH and the like. */
static bool is_limit(const char *name)
{
	return str_ends(name, "_MAX") || str_ends(name, "_MIN") || str_ends(name, "_WIDTH");
}

bool c_name_is_taken(const char *name)
{
	if (is_limit(name))
		return true;
	for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++)
		if (str_eq(taken[i], name))
			return true;
	return false;
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

char *c_identifier(Arena *a, const char *name, size_t limit)
{
	Str s;
	str_init(&s, a);
	if (!is_letter(name[0]))
		str_char(&s, 'm');
	for (; *name && s.n < limit; name++) {
		if (is_letter(*name) || is_digit(*name))
			str_char(&s, *name);
		else if (s.n == 0 || s.at[s.n - 1] != '_')
			str_char(&s, '_');
	}
	return s.at;
}

const char *artifact_prefix(Arena *a, const char *name)
{
	return c_identifier(a, name, PREFIX_LIMIT);
}

const char *artifact_prefix_error(const char *prefix)
{
	size_t n = strlen(prefix);
	if (n == 0 || n > PREFIX_LIMIT)
		return "must have 1 to 64 characters";
	if (!is_letter(prefix[0]))
		return "must start with a letter";
	for (size_t i = 0; i < n; i++)
		if (!is_letter(prefix[i]) && !is_digit(prefix[i]) && prefix[i] != '_')
			return "must consist of letters, digits and '_'";
	if (str_eq(prefix, "burin"))
		return "is the library's own";
	return NULL;
}

typedef VEC(const char *) Names;

static void add_name(Arena *a, Names *list, const char *prefix, const char *name)
{
	vec_push(a, list, arena_printf(a, "%s_%s", prefix, name));
}

Exports artifact_exports(Arena *a, const ArtifactRequest *r)
{
	static const char *const names[] = { "descriptor",
#define BURIN_WRAP(name, result, parameters) #name,
					     BURIN_CUDA_WRAPPERS
#undef BURIN_WRAP
	};
	enum { COUNT = sizeof(names) / sizeof(names[0]), CUDA_ALONE = 1 };
	Names list = { 0 };
	for (int i = 0; i < r->n_entry; i++) {
		add_name(a, &list, r->prefix, r->entry[i].name);
		if (i > 0)
			add_name(a, &list, r->prefix,
				 arena_printf(a, "%s_workspace_bytes", r->entry[i].name));
	}
	for (int i = 0; i < (for_cuda(r) ? COUNT : COUNT - CUDA_ALONE); i++)
		add_name(a, &list, r->prefix, names[i]);
	if (r->state)
		add_name(a, &list, r->prefix, "state_init");
	return (Exports){ .name = list.at, .n = list.n };
}
