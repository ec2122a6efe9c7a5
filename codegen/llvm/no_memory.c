/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* LLVM without memory. It has two ways to get some, malloc and C++'s new, and for both a function that
 * is told of a failure; C's interface offers neither, so they are called by the names that C++ gives
 * them. An LLVM that lacks them aborts, as it does without. */
#include "codegen/codegen.h"

typedef void LlvmHandler(void *user, const char *reason, bool crash_report);
extern void install_bad_alloc(LlvmHandler *f, void *user) __asm__(
	"_ZN4llvm31install_bad_alloc_error_handlerEPFvPvPKcbES0_") __attribute__((weak));
extern void install_new(void) __asm__("_ZN4llvm33install_out_of_memory_new_handlerEv")
	__attribute__((weak));

static void on_failure(void *user, const char *reason, bool crash_report)
{
	void (*f)(void);
	(void)reason, (void)crash_report;
	*(void **)&f = user;
	f();
}

void codegen_on_no_memory(void (*f)(void))
{
	void *user;
	*(void (**)(void)) & user = f;
	if (install_bad_alloc)
		install_bad_alloc(on_failure, user);
	if (install_new)
		install_new();
}
