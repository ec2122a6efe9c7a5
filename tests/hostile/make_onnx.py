#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writes the broken ONNX files of tests/hostile/onnx. The name of a file begins with the code of the error that reading it must report;
ok-... must be read. It writes the wire form of protocol buffers itself, because a library would refuse most of this. Run it again after a
change; the files are small and kept in the repository."""
import os
import struct
import sys

here = os.path.join(os.path.dirname(os.path.abspath(sys.argv[0])), "onnx")
count = 0

FLOAT, UINT8, INT8, UINT16, INT16, INT32, INT64, STRING, BOOL, HALF, DOUBLE, UINT32, UINT64, COMPLEX = range(1, 15)


# --- protocol buffers -----------------------------------------------------------------------------------------------

def varint(v):
    v &= (1 << 64) - 1
    out = bytearray()
    while v >= 0x80:
        out.append(v & 0x7F | 0x80)
        v >>= 7
    out.append(v)
    return bytes(out)


def tag(number, wire):
    return varint(number << 3 | wire)


def num(number, v):
    return tag(number, 0) + varint(v)


def text(number, s):
    s = s.encode() if isinstance(s, str) else s
    return tag(number, 2) + varint(len(s)) + s


def fixed32(number, bits):
    return tag(number, 5) + bits


def packed(number, values):
    return text(number, b"".join(varint(v) for v in values))


# --- messages of onnx.proto -------------------------------------------------------------------------------------------

def attr(name, v):
    if isinstance(v, bool) or isinstance(v, int):
        return text(1, name) + num(3, v) + num(20, 2)
    if isinstance(v, float):
        return text(1, name) + fixed32(2, struct.pack("<f", v)) + num(20, 1)
    if isinstance(v, str):
        return text(1, name) + text(4, v) + num(20, 3)
    if isinstance(v, Tensor):
        return text(1, name) + text(5, v.data) + num(20, 4)
    if isinstance(v, Graph):
        return text(1, name) + text(6, v.data) + num(20, 5)
    if isinstance(v, NoGraph):
        return text(1, name) + num(20, 5)
    if isinstance(v, Ref):
        return text(1, name) + text(21, v.name) + num(20, v.kind)
    if v and isinstance(v[0], float):
        return text(1, name) + text(7, struct.pack(f"<{len(v)}f", *v)) + num(20, 6)
    if v and isinstance(v[0], str):
        return text(1, name) + b"".join(text(9, s) for s in v) + num(20, 8)
    return text(1, name) + b"".join(num(8, i) for i in v) + num(20, 7)


class Tensor:
    def __init__(self, data):
        self.data = data


class Graph:
    def __init__(self, data):
        self.data = data


class Ref:
    def __init__(self, name, kind):
        self.name, self.kind = name, kind


class NoGraph:
    """An attribute that says it is a graph and holds none."""


def node(op, ins, outs, domain="", name="", **attrs):
    m = b"".join(text(1, i) for i in ins) + b"".join(text(2, o) for o in outs)
    m += (text(3, name) if name else b"") + text(4, op)
    m += b"".join(text(5, attr(k, v)) for k, v in attrs.items())
    return m + (text(7, domain) if domain else b"")


def tensor(name, kind, dims, raw=None, more=b""):
    m = b"".join(num(1, d) for d in dims) + num(2, kind) + text(8, name)
    return m + (text(9, raw) if raw is not None else b"") + more


def floats(name, *v, dims=None):
    return tensor(name, FLOAT, [len(v)] if dims is None else dims, struct.pack(f"<{len(v)}f", *v))


def ints(name, *v, dims=None):
    return tensor(name, INT64, [len(v)] if dims is None else dims, struct.pack(f"<{len(v)}q", *v))


def external(name, dims=(2,), **entries):
    more = b"".join(text(13, text(1, k) + text(2, v)) for k, v in entries.items()) + num(14, 1)
    return tensor(name, FLOAT, dims, None, more)


def value(name, dims=(2, 4), kind=FLOAT):
    shape = b"".join(text(1, num(1, d) if isinstance(d, int) else text(2, d)) for d in dims)
    return text(1, name) + text(2, text(1, num(1, kind) + text(2, shape)))


X, Y = value("x"), value("y")


def graph(nodes, inits=(), inputs=(X,), outputs=(Y,), name="g", more=b""):
    m = b"".join(text(1, n) for n in nodes) + text(2, name) + b"".join(text(5, t) for t in inits)
    return m + b"".join(text(11, i) for i in inputs) + b"".join(text(12, o) for o in outputs) + more


def model(g, opset=17, imports=None, functions=()):
    imports = {"": opset} if imports is None else imports
    m = num(1, 8) + b"".join(text(8, text(1, d) + num(2, v)) for d, v in imports.items())
    return m + text(7, g) + b"".join(text(25, f) for f in functions)


def function(name, ins, outs, nodes, domain="f", opset=17, more=b""):
    m = text(1, name) + b"".join(text(4, i) for i in ins) + b"".join(text(5, o) for o in outs)
    return m + b"".join(text(7, n) for n in nodes) + text(9, text(1, "") + num(2, opset)) + text(10, domain) + more


RELU = node("Relu", ["x"], ["y"])
GOOD = model(graph([RELU]))


def put(code, name, data):
    global count
    count += 1
    with open(os.path.join(here, f"{code}-{name}.onnx"), "wb") as f:
        f.write(data)


def one(code, name, nodes, inits=(), opset=17, **more):
    """A model of these nodes, from x [2,4] to y."""
    put(code, name, model(graph(nodes if isinstance(nodes, list) else [nodes], inits, **more), opset))


# --- the wire ---------------------------------------------------------------------------------------------------------

def wire():
    put("E3001", "empty", b"")
    put("E3001", "words", b"hello, world, this is no model at all\n")
    put("E3001", "xml", b'<graph xmlns="urn:burin:graph:1"/>')
    put("E3001", "zip", b"PK\x03\x04\x14\x00\x00\x00\x08\x00")
    put("E3001", "gzip", b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03")
    put("E3001", "no-graph", num(1, 8) + text(8, num(2, 17)))
    put("E3001", "two-graphs", GOOD + text(7, graph([RELU])))
    put("E3001", "varint-cut", b"\x08\xff")
    put("E3001", "varint-11-bytes", b"\x08" + b"\xff" * 10 + b"\x01")
    put("E3001", "varint-65-bits", b"\x08" + b"\xff" * 9 + b"\x02")
    put("E3001", "tag-cut", GOOD + b"\xb8")
    put("E3001", "field-0", GOOD + b"\x00\x01")
    put("E3001", "field-too-large", GOOD + varint(1 << 35) + b"\x01")
    put("E3001", "group", GOOD + b"\x0b\x0c")
    put("E3001", "group-end", GOOD + b"\x0c")
    put("E3001", "wire-6", GOOD + b"\x0e")
    put("E3001", "wire-7", GOOD + b"\x0f")
    put("E3001", "length-beyond", GOOD + b"\x12\x05abc")
    put("E3001", "length-63-bits", b"\x3a" + varint((1 << 63) - 1))
    put("E3001", "length-64-bits", b"\x3a" + varint((1 << 64) - 1))
    put("E3001", "fixed64-cut", GOOD + b"\x09\x00\x00")
    put("E3001", "fixed32-cut", GOOD + b"\x0d\x00\x00")
    put("E3001", "graph-as-number", num(1, 8) + num(7, 1))
    put("E3001", "import-as-number", GOOD + num(8, 17))
    put("E3001", "function-as-number", GOOD + num(25, 17))
    put("E3001", "cut-in-half", GOOD[: len(GOOD) // 2])
    put("E3001", "cut-last-byte", GOOD[:-1])
    put("E3001", "node-longer-than-graph", model(text(1, RELU)[:-4]))
    put("E3001", "node-as-number", model(num(1, 5)))
    put("E3001", "initializer-as-number", model(graph([RELU], more=num(5, 1))))
    put("E3001", "input-as-number", model(graph([RELU], more=num(11, 1))))
    put("E3001", "name-as-number", model(graph([RELU + num(3, 1)])))
    put("E3001", "op-as-fixed", model(graph([RELU + fixed32(4, b"Relu")])))
    put("E3001", "name-not-utf8", model(graph([node("Relu", [b"x\xff"], ["y"])])))
    put("E3001", "name-cut-utf8", model(graph([node("Relu", [b"x\xe2\x82"], ["y"])])))
    put("E3001", "name-nul", model(graph([node("Relu", [b"x\x00y"], ["y"])])))
    put("E3001", "name-64k", model(graph([node("Relu", ["x" * 65537], ["y"])])))
    put("E3001", "attribute-as-number", model(graph([RELU + num(5, 1)])))
    put("E3001", "attribute-cut", model(graph([RELU + text(5, b"\x0a\x09axis")])))
    put("E3001", "floats-3-bytes", model(graph([RELU + text(5, text(1, "a") + text(7, b"abc"))])))
    put("E3001", "ints-cut", model(graph([RELU + text(5, text(1, "a") + text(8, b"\x80"))])))
    put("E3001", "ints-as-fixed", model(graph([RELU + text(5, text(1, "a") + fixed32(8, b"abcd"))])))
    put("E3001", "float-as-varint", model(graph([RELU + text(5, text(1, "a") + num(2, 1))])))
    put("E3001", "dims-cut", model(graph([RELU], [text(1, b"\xff") + num(2, FLOAT) + text(8, "w")])))
    put("E3001", "raw-as-number", model(graph([RELU], [num(2, FLOAT) + text(8, "w") + num(9, 1)])))
    put("E3001", "segment", model(graph([RELU], [tensor("w", FLOAT, [1], b"\0" * 4, text(3, num(1, 0)))])))
    put("E3001", "type-cut", model(graph([RELU], inputs=[text(1, "x") + text(2, b"\x0a\x20")])))
    put("E3001", "dimension-as-number", model(graph([RELU], inputs=[text(1, "x") + text(2, text(1, num(1, 1) + text(2, num(1, 3))))])))
    one("E3001", "constant-cut", node("Constant", [], ["y"], value=Tensor(b"\x08")))
    one("E3001", "branch-cut", node("If", ["c"], ["y"], then_branch=Graph(b"\x0a\x10"), else_branch=Graph(b"")),
        inputs=[value("c", (), BOOL)])


# --- graphs -------------------------------------------------------------------------------------------------------------

def graphs():
    one("E3002", "undefined-input", node("Relu", ["z"], ["y"]))
    one("E3002", "own-output", node("Relu", ["y"], ["y"]))
    one("E3002", "cycle", [node("Add", ["x", "b"], ["a"]), node("Relu", ["a"], ["b"]), node("Relu", ["b"], ["y"])])
    one("E3002", "order", [node("Relu", ["a"], ["y"]), node("Relu", ["x"], ["a"])])
    one("E3002", "output-twice", [RELU, RELU])
    one("E3002", "output-is-input", [node("Relu", ["x"], ["x"]), RELU])
    one("E3002", "input-twice", RELU, inputs=[X, X])
    one("E3002", "initializer-twice", RELU, [floats("w", 1), floats("w", 2)])
    one("E3002", "initializer-overwritten", [node("Relu", ["x"], ["w"]), RELU], [floats("w", 1)])
    one("E3002", "initializer-without-name", RELU, [floats("", 1)])
    one("E3002", "no-outputs", RELU, outputs=[])
    one("E3002", "no-nodes", [])
    one("E3002", "output-undefined", RELU, outputs=[Y, value("z")])
    put("E3002", "no-imports", num(1, 8) + text(7, graph([RELU])))
    one("E3002", "input-missing", node("Add", ["x"], ["y"]))
    one("E3002", "input-empty", node("Add", ["", "x"], ["y"]))
    one("E3002", "no-inputs", node("Relu", [], ["y"]))
    one("E3002", "too-many-inputs", node("Relu", ["x", "x"], ["y"]))
    one("E3002", "too-many-outputs", node("Relu", ["x"], ["y", "z"]))
    one("E3002", "attribute-unknown", node("Relu", ["x"], ["y"], alpha=1.0))
    one("E3002", "attribute-of-a-later-set", node("Reshape", ["x", "s"], ["y"], allowzero=1), [ints("s", 8)], 13)
    one("E3002", "attribute-kind", node("Softmax", ["x"], ["y"], axis=1.0))
    one("E3002", "attribute-kind-list", node("Transpose", ["x"], ["y"], perm="1 0"))
    one("E3002", "attribute-missing", node("Concat", ["x", "x"], ["y"]))
    one("E3002", "cast-to-nothing", node("Cast", ["x"], ["y"]))
    one("E3002", "block-missing", node("DepthToSpace", ["x"], ["y"]))
    one("E3002", "kernel-missing", node("MaxPool", ["x"], ["y"]))
    one("E3002", "pads-count", node("MaxPool", ["x"], ["y"], kernel_shape=[2, 2], pads=[1, 1]))
    one("E3002", "strides-count", node("MaxPool", ["x"], ["y"], kernel_shape=[2, 2], strides=[1]), inputs=[value("x", (1, 1, 4, 4))])
    one("E3002", "auto-pad", node("MaxPool", ["x"], ["y"], kernel_shape=[2], auto_pad="SAME"), inputs=[value("x", (1, 1, 4))])
    for groups in (0, -1):
        one("E3002", f"groups{groups}", node("Conv", ["x", "w"], ["y"], group=groups), [floats("w", 1, dims=[1, 1, 1])],
            inputs=[value("x", (1, 1, 4))])
    one("E3002", "constant-empty", node("Constant", [], ["y"]))
    one("E3002", "constant-twice", node("Constant", [], ["y"], value_int=1, value_float=1.0))
    one("E3002", "starts-missing", node("Slice", ["x"], ["y"], ends=[1]), opset=9)
    one("E3002", "axes-missing", node("Unsqueeze", ["x"], ["y"]))
    one("E3002", "pads-missing", node("Pad", ["x"], ["y"]))
    one("E3002", "scales-missing", node("Upsample", ["x"], ["y"]), opset=7)
    one("E3002", "resize-to-nothing", node("Resize", ["x"], ["y"]))
    one("E3002", "k-missing", node("TopK", ["x"], ["y", "z"]))
    one("E3002", "equation-missing", node("Einsum", ["x"], ["y"]))
    one("E3002", "norm-of-p-3", node("LpNormalization", ["x"], ["y"], p=3))
    one("E3002", "hidden-missing", node("RNN", ["x", "x", "x"], ["y"]))
    one("E3002", "groups-missing", node("GroupNormalization", ["x", "x", "x"], ["y"]), opset=18)
    branch = Graph(graph([node("Identity", ["x"], ["t"])], inputs=[], outputs=[value("t")]))
    cond = [value("c", (), BOOL), X]
    one("E3002", "branch-missing", node("If", ["c"], ["y"], then_branch=branch), inputs=cond)
    one("E3002", "branch-absent", node("If", ["c"], ["y"], then_branch=NoGraph(), else_branch=branch), inputs=cond)
    one("E3002", "branch-outputs", node("If", ["c"], ["y", "z"], then_branch=branch, else_branch=branch), inputs=cond)
    takes = Graph(graph([node("Identity", ["i"], ["t"])], inputs=[value("i")], outputs=[value("t")]))
    one("E3002", "branch-with-inputs", node("If", ["c"], ["y"], then_branch=branch, else_branch=takes), inputs=cond)
    sees = Graph(graph([node("Identity", ["later"], ["t"])], inputs=[], outputs=[value("t")]))
    one("E3002", "branch-looks-ahead", [node("If", ["c"], ["y"], then_branch=branch, else_branch=sees),
                                        node("Relu", ["x"], ["later"])], inputs=cond)
    inner = [node("If", ["c"], ["y"], then_branch=branch, else_branch=branch), node("Relu", ["t"], ["z"])]
    one("E3002", "branch-name-outside", inner, inputs=cond)
    put("E3002", "function-output", model(graph([node("F", ["x"], ["y"], "f")]), functions=[function("F", ["a"], ["b"], [])],
                                          imports={"": 17, "f": 1}))
    put("E3002", "function-sees-caller", model(graph([node("F", ["x"], ["y"], "f")]), imports={"": 17, "f": 1},
                                               functions=[function("F", ["a"], ["b"], [node("Relu", ["x"], ["b"])])]))
    put("E3002", "function-inputs", model(graph([node("F", ["x", "x"], ["y"], "f")]), imports={"": 17, "f": 1},
                                          functions=[function("F", ["a"], ["b"], [node("Relu", ["a"], ["b"])])]))


# --- limits ---------------------------------------------------------------------------------------------------------------

def nested(depth):
    g = graph([node("Identity", ["x"], ["t"])], inputs=[], outputs=[value("t")])
    leaf = g
    for _ in range(depth):
        g = graph([node("If", ["c"], ["t"], then_branch=Graph(g), else_branch=Graph(leaf))], inputs=[], outputs=[value("t")])
    return node("If", ["c"], ["y"], then_branch=Graph(g), else_branch=Graph(leaf))


def limits():
    cond = [value("c", (), BOOL), X]
    one("E3003", "branches-deep", nested(40), inputs=cond)
    doubling = [function(f"F{i}", ["a"], ["b"], [node(f"F{i + 1}", ["a"], ["t"], "f"), node(f"F{i + 1}", ["t"], ["b"], "f")])
                for i in range(25)]
    doubling.append(function("F25", ["a"], ["b"], [node("Relu", ["a"], ["b"])]))
    put("E3003", "functions-double", model(graph([node("F0", ["x"], ["y"], "f")]), functions=doubling, imports={"": 17, "f": 1}))
    empty = [function(f"F{i}", ["a"], ["a"], [node(f"F{i + 1}", ["a"], [f"t{j}"], "f") for j in range(4)]) for i in range(20)]
    empty.append(function("F20", ["a"], ["a"], []))
    put("E3003", "functions-of-nothing", model(graph([node("F0", ["x"], ["y"], "f")]), functions=empty, imports={"": 17, "f": 1}))


# --- tensors ----------------------------------------------------------------------------------------------------------------

def tensors():
    use = [node("Add", ["x", "w"], ["y"])]
    zero = b"\0"

    def bad(code, name, t):
        one(code, name, use, [t])

    bad("E3004", "raw-short", tensor("w", FLOAT, [4], zero * 15))
    bad("E3004", "raw-long", tensor("w", FLOAT, [4], zero * 17))
    bad("E3004", "raw-empty", tensor("w", FLOAT, [4], b""))
    bad("E3004", "no-data", tensor("w", FLOAT, [4]))
    bad("E3004", "size-negative", tensor("w", FLOAT, [-4], zero * 16))
    bad("E3004", "size-minus-one", tensor("w", FLOAT, [-1, -1], zero * 4))
    bad("E3004", "size-lowest", tensor("w", FLOAT, [-(1 << 63)], zero * 4))
    bad("E3004", "size-highest", tensor("w", FLOAT, [(1 << 63) - 1], zero * 4))
    bad("E3004", "product-overflow", tensor("w", FLOAT, [1 << 32, 1 << 32], zero * 4))
    bad("E3004", "product-overflow-bytes", tensor("w", DOUBLE, [1 << 61], zero * 8))
    bad("E3004", "overflow-behind-zero", tensor("w", FLOAT, [0, 1 << 62, 1 << 62], b""))
    bad("E3004", "overflow-before-zero", tensor("w", FLOAT, [1 << 62, 1 << 62, 0], b""))
    bad("E3004", "nine-dimensions", tensor("w", FLOAT, [1] * 9, zero * 4))
    bad("E3004", "thousand-dimensions", tensor("w", FLOAT, [1] * 1000, zero * 4))
    bad("E3004", "terabyte", tensor("w", FLOAT, [1 << 38], zero * 4))
    bad("E3004", "terabyte-typed", tensor("w", INT64, [1 << 38], None, packed(7, [1, 2, 3])))
    bad("E3004", "float-data-short", tensor("w", FLOAT, [4], None, text(4, zero * 12)))
    bad("E3004", "float-data-long", tensor("w", FLOAT, [4], None, text(4, zero * 20)))
    bad("E3004", "float-data-odd", tensor("w", FLOAT, [4], None, text(4, zero * 15)))
    bad("E3004", "float-data-twice", tensor("w", FLOAT, [4], None, text(4, zero * 16) + text(4, zero * 16)))
    bad("E3004", "float-data-and-one", tensor("w", FLOAT, [4], None, text(4, zero * 16) + fixed32(4, zero * 4)))
    bad("E3004", "float-data-varint", tensor("w", FLOAT, [1], None, num(4, 1)))
    bad("E3004", "int64-data-short", tensor("w", INT64, [4], None, packed(7, [1, 2, 3])))
    bad("E3004", "int64-data-long", tensor("w", INT64, [4], None, packed(7, [1, 2, 3, 4, 5])))
    bad("E3004", "int64-data-cut", tensor("w", INT64, [1], None, text(7, b"\x80")))
    bad("E3004", "int64-in-int32-data", tensor("w", INT64, [1], None, packed(5, [1])))
    bad("E3004", "float-in-double-data", tensor("w", FLOAT, [1], None, text(10, zero * 8)))
    bad("E3004", "bool-short", tensor("w", BOOL, [4], None, packed(5, [1, 0, 1])))
    one("E3004", "constant-short", [node("Constant", [], ["w"], value=Tensor(tensor("", FLOAT, [2], zero * 4)))] + use)
    one("E3004", "unused-too", RELU, [tensor("w", FLOAT, [4], zero * 3)])
    bad("E3005", "no-location", external("w", offset="0"))
    bad("E3005", "location-empty", external("w", location=""))
    data = "ok-minimal.onnx"
    bad("E3005", "offset-negative", external("w", location=data, offset="-1", length="8"))
    bad("E3005", "offset-words", external("w", location=data, offset="four", length="8"))
    bad("E3005", "offset-hex", external("w", location=data, offset="0x4", length="8"))
    bad("E3005", "offset-blank", external("w", location=data, offset=" 4", length="8"))
    bad("E3005", "offset-65-bits", external("w", location=data, offset=str(1 << 64), length="8"))
    bad("E3005", "offset-63-bits", external("w", location=data, offset=str((1 << 63) - 1), length="8"))
    bad("E3005", "offset-beyond", external("w", location=data, offset="1000", length="8"))
    bad("E3005", "end-beyond", external("w", location=data, offset="64", length="8"))
    bad("E3005", "length-negative", external("w", location=data, offset="0", length="-8"))
    bad("E3005", "length-other", external("w", location=data, offset="0", length="4"))
    bad("E3005", "length-huge", external("w", location=data, offset="0", length=str((1 << 63) - 1)))
    bad("E1001", "file-missing", external("w", location="nothing.bin"))
    bad("E1001", "file-missing-of-nothing", external("w", dims=(0,), location="nothing.bin"))
    for name, path in (("up", "../onnx/" + data), ("root", "/etc/passwd"), ("hidden-up", "a/../../onnx/" + data), ("up-only", "..")):
        bad("E1005", "outside-" + name, external("w", location=path))


# --- what is not read -----------------------------------------------------------------------------------------------------------

def unsupported():
    one("E3101", "unknown", node("Rellu", ["x"], ["y"]))
    one("E3101", "no-name", node("", ["x"], ["y"]))
    one("E3101", "loop", node("Loop", ["", "", "x"], ["y"]))
    one("E3101", "many", [node(f"Op{i}", ["x"], [f"t{i}"]) for i in range(300)] + [RELU])
    one("E3101", "then-used", [node("Nothing", ["x"], ["t"]), node("Relu", ["t"], ["y"])])
    put("E3101", "domain", model(graph([node("Relu", ["x"], ["y"], "ai.onnx.ml")]), imports={"": 17, "ai.onnx.ml": 3}))
    put("E3101", "domain-not-imported", model(graph([node("Relu", ["x"], ["y"], "com.nobody")])))
    put("E3101", "domain-alone", model(graph([node("Relu", ["x"], ["y"], "com.nobody")]), imports={"com.nobody": 1}))
    x3 = [value("x", (1, 1, 4, 4, 4))]
    one("E3102", "conv-3d", node("Conv", ["x", "w"], ["y"]), [floats("w", 1, dims=[1, 1, 1, 1, 1])], inputs=x3)
    one("E3102", "pool-3d", node("MaxPool", ["x"], ["y"], kernel_shape=[2, 2, 2]), inputs=x3)
    one("E3102", "pool-indices", node("MaxPool", ["x"], ["y", "i"], kernel_shape=[2]), inputs=[value("x", (1, 1, 4))],
        outputs=[Y, value("i", (1, 1, 3), INT64)])
    one("E3102", "batchnorm-training", node("BatchNormalization", ["x", "w", "w", "w", "w"], ["y"], training_mode=1),
        [floats("w", 1, 1, 1, 1)])
    one("E3102", "cast-to-text", node("Cast", ["x"], ["y"], to=STRING))
    one("E3102", "cast-to-99", node("Cast", ["x"], ["y"], to=99))
    one("E3102", "pad-mode", node("Pad", ["x", "p"], ["y"], mode="mirror"), [ints("p", 0, 0, 1, 1)])
    one("E3102", "split-outputs", node("Split", ["x"], ["y", "z"], num_outputs=3), opset=18)
    one("E3102", "reshape-to-nothing", node("Reshape", ["x", "s"], ["y"], allowzero=1), [ints("s", 0, 8)])
    one("E3102", "resize-crop", node("Resize", ["x", "", "s"], ["y"], coordinate_transformation_mode="tf_crop_and_resize"),
        [floats("s", 1, 1, 2)], inputs=[value("x", (1, 1, 4))])
    one("E3102", "resize-channels", node("Resize", ["x", "", "s"], ["y"]), [floats("s", 1, 2, 2)], inputs=[value("x", (1, 1, 4))])
    one("E3102", "axes-too-early", node("ReduceMean", ["x", "a"], ["y"]), [ints("a", 1)])
    one("E3102", "upsample-too-late", node("Upsample", ["x", "s"], ["y"]), [floats("s", 1, 1, 2)], 10)
    one("E3102", "scatter-mul", node("ScatterND", ["x", "i", "u"], ["y"], reduction="mul"), [ints("i", 0, dims=[1, 1]), floats("u", 0, 0, 0, 0)])
    for opset in (1, 5, 29, 1 << 40, -1):
        put("E3103", f"opset{opset}", model(graph([RELU]), opset))
    put("E3103", "opset-of-function", model(graph([node("F", ["x"], ["y"], "f")]), imports={"": 17, "f": 1}, functions=[
        function("F", ["a"], ["b"], [node("Relu", ["a"], ["b"])], opset=3)]))
    for name, kind in (("text", STRING), ("complex", COMPLEX), ("uint64", UINT64), ("float8", 17), ("int4", 22), ("none", 0), ("99", 99), ("low", -1)):
        one("E3104", f"input-{name}", RELU, inputs=[value("x", (2,), kind)])
        one("E3104", f"tensor-{name}", RELU, [tensor("w", kind, [1], b"\0" * 16)])
    one("E3105", "input-sequence", RELU, inputs=[text(1, "x") + text(2, text(4, text(1, b"")))])
    one("E3105", "input-untyped", RELU, inputs=[text(1, "x")])
    one("E3105", "input-without-shape", RELU, inputs=[text(1, "x") + text(2, text(1, num(1, FLOAT)))])
    one("E3105", "sparse", RELU, more=text(15, b""))
    put("E3105", "function-itself", model(graph([node("F", ["x"], ["y"], "f")]), imports={"": 17, "f": 1}, functions=[
        function("F", ["a"], ["b"], [node("F", ["a"], ["b"], "f")])]))
    put("E3105", "functions-in-a-ring", model(graph([node("F", ["x"], ["y"], "f")]), imports={"": 17, "f": 1}, functions=[
        function("F", ["a"], ["b"], [node("G", ["a"], ["b"], "f")]), function("G", ["a"], ["b"], [node("F", ["a"], ["b"], "f")])]))
    chain = [function(f"F{i}", ["a"], ["b"], [node(f"F{i + 1}", ["a"], ["b"], "f")]) for i in range(40)]
    put("E3105", "functions-deep", model(graph([node("F0", ["x"], ["y"], "f")]), imports={"": 17, "f": 1}, functions=chain))


# --- correct ------------------------------------------------------------------------------------------------------------------------

def correct():
    put("ok", "minimal", GOOD)
    put("ok", "unknown-fields", GOOD + num(900, 1) + text(901, "x") + fixed32(902, b"abcd") + tag(903, 1) + b"\0" * 8)
    for opset in (6, 7, 13, 28):
        put("ok", f"opset{opset}", model(graph([RELU]), opset))
    one("ok", "indices-unused", node("MaxPool", ["x"], ["y", "i"], kernel_shape=[2]), inputs=[value("x", (1, 1, 4))])
    one("ok", "initializer-among-inputs", node("Add", ["x", "w"], ["y"]), [floats("w", 1, 2, 3, 4)], inputs=[X, value("w", (4,))])
    one("ok", "initializer-unused", RELU, [floats("w", 1)])
    one("ok", "float-data", node("Add", ["x", "w"], ["y"]), [tensor("w", FLOAT, [4], None, text(4, struct.pack("<4f", 1, 2, 3, 4)))])
    one("ok", "float-data-single", node("Add", ["x", "w"], ["y"]), [tensor("w", FLOAT, [2, 1], None, fixed32(4, b"\0\0\x80\x3f") * 2)])
    one("ok", "half-in-int32-data", [node("Cast", ["w"], ["f"], to=FLOAT), node("Add", ["x", "f"], ["y"])],
        [tensor("w", HALF, [4], None, packed(5, [0x3C00, 0xBC00, 0, 0x7C00]))])
    one("ok", "bool-of-255", [node("Where", ["w", "x", "x"], ["y"])], [tensor("w", BOOL, [4], b"\x00\x01\x02\xff")])
    one("ok", "external", node("Add", ["x", "w"], ["y"]), [external("w", location="ok-minimal.onnx", offset="8", length="8")],
        inputs=[value("x", (2,))])
    one("ok", "external-without-length", node("Add", ["x", "w"], ["y"]), [external("w", location="ok-minimal.onnx")], inputs=[value("x", (2,))])
    names = ["a b", "@x", "-", "1e5", "<&>\"'", "x" * 300, "a,b", "{n}", "é", "//", "a/", "inf", "if.0", "k.1", "tab\tand\nline"]
    chain = [node("Relu", [a], [b]) for a, b in zip(["x"] + names, names + ["y"])]
    one("ok", "names", chain)
    one("ok", "names-that-meet", [node("Relu", ["x"], ["a b"]), node("Relu", ["a b"], ["a_b"]), node("Relu", ["a_b"], ["a,b"]),
                                  node("Relu", ["a,b"], ["y"])])
    one("ok", "output-is-input", [], outputs=[X])
    one("ok", "output-is-constant", [], [floats("w", 1, 2)], outputs=[value("w", (2,))])
    one("ok", "two-outputs-of-one", RELU, outputs=[Y, X])
    one("ok", "free-sizes-fixed", node("Reshape", ["x", "s"], ["y"]), [ints("s", 8)])
    put("ok", "function", model(graph([node("F", ["x"], ["y"], "f", slope=0.5)]), imports={"": 17, "f": 1}, functions=[
        function("F", ["a"], ["b"], [node("LeakyRelu", ["a"], ["b"], alpha=Ref("slope", 1))], more=text(6, "slope"))]))
    put("ok", "function-default", model(graph([node("F", ["x"], ["y"], "f")]), imports={"": 17, "f": 1}, functions=[
        function("F", ["a", "unused"], ["b"], [node("LeakyRelu", ["a"], ["b"], alpha=Ref("slope", 1))], more=text(11, attr("slope", 0.25)))]))
    branch = [Graph(graph([node(op, ["x"], ["t"])], inputs=[], outputs=[value("t")])) for op in ("Relu", "Neg")]
    one("ok", "branch", [node("Constant", [], ["c"], value=Tensor(tensor("", BOOL, [], b"\1"))),
                         node("If", ["c"], ["y"], then_branch=branch[0], else_branch=branch[1])])


if __name__ == "__main__":
    os.makedirs(here, exist_ok=True)
    for old in os.listdir(here):
        os.remove(os.path.join(here, old))
    for section in (wire, graphs, limits, tensors, unsupported, correct):
        section()
    print(f"{count} files")
