/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The messages of an ONNX file that Burin reads, decoded into an arena. Texts are copied (they need
 * an end), data stays in the file's bytes. A graph inside an attribute stays bytes until somebody
 * asks for it. */
#ifndef FRONTEND_ONNX_PROTO_H
#define FRONTEND_ONNX_PROTO_H
#include "base/io.h"
#include "base/vec.h"
#include "frontend/protobuf.h"
#include "ir/context.h"

/* The whole file. Its large tensors are mapped, so that they are in memory only while used. */
IoMap *onnx_open(const char *path, IoError *e);

/* TensorProto.DataType; the others are not read. */
enum {
	ONNX_FLOAT = 1,
	ONNX_UINT8 = 2,
	ONNX_INT8 = 3,
	ONNX_INT16 = 5,
	ONNX_INT32 = 6,
	ONNX_INT64 = 7,
	ONNX_BOOL = 9,
	ONNX_FLOAT16 = 10,
	ONNX_DOUBLE = 11,
	ONNX_BFLOAT16 = 16
};

typedef enum OnnxAttrKind {
	OA_none,
	OA_float = 1,
	OA_int = 2,
	OA_text = 3,
	OA_tensor = 4,
	OA_graph = 5,
	OA_floats = 6,
	OA_ints = 7,
	OA_texts = 8,
	OA_other /* lists of tensors or graphs, sparse tensors, types */
} OnnxAttrKind;

typedef struct OnnxAttr {
	const char *name;
	const char
		*ref; /* in a function: the attribute of the call that gives the value, or NULL */
	OnnxAttrKind kind;
	double f;
	int64_t i;
	const char *text;
	PbBytes message; /* tensor or graph */
	VEC(int64_t) ints;
	VEC(double) floats;
	VEC(const char *) texts;
} OnnxAttr;

typedef struct OnnxNode {
	const char *name, *op, *domain, *overload; /* "" when not given */
	VEC(const char *) in, out;                 /* "": left out */
	VEC(OnnxAttr) attr;
} OnnxNode;

typedef struct OnnxEntry {
	const char *key, *value;
} OnnxEntry;

typedef struct OnnxTensor {
	const char *name;
	int type; /* TensorProto.DataType */
	VEC(int64_t) dim;
	PbBytes message; /* the whole tensor, for the typed fields */
	PbBytes raw;
	bool has_raw, has_typed, is_external;
	VEC(OnnxEntry) external;
} OnnxTensor;

typedef struct OnnxDim {
	bool known;
	int64_t size;
	const char *symbol; /* or NULL */
} OnnxDim;

typedef struct OnnxValueInfo {
	const char *name;
	bool is_tensor, has_shape; /* is_tensor: no sequence, map, optional or sparse tensor */
	int type;
	VEC(OnnxDim) dim;
} OnnxValueInfo;

typedef struct OnnxGraph {
	const char *name;
	VEC(PbBytes) node; /* decoded one by one */
	VEC(OnnxTensor) initializer;
	VEC(OnnxValueInfo) input, output, value_info;
	int n_sparse; /* sparse initialisers */
} OnnxGraph;

typedef struct OnnxImport {
	const char *domain;
	int64_t version;
} OnnxImport;
typedef VEC(OnnxImport) OnnxImports;

typedef struct OnnxFunction {
	const char *name, *domain, *overload;
	VEC(const char *) in, out;
	VEC(OnnxAttr) attr; /* with default values */
	VEC(PbBytes) node;
	OnnxImports import;
	bool open; /* being inlined */
} OnnxFunction;

typedef struct OnnxModel {
	int64_t ir_version;
	const char *producer;
	OnnxImports import;
	PbBytes graph;
	bool has_graph;
	VEC(OnnxFunction) function;
} OnnxModel;

/* What is decoded and the first fault in it. */
typedef struct OnnxDecoder {
	Context *c;
	Arena *arena;
	const uint8_t *start; /* of the file: a fault is told by its offset */
	int64_t n_items;      /* nodes, attributes, names: against files made to exhaust the host */
	const char *fault;
	size_t fault_at;
	bool too_large;
} OnnxDecoder;
enum { ONNX_MAX_ITEMS = 20000000 };

/* False after a fault. */
bool onnx_decode_model(OnnxDecoder *d, PbBytes bytes, OnnxModel *out);
bool onnx_decode_graph(OnnxDecoder *d, PbBytes bytes, OnnxGraph *out);
bool onnx_decode_node(OnnxDecoder *d, PbBytes bytes, OnnxNode *out);
bool onnx_decode_tensor(OnnxDecoder *d, PbBytes bytes, OnnxTensor *out);
#endif
