/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Running a model through the API: a context of runtime/cpu, a workspace, and the checks of
 * tensors. burin_run writes nothing but its own array of pointers, the workspace and the outputs.
 */
#include "runtime/cpu/rt.h"
#include "runtime/cuda/exec.h"
#include "runtime/model.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WORKSPACE_ALIGN = 64 };

struct burin_exec {
	const burin_model *model;
	void *workspace;
	size_t workspace_bytes;
	bool own_workspace;
	int threads;
	void **ports;
	uint64_t *ns; /* per step, NULL: not timed */
	uint64_t runs;
	char ctx[BURIN_CTX_BYTES];
	/* a program for a GPU: the rest above is idle */
	CudaExec *gpu;
	CudaDriver driver;
};

static burin_status out_of_memory(burin_error *err)
{
	return rt_fail(err, BURIN_E_MEMORY, 1008, "out of memory");
}

/* --- making ----------------------------------------------------------------------------------- */

burin_status burin_workspace(const burin_model *m, const burin_opts *o, size_t *bytes,
			     size_t *align, burin_error *err)
{
	int threads = 1;
	if (!m || !bytes || !align)
		return rt_fail(err, BURIN_E_ARG, 0, "model, bytes or align is NULL");
	burin_status s = opts_threads(o, &threads, err);
	*bytes = burin_rt_workspace_for(m->program, burin_rt_threads(threads));
	*align = WORKSPACE_ALIGN;
	return s;
}

/* Called again when the host's parallel_for needs more. */
static burin_status fit_workspace(burin_exec *e, burin_error *err)
{
	size_t need = burin_rt_workspace_bytes(e->model->program, e->ctx);
	if (need <= e->workspace_bytes)
		return BURIN_OK;
	if (!e->own_workspace) {
		rt_fail(err, BURIN_E_ARG, 6104, "the workspace has %zu bytes, %zu are needed",
			e->workspace_bytes, need);
		rt_hint(err, "burin_workspace with the same options says how many");
		return BURIN_E_ARG;
	}
	void *fresh = pages_new(need);
	if (!fresh)
		return out_of_memory(err);
	pages_free(e->workspace, e->workspace_bytes);
	e->workspace = fresh;
	e->workspace_bytes = need;
	return BURIN_OK;
}

static burin_status gpu_failure(const CudaError *from, burin_error *err)
{
	uint32_t code = from->status == BURIN_E_DEVICE ? 6301 : 6302;
	return rt_fail(err, (burin_status)from->status, code, "%s", from->text);
}

/* device = cuda or cuda:N; NULL: the first */
static burin_status device_ordinal(const burin_opts *o, int *device, burin_error *err)
{
	const char *text = opts_get(o, "device");
	char rest;
	*device = 0;
	if (!text || strcmp(text, "cuda") == 0 || sscanf(text, "cuda:%d%c", device, &rest) == 1)
		return BURIN_OK;
	return rt_fail(err, BURIN_E_ARG, 6303,
		       "option device: '%s' is neither cuda nor cuda:N, and the model is compiled "
		       "for a GPU",
		       text);
}

static burin_status open_gpu(burin_exec *e, const burin_opts *o, burin_error *err)
{
	const BurinProgram *p = e->model->program;
	const void *weights = p->weights;
	CudaExecOptions how = { 0 };
	CudaError failure = { 0 };
	burin_status s = device_ordinal(o, &how.device, err);
	if (s == BURIN_OK)
		s = opts_flag(o, "device-wait", &how.wait, err);
	if (s != BURIN_OK)
		return s;
	if (e->model->weights)
		weights = burin_weights_in(p, e->model->weights, e->model->weights_bytes);
	if (!cuda_driver_open(&e->driver, &failure))
		return gpu_failure(&failure, err);
	e->gpu = cuda_exec_new(&e->driver, p, weights, how, &failure);
	return e->gpu ? BURIN_OK : gpu_failure(&failure, err);
}

static burin_status set_up(burin_exec *e, const burin_opts *o, burin_error *err)
{
	const burin_model *m = e->model;
	int threads;
	burin_status s = opts_threads(o, &threads, err);
	if (s != BURIN_OK)
		return s;
	if (e->workspace && ((uintptr_t)e->workspace & (WORKSPACE_ALIGN - 1)) != 0)
		return rt_fail(err, BURIN_E_ARG, 6104, "the workspace is not aligned to %d bytes",
			       WORKSPACE_ALIGN);
	e->ports = calloc((size_t)m->program->n_in + m->program->n_out + 1, sizeof(*e->ports));
	if (!e->ports)
		return out_of_memory(err);
	if (cuda_of(m->program))
		return open_gpu(e, o, err);
	s = rt_explain(m, burin_rt_ctx_init(m->program, e->ctx, threads), err);
	if (s != BURIN_OK)
		return s;
	e->threads = burin_rt_ctx_threads(e->ctx);
	if (m->weights)
		burin_rt_ctx_set_weights(m->program, e->ctx, m->weights, m->weights_bytes);
	return fit_workspace(e, err);
}

burin_status burin_exec_new(burin_exec **out, const burin_model *m, void *workspace,
			    size_t workspace_bytes, const burin_opts *o, burin_error *err)
{
	if (!out || !m)
		return rt_fail(err, BURIN_E_ARG, 0, "out or model is NULL");
	*out = NULL;
	burin_exec *e = calloc(1, sizeof(*e));
	if (!e)
		return out_of_memory(err);
	e->model = m;
	e->workspace = workspace;
	e->workspace_bytes = workspace ? workspace_bytes : 0;
	e->own_workspace = !workspace;
	burin_status s = set_up(e, o, err);
	if (s == BURIN_OK)
		*out = e;
	else
		burin_exec_free(e);
	return s;
}

void burin_exec_free(burin_exec *e)
{
	if (!e)
		return;
	burin_rt_ctx_done(e->model->program, e->ctx);
	cuda_exec_free(e->gpu);
	cuda_driver_close(&e->driver);
	if (e->own_workspace)
		pages_free(e->workspace, e->workspace_bytes);
	free(e->ports);
	free(e->ns);
	free(e);
}

burin_status burin_exec_set_parallel(burin_exec *e, burin_parallel_fn f, void *user,
				     burin_error *err)
{
	if (!e)
		return rt_fail(err, BURIN_E_ARG, 0, "exec is NULL");
	burin_rt_ctx_set_parallel(e->model->program, e->ctx, e->threads, f, user);
	burin_status s = fit_workspace(e, err);
	if (s != BURIN_OK)
		burin_rt_ctx_set_parallel(e->model->program, e->ctx, 0, NULL, NULL);
	return s;
}

/* --- running ---------------------------------------------------------------------------------- */

static burin_status wrong_tensor(burin_error *err, const burin_port *port, burin_status s,
				 const char *what)
{
	return rt_fail(err, s, 6001, "tensor '%s': %s", port->name, what);
}

static bool is_dense(const burin_tensor *t)
{
	int64_t stride = 1;
	for (int32_t d = t->ndim - 1; t->strides && d >= 0; d--) {
		if (t->shape[d] != 1 && t->strides[d] != stride)
			return false;
		stride *= t->shape[d];
	}
	return true;
}

/* *n: the free size, -1 until a tensor gives it. */
static burin_status check_shape(const burin_port *port, const burin_tensor *t, int64_t *n,
				burin_error *err)
{
	if (t->ndim != port->spec.ndim)
		return rt_fail(err, BURIN_E_SHAPE, 6001, "tensor '%s' has %d dimensions, not %d",
			       port->name, t->ndim, port->spec.ndim);
	if (t->ndim > 0 && !t->shape)
		return wrong_tensor(err, port, BURIN_E_ARG, "shape is NULL");
	for (int32_t d = 0; d < t->ndim; d++) {
		int64_t want = port->spec.shape[d];
		if (want < 0 && *n < 0)
			*n = t->shape[d];
		if (t->shape[d] != (want < 0 ? *n : want) || t->shape[d] < 0)
			return rt_fail(err, BURIN_E_SHAPE, 6001,
				       "tensor '%s': size %d is %lld, not %lld", port->name, d,
				       (long long)t->shape[d], (long long)(want < 0 ? *n : want));
	}
	return BURIN_OK;
}

burin_status rt_take_tensor(const burin_port *port, const BurinPort *info, const burin_tensor *t,
			    void **data, int64_t *n, burin_error *err)
{
	if (t->dtype.code != port->spec.dtype.code || t->dtype.bits != port->spec.dtype.bits ||
	    t->dtype.lanes != 1)
		return rt_fail(err, BURIN_E_ARG, 6001, "tensor '%s' is not of type %s", port->name,
			       dl_types[info->dtype].name);
	if (t->device.type != 1)
		return wrong_tensor(err, port, BURIN_E_ARG, "not in memory of the CPU");
	burin_status s = check_shape(port, t, n, err);
	if (s != BURIN_OK)
		return s;
	if (!is_dense(t))
		return wrong_tensor(err, port, BURIN_E_SHAPE,
				    "strides other than those of dense C order");
	*data = t->data ? (char *)t->data + t->byte_offset : NULL;
	if (!*data && info->bytes > 0)
		return wrong_tensor(err, port, BURIN_E_ARG, "data is NULL");
	if (((uintptr_t)*data & (uintptr_t)(info->align - 1)) != 0)
		return rt_fail(err, BURIN_E_ARG, 6001,
			       "tensor '%s': data is not aligned to %d bytes", port->name,
			       info->align);
	return BURIN_OK;
}

static size_t port_bytes(const BurinProgram *p, uint32_t port, int64_t n)
{
	const BurinPort *info = port < p->n_in ? &p->in[port] : &p->out[port - p->n_in];
	bool items = p->free_batch && info->rank > 0 && info->dim[0] < 0;
	return (size_t)(info->bytes * (items ? n : 1));
}

/* Steps may write an output before they have read all of an input. */
static burin_status check_overlap(const burin_exec *e, int64_t n, burin_error *err)
{
	const burin_model *m = e->model;
	const BurinProgram *p = m->program;
	for (uint32_t o = p->n_in; o < p->n_in + p->n_out; o++) {
		uintptr_t begin = (uintptr_t)e->ports[o], end = begin + port_bytes(p, o, n);
		for (uint32_t i = 0; i < o; i++) {
			uintptr_t from = (uintptr_t)e->ports[i], to = from + port_bytes(p, i, n);
			if (begin < to && from < end && begin < end && from < to)
				return rt_fail(err, BURIN_E_ARG, 6001,
					       "output '%s' overlaps %s '%s'", m->port[o].name,
					       i < p->n_in ? "input" : "output", m->port[i].name);
		}
	}
	return BURIN_OK;
}

static burin_status take_tensors(burin_exec *e, const burin_tensor *in, const burin_tensor *out,
				 int64_t *n, burin_error *err)
{
	const burin_model *m = e->model;
	uint32_t n_in = m->program->n_in, n_out = m->program->n_out;
	for (uint32_t i = 0; i < n_in + n_out; i++) {
		bool input = i < n_in;
		const BurinPort *info = input ? &m->program->in[i] : &m->program->out[i - n_in];
		const burin_tensor *t = input ? &in[i] : &out[i - n_in];
		burin_status s = rt_take_tensor(&m->port[i], info, t, &e->ports[i], n, err);
		if (s != BURIN_OK)
			return s;
	}
	return check_overlap(e, *n, err);
}

burin_status rt_explain(const burin_model *m, int result, burin_error *err)
{
	const char *fault = m && m->fault ? m->fault(m->owner) : NULL;
	switch (result) {
	case BURIN_RT_OK: return BURIN_OK;
	case BURIN_RT_INDEX:
		return rt_fail(err, BURIN_E_INDEX, 6105, "an index in the data is out of range");
	case BURIN_RT_SHAPE:
		return rt_fail(err, BURIN_E_SHAPE, 6001,
			       "a size that the model was not compiled for");
	case BURIN_RT_DEVICE:
		return rt_fail(err, BURIN_E_DEVICE, 6106, "%s", fault ? fault : "unknown fault");
	case BURIN_RT_CPU: return rt_fail(err, BURIN_E_TARGET, 6103, "not for this CPU");
	}
	return rt_fail(err, BURIN_E_INTERNAL, 7001, "the runtime returned %d", result);
}

static burin_status run_on_gpu(burin_exec *e, burin_error *err)
{
	CudaError failure;
	int r = cuda_exec_run(e->gpu, e->ports, &failure);
	return r < 0 ? gpu_failure(&failure, err) : rt_explain(e->model, r, err);
}

burin_status burin_run(burin_exec *e, const burin_tensor *in, size_t n_in, const burin_tensor *out,
		       size_t n_out, burin_error *err)
{
	int64_t n = -1;
	if (!e || (!in && n_in > 0) || (!out && n_out > 0))
		return rt_fail(err, BURIN_E_ARG, 0, "exec, in or out is NULL");
	const BurinProgram *p = e->model->program;
	if (n_in != p->n_in || n_out != p->n_out)
		return rt_fail(err, BURIN_E_ARG, 6001,
			       "%zu inputs and %zu outputs given, %u and %u needed", n_in, n_out,
			       p->n_in, p->n_out);
	burin_status s = take_tensors(e, in, out, &n, err);
	if (s != BURIN_OK)
		return s;
	e->runs++;
	if (e->gpu)
		return run_on_gpu(e, err);
	return rt_explain(
		e->model,
		burin_rt_run_timed(p, e->ctx, p->free_batch ? n : 1, e->ports, e->workspace, e->ns),
		err);
}

/* --- profile ---------------------------------------------------------------------------------- */

static burin_status start_profile(burin_exec *e, burin_error *err)
{
	uint32_t n = burin_rt_variant(e->model->program)->n_steps;
	if (!e->ns)
		e->ns = calloc((size_t)n + 1, sizeof(*e->ns));
	if (!e->ns)
		return out_of_memory(err);
	memset(e->ns, 0, n * sizeof(*e->ns));
	e->runs = 0;
	return BURIN_OK;
}

void rt_tell_profile(const BurinVariant *v, const uint64_t *ns, uint64_t calls, burin_profile_fn f,
		     void *user)
{
	for (uint32_t i = 0; i < v->n_steps; i++) {
		BurinStepInfo none = { .kernel = "", .kind = "", .sources = "" };
		const BurinStepInfo *info = v->info ? &v->info[i] : &none;
		burin_kernel_time k = { .size = sizeof(k),
					.kernel = info->kernel,
					.kind = info->kind,
					.source_ids = info->sources,
					.calls = calls,
					.ns = ns[i],
					.flops = (uint64_t)(info->flops * (double)calls),
					.bytes = (uint64_t)(info->bytes * (double)calls) };
		f(user, &k);
	}
}

burin_status burin_profile(burin_exec *e, burin_profile_fn f, void *user, burin_error *err)
{
	if (!e)
		return rt_fail(err, BURIN_E_ARG, 0, "exec is NULL");
	if (!f)
		return start_profile(e, err);
	if (!e->ns)
		return rt_fail(err, BURIN_E_ARG, 0, "call burin_profile(exec, NULL, ...) first");
	rt_tell_profile(burin_rt_variant(e->model->program), e->ns, e->runs, f, user);
	return BURIN_OK;
}
