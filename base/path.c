/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Paths as text: nothing here asks the system. */
#include "base/io.h"
#include <string.h>

const char *path_base(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash ? slash + 1 : path;
}

/* A name that starts with a point has no suffix by that. */
const char *path_suffix(const char *path)
{
	const char *base = path_base(path);
	const char *point = strrchr(base, '.');
	return point && point > base ? point : base + strlen(base);
}

char *path_folder(Arena *arena, const char *path)
{
	size_t n = (size_t)(path_base(path) - path);
	if (n == 0)
		return arena_strdup(arena, ".");
	while (n > 1 && path[n - 1] == '/')
		n--;
	return arena_strndup(arena, path, n);
}

char *path_join(Arena *arena, const char *folder, const char *name)
{
	if (name[0] == '/' || !folder[0] || str_eq(folder, "."))
		return arena_strdup(arena, name);
	return arena_printf(arena, "%s%s%s", folder, str_ends(folder, "/") ? "" : "/", name);
}

char *path_with_suffix(Arena *arena, const char *path, const char *suffix)
{
	int keep = (int)(path_suffix(path) - path);
	return arena_printf(arena, "%.*s%s", keep, path, suffix);
}
