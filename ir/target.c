/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The machines we know by name, and the host by asking its CPUID and its caches. Names of the
 * host's CPU and features for LLVM are left as "native": the code generator fills them in
 * (target_resolve). */
#include "ir/target.h"
#include <cpuid.h>
#include <sched.h>
#include <string.h>
#include <unistd.h>

#define TRIPLE "x86_64-unknown-linux-gnu"

static const Target known[] = {
	{ .name = "test",
	  .cpu = "x86-64-v2",
	  .vector_bytes = 16,
	  .vector_registers = 16,
	  .fma_latency = 4,
	  .fma_per_cycle = 1,
	  .l1_bytes = 16 << 10,
	  .l2_bytes = 128 << 10,
	  .l3_bytes = 1 << 20,
	  .cores = 2 },
	{ .name = "x86-64-v2",
	  .cpu = "x86-64-v2",
	  .vector_bytes = 16,
	  .vector_registers = 16,
	  .fma_latency = 8, /* a product and a sum */
	  .fma_per_cycle = 1,
	  .l1_bytes = 32 << 10,
	  .l2_bytes = 256 << 10,
	  .l3_bytes = 8 << 20,
	  .cores = 4 },
	{ .name = "x86-64-v3",
	  .cpu = "x86-64-v3",
	  .vector_bytes = 32,
	  .vector_registers = 16,
	  .fma = true,
	  .fma_latency = 4,
	  .fma_per_cycle = 2,
	  .l1_bytes = 32 << 10,
	  .l2_bytes = 512 << 10,
	  .l3_bytes = 16 << 20,
	  .cores = 4 },
	{ .name = "x86-64-v4",
	  .cpu = "x86-64-v4",
	  .vector_bytes = 64,
	  .vector_registers = 32,
	  .fma = true,
	  .masked = true,
	  .fma_latency = 4,
	  .fma_per_cycle = 2,
	  .l1_bytes = 32 << 10,
	  .l2_bytes = 1 << 20,
	  .l3_bytes = 32 << 20,
	  .cores = 4 },
	/* blocks of 256 threads; cores are multiprocessors */
	{ .name = "sm_75",
	  .kind = TARGET_CUDA,
	  .arch = 75,
	  .vector_bytes = 1024,
	  .vector_registers = 255,
	  .fma = true,
	  .masked = true,
	  .fma_latency = 4,
	  .fma_per_cycle = 1,
	  .l1_bytes = 64 << 10,
	  .l2_bytes = 4 << 20,
	  .l3_bytes = 4 << 20,
	  .shared_bytes = 48 << 10,
	  .cores = 40 },
	{ .name = "sm_80",
	  .kind = TARGET_CUDA,
	  .arch = 80,
	  .vector_bytes = 1024,
	  .vector_registers = 255,
	  .fma = true,
	  .masked = true,
	  .fma_latency = 4,
	  .fma_per_cycle = 1,
	  .l1_bytes = 192 << 10,
	  .l2_bytes = 40 << 20,
	  .l3_bytes = 40 << 20,
	  .shared_bytes = 48 << 10,
	  .cores = 108 },
	{ .name = "sm_90",
	  .kind = TARGET_CUDA,
	  .arch = 90,
	  .vector_bytes = 1024,
	  .vector_registers = 255,
	  .fma = true,
	  .masked = true,
	  .fma_latency = 4,
	  .fma_per_cycle = 1,
	  .l1_bytes = 256 << 10,
	  .l2_bytes = 50 << 20,
	  .l3_bytes = 50 << 20,
	  .shared_bytes = 48 << 10,
	  .cores = 132 },
};

typedef struct Cpuid {
	unsigned a, b, c, d;
} Cpuid;

static Cpuid cpuid(unsigned leaf)
{
	Cpuid r = { 0 };
	if (!__get_cpuid_count(leaf, 0, &r.a, &r.b, &r.c, &r.d))
		r = (Cpuid){ 0 };
	return r;
}

/* Registers whose contents the operating system saves: bits 1, 2 SSE and AVX, 5 to 7 AVX-512. */
static unsigned saved_state(void)
{
	unsigned low, high;
	if (!(cpuid(1).c & bit_OSXSAVE))
		return 0;
	__asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
	return low;
}

static const char *host_level(void)
{
	const unsigned v3_c = bit_FMA | bit_MOVBE | bit_AVX | bit_F16C;
	const unsigned v3_b = bit_AVX2 | bit_BMI | bit_BMI2;
	const unsigned v4_b =
		bit_AVX512F | bit_AVX512DQ | bit_AVX512CD | bit_AVX512BW | bit_AVX512VL;
	unsigned c = cpuid(1).c, b = cpuid(7).b, state = saved_state();
	bool v3 = (c & v3_c) == v3_c && (b & v3_b) == v3_b && (state & 6) == 6;
	if (v3 && (b & v4_b) == v4_b && (state & 0xe6) == 0xe6)
		return "x86-64-v4";
	return v3 ? "x86-64-v3" : "x86-64-v2";
}

/* Zen 4 executes one 512-bit multiply-add a cycle, as do Intel's cores of one unit; the others two.
 */
static int host_fma_per_cycle(int vector_bytes)
{
	unsigned a = cpuid(1).a, family = a >> 8 & 15;
	Cpuid vendor = cpuid(0);
	if (family == 15)
		family += a >> 20 & 255;
	bool amd = vendor.b == signature_AMD_ebx;
	return amd && family < 0x1a && vector_bytes == 64 ? 1 : 2;
}

static void host_size(int name, int64_t *bytes)
{
	long n = sysconf(name);
	if (n > 0)
		*bytes = n;
}

static int host_cores(void)
{
	cpu_set_t set;
	if (sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) > 0)
		return CPU_COUNT(&set);
	long n = sysconf(_SC_NPROCESSORS_ONLN);
	return n > 0 ? (int)n : 1;
}

static bool find_native(Target *out)
{
	if (!target_find(host_level(), out))
		return false;
	out->name = out->cpu = out->features = "native";
	out->fma_per_cycle = host_fma_per_cycle(out->vector_bytes);
	host_size(_SC_LEVEL1_DCACHE_SIZE, &out->l1_bytes);
	host_size(_SC_LEVEL2_CACHE_SIZE, &out->l2_bytes);
	host_size(_SC_LEVEL3_CACHE_SIZE, &out->l3_bytes);
	out->cores = host_cores();
	return true;
}

bool target_find(const char *name, Target *out)
{
	if (strcmp(name, "native") == 0)
		return find_native(out);
	for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
		if (strcmp(name, known[i].name) != 0)
			continue;
		*out = known[i];
		out->triple = TRIPLE;
		out->features = "";
		return true;
	}
	return false;
}
