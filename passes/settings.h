/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Pass options from names and values: passes.NAME = on | off, target.cpu = NAME, cuda.precision =
 * f32 | bf16, verify-passes = on. */
#ifndef PASSES_SETTINGS_H
#define PASSES_SETTINGS_H
#include "base/opts.h"
#include "passes/pass.h"
/* False: a diagnostic in c->diag. */
bool settings_read(Context *c, const burin_opts *o, PassOptions *out);
#endif
