/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The table of options: see opts.h. */
#include "base/opts.h"
#include "base/str.h"

static const SettingInfo settings[] = {
#define SETTING(key, values, def, when, help) { key, values, def, when, help },
#include "base/settings.def"
#undef SETTING
};
enum { N_SETTINGS = sizeof settings / sizeof *settings };

const SettingInfo *setting_at(int i)
{
	return i < N_SETTINGS ? &settings[i] : NULL;
}

const SettingInfo *setting_find(const char *key)
{
	for (int i = 0; i < N_SETTINGS; i++) {
		const char *row = settings[i].key;
		bool begins = str_ends(row, ".") && str_starts(key, row) && !str_eq(key, row);
		if (begins || (str_eq(key, row) && !str_ends(row, ".")))
			return &settings[i];
	}
	return NULL;
}

const char *setting_nearest(const char *key)
{
	const char *names[N_SETTINGS];
	for (int i = 0; i < N_SETTINGS; i++)
		names[i] = settings[i].key;
	return nearest_name(key, names, N_SETTINGS);
}
