/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Running on a GPU, against a driver that records what is asked of it: the order of calls, the
 * launches and their arguments, the recorded graph, and for every single call what happens when it
 * fails. */
#include "base/arena.h"
#include "base/str.h"
#include "include/burin.h"
#include "runtime/cuda/exec.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* --- the driver ------------------------------------------------------------------------------ */

typedef struct Fake {
	Arena *arena;
	Str log;
	int calls, fail_at; /* the call with this number fails; 0: none */
	int live;           /* objects made and not given back */
	int capability;     /* 90 */
	bool no_capture;    /* streams cannot be captured */
} Fake;
static Fake fake; /* the driver's functions have no argument to find it by */

static CudaResult call(const char *name)
{
	str_fmt(&fake.log, "%s\n", name);
	return ++fake.calls == fake.fail_at ? 719 : 0;
}

static CudaResult make(const char *name, void *handle)
{
	CudaResult r = call(name);
	static char object;
	void *p = &object;
	if (r == 0) {
		memcpy(handle, &p, sizeof p);
		fake.live++;
	}
	return r;
}

/* What is given back is gone, whatever the driver says. */
static CudaResult unmake(const char *name)
{
	fake.live--;
	str_fmt(&fake.log, "%s\n", name);
	return 0;
}

static CudaResult fake_init(unsigned flags)
{
	(void)flags;
	return call("init");
}
static CudaResult fake_driver_version(int *version)
{
	*version = 12040;
	return call("driver_version");
}
static CudaResult fake_error_name(CudaResult error, const char **text)
{
	(void)error;
	*text = "CUDA_ERROR_LAUNCH_FAILED";
	return 0;
}
static CudaResult fake_error_text(CudaResult error, const char **text)
{
	(void)error;
	*text = "unspecified launch failure";
	return 0;
}
static CudaResult fake_device_count(int *n)
{
	*n = 1;
	return call("device_count");
}
static CudaResult fake_device_get(CudaDevice *device, int ordinal)
{
	*device = ordinal;
	return call("device_get");
}
static CudaResult fake_device_name(char *name, int n, CudaDevice device)
{
	(void)device;
	memcpy(name, "fake", n < 5 ? (size_t)n : 5);
	return call("device_name");
}
static CudaResult fake_device_attribute(int *value, int attribute, CudaDevice device)
{
	(void)device;
	*value = attribute == CUDA_COMPUTE_MAJOR   ? fake.capability / 10
		 : attribute == CUDA_COMPUTE_MINOR ? fake.capability % 10
						   : 227 * 1024;
	return call("device_attribute");
}
static CudaResult fake_context_retain(CudaContext *context, CudaDevice device)
{
	(void)device;
	return make("context_retain", context);
}
static CudaResult fake_context_release(CudaDevice device)
{
	(void)device;
	return unmake("context_release");
}
static CudaResult fake_context_push(CudaContext context)
{
	(void)context;
	return call("context_push");
}
static CudaResult fake_context_pop(CudaContext *context)
{
	*context = NULL;
	return 0;
}
static CudaResult fake_memory_new(CudaPointer *p, size_t bytes)
{
	CudaResult r = call("memory_new");
	*p = 0;
	if (r == 0) {
		void *block = malloc(bytes);
		fake.live++;
		memset(block, 0xee, bytes);
		*p = (CudaPointer)(uintptr_t)block;
	}
	return r;
}
static CudaResult fake_memory_free(CudaPointer p)
{
	free((void *)(uintptr_t)p);
	return unmake("memory_free");
}
static CudaResult fake_memory_set(CudaPointer p, unsigned char value, size_t bytes, CudaStream s)
{
	(void)s;
	memset((void *)(uintptr_t)p, value, bytes);
	return call("memory_set");
}
static CudaResult fake_copy_in(CudaPointer to, const void *from, size_t bytes, CudaStream s)
{
	(void)s;
	memcpy((void *)(uintptr_t)to, from, bytes);
	return call("copy_in");
}
static CudaResult fake_copy_out(void *to, CudaPointer from, size_t bytes, CudaStream s)
{
	CudaResult r = call("copy_out");
	(void)s;
	if (r == 0)
		memcpy(to, (void *)(uintptr_t)from, bytes);
	return r;
}
static CudaResult fake_copy_within(CudaPointer to, CudaPointer from, size_t bytes, CudaStream s)
{
	(void)s;
	memmove((void *)(uintptr_t)to, (void *)(uintptr_t)from, bytes);
	return call("copy_within");
}
static CudaResult fake_stream_new(CudaStream *stream, unsigned flags)
{
	(void)flags;
	return make("stream_new", stream);
}
static CudaResult fake_stream_free(CudaStream stream)
{
	(void)stream;
	return unmake("stream_free");
}
static CudaResult fake_stream_wait(CudaStream stream)
{
	(void)stream;
	return call("stream_wait");
}
static CudaResult fake_module_load(CudaModule *module, const void *image)
{
	str_fmt(&fake.log, "[%s] ", (const char *)image);
	return make("module_load", module);
}
static CudaResult fake_module_free(CudaModule module)
{
	(void)module;
	return unmake("module_free");
}
static CudaResult fake_module_function(CudaFunction *function, CudaModule module, const char *name)
{
	static char object;
	(void)module;
	*function = (CudaFunction)(void *)&object;
	str_fmt(&fake.log, "[%s] ", name);
	return call("module_function");
}
static CudaResult fake_function_attribute(CudaFunction function, int attribute, int value)
{
	(void)function;
	str_fmt(&fake.log, "[%d=%d] ", attribute, value);
	return call("function_attribute");
}
/* Every kernel adds 1 to the floats of its first argument and writes them to its second. */
static CudaResult fake_launch(CudaFunction function, unsigned gx, unsigned gy, unsigned gz,
			      unsigned bx, unsigned by, unsigned bz, unsigned shared,
			      CudaStream stream, void **parameters, void **extra)
{
	CudaPointer from, to;
	(void)function, (void)gy, (void)gz, (void)by, (void)bz, (void)stream, (void)extra;
	memcpy(&from, parameters[0], sizeof from);
	memcpy(&to, parameters[1], sizeof to);
	for (int i = 0; i < 4; i++)
		((float *)(uintptr_t)to)[i] = ((const float *)(uintptr_t)from)[i] + 1;
	str_fmt(&fake.log, "[%u x %u, %u] ", gx, bx, shared);
	return call("launch");
}
static CudaResult fake_capture_begin(CudaStream stream, int mode)
{
	(void)stream, (void)mode;
	return fake.no_capture ? 800 : call("capture_begin");
}
static CudaResult fake_capture_end(CudaStream stream, CudaGraph *graph)
{
	(void)stream;
	*graph = NULL;
	return make("capture_end", graph);
}
static CudaResult fake_graph_make(CudaGraphRun *run, CudaGraph graph, unsigned long long flags)
{
	(void)graph, (void)flags;
	return make("graph_make", run);
}
static CudaResult fake_graph_launch(CudaGraphRun run, CudaStream stream)
{
	(void)run, (void)stream;
	return call("graph_launch");
}
static CudaResult fake_graph_run_free(CudaGraphRun run)
{
	(void)run;
	return unmake("graph_run_free");
}
static CudaResult fake_graph_free(CudaGraph graph)
{
	(void)graph;
	return unmake("graph_free");
}

static const CudaDriver driver = {
#define CUDA_FN(name, symbol, parameters) .name = fake_##name,
#include "runtime/cuda/symbols.def"
#undef CUDA_FN
};

static int fake_begin(void **state)
{
	fake = (Fake){ .arena = arena_create(), .capability = 90 };
	str_init(&fake.log, fake.arena);
	*state = &fake;
	return 0;
}

static int fake_end(void **state)
{
	(void)state;
	arena_destroy(fake.arena);
	return 0;
}

static void log_clear(void)
{
	str_init(&fake.log, fake.arena);
}

/* --- the program: y = ((x + 1) + 1), the weights unused -------------------------------------- */

static const int64_t four[1] = { 4 };
static const BurinPort port_in[1] = {
	{ .name = "x", .dtype = 0, .align = 4, .rank = 1, .dim = four, .bytes = 16 }
};
static const BurinPort port_out[1] = {
	{ .name = "y", .dtype = 0, .align = 4, .rank = 1, .dim = four, .bytes = 16 }
};
static const BurinCudaImage images[3] = { { .arch = 80, .data = "cubin 80", .bytes = 9 },
					  { .arch = 90, .data = "cubin 90", .bytes = 9 },
					  { .arch = 80, .ptx = 1, .data = "ptx 80", .bytes = 7 } };
static const BurinCudaKernel kernels[1] = { { "k_1", 3, images } };
static const BurinCudaArg first_args[2] = { { BURIN_CUDA_INPUT, 0, 0 },
					    { BURIN_CUDA_WORK, 0, 64 } };
static const BurinCudaArg second_args[2] = { { BURIN_CUDA_WORK, 0, 64 },
					     { BURIN_CUDA_OUTPUT, 0, 0 } };
static const BurinCudaStep steps[2] = {
	{ .kernel = 0, .n_arg = 2, .grid = 3, .block = 128, .arg = first_args, .sources = "add1" },
	{ .kernel = 0,
	  .n_arg = 2,
	  .grid = 5,
	  .block = 256,
	  .shared = 100000,
	  .arg = second_args,
	  .sources = "add2 relu2" }
};
static const BurinCudaProgram cuda = {
	.n_kernel = 1, .n_step = 2, .kernel = kernels, .step = steps, .work_bytes = 256
};
static const BurinVariant variants[1] = { { .batch = 1, .cuda = &cuda } };
static const BurinProgram program = { .version = BURIN_PROGRAM_VERSION,
				      .size = sizeof(BurinProgram),
				      .name = "m",
				      .n_in = 1,
				      .n_out = 1,
				      .in = port_in,
				      .out = port_out,
				      .n_variant = 1,
				      .variant = variants,
				      .weight_bytes = 8 };
static const char weights[8] = "weights";

static int run_once(CudaExec *x, float y[4], CudaError *e)
{
	float in[4] = { 0, 1, 2, 3 };
	void *port[2] = { in, y };
	return cuda_exec_run(x, port, e);
}

static void test_calls(void **state)
{
	CudaError e;
	float y[4] = { 0 };
	(void)state;
	CudaExec *x = cuda_exec_new(&driver, &program, weights, (CudaExecOptions){ 0 }, &e);
	assert_non_null(x);
	assert_string_equal(str_text(&fake.log),
			    "device_count\ndevice_get\ndevice_attribute\ndevice_attribute\n"
			    "device_attribute\ncontext_retain\ncontext_push\nstream_new\n"
			    "[cubin 90] module_load\n[k_1] module_function\n"
			    "[8=100000] function_attribute\nmemory_new\nmemory_new\ncopy_in\n"
			    "stream_wait\n");
	log_clear();
	assert_int_equal(run_once(x, y, &e), 0);
	assert_string_equal(str_text(&fake.log),
			    "context_push\ncopy_in\nmemory_set\n[3 x 128, 0] launch\n"
			    "[5 x 256, 100000] launch\ncopy_out\ncopy_out\nstream_wait\n");
	for (int i = 0; i < 4; i++)
		assert_true(y[i] == (float)i + 2);
	log_clear();
	assert_int_equal(run_once(x, y, &e), 0); /* recorded */
	assert_string_equal(str_text(&fake.log),
			    "context_push\ncopy_in\ncapture_begin\nmemory_set\n"
			    "[3 x 128, 0] launch\n[5 x 256, 100000] launch\ncapture_end\n"
			    "graph_make\ngraph_free\ngraph_launch\ncopy_out\ncopy_out\n"
			    "stream_wait\n");
	log_clear();
	assert_int_equal(run_once(x, y, &e), 0); /* repeated */
	assert_string_equal(str_text(&fake.log), "context_push\ncopy_in\ngraph_launch\ncopy_out\n"
						 "copy_out\nstream_wait\n");
	cuda_exec_free(x);
	assert_int_equal(fake.live, 0);
}

static void test_no_capture(void **state)
{
	CudaError e;
	float y[4] = { 0 };
	(void)state;
	fake.no_capture = true;
	CudaExec *x = cuda_exec_new(&driver, &program, weights, (CudaExecOptions){ 0 }, &e);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(run_once(x, y, &e), 0);
		assert_true(y[3] == 5);
	}
	assert_null(strstr(str_text(&fake.log), "graph_launch"));
	cuda_exec_free(x);
	assert_int_equal(fake.live, 0);
}

static const char *loaded(int capability)
{
	CudaError e;
	log_clear();
	fake.capability = capability;
	CudaExec *x = cuda_exec_new(&driver, &program, weights, (CudaExecOptions){ 0 }, &e);
	cuda_exec_free(x);
	if (!x)
		return arena_strdup(fake.arena, e.text);
	const char *at = strchr(str_text(&fake.log), '[');
	return arena_strndup(fake.arena, at + 1, strcspn(at + 1, "]"));
}

static void test_choice_of_code(void **state)
{
	(void)state;
	assert_string_equal(loaded(80), "cubin 80");
	assert_string_equal(loaded(86), "cubin 80");
	assert_string_equal(loaded(90), "cubin 90");
	assert_string_equal(loaded(100), "ptx 80");
	assert_string_equal(loaded(75), "the model holds no code for this GPU (sm_75): compile it "
					"with --gpu sm_75");
	assert_int_equal(fake.live, 0);
}

static void test_no_such_device(void **state)
{
	CudaError e;
	(void)state;
	assert_null(
		cuda_exec_new(&driver, &program, weights, (CudaExecOptions){ .device = 3 }, &e));
	assert_int_equal(e.status, BURIN_E_DEVICE);
	assert_string_equal(e.text, "there is no CUDA device 3: 1 found");
}

/* Every call fails once: an error that says what was being done, and nothing left behind. */
static void test_each_call_fails(void **state)
{
	CudaError e;
	float y[4];
	int failed = 0;
	(void)state;
	for (int at = 1;; at++) {
		int runs = 0;
		fake.calls = 0;
		fake.fail_at = at;
		CudaExec *x = cuda_exec_new(&driver, &program, weights, (CudaExecOptions){ 0 }, &e);
		bool ok = x != NULL;
		for (; ok && runs < 3; runs++)
			ok = run_once(x, y, &e) == 0;
		fake.fail_at = 0;
		cuda_exec_free(x);
		assert_int_equal(fake.live, 0);
		if (ok && fake.calls < at)
			break;
		/* a graph that cannot be recorded is no failure */
		if (ok)
			continue;
		failed++;
		assert_int_equal(e.status, BURIN_E_DEVICE);
		assert_non_null(strstr(e.text, "unspecified launch failure"));
	}
	assert_true(failed > 30);
}

static void test_failed_launch_names_elements(void **state)
{
	CudaError e;
	float y[4];
	(void)state;
	CudaExec *x =
		cuda_exec_new(&driver, &program, weights, (CudaExecOptions){ .wait = true }, &e);
	fake.calls = 0;
	fake.fail_at = 7; /* push, copy, set, launch, wait, launch, wait */
	assert_int_equal(run_once(x, y, &e), -1);
	assert_string_equal(e.text, "step 1 (k_1: add2 relu2): unspecified launch failure "
				    "(CUDA_ERROR_LAUNCH_FAILED)");
	fake.fail_at = 0;
	cuda_exec_free(x);
}

/* This machine has a driver or it has none: either way a clear answer. */
static void test_open(void **state)
{
	CudaDriver d;
	CudaError e = { 0 };
	(void)state;
	if (cuda_driver_open(&d, &e)) {
		cuda_driver_close(&d);
		return;
	}
	assert_int_equal(e.status, BURIN_E_DEVICE);
	assert_true(strlen(e.text) > 10);
	assert_null(d.library);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_calls, fake_begin, fake_end),
		cmocka_unit_test_setup_teardown(test_no_capture, fake_begin, fake_end),
		cmocka_unit_test_setup_teardown(test_choice_of_code, fake_begin, fake_end),
		cmocka_unit_test_setup_teardown(test_no_such_device, fake_begin, fake_end),
		cmocka_unit_test_setup_teardown(test_each_call_fails, fake_begin, fake_end),
		cmocka_unit_test_setup_teardown(test_failed_launch_names_elements, fake_begin,
						fake_end),
		cmocka_unit_test(test_open),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
