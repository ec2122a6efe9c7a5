/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The roofs of the machine: multiply-adds in registers at the widest vector, and reading in order,
 * from memory once and from each cache again and again, on one thread and on all that may be used.
 * Measured once and kept in the cache folder. */
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
enum { TRIES = 150, ROUNDS = 150000, MAX_THREADS = 256, ROUND_BYTES = 32 << 20 };

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

enum { LINE = 64, STRIDE = 8 * LINE }; /* sizes read are multiples of a stride */
typedef uint64_t ReadFn(const char *at, int64_t bytes);

/* By loads of the given width into sums that fit the registers. */
#define READ(name, width, attribute) \
	typedef uint64_t Vector##width __attribute__((vector_size(width))); \
	attribute static uint64_t name(const char *at, int64_t bytes) \
	{ \
		Vector##width sum[8] = { { 0 } }; \
		for (int64_t i = 0; i < bytes; i += 8 * (width)) \
			for (int k = 0; k < 8; k++) \
				sum[k] ^= *(const Vector##width *)(const void *)(at + i + \
										 k * (width)); \
		for (int k = 1; k < 8; k++) \
			sum[0] ^= sum[k]; \
		return sum[0][0] ^ sum[0][1]; \
	}
READ(read_512, 64, __attribute__((target("avx512f"))))
READ(read_256, 32, __attribute__((target("avx2"))))
READ(read_128, 16, )
#undef READ

static ReadFn *widest_read(void)
{
	FlopsFn *f = widest();
	return f == flops_512 ? read_512 : f == flops_256 ? read_256 : read_128;
}

/* --- many threads at once --------------------------------------------------------------------- */

typedef struct Team {
	FlopsFn *flops; /* NULL: read memory */
	ReadFn *read;
	const char *memory;
	int64_t bytes; /* in all; a round reads ROUND_BYTES, the next round the next */
	int64_t near;  /* not 0: each thread reads so many bytes of its own, again and again */
	int n;
	atomic_int round, done; /* what is to be done; how many have done it */
} Team;

typedef struct Member {
	Team *team;
	int index;
	double work;
	pthread_t thread;
} Member;

static double read_near(const Member *m)
{
	const Team *t = m->team;
	int64_t share = ROUND_BYTES / t->n, done = 0;
	volatile uint64_t sink = 0;
	for (; done < share; done += t->near)
		sink = sink ^ t->read(t->memory + t->near * m->index, t->near);
	return (double)done;
}

static double read_far(const Member *m)
{
	Team *t = m->team;
	int64_t share = ROUND_BYTES / t->n / STRIDE * STRIDE;
	int64_t first = (int64_t)atomic_load(&t->round) * ROUND_BYTES %
			(t->bytes / ROUND_BYTES * ROUND_BYTES);
	volatile uint64_t sink = t->read(t->memory + first + share * m->index, share);
	(void)sink;
	return (double)share;
}

static void do_share(Member *m)
{
	const Team *t = m->team;
	m->work = t->flops ? t->flops(ROUNDS) : t->near ? read_near(m) : read_far(m);
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
static double best_rate(Team t, int threads)
{
	Member member[MAX_THREADS];
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

static void cache_bytes(int64_t bytes[LEVELS])
{
	Target host;
	if (!target_find("native", &host))
		host = (Target){ .l2_bytes = 256 << 10, .l3_bytes = 8 << 20 };
	bytes[LEVEL_L2] = host.l2_bytes;
	bytes[LEVEL_L3] = host.l3_bytes;
	bytes[LEVEL_MEMORY] = 1 << 30;
}

/* For the memory level far more than the caches hold. */
static int64_t bytes_to_read(void)
{
	int64_t size[LEVELS], least = (int64_t)256 << 20;
	cache_bytes(size);
	int64_t bytes = size[LEVEL_L3] * 4 > least ? size[LEVEL_L3] * 4 : least;
	return bytes < size[LEVEL_MEMORY] ? bytes : size[LEVEL_MEMORY];
}

static Peak measure(Team t, int threads)
{
	Peak p = { .one = best_rate(t, 1), .all = best_rate(t, threads) };
	p.all = fmax(p.all, p.one); /* one thread alone did it: the others were kept from running */
	return p;
}

/* Half of the cache, of which threads share the third. */
static Peak measure_cache(const char *memory, int level, int threads)
{
	int64_t size[LEVELS], each;
	cache_bytes(size);
	each = size[level] / 2 / (level == LEVEL_L3 ? threads : 1) / STRIDE * STRIDE;
	Team t = { .read = widest_read(), .memory = memory, .near = each ? each : STRIDE };
	return measure(t, threads);
}

Peaks peaks_measure(Cli *c)
{
	Peaks p = { .threads = burin_rt_threads(0) };
	int64_t bytes = bytes_to_read(), size[LEVELS];
	cache_bytes(size);
	progress_show(c, "measuring", 0, 1, "");
	p.threads = p.threads < MAX_THREADS ? p.threads : MAX_THREADS;
	p.fma = measure((Team){ .flops = widest() }, p.threads);
	int64_t most = bytes + size[LEVEL_L2] * p.threads;
	char *memory = aligned_alloc(4096, (size_t)(most + 4095) / 4096 * 4096);
	if (memory) {
		Team far = { .read = widest_read(), .memory = memory, .bytes = bytes };
		memset(memory, 1, (size_t)most);
		p.read[LEVEL_L2] = measure_cache(memory, LEVEL_L2, p.threads);
		p.read[LEVEL_L3] = measure_cache(memory, LEVEL_L3, p.threads);
		p.read[LEVEL_MEMORY] = measure(far, p.threads);
	}
	free(memory);
	progress_wipe(c);
	for (int i = LEVEL_MEMORY; i > 0; i--) { /* disturbed, or no such cache */
		p.read[i - 1].one = fmax(p.read[i - 1].one, p.read[i].one);
		p.read[i - 1].all = fmax(p.read[i - 1].all, p.read[i].all);
	}
	return p;
}

static double between(Peak p, int n_all, int threads)
{
	if (threads >= n_all || p.one * threads > p.all)
		return p.all > p.one ? p.all : p.one;
	return p.one * threads;
}

double peak_gflops(const Peaks *p, int threads)
{
	return between(p->fma, p->threads, threads);
}

double peak_read(const Peaks *p, int level, int threads)
{
	return between(p->read[level], p->threads, threads);
}

int level_of(double bytes, int threads)
{
	int64_t size[LEVELS];
	cache_bytes(size);
	return bytes <= (double)size[LEVEL_L2] * threads ? LEVEL_L2
	       : bytes <= (double)size[LEVEL_L3]         ? LEVEL_L3
							 : LEVEL_MEMORY;
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

/* Each number of a Peaks and its name in the file. */
typedef struct Row {
	const char *key;
	double *value;
} Row;
enum { ROWS = 2 + 2 * LEVELS };

static void list_rows(Peaks *p, Row row[ROWS])
{
	static const char *const one[LEVELS] = { "l2_gb_per_s_1t", "l3_gb_per_s_1t",
						 "read_gb_per_s_1t" },
				 *const all[LEVELS] = { "l2_gb_per_s", "l3_gb_per_s",
							"read_gb_per_s" };
	row[0] = (Row){ "fma_gflops_1t", &p->fma.one };
	row[1] = (Row){ "fma_gflops_all", &p->fma.all };
	for (int i = 0; i < LEVELS; i++) {
		row[2 + 2 * i] = (Row){ one[i], &p->read[i].one };
		row[3 + 2 * i] = (Row){ all[i], &p->read[i].all };
	}
}

bool peaks_store(Cli *c, const Peaks *p)
{
	const char *path = kept_path(c);
	Peaks copy = *p;
	Row row[ROWS];
	IoError e;
	JsonWriter w;
	Str s;
	list_rows(&copy, row);
	str_init(&s, c->arena);
	json_write(&w, &s, true);
	json_put_object(&w);
	json_put_key(&w, "cpu");
	json_put_text(&w, cpu_name(c->arena));
	json_put_key(&w, "threads");
	json_put_int(&w, p->threads);
	for (int i = 0; i < ROWS; i++) {
		json_put_key(&w, row[i].key);
		json_put_real(&w, *row[i].value);
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
	Row row[ROWS];
	int64_t threads = 0;
	*out = (Peaks){ 0 };
	if (!path || !io_read(path, c->arena, 1 << 16, &t, &e))
		return false;
	const JsonValue *v = json_parse(c->arena, t.at, t.n, &je);
	bool ok = v && json_text(json_get(v, "cpu"), &cpu) && str_eq(cpu, cpu_name(c->arena)) &&
		  json_int(json_get(v, "threads"), &threads);
	list_rows(out, row);
	for (int i = 0; ok && i < ROWS; i++)
		ok = json_real(json_get(v, row[i].key), row[i].value);
	out->threads = (int)threads;
	return ok && out->threads == burin_rt_threads(0);
}
