/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* One NVRTC program per kernel and architecture: they compile in parallel, and the cache finds each
 * again whatever model it is part of. */
#include "codegen/cuda/program.h"
#include "codegen/cuda/cuda.h"

typedef struct Launches {
	Arena *arena;
	const Plan *p;
	const CudaKernel *kernel; /* by position in the plan */
	int64_t scratch_at;       /* in the workspace: global memory of blocks */
} Launches;

static int newest(GpuList gpus)
{
	int arch = 0;
	for (int i = 0; i < gpus.n; i++)
		arch = gpus.arch[i] > arch ? gpus.arch[i] : arch;
	return arch;
}

static int kernel_index(const Plan *p, const Kernel *k)
{
	int i = 0;
	while (p->kernel.at[i] != k)
		i++;
	return i;
}

static BurinCudaArg launch_arg(const PlanArg *a)
{
	static const BurinCudaSpace space[SPACE_COUNT] = { [SPACE_INPUT] = BURIN_CUDA_INPUT,
							   [SPACE_OUTPUT] = BURIN_CUDA_OUTPUT,
							   [SPACE_WORK] = BURIN_CUDA_WORK,
							   [SPACE_WEIGHT] = BURIN_CUDA_WEIGHT };
	return (BurinCudaArg){ .space = space[a->space], .index = a->index, .offset = a->offset };
}

static BurinCudaStep launch_of(const Launches *z, const Step *s)
{
	int index = kernel_index(z->p, s->kernel);
	const CudaKernel *k = &z->kernel[index];
	BurinCudaArg *arg = ARENA_ARRAY(z->arena, BurinCudaArg, s->n_arg + 1);
	int n = s->n_arg;
	for (int i = 0; i < n; i++)
		arg[i] = launch_arg(&s->arg[i]);
	if (k->scratch)
		arg[n++] = (BurinCudaArg){ .space = BURIN_CUDA_WORK, .offset = z->scratch_at };
	return (BurinCudaStep){ .kernel = index,
				.n_arg = n,
				.grid = (uint32_t)k->blocks,
				.block = (uint32_t)k->threads,
				.arg = arg,
				.sources = arena_strdup(z->arena, s->sources ? s->sources : "") };
}

static void make_steps(Launches *z, BurinCudaProgram *out)
{
	BurinCudaStep *step = ARENA_ARRAY(z->arena, BurinCudaStep, z->p->step.n + 1);
	int64_t scratch = 0;
	z->scratch_at = (z->p->work_bytes + 255) / 256 * 256;
	for (int i = 0; i < z->p->step.n; i++)
		step[i] = launch_of(z, &z->p->step.at[i]);
	for (int i = 0; i < z->p->kernel.n; i++) {
		int64_t bytes = z->kernel[i].blocks * z->kernel[i].scratch;
		scratch = bytes > scratch ? bytes : scratch;
	}
	out->step = step;
	out->n_step = z->p->step.n;
	out->work_bytes = z->scratch_at + scratch;
}

/* Jobs of kernel i: job[i * per] for each architecture, then the PTX. */
static void make_kernels(Launches *z, const NvrtcJob *job, int per, BurinCudaProgram *out)
{
	BurinCudaKernel *kernel = ARENA_ARRAY(z->arena, BurinCudaKernel, z->p->kernel.n + 1);
	for (int i = 0; i < z->p->kernel.n; i++) {
		BurinCudaImage *image = ARENA_ARRAY(z->arena, BurinCudaImage, per);
		for (int k = 0; k < per; k++) {
			const NvrtcJob *j = &job[i * per + k];
			image[k] = (BurinCudaImage){ .arch = j->arch,
						     .ptx = j->ptx,
						     .data = j->out.data,
						     .bytes = (int64_t)j->out.bytes };
		}
		kernel[i] =
			(BurinCudaKernel){ .name = arena_strdup(z->arena, z->p->kernel.at[i]->name),
					   .n_image = per,
					   .image = image };
	}
	out->kernel = kernel;
	out->n_kernel = z->p->kernel.n;
}

static NvrtcJob *make_jobs(Launches *z, GpuList gpus)
{
	int per = gpus.n + 1;
	NvrtcJob *job = ARENA_ARRAY(z->arena, NvrtcJob, z->p->kernel.n * per + 1);
	for (int i = 0; i < z->p->kernel.n; i++) {
		const char *text =
			arena_printf(z->arena, "%s\n%s", cuda_prelude(), z->kernel[i].text);
		for (int k = 0; k < per; k++) {
			bool ptx = k == gpus.n;
			job[i * per + k] = (NvrtcJob){ .name = z->p->kernel.at[i]->name,
						       .text = text,
						       .arch = ptx ? newest(gpus) : gpus.arch[k],
						       .ptx = ptx };
		}
	}
	return job;
}

bool cuda_compile(Context *c, Arena *arena, const Plan *p, const Target *t, GpuList gpus,
		  NvrtcOptions o, BurinCudaProgram *out)
{
	CudaKernel *kernel = ARENA_ARRAY(arena, CudaKernel, p->kernel.n + 1);
	Launches z = { .arena = arena, .p = p, .kernel = kernel };
	*out = (BurinCudaProgram){ 0 };
	for (int i = 0; i < p->kernel.n; i++)
		if (!cuda_print(c, arena, p->kernel.at[i], t, &kernel[i]))
			return false;
	NvrtcJob *job = make_jobs(&z, gpus);
	if (!nvrtc_compile(c, arena, job, p->kernel.n * (gpus.n + 1), o))
		return false;
	make_steps(&z, out);
	make_kernels(&z, job, gpus.n + 1, out);
	return true;
}
