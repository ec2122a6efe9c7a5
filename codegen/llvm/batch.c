/* Many kernels at once: from the cache what is there, the rest by several threads, each with a
 * machine and arenas of its own. The cache is asked by the calling thread alone. */
#include "base/oom.h"
#include "base/sha256.h"
#include "codegen/llvm/internal.h"
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

typedef struct Batch {
	const Target *target;
	KernelJob *job;
	int n_job;
	atomic_int next;
} Batch;

typedef struct Worker {
	Batch *batch;
	Arena *arena; /* what it made */
	pthread_t thread;
	bool started;
	const char *error; /* first failure, of kernel failed */
	int failed;
} Worker;

/* One job by the machine of its kind, which is opened when first needed. */
static bool do_job(Worker *w, Machine machine[2], KernelJob *j)
{
	Machine *m = &machine[j->quick];
	const Target *t = w->batch->target;
	if (!m->tm && !machine_open(m, t, j->quick, w->arena, &w->error))
		return false;
	return kernel_code(m, j->kernel, t, j->symbol, CODE_OBJECT, w->arena, &j->out, &w->error);
}

static void work(Worker *w)
{
	Machine machine[2] = { { 0 } };
	Batch *b = w->batch;
	for (int i; !w->error && (i = atomic_fetch_add(&b->next, 1)) < b->n_job;) {
		w->failed = i;
		if (!b->job[i].out.data && !do_job(w, machine, &b->job[i]) && !w->error)
			w->error = "no reason given";
	}
	machine_close(&machine[0]);
	machine_close(&machine[1]);
}

static void *work_guarded(void *user)
{
	Worker *w = user;
	OomScope scope;
	if (OOM_GUARD(&scope)) {
		work(w);
		oom_leave(&scope);
	} else {
		w->error = "out of memory";
	}
	return NULL;
}

/* Runs the last worker on the calling thread; a thread that cannot be started leaves its share to
 * the others. */
static void run_workers(Worker *w, int n)
{
	for (int i = 0; i < n - 1; i++)
		w[i].started = pthread_create(&w[i].thread, NULL, work_guarded, &w[i]) == 0;
	work_guarded(&w[n - 1]);
	for (int i = 0; i < n - 1; i++)
		if (w[i].started)
			pthread_join(w[i].thread, NULL);
}

static bool compile_missing(Context *c, Arena *arena, Batch *b, int threads)
{
	Worker w[16] = { 0 };
	bool ok = true;
	int n = threads < 1 ? 1 : threads > 16 ? 16 : threads;
	for (int i = 0; i < n; i++)
		w[i] = (Worker){ .batch = b, .arena = arena_create() };
	run_workers(w, n);
	for (int i = 0; i < n && ok; i++)
		if (w[i].error)
			ok = report_codegen(c, "kernel", b->job[w[i].failed].symbol, w[i].error);
	for (int i = 0; i < b->n_job && ok; i++)
		b->job[i].out.data = arena_copy(arena, b->job[i].out.data, b->job[i].out.bytes);
	for (int i = 0; i < n; i++)
		arena_destroy(w[i].arena);
	return ok;
}

static void cache_key(const KernelJob *j, const Target *t, uint8_t key[32])
{
	const Kernel *k = j->kernel;
	const char *text[] = { j->symbol,   t->triple,         t->cpu,
			       t->features, codegen_version(), k->kind ? k->kind : "" };
	int32_t number[] = { t->vector_bytes, t->fma, t->masked, (int32_t)k->ctx->fp, j->quick };
	Sha256 s;
	sha256_init(&s);
	sha256_add(&s, k->hash, sizeof k->hash);
	for (size_t i = 0; i < sizeof text / sizeof *text; i++)
		sha256_add(&s, text[i], strlen(text[i]) + 1);
	sha256_add(&s, number, sizeof number);
	sha256_final(&s, key);
}

bool kernels_to_objects(Context *c, Arena *arena, const Target *t, KernelJob *job, int n_job,
			int threads, const ObjectCache *cache)
{
	Target target = target_resolve(arena, t);
	Batch b = { .target = &target, .job = job, .n_job = n_job };
	bool *hit = ARENA_ARRAY(arena, bool, n_job + 1);
	uint8_t key[32];
	int missing = 0;
	for (int i = 0; i < n_job; i++) {
		job[i].out = (ObjectCode){ NULL, 0 };
		if (cache) {
			cache_key(&job[i], &target, key);
			hit[i] = cache->get(cache->user, key, arena, &job[i].out);
		}
		missing += !hit[i];
	}
	if (missing == 0)
		return true;
	if (!compile_missing(c, arena, &b, threads < missing ? threads : missing))
		return false;
	for (int i = 0; cache && i < n_job; i++) {
		cache_key(&job[i], &target, key);
		if (!hit[i])
			cache->put(cache->user, key, &job[i].out);
	}
	return true;
}
