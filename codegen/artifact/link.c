/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* From the object to a shared library, by whatever linker the host has (LLVM's C API has none). It
 * runs in the work folder with relative names only, so that its output does not depend on where
 * that is. Large weights are not its work (elf_attach.h). libc and libm are given by path: no
 * development package is needed, and nothing else can get in. */
#include "codegen/artifact/internal.h"
#include "base/io_error.h"
#include "base/vec.h"
#include "codegen/artifact/elf_attach.h"
#include "codegen/process.h"
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LINKED_LIMIT = INT32_MAX };
typedef VEC(char *) Args;

/* --- finding ---------------------------------------------------------------------------------- */

/* The linker runs in another folder. What links point to is left alone: lld goes by the name it is
 * called by. */
static const char *absolute(Arena *a, const char *path)
{
	char here[PATH_MAX];
	if (*path == '/')
		return path;
	return getcwd(here, sizeof(here)) ? path_join(a, here, path) : NULL;
}

const char *artifact_linker(Arena *a, const char *wanted)
{
	static const char *const names[] = { "ld.lld-19", "ld.lld", "ld", "cc" };
	const char *found = NULL;
	if (wanted && strchr(wanted, '/'))
		return access(wanted, X_OK) == 0 ? absolute(a, wanted) : NULL;
	if (wanted)
		return process_find(a, wanted);
	for (size_t i = 0; !found && i < sizeof(names) / sizeof(names[0]); i++)
		found = process_find(a, names[i]);
	return found;
}

static bool is_compiler(const char *linker)
{
	const char *name = strrchr(linker, '/') + 1;
	return strstr(name, "cc") || strstr(name, "clang");
}

static bool is_library_of(const char *path, uint16_t machine)
{
	Elf64_Ehdr h;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	ssize_t n = read(fd, &h, sizeof(h));
	close(fd);
	return n == (ssize_t)sizeof(h) && memcmp(h.e_ident, ELFMAG, SELFMAG) == 0 &&
	       h.e_ident[EI_CLASS] == ELFCLASS64 && h.e_type == ET_DYN && h.e_machine == machine;
}

typedef struct Loaded {
	Arena *arena;
	const char *name, *path;
} Loaded;

static int compare_loaded(struct dl_phdr_info *info, size_t size, void *arg)
{
	Loaded *l = arg;
	const char *slash = strrchr(info->dlpi_name, '/');
	(void)size;
	if (slash && str_eq(slash + 1, l->name))
		l->path = arena_strdup(l->arena, info->dlpi_name);
	return l->path != NULL;
}

/* In the usual folders, else where this process has it from. */
static const char *find_library(Arena *a, uint16_t machine, const char *name)
{
	static const struct {
		uint16_t machine;
		const char *folder;
	} at[] = {
		{ EM_X86_64, "/lib/x86_64-linux-gnu" },
		{ EM_X86_64, "/usr/lib/x86_64-linux-gnu" },
		{ EM_X86_64, "/lib64" },
		{ EM_X86_64, "/usr/lib64" },
		{ EM_X86_64, "/usr/lib" },
		{ EM_AARCH64, "/lib/aarch64-linux-gnu" },
		{ EM_AARCH64, "/usr/lib/aarch64-linux-gnu" },
		{ EM_AARCH64, "/lib64" },
		{ EM_AARCH64, "/usr/lib64" },
		{ EM_AARCH64, "/usr/aarch64-linux-gnu/lib" },
	};
	for (size_t i = 0; i < sizeof(at) / sizeof(at[0]); i++) {
		const char *path = arena_printf(a, "%s/%s", at[i].folder, name);
		if (at[i].machine == machine && is_library_of(path, machine))
			return path;
	}
	Loaded l = { .arena = a, .name = name };
	dl_iterate_phdr(compare_loaded, &l);
	return l.path && is_library_of(l.path, machine) ? l.path : NULL;
}

/* --- arguments -------------------------------------------------------------------------------- */

static void add(Arena *a, Args *args, const char *text)
{
	vec_push(a, args, arena_strdup(a, text));
}

/* An option of the linker proper: a compiler in its place passes it on. */
static void option(Arena *a, Args *args, bool compiler, const char *text)
{
	if (compiler)
		add(a, args, "-Xlinker");
	add(a, args, text);
}

static void add_options(Arena *a, Args *args, bool compiler, const char *soname)
{
	static const char *const options[] = {
		"-z",
		"defs",
		"-z",
		"relro",
		"-z",
		"now",
		"-z",
		"noexecstack",
		"-Bsymbolic",
		"--gc-sections",
		"--hash-style=gnu",
		"--build-id=none",
		"--no-undefined",
		"--eh-frame-hdr",
		"--version-script=m.map",
	};
	add(a, args, "-shared");
	if (compiler)
		add(a, args, "-nostdlib");
	option(a, args, compiler, arena_printf(a, "--soname=%s", soname));
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		option(a, args, compiler, options[i]);
	add(a, args, "-o");
	add(a, args, "m.so");
	add(a, args, "m.o");
	option(a, args, compiler, "--as-needed");
}

static bool make_arguments(Context *c, const ArtifactRequest *r, const char *linker, Args *args)
{
	static const char *const libraries[] = { "libm.so.6", "libc.so.6" };
	const char *slash = strrchr(r->path, '/');
	bool compiler = is_compiler(linker);
	add(c->arena, args, linker);
	if (!compiler) {
		add(c->arena, args, "-m");
		add(c->arena, args, r->machine == EM_AARCH64 ? "aarch64linux" : "elf_x86_64");
	}
	add_options(c->arena, args, compiler, slash ? slash + 1 : r->path);
	for (size_t i = 0; i < sizeof(libraries) / sizeof(libraries[0]); i++) {
		const char *path = find_library(c->arena, r->machine, libraries[i]);
		if (!path) {
			diag_error(c->diag, (Loc){ 0 }, E5212, "%s was not found", libraries[i]);
			diag_hint(c->diag, "write a .a or a .o, which need no libraries");
			return false;
		}
		add(c->arena, args, path);
	}
	vec_push(c->arena, args, NULL);
	return true;
}

/* --- running ---------------------------------------------------------------------------------- */

/* Whether what a linker makes of so many bytes would find no room. Linkers map the file that they
 * write, so that a full disk ends them by a signal. */
static bool is_full(const char *folder, uint64_t bytes, Arena *a, IoError *error)
{
	int fd = open(path_join(a, folder, "room"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	int wrong = fd < 0 ? errno : posix_fallocate(fd, 0, (off_t)bytes + 1);
	if (fd >= 0)
		close(fd);
	return (wrong == ENOSPC || wrong == EDQUOT || wrong == EFBIG) &&
	       !io_fail_errno(error, E1003, wrong);
}

static bool run_linker(Context *c, const ArtifactRequest *r, const char *folder, uint64_t bytes,
		       char *const *args)
{
	Process run;
	IoError full;
	int error = process_run(&run, folder, args, r->stop);
	if (error != 0)
		return diag_error(c->diag, (Loc){ 0 }, E5211, "%s could not be started: %s",
				  args[0], strerror(error));
	if (run.stopped)
		return diag_error(c->diag, (Loc){ 0 }, E5213, "stopped while linking");
	if (run.status == 0)
		return true;
	if (is_full(folder, bytes, c->arena, &full))
		return io_report(c->diag, (Loc){ .file = r->path }, r->path, &full);
	diag_error(c->diag, (Loc){ 0 }, E5211, "%s failed (%s %d): %s", args[0],
		   run.signalled ? "signal" : "exit status", run.status, run.said);
	diag_hint(c->diag, "choose another with --linker, or write a .a or a .o");
	return false;
}

/* --- all of it -------------------------------------------------------------------------------- */

static bool write_map(const char *path, Arena *a, Exports exports, IoError *error)
{
	Str s;
	str_init(&s, a);
	str_add(&s, "{\nglobal:\n");
	for (int i = 0; i < exports.n; i++)
		str_fmt(&s, "\t%s;\n", exports.name[i]);
	str_add(&s, "local:\n\t*;\n};\n");
	IoWriter *w = io_create(path, error);
	if (!w)
		return false;
	io_scratch(w);
	io_write(w, s.at, s.n);
	return io_commit(w, error);
}

static const char *need_linker(Context *c, const char *wanted)
{
	const char *linker = artifact_linker(c->arena, wanted);
	if (linker)
		return linker;
	if (wanted) {
		diag_error(c->diag, (Loc){ 0 }, E5201, "there is no linker '%s'", wanted);
	} else {
		diag_error(c->diag, (Loc){ 0 }, E5201,
			   "no linker: none of ld.lld-19, ld.lld, ld, cc is in PATH");
		diag_hint(c->diag, "on Debian: apt-get install lld-19; or write a .a or a .o");
	}
	return NULL;
}

static bool link_in(Context *c, const ArtifactRequest *r, const ElfOut *e, Exports exports,
		    const char *folder, char *const *args, IoText *linked)
{
	IoError error;
	Arena *a = c->arena;
	IoWriter *object = object_create(e, path_join(a, folder, "m.o"), &error);
	if (object)
		io_scratch(object);
	if (!object || !io_commit(object, &error) ||
	    !write_map(path_join(a, folder, "m.map"), a, exports, &error))
		return io_report(c->diag, (Loc){ .file = r->path }, r->path, &error);
	return run_linker(c, r, folder, elf_bytes(e), args) &&
	       (io_read(path_join(a, folder, "m.so"), a, LINKED_LIMIT, linked, &error) ||
		io_report(c->diag, (Loc){ .file = r->path }, r->path, &error));
}

/* As with a linker's own output, nobody waits for the disk. */
static IoWriter *write_linked(Context *c, const ArtifactRequest *r, IoText linked,
			      uint64_t weights_at)
{
	static const char zeros[1 << 16];
	IoError error;
	IoWriter *w = io_create(r->path, &error);
	if (!w) {
		io_report(c->diag, (Loc){ .file = r->path }, r->path, &error);
		return NULL;
	}
	io_scratch(w);
	io_runnable(w);
	io_write(w, linked.at, linked.n);
	if (!weights_at)
		return w;
	io_write(w, zeros, weights_at - linked.n);
	if (weights_write(r, w, NULL))
		return w;
	io_abort(w);
	return NULL;
}

static IoWriter *finish(Context *c, const ArtifactRequest *r, const char *linker, IoText linked)
{
	uint64_t at = 0;
	bool embedded = r->weight_bytes > 0 && !r->beside;
	const char *wrong =
		embedded ? elf_attach((char *)(uintptr_t)linked.at, linked.n, &at) : NULL;
	if (!wrong)
		return write_linked(c, r, linked, at);
	diag_error(c->diag, (Loc){ 0 }, E5211, "what %s made cannot take the weights: %s", linker,
		   wrong);
	diag_hint(c->diag, "choose another with --linker, or put the weights beside the library "
			   "(--weights beside)");
	return NULL;
}

IoWriter *link_shared(Context *c, const ArtifactRequest *r, const ElfOut *e, Exports exports)
{
	Args args = { .at = NULL };
	Folder folder;
	IoError error;
	IoText linked;
	const char *linker = need_linker(c, r->linker);
	if (!linker || !make_arguments(c, r, linker, &args))
		return NULL;
	if (!folder_begin(&folder, r->path, &error)) {
		io_report(c->diag, (Loc){ .file = r->path }, r->path, &error);
		return NULL;
	}
	bool ok = link_in(c, r, e, exports, folder.path, args.at, &linked);
	folder_end(&folder);
	return ok ? finish(c, r, linker, linked) : NULL;
}
