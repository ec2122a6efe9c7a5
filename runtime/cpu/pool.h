/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A few threads that run one function together, with barriers. The whole pool lies in memory of the
 * caller. */
#ifndef RUNTIME_CPU_POOL_H
#define RUNTIME_CPU_POOL_H
#include "runtime/cpu/rt.h"
#include <pthread.h>
#include <stdatomic.h>
#include <sys/types.h>

typedef struct Pool Pool;
typedef void PoolBody(void *arg, Pool *pool, int thread);

enum { LINE = 64 };
struct Pool {
	/* one cache line for each word that threads wait for, with the count of those asleep on it
	 */
	_Alignas(LINE) _Atomic uint32_t go;
	_Atomic uint32_t go_asleep;
	_Alignas(LINE) _Atomic uint32_t released;
	_Atomic uint32_t released_asleep;
	_Alignas(LINE) _Atomic uint32_t done;
	_Atomic uint32_t done_asleep;
	_Alignas(LINE) _Atomic uint32_t arrived;
	_Alignas(LINE) PoolBody *body;
	void *arg;
	int n; /* threads, the caller of pool_run included */
	int spins;
	bool quit;
	_Atomic uint32_t busy;
	_Atomic int started; /* gives each new thread its number */
	pid_t owner;
	pthread_t thread[BURIN_MAX_THREADS - 1];
};

void pool_start(Pool *p, int threads); /* with fewer, down to 1, where the system refuses */
void pool_stop(Pool *p);               /* in a forked child: only forgets the threads */
/* Claims the pool; false when another thread is running on it, or in a forked child. */
bool pool_enter(Pool *p);
void pool_run(Pool *p, PoolBody *body, void *arg); /* then gives the claim back */
/* For all threads of a region alike; *phase starts at 0. */
void pool_barrier(Pool *p, uint32_t *phase);

/* CPUs that this process may use: affinity mask and cgroup quota. */
int cpus_allowed(void);
#endif
