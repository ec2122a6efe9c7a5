#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Reference results of every operator, computed by PyTorch, ONNX Runtime and NumPy.

Writes tests/data/ops/<operator>.txt, which tests/unit/test_ops.c compares the evaluator with. Run it in the environment of
bench/setup_venv.sh after adding an operator:  build/venv/bin/python bench/make_op_reference.py [operator ...]

A file is a list of cases:
    case NAME
    graph @t(...) { ... }     the operator in the text form; result types are those of the reference
    in TYPE VALUES            one line for each input of the graph, row-major
    out TYPE VALUES           one line for each result
Floating-point values are hexadecimal, so that they are read back exactly; results are rounded to single precision.
Inputs are small multiples of 1/16, which every format holds exactly."""
import math
import os
import sys

import numpy as np
import onnx
import onnxruntime
import torch
import torch.nn.functional as F

from reference_text import as_array, line, type_text

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
OUT = os.path.join(ROOT, "tests", "data", "ops")
files = {}
wanted = set(sys.argv[1:])


# --- writing ------------------------------------------------------------------------------------------------------
def attr_text(v):
    if isinstance(v, bool):
        return "yes" if v else "no"
    if isinstance(v, (list, tuple)):
        return "[" + ", ".join(map(str, v)) + "]"
    if isinstance(v, str):
        return f'"{v}"'
    return str(v)


class Name(str):
    """An attribute written without quotes: a data type."""


def case(op, ins, outs, name="", several=False, left_out=(), **attrs):
    """One operator on inputs; outs is one array, or with several=True the list of its results (None: not looked at)."""
    if wanted and op not in wanted:
        return
    ins = [as_array(x) for x in ins]
    outs = [as_array(x) for x in (outs if several else [outs])]
    cases = files.setdefault(op, [])
    ports = ", ".join(f"%x{i}: {type_text(a)}" for i, a in enumerate(ins))
    uses, k = [], 0
    for i in range(len(ins) + len(left_out)):
        uses.append("_" if i in left_out else f"%x{k}")
        k += i not in left_out
    record = ", ".join(f"{k.rstrip('_')}={v if isinstance(v, Name) else attr_text(v)}" for k, v in attrs.items())
    record = f" {{{record}}}" if record else ""
    text = f"graph @t({ports}) {{\n"
    if several:
        text += f"  %t = {op} {', '.join(uses)}{record} : ({', '.join(type_text(o) for o in outs)})\n"
        for i, o in enumerate(outs):
            text += f"  %y{i} = get %t {{index={i}}} : {type_text(o)}\n"
    else:
        text += f"  %y0 = {op} {', '.join(uses)}{record} : {type_text(outs[0])}\n"
    text += "  return " + ", ".join(f"%y{i}" for i in range(len(outs))) + "\n}\n"
    head = f"case {name or len(cases)}\n"
    cases.append(head + text + "".join(line("in", a) for a in ins) + "".join(line("out", a) for a in outs))


# --- inputs and peers ---------------------------------------------------------------------------------------------
rng = np.random.default_rng(20240607)


def rand(*shape, low=-2, high=2):
    return rng.integers(low * 16, high * 16 + 1, shape).astype(np.float64) / 16


def distinct(*shape):
    """Values without ties."""
    n = int(np.prod(shape))
    return (rng.permutation(n) - n // 2).reshape(shape).astype(np.float64) / 16


def ints(*shape, low=-9, high=10, dtype=np.int64):
    return rng.integers(low, high, shape).astype(dtype)


def t(x):
    return torch.from_numpy(np.ascontiguousarray(x))


def ort(op, ins, outputs=1, opset=21, ir=10, **attrs):
    """One ONNX node in ONNX Runtime; None: an input left out. Floats run in single precision."""
    feeds, infos, names = {}, [], []
    for i, x in enumerate(ins):
        names.append("" if x is None else f"x{i}")
        if x is None:
            continue
        x = as_array(x)
        x = x.astype(np.float32) if x.dtype == np.float64 else x
        feeds[f"x{i}"] = x
        infos.append(onnx.helper.make_tensor_value_info(f"x{i}", onnx.helper.np_dtype_to_tensor_dtype(x.dtype), x.shape))
    outs = [f"y{i}" for i in range(outputs)]
    node = onnx.helper.make_node(op, names, outs, **attrs)
    graph = onnx.helper.make_graph([node], "g", infos, [onnx.ValueInfoProto(name=o) for o in outs])
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", opset)], ir_version=ir)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    result = session.run(outs, feeds)
    return result[0] if outputs == 1 else result


# --- leaves and elementwise ---------------------------------------------------------------------------------------
SPECIAL = np.array([0.0, -0.0, 1, -1, 0.5, -0.5, 1.5, 2.5, -2.5, 3.25, 100, -100, math.inf, -math.inf, math.nan])


def pairs():
    x, y = np.meshgrid(SPECIAL, SPECIAL)
    return x.reshape(-1), y.reshape(-1)


def elementwise():
    x, y = rand(2, 3, 4), rand(2, 3, 4)
    sx, sy = pairs()
    i, j = ints(4, 5), ints(4, 5)
    j[j == 0] = 3
    both = {"add": torch.add, "sub": torch.sub, "mul": torch.mul, "div": torch.div, "min": torch.minimum,
            "max": torch.maximum, "mod": torch.remainder, "fmod": torch.fmod, "eq": torch.eq, "ne": torch.ne,
            "lt": torch.lt, "le": torch.le, "gt": torch.gt, "ge": torch.ge}
    for op, f in both.items():
        with np.errstate(all="ignore"):
            case(op, [x, y + (y == 0)], f(t(x), t(y + (y == 0))), "floats")
            if op not in ("mod", "fmod", "div"):
                case(op, [sx, sy], f(t(sx), t(sy)), "special")
            whole = torch.div(t(i), t(j), rounding_mode="trunc") if op == "div" else f(t(i), t(j))
            case(op, [i, j], whole, "integers")
    case("div", [sx, sy], torch.div(t(sx), t(sy)), "special")
    case("mod", [np.array([5.5, -5.5, 5.5, -5.5]), np.array([2.0, 2, -2, -2])], np.array([1.5, 0.5, -0.5, -1.5]), "signs")
    case("pow", [np.abs(x) + 0.25, y], torch.pow(t(np.abs(x) + 0.25), t(y)), "floats")
    case("pow", [x, np.full_like(x, 3)], torch.pow(t(x), 3), "cube")
    b8, c8 = ints(20, low=-128, high=128, dtype=np.int8), ints(20, low=-128, high=128, dtype=np.int8)
    for op, f in {"add": torch.add, "mul": torch.mul, "sub": torch.sub}.items():
        case(op, [b8, c8], f(t(b8), t(c8)), "wrapping")
    p, q = np.array([True, True, False, False]), np.array([True, False, True, False])
    for op, f in {"and": np.bitwise_and, "or": np.bitwise_or, "xor": np.bitwise_xor}.items():
        case(op, [p, q], f(p, q), "bool")
        case(op, [i, j], f(i, j), "integers")
    case("not", [p], np.logical_not(p), "bool")
    case("not", [i], np.bitwise_not(i), "integers")
    one = {"neg": torch.neg, "abs": torch.abs, "sign": torch.sign, "relu": torch.relu}
    for op, f in one.items():
        case(op, [x], f(t(x)), "floats")
        case(op, [i], f(t(i)), "integers")
    case("relu", [SPECIAL], torch.relu(t(SPECIAL)), "special")
    floats = {"exp": torch.exp, "sin": torch.sin, "cos": torch.cos, "tanh": torch.tanh, "sigmoid": torch.sigmoid,
              "erf": torch.erf, "floor": torch.floor, "ceil": torch.ceil, "round": torch.round}
    for op, f in floats.items():
        case(op, [x], f(t(x)), "floats")
        if op not in ("sin", "cos", "exp"):
            case(op, [SPECIAL], f(t(SPECIAL)), "special")
    case("exp", [np.array([-1000.0, math.inf, -math.inf, math.nan])], np.array([0, math.inf, 0, math.nan]), "special")
    for op, f in {"log": torch.log, "sqrt": torch.sqrt}.items():
        case(op, [np.abs(x) + 0.0625], f(t(np.abs(x) + 0.0625)), "floats")
        case(op, [SPECIAL], f(t(SPECIAL)), "special")
    case("isnan", [SPECIAL], np.isnan(SPECIAL))
    case("isinf", [SPECIAL], np.isinf(SPECIAL))
    case("select", [x > 0, x, y], np.where(x > 0, x, y))
    case("select", [i > 0, i, j], np.where(i > 0, i, j), "integers")
    f = np.array([1.75, -1.75, 300, -300, 0, 0.5, -0.5, math.inf, -math.inf, math.nan])
    for name, low, high in (("i8", -128, 127), ("u8", 0, 255), ("i16", -32768, 32767)):
        kept = np.nan_to_num(np.clip(np.trunc(f), low, high), nan=0)
        case("cast", [f], kept.astype({"i8": np.int8, "u8": np.uint8, "i16": np.int16}[name]), name, to=Name(name))
    case("cast", [f], f != 0, "bool", to=Name("bool"))
    case("cast", [i], i.astype(np.float64), "to float", to=Name("f32"))
    case("cast", [np.array([300, -1, 255], np.int64)], np.array([44, 255, 255], np.uint8), "narrow", to=Name("u8"))
    case("cast", [p], p.astype(np.int32), "from bool", to=Name("i32"))


# --- data movement -------------------------------------------------------------------------------------------------
def movement():
    x = rand(2, 3, 4)
    for shape, to in (((3, 1), (2, 3, 4)), ((4,), (3, 4)), ((), (2, 2)), ((1, 1, 1), (2, 3, 1))):
        v = rand(*shape)
        case("broadcast", [v], np.broadcast_to(v, to), shape=to)
    case("reshape", [x], x.reshape(6, 4), shape=[6, 4])
    case("reshape", [x], x.reshape(2, 12), "open", shape=[0, -1])
    i = ints(4, 1)
    case("reshape", [i], i.reshape(2, 2), "integers", shape=[2, 2])
    case("transpose", [x], x.transpose(), "reversed")
    case("transpose", [x], x.transpose(1, 0, 2), perm=[1, 0, 2])
    case("transpose", [x], x.transpose(2, 0, 1), "negative", perm=[-1, 0, 1])
    case("slice", [x], x[1:2, 0:3:2, 1:4], begin=[1, 0, 1], count=[1, 2, 3], step=[1, 2, 1])
    case("slice", [x], x[:, ::-1, 3:0:-2], "backwards", begin=[0, 2, 3], count=[2, 3, 2], step=[1, -1, -2])
    value = np.array(0.5)
    case("pad", [x, value], np.pad(x, ((1, 0), (0, 2), (1, 1)), constant_values=0.5), low=[1, 0, 1], high=[0, 2, 1])
    case("pad", [x, value], x[1:, :, 1:-1], "crop", low=[-1, 0, -1], high=[0, 0, -1])
    wide = np.full((2, 3, 9), 0.5)
    wide[:, :, 1:8:2] = x
    case("pad", [x, value], wide, "interior", low=[0, 0, 1], high=[0, 0, 1], interior=[0, 0, 1])
    a, b, c = rand(2, 3, 4), rand(2, 1, 4), rand(2, 2, 4)
    case("concat", [a, b, c], np.concatenate([a, b, c], 1), axis=1)
    case("concat", [a, a], np.concatenate([a, a], -1), "last", axis=-1)
    case("concat", [i, i], np.concatenate([i, i], 0), "integers", axis=0)
    many = [rand(1, 2) for _ in range(70)]
    case("concat", many, np.concatenate(many, 0), "many", axis=0)
    index = np.array([[0, 2], [-1, 1]], np.int64)
    for axis in (0, 1, 2):
        fit = index % x.shape[axis] if axis == 0 else index
        case("gather", [x, fit], ort("Gather", [x, fit], axis=axis), axis=axis)
    case("gather", [i, np.array(2, np.int32)], i[2], "scalar", axis=0)
    where = np.array([[[0, 1, 1, 0]], [[1, 0, -1, 1]]], np.int64)
    case("gather_elements", [x, where], ort("GatherElements", [x, where], axis=0), axis=0)
    where = np.array([[[3, 0], [1, -1], [2, 2]]], np.int64)
    case("gather_elements", [x, where], ort("GatherElements", [x, where], axis=2), "last", axis=2)
    where = np.array([[0, 1], [1, 2], [-1, 0]], np.int64)
    case("gather_nd", [x, where], ort("GatherND", [x, where]))
    where = np.array([[[0, 1, 3]], [[1, 2, 0]]], np.int64)
    case("gather_nd", [x, where], ort("GatherND", [x, where]), "elements")
    where = np.array([[0, 1], [1, 2]], np.int64)
    new = rand(2, 4)
    case("scatter_nd", [x, where, new], ort("ScatterND", [x, where, new]))
    new, where = rand(3), np.array([[4], [0], [7]], np.int64)
    line_ = rand(8)
    case("scatter_nd", [line_, where, new], ort("ScatterND", [line_, where, new]), "elements")


# --- reductions ------------------------------------------------------------------------------------------------------
def reductions():
    x, i = rand(2, 3, 4), ints(3, 4)
    n = x.copy()
    n[0, 1, 2] = math.nan
    for op, f in {"reduce_sum": np.sum, "reduce_prod": np.prod, "reduce_max": np.max, "reduce_min": np.min}.items():
        case(op, [x], f(x), "all")
        case(op, [x], f(x, axis=1), axes=[1])
        case(op, [x], f(x, axis=(0, 2), keepdims=True), "keep", axes=[0, -1], keepdims=True)
        case(op, [i], f(i, axis=0), "integers", axes=[0])
        case(op, [n], f(n, axis=2), "nan", axes=[2])
    ties = np.array([[1.0, 3, 3, 2], [0, -1, -1, 0]])
    for op, f in {"argmax": np.argmax, "argmin": np.argmin}.items():
        case(op, [ties], f(ties, 1), "ties", axis=1)
        case(op, [x], f(x, 0), axis=0)
        case(op, [i], f(i, -1), "integers", axis=-1)
        case(op, [n], f(n, 2), "nan", axis=2)
    case("cumsum", [x], np.cumsum(x, 1), axis=1)
    for exclusive, reverse in ((1, 0), (0, 1), (1, 1)):
        y = ort("CumSum", [x, np.array(-1, np.int64)], exclusive=exclusive, reverse=reverse)
        case("cumsum", [x], y, axis=-1, exclusive=bool(exclusive), reverse=bool(reverse))
    case("cumsum", [i], np.cumsum(i, 0), "integers", axis=0)
    same = {"reduce_mean": lambda v, **k: np.mean(v, **k), "reduce_l1": lambda v, **k: np.sum(np.abs(v), **k),
            "reduce_l2": lambda v, **k: np.sqrt(np.sum(v * v, **k)), "reduce_sumsq": lambda v, **k: np.sum(v * v, **k),
            "reduce_logsumexp": lambda v, **k: np.log(np.sum(np.exp(v), **k))}
    for op, f in same.items():
        case(op, [x], f(x), "all")
        case(op, [x], f(x, axis=(1, 2)), axes=[1, 2])
        case(op, [x], f(x, axis=0, keepdims=True), "keep", axes=[0], keepdims=True)
    big = np.array([[1000.0, 999], [-1000, -1001], [-math.inf, -math.inf]])
    case("reduce_logsumexp", [big], torch.logsumexp(t(big), 1), "large", axes=[1])
    d = distinct(3, 7)
    for k, largest in ((3, True), (2, False), (7, True)):
        order = np.argsort(-d if largest else d, axis=1, kind="stable")[:, :k]
        case("topk_index", [d], order, k=k, axis=1, largest=largest)
        both = ort("TopK", [d, np.array([k], np.int64)], 2, axis=1, largest=int(largest), sorted=1)
        case("topk", [d], both, several=True, k=k, axis=1, largest=largest)
    case("topk_index", [ties], np.argsort(-ties, axis=1, kind="stable")[:, :3], "ties", k=3)
    both = ort("TopK", [ties, np.array([3], np.int64)], 2, axis=-1, largest=1, sorted=1)
    case("topk", [ties], both, "ties", several=True, k=3)
    both = ort("TopK", [d, np.array([2], np.int64)], 2, axis=0, largest=0, sorted=1)
    case("topk", [d], both, "first axis", several=True, k=2, axis=0, largest=False)
    for axis in (-1, 1, 0):
        case("softmax", [x], torch.softmax(t(x), axis), axis=axis)
        case("log_softmax", [x], torch.log_softmax(t(x), axis), axis=axis)
    case("softmax", [x * 400], torch.softmax(t(x * 400), -1), "large")
    case("log_softmax", [x * 400], torch.log_softmax(t(x * 400), -1), "large")


# --- windows and convolutions ----------------------------------------------------------------------------------------
def nhwc(x):
    return np.ascontiguousarray(np.transpose(as_array(x), (0, 2, 3, 1)))


def padded(x, pad, value=0.0):
    top, left, bottom, right = pad
    return F.pad(t(x), (left, right, top, bottom), value=value)


def windows():
    x = rand(1, 2, 7, 6)
    for kernel, stride, pad, dilation in (([2, 2], [2, 2], [0, 0, 0, 0], [1, 1]), ([3, 2], [2, 1], [1, 0, 1, 1], [1, 1]),
                                          ([2, 3], [1, 2], [1, 2, 0, 1], [2, 1])):
        y = F.max_pool2d(padded(x, pad, -math.inf), kernel, stride, 0, dilation)
        case("window_max", [x], y, kernel=kernel, stride=stride, pad=pad, dilation=dilation)
        ones = torch.ones(2, 1, *kernel, dtype=torch.float64)
        s = F.conv2d(padded(x, pad), ones, None, stride, 0, dilation, 2)
        case("window_sum", [x], s, kernel=kernel, stride=stride, pad=pad, dilation=dilation)
        case("window_max", [nhwc(x)], nhwc(y), "last", kernel=kernel, stride=stride, pad=pad, dilation=dilation, channels_last=True)
        case("window_sum", [nhwc(x)], nhwc(s), "last", kernel=kernel, stride=stride, pad=pad, dilation=dilation, channels_last=True)


def panels(w, p):
    """[O,C,KH,KW] to [ceil(O/P), KH*KW*C, P]"""
    o, c, kh, kw = w.shape
    n = -(-o // p)
    flat = np.zeros((n * p, kh * kw * c))
    flat[:o] = w.transpose(0, 2, 3, 1).reshape(o, -1)
    return np.ascontiguousarray(flat.reshape(n, p, -1).transpose(0, 2, 1))


def convolutions():
    sizes = (("plain", (1, 3, 5, 6), (4, 3, 3, 3), [1, 1], [0, 0, 0, 0], [1, 1], 1),
             ("strided", (2, 2, 7, 6), (3, 2, 3, 2), [2, 1], [1, 0, 1, 1], [1, 1], 1),
             ("dilated", (1, 2, 7, 7), (3, 2, 2, 3), [1, 2], [2, 1, 0, 1], [2, 2], 1),
             ("groups", (1, 4, 5, 5), (6, 2, 3, 3), [1, 1], [1, 1, 1, 1], [1, 1], 2),
             ("depthwise", (1, 4, 5, 5), (4, 1, 3, 3), [1, 1], [1, 1, 1, 1], [1, 1], 4))
    for name, xs, ws, stride, pad, dilation, groups in sizes:
        x, w = rand(*xs), rand(*ws)
        y = F.conv2d(padded(x, pad), t(w), None, stride, 0, dilation, groups)
        attrs = dict(stride=stride, pad=pad, dilation=dilation, groups=groups)
        case("conv", [x, w], y, name, **attrs)
        last = np.ascontiguousarray(w.transpose(2, 3, 1, 0))
        case("conv", [nhwc(x), last], nhwc(y), name + " last", channels_last=True, **attrs)
        weight_gradient(name, x, w, pad, attrs)
        if groups == 1:
            kernel = [ws[2], ws[3], ws[0]]
            case("conv", [nhwc(x), panels(w, 2)], nhwc(y), name + " packed", channels_last=True, panel=2, kernel=kernel, **attrs)
        b = rand(ws[0])
        text = " ".join(map(str, pad))
        yb = F.conv2d(padded(x, pad), t(w), t(b), stride, 0, dilation, groups)
        case("conv2d", [x, w, b], yb, name, filters=ws[0], kernel=ws[2:], stride=stride, pad=text, dilation=dilation,
             groups=0 if name == "depthwise" else groups)
    x, w = rand(1, 2, 6, 5), rand(3, 2, 3, 2)
    for auto, pad in (("SAME_UPPER", "same"), ("SAME_LOWER", "same_lower"), ("VALID", "valid")):
        y = ort("Conv", [x, w], auto_pad=auto, strides=[2, 1])
        case("conv2d", [x, w], y, pad, stride=[2, 1], pad=pad, bias=False)
    case("conv2d", [x, w], F.conv2d(t(x), t(w), None, 1, (2, 1)), "two pads", pad="2,1")
    x, w, b = rand(2, 3, 9), rand(4, 3, 3), rand(4)
    case("conv2d", [x, w, b], F.conv1d(t(x), t(w), t(b), 2, 1), "line", kernel=[3], stride=[2], pad="1")
    transposed(rand(1, 3, 3, 4), rand(3, 2, 3, 3), rand(2))
    transposed_line()


def weight_gradient(name, x, w, pad, attrs):
    """PyTorch's gradient of the weights of a convolution."""
    tw = t(w).requires_grad_()
    y = F.conv2d(padded(x, pad), tw, None, attrs["stride"], 0, attrs["dilation"], attrs["groups"])
    dy = (np.arange(y.numel()) * 7 % 61 - 30).reshape(y.shape) / 16
    y.backward(t(dy))
    kernel = [w.shape[2], w.shape[3], w.shape[0]]
    case("conv_dw", [x, dy], tw.grad, name, kernel=kernel, **attrs)
    last = np.ascontiguousarray(as_array(tw.grad).transpose(2, 3, 1, 0))
    case("conv_dw", [nhwc(x), nhwc(dy)], last, name + " last", channels_last=True, kernel=kernel, **attrs)


def transposed(x, w, b):
    op = "conv_transpose2d"
    case(op, [x, w, b], F.conv_transpose2d(t(x), t(w), t(b)), "plain")
    case(op, [x, w, b], F.conv_transpose2d(t(x), t(w), t(b), 2, 1, 1), "strided", stride=[2], pad="1", output_pad=[1])
    y = F.conv_transpose2d(t(x), t(w), t(b), (2, 3), (0, 1), (1, 0), 1, (2, 1))
    case(op, [x, w, b], y, "uneven", stride=[2, 3], pad="0,1", output_pad=[1, 0], dilation=[2, 1])
    x2, w2 = rand(1, 4, 3, 3), rand(4, 3, 2, 2)
    case(op, [x2, w2], F.conv_transpose2d(t(x2), t(w2), None, 2, 0, 0, 2), "groups", stride=[2], groups=2, bias=False)
    case(op, [x2, w2], F.conv_transpose2d(t(x2), t(w2), None, 2), "pixels", stride=[2, 2], bias=False)
    for auto, pad in (("SAME_UPPER", "same"), ("SAME_LOWER", "same_lower")):
        y = ort("ConvTranspose", [x, w], auto_pad=auto, strides=[2, 2])
        case(op, [x, w], y, pad, stride=[2, 2], pad=pad, bias=False)
    y = ort("ConvTranspose", [x, w], strides=[2, 2], output_shape=[6, 8])
    case(op, [x, w], y, "output_shape", stride=[2, 2], output_shape=[6, 8], bias=False)
    y = ort("ConvTranspose", [x, w], strides=[2, 1], pads=[0, 1, 1, 0])
    case(op, [x, w], y, "four pads", stride=[2, 1], pad="0 1 1 0", bias=False)


def transposed_line():
    x, w, b = rand(2, 3, 5), rand(3, 2, 4), rand(2)
    y = F.conv_transpose1d(t(x), t(w), t(b), 2, 1)
    case("conv_transpose2d", [x, w, b], y, "line", stride=[2], pad="1")


def pools():
    x = rand(2, 2, 7, 6)
    for op, f in (("maxpool2d", F.max_pool2d), ("avgpool2d", F.avg_pool2d)):
        case(op, [x], f(t(x), 2), "plain", kernel=[2])
        case(op, [x], f(t(x), (3, 2), (2, 1), (1, 0)) if op == "maxpool2d" else
             f(t(x), (3, 2), (2, 1), (1, 0), count_include_pad=False), "padded", kernel=[3, 2], stride=[2, 1], pad="1,0")
        for ceil in (False, True):
            args = dict(kernel_size=3, stride=2, padding=1, ceil_mode=ceil)
            y = f(t(x), **args) if op == "maxpool2d" else f(t(x), count_include_pad=False, **args)
            case(op, [x], y, f"ceil {ceil}", kernel=[3, 3], stride=[2, 2], pad="1", ceil=ceil)
        line_ = rand(1, 3, 9)
        f1 = F.max_pool1d if op == "maxpool2d" else F.avg_pool1d
        case(op, [line_], f1(t(line_), 3, 2), "line", kernel=[3], stride=[2])
        name = "MaxPool" if op == "maxpool2d" else "AveragePool"
        for auto, pad in (("SAME_UPPER", "same"), ("SAME_LOWER", "same_lower")):
            y = ort(name, [x], kernel_shape=[3, 2], strides=[2, 1], auto_pad=auto)
            case(op, [x], y, pad, kernel=[3, 2], stride=[2, 1], pad=pad)
        y = ort(name, [x], kernel_shape=[2, 3], strides=[2, 2], pads=[0, 1, 1, 0])
        case(op, [x], y, "four pads", kernel=[2, 3], stride=[2, 2], pad="0 1 1 0")
    case("maxpool2d", [x], F.max_pool2d(t(x), 2, 2, 0, 2), "dilated", kernel=[2, 2], dilation=[2])
    for ceil in (False, True):
        y = F.avg_pool2d(t(x), 3, 2, 1, ceil, True)
        case("avgpool2d", [x], y, f"counted {ceil}", kernel=[3, 3], stride=[2, 2], pad="1", ceil=ceil, count_pad=True)
    odd = rand(1, 1, 6, 8)
    case("maxpool2d", [odd], F.max_pool2d(t(odd), 2, 5, 0, 1, True), "ceil far", kernel=[2], stride=[5], ceil=True)
    case("avgpool2d", [odd], F.avg_pool2d(t(odd), 2, 5, 0, True), "ceil far", kernel=[2], stride=[5], ceil=True)
    case("global_avgpool", [x], x.mean((2, 3), keepdims=True))
    case("global_maxpool", [x], x.max((2, 3), keepdims=True))
    case("global_avgpool", [x[:, :, :, 0].copy()], x[:, :, :, 0].mean(2, keepdims=True), "line")
    case("global_maxpool", [x[:, :, :, 0].copy()], x[:, :, :, 0].max(2, keepdims=True), "line")


# --- products --------------------------------------------------------------------------------------------------------
def products():
    x, w = rand(3, 5), rand(5, 4)
    y = x @ w
    case("matmul", [x, w], y)
    case("matmul", [x.T.copy(), w], y, "x transposed", trans_x=True)
    case("matmul", [x, w.T.copy()], y, "w transposed", trans_w=True)
    case("matmul", [x.T.copy(), w.T.copy()], y, "both transposed", trans_x=True, trans_w=True)
    packed = np.zeros((2, 5, 3))
    for n in range(4):
        packed[n // 3, :, n % 3] = w[:, n]
    case("matmul", [x, packed], y, "packed", panel=3, n=4)
    xb, wb = rand(2, 2, 3, 4), rand(2, 2, 4, 5)
    case("matmul", [xb, wb], xb @ wb, "batched")
    case("matmul", [xb, wb.transpose(0, 1, 3, 2).copy()], xb @ wb, "batched transposed", trans_w=True)
    i, j = ints(3, 4), ints(4, 2)
    case("matmul", [i, j], i @ j, "integers")
    for a, b in (((3, 5), (5, 4)), ((5,), (5, 4)), ((3, 5), (5,)), ((5,), (5,)), ((2, 3, 5), (5, 4)), ((2, 3, 5), (2, 5, 4)),
                 ((2, 1, 3, 5), (3, 5, 4)), ((3, 5), (2, 5, 4)), ((5,), (2, 5, 4)), ((2, 3, 5), (5,)), ((1, 2, 3, 5), (1, 1, 5, 2))):
        a, b = rand(*a), rand(*b)
        case("product", [a, b], np.matmul(a, b))
    a, b, c = rand(3, 5), rand(5, 4), rand(4)
    case("gemm", [a, b], a @ b)
    case("gemm", [a, b, c], a @ b + c, "bias")
    case("gemm", [a.T.copy(), b.T.copy(), c], 0.5 * (a @ b) + 2 * c, "all", alpha=0.5, beta=2, trans_a=True, trans_b=True)
    col, one = rand(3, 1), rand()
    case("gemm", [a, b, col], a @ b + col, "column")
    case("gemm", [a, b, one], a @ b - one, "scalar", beta=-1)
    lw, lb = rand(4, 5), rand(4)
    for shape in ((3, 5), (5,), (2, 3, 5)):
        v = rand(*shape)
        case("linear", [v, lw, lb], F.linear(t(v), t(lw), t(lb)), units=4)
        case("linear", [v, lw], F.linear(t(v), t(lw)), units=4, bias=False)
    table = rand(7, 3)
    index = np.array([[0, 6, 2], [3, 3, 1]], np.int64)
    case("embedding", [index, table], table[index], count=7, units=3)
    sums = ("ij,jk->ik", "ij,jk", "bij,bjk->bik", "bhid,bhjd->bhij", "bhij,bhjd->bhid", "ij->ji", "ij->", "ii->i", "ii", "i,i->i",
            "i,j->ij", "i,i", "ij,i->j", "bij,bkj->bik", "...ij,...jk->...ik", "b...i,ij->b...j", "ij,jk,kl->il", "abc,cd,bd->ad",
            "nchw,oc->nohw", "bi,bj->bij", "i,->i", "aab,b->a", "...->...", "ij,kl->ijkl", "ijk,j->ik")
    dims = dict(zip("abcdhijklnow", (2, 3, 4, 2, 2, 3, 4, 2, 5, 2, 3, 4)))
    for equation in sums:
        left = equation.split("->")[0]
        ops = []
        for term in left.split(","):
            shape = []
            for k, letter in enumerate(term.replace("...", ".")):
                shape += [3, 2] if letter == "." else [dims[letter]]
            ops.append(rand(*shape))
        case("einsum", ops, np.einsum(equation, *ops), equation.replace(" ", ""), equation=equation)
    a, b = rand(1, 3, 4), rand(2, 4, 5)
    case("einsum", [a, b], np.einsum("...ij,...jk->...ik", a, b), "repeated", equation="...ij,...jk->...ik")


def winograd():
    """F(4x4,3x3): the input with whole tiles, the weights transformed and in panels."""
    g = np.array([[1 / 4, 0, 0], [-1 / 6, -1 / 6, -1 / 6], [-1 / 6, 1 / 6, -1 / 6],
                  [1 / 24, 1 / 12, 1 / 6], [1 / 24, -1 / 12, 1 / 6], [0, 0, 1]])
    for n, h, wd, c, o, panel in ((1, 4, 4, 2, 3, 4), (2, 5, 7, 3, 4, 2), (1, 8, 3, 1, 1, 1)):
        x, w = rand(n, c, -(-h // 4) * 4 + 2, -(-wd // 4) * 4 + 2), rand(o, c, 3, 3)
        y = F.conv2d(t(x), t(w))[:, :, :h, :wd].numpy()
        u = np.einsum("ai,ocij,bj->abco", g, w, g).reshape(36, c, o)
        blocks = -(-o // panel)
        u = np.pad(u, ((0, 0), (0, 0), (0, blocks * panel - o)))
        u = u.reshape(36, c, blocks, panel).transpose(2, 0, 1, 3)
        case("winograd", [x.transpose(0, 2, 3, 1), u], y.transpose(0, 2, 3, 1), size=[h, wd, o])


def attention():
    q, k, v = rand(2, 2, 3, 4), rand(2, 2, 5, 4), rand(2, 2, 5, 3)
    sdpa = F.scaled_dot_product_attention
    case("attention", [q, k, v], sdpa(t(q), t(k), t(v)))
    case("attention", [q, k, v], sdpa(t(q), t(k), t(v), scale=0.25), "scale", scale=0.25)
    mask = rand(3, 5)
    case("attention", [q, k, v, mask], sdpa(t(q), t(k), t(v), t(mask)), "mask")
    keep = rng.integers(0, 2, (2, 1, 1, 5)).astype(bool)
    keep[..., 0] = True
    case("attention", [q, k, v, keep], sdpa(t(q), t(k), t(v), t(keep)), "bool mask")
    causal = np.tril(np.ones((3, 5), bool), 2)
    case("attention", [q, k, v], sdpa(t(q), t(k), t(v), t(causal)), "causal", causal=True)


# --- normalisation, activations ----------------------------------------------------------------------------------------
def norms():
    x = rand(2, 4, 3, 3)
    s, b, m, v = rand(4), rand(4), rand(4), np.abs(rand(4)) + 0.25
    for shape in ((2, 4, 3, 3), (3, 4), (2, 4, 5)):
        z = rand(*shape)
        y = F.batch_norm(t(z), t(m), t(v), t(s), t(b), eps=1e-3)
        case("batchnorm", [z, s, b, m, v], y, eps=1e-3)
    z, s2, b2 = rand(2, 3, 8), rand(8), rand(8)
    case("layernorm", [z, s2, b2], F.layer_norm(t(z), (8,), t(s2), t(b2)))
    case("layernorm", [z], F.layer_norm(t(z), (8,), eps=1e-2), "bare", eps=1e-2, affine=False)
    s3, b3 = rand(3, 8), rand(3, 8)
    case("layernorm", [z, s3, b3], F.layer_norm(t(z), (3, 8), t(s3), t(b3)), "two dimensions", axis=1)
    case("layernorm", [z, s2], F.layer_norm(t(z), (8,), t(s2)), "scale", axis=2, bias=False)
    case("rmsnorm", [z, s2], F.rms_norm(t(z), (8,), t(s2), 1e-5))
    case("rmsnorm", [z], F.rms_norm(t(z), (3, 8), None, 1e-3), "bare", axis=-2, eps=1e-3)
    case("groupnorm", [x, s, b], F.group_norm(t(x), 2, t(s), t(b)), groups=2)
    case("groupnorm", [x], F.group_norm(t(x), 1), "bare")
    case("groupnorm", [x, s, b], F.instance_norm(t(x), weight=t(s), bias=t(b)), "instance", groups=0)
    for size in (3, 5):
        z = rand(1, 6, 2, 3)
        y = ort("LRN", [z], size=size, alpha=0.5, beta=0.75, bias=2.0)
        case("lrn", [z], y, size=size, alpha=0.5, beta=0.75, bias=2.0)


def activations():
    x = rand(3, 5, low=-6, high=6)
    far = np.array([-100.0, -20, 20, 100, math.nan, 0])
    plain = {"silu": F.silu, "mish": F.mish, "softplus": F.softplus, "softsign": F.softsign, "hard_swish": F.hardswish,
             "selu": F.selu, "gelu": F.gelu}
    for op, f in plain.items():
        case(op, [x], f(t(x)))
        case(op, [far], f(t(far)), "far")
    case("gelu", [x], F.gelu(t(x), approximate="tanh"), "tanh", approximate="tanh")
    case("selu", [x], 3.0 * np.where(x < 0, 2.0 * (np.exp(x) - 1), x), "stated", alpha=2.0, gamma=3.0)
    case("elu", [x], F.elu(t(x), 0.5), alpha=0.5)
    case("elu", [far], F.elu(t(far)), "far")
    case("leaky_relu", [x], F.leaky_relu(t(x), 0.2), alpha=0.2)
    case("hard_sigmoid", [x], np.clip(0.2 * x + 0.5, 0, 1))
    case("hard_sigmoid", [x], F.hardsigmoid(t(x)), "sixth", alpha=1 / 6)
    case("clip", [x], np.clip(x, -1, 2.5), min=-1, max=2.5)
    case("clip", [x], np.maximum(x, 0), "low", min=0)
    i = ints(4, 4)
    case("clip", [i], np.clip(i, -2, 3), "integers", min=-2, max=3)
    case("reciprocal", [x + (x == 0)], 1 / (x + (x == 0)))
    z, slope = rand(2, 3, 4), rand(3)
    case("prelu", [z, slope], F.prelu(t(z), t(slope)), "channels")
    one = rand(1)
    case("prelu", [z, one], F.prelu(t(z), t(one)), "one")
    full = rand(3, 1)
    case("prelu", [z, full], ort("PRelu", [z, full]), "broadcast")
    case("identity", [z], z)
    case("dropout", [z], z, p=0.3)
    case("shape", [z], np.array([2, 3, 4], np.int64))


# --- other spellings of data movement ----------------------------------------------------------------------------------
def small_results():
    """Functions whose results near 0 are the point; NumPy computes them in double precision."""
    near = np.array([0.0, -0.0, 2.0 ** -30, -2.0 ** -30, 2.0 ** -20, -2.0 ** -12, 0.0625, -0.0625, 0.5, -0.5])
    far = np.array([1.0, -1, 2.5, -2.5, 10, -10, 50, 80, math.inf, math.nan])
    for op, f in {"expm1": np.expm1, "log1p": np.log1p, "sinh": np.sinh, "cosh": np.cosh}.items():
        with np.errstate(invalid="ignore", divide="ignore"):
            case(op, [near], f(near), "near")
            case(op, [far], f(far), "far")
            if op != "log1p":
                case(op, [-far], f(-far), "below")


def shapes():
    x = rand(1, 3, 1, 4)
    case("squeeze", [x], x.reshape(3, 4))
    case("squeeze", [x], x.reshape(1, 3, 4), axes=[-2])
    case("unsqueeze", [x[0, :, 0]], x[0, :, 0].reshape(1, 3, 1, 4), axes=[0, 2])
    case("unsqueeze", [x[0, :, 0]], x[0, :, 0].reshape(3, 4, 1), "last", axes=[-1])
    y = rand(2, 3, 4)
    for axis in (0, 1, 2, 3, -1):
        flat = y.reshape(int(np.prod(y.shape[:axis])) if axis >= 0 else 6, -1)
        case("flatten", [y], flat, axis=axis)
    v = rand(3, 1)
    case("expand", [v], np.broadcast_to(v, (2, 3, 4)), shape=[2, 3, 4])
    case("expand", [v], np.broadcast_to(v, (3, 1)), "smaller", shape=[1])
    case("expand", [v], np.broadcast_to(v, (3, 2)), "both", shape=[1, 2])
    case("tile", [y], np.tile(y, (2, 1, 3)), repeats=[2, 1, 3])
    case("split", [y], [y[:, :1], y[:, 1:]], several=True, axis=1, sizes=[1, 2])
    case("split", [y], [y[..., :2], y[..., 2:]], "parts", several=True, axis=-1, parts=2)
    case("split", [y], [y[..., :2], y[..., 2:4]], "uneven", several=True, axis=2, parts=2)
    z = rand(5, 2)
    case("split", [z], [z[:2], z[2:4], z[4:]], "last smaller", several=True, parts=3)
    case("strided_slice", [y], y[0:1, 1:, ::2], starts=[0, 1, 0], ends=[1, 99, 99], steps=[1, 1, 2])
    case("strided_slice", [y], y[:, -2:, 3:0:-1], "backwards", starts=[-2, 3], ends=[9223372036854775807, 0], axes=[1, 2], steps=[1, -1])
    case("strided_slice", [y], y[:, :, ::-1], "reverse", starts=[-1], ends=[-9223372036854775808], axes=[-1], steps=[-1])
    case("strided_slice", [y], y[:, 2:1], "empty", starts=[2], ends=[1], axes=[1])
    case("padding", [y], np.pad(y, ((0, 1), (2, 0), (1, 1)), constant_values=1.5), pads=[0, 2, 1, 1, 0, 1], value=1.5)
    case("padding", [y], np.pad(y, ((0, 0), (0, 0), (2, 1))), "axes", pads=[2, 1], axes=[-1])
    for mode in ("reflect", "edge", "wrap"):
        case("padding", [y], np.pad(y, ((1, 0), (2, 2), (1, 3)), mode=mode), mode, pads=[1, 2, 1, 0, 2, 3], mode=mode)
        case("padding", [y], np.pad(y[:, :, 1:], ((0, 0), (0, 1), (0, 2)), mode=mode), mode + " crop", pads=[0, 0, -1, 0, 1, 2], mode=mode)
    case("range", [], np.arange(2, 11, 3), "integers", start=2, limit=11, delta=3)
    case("range", [], np.arange(5), limit=5)
    case("range", [], np.arange(5, 0, -2, dtype=np.int32), "down", start=5, limit=0, delta=-2, type=Name("i32"))
    case("range", [], np.arange(0.5, 2.0, 0.25), "floats", start=0.5, limit=2, delta=0.25, type=Name("f32"))
    d = rand(1, 8, 2, 3)
    for mode in ("DCR", "CRD"):
        case("depth_to_space", [d], ort("DepthToSpace", [d], blocksize=2, mode=mode), block=2, mode=mode)
    s = rand(1, 2, 4, 6)
    case("space_to_depth", [s], ort("SpaceToDepth", [s], blocksize=2), block=2)
    q = rand(2, 4, 5)
    for k in (0, 1, -2):
        case("trilu", [q], np.triu(q, k), k=k)
        case("trilu", [q], np.tril(q, k), k=k, upper=False)
    index = np.array([[0, 2, -1], [1, 5, -4]], np.int64)
    for axis in (-1, 0, 1):
        y = ort("OneHot", [index, np.array(4, np.int64), np.array([-1, 2], np.float32)], axis=axis)
        case("onehot", [index], y, depth=4, axis=axis, on=2, off=-1)


def resizes():
    x = rand(1, 2, 4, 5)
    roi, none = None, None
    for mode in ("nearest", "linear", "cubic"):
        for coordinates in ("half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric", "half_pixel_symmetric"):
            sizes = np.array([1, 2, 7, 3], np.int64)
            y = ort("Resize", [x, roi, none, sizes], mode=mode, coordinate_transformation_mode=coordinates, cubic_coeff_a=-0.75)
            case("resize", [x], y, f"{mode} {coordinates}", size=[7, 3], mode=mode, coordinates=coordinates)
    for rounding in ("round_prefer_floor", "round_prefer_ceil", "floor", "ceil"):
        scales = np.array([1, 1, 2, 0.6], np.float32)
        y = ort("Resize", [x, roi, scales], mode="nearest", coordinate_transformation_mode="half_pixel", nearest_mode=rounding)
        case("resize", [x], y, rounding, scale=[2.0, 0.6], nearest=rounding)
    y = ort("Resize", [x, roi, np.array([1, 1, 2, 2], np.float32)], mode="nearest", coordinate_transformation_mode="asymmetric",
            nearest_mode="floor")
    case("resize", [x], y, "twice", scale=[1, 1, 2, 2], coordinates="asymmetric", nearest="floor")
    case("resize", [x], F.interpolate(t(x), (8, 9), mode="bilinear"), "bilinear", size=[8, 9], mode="linear")
    case("resize", [x], F.interpolate(t(x), (8, 9), mode="bicubic"), "bicubic", size=[8, 9], mode="cubic")
    case("resize", [x], F.interpolate(t(x), (8, 9), mode="bilinear", align_corners=True), "corners", size=[1, 2, 8, 9], mode="linear",
         coordinates="align_corners")
    line_ = rand(1, 2, 5)
    case("resize", [line_], F.interpolate(t(line_), 8, mode="linear"), "line", size=[8], mode="linear")
    one = rand(1, 1, 1, 3)
    y = ort("Resize", [one, roi, none, np.array([1, 1, 2, 1], np.int64)], mode="linear", coordinate_transformation_mode="pytorch_half_pixel")
    case("resize", [one], y, "single", size=[2, 1], mode="linear", coordinates="pytorch_half_pixel")


# --- recurrent layers ----------------------------------------------------------------------------------------------------
def recurrent():
    steps, batch, features, hidden = 3, 2, 3, 2
    x = rand(steps, batch, features)
    for op, name, gates in (("lstm", "LSTM", 4), ("gru", "GRU", 3), ("rnn", "RNN", 1)):
        for direction in ("forward", "reverse", "bidirectional"):
            d = 2 if direction == "bidirectional" else 1
            w, r = rand(d, gates * hidden, features, low=-1, high=1), rand(d, gates * hidden, hidden, low=-1, high=1)
            b = rand(d, 2 * gates * hidden, low=-1, high=1)
            h0, c0 = rand(d, batch, hidden), rand(d, batch, hidden)
            extra = dict(linear_before_reset=1) if op == "gru" else {}
            outs = 3 if op == "lstm" else 2
            state = [h0, c0] if op == "lstm" else [h0]
            ys = ort(name, [x, w, r, b, None] + state, outs, hidden_size=hidden, direction=direction, **extra)
            case(op, [x, w, r, b] + state, ys, direction, several=True, hidden=hidden, direction=direction)
            ys = ort(name, [x, w, r], outs, hidden_size=hidden, direction=direction, **extra)
            case(op, [x, w, r], ys, direction + " bare", several=True, hidden=hidden, direction=direction)
            ys = ort(name, [x, w, r, None, None] + state[:1], outs, hidden_size=hidden, direction=direction, **extra)
            case(op, [x, w, r] + state[:1], ys, direction + " without bias", several=True, left_out=(3,), hidden=hidden, direction=direction)
    w, r = rand(1, 3 * hidden, features, low=-1, high=1), rand(1, 3 * hidden, hidden, low=-1, high=1)
    b = rand(1, 6 * hidden, low=-1, high=1)
    ys = ort("GRU", [x, w, r, b], 2, hidden_size=hidden, linear_before_reset=0)
    case("gru", [x, w, r, b], ys, "reset before", several=True, hidden=hidden, linear_before_reset=False)
    torch_lstm()


def torch_lstm():
    """PyTorch's layer, batch first; its gate order i f g o becomes i o f g."""
    layer = torch.nn.LSTM(3, 2, batch_first=True).double()
    x = rand(2, 4, 3)
    params = {}
    for name, p in layer.named_parameters():
        value = rand(*p.shape, low=-1, high=1)
        p.data = t(value)
        i, f, g, o = np.split(value, 4)
        params[name] = np.concatenate([i, o, f, g])
    y, (h, c) = layer(t(x))
    b = np.concatenate([params["bias_ih_l0"], params["bias_hh_l0"]])[None]
    outs = [y.detach().numpy()[:, :, None, :], h.detach().numpy().transpose(1, 0, 2), c.detach().numpy().transpose(1, 0, 2)]
    case("lstm", [x, params["weight_ih_l0"][None], params["weight_hh_l0"][None], b], outs, "pytorch", several=True, hidden=2, batch_first=True)


def optimiser_step(make, p, g, rate, state, names):
    """The parameter and what is remembered after one step that begins with this state."""
    q = torch.nn.Parameter(t(p).clone())
    q.grad = t(g).clone()
    o = make([q], float(rate))
    o.state[q].update(state)
    o.step()
    return [q.detach().numpy()] + [o.state[q][n].numpy() for n in names]


def optimisers():
    p, g, m, rate = rand(3, 5), rand(3, 5), rand(3, 5), np.array(0.125)
    v, step = np.abs(rand(3, 5)), np.array(4.0)
    for decay in (0.0, 0.25):
        y = optimiser_step(lambda q, lr: torch.optim.SGD(q, lr, weight_decay=decay), p, g, rate, {}, [])[0]
        case("sgd", [p, g, rate], y, weight_decay=decay)
        for nesterov in (False, True):
            both = optimiser_step(lambda q, lr: torch.optim.SGD(q, lr, momentum=0.75, nesterov=nesterov, weight_decay=decay), p, g,
                                  rate, {"momentum_buffer": t(m).clone()}, ["momentum_buffer"])
            case("momentum", [p, g, m, rate], both, several=True, momentum=0.75, nesterov=nesterov, weight_decay=decay)
        for op, kind in (("adam", torch.optim.Adam), ("adamw", torch.optim.AdamW)):
            state = {"step": torch.tensor(3.0), "exp_avg": t(m).clone(), "exp_avg_sq": t(v).clone()}
            all3 = optimiser_step(lambda q, lr: kind(q, lr, betas=(0.875, 0.96875), eps=0.0078125, weight_decay=decay), p, g, rate,
                                  state, ["exp_avg", "exp_avg_sq"])
            case(op, [p, g, m, v, rate, step], all3, several=True, beta1=0.875, beta2=0.96875, eps=0.0078125, weight_decay=decay)


# --- training -----------------------------------------------------------------------------------------------------------
def losses():
    scores, label = rand(4, 5), np.array([3, 0, 4, 1], np.int64)
    case("cross_entropy", [scores, label], F.cross_entropy(t(scores), t(label)))
    case("cross_entropy", [scores * 400, label], F.cross_entropy(t(scores * 400), t(label)), "large")
    case("cross_entropy", [scores, label], F.cross_entropy(t(scores), t(label), label_smoothing=0.25), "smoothed", label_smoothing=0.25)
    case("cross_entropy", [scores, label], F.cross_entropy(t(scores), t(label), ignore_index=4, label_smoothing=0.125), "one does not count",
         ignore_index=4, label_smoothing=0.125)
    image, label = rand(2, 3, 2, 4), ints(2, 2, 4, low=0, high=3)
    label[0, 1, 2] = -100
    case("cross_entropy", [image, label], F.cross_entropy(t(image), t(label)), "pixels")
    last, label = rand(2, 4, 3), ints(2, 4, low=0, high=3, dtype=np.int32)
    case("cross_entropy", [last, label], F.cross_entropy(t(last).movedim(-1, 1), t(label).long()), "classes last", axis=-1)
    a, b = rand(3, 4), rand(3, 4)
    case("mse", [a, b], F.mse_loss(t(a), t(b)))


def sums_by_index():
    where, new = np.array([[2], [0], [2], [2], [1]], np.int64), rand(5, 4)
    sums = t(rand(3, 4))
    case("scatter_nd", [sums, where, new], sums.index_add(0, t(where)[:, 0], t(new)), "repeated rows", add=True)
    where, new = np.array([[1, 2], [0, 3], [1, 2]], np.int64), rand(3)
    case("scatter_nd", [sums, where, new], sums.index_put((t(where)[:, 0], t(where)[:, 1]), t(new), accumulate=True), "repeated elements",
         add=True)


def winograd_tiles():
    """Its factors: B^T x B of the input's tiles, A dy A^T of the gradient's."""
    bt = np.array([[4, 0, -5, 0, 1, 0], [0, -4, -4, 1, 1, 0], [0, 4, -4, -1, 1, 0], [0, -2, -1, 2, 1, 0], [0, 2, -1, -2, 1, 0],
                   [0, 4, 0, -5, 0, 1]])
    a = np.array([[1, 0, 0, 0], [1, 1, 1, 1], [1, -1, 1, -1], [1, 2, 4, 8], [1, -2, 4, -8], [0, 0, 0, 1]])
    for n, th, tw, c in ((1, 1, 1, 2), (2, 2, 3, 3)):
        for m, size in ((bt, 6), (a, 4)):
            x = rand(n, th * 4 + size - 4, tw * 4 + size - 4, c)
            tiles = np.stack([x[i, 4 * y:4 * y + size, 4 * z:4 * z + size] for i in range(n) for y in range(th) for z in range(tw)])
            case("winograd_tiles", [x], np.einsum("ai,tijc,bj->abtc", m, tiles, m).reshape(36, n * th * tw, c), gradient=size == 4)
    x, w = rand(2, 3, 10, 6), rand(5, 3, 3, 3)
    y = F.conv2d(t(x), t(w))[:, :, :7, :3].numpy()
    case("winograd", [x.transpose(0, 2, 3, 1), w.transpose(2, 3, 1, 0)], y.transpose(0, 2, 3, 1), size=[7, 3, 5], plain=True)


def philox(counter, key):
    """One block of Philox4x32-10, as Random123 defines it."""
    c, k = list(counter), list(key)
    for _ in range(10):
        x, y = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [(y >> 32) ^ c[1] ^ k[0], y & 0xFFFFFFFF, (x >> 32) ^ c[3] ^ k[1], x & 0xFFFFFFFF]
        k = [(k[0] + 0x9E3779B9) & 0xFFFFFFFF, (k[1] + 0xBB67AE85) & 0xFFFFFFFF]
    return c


assert philox([0] * 4, [0] * 2) == [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]
assert philox([0xFFFFFFFF] * 4, [0xFFFFFFFF] * 2) == [0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD]


def random_words(seed, step, stream, *shape):
    n = int(np.prod(shape))
    words = [philox([b, 0, stream, step & 0xFFFFFFFF], [seed & 0xFFFFFFFF, seed >> 32 & 0xFFFFFFFF]) for b in range((n + 3) // 4)]
    return np.array(sum(words, [])[:n], np.int64).reshape(shape)


def training():
    for seed, step, stream, shape in ((0, 0, 0, (4,)), (7, 3, 2, (3, 5)), (-2, 1 << 33, 1, (2, 3, 3)), (1 << 40, 5, 0xFFFFFFFF, (9,))):
        case("random_bits", [np.array(seed), np.array(step)], random_words(seed, step, stream, *shape), shape=list(shape), stream=stream)
    x = rand(4, 9)
    for p in (0.25, 0.0, 1.0):
        keep = random_words(7, 3, 2, 4, 9) >= p * 2.0 ** 32
        y = x if p == 0 else np.where(keep, x / (1 - p), 0.0) if p < 1 else x * 0
        case("dropout_train", [x, np.array(7), np.array(3)], y, p=p, stream=2)
    for shape in ((2, 4, 3, 3), (3, 4), (2, 4, 5)):
        z, s, b = rand(*shape) + 3, rand(4), rand(4)
        case("batchnorm_train", [z, s, b], F.batch_norm(t(z), None, None, t(s), t(b), True, eps=1e-3), eps=1e-3)


def main():
    torch.manual_seed(1)
    for group in (elementwise, movement, reductions, windows, convolutions, pools, products, winograd, attention, norms, activations, small_results, shapes,
                  resizes, recurrent, optimisers, losses, sums_by_index, training, winograd_tiles):
        group()
    if "split" in files:
        files["get"] = files["split"][:1]
    os.makedirs(OUT, exist_ok=True)
    for op, cases in sorted(files.items()):
        with open(os.path.join(OUT, op + ".txt"), "w", encoding="ascii") as f:
            f.write("".join(cases))
    size = sum(os.path.getsize(os.path.join(OUT, n)) for n in os.listdir(OUT))
    print(f"{len(files)} operators, {sum(map(len, files.values()))} cases; {size // 1024} KiB in all")


main()
