/* The two roofs of the machine: multiply-adds in registers at the widest vector, and reading memory
 * once in order, on one thread and on all that may be used. Measured once and kept in the cache
 * folder. */
#include "tools/cli_machine.h"
#include "base/io.h"
#include "codegen/cache.h"
#include "ir/target.h"
#include "runtime/cpu/rt.h"
#include <immintrin.h>
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* A round takes about two milliseconds, so that on a busy machine some are not interrupted. */
enum { TRIES = 150, ROUNDS = 150000, MAX_THREADS = 256 };
static const int64_t chunk_bytes = 32 << 20;

/* --- multiply-adds ---------------------------------------------------------------------------- */

/* Independent chains: at least latency times units of any CPU, and no more than it has registers.
 */
#define CHAINS(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11)
#define WIDE_CHAINS(X) CHAINS(X) X(12) X(13) X(14) X(15) X(16) X(17) X(18) X(19)

typedef double FlopsFn(int64_t rounds); /* the number of operations done */

__attribute__((target("avx512f"))) static double flops_512(int64_t rounds)
{
	__m512 a = _mm512_set1_ps(0.999f), b = _mm512_set1_ps(0.001f);
#define X(i) __m512 v##i = _mm512_set1_ps((float)(i));
	WIDE_CHAINS(X)
#undef X
	for (int64_t r = 0; r < rounds; r++) {
#define X(i) v##i = _mm512_fmadd_ps(v##i, a, b);
		WIDE_CHAINS(X)
#undef X
	}
	__m512 sum = a;
#define X(i) sum = _mm512_add_ps(sum, v##i);
	WIDE_CHAINS(X)
#undef X
	volatile float sink = _mm512_reduce_add_ps(sum);
	(void)sink;
	return 20.0 * 16 * 2 * (double)rounds;
}

__attribute__((target("avx2,fma"))) static double flops_256(int64_t rounds)
{
	__m256 a = _mm256_set1_ps(0.999f), b = _mm256_set1_ps(0.001f);
#define X(i) __m256 v##i = _mm256_set1_ps((float)(i));
	CHAINS(X)
#undef X
	for (int64_t r = 0; r < rounds; r++) {
#define X(i) v##i = _mm256_fmadd_ps(v##i, a, b);
		CHAINS(X)
#undef X
	}
	__m256 sum = a;
#define X(i) sum = _mm256_add_ps(sum, v##i);
	CHAINS(X)
#undef X
	volatile float sink = sum[0] + sum[3] + sum[7];
	(void)sink;
	return 12.0 * 8 * 2 * (double)rounds;
}

static double flops_128(int64_t rounds)
{
	__m128 a = _mm_set1_ps(0.999f), b = _mm_set1_ps(0.001f);
#define X(i) __m128 v##i = _mm_set1_ps((float)(i));
	CHAINS(X)
#undef X
	for (int64_t r = 0; r < rounds; r++) {
#define X(i) v##i = _mm_add_ps(_mm_mul_ps(v##i, a), b);
		CHAINS(X)
#undef X
	}
	__m128 sum = a;
#define X(i) sum = _mm_add_ps(sum, v##i);
	CHAINS(X)
#undef X
	volatile float sink = sum[0] + sum[3];
	(void)sink;
	return 12.0 * 4 * 2 * (double)rounds;
}

static FlopsFn *widest(void)
{
	uint64_t need[2];
	burin_cpu_need(BURIN_CPU_V4, need);
	if (burin_cpu_has(need))
		return flops_512;
	burin_cpu_need(BURIN_CPU_V3, need);
	return burin_cpu_has(need) ? flops_256 : flops_128;
}

/* --- reading ---------------------------------------------------------------------------------- */

typedef uint64_t Words __attribute__((vector_size(64)));

static uint64_t read_words(const Words *at, int64_t n)
{
	Words s0 = { 0 }, s1 = { 0 }, s2 = { 0 }, s3 = { 0 };
	for (int64_t i = 0; i + 4 <= n; i += 4) {
		s0 ^= at[i];
		s1 ^= at[i + 1];
		s2 ^= at[i + 2];
		s3 ^= at[i + 3];
	}
	s0 ^= s1 ^ s2 ^ s3;
	return s0[0] ^ s0[3] ^ s0[7];
}

/* --- many threads at once --------------------------------------------------------------------- */

typedef struct Team {
	FlopsFn *flops; /* NULL: read memory */
	const Words *memory;
	int64_t words; /* in all; a round reads one chunk, the next round the next */
	int n;
	atomic_int round, done; /* what is to be done; how many have done it */
} Team;

typedef struct Member {
	Team *team;
	int index;
	double work;
	pthread_t thread;
} Member;

static void do_share(Member *m)
{
	Team *t = m->team;
	if (t->flops) {
		m->work = t->flops(ROUNDS);
		return;
	}
	int64_t chunk = chunk_bytes / (int64_t)sizeof(Words), share = chunk / t->n / 4 * 4;
	int64_t first = atomic_load(&t->round) * chunk % (t->words / chunk * chunk);
	volatile uint64_t sink = read_words(t->memory + first + share * m->index, share);
	(void)sink;
	m->work = (double)share * sizeof(Words);
}

static void *work(void *user)
{
	Member *m = user;
	for (int round = 1; round <= TRIES; round++) {
		while (atomic_load(&m->team->round) < round)
			_mm_pause();
		do_share(m);
		atomic_fetch_add(&m->team->done, 1);
	}
	return NULL;
}

/* Work per nanosecond of one round in which all take part. */
static double timed_round(Team *t, Member *member, int round)
{
	double sum = 0;
	int64_t start = now_ns();
	atomic_store(&t->done, 0);
	atomic_store(&t->round, round);
	do_share(&member[0]);
	while (atomic_load(&t->done) < t->n - 1)
		_mm_pause();
	int64_t spent = now_ns() - start;
	for (int i = 0; i < t->n; i++)
		sum += member[i].work;
	return sum / (double)spent;
}

/* The best of some rounds; with fewer threads where the system gives no more. */
static double best_rate(FlopsFn *flops, const Words *memory, int64_t words, int threads)
{
	Member member[MAX_THREADS];
	Team t = { .flops = flops, .memory = memory, .words = words };
	double best = 0;
	int n = threads < MAX_THREADS ? threads : MAX_THREADS;
	for (int i = 0; i < n; i++)
		member[i] = (Member){ .team = &t, .index = i };
	for (t.n = 1; t.n < n; t.n++)
		if (pthread_create(&member[t.n].thread, NULL, work, &member[t.n]) != 0)
			break;
	for (int round = 1; round <= TRIES; round++) {
		double rate = timed_round(&t, member, round);
		best = rate > best ? rate : best;
	}
	for (int i = 1; i < t.n; i++)
		pthread_join(member[i].thread, NULL);
	return best;
}

/* Far more than the caches hold. */
static int64_t words_to_read(void)
{
	Target host;
	int64_t bytes = (int64_t)256 << 20;
	if (target_find("native", &host) && host.l3_bytes * 4 > bytes)
		bytes = host.l3_bytes * 4;
	int64_t most = (int64_t)1 << 30;
	return (bytes < most ? bytes : most) / (int64_t)sizeof(Words);
}

Peaks peaks_measure(Cli *c)
{
	Peaks p = { .threads = burin_rt_threads(0) };
	FlopsFn *flops = widest();
	int64_t words = words_to_read();
	progress_show(c, "measuring", 0, 1, "");
	p.fma_gflops_1t = best_rate(flops, NULL, 0, 1);
	p.fma_gflops_all = best_rate(flops, NULL, 0, p.threads);
	Words *memory = aligned_alloc(4096, (size_t)words * sizeof(Words));
	if (memory) {
		memset(memory, 1, (size_t)words * sizeof(Words));
		p.read_gb_1t = best_rate(NULL, memory, words, 1);
		p.read_gb_all = best_rate(NULL, memory, words, p.threads);
	}
	free(memory);
	progress_wipe(c);
	/* one thread alone did it: the others were kept from running */
	p.fma_gflops_all = fmax(p.fma_gflops_all, p.fma_gflops_1t);
	p.read_gb_all = fmax(p.read_gb_all, p.read_gb_1t);
	return p;
}

static double between(double one, double all, int n_all, int threads)
{
	if (threads >= n_all || one * threads > all)
		return all > one ? all : one;
	return one * threads;
}

double peak_gflops(const Peaks *p, int threads)
{
	return between(p->fma_gflops_1t, p->fma_gflops_all, p->threads, threads);
}

double peak_read(const Peaks *p, int threads)
{
	return between(p->read_gb_1t, p->read_gb_all, p->threads, threads);
}

/* --- kept ------------------------------------------------------------------------------------- */

static const char *kept_path(Cli *c)
{
	Cache *cache = cache_open(NULL, 0);
	const char *path =
		cache_reason(cache) ? NULL : path_join(c->arena, cache_path(cache), "machine.json");
	cache_close(cache);
	return path;
}

bool peaks_store(Cli *c, const Peaks *p)
{
	const char *path = kept_path(c);
	IoError e;
	JsonWriter w;
	Str s;
	const struct {
		const char *key;
		double value;
	} row[] = { { "fma_gflops_1t", p->fma_gflops_1t },
		    { "fma_gflops_all", p->fma_gflops_all },
		    { "read_gb_per_s_1t", p->read_gb_1t },
		    { "read_gb_per_s", p->read_gb_all },
		    { "threads", p->threads } };
	str_init(&s, c->arena);
	json_write(&w, &s, true);
	json_put_object(&w);
	json_put_key(&w, "cpu");
	json_put_text(&w, cpu_name(c->arena));
	for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
		json_put_key(&w, row[i].key);
		json_put_real(&w, row[i].value);
	}
	json_end(&w);
	return path && io_write_file(path, str_text(&s), s.n, &e);
}

bool peaks_load(Cli *c, Peaks *out)
{
	const char *path = kept_path(c), *cpu = "";
	IoError e;
	IoText t;
	JsonError je;
	double threads = 0;
	*out = (Peaks){ 0 };
	if (!path || !io_read(path, c->arena, 1 << 16, &t, &e))
		return false;
	const JsonValue *v = json_parse(c->arena, t.at, t.n, &je);
	bool ok = v && json_text(json_get(v, "cpu"), &cpu) && str_eq(cpu, cpu_name(c->arena)) &&
		  json_real(json_get(v, "fma_gflops_1t"), &out->fma_gflops_1t) &&
		  json_real(json_get(v, "fma_gflops_all"), &out->fma_gflops_all) &&
		  json_real(json_get(v, "read_gb_per_s_1t"), &out->read_gb_1t) &&
		  json_real(json_get(v, "read_gb_per_s"), &out->read_gb_all) &&
		  json_real(json_get(v, "threads"), &threads);
	out->threads = (int)threads;
	return ok && out->threads == burin_rt_threads(0);
}
