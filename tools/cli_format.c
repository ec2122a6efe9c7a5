/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Numbers for people. */
#include "tools/cli.h"
#include <math.h>
#include <time.h>

int64_t now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* Four digits, of which those behind the point depend on the size. */
static const char *with_unit(Arena *a, double v, const char *unit)
{
	int digits = v >= 100 ? 0 : v >= 10 ? 1 : 2;
	return arena_printf(a, "%.*f %s", digits, v, unit);
}

const char *text_time(Arena *a, double seconds)
{
	double v = fabs(seconds);
	if (v >= 1)
		return arena_printf(a, v >= 100 ? "%.0f s" : "%.2f s", seconds);
	if (v >= 1e-3)
		return arena_printf(a,
				    v >= 0.1    ? "%.1f ms"
				    : v >= 0.01 ? "%.2f ms"
						: "%.3f ms",
				    seconds * 1e3);
	if (v >= 1e-6)
		return arena_printf(a, "%.1f µs", seconds * 1e6);
	return arena_printf(a, "%.0f ns", seconds * 1e9);
}

const char *text_bytes(Arena *a, int64_t bytes)
{
	static const char *const unit[] = { "KiB", "MiB", "GiB", "TiB" };
	double v = (double)bytes / 1024;
	int i = 0;
	if (bytes < 1024)
		return arena_printf(a, "%lld B", (long long)bytes);
	for (; v >= 1024 && i < 3; i++)
		v /= 1024;
	return with_unit(a, v, unit[i]);
}

const char *text_count(Arena *a, double n)
{
	static const char *const unit[] = { "k", "M", "G", "T" };
	double v = n / 1000;
	int i = 0;
	if (n < 1000)
		return arena_printf(a, "%.0f", n);
	for (; v >= 1000 && i < 3; i++)
		v /= 1000;
	return with_unit(a, v, unit[i]);
}

const char *text_flop(Arena *a, double n)
{
	return arena_printf(a, n < 1000 ? "%s FLOP" : "%sFLOP", text_count(a, n));
}

const char *text_shape(Arena *a, int rank, const int64_t *dim)
{
	Str s;
	str_init(&s, a);
	if (rank == 0)
		return "scalar";
	for (int i = 0; i < rank; i++) {
		str_add(&s, i ? "x" : "");
		if (dim[i] < 0)
			str_add(&s, "N");
		else
			str_fmt(&s, "%lld", (long long)dim[i]);
	}
	return str_text(&s);
}
