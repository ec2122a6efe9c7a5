/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Options as names and values: what burin_opts_set collects and --set gives. Each folder reads the
 * names it knows; all of them are rows of settings.def. */
#ifndef BASE_OPTS_H
#define BASE_OPTS_H
#include "include/burin.h"
#include <stdbool.h>

/* The last value set, or NULL. o may be NULL. Who asks for an option means to act by it: that it was
 * asked for is remembered, so that the command can refuse what had no effect. */
const char *opts_get(const burin_opts *o, const char *key);
/* To search for keys that begin with a prefix; what is found is then asked for by opts_get. */
int opts_count(const burin_opts *o);
void opts_at(const burin_opts *o, int i, const char **key, const char **value);
/* Whether opts_get was asked for this option since it was set. */
bool opts_was_read(const burin_opts *o, const char *key);

/* A row of settings.def. */
typedef struct SettingInfo {
	const char *key, *values, *def, *when, *help;
} SettingInfo;
const SettingInfo *setting_at(int i);             /* NULL: behind the last */
const SettingInfo *setting_find(const char *key); /* NULL: unknown */
const char *setting_nearest(const char *key);     /* the known key most like this one, or NULL */
#endif
