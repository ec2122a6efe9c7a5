/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Gradients of a case's graph. Its loss is the sum of the results, each element times a weight of
 * its own; the weights are inputs of the graph, behind its own. */
#ifndef TESTS_CONFORM_GRADIENT_H
#define TESTS_CONFORM_GRADIENT_H
#include "tests/conform/conform.h"

typedef struct GradCase {
	Case *c;
	bool plain;             /* the weights are 1: the loss is the sum of the results */
	Graph *forward;         /* the case's graph in core operators */
	int n_in;               /* its inputs */
	Node *grad[CASE_PORTS]; /* by input; NULL: the loss does not depend on it */
	bool wanted[CASE_PORTS];
	int checked; /* differences compared */
} GradCase;

/* Makes the gradients of all float inputs the results of the case's graph; those that the loss
 * does not depend on are left out. False: a report was made. */
bool case_differentiate(GradCase *g);
/* Evaluated in double precision, the gradients agree with central differences of the graph's own
 * evaluation: of single elements, and of all elements together in a random direction. Where
 * one-sided differences disagree, a kink is near and the place is left out. */
bool case_check_differences(GradCase *g);
#endif
