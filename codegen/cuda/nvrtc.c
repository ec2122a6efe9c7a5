/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* NVRTC by dlopen. It may be called by several threads at once, each with a program of its own. */
#include "codegen/cuda/nvrtc.h"
#include "base/sha256.h"
#include "codegen/code_batch.h"
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

typedef struct _nvrtcProgram *NvrtcProgram;

/* Function, its name in the library, parameters. All return 0 or an error. */
#define NVRTC_FUNCTIONS(F) \
	F(version, "nvrtcVersion", (int *major, int *minor)) \
	F(arch_count, "nvrtcGetNumSupportedArchs", (int *n)) \
	F(archs, "nvrtcGetSupportedArchs", (int *arch)) \
	F(create, "nvrtcCreateProgram", \
	  (NvrtcProgram * p, const char *text, const char *name, int n, const char *const *header, \
	   const char *const *header_name)) \
	F(destroy, "nvrtcDestroyProgram", (NvrtcProgram * p)) \
	F(compile, "nvrtcCompileProgram", (NvrtcProgram p, int n, const char *const *option)) \
	F(log_size, "nvrtcGetProgramLogSize", (NvrtcProgram p, size_t * n)) \
	F(log_text, "nvrtcGetProgramLog", (NvrtcProgram p, char *log)) \
	F(cubin_size, "nvrtcGetCUBINSize", (NvrtcProgram p, size_t * n)) \
	F(cubin, "nvrtcGetCUBIN", (NvrtcProgram p, char *out)) \
	F(ptx_size, "nvrtcGetPTXSize", (NvrtcProgram p, size_t * n)) \
	F(ptx, "nvrtcGetPTX", (NvrtcProgram p, char *out))

typedef struct Nvrtc {
	void *library;
#define F(name, symbol, parameters) int(*name) parameters;
	NVRTC_FUNCTIONS(F)
#undef F
	int major, minor;
} Nvrtc;

static const struct {
	const char *symbol;
	size_t offset;
} function_row[] = {
#define F(name, symbol, parameters) { symbol, offsetof(Nvrtc, name) },
	NVRTC_FUNCTIONS(F)
#undef F
};

/* --- opening --------------------------------------------------------------------------------- */

/* NVRTC is not made to be unloaded: the memory of its C++ runtime would be lost each time. */
enum { OPEN_FLAGS = RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE };

/* Where it usually lies; $BURIN_NVRTC comes first and alone. */
static const char *const place[] = { "libnvrtc.so.13",
				     "libnvrtc.so.12",
				     "libnvrtc.so.11.2",
				     "libnvrtc.so",
				     "/usr/local/cuda/lib64/libnvrtc.so",
				     "/usr/local/cuda/targets/x86_64-linux/lib/libnvrtc.so" };

static void *open_library(void)
{
	const char *own = getenv("BURIN_NVRTC");
	void *library = NULL;
	if (own && *own)
		return dlopen(own, OPEN_FLAGS);
	for (size_t i = 0; !library && i < sizeof place / sizeof place[0]; i++)
		library = dlopen(place[i], OPEN_FLAGS);
	return library;
}

/* NULL, or why there is none. */
static const char *nvrtc_open(Nvrtc *n)
{
	memset(n, 0, sizeof *n);
	n->library = open_library();
	if (!n->library)
		return "libnvrtc.so was not found";
	for (size_t i = 0; i < sizeof function_row / sizeof function_row[0]; i++) {
		void *f = dlsym(n->library, function_row[i].symbol);
		if (!f)
			return "libnvrtc.so is too old (11.2 or later is needed)";
		memcpy((char *)n + function_row[i].offset, &f, sizeof f);
	}
	return n->version(&n->major, &n->minor) == 0 ? NULL : "libnvrtc.so does not start";
}

static void nvrtc_close(Nvrtc *n)
{
	if (n->library)
		dlclose(n->library);
	n->library = NULL;
}

static bool knows(const Nvrtc *n, int arch)
{
	int count = 0, list[256];
	if (n->arch_count(&count) != 0 || count > 256 || n->archs(list) != 0)
		return false;
	for (int i = 0; i < count; i++)
		if (list[i] == arch)
			return true;
	return false;
}

bool nvrtc_found(Arena *arena, int arch, const char **version, bool *knows_arch)
{
	Nvrtc n;
	const char *why = nvrtc_open(&n);
	*version = why ? why : arena_printf(arena, "NVRTC %d.%d", n.major, n.minor);
	*knows_arch = !why && knows(&n, arch);
	nvrtc_close(&n);
	return !why;
}

/* --- one program ----------------------------------------------------------------------------- */

static const char *take_log(const Nvrtc *n, NvrtcProgram p, Arena *arena)
{
	size_t bytes = 0;
	if (n->log_size(p, &bytes) != 0 || bytes < 2)
		return "no reason given";
	char *log = arena_alloc(arena, bytes);
	return n->log_text(p, log) == 0 ? log : "no reason given";
}

static bool take_code(const Nvrtc *n, NvrtcProgram p, NvrtcJob *j, Arena *arena)
{
	size_t bytes = 0;
	if ((j->ptx ? n->ptx_size : n->cubin_size)(p, &bytes) != 0 || bytes == 0)
		return false;
	char *code = arena_alloc(arena, bytes);
	if ((j->ptx ? n->ptx : n->cubin)(p, code) != 0)
		return false;
	j->out = (ObjectCode){ code, bytes };
	return true;
}

/* NULL, or what is wrong. */
static const char *compile_one(const Nvrtc *n, NvrtcJob *j, bool contract, Arena *arena)
{
	NvrtcProgram p = NULL;
	const char *why = NULL, *file = arena_printf(arena, "%s.cu", j->name);
	const char *option[] = { arena_printf(arena, "--gpu-architecture=%s_%d",
					      j->ptx ? "compute" : "sm", j->arch),
				 contract ? "--fmad=true" : "--fmad=false", "--std=c++14" };
	if (n->create(&p, j->text, file, 0, NULL, NULL) != 0)
		return "the program could not be made";
	if (n->compile(p, sizeof option / sizeof option[0], option) != 0)
		why = take_log(n, p, arena);
	else if (!take_code(n, p, j, arena))
		why = "no code was given";
	n->destroy(&p);
	return why;
}

/* --- all of them ----------------------------------------------------------------------------- */

typedef struct Programs {
	const Nvrtc *n;
	NvrtcJob *job;
	bool contract;
} Programs;

static ObjectCode *program_out(void *user, int i)
{
	return &((Programs *)user)->job[i].out;
}

static void program_key(void *user, int i, uint8_t key[32])
{
	const Programs *z = user;
	const NvrtcJob *j = &z->job[i];
	int32_t fact[5] = { z->n->major, z->n->minor, j->arch, j->ptx, z->contract };
	Sha256 s;
	sha256_init(&s);
	sha256_add(&s, "nvrtc", 6);
	sha256_add(&s, fact, sizeof fact);
	sha256_add(&s, j->text, strlen(j->text));
	sha256_final(&s, key);
}

static const char *make_program(void *user, void *state, int i, Arena *arena)
{
	const Programs *z = user;
	(void)state;
	return compile_one(z->n, &z->job[i], z->contract, arena);
}

static bool compile_all(Context *c, Arena *arena, Programs *z, int n_job, const NvrtcOptions *o)
{
	CodeBatch b = { .user = z,
			.n = n_job,
			.threads = o->threads,
			.cache = o->cache,
			.out = program_out,
			.key = program_key,
			.make = make_program };
	if (code_batch(arena, &b))
		return true;
	const NvrtcJob *j = &z->job[b.failed];
	return diag_error(c->diag, (Loc){ 0 }, E5223, "kernel %s for %s_%d: %.800s", j->name,
			  j->ptx ? "compute" : "sm", j->arch, b.error);
}

static bool report_missing(Context *c, const char *why)
{
	diag_error(c->diag, (Loc){ 0 }, E5221, "no NVRTC: %s", why);
	diag_hint(c->diag,
		  "install the CUDA toolkit or the Python package nvidia-cuda-nvrtc, and let "
		  "BURIN_NVRTC or LD_LIBRARY_PATH name it");
	return false;
}

static bool check_archs(Context *c, const Nvrtc *n, const NvrtcJob *job, int n_job)
{
	for (int i = 0; i < n_job; i++)
		if (!knows(n, job[i].arch)) {
			diag_error(c->diag, (Loc){ 0 }, E5222,
				   "NVRTC %d.%d does not compile for sm_%d", n->major, n->minor,
				   job[i].arch);
			diag_hint(c->diag, "another --gpu, or another version of NVRTC in "
					   "BURIN_NVRTC");
			return false;
		}
	return true;
}

bool nvrtc_compile(Context *c, Arena *arena, NvrtcJob *job, int n_job, NvrtcOptions o)
{
	Nvrtc n;
	const char *why = nvrtc_open(&n);
	Programs z = { .n = &n, .job = job, .contract = o.contract };
	bool ok = !why && check_archs(c, &n, job, n_job) && compile_all(c, arena, &z, n_job, &o);
	nvrtc_close(&n);
	return why ? report_missing(c, why) : ok;
}
