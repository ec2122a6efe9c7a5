/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* burin doctor: what is here, what is missing, what disturbs. */
#include "tools/cli_machine.h"
#include "codegen/artifact/artifact.h"
#include "codegen/cache.h"
#include "codegen/cuda/nvrtc.h"
#include "runtime/cpu/rt.h"
#include "runtime/cuda/driver.h"
#include <unistd.h>

static void fact(Cli *c, const char *key, const char *title, const char *value)
{
	json_key_text(c, key, value);
	cli_print(c, "%-12s %s\n", title, value ? value : "not found");
}

static void report_cpu(Cli *c)
{
	Arena *a = c->arena;
	Target host, full;
	cpu_set_t set;
	CPU_ZERO(&set);
	sched_getaffinity(0, sizeof set, &set);
	target_find("native", &host);
	full = target_resolve(a, &host);
	fact(c, "cpu", "CPU", cpu_name(a));
	fact(c, "llvm_cpu", "LLVM name", full.cpu);
	json_key_text(c, "features", full.features);
	fact(c, "vector", "vectors",
	     arena_printf(a, "%d bit, %d registers%s%s", host.vector_bytes * 8,
			  host.vector_registers, host.fma ? ", fused multiply-add" : "",
			  host.masked ? ", masks" : ""));
	fact(c, "caches", "caches",
	     arena_printf(a, "L1 %s, L2 %s, L3 %s", text_bytes(a, host.l1_bytes),
			  text_bytes(a, host.l2_bytes), text_bytes(a, host.l3_bytes)));
	fact(c, "cpus_allowed", "CPUs allowed", cpu_list(a, &set));
	json_key_int(c, "threads", burin_rt_threads(0));
	cli_print(c, "%-12s %d by default\n", "threads", burin_rt_threads(0));
}

static void report_memory(Cli *c)
{
	int64_t page = sysconf(_SC_PAGESIZE), pages = sysconf(_SC_PHYS_PAGES);
	const char *huge = system_text(c->arena, "/sys/kernel/mm/transparent_hugepage/enabled");
	json_key_int(c, "memory_bytes", page * pages);
	cli_print(c, "%-12s %s\n", "memory", text_bytes(c->arena, page * pages));
	fact(c, "transparent_hugepages", "huge pages", huge);
}

static bool report_tools(Cli *c)
{
	const char *wanted = opt_text(c, OPT_linker);
	const char *linker = artifact_linker(c->arena, wanted);
	Cache *cache = cache_open(NULL, 0);
	const char *reason = cache_reason(cache);
	fact(c, "codegen", "code", codegen_version());
	json_key_text(c, "linker", linker);
	cli_print(c, "%-12s %s\n", "linker",
		  linker ? linker : "none: .so cannot be written (Debian: apt-get install lld-19)");
	json_key_text(c, "cache", cache_path(cache));
	json_key_text(c, "cache_unusable", reason);
	cli_print(c, "%-12s %s%s%s\n", "cache", cache_path(cache), reason ? "  not used: " : "",
		  reason ? reason : "");
	cache_close(cache);
	return linker != NULL;
}

static const char *first_gpu(Arena *a, const CudaDriver *d)
{
	char name[128] = "";
	CudaDevice device;
	int n = 0, version = 0, major = 0, minor = 0;
	if (d->driver_version(&version) != 0 || d->device_count(&n) != 0 || n == 0 ||
	    d->device_get(&device, 0) != 0 ||
	    d->device_name(name, (int)sizeof name - 1, device) != 0 ||
	    d->device_attribute(&major, CUDA_COMPUTE_MAJOR, device) != 0 ||
	    d->device_attribute(&minor, CUDA_COMPUTE_MINOR, device) != 0)
		return "a driver, but no device";
	return arena_printf(a, "%d, the first: %s, sm_%d%d; driver of CUDA %d.%d", n, name, major,
			    minor, version / 1000, version % 1000 / 10);
}

/* What is missing here is no fault: only --device cuda needs it. */
static void report_gpu(Cli *c)
{
	CudaDriver d;
	CudaError e = { 0 };
	const char *version;
	bool ignored, found = nvrtc_found(c->arena, 90, &version, &ignored);
	json_key_text(c, "nvrtc", found ? version : NULL);
	cli_print(c, "%-12s %s%s\n", "GPU code", found ? "" : "none: ", version);
	bool open = cuda_driver_open(&d, &e);
	const char *gpu = open ? first_gpu(c->arena, &d) : NULL;
	json_key_text(c, "gpu", gpu);
	cli_print(c, "%-12s %s%s\n", "GPUs", open ? "" : "none: ", open ? gpu : e.text);
	if (open)
		cuda_driver_close(&d);
}

static void report_peaks(Cli *c)
{
	Peaks p;
	if (opt_given(c, OPT_calibrate)) {
		p = peaks_measure(c);
		if (!peaks_store(c, &p))
			cli_warning(c, "the measurement could not be kept in the cache folder");
	} else if (!peaks_load(c, &p)) {
		cli_print(c, "%-12s not measured yet: burin doctor --calibrate\n", "peak");
		return;
	}
	json_key_real(c, "fma_gflops_1t", p.fma.one);
	json_key_real(c, "fma_gflops_all", p.fma.all);
	json_key_real(c, "read_gb_per_s_1t", p.read[LEVEL_MEMORY].one);
	json_key_real(c, "read_gb_per_s", p.read[LEVEL_MEMORY].all);
	json_key_real(c, "l3_gb_per_s", p.read[LEVEL_L3].all);
	json_key_real(c, "l2_gb_per_s", p.read[LEVEL_L2].all);
	cli_print(c, "%-12s %.0f GFLOP/s on one thread, %.0f on %d\n", "peak", p.fma.one, p.fma.all,
		  p.threads);
	cli_print(c, "%-12s %.1f GB/s read by one thread, %.1f by %d; %.0f from L3, %.0f from L2\n",
		  "bandwidth", p.read[LEVEL_MEMORY].one, p.read[LEVEL_MEMORY].all, p.threads,
		  p.read[LEVEL_L3].all, p.read[LEVEL_L2].all);
}

int verb_doctor(Cli *c)
{
	report_cpu(c);
	report_memory(c);
	bool complete = report_tools(c);
	report_gpu(c);
	report_peaks(c);
	environment_json(c);
	environment_warnings(c);
	return complete ? EXIT_YES : EXIT_ENVIRONMENT;
}
