/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The text form of kernels as one table, walked by the printer and by the parser: so they are
 * inverse to each other, and a new kind of statement is a row here. */
#ifndef IR_KERNEL_TEXT_H
#define IR_KERNEL_TEXT_H
#include "ir/kernel.h"

typedef enum StmtItem {
	ITEM_NONE,
	ITEM_AXIS,    /* a1 4, a vector's a1 7 of 8 */
	ITEM_FROM,    /* from %1; left out for 0 */
	ITEM_TO,      /* to %1; left out for the axis's extent */
	ITEM_NEW_VAR, /* v0 f32 [a1 a2] */
	ITEM_VAR,     /* v0 */
	ITEM_PLACE,   /* b0[a0, %1]; b0 for a scalar */
	ITEM_IS,      /* = */
	ITEM_VALUE,   /* %1 */
	ITEM_COND,    /* %1 */
	ITEM_BODY,    /* { ... } */
	ITEM_LANES,   /* a1: an axis that is not opened here */
	ITEM_FACTORS, /* v1, v2, a2, a3, a4: of S_MMA */
	STMT_ITEMS
} StmtItem;

typedef struct StmtForm {
	const char *word; /* NULL: the word of the axis's kind */
	StmtItem item[6];
} StmtForm;
extern const StmtForm stmt_form[STMT_KINDS];
extern const char *const axis_word[AXIS_KINDS];
#endif
