/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The reader of kernels in two parts: names and values (kernel_parse_value.c), statements and head
 * (kernel_parse.c). What returns false has reported E5003 or what its part reports. */
#ifndef IR_KERNEL_PARSE_IMPL_H
#define IR_KERNEL_PARSE_IMPL_H
#include "base/map.h"
#include "ir/kbuilder_impl.h"
#include "ir/kernel_text.h"
#include "ir/parse_parts.h"

typedef struct BufLine {
	Loc loc;
	int64_t number, position;
	Buf buf; /* with the flags as written */
} BufLine;

typedef struct Parser {
	Scan *t;
	KBuilder *kb;
	Kernel *k;
	Map *axis, *var, *buf, *value; /* by the number in the text, plus 1 */
	VEC(BufLine) line;
	VEC(Loc) axis_loc;  /* by axis: where it was met first */
	VEC(int64_t) named; /* numbers of values, to forget at the end of a body */
	VEC(int) nesting;   /* by node: how deep its expression is */
	uint64_t open;      /* axes of the loops around */
	AxisKind kind;      /* of the loop under way */
	int depth;          /* of bodies */
} Parser;

bool kp_fault(Parser *p, const char *expected); /* "... is expected, not ..." */
bool kp_read_integer(Parser *p, const char *what, int64_t *out);
bool kp_read_count(Parser *p, const char *what, int64_t *out);             /* 0 to 2^40 */
bool kp_read_name(Parser *p, char letter, const char *what, int64_t *out); /* a12: 12 */
bool kp_read_word_is(Parser *p, const char *word);
bool kp_read_dtype(Parser *p, DType *out);
/* Numbers of the text to indices of the kernel; -1 when there is none. */
int kp_look_up(const Map *m, int64_t number);
void kp_enter(Map *m, int64_t number, int index);

bool kp_read_axis(Parser *p, int *out);
bool kp_read_operand(Parser *p, Node **out);
/* A variable that is declared; *out is its node. */
bool kp_read_named(Parser *p, const Map *m, char letter, const char *what, Node **out);
/* b0[a0, %1]; b0 for a scalar */
bool kp_read_place(Parser *p, int *buf, Node **at);
bool kp_read_value(Parser *p); /* %3 = add %1, %2 : f32 */
bool kp_make(Parser *p, Loc loc, Op op, Attr attr, DType type, Node *const *in, int n_in,
	     Node **out);
Attr kp_index_attr(Parser *p, int index);
#endif
