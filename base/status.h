/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Errors of the public interface, as each folder that has a part of it reports them; runtime/error.c
 * fills them. */
#ifndef BASE_STATUS_H
#define BASE_STATUS_H
#include "include/burin.h"

/* Fills err, which may be NULL; returns s. */
burin_status rt_fail(burin_error *err, burin_status s, uint32_t code, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
void rt_hint(burin_error *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
#endif
