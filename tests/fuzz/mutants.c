/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Damaged models and weight files: good files are damaged at random, and each mutant is read and
 * checked in a process of its own, within 10 s and 2 GiB. It must be read (0), refused as wrong (3)
 * or as unsupported (4); nothing may be printed, and nothing but the end of the reading may end the
 * process.
 *
 *   mutants [--count N] [--seed S] [--only I] FOLDER
 *
 * FOLDER is made; failing mutants stay in it. The same seed makes the same mutants; --only tries
 * one of them. */
#include "base/io.h"
#include "base/oom.h"
#include "frontend/frontend.h"
#include "tests/fuzz/mutate.h"
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SECONDS = 10, MEGABYTES = 2048, OUT_OF_MEMORY = 98, OTHER_END = 99 };

/* Under a sanitizer the address space is no measure; what was resident is looked at in any case. */
#if defined(__has_feature)
#define HAS(f) __has_feature(f)
#else
#define HAS(f) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || HAS(address_sanitizer) || \
	HAS(thread_sanitizer)
enum { SANITIZED = 1 };
const char *__asan_default_options(void) __attribute__((visibility("default")));
const char *__asan_default_options(void)
{
	return "allocator_may_return_null=1:quarantine_size_mb=8:detect_leaks=0";
}
#else
enum { SANITIZED = 0 };
#endif

/* --- good files ------------------------------------------------------------------------------ */

typedef enum Kind { XML, ONNX, SAFETENSORS, NPZ, NPY, KINDS } Kind;
static const char *const suffix[KINDS] = { ".xml", ".onnx", ".safetensors", ".npz", ".npy" };

typedef struct Seed {
	Kind kind;
	const char *path;
	Piece bytes;
} Seed;
typedef VEC(Seed) Seeds;

static void add_seed(Arena *a, Seeds *s, const char *path)
{
	IoText t;
	IoError e;
	for (int k = 0; k < KINDS; k++)
		if (str_ends(path, suffix[k]) && io_read(path, a, 1 << 24, &t, &e))
			vec_push(a, s,
				 ((Seed){ .kind = (Kind)k,
					  .path = path,
					  .bytes = { (unsigned char *)(uintptr_t)t.at, t.n } }));
}

static int by_path(const void *a, const void *b)
{
	return strcmp(((const Seed *)a)->path, ((const Seed *)b)->path);
}

static void add_folder(Arena *a, Seeds *s, const char *folder, const char *prefix)
{
	char *path = path_join(a, BURIN_SOURCE_DIR, folder);
	DIR *d = opendir(path);
	for (struct dirent *e; d && (e = readdir(d));)
		/* what names other files may also be refused with 5 */
		if (str_starts(e->d_name, prefix) && !strstr(e->d_name, "external"))
			add_seed(a, s, path_join(a, path, e->d_name));
	if (d)
		closedir(d);
}

static Seeds good_files(Arena *a)
{
	Seeds s = { 0 };
	add_folder(a, &s, "examples", "");
	add_folder(a, &s, "examples/face", "");
	add_folder(a, &s, "tests/hostile/xml", "ok-");
	add_folder(a, &s, "tests/hostile/onnx", "ok-");
	add_folder(a, &s, "tests/hostile/weights", "ok-");
	qsort(s.at, (size_t)s.n, sizeof *s.at, by_path);
	return s;
}

static const Seed *choose(Random *r, const Seeds *s, Kind kind)
{
	for (;;) {
		const Seed *seed = &s->at[random_below(r, (size_t)s->n)];
		if (seed->kind == kind)
			return seed;
	}
}

/* --- reading one ----------------------------------------------------------------------------- */

static int look_at(burin_graph *g, const char *path, const burin_opts *o)
{
	ReadOptions r = { 0 };
	Str text;
	if (model_open(g, path, o, &r))
		model_build(g, &r);
	str_init(&text, g->arena);
	diag_sort(g->ctx->diag);
	diag_print(g->ctx->diag, &text, 0, true);
	int code = diag_exit_code(g->ctx->diag);
	return !g->graph == !!code ? code : OTHER_END;
}

static int read_model(const char *path, bool check)
{
	OomScope scope;
	burin_opts *o;
	burin_graph *g = calloc(1, sizeof *g);
	if (!g || burin_opts_new(&o, NULL) || burin_opts_set(o, "size", "2", NULL) ||
	    burin_opts_set(o, "check-only", check ? "on" : "off", NULL))
		return OTHER_END;
	if (!OOM_GUARD(&scope))
		return OUT_OF_MEMORY;
	int code = look_at(g, path, o);
	oom_leave(&scope);
	burin_graph_free(g);
	burin_opts_free(o);
	return code;
}

static int read_weights(const char *path)
{
	OomScope scope;
	if (!OOM_GUARD(&scope))
		return OUT_OF_MEMORY;
	Context *c = context_create();
	WeightSet *w = weights_open(c, c->arena, path, (Loc){ .file = path });
	int code = diag_exit_code(c->diag);
	if (!w != !!code)
		code = OTHER_END;
	weights_close(w);
	context_destroy(c);
	oom_leave(&scope);
	return code;
}

/* --- one mutant in a process ----------------------------------------------------------------- */

typedef struct Run {
	const char *folder;
	volatile int *code; /* shared: what reading gave; OTHER_END while it is under way */
	int said;           /* a file for what is printed */
	uint64_t seed;
	long peak; /* KiB */
	int count[4];
} Run;

static void limit(int what, rlim_t n)
{
	setrlimit(what, &(struct rlimit){ n, n });
}

_Noreturn static void child(const Run *run, const char *path, Kind kind, bool check)
{
	limit(RLIMIT_CORE, 0);
	if (!SANITIZED)
		limit(RLIMIT_AS, (rlim_t)MEGABYTES << 20);
	dup2(run->said, STDOUT_FILENO);
	dup2(run->said, STDERR_FILENO);
	alarm(SECONDS);
	*run->code = kind <= ONNX ? read_model(path, check) : read_weights(path);
	_exit(0);
}

/* NULL, or what is wrong. */
static const char *verdict(const Run *run, int status, const struct rusage *use)
{
	struct stat said;
	if (fstat(run->said, &said) != 0 || said.st_size > 0)
		return "it printed something";
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
		return "it took more than 10 s";
	if (WIFSIGNALED(status))
		return strsignal(WTERMSIG(status));
	if (*run->code == OUT_OF_MEMORY)
		return "it ran out of 2 GiB";
	if (WEXITSTATUS(status) != 0 || *run->code == OTHER_END)
		return "reading did not return, or its result contradicts its report";
	if (use->ru_maxrss > (long)MEGABYTES << 10)
		return "it needed more than 2 GiB";
	return *run->code == 0 || *run->code == 3 || *run->code == 4 ? NULL : "another exit code";
}

static const char *read_in_child(Run *run, const char *path, Kind kind, bool check)
{
	int status = 0;
	struct rusage use = { 0 };
	*run->code = OTHER_END;
	if (ftruncate(run->said, 0) != 0)
		return "cannot empty the log";
	lseek(run->said, 0, SEEK_SET);
	pid_t pid = fork();
	if (pid == 0)
		child(run, path, kind, check);
	if (pid < 0 || wait4(pid, &status, 0, &use) != pid)
		return "cannot start a process";
	run->peak = use.ru_maxrss > run->peak ? use.ru_maxrss : run->peak;
	return verdict(run, status, &use);
}

static void show_said(const Run *run)
{
	char text[4096];
	lseek(run->said, 0, SEEK_SET);
	ssize_t n = read(run->said, text, sizeof text);
	if (n > 0)
		fwrite(text, 1, (size_t)n, stderr);
}

/* Mutant number i. False: it stays as a file. */
static bool try_mutant(Run *run, Arena *a, const Seeds *seeds, int i)
{
	Random r = { run->seed * 1000003 + (uint64_t)i };
	Kind kind = (Kind)random_below(&r, KINDS + 3); /* models are what matters */
	kind = kind == NPY + 1 ? ONNX : kind > NPY ? XML : kind;
	const Seed *seed = choose(&r, seeds, kind), *other = choose(&r, seeds, kind);
	Piece p = piece_copy(&seed->bytes);
	IoError e;
	mutate(&r, &p, &other->bytes, kind == XML);
	const char *path = arena_printf(a, "%s/mutant-%d%s", run->folder, i, suffix[kind]);
	const char *wrong = "cannot write the file";
	if (io_write_file(path, p.at, p.n, &e))
		wrong = read_in_child(run, path, kind, kind == XML);
	free(p.at);
	if (!wrong) {
		unlink(path);
		run->count[*run->code == 0 ? 0 : *run->code - 2]++;
		return true;
	}
	fprintf(stderr, "%s, made of %s: %s (code %d)\n", path, seed->path, wrong, *run->code);
	show_said(run);
	return false;
}

static int option(int argc, char **argv, const char *name, int fallback)
{
	for (int i = 1; i + 1 < argc; i++)
		if (str_eq(argv[i], name))
			return atoi(argv[i + 1]);
	return fallback;
}

int main(int argc, char **argv)
{
	Arena *a = arena_create();
	Seeds seeds = good_files(a);
	int only = option(argc, argv, "--only", -1), n = option(argc, argv, "--count", 1000);
	Run run = { .folder = argv[argc - 1], .seed = (uint64_t)option(argc, argv, "--seed", 1) };
	int wrong = 0;
	if (argc < 2 || run.folder[0] == '-' || seeds.n < 40)
		return fprintf(stderr, "usage: mutants [--count N] [--seed S] [--only I] FOLDER\n"),
		       2;
	mkdir(run.folder, 0777);
	run.code = mmap(NULL, sizeof *run.code, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			-1, 0);
	run.said = memfd_create("said", 0);
	for (int i = only < 0 ? 0 : only; i < (only < 0 ? n : only + 1); i++)
		wrong += !try_mutant(&run, a, &seeds, i);
	printf("%d read, %d refused as wrong, %d as unsupported, %d failed; at most %ld MiB\n",
	       run.count[0], run.count[1], run.count[2], wrong, run.peak >> 10);
	arena_destroy(a);
	return wrong > 0 || run.count[0] == 0 || run.count[1] == 0 ? 1 : 0;
}
