/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Random graphs of every operator: compiled with random passes off, for random machines and modes
 * of rounding, run by several threads, against the reference evaluation with its bound.
 *
 *   random_graphs [--train] [--seed S] [--count N] [--only I] [--jobs J]
 *                 [--seconds T]
 *   random_graphs FILE ...            replays what an earlier run printed
 *
 * --train: models with a loss and an optimiser, whose steps are followed one by one.
 *
 * What fails is printed, made smaller as far as it goes, as text that can be replayed. BURIN_SEED
 * is the seed where none is given. Graphs run in processes with limits of time and memory; a crash
 * is a failure of its graph alone. The exit status is 1 when one failed, or when of so many
 * graphs that each operator had its turn one was in none. */
#include "base/io.h"
#include "tests/conform/generate.h"
#include "tests/random/net.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PER_PROCESS = 200, MOST_JOBS = 64, SHOWN = 20, ENOUGH = OP_COUNT };

/* What the processes share. */
typedef struct Shared {
	int64_t next, done;
	int64_t current[MOST_JOBS]; /* what each is at */
	int64_t failed, failure[SHOWN];
	int verdict[SHOWN];
	int64_t nodes, elements, unknown, repeated;
	int64_t with[OP_COUNT]; /* graphs that hold the operator */
} Shared;

typedef struct Campaign {
	uint64_t seed;
	bool train;
	int64_t first, end;
	double until; /* no graph is begun later; 0: all are */
	Shared *shared;
} Campaign;

static void fail_of(Campaign *k, int64_t i, Verdict v)
{
	int64_t n = __atomic_fetch_add(&k->shared->failed, 1, __ATOMIC_SEQ_CST);
	if (n < SHOWN) {
		k->shared->failure[n] = i;
		k->shared->verdict[n] = (int)v;
	}
}

static void count_graph(Shared *s, const Case *c, Op wanted)
{
	bool seen[OP_COUNT] = { false };
	seen[wanted] = !c->b->failed;
	for (int i = 0; i < c->g->node.n; i++)
		seen[c->g->node.at[i]->op] = true;
	for (int op = 0; op < OP_COUNT; op++)
		if (seen[op])
			__atomic_fetch_add(&s->with[op], 1, __ATOMIC_SEQ_CST);
	__atomic_fetch_add(&s->nodes, c->g->node.n, __ATOMIC_SEQ_CST);
}

static Verdict one_net(Campaign *k, int64_t i)
{
	Arena *arena = arena_create();
	Str what;
	str_init(&what, arena);
	const char *text = net_make(arena, k->seed, i);
	for (const char *p = text; (p = strstr(p, " id=")) != NULL; p++)
		__atomic_fetch_add(&k->shared->nodes, 1, __ATOMIC_SEQ_CST);
	Verdict v = net_judge(text, &what);
	arena_destroy(arena);
	return v;
}

static Verdict one_graph(Campaign *k, int64_t i)
{
	Trial t;
	Str what;
	Case *c = trial_make(k->seed, i, &t);
	str_init(&what, c->arena);
	count_graph(k->shared, c, t.wanted);
	Verdict v = trial_judge(c, &t, &what);
	case_destroy(c);
	return v;
}

static void one(Campaign *k, int64_t i)
{
	Tally before = *tally();
	child_clock();
	Verdict v = k->train ? one_net(k, i) : one_graph(k, i);
	if (v != RIGHT)
		fail_of(k, i, v);
	const Tally *now = tally();
	__atomic_fetch_add(&k->shared->elements, now->elements - before.elements, __ATOMIC_SEQ_CST);
	__atomic_fetch_add(&k->shared->unknown, now->unknown - before.unknown, __ATOMIC_SEQ_CST);
	__atomic_fetch_add(&k->shared->repeated, now->repeated - before.repeated, __ATOMIC_SEQ_CST);
}

static bool is_over(const Campaign *k)
{
	return k->until > 0 && seconds() > k->until;
}

static void worker(Campaign *k, int job)
{
	Shared *s = k->shared;
	child_limits();
	for (int n = 0; n < PER_PROCESS && !is_over(k); n++) {
		int64_t i = __atomic_fetch_add(&s->next, 1, __ATOMIC_SEQ_CST);
		if (i >= k->end)
			break;
		s->current[job] = i;
		one(k, i);
		s->current[job] = -1;
		__atomic_fetch_add(&s->done, 1, __ATOMIC_SEQ_CST);
	}
	_exit(64 + RIGHT);
}

static pid_t start(Campaign *k, int job)
{
	fflush(NULL);
	k->shared->current[job] = -1;
	pid_t pid = fork();
	if (pid == 0)
		worker(k, job);
	return pid;
}

/* Until all are done; a process that ends at a graph has failed it and is followed by another. */
static void run_all(Campaign *k, int jobs)
{
	pid_t pid[MOST_JOBS];
	int running = jobs, status;
	for (int j = 0; j < jobs; j++)
		pid[j] = start(k, j);
	for (pid_t ended; running && (ended = wait(&status)) > 0;)
		for (int j = 0; j < jobs; j++) {
			if (pid[j] != ended)
				continue;
			if (k->shared->current[j] >= 0) {
				fail_of(k, k->shared->current[j], child_verdict(status));
				k->shared->done++;
			}
			if (k->shared->next < k->end && !is_over(k))
				pid[j] = start(k, j);
			else
				running--;
		}
}

/* --- reports ---------------------------------------------------------------------------------- */

static void print_text(Campaign *k, int64_t i, FILE *f)
{
	Trial t;
	Str text;
	if (k->train) {
		fputs(net_make(arena_create(), k->seed, i), f);
		return;
	}
	Case *c = trial_make(k->seed, i, &t);
	str_init(&text, c->arena);
	for (int d = 0; d < diag_count(c->ctx->diag); d++) /* of a graph that is wrong */
		str_fmt(&text, "# %s\n", diag_at(c->ctx->diag, d)->message);
	trial_print(&text, c, &t);
	fwrite(str_text(&text), 1, text.n, f);
}

/* The trial as text, made in a child: making it may be what crashes. */
static const char *text_of(Campaign *k, Arena *arena, int64_t i)
{
	int end[2], status;
	char buffer[1 << 16];
	Str s;
	str_init(&s, arena);
	if (pipe(end) != 0)
		return "";
	pid_t pid = fork();
	if (pid == 0) {
		FILE *f = fdopen(end[1], "w");
		child_limits();
		child_clock();
		print_text(k, i, f);
		fclose(f);
		_exit(0);
	}
	close(end[1]);
	for (ssize_t got; (got = read(end[0], buffer, sizeof buffer)) > 0;)
		str_addn(&s, buffer, (size_t)got);
	close(end[0]);
	waitpid(pid, &status, 0);
	return str_text(&s);
}

static void report(Campaign *k, int64_t i, Verdict v)
{
	Arena *arena = arena_create();
	Str what;
	str_init(&what, arena);
	printf("FAILED: graph %lld of seed %llu: %s (random_graphs%s --seed %llu --only %lld)\n",
	       (long long)i, (unsigned long long)k->seed, verdict_name[v],
	       k->train ? " --train" : "", (unsigned long long)k->seed, (long long)i);
	const char *text = text_of(k, arena, i);
	Verdict again = child_judge(text, strlen(text), &what);
	if (again == v && v != INVALID) {
		text = is_net(text) ? net_shrink(arena, text, v)
				    : shrink(arena, text, strlen(text), v);
		str_init(&what, arena);
		child_judge(text, strlen(text), &what);
	} else if (again != v) {
		printf("# as text it is another: %s\n", verdict_name[again]);
	}
	for (const char *p = str_text(&what); *p; p += strcspn(p, "\n"), p += *p == '\n')
		printf("# %.*s\n", (int)strcspn(p, "\n"), p);
	printf("%s\n", text);
	fflush(stdout);
	arena_destroy(arena);
}

static bool must_be_drawn(Op op)
{
	const OpInfo *info = op_info(op);
	return !(info->flags & OF_LEAF) && (info->levels & (LEVEL_T | LEVEL_M)) && op != OP_get;
}

/* Is every operator in some graph? */
static bool check_coverage(const Shared *s)
{
	bool all = true;
	for (int op = 0; op < OP_COUNT; op++)
		if (must_be_drawn((Op)op) && !s->with[op]) {
			printf("FAILED: operator '%s' is in no graph\n", op_info((Op)op)->name);
			all = false;
		}
	return all;
}

static int campaign(Campaign *k, int jobs)
{
	double from = seconds();
	Shared *s =
		mmap(NULL, sizeof *s, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (s == MAP_FAILED)
		return 2;
	int64_t n = k->end - k->first;
	k->shared = s;
	s->next = k->first;
	run_all(k, jobs);
	double took = seconds() - from;
	for (int64_t f = 0; f < s->failed && f < SHOWN; f++)
		report(k, s->failure[f], (Verdict)s->verdict[f]);
	if (s->failed > SHOWN)
		printf("# %lld more failed\n", (long long)(s->failed - SHOWN));
	if (is_over(k))
		n = s->done;
	bool covered = n < ENOUGH || k->train || check_coverage(s);
	bool known = n < ENOUGH || s->unknown * 10 <= s->elements;
	if (!known)
		printf("FAILED: too little is known\n");
	printf("%lld random %s from seed %llu, %.1f operators each, %lld elements (%.1f %% not "
	       "known), %lld compared bit by bit: %lld failed; %.0f s, %.1f a second\n",
	       (long long)s->done, k->train ? "training graphs" : "graphs",
	       (unsigned long long)k->seed, (double)s->nodes / (double)(s->done ? s->done : 1),
	       (long long)s->elements,
	       100 * (double)s->unknown / (double)(s->elements ? s->elements : 1),
	       (long long)s->repeated, (long long)s->failed, took, (double)s->done / took);
	return s->failed || !covered || !known || (s->done != n && !is_over(k));
}

static int replay(const char *path)
{
	Arena *arena = arena_create();
	IoText text;
	IoError e;
	Str what;
	str_init(&what, arena);
	if (!io_read(path, arena, 1 << 26, &text, &e)) {
		fprintf(stderr, "%s cannot be read\n", path);
		return 2;
	}
	const char *p = arena_strndup(arena, text.at, text.n);
	while (*p == '#' || str_starts(p, "FAILED")) /* as it was printed */
		p += strcspn(p, "\n") + 1;
	Verdict v = child_judge(p, strlen(p), &what);
	printf("%s: %s\n%s", path, verdict_name[v], str_text(&what));
	arena_destroy(arena);
	return v != RIGHT;
}

int main(int argc, char **argv)
{
	Campaign k = { .seed = (uint64_t)env_number("BURIN_SEED", 1), .end = 200 };
	int jobs = (int)sysconf(_SC_NPROCESSORS_ONLN), status = 0, files = 0;
	for (int i = 1; i < argc; i++) {
		bool more = i + 1 < argc;
		if (more && str_eq(argv[i], "--seed"))
			k.seed = (uint64_t)atoll(argv[++i]);
		else if (more && str_eq(argv[i], "--count"))
			k.end = k.first + atoll(argv[++i]);
		else if (more && str_eq(argv[i], "--only"))
			k.first = atoll(argv[++i]), k.end = k.first + 1;
		else if (more && str_eq(argv[i], "--seconds"))
			k.until = seconds() + atof(argv[++i]);
		else if (str_eq(argv[i], "--train"))
			k.train = true;
		else if (more && str_eq(argv[i], "--jobs"))
			jobs = atoi(argv[++i]);
		else if (argv[i][0] == '-')
			return fprintf(stderr, "usage: random_graphs [--train] [--seed S] [--count "
					       "N] [--only "
					       "I] [--jobs J] [--seconds T] | FILE ...\n"),
			       2;
		else
			files++, status |= replay(argv[i]);
	}
	jobs = jobs < 1 ? 1 : jobs > MOST_JOBS ? MOST_JOBS : jobs;
	return files ? status : campaign(&k, jobs);
}
