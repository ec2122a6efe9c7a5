/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The hooks of onnx.def, and what they share. */
#ifndef FRONTEND_ONNX_OPS_H
#define FRONTEND_ONNX_OPS_H
#include "frontend/onnx_impl.h"

#define ONNX(domain, name, since, min_in, max_in, max_out, map, target, note) \
	OnnxMap onnx_map_##map;
#define ONNX_NO(domain, name, hint)
#include "frontend/onnx.def"
#undef ONNX
#undef ONNX_NO
#endif
