/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Between the parts of help. */
#ifndef TOOLS_CLI_HELP_H
#define TOOLS_CLI_HELP_H
#include "tools/cli.h"

/* NULL, or what to do instead of this key of --set. */
const char *setting_error(Arena *a, const char *key);
extern const char *const exit_codes;

void man_write(Str *out);
bool completion_write(Str *out, const char *shell);
/* Text cut into lines of at most `width` columns behind `indent` blanks; the first is not indented
 * by itself. */
void add_wrapped(Str *out, const char *text, int indent, int width);
/* Lines of a verb's text: the examples behind "$ ", one after the other; NULL behind the last. */
const char *verb_prose(Arena *a, VerbId v);
const char *verb_example(Arena *a, VerbId v, int i);
/* "--json[=FILE]", "-o FILE, --out FILE" */
const char *option_synopsis(Arena *a, OptId o);
bool option_is_for(OptId o, VerbId v);
bool option_is_common(OptId o);
#endif
