#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Reference gradients of small models, computed by PyTorch in double precision.

Writes tests/data/grad/<model>.txt, which tests/conform/conform_models.c compares with. Run it in the environment of
bench/setup_venv.sh:  build/venv/bin/python bench/make_grad_reference.py

A file has the form of tests/reference.h: the inputs are the data and all parameters, the graph's one result is the loss; the results
listed are the loss and then its gradient for each floating-point input, in the order of the inputs."""
import os

import numpy as np
import torch
import torch.nn.functional as F

from reference_text import as_array, line, type_text

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
OUT = os.path.join(ROOT, "tests", "data", "grad")
rng = np.random.default_rng(20240907)


class Var:
    def __init__(self, name, value):
        self.name, self.value = name, value


class Model:
    """A graph in the text form, and its values beside it."""

    def __init__(self):
        self.inputs, self.lines = [], []

    def data(self, array):
        value = torch.tensor(array)
        if value.is_floating_point():
            value = value.float().double().requires_grad_()
        self.inputs.append(Var(f"%x{len(self.inputs)}", value))
        return self.inputs[-1]

    def normal(self, *shape, scale=1.0, mean=0.0):
        return self.data(rng.standard_normal(shape) * scale + mean)

    def whole(self, high, *shape):
        return self.data(rng.integers(0, high, shape))

    def op(self, op, ins, value, **attrs):
        record = ", ".join(f"{k}={self.attr(v)}" for k, v in attrs.items())
        record = f" {{{record}}}" if record else ""
        out = Var(f"%v{len(self.lines)}", value)
        self.lines.append(f"  {out.name} = {op} {', '.join(v.name for v in ins)}{record} : {type_text(as_array(value))}\n")
        return out

    @staticmethod
    def attr(v):
        if isinstance(v, bool):
            return "yes" if v else "no"
        if isinstance(v, (list, tuple)):
            return "[" + ", ".join(map(str, v)) + "]"
        return f'"{v}"' if isinstance(v, str) else str(v)

    def write(self, name, loss):
        loss.value.backward()
        ports = ", ".join(f"{v.name}: {type_text(as_array(v.value))}" for v in self.inputs)
        text = f"case {name}\ngraph @{name}({ports}) {{\n" + "".join(self.lines) + f"  return {loss.name} as loss\n}}\n"
        text += "".join(line("in", as_array(v.value)) for v in self.inputs)
        text += line("out", as_array(loss.value))
        text += "".join(line("out", as_array(v.value.grad)) for v in self.inputs if v.value.requires_grad)
        os.makedirs(OUT, exist_ok=True)
        with open(os.path.join(OUT, name + ".txt"), "w", encoding="ascii") as f:
            f.write(text)
        print(f"{name}: {len(text) // 1024} KiB")


# --- layers ---------------------------------------------------------------------------------------------------------
def linear(m, x, units, bias=True):
    features = x.value.shape[-1]
    w = m.normal(units, features, scale=features ** -0.5)
    if not bias:
        return m.op("linear", [x, w], F.linear(x.value, w.value), bias=False)
    b = m.normal(units, scale=0.1)
    return m.op("linear", [x, w, b], F.linear(x.value, w.value, b.value))


def layernorm(m, x):
    n = x.value.shape[-1]
    scale, shift = m.normal(n, scale=0.2, mean=1), m.normal(n, scale=0.2)
    return m.op("layernorm", [x, scale, shift], F.layer_norm(x.value, (n,), scale.value, shift.value))


def add(m, x, y):
    return m.op("add", [x, y], x.value + y.value)


def conv(m, x, filters, kernel, pad, stride=1, groups=1, bias=True):
    channels = x.value.shape[1] // groups
    w = m.normal(filters, channels, kernel, kernel, scale=(channels * kernel * kernel) ** -0.5)
    b = [m.normal(filters, scale=0.1)] if bias else []
    y = F.conv2d(x.value, w.value, b[0].value if bias else None, stride, pad, 1, groups)
    return m.op("conv2d", [x, w] + b, y, stride=[stride], pad=str(pad), groups=groups, bias=bias)


def batchnorm(m, x):
    n = x.value.shape[1]
    scale, shift = m.normal(n, scale=0.2, mean=1), m.normal(n, scale=0.2)
    y = F.batch_norm(x.value, None, None, scale.value, shift.value, training=True)
    return m.op("batchnorm_train", [x, scale, shift], y)


def relu(m, x):
    return m.op("relu", [x], torch.relu(x.value))


# --- models ---------------------------------------------------------------------------------------------------------
def mlp():
    m = Model()
    x, label = m.normal(8, 12), m.whole(10, 8)
    h = relu(m, linear(m, x, 16))
    h = m.op("tanh", [h], torch.tanh(h.value))
    y = linear(m, h, 10)
    m.write("mlp", m.op("cross_entropy", [y, label], F.cross_entropy(y.value, label.value)))


def heads(m, x, count):
    b, t, d = x.value.shape
    x = m.op("reshape", [x], x.value.reshape(b, t, count, d // count), shape=[b, t, count, d // count])
    return m.op("transpose", [x], x.value.permute(0, 2, 1, 3), perm=[0, 2, 1, 3])


def self_attention(m, x):
    b, t, d = x.value.shape
    q, k, v = (heads(m, linear(m, x, d, bias), 2) for bias in (True, False, True))  # keys' bias changes nothing
    a = m.op("attention", [q, k, v], F.scaled_dot_product_attention(q.value, k.value, v.value, is_causal=True), causal=True)
    a = m.op("transpose", [a], a.value.permute(0, 2, 1, 3), perm=[0, 2, 1, 3])
    a = m.op("reshape", [a], a.value.reshape(b, t, d), shape=[b, t, d])
    return linear(m, a, d)


def transformer():
    m = Model()
    token, following, table = m.whole(11, 2, 6), m.whole(11, 2, 6), m.normal(11, 8)
    x = m.op("embedding", [token, table], F.embedding(token.value, table.value))
    x = add(m, x, self_attention(m, layernorm(m, x)))
    h = linear(m, layernorm(m, x), 16)
    h = m.op("gelu", [h], F.gelu(h.value))
    x = add(m, x, linear(m, h, 8))
    y = linear(m, layernorm(m, x), 11)
    loss = F.cross_entropy(y.value.movedim(-1, 1), following.value, label_smoothing=0.1)
    m.write("transformer", m.op("cross_entropy", [y, following], loss, axis=-1, label_smoothing=0.1))


def cnn():
    m = Model()
    x, label = m.normal(3, 2, 9, 9), m.whole(5, 3)
    h = conv(m, x, 6, 3, 1)
    scale, shift = m.normal(6, scale=0.2, mean=1), m.normal(6, scale=0.2)
    h = m.op("groupnorm", [h, scale, shift], F.group_norm(h.value, 2, scale.value, shift.value), groups=2)
    h = relu(m, h)
    h = m.op("maxpool2d", [h], F.max_pool2d(h.value, 2), kernel=[2])
    h = relu(m, batchnorm(m, conv(m, h, 6, 3, 1, stride=2, groups=3, bias=False)))
    h = add(m, relu(m, conv(m, h, 6, 1, 0)), h)
    h = m.op("avgpool2d", [h], F.avg_pool2d(h.value, 2), kernel=[2])
    h = m.op("flatten", [h], h.value.flatten(1))
    y = linear(m, h, 5)
    m.write("cnn", m.op("cross_entropy", [y, label], F.cross_entropy(y.value, label.value)))


mlp()
transformer()
cnn()
