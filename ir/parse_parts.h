/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Parts that the text forms of graphs and kernels have in common. What returns false has reported
 * E5003 at its place. */
#ifndef IR_PARSE_PARTS_H
#define IR_PARSE_PARTS_H
#include "ir/node.h"
#include "ir/scan.h"

bool parse_type(Scan *s, const Type **out);
/* A number of type t into data[i]. */
bool parse_element(Scan *s, DType t, void *data, int64_t i);
/* {name=value, ...}, or nothing; *given has a bit per field that was there. *data: where a blob
 * stands, which is read when its type is known. */
bool parse_attr(Scan *s, Op op, void *record, uint64_t *given, Scan *data);
bool has_required(Scan *s, Loc at, Op op, uint64_t given);
#endif
