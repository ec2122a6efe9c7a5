#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""TopK and CumSum beside ONNX Runtime, by one thread each: how many times its time Burin takes.

    order.py [--burin FILE] [--rounds N]

The two take turns; the least time of all turns counts on both sides, so that
a disturbance of the machine costs none.  Results are compared exactly (CumSum
of whole numbers, and TopK also with NaN among its input).  The exit status is
1 when a result differs or a goal is missed: at most GOAL times ONNX Runtime.
"""

import argparse
import os
import sys
import tempfile
import time

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper

from harness import ROOT, Artifact, aligned_array, burin_command

GOAL = 5.0


def model(nodes, n, outputs, initializers):
    value = helper.make_tensor_value_info
    graph = helper.make_graph(nodes, "order", [value("x", TensorProto.FLOAT, [1, n])],
                              [value(name, t, shape) for name, t, shape in outputs], initializers)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def topk(k, n):
    count = helper.make_tensor("k", TensorProto.INT64, [1], [k])
    return model([helper.make_node("TopK", ["x", "k"], ["v", "i"])], n,
                 [("v", TensorProto.FLOAT, [1, k]), ("i", TensorProto.INT64, [1, k])], [count])


def cumsum(n):
    axis = helper.make_tensor("axis", TensorProto.INT64, [], [1])
    return model([helper.make_node("CumSum", ["x", "axis"], ["y"])], n, [("y", TensorProto.FLOAT, [1, n])], [axis])


def rows():
    """Name, model, input."""
    r = np.random.default_rng(7)
    for k, n in ((300, 8400), (100, 40000), (1000, 1000), (300, 672000)):
        x = r.standard_normal((1, n)).astype(np.float32)
        yield f"TopK {k} of {n}", topk(k, n), x
        yield f"TopK {k} of {n}, ascending", topk(k, n), np.sort(x)
        yield f"TopK {k} of {n}, few values", topk(k, n), np.round(x)
    yield "CumSum of 100000", cumsum(100000), r.integers(-50, 50, (1, 100000)).astype(np.float32)


def least(calls, rounds):
    best = [float("inf")] * len(calls)
    for _ in range(rounds):
        for i, call in enumerate(calls):
            start = time.perf_counter()
            call()
            best[i] = min(best[i], time.perf_counter() - start)
    return best


def measure(options, folder, name, proto, x):
    path, library = os.path.join(folder, "m.onnx"), os.path.join(folder, f"m{len(os.listdir(folder))}.so")
    onnx.save(proto, path)
    burin_command(options.burin, ["compile", path, "-o", library])
    session_options = onnxruntime.SessionOptions()
    session_options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, session_options, providers=["CPUExecutionProvider"])
    ours, given = Artifact(library), aligned_array(x.shape, x.dtype)
    given[...] = x
    want = session.run(None, {"x": x})
    got = {o.name: aligned_array(w.shape, w.dtype) for o, w in zip(session.get_outputs(), want)}
    call = ours.bind({"x": given}, got)
    call()
    wrong = not all(np.array_equal(got[o.name], w) for o, w in zip(session.get_outputs(), want))
    mine, other = least([call, lambda: session.run(None, {"x": x})], options.rounds)
    missed = mine > GOAL * other
    print(f"{name:34} {mine * 1e6:10.1f} us {other * 1e6:10.1f} us {mine / other:8.2f} times"
          f"{'  MISSED' if missed else ''}{'  WRONG' if wrong else ''}", flush=True)
    return missed or wrong


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--burin", default=os.path.join(ROOT, "build", "burin"))
    p.add_argument("--rounds", type=int, default=50)
    options = p.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        bad = [measure(options, folder, *row) for row in rows()]
    return any(bad)


if __name__ == "__main__":
    sys.exit(main())
