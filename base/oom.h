/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Out of memory, the one place where control leaves by longjmp: a public function that may allocate
 * opens a scope with OOM_GUARD; an arena or mem_alloc that fails jumps to the innermost scope of
 * its thread. Code between must own nothing but arenas registered in the scope (arenas created
 * inside it are freed by the jump). LLVM's own allocations are outside of this (docs/memory.md). */
#ifndef BASE_OOM_H
#define BASE_OOM_H
#include <setjmp.h>
#include <stdbool.h>
#include <stddef.h>

typedef struct OomScope {
	jmp_buf jump;
	struct OomScope *outer;
	struct OomOwned *first; /* created in the scope and still alive, newest first */
} OomScope;

/* What a scope owns: arenas, and with the same two calls whatever else must not outlive the jump
 * (open files, mappings). Part of the owner's struct, which must not move while registered. */
typedef struct OomOwned {
	struct OomOwned *next, **link; /* link NULL: in no scope */
	void (*destroy)(struct OomOwned *self);
} OomOwned;
void oom_own(OomOwned *o, void (*destroy)(OomOwned *self)); /* into the innermost scope, if any */
void oom_disown(OomOwned *o);

void oom_enter(OomScope *s);    /* use through OOM_GUARD */
void oom_leave(OomScope *s);    /* what is still alive passes to the outer scope */
_Noreturn void oom_raise(void); /* aborts only when no scope is open */

/* if (OOM_GUARD(&scope)) { ... oom_leave(&scope); } else { out of memory } */
#define OOM_GUARD(s) (oom_enter(s), setjmp((s)->jump) == 0)

void *mem_alloc(size_t bytes);         /* zeroed; raises instead of returning NULL */
void *mem_grow(void *p, size_t bytes); /* raises with p as it was; what is new is not zeroed */
#endif
