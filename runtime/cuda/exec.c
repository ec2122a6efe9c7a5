/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Running a program on a GPU. All memory is one block, laid out when the program is made: status
 * word, workspace, inputs, outputs; the weights are another. Addresses never change, so the
 * launches of a run are captured once and repeated as one CUDA graph. */
#include "runtime/cuda/exec.h"
#include "include/burin.h"
#include <stdlib.h>
#include <string.h>

enum { ALIGN = 256, DEFAULT_SHARED = 48 * 1024 };

struct CudaExec {
	const CudaDriver *d;
	const BurinProgram *p;
	const BurinCudaProgram *c;
	CudaExecOptions o;
	CudaDevice device;
	CudaContext context; /* NULL: not retained */
	int arch;
	int shared_limit;
	CudaStream stream;
	CudaModule *module;
	CudaFunction *function;
	CudaPointer memory, weights; /* 0: none */
	int64_t *port;               /* offsets of the ports in `memory` */
	CudaGraphRun graph;
	bool ran;
};

static int64_t align_up(int64_t x)
{
	return (x + ALIGN - 1) / ALIGN * ALIGN;
}

/* --- making ---------------------------------------------------------------------------------- */

static bool find_device(CudaExec *x, CudaError *e)
{
	const CudaDriver *d = x->d;
	int n = 0, major = 0, minor = 0;
	if (!cuda_check(d, d->device_count(&n), e, "counting CUDA devices"))
		return false;
	if (x->o.device < 0 || x->o.device >= n)
		return cuda_fail(e, BURIN_E_DEVICE, "there is no CUDA device %d: %d found",
				 x->o.device, n);
	bool ok = cuda_check(d, d->device_get(&x->device, x->o.device), e, "opening the device") &&
		  cuda_check(d, d->device_attribute(&major, CUDA_COMPUTE_MAJOR, x->device), e,
			     "asking for the compute capability") &&
		  cuda_check(d, d->device_attribute(&minor, CUDA_COMPUTE_MINOR, x->device), e,
			     "asking for the compute capability") &&
		  cuda_check(d,
			     d->device_attribute(&x->shared_limit, CUDA_SHARED_PER_BLOCK_OPTIN,
						 x->device),
			     e, "asking for the shared memory");
	x->arch = major * 10 + minor;
	return ok;
}

/* Machine code runs on its own major version, from its minor version on; PTX on all that is newer.
 * The nearest wins. */
static const BurinCudaImage *choose_image(const BurinCudaKernel *k, int arch)
{
	const BurinCudaImage *best = NULL;
	for (int64_t i = 0; i < k->n_image; i++) {
		const BurinCudaImage *m = &k->image[i];
		if (m->arch > arch || (!m->ptx && m->arch / 10 != arch / 10))
			continue;
		if (!best || m->ptx < best->ptx || (m->ptx == best->ptx && m->arch > best->arch))
			best = m;
	}
	return best;
}

static uint32_t most_shared(const CudaExec *x, int64_t kernel)
{
	uint32_t most = 0;
	for (int64_t i = 0; i < x->c->n_step; i++)
		if (x->c->step[i].kernel == kernel && x->c->step[i].shared > most)
			most = x->c->step[i].shared;
	return most;
}

static bool load_kernel(CudaExec *x, int64_t i, CudaError *e)
{
	const CudaDriver *d = x->d;
	const BurinCudaKernel *k = &x->c->kernel[i];
	const BurinCudaImage *image = choose_image(k, x->arch);
	uint32_t shared = most_shared(x, i);
	if (!image)
		return cuda_fail(e, BURIN_E_TARGET,
				 "the model holds no code for this GPU (sm_%d): compile it with "
				 "--gpu sm_%d",
				 x->arch, x->arch);
	if (shared > (uint32_t)x->shared_limit)
		return cuda_fail(e, BURIN_E_TARGET,
				 "kernel %s wants %u bytes of shared memory, the device has %d",
				 k->name, shared, x->shared_limit);
	if (!cuda_check(d, d->module_load(&x->module[i], image->data), e, "loading kernel %s",
			k->name) ||
	    !cuda_check(d, d->module_function(&x->function[i], x->module[i], k->name), e,
			"finding kernel %s", k->name))
		return false;
	return shared <= DEFAULT_SHARED ||
	       cuda_check(d,
			  d->function_attribute(x->function[i], CUDA_FUNCTION_DYNAMIC_SHARED,
						(int)shared),
			  e, "asking for %u bytes of shared memory for kernel %s", shared, k->name);
}

static const BurinPort *port_of(const BurinProgram *p, uint32_t i)
{
	return i < p->n_in ? &p->in[i] : &p->out[i - p->n_in];
}

static bool make_memory(CudaExec *x, CudaError *e)
{
	uint32_t n = x->p->n_in + x->p->n_out;
	int64_t at = align_up(ALIGN + x->c->work_bytes); /* the status word lies before */
	for (uint32_t i = 0; i < n; i++) {
		x->port[i] = at;
		at = align_up(at + port_of(x->p, i)->bytes);
	}
	return cuda_check(x->d, x->d->memory_new(&x->memory, (size_t)at), e,
			  "asking the device for %lld bytes", (long long)at);
}

static bool upload_weights(CudaExec *x, const void *weights, CudaError *e)
{
	size_t bytes = (size_t)x->p->weight_bytes;
	if (bytes == 0 || !weights)
		return true;
	if (!x->weights && !cuda_check(x->d, x->d->memory_new(&x->weights, bytes), e,
				       "asking the device for %zu bytes of weights", bytes))
		return false;
	return cuda_check(x->d, x->d->copy_in(x->weights, weights, bytes, x->stream), e,
			  "uploading the weights") &&
	       cuda_check(x->d, x->d->stream_wait(x->stream), e, "uploading the weights");
}

static bool set_up(CudaExec *x, const void *weights, CudaError *e)
{
	const CudaDriver *d = x->d;
	bool ok = cuda_check(d, d->stream_new(&x->stream, CUDA_STREAM_OWN), e, "making a stream");
	for (int64_t i = 0; ok && i < x->c->n_kernel; i++)
		ok = load_kernel(x, i, e);
	return ok && make_memory(x, e) && upload_weights(x, weights, e);
}

static bool enter(CudaExec *x, CudaError *e)
{
	return cuda_check(x->d, x->d->context_push(x->context), e, "entering the context");
}

static void leave(CudaExec *x)
{
	CudaContext old;
	x->d->context_pop(&old);
}

static bool allocate(CudaExec *x, CudaError *e)
{
	x->module = calloc((size_t)x->c->n_kernel + 1, sizeof *x->module);
	x->function = calloc((size_t)x->c->n_kernel + 1, sizeof *x->function);
	x->port = calloc((size_t)x->p->n_in + x->p->n_out + 1, sizeof *x->port);
	return (x->module && x->function && x->port) ||
	       cuda_fail(e, BURIN_E_MEMORY, "out of memory");
}

/* A kernel's failure is known when it is waited for. With this variable, which the driver knows
 * too, that is after each kernel. */
static bool wait_for_each(void)
{
	const char *text = getenv("CUDA_LAUNCH_BLOCKING");
	return text && *text && *text != '0';
}

CudaExec *cuda_exec_new(const CudaDriver *d, const BurinProgram *p, const void *weights,
			CudaExecOptions o, CudaError *e)
{
	CudaExec *x = calloc(1, sizeof *x);
	bool ok;
	*e = (CudaError){ 0 };
	if (!x) {
		cuda_fail(e, BURIN_E_MEMORY, "out of memory");
		return NULL;
	}
	x->d = d;
	x->p = p;
	x->c = cuda_of(p);
	x->o = o;
	x->o.wait = o.wait || wait_for_each();
	ok = allocate(x, e) && find_device(x, e) &&
	     cuda_check(d, d->context_retain(&x->context, x->device), e, "making a context");
	if (ok && enter(x, e)) {
		ok = set_up(x, weights, e);
		leave(x);
	}
	if (ok && !e->status)
		return x;
	cuda_exec_free(x);
	return NULL;
}

/* Their address may be new: what was recorded is void. */
bool cuda_exec_set_weights(CudaExec *x, const void *weights, CudaError *e)
{
	*e = (CudaError){ 0 };
	if (!enter(x, e))
		return false;
	bool ok = upload_weights(x, weights, e);
	if (x->graph)
		x->d->graph_run_free(x->graph);
	x->graph = NULL;
	leave(x);
	return ok;
}

static void release(CudaExec *x)
{
	const CudaDriver *d = x->d;
	if (x->graph)
		d->graph_run_free(x->graph);
	if (x->memory)
		d->memory_free(x->memory);
	if (x->weights)
		d->memory_free(x->weights);
	for (int64_t i = 0; i < x->c->n_kernel; i++)
		if (x->module[i])
			d->module_free(x->module[i]);
	if (x->stream)
		d->stream_free(x->stream);
}

void cuda_exec_free(CudaExec *x)
{
	CudaError ignored = { 0 };
	if (!x)
		return;
	if (x->context) { /* also where a failed kernel has left it of no use */
		bool entered = enter(x, &ignored);
		release(x);
		if (entered)
			leave(x);
		x->d->context_release(x->device);
	}
	free(x->module);
	free(x->function);
	free(x->port);
	free(x);
}

/* --- running --------------------------------------------------------------------------------- */

static CudaPointer address(const CudaExec *x, const BurinCudaArg *a)
{
	CudaPointer base = 0;
	switch ((BurinCudaSpace)a->space) {
	case BURIN_CUDA_INPUT: base = x->memory + (CudaPointer)x->port[a->index]; break;
	case BURIN_CUDA_OUTPUT:
		base = x->memory + (CudaPointer)x->port[x->p->n_in + (uint32_t)a->index];
		break;
	case BURIN_CUDA_WORK: base = x->memory + ALIGN; break;
	case BURIN_CUDA_WEIGHT: base = x->weights; break;
	}
	return base + (CudaPointer)a->offset;
}

enum { MAX_ARGS = 64 };

static bool launch_step(CudaExec *x, int64_t i, CudaError *e)
{
	const CudaDriver *d = x->d;
	const BurinCudaStep *s = &x->c->step[i];
	const char *name = x->c->kernel[s->kernel].name;
	CudaPointer value[MAX_ARGS];
	void *parameter[MAX_ARGS];
	if (s->n_arg > MAX_ARGS)
		return cuda_fail(e, BURIN_E_INTERNAL, "kernel %s has %d arguments", name, s->n_arg);
	for (int32_t k = 0; k < s->n_arg; k++) {
		value[k] = address(x, &s->arg[k]);
		parameter[k] = &value[k];
	}
	CudaResult r = d->launch(x->function[s->kernel], s->grid, 1, 1, s->block, 1, 1, s->shared,
				 x->stream, parameter, NULL);
	if (!cuda_check(d, r, e, "launching step %lld (%s: %s)", (long long)i, name, s->sources))
		return false;
	return !x->o.wait || cuda_check(d, d->stream_wait(x->stream), e, "step %lld (%s: %s)",
					(long long)i, name, s->sources);
}

static bool launch_all(CudaExec *x, CudaError *e)
{
	const CudaDriver *d = x->d;
	CudaPointer status = x->memory + ALIGN + (CudaPointer)(int64_t)BURIN_STATUS_OFFSET;
	bool ok = cuda_check(d, d->memory_set(status, 0, sizeof(int32_t), x->stream), e,
			     "clearing the status");
	for (int64_t i = 0; ok && i < x->c->n_step; i++)
		ok = launch_step(x, i, e);
	return ok;
}

/* The launches, recorded. A driver that cannot is no error: they are then launched each time. */
static void record(CudaExec *x)
{
	const CudaDriver *d = x->d;
	CudaGraph graph = NULL;
	CudaError ignored = { 0 };
	if (d->capture_begin(x->stream, CUDA_CAPTURE_THREAD) != 0)
		return;
	bool ok = launch_all(x, &ignored);
	if (d->capture_end(x->stream, &graph) != 0 || !graph)
		return;
	if (!ok || d->graph_make(&x->graph, graph, 0) != 0)
		x->graph = NULL;
	d->graph_free(graph);
}

static bool launch(CudaExec *x, CudaError *e)
{
	if (x->ran && !x->graph && !x->o.no_graph && !x->o.wait) {
		record(x);
		x->o.no_graph = !x->graph;
	}
	if (x->graph)
		return cuda_check(x->d, x->d->graph_launch(x->graph, x->stream), e,
				  "launching the model");
	return launch_all(x, e);
}

static bool copy_ports(CudaExec *x, void *const *port, bool in, CudaError *e)
{
	const CudaDriver *d = x->d;
	uint32_t first = in ? 0 : x->p->n_in, end = in ? x->p->n_in : x->p->n_in + x->p->n_out;
	for (uint32_t i = first; i < end; i++) {
		CudaPointer at = x->memory + (CudaPointer)x->port[i];
		size_t bytes = (size_t)port_of(x->p, i)->bytes;
		CudaResult r = bytes == 0 ? 0
			       : in       ? d->copy_in(at, port[i], bytes, x->stream)
					  : d->copy_out(port[i], at, bytes, x->stream);
		if (!cuda_check(d, r, e, "copying tensor '%s'", port_of(x->p, i)->name))
			return false;
	}
	return true;
}

static bool run(CudaExec *x, void *const *port, int32_t *status, CudaError *e)
{
	const CudaDriver *d = x->d;
	CudaPointer at = x->memory + ALIGN + (CudaPointer)(int64_t)BURIN_STATUS_OFFSET;
	return copy_ports(x, port, true, e) && launch(x, e) && copy_ports(x, port, false, e) &&
	       cuda_check(d, d->copy_out(status, at, sizeof *status, x->stream), e,
			  "reading the status") &&
	       cuda_check(d, d->stream_wait(x->stream), e,
			  "running the model (CUDA_LAUNCH_BLOCKING=1 in the environment tells "
			  "which part)");
}

int cuda_exec_run(CudaExec *x, void *const *port, CudaError *e)
{
	int32_t status = 0;
	*e = (CudaError){ 0 };
	if (x->p->weight_bytes && !x->weights) {
		cuda_fail(e, BURIN_E_ARG, "the model's weights were not given");
		return -1;
	}
	if (!enter(x, e))
		return -1;
	bool ok = run(x, port, &status, e);
	if (!ok) /* nothing is under way in the caller's memory, or in ours */
		x->d->stream_wait(x->stream);
	leave(x);
	x->ran = true;
	return !ok ? -1 : status ? BURIN_RT_INDEX : 0;
}
