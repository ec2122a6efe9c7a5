/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Runs CUDA kernels on the CPU. Compiled once, when Burin is built, as an object whose bytes the
 * library carries; linked to the kernels, which the system's C compiler compiles when they are
 * made.
 *
 * One block at a time; every thread of it is a fiber with a stack of its own. Which of those that
 * can go on does so is chosen at random, from a seed: a missing barrier shows as a wrong result on
 * some of the orders. It shows at once by the second means: the kernels are compiled with the
 * compiler's -fsanitize=thread, which puts a call before every access to memory. These calls come
 * here (the functions __tsan_...), where each access must lie in a tensor of the kernel's arguments
 * or in the block's shared memory, must be aligned, and must not meet an access of another thread
 * since the last barrier, or of another block at all, unless both read. Every tensor is copied into
 * memory of its own for the launch, far from all others, so that an index beyond its end is outside
 * of everything. Shared memory is filled with 0xff, which is NaN, before each block.
 *
 * At a barrier all threads must meet, and all at the same line; if some cannot come, that is told
 * too. The first fault ends the launch; the program's text says what it was. */
#include "codegen/cuda/device/emu_abi.h"
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define LOCAL __attribute__((visibility("hidden")))
enum {
	WARP = 32,
	MAX_THREADS = 1024,
	STACK_BYTES = 64 << 10,
	MAX_AREAS = 256,
	WARP_SLOT = 64,  /* bytes a thread can show its warp */
	APART = 1 << 20, /* bytes between tensors, not accessible */
	PAGE = 4096
};

/* --- fibers ---------------------------------------------------------------------------------- */

/* Saves the callee's registers and the stack pointer in *from, takes those of `to`. */
LOCAL void burin_emu_switch(void **from, void *to);
__asm__(".text\n"
	".hidden burin_emu_switch\n"
	".type burin_emu_switch,@function\n"
	"burin_emu_switch:\n"
	"pushq %rbp\npushq %rbx\npushq %r12\npushq %r13\npushq %r14\npushq %r15\n"
	"movq %rsp, (%rdi)\n"
	"movq %rsi, %rsp\n"
	"popq %r15\npopq %r14\npopq %r13\npopq %r12\npopq %rbx\npopq %rbp\n"
	"ret\n"
	".size burin_emu_switch,.-burin_emu_switch\n");

typedef enum State { READY, AT_BARRIER, AT_WARP, DONE } State;
typedef struct Thread {
	void *stack_pointer;
	State state;
	int line; /* at which it waits */
} Thread;

typedef struct Warp {
	int waiting;
	unsigned generation; /* meetings so far: two sets of slots alternate */
	char slot[2][WARP][WARP_SLOT];
} Warp;

/* An access is told by when it was: `now` counts barriers and blocks. */
typedef struct Cell {
	uint32_t written, read;  /* when last; 0: not in this launch */
	uint16_t writer, reader; /* which thread; reader SEVERAL */
} Cell;
enum { SEVERAL = 0xffff };

/* Memory that may be touched. Arguments that overlap are one area of several extents. */
typedef struct Area {
	char *low, *high;
	char *original; /* what `low` is a copy of; NULL: shared memory or scratch */
	Cell *cell;     /* for each `item` bytes */
	int item;
	int common, shared, written;
	int argument; /* number, for messages */
} Area;

static struct {
	pthread_mutex_t lock;
	char *stacks;
	Thread thread[MAX_THREADS];
	Warp warp[MAX_THREADS / WARP];
	int ready[MAX_THREADS], n_ready, n_done;
	int waiting, line; /* at the barrier */
	int running;       /* -1: none, the launching thread */
	void *launcher;
	uint64_t random;
	uint32_t now, block_began;
	int block;
	int failed;
	Area area[MAX_AREAS];
	int n_area;
	const Area *last;
	char *extent_low[MAX_AREAS], *extent_high[MAX_AREAS]; /* of the arguments */
	int n_extent;
	void *shared[MAX_AREAS];
	void *arg[MAX_AREAS];
	const BurinEmuStep *step;
} emu = { .lock = PTHREAD_MUTEX_INITIALIZER, .running = -1 };
/* Set by the library before a step runs. */
LOCAL BurinEmuProgram *burin_emu_program;
#define program burin_emu_program

static uint32_t random_below(uint32_t n)
{
	emu.random += 0x9e3779b97f4a7c15u;
	uint64_t z = emu.random;
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return (uint32_t)(((z >> 32) * n) >> 32);
}

/* --- faults ---------------------------------------------------------------------------------- */

static void leave(State state)
{
	Thread *t = &emu.thread[emu.running];
	t->state = state;
	burin_emu_switch(&t->stack_pointer, emu.launcher);
}

/* The first one is kept. Does not come back to a thread of the kernel. */
static void fault(const char *fmt, ...)
{
	va_list ap;
	int first = !emu.failed;
	emu.failed = 1;
	if (first && program->fault[0] == 0) {
		int n = snprintf(program->fault, sizeof program->fault, "kernel %s",
				 emu.step->name);
		size_t room = sizeof program->fault - 1;
		if (emu.step->sources && *emu.step->sources && (size_t)n < room)
			n += snprintf(program->fault + n, room - (size_t)n, " (%.200s)",
				      emu.step->sources);
		if (emu.running >= 0 && (size_t)n < room)
			n += snprintf(program->fault + n, room - (size_t)n, ", block %d, thread %d",
				      emu.block, emu.running);
		if ((size_t)n < room)
			n += snprintf(program->fault + n, room - (size_t)n, ": ");
		va_start(ap, fmt);
		if ((size_t)n < room)
			vsnprintf(program->fault + n, room - (size_t)n, fmt, ap);
		va_end(ap);
	}
	if (emu.running >= 0)
		leave(DONE);
}

/* --- every access to memory ------------------------------------------------------------------- */

static void name_area(char *to, size_t n, const Area *a)
{
	if (a->shared)
		snprintf(to, n, "shared array %d", a->argument);
	else
		snprintf(to, n, "argument %d", a->argument);
}

static void race(const Area *a, const char *p, const char *now, const char *before, int other)
{
	char name[64], who[64] = "another block";
	name_area(name, sizeof name, a);
	if (other == SEVERAL)
		snprintf(who, sizeof who, "other threads");
	else if (other >= 0)
		snprintf(who, sizeof who, "thread %d", other);
	fault("%s element %lld of %s that %s has %s with no barrier between", now,
	      (long long)(p - a->low) / a->item, name, who, before);
}

/* In this launch but in an earlier block. */
static int other_block(const Area *a, uint32_t when)
{
	return !a->shared && when && when < emu.block_began;
}

static void touch(const Area *a, const char *p, Cell *c, int write)
{
	uint16_t me = (uint16_t)emu.running;
	if (other_block(a, c->written) || (c->written == emu.now && c->writer != me))
		race(a, p, write ? "overwrites" : "reads", "written",
		     c->written == emu.now ? c->writer : -1);
	if (write && (other_block(a, c->read) || (c->read == emu.now && c->reader != me)))
		race(a, p, "overwrites", "read", c->read == emu.now ? c->reader : -1);
	if (write) {
		c->written = emu.now;
		c->writer = me;
	} else if (c->read == emu.now) {
		c->reader = c->reader == me ? me : SEVERAL;
	} else {
		c->read = emu.now;
		c->reader = me;
	}
}

static int on_stack(const char *p)
{
	const char *low = emu.stacks + (size_t)emu.running * STACK_BYTES;
	return p >= low && p < low + STACK_BYTES;
}

/* Where the nearest memory is, for the message. */
static void outside(const char *p, int size, int write)
{
	const Area *best = NULL;
	long long least = 0;
	char name[64];
	for (int i = 0; i < emu.n_area; i++) {
		const Area *a = &emu.area[i];
		long long d = p < a->low ? a->low - p : p - a->high;
		if (!best || d < least) {
			best = a;
			least = d;
		}
	}
	const char *verb = write ? "writes" : "reads";
	if (!best) {
		fault("%s %d bytes at an address that belongs to no tensor", verb, size);
		return;
	}
	name_area(name, sizeof name, best);
	fault("%s element %lld of %s, which has %lld", verb,
	      (long long)((p - best->low) / best->item), name,
	      (long long)((best->high - best->low) / best->item));
}

static const Area *find_area(const char *p, int size)
{
	if (emu.last && p >= emu.last->low && p + size <= emu.last->high)
		return emu.last;
	for (int i = 0; i < emu.n_area; i++)
		if (p >= emu.area[i].low && p + size <= emu.area[i].high)
			return emu.last = &emu.area[i];
	return NULL;
}

/* An area of several arguments may have holes. */
static int in_extent(const char *p, int size)
{
	for (int i = 0; i < emu.n_extent; i++)
		if (p >= emu.extent_low[i] && p + size <= emu.extent_high[i])
			return 1;
	return 0;
}

static void access_memory(void *at, int size, int write)
{
	const char *p = at;
	if (emu.running < 0 || on_stack(p))
		return;
	const Area *a = find_area(p, size);
	if (!a || (!a->shared && a->original && !in_extent(p, size))) {
		outside(p, size, write);
		return;
	}
	if ((uintptr_t)p % (unsigned)size)
		fault("%s %d bytes at an address that is not a multiple of it",
		      write ? "writes" : "reads", size);
	if (a->common)
		return;
	Cell *c = a->cell + (p - a->low) / a->item;
	Cell *end = a->cell + (p + size - 1 - a->low) / a->item;
	for (; c <= end; c++)
		touch(a, p, c, write);
}

/* What -fsanitize=thread calls. */
#define ACCESS(n) \
	LOCAL void __tsan_read##n(void *p); \
	LOCAL void __tsan_read##n(void *p) \
	{ \
		access_memory(p, n, 0); \
	} \
	LOCAL void __tsan_write##n(void *p); \
	LOCAL void __tsan_write##n(void *p) \
	{ \
		access_memory(p, n, 1); \
	} \
	LOCAL void __tsan_read_write##n(void *p); \
	LOCAL void __tsan_read_write##n(void *p) \
	{ \
		access_memory(p, n, 0); \
		access_memory(p, n, 1); \
	} \
	LOCAL void __tsan_unaligned_read##n(void *p); \
	LOCAL void __tsan_unaligned_read##n(void *p) \
	{ \
		access_memory(p, n, 0); \
	} \
	LOCAL void __tsan_unaligned_write##n(void *p); \
	LOCAL void __tsan_unaligned_write##n(void *p) \
	{ \
		access_memory(p, n, 1); \
	} \
	LOCAL void __tsan_unaligned_read_write##n(void *p); \
	LOCAL void __tsan_unaligned_read_write##n(void *p) \
	{ \
		access_memory(p, n, 0); \
		access_memory(p, n, 1); \
	}
ACCESS(1)
ACCESS(2)
ACCESS(4)
ACCESS(8)
ACCESS(16)

/* What -fsanitize=bounds calls for an index beyond an array of the thread's own. The descriptions are
 * those of GCC and of clang. */
struct Place {
	const char *file;
	unsigned line, column;
};
struct TypeName {
	unsigned short kind, info;
	char name[];
};
struct OutOfBounds {
	struct Place place;
	const struct TypeName *array, *index;
};

LOCAL void __ubsan_handle_out_of_bounds_abort(const struct OutOfBounds *what, unsigned long index);
LOCAL void __ubsan_handle_out_of_bounds_abort(const struct OutOfBounds *what, unsigned long index)
{
	fault("element %lld of an array of its own of type %s (line %u)", (long long)index,
	      what->array->name, what->place.line);
	abort(); /* not reached: a thread is running */
}

static void access_range(void *at, long bytes, int write)
{
	for (long i = 0; i < bytes; i++)
		access_memory((char *)at + i, 1, write);
}

LOCAL void __tsan_read_range(void *p, long n);
LOCAL void __tsan_read_range(void *p, long n)
{
	access_range(p, n, 0);
}

LOCAL void __tsan_write_range(void *p, long n);
LOCAL void __tsan_write_range(void *p, long n)
{
	access_range(p, n, 1);
}

LOCAL void *__tsan_memcpy(void *to, const void *from, unsigned long n);
LOCAL void *__tsan_memcpy(void *to, const void *from, unsigned long n)
{
	access_range((void *)(uintptr_t)from, (long)n, 0);
	access_range(to, (long)n, 1);
	return memcpy(to, from, n);
}

LOCAL void *__tsan_memset(void *to, int c, unsigned long n);
LOCAL void *__tsan_memset(void *to, int c, unsigned long n)
{
	access_range(to, (long)n, 1);
	return memset(to, c, n);
}

LOCAL void __tsan_init(void);
LOCAL void __tsan_init(void)
{
}

LOCAL void __tsan_func_entry(void *p);
LOCAL void __tsan_func_entry(void *p)
{
	(void)p;
}

LOCAL void __tsan_func_exit(void *p);
LOCAL void __tsan_func_exit(void *p)
{
	(void)p;
}

/* --- what kernels ask for (prelude.h) --------------------------------------------------------- */

LOCAL int burin_emu_lane(void);
LOCAL int burin_emu_lane(void)
{
	return emu.running;
}

LOCAL int burin_emu_block(void);
LOCAL int burin_emu_block(void)
{
	return emu.block;
}

LOCAL int burin_emu_blocks(void);
LOCAL int burin_emu_blocks(void)
{
	return (int)emu.step->blocks;
}

LOCAL void *burin_emu_shared(int number);
LOCAL void *burin_emu_shared(int number)
{
	return emu.shared[number];
}

LOCAL void burin_emu_barrier(int line);
LOCAL void burin_emu_barrier(int line)
{
	emu.thread[emu.running].line = line;
	leave(AT_BARRIER);
}

/* Every thread of the warp shows `bytes` bytes; what all of them show, WARP_SLOT bytes apart, is
 * there until the second next meeting of the warp. */
static const char *show_warp(const void *show, int bytes, int line)
{
	int me = emu.running;
	Warp *w = &emu.warp[me / WARP];
	unsigned set = w->generation & 1;
	memcpy(w->slot[set][me % WARP], show, (size_t)bytes);
	emu.thread[me].line = line;
	leave(AT_WARP);
	return w->slot[set][0];
}

LOCAL unsigned burin_emu_exchange(unsigned x, int mask, int line);
LOCAL unsigned burin_emu_exchange(unsigned x, int mask, int line)
{
	const char *all = show_warp(&x, sizeof x, line);
	memcpy(&x, all + ((emu.running ^ mask) % WARP) * WARP_SLOT, sizeof x);
	return x;
}

/* The number that a thread of the warp shows in half h of word i. */
static float factor(const char *all, int lane, int i, int h)
{
	uint32_t word;
	float f;
	memcpy(&word, all + lane * WARP_SLOT + i * 4, 4);
	word = h ? word & 0xffff0000u : word << 16;
	memcpy(&f, &word, 4);
	return f;
}

/* mma.sync.m16n8k16 of bf16: what each thread holds is told in ir/kernel.h. */
LOCAL void burin_emu_mma_bf16(float (*c)[4], int (*a)[4], int (*b)[2], int line);
LOCAL void burin_emu_mma_bf16(float (*c)[4], int (*a)[4], int (*b)[2], int line)
{
	int show[6] = { (*a)[0], (*a)[1], (*a)[2], (*a)[3], (*b)[0], (*b)[1] };
	const char *all = show_warp(show, sizeof show, line);
	int g = emu.running % WARP / 4, t = emu.running % 4;
	for (int r = 0; r < 4; r++)
		for (int k = 0; k < 16; k++)
			(*c)[r] += factor(all, g * 4 + k % 8 / 2, r / 2 + k / 8 * 2, k % 2) *
				   factor(all, (2 * t + r % 2) * 4 + k % 8 / 2, 4 + k / 8, k % 2);
}

/* --- a block ---------------------------------------------------------------------------------- */

static void run_thread(void)
{
	emu.step->call(emu.arg);
	leave(DONE);
	abort();
}

static void make_fiber(int i)
{
	char *top = emu.stacks + (size_t)(i + 1) * STACK_BYTES;
	void **sp = (void **)(void *)top - 1;
	*sp = NULL; /* run_thread's own return address: never used; keeps the stack aligned */
	*--sp = (void *)(uintptr_t)run_thread;
	for (int k = 0; k < 6; k++)
		*--sp = NULL;
	emu.thread[i] = (Thread){ .stack_pointer = sp };
}

static void make_ready(int i)
{
	emu.thread[i].state = READY;
	emu.ready[emu.n_ready++] = i;
}

static void meet_warp(int i)
{
	Warp *w = &emu.warp[i / WARP];
	int first = i / WARP * WARP;
	if (w->waiting && emu.thread[first + (i == first)].state == AT_WARP &&
	    emu.thread[first + (i == first)].line != emu.thread[i].line)
		fault("threads of a warp meet at lines %d and %d of the source",
		      emu.thread[first + (i == first)].line, emu.thread[i].line);
	if (++w->waiting < WARP)
		return;
	w->waiting = 0;
	w->generation++;
	for (int k = 0; k < WARP; k++)
		make_ready(first + k);
}

static void meet_block(int i)
{
	if (emu.waiting && emu.thread[i].line != emu.line) {
		fault("threads of a block meet at barriers of different lines, %d and %d", emu.line,
		      emu.thread[i].line);
		return;
	}
	emu.line = emu.thread[i].line;
	if (++emu.waiting < emu.step->threads)
		return;
	emu.waiting = 0;
	emu.now++;
	for (int k = 0; k < emu.step->threads; k++)
		make_ready(k);
}

static void after_run(int i)
{
	switch (emu.thread[i].state) {
	case READY: break;
	case AT_BARRIER: meet_block(i); break;
	case AT_WARP: meet_warp(i); break;
	case DONE: emu.n_done++; break;
	}
}

static void tell_stuck(void)
{
	if (emu.waiting)
		fault("%d of %d threads wait at the barrier of line %d, the others cannot reach it",
		      emu.waiting, emu.step->threads, emu.line);
	else
		fault("threads of a warp wait for others that have ended");
}

static void begin_block(int block)
{
	emu.block = block;
	emu.block_began = ++emu.now;
	emu.n_ready = emu.n_done = emu.waiting = 0;
	emu.last = NULL;
	for (int i = 0; i < emu.n_area; i++) {
		Area *a = &emu.area[i];
		if (!a->shared)
			continue;
		memset(a->low, 0xff, (size_t)(a->high - a->low)); /* cells tell by their time */
	}
	for (int i = 0; i < emu.step->threads / WARP; i++)
		emu.warp[i].waiting = 0;
	for (int i = 0; i < emu.step->threads; i++) {
		make_fiber(i);
		make_ready(i);
	}
}

static void run_block(int block)
{
	begin_block(block);
	while (!emu.failed && emu.n_done < emu.step->threads) {
		if (emu.n_ready == 0) {
			tell_stuck();
			return;
		}
		uint32_t k = random_below((uint32_t)emu.n_ready);
		int i = emu.ready[k];
		emu.ready[k] = emu.ready[--emu.n_ready];
		emu.running = i;
		burin_emu_switch(&emu.launcher, emu.thread[i].stack_pointer);
		emu.running = -1;
		after_run(i);
	}
}

/* --- memory of a launch ----------------------------------------------------------------------- */

static void *take(size_t bytes)
{
	void *p = mmap(NULL, bytes ? bytes : 1, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (p == MAP_FAILED)
		abort();
	return p;
}

static size_t area_room(const Area *a)
{
	return ((size_t)(a->high - a->low) + 2 * PAGE) / PAGE * PAGE + APART;
}

static Area *add_area(char *low, char *high, int item, int argument)
{
	if (emu.n_area == MAX_AREAS) {
		fault("more arguments than the emulation can take");
		emu.n_area--;
	}
	Area *a = &emu.area[emu.n_area++];
	*a = (Area){
		.low = low, .high = high, .original = low, .item = item, .argument = argument
	};
	return a;
}

/* Arguments whose memory overlaps go together. */
static void join_overlaps(void)
{
	for (int i = 0; i < emu.n_area; i++)
		for (int j = i + 1; j < emu.n_area; j++) {
			Area *a = &emu.area[i], *b = &emu.area[j];
			if (a->low >= b->high || b->low >= a->high)
				continue;
			a->low = a->low < b->low ? a->low : b->low;
			a->high = a->high > b->high ? a->high : b->high;
			a->original = a->low;
			a->item = a->item < b->item ? a->item : b->item;
			a->common = a->common && b->common;
			a->written = a->written || b->written;
			*b = emu.area[--emu.n_area];
			i = -1;
			break;
		}
}

/* Moves every area to a place of its own: the copy ends where the memory around may not be touched,
 * and begins at the alignment it had. */
static char *place_areas(size_t *bytes)
{
	size_t at = APART;
	*bytes = APART;
	for (int i = 0; i < emu.n_area; i++)
		*bytes += area_room(&emu.area[i]);
	char *room =
		mmap(NULL, *bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (room == MAP_FAILED)
		abort();
	for (int i = 0; i < emu.n_area; i++) {
		Area *a = &emu.area[i];
		size_t n = (size_t)(a->high - a->low), step = area_room(a);
		char *page = room + at;
		mprotect(page, step - APART, PROT_READ | PROT_WRITE);
		memset(page, 0xff, step - APART);
		a->low = page + PAGE / 2 + (uintptr_t)a->original % 64;
		a->high = a->low + n;
		memcpy(a->low, a->original, n);
		a->cell = take(sizeof(Cell) * (n / (size_t)a->item + 1));
		at += step;
	}
	return room;
}

static char *moved(char *p)
{
	for (int i = 0; i < emu.n_area; i++) {
		Area *a = &emu.area[i];
		if (a->original && p >= a->original && p < a->original + (a->high - a->low))
			return a->low + (p - a->original);
	}
	return p;
}

static void give_areas_back(char *room, size_t bytes)
{
	for (int i = 0; i < emu.n_area; i++) {
		Area *a = &emu.area[i];
		size_t n = (size_t)(a->high - a->low);
		if (!a->original)
			free(a->low);
		else if (a->written)
			memcpy(a->original, a->low, n);
		munmap(a->cell, sizeof(Cell) * (n / (size_t)a->item + 1));
	}
	munmap(room, bytes);
	emu.n_area = emu.n_extent = 0;
}

static void add_memory(int number, long long bytes, int item, int shared)
{
	char *p = aligned_alloc(256, (size_t)(bytes + 255) / 256 * 256);
	if (!p)
		abort();
	Area *a = add_area(p, p + bytes, 1, number);
	a->item = item;
	a->original = NULL;
	a->shared = shared;
	a->cell = take(sizeof(Cell) * ((size_t)bytes / (size_t)a->item + 1));
}

static void take_arguments(const BurinEmuStep *s, void *const *base, char **pointer)
{
	for (int i = 0; i < s->n_arg; i++) {
		const BurinEmuArg *a = &s->arg[i];
		pointer[i] = (char *)base[a->base] + a->offset;
		if (a->high <= a->low)
			continue;
		Area *area = add_area(pointer[i] + a->low, pointer[i] + a->high, a->item, i);
		area->common = a->common;
		area->written = a->written;
	}
	join_overlaps();
}

static void launch(const BurinEmuStep *s, void *const *base)
{
	char *pointer[MAX_AREAS];
	size_t bytes;
	emu.step = s;
	emu.failed = emu.n_area = emu.n_extent = 0;
	emu.now = 0;
	if (s->n_arg + s->n_shared + 1 > MAX_AREAS) {
		fault("%d arguments are more than the emulation can take", s->n_arg);
		return;
	}
	take_arguments(s, base, pointer);
	char *room = place_areas(&bytes);
	for (int i = 0; i < s->n_arg; i++) {
		emu.arg[i] = moved(pointer[i]);
		emu.extent_low[i] = (char *)emu.arg[i] + s->arg[i].low;
		emu.extent_high[i] = (char *)emu.arg[i] + s->arg[i].high;
	}
	emu.n_extent = s->n_arg;
	if (s->scratch) {
		add_memory(s->n_arg, s->scratch * s->blocks, 1, 0);
		emu.arg[s->n_arg] = emu.area[emu.n_area - 1].low;
	}
	for (int i = 0; i < s->n_shared; i++) {
		add_memory(i, s->shared[i].bytes, s->shared[i].item, 1);
		emu.shared[i] = emu.area[emu.n_area - 1].low;
	}
	for (long long b = 0; b < s->blocks && !emu.failed; b++)
		run_block((int)b);
	give_areas_back(room, bytes);
}

LOCAL void burin_emu_step(int i, void *const *base);
LOCAL void burin_emu_step(int i, void *const *base)
{
	pthread_mutex_lock(&emu.lock);
	if (!emu.stacks)
		emu.stacks = take((size_t)MAX_THREADS * STACK_BYTES);
	emu.random = program->seed + (uint64_t)i * 7919;
	if (!program->fault[0])
		launch(&program->step[i], base);
	if (program->fault[0])
		*(int *)(void *)((char *)base[program->work] + program->status) =
			BURIN_EMU_STATUS_FAULT;
	pthread_mutex_unlock(&emu.lock);
}
