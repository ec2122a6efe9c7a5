/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Which variant of a program this CPU can run. The features are read by CPUID, and vector registers
 * count only when the OS saves them (XCR0), once, in a constructor: the only write to a global in
 * the runtime, before any other code of the artefact runs. A caller that is itself an earlier
 * constructor gets the same answer, computed anew. A program lists for each variant the features it
 * needs as bits of features.def, best variant first, so that choosing is comparing two words. */
#include "runtime/cpu/rt.h"
#if defined(__x86_64__)
#include <cpuid.h>
#endif

enum { LEVEL_MAX = 4 };
typedef enum SavedState { STATE_S, STATE_Y, STATE_Z, STATE_T, STATE_COUNT } SavedState;
typedef enum Reg { REG_a, REG_b, REG_c, REG_d } Reg;

typedef struct Feature {
	char name[20]; /* no pointers: the table needs no relocation */
	uint8_t level, reg, bit, state;
	uint32_t leaf;
} Feature;

static const Feature features[] = {
#define FEATURE(name, level, leaf, reg, bit, state) \
	{ name, level, REG_##reg, bit, STATE_##state, leaf },
#include "runtime/cpu/features.def"
#undef FEATURE
};
enum { FEATURE_COUNT = sizeof(features) / sizeof(features[0]) };
_Static_assert(FEATURE_COUNT < 127, "BurinVariant.need has 128 bits; the last marks `detected`");

static void set_bit(uint64_t word[2], int i)
{
	word[i / 64] |= (uint64_t)1 << (i % 64);
}

static bool same_text(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return *a == *b;
}

#if defined(__x86_64__)
static uint64_t enabled_states(void)
{
	uint32_t a, b, c, d, high;
	if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_OSXSAVE))
		return 0;
	__asm__ volatile("xgetbv" : "=a"(a), "=d"(high) : "c"(0));
	return a | (uint64_t)high << 32;
}

static bool state_saved(uint64_t xcr0, SavedState s)
{
	static const uint64_t mask[STATE_COUNT] = {
		[STATE_S] = 0, [STATE_Y] = 6, [STATE_Z] = 0xe6, [STATE_T] = 0x60000
	};
	return (xcr0 & mask[s]) == mask[s];
}

static uint32_t cpuid_register(uint32_t leaf, Reg reg)
{
	uint32_t r[4] = { 0, 0, 0, 0 };
	bool sub = leaf == 0x70001;
	if (!__get_cpuid_count(sub ? 7 : leaf, sub, &r[0], &r[1], &r[2], &r[3]))
		return 0;
	return r[reg];
}

static void detect(uint64_t have[2])
{
	uint64_t xcr0 = enabled_states();
	have[0] = have[1] = 0;
	for (int i = 0; i < FEATURE_COUNT; i++) {
		const Feature *f = &features[i];
		if (state_saved(xcr0, f->state) && cpuid_register(f->leaf, f->reg) >> f->bit & 1)
			set_bit(have, i);
	}
}
#else
static void detect(uint64_t have[2])
{
	have[0] = have[1] = 0; /* other processors: baseline code only */
}
#endif

static uint64_t detected[2];
static const uint64_t detected_mark = (uint64_t)1 << 63;

/* Others' constructors of default priority come later. */
__attribute__((constructor(101))) static void detect_once(void)
{
	uint64_t have[2];
	detect(have);
	detected[0] = have[0];
	detected[1] = have[1] | detected_mark;
}

void burin_cpu_features(uint64_t have[2])
{
	if (detected[1] & detected_mark) {
		have[0] = detected[0];
		have[1] = detected[1] & ~detected_mark;
	} else {
		detect(have);
	}
}

void burin_cpu_need(uint32_t level, uint64_t need[2])
{
	need[0] = need[1] = 0;
	if (level > LEVEL_MAX)
		return;
	for (int i = 0; i < FEATURE_COUNT; i++)
		if (features[i].level != 0 && features[i].level <= level)
			set_bit(need, i);
}

bool burin_cpu_need_add(const char *llvm_name, uint64_t need[2])
{
	for (int i = 0; i < FEATURE_COUNT; i++) {
		if (same_text(features[i].name, llvm_name)) {
			set_bit(need, i);
			return true;
		}
	}
	return false;
}

bool burin_cpu_has(const uint64_t need[2])
{
	uint64_t have[2];
	burin_cpu_features(have);
	return (need[0] & ~have[0]) == 0 && (need[1] & ~have[1]) == 0;
}

const BurinVariant *burin_rt_variant(const BurinProgram *p)
{
	for (uint32_t i = 0; i < p->n_variant; i++)
		if (burin_cpu_has(p->variant[i].need))
			return &p->variant[i];
	return NULL;
}

int burin_rt_supported(const BurinProgram *p)
{
	return burin_rt_variant(p) ? BURIN_RT_OK : BURIN_RT_CPU;
}
