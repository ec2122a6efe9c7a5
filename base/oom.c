/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Out of memory: a stack of scopes per thread. The pointer to the innermost scope is the one piece
 * of mutable state outside of objects in this library; it is per thread and NULL whenever no public
 * call is under way. */
#include "base/oom.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static _Thread_local OomScope *innermost;

void oom_enter(OomScope *s)
{
	s->outer = innermost;
	s->first = NULL;
	innermost = s;
}

static void link_into(OomScope *s, OomOwned *o)
{
	o->next = s->first;
	o->link = &s->first;
	if (o->next)
		o->next->link = &o->next;
	s->first = o;
}

void oom_own(OomOwned *o, void (*destroy)(OomOwned *self))
{
	o->next = NULL;
	o->link = NULL;
	o->destroy = destroy;
	if (innermost)
		link_into(innermost, o);
}

void oom_disown(OomOwned *o)
{
	if (!o->link)
		return;
	*o->link = o->next;
	if (o->next)
		o->next->link = o->link;
	o->link = NULL;
	o->next = NULL;
}

static void pass_outward(OomScope *s)
{
	OomScope *outer = s->outer;
	while (s->first && !outer)
		oom_disown(s->first);
	if (!s->first)
		return;
	OomOwned *last = s->first;
	while (last->next)
		last = last->next;
	last->next = outer->first;
	if (last->next)
		last->next->link = &last->next;
	outer->first = s->first;
	outer->first->link = &outer->first;
	s->first = NULL;
}

void oom_leave(OomScope *s)
{
	pass_outward(s);
	innermost = s->outer;
}

_Noreturn void oom_raise(void)
{
	OomScope *s = innermost;
	if (!s)
		abort();
	while (s->first) {
		OomOwned *o = s->first;
		oom_disown(o);
		o->destroy(o);
	}
	innermost = s->outer;
	longjmp(s->jump, 1);
}

void *mem_alloc(size_t bytes)
{
	void *p = bytes > PTRDIFF_MAX ? NULL : calloc(1, bytes ? bytes : 1);
	if (!p)
		oom_raise();
	return p;
}

void *mem_grow(void *p, size_t bytes)
{
	void *fresh = bytes > PTRDIFF_MAX ? NULL : realloc(p, bytes ? bytes : 1);
	if (!fresh)
		oom_raise();
	return fresh;
}
