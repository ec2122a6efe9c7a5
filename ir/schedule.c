/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The schedules of <training>. Decays by epochs are those of PyTorch's StepLR and ExponentialLR;
 * cosine and cycle run smoothly through the steps (CosineAnnealingLR and CyclicLR's triangle,
 * called after each batch). Warmup is a ramp that multiplies: at its last step it is 1. */
#include "ir/schedule.h"
#include "ir/node.h"
#include <math.h>

const char *const schedule_name[SCHEDULE_COUNT] = {
	[SCHEDULE_constant] = "constant",       [SCHEDULE_step] = "step",
	[SCHEDULE_exponential] = "exponential", [SCHEDULE_inverse] = "inverse",
	[SCHEDULE_cosine] = "cosine",           [SCHEDULE_cyclic] = "cyclic",
};

bool schedule_find(const char *name, Schedule *out)
{
	for (int i = 0; i < SCHEDULE_COUNT; i++)
		if (str_eq(schedule_name[i], name)) {
			*out = (Schedule)i;
			return true;
		}
	return false;
}

static double cosine(const Attr_training *t, double rate, int64_t step, int64_t period)
{
	double part = (double)(step % period) / (double)period;
	return t->least_rate + (rate - t->least_rate) * (1 + cos(M_PI * part)) / 2;
}

/* Up in the first half of a cycle, down in the second. */
static double triangle(const Attr_training *t, double rate, int64_t step, int64_t period)
{
	double part = (double)(step % period) / (double)period;
	return t->least_rate + (rate - t->least_rate) * (1 - fabs(2 * part - 1));
}

double schedule_rate(const Attr_training *t, double rate, int64_t step, ScheduleSpan span)
{
	Schedule s = SCHEDULE_constant;
	int64_t epoch = step / span.steps_per_epoch, period = t->period ? t->period : span.epochs;
	int64_t period_steps = period * span.steps_per_epoch;
	double epochs = (double)step / (double)span.steps_per_epoch;
	double warmup = t->warmup * (double)span.steps_per_epoch, y = rate;
	schedule_find(t->schedule, &s);
	switch (s) {
	case SCHEDULE_constant: break;
	case SCHEDULE_step: y = rate * pow(t->gamma, (double)(epoch / period)); break;
	case SCHEDULE_exponential: y = rate * pow(t->gamma, (double)epoch); break;
	case SCHEDULE_inverse: y = rate / (1 + t->gamma * epochs); break;
	case SCHEDULE_cosine: y = cosine(t, rate, step, period_steps); break;
	case SCHEDULE_cyclic: y = triangle(t, rate, step, period_steps); break;
	}
	return (double)step + 1 < warmup ? y * (double)(step + 1) / warmup : y;
}
