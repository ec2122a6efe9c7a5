/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Learning rates over time: a pure function of the position, so that a stopped training goes on
 * exactly as it would have. */
#ifndef IR_SCHEDULE_H
#define IR_SCHEDULE_H
#include "ir/op.h"

typedef enum Schedule {
	SCHEDULE_constant,
	SCHEDULE_step,        /* rate gamma^floor(epoch / period) */
	SCHEDULE_exponential, /* rate gamma^epoch */
	SCHEDULE_inverse,     /* rate / (1 + gamma epoch) */
	SCHEDULE_cosine,      /* from rate to least_rate over a period, then again */
	SCHEDULE_cyclic       /* least_rate up to rate and back, over a period */
} Schedule;
enum { SCHEDULE_COUNT = SCHEDULE_cyclic + 1 };
extern const char *const schedule_name[SCHEDULE_COUNT];
bool schedule_find(const char *name, Schedule *out);

typedef struct ScheduleSpan {
	int64_t steps_per_epoch; /* at least 1 */
	int64_t epochs;          /* of the whole training */
} ScheduleSpan;
/* The rate of step number `step`, counted from 0, where `rate` is the optimiser's lr. `step` and
 * `exponential` decay once an epoch, all others at each step. Through the first `warmup` epochs the
 * rate rises from nearly 0 to what the schedule says for the same step. */
double schedule_rate(const Attr_training *t, double rate, int64_t step, ScheduleSpan span);
#endif
