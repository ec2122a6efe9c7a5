/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The artefact: kernels, glue, runtime, weights and metadata become one object in which only the
 * model's interface is global. That object is the .o, the one member of the .a, or what a linker
 * makes the .so of. */
#include "codegen/artifact/internal.h"
#include "base/vec.h"
#include "codegen/artifact/elf_attach.h"
#include "runtime/note.h"
#include <elf.h>
#include <stdlib.h>
#include <string.h>

enum { LARGE_SECTION = 1 << 30, PAGE = 4096, SEAL_PART = 16 << 20 };
#define SECTION_LARGE 0x10000000u /* SHF_X86_64_LARGE: may lie beyond 2 GB from the code */

/* Those of an object, and the number of their section. */
typedef struct Weights {
	OomOwned owned;
	void *at;
	uint32_t section;
} Weights;

static void free_weights(OomOwned *self)
{
	free(((Weights *)self)->at);
}

static bool broken(Context *c, const char *what, const char *wrong)
{
	return diag_error(c->diag, (Loc){ 0 }, E7001, "%s: %s", what, wrong);
}

static bool add_objects(Context *c, const ArtifactRequest *r, ElfOut *e)
{
	ObjectCode runtime;
	if (!runtime_object(r->machine, for_cuda(r), &runtime)) {
		diag_error(c->diag, (Loc){ 0 }, E5104, "no runtime for ELF machine %d", r->machine);
		diag_hint(c->diag, "this Burin was built for its own host only");
		return false;
	}
	const char *wrong = elf_merge(e, runtime.data, runtime.bytes);
	for (int i = 0; !wrong && i < r->n_object; i++)
		wrong = elf_merge(e, r->object[i].data, r->object[i].bytes);
	return !wrong || broken(c, "compiled code", wrong);
}

static bool is_shared(const ArtifactRequest *r)
{
	return str_ends(r->path, ".so");
}

/* In parts, so that not all need be in memory. */
bool fill_sealed(const ArtifactRequest *r, char *to, IoWriter *file, Sha256 *sum)
{
	Sha256 own;
	size_t bytes = seal_at((uint64_t)r->weight_bytes);
	if (!sum)
		sha256_init(sum = &own);
	if (!r->fill(r->user, to, file))
		return false;
	for (size_t at = 0; at < bytes; at += SEAL_PART) {
		size_t part = bytes - at < SEAL_PART ? bytes - at : SEAL_PART;
		sha256_add(sum, to + at, part);
		if (file)
			io_place_rest(file);
	}
	seal_make((Seal *)(void *)(to + bytes), sum);
	return true;
}

/* In an object or archive, whose linker is the user's: the bytes are made here. */
static bool add_bytes(const ArtifactRequest *r, ElfOut *e, Weights *w)
{
	bool large = r->weight_bytes > LARGE_SECTION && r->machine == EM_X86_64;
	size_t bytes = seal_end((uint64_t)r->weight_bytes), room = (bytes + PAGE - 1) / PAGE * PAGE;
	w->at = aligned_alloc(PAGE, room);
	if (!w->at)
		oom_raise();
	memset(w->at, 0, room);
	oom_own(&w->owned, free_weights);
	w->section = elf_section(e, large ? ".lrodata.burin" : ".rodata.burin", SHT_PROGBITS,
				 SHF_ALLOC | (large ? SECTION_LARGE : 0), PAGE, w->at, bytes);
	return fill_sealed(r, w->at, NULL, NULL);
}

static bool add_weights(Context *c, const ArtifactRequest *r, ElfOut *e, Weights *w)
{
	if (r->beside || r->weight_bytes == 0)
		return true;
	if (is_shared(r))
		w->section = elf_reserve(e, r->machine, seal_end((uint64_t)r->weight_bytes));
	else if (!add_bytes(r, e, w))
		return false;
	const char *wrong =
		elf_define(e, "burin_weights", w->section, 0, (uint64_t)r->weight_bytes);
	return !wrong || broken(c, "weights", wrong);
}

bool weights_write(const ArtifactRequest *r, IoWriter *w, Sha256 *sum)
{
	void *to = io_place(w, seal_end((uint64_t)r->weight_bytes));
	return !to || fill_sealed(r, to, w, sum); /* without: io_commit tells why */
}

/* Returns where its text begins. */
static size_t add_note(Str *s, uint32_t type, const char *text)
{
	NoteHead head = { .name_bytes = sizeof(NOTE_NAME),
			  .text_bytes = (uint32_t)strlen(text) + 1,
			  .type = type,
			  .name = NOTE_NAME };
	str_addn(s, (const char *)&head, sizeof(head));
	size_t at = s->n;
	str_addn(s, text, head.text_bytes);
	while (s->n % 4 != 0)
		str_char(s, 0);
	return at;
}

Str artifact_notes(Arena *a, const ArtifactRequest *r, size_t *metadata)
{
	Str s;
	str_init(&s, a);
	add_note(&s, NOTE_PREFIX, r->prefix);
	*metadata = add_note(&s, NOTE_METADATA, r->metadata ? r->metadata : "{}");
	return s;
}

static bool add_notes(Context *c, const ArtifactRequest *r, ElfOut *e)
{
	size_t at;
	Str s = artifact_notes(c->arena, r, &at);
	uint32_t section = elf_section(e, NOTE_SECTION, SHT_NOTE, SHF_ALLOC, 4, s.at, s.n);
	const char *wrong = elf_define(e, "burin_metadata", section, at, s.n - at);
	return !wrong || broken(c, "metadata", wrong);
}

static ElfOut *make_object(Context *c, const ArtifactRequest *r, Exports exports, Weights *w)
{
	ElfOut *e = elf_create(c->arena, r->machine);
	if (!add_objects(c, r, e) || !add_weights(c, r, e, w) || !add_notes(c, r, e))
		return NULL;
	for (int i = 0; i < exports.n; i++) {
		if (!elf_defines(e, exports.name[i])) {
			broken(c, exports.name[i], "not defined by the glue");
			return NULL;
		}
	}
	const char *wrong = elf_finish(e, exports.name, exports.n);
	if (wrong)
		broken(c, "compiled code", wrong);
	return wrong ? NULL : e;
}

/* --- files ------------------------------------------------------------------------------------ */

/* All that are under way; the code is the first, and the last to get its name: whoever finds it finds
 * the rest. */
typedef struct Files {
	IoWriter *writer[3];
	const char *path[3];
	int n;
} Files;

/* w: NULL when it was reported. */
static bool add_file(Files *f, const char *path, IoWriter *w)
{
	if (!w)
		return false;
	f->path[f->n] = path;
	f->writer[f->n++] = w;
	return true;
}

static IoWriter *reported(Context *c, const char *path, IoWriter *w, const IoError *error)
{
	if (!w)
		io_report(c->diag, (Loc){ .file = path }, path, error);
	return w;
}

static IoWriter *write_object(Context *c, const ArtifactRequest *r, const ElfOut *e,
			      Exports exports)
{
	IoError error;
	IoWriter *w = str_ends(r->path, ".a") ? archive_create(e, r->path, exports, &error)
					      : object_create(e, r->path, &error);
	return reported(c, r->path, w, &error);
}

static bool write_code(Context *c, const ArtifactRequest *r, Files *f)
{
	Weights w = { .at = NULL };
	Exports exports = artifact_exports(c->arena, r);
	const ElfOut *e = make_object(c, r, exports, &w);
	bool ok = e && add_file(f, r->path,
				is_shared(r) ? link_shared(c, r, e, exports)
					     : write_object(c, r, e, exports));
	if (w.at) {
		oom_disown(&w.owned);
		free(w.at);
	}
	return ok;
}

/* A file of their own. */
static bool write_beside(Context *c, const ArtifactRequest *r, Files *f)
{
	_Alignas(BurinWeightsHead) char page[BURIN_WEIGHTS_AT] = { 0 };
	const char *path = path_with_suffix(c->arena, r->path, ".weights");
	BurinWeightsHead *head = (BurinWeightsHead *)(void *)page;
	IoError error;
	Sha256 sum;
	if (!r->beside || r->weight_bytes == 0)
		return true;
	*head = (BurinWeightsHead){ .bytes = r->weight_bytes,
				    .layout = { r->entry[0].layout[0], r->entry[0].layout[1] },
				    .sealed = 1 };
	memcpy(head->magic, BURIN_WEIGHTS_MAGIC, sizeof head->magic);
	if (!add_file(f, path, reported(c, path, io_create(path, &error), &error)))
		return false;
	IoWriter *w = f->writer[f->n - 1];
	io_write(w, page, sizeof page);
	sha256_init(&sum);
	sha256_add(&sum, page, sizeof page);
	return weights_write(r, w, &sum);
}

static bool write_header(Context *c, const ArtifactRequest *r, Files *f)
{
	IoError error;
	const char *path = r->header ? r->header : path_with_suffix(c->arena, r->path, ".h");
	const char *text = artifact_header(c->arena, r);
	if (!*path)
		return true;
	if (!add_file(f, path, reported(c, path, io_create(path, &error), &error)))
		return false;
	io_write(f->writer[f->n - 1], text, strlen(text));
	return true;
}

static bool check_request(Context *c, const ArtifactRequest *r)
{
	const char *wrong = artifact_prefix_error(r->prefix);
	if (wrong)
		return diag_error(c->diag, (Loc){ 0 }, E5001, "prefix '%s': %s", r->prefix, wrong);
	if (!str_ends(r->path, ".so") && !str_ends(r->path, ".a") && !str_ends(r->path, ".o")) {
		diag_error(c->diag, (Loc){ 0 }, E5001, "unknown kind of output: %s", r->path);
		diag_hint(c->diag, str_ends(r->path, ".cu") ? "add --device cuda"
							    : "give it the suffix .so, .a or .o");
		return false;
	}
	return true;
}

static bool commit_files(Context *c, Files *f)
{
	IoError error;
	int failed;
	return io_commit_all(f->writer, f->n, &failed, &error) ||
	       io_report(c->diag, (Loc){ .file = f->path[failed] }, f->path[failed], &error);
}

static bool write_text(Context *c, const ArtifactRequest *r, const ObjectCode *text, Files *f)
{
	IoError error;
	if (!add_file(f, r->path, reported(c, r->path, io_create(r->path, &error), &error)))
		return false;
	io_write(f->writer[f->n - 1], text->data, text->bytes);
	return true;
}

bool artifact_write(Context *c, const ArtifactRequest *request)
{
	ArtifactRequest r = *request;
	Files f = { .n = 0 };
	if (r.machine == 0)
		r.machine = EM_X86_64;
	if (!r.text && !check_request(c, &r))
		return false;
	io_sweep(r.path);
	bool ok = (r.text ? write_text(c, &r, r.text, &f) : write_code(c, &r, &f)) &&
		  write_beside(c, &r, &f) && write_header(c, &r, &f);
	if (ok && r.stop && *r.stop)
		ok = diag_error(c->diag, (Loc){ 0 }, E5213, "stopped before all was written");
	if (ok)
		return commit_files(c, &f);
	for (int i = 0; i < f.n; i++)
		io_abort(f.writer[i]);
	return false;
}
