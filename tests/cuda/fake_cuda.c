/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A library in the place of the CUDA driver, found as libcuda.so.1 by LD_LIBRARY_PATH, on a machine
 * without a GPU. It writes down what is asked of it, and what a driver would do it does: device
 * memory has addresses that mean nothing to the host, work on a stream is done when somebody waits
 * for it, a captured graph is the list of its work. Its machine code is fake_nvrtc.c's, the
 * kernel's own text: a launch runs it in the emulation, which checks every access.
 *
 *   FAKE_CUDA_LOG      file to which calls are appended
 *   FAKE_CUDA_FAIL     the call with this number fails
 *   FAKE_CUDA_FAULT    the launch with this number fails, as a kernel does: when it is waited for
 *   FAKE_CUDA_RUN      folder for kernels that run; without it launches do nothing
 *   FAKE_CUDA_ARCH     compute capability, such as 90
 *   FAKE_CUDA_VERSION  of the driver, such as 12040
 *   FAKE_CUDA_NONE     there is no device
 *
 * With FAKE_OLD it has no function to capture streams. */
#include "codegen/cuda/device/emu_abi.h"
#include "runtime/cuda/driver.h"
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CUDA_FN(name, symbol, parameters) CudaResult fake_##name parameters __asm__(symbol);
#include "runtime/cuda/symbols.def"
#undef CUDA_FN

enum { MAX_ARGS = 64, MAX_SHARED = 16, MAX_BLOCKS = 32, FAULT = 719, NO_DEVICE = 100 };

typedef struct CUmod_st {
	char *text;
	int arch;
} Module;

/* A kernel: what its text says of it, and its code once it has run. */
typedef struct CUfunc_st {
	const Module *module;
	char name[64];
	int threads, n_arg;
	BurinEmuArg arg[MAX_ARGS];
	BurinEmuShared shared[MAX_SHARED];
	BurinEmuStep step;
	BurinEmuProgram program;
	void *library;
	void (*run)(int step, void *const *base);
} Function;

typedef enum Kind { SET, IN, OUT, LAUNCH } Kind;
typedef struct Work {
	Kind kind;
	CudaPointer device;
	void *host; /* OUT: where to; IN: a copy */
	size_t bytes;
	unsigned char value;
	Function *function;
	unsigned grid, block;
	CudaPointer arg[MAX_ARGS];
} Work;

/* A list of work: a stream, a graph. */
typedef struct CUstream_st {
	Work *at;
	size_t n;
	struct CUstream_st *captured; /* or NULL */
} List;

typedef struct Block { /* of device memory */
	CudaPointer address;
	char *at;
	size_t bytes;
} Block;

static struct {
	int calls, live, launches;
	CudaResult broken; /* what every call returns since a kernel failed */
	Block block[MAX_BLOCKS];
	CudaPointer next;
} fake = { .next = 0x7000000000000 };

static int number(const char *name, int fallback)
{
	const char *text = getenv(name);
	return text ? atoi(text) : fallback;
}

static void note(const char *what, const char *detail)
{
	const char *path = getenv("FAKE_CUDA_LOG");
	FILE *f = path ? fopen(path, "a") : NULL;
	if (!f)
		return;
	fprintf(f, "%s%s%s\n", what, *detail ? " " : "", detail);
	fclose(f);
}

/* What the call is to return. */
static CudaResult call(const char *what, const char *detail)
{
	note(what, detail);
	if (++fake.calls == number("FAKE_CUDA_FAIL", 0))
		return FAULT;
	return fake.broken;
}

__attribute__((destructor)) static void end(void)
{
	char text[32];
	snprintf(text, sizeof text, "%d", fake.live);
	note("live", text);
}

/* --- the device ------------------------------------------------------------------------------ */

CudaResult fake_init(unsigned flags)
{
	(void)flags;
	return getenv("FAKE_CUDA_NONE") ? NO_DEVICE : call("init", "");
}

CudaResult fake_driver_version(int *version)
{
	*version = number("FAKE_CUDA_VERSION", 12040);
	return call("driver_version", "");
}

CudaResult fake_error_name(CudaResult error, const char **text)
{
	*text = error == NO_DEVICE ? "CUDA_ERROR_NO_DEVICE" : "CUDA_ERROR_LAUNCH_FAILED";
	return 0;
}

CudaResult fake_error_text(CudaResult error, const char **text)
{
	*text = error == NO_DEVICE ? "no CUDA-capable device is detected"
				   : "unspecified launch failure";
	return 0;
}

CudaResult fake_device_count(int *n)
{
	*n = 1;
	return call("device_count", "");
}

CudaResult fake_device_get(CudaDevice *device, int ordinal)
{
	*device = ordinal;
	return call("device_get", "");
}

CudaResult fake_device_name(char *name, int n, CudaDevice device)
{
	(void)device;
	snprintf(name, (size_t)n, "fake");
	return call("device_name", "");
}

CudaResult fake_device_attribute(int *value, int attribute, CudaDevice device)
{
	int arch = number("FAKE_CUDA_ARCH", 90);
	(void)device;
	*value = attribute == CUDA_COMPUTE_MAJOR   ? arch / 10
		 : attribute == CUDA_COMPUTE_MINOR ? arch % 10
						   : 227 * 1024;
	return call("device_attribute", "");
}

/* --- things made and given back -------------------------------------------------------------- */

/* What is made is a block of memory of this size; *handle: its address. */
static CudaResult make(const char *what, const char *detail, size_t bytes, void *handle)
{
	CudaResult r = call(what, detail);
	void *made = r == 0 ? calloc(1, bytes) : NULL;
	if (made)
		fake.live++;
	memcpy(handle, &made, sizeof made);
	return r;
}

/* Gone, whatever is returned. */
static CudaResult unmake(const char *what, void *made)
{
	fake.live--;
	free(made);
	note(what, "");
	return fake.broken;
}

static CudaContext context;

CudaResult fake_context_retain(CudaContext *out, CudaDevice device)
{
	(void)device;
	CudaResult r = make("context_retain", "", 1, &context);
	*out = context;
	return r;
}

CudaResult fake_context_release(CudaDevice device)
{
	(void)device;
	return unmake("context_release", context);
}

CudaResult fake_context_push(CudaContext c)
{
	(void)c;
	return call("context_push", "");
}

CudaResult fake_context_pop(CudaContext *c)
{
	*c = context;
	return 0;
}

CudaResult fake_stream_new(CudaStream *stream, unsigned flags)
{
	(void)flags;
	return make("stream_new", "", sizeof(List), stream);
}

static void empty(List *l)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->at[i].kind == IN)
			free(l->at[i].host);
	free(l->at);
	*l = (List){ .captured = l->captured };
}

CudaResult fake_stream_free(CudaStream stream)
{
	empty(stream);
	return unmake("stream_free", stream);
}

/* --- device memory --------------------------------------------------------------------------- */

static Block *block_of(CudaPointer p)
{
	for (int i = 0; i < MAX_BLOCKS; i++) {
		Block *b = &fake.block[i];
		if (b->at && p >= b->address && p < b->address + b->bytes)
			return b;
	}
	return NULL;
}

/* Where p is in truth, with `bytes` bytes behind it. */
static char *real(CudaPointer p, size_t bytes)
{
	const Block *b = block_of(p);
	if (b && p + bytes <= b->address + b->bytes)
		return b->at + (p - b->address);
	fprintf(stderr, "fake driver: %zu bytes at %llx are not the device's\n", bytes, p);
	abort();
}

CudaResult fake_memory_new(CudaPointer *p, size_t bytes)
{
	CudaResult r = call("memory_new", "");
	Block *b = fake.block;
	*p = 0;
	if (r)
		return r;
	while (b->at)
		b++;
	b->at = aligned_alloc(256, (bytes + 255) / 256 * 256);
	memset(b->at, 0xee, bytes);
	b->bytes = bytes;
	*p = b->address = fake.next;
	fake.next += (bytes + 0xfffff) / 0x100000 * 0x100000 + 0x100000;
	fake.live++;
	return 0;
}

CudaResult fake_memory_free(CudaPointer p)
{
	Block *b = block_of(p);
	char *at = b->at;
	b->at = NULL;
	return unmake("memory_free", at);
}

/* --- streams --------------------------------------------------------------------------------- */

static CudaResult add(List *l, const char *what, const char *detail, Work w)
{
	CudaResult r = call(what, detail);
	if (r == 0) {
		l = l->captured ? l->captured : l;
		l->at = realloc(l->at, (l->n + 1) * sizeof w);
		l->at[l->n++] = w;
	} else if (w.kind == IN) {
		free(w.host);
	}
	return r;
}

CudaResult fake_memory_set(CudaPointer p, unsigned char value, size_t bytes, CudaStream s)
{
	return add(s, "memory_set", "",
		   (Work){ .kind = SET, .device = p, .value = value, .bytes = bytes });
}

/* The host's memory may change at once. */
CudaResult fake_copy_in(CudaPointer to, const void *from, size_t bytes, CudaStream s)
{
	void *copy = malloc(bytes + 1);
	memcpy(copy, from, bytes);
	return add(s, "copy_in", "",
		   (Work){ .kind = IN, .device = to, .host = copy, .bytes = bytes });
}

CudaResult fake_copy_out(void *to, CudaPointer from, size_t bytes, CudaStream s)
{
	return add(s, "copy_out", "",
		   (Work){ .kind = OUT, .device = from, .host = to, .bytes = bytes });
}

CudaResult fake_copy_within(CudaPointer to, CudaPointer from, size_t bytes, CudaStream s)
{
	(void)to, (void)from, (void)bytes, (void)s;
	return call("copy_within", "");
}

/* --- kernels --------------------------------------------------------------------------------- */

CudaResult fake_module_load(CudaModule *module, const void *image)
{
	char arch[32] = "";
	sscanf(image, "%31s", arch);
	CudaResult r = make("module_load", arch, sizeof(Module), module);
	if (r == 0)
		(*module)->text = strdup(strchr(image, '\n') + 1);
	return r;
}

/* The text of a module stays: functions may be on a list. */
CudaResult fake_module_free(CudaModule module)
{
	free(module->text);
	return unmake("module_free", module);
}

static int item_bytes(const char *type)
{
	return strstr(type, "64") ? 8 : strstr(type, "32") ? 4 : strstr(type, "16") ? 2 : 1;
}

static void read_text(Function *f)
{
	const char *at = strstr(f->module->text, "\nBURIN_KERNEL("), *p;
	char type[16], name[16];
	int n, room;
	sscanf(at, "\nBURIN_KERNEL(%d)", &f->threads);
	for (p = at; *p != '{'; p++)
		f->n_arg += *p == '*';
	f->step = (BurinEmuStep){
		.name = f->name, .threads = f->threads, .n_arg = f->n_arg, .arg = f->arg
	};
	for (p = at; (p = strstr(p, "BURIN_SHARED(")); p++) {
		sscanf(p, "BURIN_SHARED(%15[^,], %15[^,], %d, %d)", type, name, &n, &room);
		f->shared[n].item = strcmp(name, "room") == 0 ? 4 : item_bytes(type);
		f->shared[n].bytes = (long long)room * item_bytes(type);
		f->step.n_shared++;
	}
	f->step.shared = f->shared;
}

/* Functions are never given back: they belong to their modules. */
static Function functions[256];
static int n_functions;

CudaResult fake_module_function(CudaFunction *function, CudaModule module, const char *name)
{
	CudaResult r = call("module_function", name);
	if (r)
		return r;
	*function = &functions[n_functions++];
	**function = (Function){ .module = module };
	snprintf((*function)->name, sizeof(*function)->name, "%s", name);
	read_text(*function);
	return 0;
}

CudaResult fake_function_attribute(CudaFunction function, int attribute, int value)
{
	(void)function, (void)attribute, (void)value;
	return call("function_attribute", "");
}

/* The text as a library: compiled as codegen/cuda/emu.c does it. */
static void build(Function *f, const char *folder)
{
	char path[256], command[2048];
	snprintf(path, sizeof path, "%s/%s", folder, f->name);
	snprintf(command, sizeof command, "%s.c", path);
	FILE *c = fopen(command, "w");
	fprintf(c,
		"%s\n#define UNSEEN __attribute__((no_sanitize_thread))\n"
		"UNSEEN static void call(void *const *arg)\n{\n\t%s(",
		f->module->text, f->name);
	for (int i = 0; i < f->n_arg; i++)
		fprintf(c, "%sarg[%d]", i ? ", " : "", i);
	fprintf(c, ");\n}\nvoid *const fake_call = call;\n"
		   "void burin_emu_step(int, void *const *);\n"
		   "void *const fake_run = burin_emu_step;\n"
		   "extern void *burin_emu_program;\n"
		   "void **const fake_program = &burin_emu_program;\n");
	fclose(c);
	snprintf(command, sizeof command,
		 "cc -std=gnu11 -w -fPIC -O1 -ffp-contract=off -fwrapv -fno-strict-aliasing "
		 "-fsanitize=thread -c %s.c -o %s.o && "
		 "cc -shared -Wl,-z,defs %s.o %s -o %s.so -lm -lpthread",
		 path, path, path, FAKE_EMULATOR, path);
	if (system(command) != 0)
		abort();
	snprintf(command, sizeof command, "%s.so", path);
	f->library = dlopen(command, RTLD_NOW | RTLD_LOCAL);
	if (!f->library)
		abort();
	f->step.call = *(BurinEmuCall **)dlsym(f->library, "fake_call");
	memcpy(&f->run, dlsym(f->library, "fake_run"), sizeof f->run);
	f->program = (BurinEmuProgram){ .step = &f->step, .work = f->n_arg, .seed = 1 };
	**(void ***)dlsym(f->library, "fake_program") = &f->program;
}

/* A pointer reaches as far as the block of memory that it points into. */
static CudaResult run_kernel(const Work *w, const char *folder)
{
	Function *f = w->function;
	void *base[MAX_ARGS + 1];
	int status;
	if (!f->library)
		build(f, folder);
	for (int i = 0; i < f->n_arg; i++) {
		const Block *b = block_of(w->arg[i]);
		if (!b)
			return FAULT;
		long long at = (long long)(w->arg[i] - b->address);
		base[i] = b->at + at;
		f->arg[i] = (BurinEmuArg){ .base = i,
					   .item = 1,
					   .low = -at,
					   .high = (long long)b->bytes - at,
					   .written = 1 };
	}
	base[f->n_arg] = &status;
	f->step.blocks = w->grid;
	f->run(0, base);
	if (f->program.fault[0])
		fprintf(stderr, "%s\n", f->program.fault);
	return f->program.fault[0] ? FAULT : 0;
}

static CudaResult launched(const Work *w)
{
	const char *folder = getenv("FAKE_CUDA_RUN");
	if (++fake.launches == number("FAKE_CUDA_FAULT", 0))
		return FAULT;
	return folder ? run_kernel(w, folder) : 0;
}

static CudaResult done(const Work *w)
{
	switch (w->kind) {
	case SET: memset(real(w->device, w->bytes), w->value, w->bytes); return 0;
	case IN: memcpy(real(w->device, w->bytes), w->host, w->bytes); return 0;
	case OUT: memcpy(w->host, real(w->device, w->bytes), w->bytes); return 0;
	case LAUNCH: return launched(w);
	}
	return 1;
}

static CudaResult finish(List *l)
{
	for (size_t i = 0; i < l->n && fake.broken == 0; i++)
		fake.broken = done(&l->at[i]);
	empty(l);
	return fake.broken;
}

CudaResult fake_stream_wait(CudaStream stream)
{
	CudaResult r = call("stream_wait", "");
	return r ? r : finish(stream);
}

CudaResult fake_launch(CudaFunction function, unsigned gx, unsigned gy, unsigned gz, unsigned bx,
		       unsigned by, unsigned bz, unsigned shared, CudaStream stream,
		       void **parameters, void **extra)
{
	char detail[160];
	Work w = { .kind = LAUNCH, .function = function, .grid = gx, .block = bx };
	if (gy * gz * by * bz != 1 || extra || bx != (unsigned)function->threads || gx == 0)
		return 1;
	for (int i = 0; i < function->n_arg; i++)
		memcpy(&w.arg[i], parameters[i], sizeof w.arg[i]);
	snprintf(detail, sizeof detail, "%s %u x %u, %u, %d arguments%s", function->name, gx, bx,
		 shared, function->n_arg, stream->captured ? " (captured)" : "");
	CudaResult r = add(stream, "launch", detail, w);
	const char *blocking = getenv("CUDA_LAUNCH_BLOCKING");
	return r || stream->captured || !blocking ? r : finish(stream);
}

/* --- graphs ---------------------------------------------------------------------------------- */

#ifndef FAKE_OLD
CudaResult fake_capture_begin(CudaStream stream, int mode)
{
	(void)mode;
	CudaResult r = call("capture_begin", "");
	if (r == 0)
		stream->captured = calloc(1, sizeof(List));
	return r;
}
#endif

CudaResult fake_capture_end(CudaStream stream, CudaGraph *graph)
{
	CudaResult r = call("capture_end", "");
	*graph = r == 0 ? (CudaGraph)(void *)stream->captured : NULL;
	if (r == 0) {
		fake.live++;
	} else {
		empty(stream->captured);
		free(stream->captured);
	}
	stream->captured = NULL;
	return r;
}

static void append(List *to, const List *from)
{
	to->at = realloc(to->at, (to->n + from->n + 1) * sizeof *to->at);
	memcpy(to->at + to->n, from->at, from->n * sizeof *to->at);
	to->n += from->n;
}

CudaResult fake_graph_make(CudaGraphRun *run, CudaGraph graph, unsigned long long flags)
{
	(void)flags;
	CudaResult r = make("graph_make", "", sizeof(List), run);
	if (r == 0)
		append((List *)(void *)*run, (const List *)(void *)graph);
	return r;
}

CudaResult fake_graph_launch(CudaGraphRun run, CudaStream stream)
{
	CudaResult r = call("graph_launch", "");
	if (r == 0)
		append(stream, (const List *)(void *)run);
	return r;
}

CudaResult fake_graph_run_free(CudaGraphRun run)
{
	empty((List *)(void *)run);
	return unmake("graph_run_free", run);
}

CudaResult fake_graph_free(CudaGraph graph)
{
	empty((List *)(void *)graph);
	return unmake("graph_free", graph);
}
