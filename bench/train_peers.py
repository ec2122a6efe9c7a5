#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A step of training against PyTorch: eager (channels last, fused optimiser) and torch.compile, fp32, interleaved.

    build/venv/bin/python bench/train_peers.py [--lib build/libburin.so] [--threads 2] [--rounds 5] [--models mlp,resnet18] [--no-compile]

Prints the least time of a step of each, and the ratio to Burin's (above 1: Burin is faster). With --profile N instead: the N kernels
of Burin's step that take longest, and the sum for each kind."""
import argparse
import ctypes as C
import os
import tempfile
import time

import torch
import torch.nn as nn
import torch.nn.functional as F

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
TRAINING = """<training loss="loss"> <input id="label" type="i64" shape="N"/> <cross_entropy id="loss" in="fc label"/>
 <momentum lr="0.01"/> </training></graph>"""


# --- models, as XML and in PyTorch ------------------------------------------------------------------------------------
def mlp_xml():
    layers = "".join(f'<linear id="l{i}" units="512"/> <relu id="r{i}"/>' for i in (1, 2))
    return f'<graph name="mlp" xmlns="urn:burin:graph:1"><input id="x" type="f32" shape="N,784"/>{layers}<linear id="fc" units="10"/>' \
           f'<output id="y" in="fc"/>{TRAINING}'


def mlp_torch():
    return nn.Sequential(nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 10))


def resnet_xml():
    def conv(id, src, n, stride, kernel=3):
        return f'<conv2d id="{id}" in="{src}" filters="{n}" kernel="{kernel}" stride="{stride}" pad="{kernel // 2}" bias="0"/>' \
               f'<batchnorm id="{id}b"/>'
    out, last, width = conv("stem", "x", 64, 1) + '<relu id="stemr"/>', "stemr", 64
    for stage, n in enumerate((64, 128, 256, 512)):
        for block in range(2):
            stride, name = 2 if stage and not block else 1, f"s{stage}b{block}"
            out += conv(name + "a", last, n, stride) + f'<relu id="{name}ar"/>' + conv(name + "c", name + "ar", n, 1)
            if stride != 1 or width != n:
                out += conv(name + "d", last, n, stride, 1)
                last = name + "db"
            out += f'<add id="{name}s" in="{name}cb {last}"/> <relu id="{name}r"/>'
            last, width = name + "r", n
    return f'<graph name="resnet" xmlns="urn:burin:graph:1"><input id="x" type="f32" shape="N,3,32,32"/>{out}' \
           f'<global_avgpool id="gap"/> <flatten id="flat"/> <linear id="fc" units="10"/><output id="y" in="fc"/>{TRAINING}'


class Block(nn.Module):
    def __init__(self, c, n, stride):
        super().__init__()
        self.a, self.ab = nn.Conv2d(c, n, 3, stride, 1, bias=False), nn.BatchNorm2d(n)
        self.c, self.cb = nn.Conv2d(n, n, 3, 1, 1, bias=False), nn.BatchNorm2d(n)
        self.short = nn.Sequential(nn.Conv2d(c, n, 1, stride, bias=False), nn.BatchNorm2d(n)) if stride != 1 or c != n else nn.Identity()

    def forward(self, x):
        return F.relu(self.cb(self.c(F.relu(self.ab(self.a(x))))) + self.short(x))


def resnet_torch():
    blocks, c = [], 64
    for stage, n in enumerate((64, 128, 256, 512)):
        for block in range(2):
            blocks.append(Block(c, n, 2 if stage and not block else 1))
            c = n
    return nn.Sequential(nn.Conv2d(3, 64, 3, 1, 1, bias=False), nn.BatchNorm2d(64), nn.ReLU(), *blocks, nn.AdaptiveAvgPool2d(1),
                         nn.Flatten(), nn.Linear(512, 10))


MODELS = {"mlp": (mlp_xml, mlp_torch, 128, (784,)), "resnet18": (resnet_xml, resnet_torch, 32, (3, 32, 32))}


# --- Burin, through its C interface -----------------------------------------------------------------------------------
class Tensor(C.Structure):
    _fields_ = [("data", C.c_void_p), ("device", C.c_int32 * 2), ("ndim", C.c_int32), ("code", C.c_uint8), ("bits", C.c_uint8),
                ("lanes", C.c_uint16), ("shape", C.POINTER(C.c_int64)), ("strides", C.c_void_p), ("offset", C.c_uint64)]


class Error(C.Structure):
    _fields_ = [("size", C.c_uint32), ("status", C.c_int32), ("line", C.c_int32), ("column", C.c_int32), ("code", C.c_uint32),
                ("file", C.c_char * 256), ("message", C.c_char * 512), ("hint", C.c_char * 256)]


class Kernel(C.Structure):
    _fields_ = [("size", C.c_uint32), ("kernel", C.c_char_p), ("kind", C.c_char_p), ("ids", C.c_char_p), ("calls", C.c_uint64),
                ("ns", C.c_uint64), ("flops", C.c_uint64), ("bytes", C.c_uint64)]


def tensor(t, code):
    shape = (C.c_int64 * t.dim())(*t.shape)
    return Tensor(t.data_ptr(), (C.c_int32 * 2)(1, 0), t.dim(), code, t.element_size() * 8, 1, shape, None, 0)


def burin_step(lib, xml, threads, x, label):
    err, opts, graph, trainer = Error(size=C.sizeof(Error)), C.c_void_p(), C.c_void_p(), C.c_void_p()

    def check(status):
        if status:
            raise SystemExit(f"burin: {err.message.decode()} {err.hint.decode()}")
    check(lib.burin_opts_new(C.byref(opts), C.byref(err)))
    for k, v in (("size", "1"), ("model-weights", "init:seed=1"), ("threads", str(threads)), ("target.cpu", "native")):
        check(lib.burin_opts_set(opts, k.encode(), v.encode(), C.byref(err)))
    with tempfile.NamedTemporaryFile("w", suffix=".xml") as f:
        f.write(xml)
        f.flush()
        check(lib.burin_read(C.byref(graph), f.name.encode(), opts, None, C.byref(err)))
    check(lib.burin_trainer_new(C.byref(trainer), graph, opts, None, C.byref(err)))
    batch, loss = (Tensor * 2)(tensor(x, 2), tensor(label, 0)), (C.c_double * 1)()

    def step():
        check(lib.burin_train_step(trainer, C.c_double(0.01), batch, C.c_size_t(2), loss, C.c_size_t(1), C.byref(err)))
        return loss[0]

    def profile():
        """The times of one step, kernel by kernel."""
        rows, told = [], C.CFUNCTYPE(None, C.c_void_p, C.POINTER(Kernel))
        check(lib.burin_trainer_profile(trainer, None, None, C.byref(err)))
        step()
        take = told(lambda _, k: rows.append((k[0].kind.decode(), k[0].ids.decode(), k[0].ns, k[0].flops, k[0].bytes)))
        check(lib.burin_trainer_profile(trainer, take, None, C.byref(err)))
        return rows
    step.profile = profile
    return step


def print_profile(step, top, runs=5):
    seen = [step.profile() for _ in range(runs)]
    rows = [(k[0], k[1], min(run[i][2] for run in seen) * 1e-6, k[3], k[4]) for i, k in enumerate(seen[0])]
    total, kinds = sum(r[2] for r in rows), {}
    for kind, ids, ms, flops, bytes in rows:
        sums = kinds.setdefault(kind, [0, 0, 0, 0])
        for i, value in enumerate((1, ms, flops, bytes)):
            sums[i] += value
    print(f"{len(rows)} kernels, {total:.1f} ms (the least of {runs} runs for each)")
    for kind, (n, ms, flops, bytes) in sorted(kinds.items(), key=lambda k: -k[1][1]):
        print(f"{100 * ms / total:5.1f} % {ms:9.3f} ms {flops / ms * 1e-6:8.1f} GFLOP/s {bytes / ms * 1e-6:7.1f} GB/s  {kind:10} {n} kernels")
    print()
    for kind, ids, ms, flops, bytes in sorted(rows, key=lambda r: -r[2])[:top]:
        print(f"{100 * ms / total:5.1f} % {ms:9.3f} ms {flops / ms * 1e-6:8.1f} GFLOP/s {bytes / ms * 1e-6:7.1f} GB/s  {kind:10} {ids[:70]}")


# --- PyTorch ----------------------------------------------------------------------------------------------------------
def torch_step(model, x, label, compiled):
    model = model.to(memory_format=torch.channels_last)
    x = x.contiguous(memory_format=torch.channels_last) if x.dim() == 4 else x
    optimiser = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9, fused=True)
    forward = torch.compile(model) if compiled else model

    def step():
        optimiser.zero_grad(set_to_none=True)
        loss = F.cross_entropy(forward(x), label)
        loss.backward()
        optimiser.step()
        return loss.item()
    return step


def least(step, seconds):
    best, end = 1e9, time.perf_counter() + seconds
    while time.perf_counter() < end:
        start = time.perf_counter()
        step()
        best = min(best, time.perf_counter() - start)
    return best


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--lib", default=os.path.join(ROOT, "build", "libburin.so"))
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--rounds", type=int, default=5)
    p.add_argument("--seconds", type=float, default=1)
    p.add_argument("--models", default="mlp,resnet18")
    p.add_argument("--no-compile", action="store_true")
    p.add_argument("--profile", type=int, default=0, metavar="N")
    a = p.parse_args()
    torch.set_num_threads(a.threads)
    lib = C.CDLL(a.lib)
    for name in a.models.split(","):
        xml, net, batch, shape = MODELS[name]
        torch.manual_seed(1)
        x, label = torch.randn(batch, *shape), torch.randint(0, 10, (batch,))
        burin = burin_step(lib, xml(), a.threads, x, label)
        if a.profile:
            burin()
            print_profile(burin, a.profile)
            continue
        steps = {"burin": burin, "eager": torch_step(net(), x, label, False)}
        if not a.no_compile:
            steps["compile"] = torch_step(net(), x, label, True)
        times = {k: 1e9 for k in steps}
        for k in steps:
            steps[k]()
        for _ in range(a.rounds):
            for k, step in steps.items():
                times[k] = min(times[k], least(step, a.seconds))
        text = "  ".join(f"{k} {v * 1e3:.3f} ms ({v / times['burin']:.2f}x)" for k, v in times.items())
        print(f"{name:10} batch {batch}, {a.threads} threads: {text}", flush=True)


main()
