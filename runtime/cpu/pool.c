/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The pool: one region per run. Workers wait for `go` to change, run the region's body, count
 * themselves in `done` and wait again; the caller takes part as thread 0 and returns when all are
 * done. Within a region the threads meet at barriers: the last to arrive stores the phase in
 * `released`. Every wait spins a little (tens of microseconds: the usual distance between two
 * kernels or two runs), then yields, then sleeps on a futex, so that a thread that lost its CPU
 * does not make the others burn theirs, and so that an idle pool costs nothing. No mutex, no
 * allocation, no signal is ever handled by a worker. */
#include "runtime/cpu/pool.h"
#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { SPINS = 1200, YIELDS = 64, STACK_BYTES = 1 << 20 };

static void pause_cpu(void)
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield");
#endif
}

/* errno belongs to the host and is kept. */
static void futex(_Atomic uint32_t *word, int op, uint32_t value)
{
	int kept = errno;
	syscall(SYS_futex, word, op | FUTEX_PRIVATE_FLAG, value, NULL, NULL, 0);
	errno = kept;
}

static void wait_while(_Atomic uint32_t *word, uint32_t value, _Atomic uint32_t *asleep, int spins)
{
	for (int i = 0; i < spins; i++) {
		if (atomic_load_explicit(word, memory_order_acquire) != value)
			return;
		pause_cpu();
	}
	for (int i = 0; i < YIELDS; i++) {
		if (atomic_load_explicit(word, memory_order_acquire) != value)
			return;
		sched_yield();
	}
	atomic_fetch_add(asleep, 1);
	while (atomic_load(word) == value)
		futex(word, FUTEX_WAIT, value);
	atomic_fetch_sub(asleep, 1);
}

/* The word was changed before: whoever counts itself asleep later sees the change and does not
 * sleep. */
static void wake(_Atomic uint32_t *word, _Atomic uint32_t *asleep)
{
	if (atomic_load(asleep) != 0)
		futex(word, FUTEX_WAKE, INT_MAX);
}

void pool_barrier(Pool *p, uint32_t *phase)
{
	uint32_t before = (*phase)++;
	if (atomic_fetch_add(&p->arrived, 1) + 1 == *phase * (uint32_t)p->n) {
		atomic_store(&p->released, *phase);
		wake(&p->released, &p->released_asleep);
	} else {
		wait_while(&p->released, before, &p->released_asleep, p->spins);
	}
}

static void *worker(void *arg)
{
	Pool *p = arg;
	int thread = atomic_fetch_add(&p->started, 1) + 1;
	for (uint32_t seen = 0;; seen++) {
		wait_while(&p->go, seen, &p->go_asleep, p->spins);
		if (p->quit)
			return NULL;
		p->body(p->arg, p, thread);
		if (atomic_fetch_add(&p->done, 1) + 1 == (uint32_t)p->n - 1)
			wake(&p->done, &p->done_asleep);
	}
}

static void start_region(Pool *p)
{
	atomic_store_explicit(&p->arrived, 0, memory_order_relaxed);
	atomic_store_explicit(&p->released, 0, memory_order_relaxed);
	atomic_store_explicit(&p->done, 0, memory_order_relaxed);
	atomic_fetch_add(&p->go, 1);
	wake(&p->go, &p->go_asleep);
}

bool pool_enter(Pool *p)
{
	return p->n > 1 && getpid() == p->owner && atomic_exchange(&p->busy, 1) == 0;
}

void pool_run(Pool *p, PoolBody *body, void *arg)
{
	p->body = body;
	p->arg = arg;
	start_region(p);
	body(arg, p, 0);
	for (;;) {
		uint32_t done = atomic_load_explicit(&p->done, memory_order_acquire);
		if (done == (uint32_t)p->n - 1)
			break;
		wait_while(&p->done, done, &p->done_asleep, p->spins);
	}
	atomic_store(&p->busy, 0);
}

static void start_threads(Pool *p, int threads)
{
	pthread_attr_t attr;
	sigset_t all, kept;
	if (pthread_attr_init(&attr) != 0)
		return;
	pthread_attr_setstacksize(&attr, STACK_BYTES);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &kept);
	while (p->n < threads && pthread_create(&p->thread[p->n - 1], &attr, worker, p) == 0)
		p->n++;
	pthread_sigmask(SIG_SETMASK, &kept, NULL);
	pthread_attr_destroy(&attr);
}

void pool_start(Pool *p, int threads)
{
	*p = (Pool){ .n = 1, .owner = getpid() };
	/* With more threads than CPUs the one waited for needs this thread's CPU: do not spin. */
	p->spins = threads <= cpus_allowed() ? SPINS : 0;
	start_threads(p, threads);
}

void pool_stop(Pool *p)
{
	if (p->n > 1 && getpid() == p->owner) {
		p->quit = true;
		start_region(p);
		for (int i = 0; i < p->n - 1; i++)
			pthread_join(p->thread[i], NULL);
	}
	p->n = 1;
}
