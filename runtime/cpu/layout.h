/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* How a workspace is divided: base pointers, header, buffers of the plan, scratch of each thread.
 * Used by the runtime and by the writer of headers, which states the size. */
#ifndef RUNTIME_CPU_LAYOUT_H
#define RUNTIME_CPU_LAYOUT_H
#include "runtime/artifact.h"

static inline int64_t layout_round(int64_t bytes)
{
	return (bytes + 63) & ~(int64_t)63;
}

static inline int64_t layout_head_bytes(int64_t n_ports)
{
	return layout_round((n_ports + 2) * 8) + BURIN_HEADER_BYTES;
}

static inline int64_t layout_work_bytes(int64_t work)
{
	return layout_round(work);
}

/* An odd number of lines, so that the scratch of two threads never starts at the same place of a
 * page. */
static inline int64_t layout_scratch_stride(int64_t scratch)
{
	return scratch > 0 ? layout_round(scratch) | 64 : 0;
}

static inline int64_t layout_bytes(int64_t n_ports, int64_t work, int64_t scratch, int64_t slots)
{
	return layout_head_bytes(n_ports) + layout_work_bytes(work) +
	       slots * layout_scratch_stride(scratch);
}
#endif
