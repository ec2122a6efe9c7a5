/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Threads for the length of one call; each has an arena and a state of its own and takes the next
 * piece that nobody has. One that cannot be started leaves its share to the others. */
#include "codegen/code_batch.h"
#include "base/oom.h"
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

enum { MAX_WORKERS = 16 };

typedef struct Worker {
	CodeBatch *batch;
	atomic_int *next;
	Arena *arena; /* what it made */
	pthread_t thread;
	bool started, no_memory;
	const char *error; /* first failure, of piece `failed` */
	int failed;
} Worker;

static void work(Worker *w)
{
	CodeBatch *b = w->batch;
	void *state = arena_alloc(w->arena, b->state_bytes + 1);
	memset(state, 0, b->state_bytes);
	for (int i; !w->error && (i = atomic_fetch_add(w->next, 1)) < b->n;) {
		w->failed = i;
		if (b->out(b->user, i)->data)
			continue;
		w->error = b->make(b->user, state, i, w->arena);
		if (!w->error && !b->out(b->user, i)->data)
			w->error = "no reason given";
	}
	if (b->close)
		b->close(state);
}

static void *work_guarded(void *user)
{
	Worker *w = user;
	OomScope scope;
	if (OOM_GUARD(&scope)) {
		work(w);
		oom_leave(&scope);
	} else {
		w->no_memory = true;
	}
	return NULL;
}

/* The last worker is the calling thread. */
static void run_workers(Worker *w, int n)
{
	for (int i = 0; i < n - 1; i++)
		w[i].started = pthread_create(&w[i].thread, NULL, work_guarded, &w[i]) == 0;
	work_guarded(&w[n - 1]);
	for (int i = 0; i < n - 1; i++)
		if (w[i].started)
			pthread_join(w[i].thread, NULL);
}

static void note_failure(CodeBatch *b, const Worker *w, Arena *arena)
{
	if (!w->error || b->error)
		return;
	b->failed = w->failed;
	b->error = arena_strdup(arena, w->error);
}

/* had[i]: from the cache, in `arena` already. */
static bool make_missing(Arena *arena, CodeBatch *b, const bool *had, int threads)
{
	Worker w[MAX_WORKERS] = { 0 };
	atomic_int next = 0;
	int n = threads < 1 ? 1 : threads > MAX_WORKERS ? MAX_WORKERS : threads;
	for (int i = 0; i < n; i++)
		w[i] = (Worker){ .batch = b, .next = &next, .arena = arena_create() };
	run_workers(w, n);
	for (int i = 0; i < n; i++)
		if (w[i].no_memory)
			oom_raise();
	for (int i = 0; i < n; i++)
		note_failure(b, &w[i], arena);
	for (int i = 0; i < b->n && !b->error; i++) {
		ObjectCode *o = b->out(b->user, i);
		if (!had[i])
			o->data = arena_copy(arena, o->data, o->bytes);
	}
	for (int i = 0; i < n; i++)
		arena_destroy(w[i].arena);
	return !b->error;
}

static int ask_cache(Arena *arena, CodeBatch *b, bool *had)
{
	uint8_t key[32];
	int missing = 0;
	for (int i = 0; i < b->n; i++) {
		*b->out(b->user, i) = (ObjectCode){ NULL, 0 };
		if (b->cache) {
			b->key(b->user, i, key);
			had[i] = b->cache->get(b->cache->user, key, arena, b->out(b->user, i));
		}
		missing += !had[i];
	}
	return missing;
}

bool code_batch(Arena *arena, CodeBatch *b)
{
	bool *had = ARENA_ARRAY(arena, bool, b->n + 1);
	uint8_t key[32];
	int missing = ask_cache(arena, b, had);
	b->error = NULL;
	if (missing == 0)
		return true;
	if (!make_missing(arena, b, had, b->threads < missing ? b->threads : missing))
		return false;
	for (int i = 0; b->cache && i < b->n; i++)
		if (!had[i]) {
			b->key(b->user, i, key);
			b->cache->put(b->cache->user, key, b->out(b->user, i));
		}
	return true;
}
