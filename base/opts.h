/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Options as names and values: what burin_opts_set collects and --set gives. Each folder reads the
 * names it knows. */
#ifndef BASE_OPTS_H
#define BASE_OPTS_H
#include "include/burin.h"

/* The last value set, or NULL. o may be NULL. */
const char *opts_get(const burin_opts *o, const char *key);
int opts_count(const burin_opts *o);
void opts_at(const burin_opts *o, int i, const char **key, const char **value);
#endif
