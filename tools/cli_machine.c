/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* See cli_machine.h. Everything is read from /proc and /sys; what is missing there is left out. */
#include "tools/cli_machine.h"
#include "codegen/codegen.h"
#include "runtime/cpu/rt.h"
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

const char *system_text(Arena *a, const char *path)
{
	char line[512];
	FILE *f = fopen(path, "re");
	const char *got = f ? fgets(line, sizeof line, f) : NULL;
	if (f)
		fclose(f);
	if (!got)
		return NULL;
	line[strcspn(line, "\n")] = 0;
	return arena_strdup(a, line);
}

const char *cpu_name(Arena *a)
{
	char line[512];
	const char *name = "unknown";
	FILE *f = fopen("/proc/cpuinfo", "re");
	while (f && fgets(line, sizeof line, f)) {
		char *colon = strchr(line, ':');
		if (!str_starts(line, "model name") || !colon)
			continue;
		line[strcspn(line, "\n")] = 0;
		name = arena_strdup(a, colon + 2);
		break;
	}
	if (f)
		fclose(f);
	return name;
}

const char *cpu_list(Arena *a, const cpu_set_t *set)
{
	Str s;
	str_init(&s, a);
	for (int i = 0; i < CPU_SETSIZE; i++) {
		int last = i;
		if (!CPU_ISSET(i, set))
			continue;
		while (last + 1 < CPU_SETSIZE && CPU_ISSET(last + 1, set))
			last++;
		str_fmt(&s, last > i ? "%s%d-%d" : "%s%d", s.n ? "," : "", i, last);
		i = last;
	}
	return str_text(&s);
}

int threads_wanted(const Cli *c)
{
	const char *text = opts_get(c->opts, "threads");
	int64_t n = 0;
	if (text)
		parse_i64(text, strlen(text), &n);
	return burin_rt_threads((int)n);
}

static const char *governor(Arena *a, int cpu)
{
	return system_text(
		a, arena_printf(a, "/sys/devices/system/cpu/cpu%d/cpufreq/scaling_governor", cpu));
}

/* "1", "0" or NULL; Intel's driver tells the opposite. */
static const char *turbo(Arena *a)
{
	const char *off = system_text(a, "/sys/devices/system/cpu/intel_pstate/no_turbo");
	if (off)
		return str_eq(off, "0") ? "1" : "0";
	return system_text(a, "/sys/devices/system/cpu/cpufreq/boost");
}

static void put_known(Cli *c, const char *key, const char *value)
{
	if (value)
		json_key_text(c, key, value);
}

static void put_switch(Cli *c, const char *key, const char *value)
{
	if (value)
		json_key_bool(c, key, str_eq(value, "1"));
}

void environment_json(Cli *c)
{
	Arena *a = c->arena;
	cpu_set_t set;
	struct utsname u;
	CPU_ZERO(&set);
	sched_getaffinity(0, sizeof set, &set);
	json_key_object(c, "env");
	json_key_text(c, "cpu", cpu_name(a));
	json_key_array(c, "cpus");
	for (int i = 0; i < CPU_SETSIZE; i++)
		if (CPU_ISSET(i, &set))
			json_put_int(&c->json, i);
	json_end(&c->json);
	json_key_int(c, "threads", threads_wanted(c));
	json_key_object(c, "governor");
	for (int i = 0; i < CPU_SETSIZE; i++)
		if (CPU_ISSET(i, &set))
			put_known(c, arena_printf(a, "%d", i), governor(a, i));
	json_end(&c->json);
	put_switch(c, "turbo", turbo(a));
	put_switch(c, "smt", system_text(a, "/sys/devices/system/cpu/smt/active"));
	put_known(c, "transparent_hugepages",
		  system_text(a, "/sys/kernel/mm/transparent_hugepage/enabled"));
	put_known(c, "load", system_text(a, "/proc/loadavg"));
	if (uname(&u) == 0)
		json_key_text(c, "kernel", arena_strdup(a, u.release));
	json_key_text(c, "codegen", codegen_version());
	json_end(&c->json);
}

static double load(Cli *c)
{
	const char *text = system_text(c->arena, "/proc/loadavg");
	double v = 0;
	return text && parse_f64(text, strcspn(text, " "), &v) ? v : 0;
}

bool machine_is_busy(Cli *c)
{
	return load(c) > 0.5;
}

void environment_warnings(Cli *c)
{
	Arena *a = c->arena;
	cpu_set_t set;
	int odd = 0;
	const char *what = NULL;
	CPU_ZERO(&set);
	sched_getaffinity(0, sizeof set, &set);
	for (int i = 0; i < CPU_SETSIZE; i++) {
		const char *g = CPU_ISSET(i, &set) ? governor(a, i) : NULL;
		if (g && !str_eq(g, "performance")) {
			odd++;
			what = g;
		}
	}
	if (odd)
		cli_warning(c, "governor of %d of %d CPUs is '%s', not 'performance'", odd,
			    CPU_COUNT(&set), what);
	if (machine_is_busy(c))
		cli_warning(c, "the machine is busy (load %.1f): times may be disturbed", load(c));
}
