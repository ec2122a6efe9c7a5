/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Learning rates against PyTorch's schedulers (torch.optim.lr_scheduler, version 2): lr 0.1, two
 * steps an epoch, five epochs. */
#include "ir/schedule.h"
#include "ir/context.h"
#include "tests/unit/check.h"
#include <math.h>

enum { STEPS = 10 };
static const ScheduleSpan span = { .steps_per_epoch = 2, .epochs = 5 };

static void check(const Attr_training *t, const double wanted[STEPS])
{
	for (int i = 0; i < STEPS; i++)
		if (fabs(schedule_rate(t, 0.1, i, span) - wanted[i]) > 1e-12)
			fail_msg("%s, step %d: %.17g, not %.17g", t->schedule, i,
				 schedule_rate(t, 0.1, i, span), wanted[i]);
}

static void constant_stays(void **state)
{
	(void)state;
	Attr_training t = { .schedule = "constant", .gamma = 0.5, .period = 1 };
	static const double rate[STEPS] = { 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1 };
	check(&t, rate);
}

static void step_is_StepLR(void **state)
{
	(void)state;
	Attr_training t = { .schedule = "step", .gamma = 0.5, .period = 2 };
	static const double rate[STEPS] = {
		0.1, 0.1, 0.1, 0.1, 0.05, 0.05, 0.05, 0.05, 0.025, 0.025
	};
	check(&t, rate);
}

static void exponential_is_ExponentialLR(void **state)
{
	(void)state;
	Attr_training t = { .schedule = "exponential", .gamma = 0.8, .period = 2 };
	static const double rate[STEPS] = { 0.1,   0.1,    0.08,   0.08,    0.064,
					    0.064, 0.0512, 0.0512, 0.04096, 0.04096 };
	check(&t, rate);
}

static void inverse_decays_with_time(void **state)
{
	(void)state;
	Attr_training t = { .schedule = "inverse", .gamma = 2 };
	double rate[STEPS];
	for (int i = 0; i < STEPS; i++)
		rate[i] = 0.1 / (1 + 2 * (i / 2.0));
	check(&t, rate);
}

static void cosine_is_CosineAnnealingLR(void **state)
{
	(void)state;
	Attr_training t = { .schedule = "cosine", .least_rate = 0.01 };
	static const double rate[STEPS] = { 0.1,
					    0.09779754323328192,
					    0.09140576474687263,
					    0.08145033635316129,
					    0.06890576474687264,
					    0.05500000000000001,
					    0.04109423525312737,
					    0.028549663646838717,
					    0.01859423525312737,
					    0.012202456766718092 };
	check(&t, rate);
}

static void cosine_restarts(void **state)
{
	(void)state;
	Attr_training t = { .schedule = "cosine", .least_rate = 0.01, .period = 2 };
	static const double rate[STEPS] = { 0.1, 0.08681980515339464, 0.055, 0.023180194846605363,
					    0.1, 0.08681980515339464, 0.055, 0.023180194846605363,
					    0.1, 0.08681980515339464 };
	check(&t, rate);
}

static void cyclic_is_CyclicLR(void **state)
{
	(void)state;
	Attr_training t = { .schedule = "cyclic", .least_rate = 0.01, .period = 2 };
	static const double rate[STEPS] = { 0.01,  0.055, 0.1,   0.055, 0.01,
					    0.055, 0.1,   0.055, 0.01,  0.055 };
	check(&t, rate);
}

static void warmup_is_LinearLR(void **state)
{
	(void)state;
	Attr_training t = { .schedule = "constant", .warmup = 2 };
	static const double rate[STEPS] = { 0.025, 0.05, 0.075, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1 };
	check(&t, rate);
}

/* Warmup goes with any schedule: it multiplies. */
static void warmup_joins_a_cosine(void **state)
{
	(void)state;
	Attr_training t = { .schedule = "cosine", .warmup = 2 }, bare = { .schedule = "cosine" };
	for (int i = 0; i < STEPS; i++) {
		double ramp = i < 3 ? (i + 1) / 4.0 : 1;
		assert_true(fabs(schedule_rate(&t, 0.1, i, span) -
				 ramp * schedule_rate(&bare, 0.1, i, span)) < 1e-15);
	}
}

static void names_are_found(void **state)
{
	(void)state;
	Schedule s;
	for (int i = 0; i < SCHEDULE_COUNT; i++) {
		assert_true(schedule_find(schedule_name[i], &s));
		assert_int_equal(s, i);
	}
	assert_false(schedule_find("cosinus", &s));
}

int main(void)
{
#define TEST(f) cmocka_unit_test(f)
	const struct CMUnitTest tests[] = {
		TEST(constant_stays),
		TEST(step_is_StepLR),
		TEST(exponential_is_ExponentialLR),
		TEST(inverse_decays_with_time),
		TEST(cosine_is_CosineAnnealingLR),
		TEST(cosine_restarts),
		TEST(cyclic_is_CyclicLR),
		TEST(warmup_is_LinearLR),
		TEST(warmup_joins_a_cosine),
		TEST(names_are_found),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
