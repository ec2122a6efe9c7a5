# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What the scripts here share: cases of the zoo, the command `burin`, and compiled models called through their headers."""

import ctypes
import json
import math
import mmap
import os
import re
import subprocess

import numpy as np

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
DTYPES = {"f32": "float32", "f64": "float64", "f16": "float16", "i8": "int8", "u8": "uint8", "i16": "int16",
          "i32": "int32", "i64": "int64", "bool": "bool"}


class Failure(Exception):
    """A step that did not work, with one line that says why."""


def aligned_array(shape, dtype, alignment=64):
    dtype = np.dtype(dtype)
    count = int(np.prod(shape, dtype=np.int64))
    raw = np.zeros(count * dtype.itemsize + alignment, np.uint8)
    offset = -raw.ctypes.data % alignment
    return raw[offset:offset + count * dtype.itemsize].view(dtype).reshape(shape)


# --- cases -------------------------------------------------------------------------

class Case:
    """A model with inputs and the outputs that ONNX Runtime computed, from an index file of the zoo."""

    def __init__(self, index_path):
        with open(index_path) as f:
            index = json.load(f)
        folder = os.path.dirname(index_path)
        self.model = os.path.join(folder, index["model"])
        self.dimensions = index.get("dimensions", {})
        self.files = {e["name"]: os.path.join(folder, e["file"]) for e in index["inputs"]}
        self.inputs, self.references, self.outputs = {}, {}, {}
        for entry in index["inputs"]:
            array = aligned_array(entry["shape"], entry["dtype"])
            array[...] = np.load(self.files[entry["name"]])
            self.inputs[entry["name"]] = array
        for entry in index["outputs"]:
            self.references[entry["name"]] = np.load(os.path.join(folder, entry["file"]))
            self.outputs[entry["name"]] = aligned_array(entry["shape"], entry["dtype"])


def errors(got, expected):
    """Largest absolute error, and largest error relative to the largest magnitude of its output."""
    absolute = relative = 0.0
    for name, want in expected.items():
        have = np.asarray(got[name]).reshape(want.shape).astype(np.float64)
        want = want.astype(np.float64)
        finite = np.isfinite(want)
        difference = np.abs(np.where(finite, have - np.where(finite, want, 0), 0))
        error = float(np.max(difference, initial=0.0))
        if math.isnan(error) or not np.array_equal(have[~finite], want[~finite], equal_nan=True):
            error = math.inf
        absolute = max(absolute, error)
        largest = float(np.max(np.abs(want[finite]), initial=0.0))
        relative = max(relative, error / max(largest, 1e-30))
    return absolute, relative


# --- the command -------------------------------------------------------------------

def burin_command(burin, arguments, env=None, timeout=1800):
    """Runs `burin ARGUMENTS`; its standard output, or a Failure with its first complaint."""
    try:
        done = subprocess.run([burin] + arguments, capture_output=True, text=True, timeout=timeout,
                              env={**os.environ, **(env or {})})
    except subprocess.TimeoutExpired:
        raise Failure(f"burin {arguments[0]} took more than {timeout} s") from None
    if done.returncode != 0:
        lines = (done.stderr.strip() or done.stdout.strip()).splitlines() or [""]
        complaint = next((line for line in lines if "error" in line), lines[0])
        raise Failure(f"burin {arguments[0]} ended with status {done.returncode}: {complaint[:200]}")
    return done.stdout


def binding_flags(dimensions):
    return [flag for symbol, size in dimensions.items() for flag in ("--bind", f"{symbol}={size}")]


# --- compiled models ---------------------------------------------------------------

def identifier(name):
    """The C name of a tensor, as the header has it (codegen/artifact/header.c)."""
    text = re.sub(r"[^A-Za-z0-9]+", "_", name)
    return text if text[:1].isalpha() else "m" + text


class Header:
    """`int PREFIX_run(const PREFIX_ctx *ctx, [size_t n,] inputs..., outputs..., void *workspace)` and the tensors' types,
    from the comment before it."""

    def __init__(self, path):
        with open(path) as f:
            text = f.read()
        match = re.search(r"\bint (\w+)_run\(([^)]*)\);", text)
        if not match:
            raise Failure(f"{os.path.basename(path)} declares no PREFIX_run")
        self.prefix = match.group(1)
        self.context_bytes = 8 * int(re.search(r"\buint64_t opaque\[(\d+)\];", text).group(1))
        self.parameters = [re.search(r"(\w+)$", p).group(1) for p in match.group(2).split(",")]
        self.free_size = self.parameters[1:2] == ["n"]
        self.inputs = self.ports(text, "input")
        self.outputs = self.ports(text, "output")

    def ports(self, text, kind):
        """C name -> (type, sizes); a size that is left free is -1."""
        ports = {}
        for name, dtype, sizes in re.findall(rf"^ \*   {kind} +(\w+): (\w+)((?:\[\w+\])*)", text, re.M):
            shape = [-1 if s == "n" else int(s) for s in re.findall(r"\[(\w+)\]", sizes)]
            ports[name] = (np.dtype(DTYPES[dtype]), shape)
        return ports


class Artifact:
    """A compiled model in this process. threads None: no context, one thread."""

    def __init__(self, library, threads=None):
        base = os.path.splitext(library)[0]
        self.header = Header(base + ".h")
        self.library = ctypes.CDLL(library)
        self.context, self.weights = None, None
        if threads is not None or os.path.exists(base + ".weights"):
            self.make_context(threads or 1, base + ".weights")
        self.workspace = aligned_array((max(self.workspace_bytes(), 1),), "uint8")

    def function(self, name, result, *arguments):
        function = getattr(self.library, f"{self.header.prefix}_{name}")
        function.restype, function.argtypes = result, arguments
        return function

    def make_context(self, threads, weights):
        self.context = aligned_array((self.header.context_bytes,), "uint8")
        init = self.function("ctx_init", ctypes.c_int, ctypes.c_void_p, ctypes.c_int)
        self.check("ctx_init", init(self.context.ctypes.data, threads))
        if os.path.exists(weights):
            with open(weights, "rb") as f:
                self.weights = np.frombuffer(mmap.mmap(f.fileno(), 0, access=mmap.ACCESS_READ), np.uint8)
            give = self.function("ctx_set_weights", ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t)
            self.check("ctx_set_weights",
                       give(self.context.ctypes.data, self.weights.ctypes.data, self.weights.nbytes))

    def check(self, name, status):
        if status != 0:
            raise Failure(f"{self.header.prefix}_{name} returned {status}")

    def context_pointer(self):
        return None if self.context is None else self.context.ctypes.data

    def workspace_bytes(self):
        return self.function("workspace_bytes", ctypes.c_size_t, ctypes.c_void_p)(self.context_pointer())

    def ordered(self, ports, arrays):
        """The arrays as the header wants them, by name; shapes and types must be those it states."""
        by_name = {identifier(name): array for name, array in arrays.items()}
        if len(ports) == len(arrays) and set(ports) != set(by_name):
            by_name = dict(zip(ports, arrays.values()))
        if not set(ports) <= set(by_name):
            raise Failure(f"the header has {', '.join(ports)}; given are {', '.join(by_name)}")
        for name, (dtype, shape) in ports.items():
            array = by_name[name]
            fits = len(shape) == array.ndim and all(s in (-1, d) for s, d in zip(shape, array.shape))
            if not fits or array.dtype != dtype or not array.flags.c_contiguous:
                raise Failure(f"{name} is {dtype}{shape} in the header; given is {array.dtype}{list(array.shape)}")
        return [by_name[name] for name in ports]

    def bind(self, inputs, outputs):
        """A function that runs the model once on these arrays and checks the status."""
        arrays = self.ordered(self.header.inputs, inputs) + self.ordered(self.header.outputs, outputs)
        size = [ctypes.c_size_t(arrays[0].shape[0])] if self.header.free_size else []
        pointers = [ctypes.c_void_p(a.ctypes.data) for a in arrays + [self.workspace]]
        values = [ctypes.c_void_p(self.context_pointer())] + size + pointers
        run = self.function("run", ctypes.c_int, *[type(v) for v in values])
        keep = arrays

        def call():
            self.check("run", run(*values))
            return keep
        return call

    def output_arrays(self, size=None):
        """By C name; a free size becomes `size`."""
        return {name: aligned_array([size if s < 0 else s for s in shape], dtype)
                for name, (dtype, shape) in self.header.outputs.items()}

    def close(self):
        if self.context is not None:
            self.function("ctx_done", None, ctypes.c_void_p)(self.context.ctypes.data)
            self.context = None
