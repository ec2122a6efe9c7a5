/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Pass options from names and values: passes.NAME = on | off, target.cpu = NAME, cuda.precision =
 * f32 | bf16, verify-passes = on. */
#ifndef PASSES_SETTINGS_H
#define PASSES_SETTINGS_H
#include "base/opts.h"
#include "passes/pass.h"
/* False: a diagnostic in c->diag. */
bool settings_read(Context *c, const burin_opts *o, PassOptions *out);
/* on or off, yes or no; *out stays when the option is not set. False: the same. */
bool settings_switch(Context *c, const burin_opts *o, const char *key, bool *out);
#endif
