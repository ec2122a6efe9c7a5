/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Artefacts as text: what a linker would add to kernels and glue, as assembly for the end of a .s file
 * or the beginning of a .ll file. All names but those that begin with "burin_" get a prefix, so that
 * none meets one of the model's, and none is global, so that any number of models link into one
 * program. */
#include "base/map.h"
#include "codegen/artifact/internal.h"
#include "runtime/note.h"
#include <elf.h>
#include <string.h>

static bool in_name(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_' || c == '.' || c == '$';
}

static size_t name_bytes(const char *at)
{
	size_t n = 0;
	while (in_name(at[n]))
		n++;
	return n;
}

/* Directives that would show a name, or that stand in a file once. */
static bool is_dropped(const char *line)
{
	static const char *const directive[] = { ".globl", ".global", ".hidden",
						 ".weak",  ".file",   ".ident" };
	const char *at = line + strspn(line, " \t");
	size_t n = name_bytes(at);
	for (size_t i = 0; i < sizeof directive / sizeof *directive; i++)
		if (n == strlen(directive[i]) && memcmp(at, directive[i], n) == 0)
			return true;
	return false;
}

/* Those that are defined: labels, and what .comm makes. */
static Map *own_names(Arena *a, const char *text)
{
	Map *own = map_create(a);
	for (const char *at = text; *at; at = strchrnul(at, '\n'), at += *at == '\n') {
		const char *name = strncmp(at, "\t.comm\t", 7) == 0 ? at + 7 : at;
		size_t n = name_bytes(name);
		if (n > 0 && (name > at || name[n] == ':') && strncmp(name, "burin_", 6) != 0)
			map_put_str(own, arena_strndup(a, name, n), own);
	}
	return own;
}

static void add_name(Str *s, Map *own, Arena *a, const char *at, size_t n)
{
	const char *name = arena_strndup(a, at, n);
	if (!map_get_str(own, name))
		str_addn(s, at, n);
	else if (n > 2 && memcmp(at, ".L", 2) == 0)
		str_fmt(s, ".Lburin_%s", name + 2);
	else
		str_fmt(s, "burin_in_%s", name);
}

static void add_line(Str *s, Map *own, Arena *a, const char *line, size_t n)
{
	bool quoted = false;
	for (size_t i = 0; i < n;) {
		size_t name = quoted ? 0 : name_bytes(line + i);
		if (name > 0) {
			add_name(s, own, a, line + i, name);
			i += name;
			continue;
		}
		if (line[i] == '\\' && quoted && i + 1 < n)
			str_char(s, line[i++]);
		quoted = quoted != (line[i] == '"');
		str_char(s, line[i++]);
	}
	str_char(s, '\n');
}

static void add_runtime(Str *s, Arena *a, const char *text)
{
	Map *own = own_names(a, text);
	for (const char *at = text; *at;) {
		const char *end = strchrnul(at, '\n');
		if (!is_dropped(at))
			add_line(s, own, a, at, (size_t)(end - at));
		at = end + (*end == '\n');
	}
}

static void add_bytes(Str *s, const char *at, size_t n)
{
	enum { IN_LINE = 16 };
	for (size_t i = 0; i < n; i++)
		str_fmt(s, "%s%u%s", i % IN_LINE == 0 ? "\t.byte\t" : ",", (unsigned char)at[i],
			i % IN_LINE == IN_LINE - 1 || i + 1 == n ? "\n" : "");
}

static void add_words(Str *s, const char *at, size_t n)
{
	enum { IN_LINE = 4 };
	for (size_t i = 0; i < n / 8; i++) {
		uint64_t word;
		memcpy(&word, at + 8 * i, sizeof word);
		str_fmt(s, "%s%#llx%s", i % IN_LINE == 0 ? "\t.quad\t" : ",",
			(unsigned long long)word,
			i % IN_LINE == IN_LINE - 1 || i + 1 == n / 8 ? "\n" : "");
	}
}

static void add_notes(Str *s, Arena *a, const ArtifactRequest *r)
{
	size_t at;
	Str notes = artifact_notes(a, r, &at);
	str_add(s, "\t.section\t" NOTE_SECTION ",\"a\",@note\n\t.balign\t4\n");
	add_bytes(s, notes.at, at);
	str_add(s, "burin_metadata:\n");
	add_bytes(s, notes.at + at, notes.n - at);
}

static bool add_weights(Str *s, Arena *a, const ArtifactRequest *r)
{
	size_t bytes = seal_end((uint64_t)r->weight_bytes);
	if (r->beside || r->weight_bytes == 0)
		return true;
	char *memory = arena_alloc(a, bytes + 64);
	char *block = (char *)(((uintptr_t)memory + 63) & ~(uintptr_t)63);
	if (!fill_sealed(r, block, NULL, NULL))
		return false;
	str_add(s, "\t.section\t.rodata.burin,\"a\",@progbits\n\t.balign\t4096\nburin_weights:\n");
	add_words(s, block, bytes);
	return true;
}

const char *artifact_assembly(Context *c, const ArtifactRequest *r)
{
	Str s;
	const char *runtime = runtime_text(r->machine ? r->machine : EM_X86_64);
	str_init(&s, c->arena);
	if (!runtime) {
		diag_error(c->diag, (Loc){ 0 }, E5104, "no runtime for ELF machine %d", r->machine);
		return NULL;
	}
	add_runtime(&s, c->arena, runtime);
	add_notes(&s, c->arena, r);
	if (!add_weights(&s, c->arena, r))
		return NULL;
	str_add(&s, "\t.section\t.note.GNU-stack,\"\",@progbits\n");
	return str_text(&s);
}
