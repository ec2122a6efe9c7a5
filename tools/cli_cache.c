/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* burin cache: the folder of compiled kernels. One that cannot be used is an empty one, with the
 * reason. */
#include "codegen/cache.h"
#include "tools/cli.h"
#include <time.h>

static const char *day_of(Arena *a, int64_t ns)
{
	time_t t = (time_t)(ns / 1000000000);
	struct tm tm;
	gmtime_r(&t, &tm);
	return arena_printf(a, "%04d-%02d-%02d %02d:%02d", tm.tm_year + 1900, tm.tm_mon + 1,
			    tm.tm_mday, tm.tm_hour, tm.tm_min);
}

static int list(Cli *c, Cache *cache)
{
	CacheEntry *e;
	int n = cache_list(cache, c->arena, &e);
	json_key_array(c, "entries");
	for (int i = 0; i < n; i++) {
		cli_print(c, "%.16s  %10s  %s\n", e[i].name, text_bytes(c->arena, e[i].bytes),
			  day_of(c->arena, e[i].used));
		json_put_object(&c->json);
		json_key_text(c, "name", e[i].name);
		json_key_int(c, "bytes", e[i].bytes);
		json_key_text(c, "used", day_of(c->arena, e[i].used));
		json_end(&c->json);
	}
	json_end(&c->json);
	return EXIT_YES;
}

static int size(Cli *c, Cache *cache)
{
	CacheStats s = cache_stats(cache);
	json_key_int(c, "entries", s.entries);
	json_key_int(c, "bytes", s.bytes);
	json_key_int(c, "limit", s.limit);
	cli_print(c, "%lld entries, %s of at most %s\n", (long long)s.entries,
		  text_bytes(c->arena, s.bytes), text_bytes(c->arena, s.limit));
	return EXIT_YES;
}

static int clear(Cli *c, Cache *cache)
{
	int n = cache_clear(cache);
	json_key_int(c, "removed", n);
	cli_print(c, "%d entries removed\n", n);
	return EXIT_YES;
}

static int verify(Cli *c, Cache *cache)
{
	int n = cache_verify(cache);
	json_key_int(c, "removed", n);
	if (n)
		cli_print(c, "%d damaged entries removed; the last: %s\n", n, cache_trouble(cache));
	else
		cli_print(c, "no damage\n");
	return n ? EXIT_NO : EXIT_YES;
}

int verb_cache(Cli *c)
{
	static const struct {
		const char *name;
		int (*run)(Cli *c, Cache *cache);
	} action[] = { { "ls", list }, { "size", size }, { "clear", clear }, { "verify", verify } };
	enum { N = sizeof action / sizeof *action };
	const char *names[N];
	for (int i = 0; i < N; i++) {
		names[i] = action[i].name;
		if (!str_eq(c->arg.at[0], names[i]))
			continue;
		Cache *cache = cache_open(NULL, 0);
		const char *reason = cache_reason(cache);
		json_key_text(c, "path", cache_path(cache));
		json_key_text(c, "unusable", reason);
		cli_print(c, "%s%s%s\n", cache_path(cache), reason ? "  not used: " : "",
			  reason ? reason : "");
		int rc = action[i].run(c, cache);
		cache_close(cache);
		return rc;
	}
	const char *near = nearest_name(c->arg.at[0], names, N);
	return cli_usage(c,
			 near ? arena_printf(c->arena, "did you mean '%s'?", near)
			      : "one of ls, size, clear, verify",
			 "cache: there is no '%.80s'", c->arg.at[0]);
}
