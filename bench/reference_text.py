# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""How files of reference results are written: tests/reference.h reads them."""
import math

import numpy as np
import torch

DTYPES = {"float32": "f32", "float64": "f32", "int64": "i64", "int32": "i32", "int16": "i16",
          "int8": "i8", "uint8": "u8", "bool": "bool", "float16": "f16"}


def as_array(x):
    if isinstance(x, torch.Tensor):
        x = x.detach().numpy()
    return np.asarray(x)


def type_text(a):
    name = DTYPES[a.dtype.name]
    return f"{name}[{','.join(map(str, a.shape))}]" if a.ndim else name


def number(v, dtype):
    if dtype.kind != "f":
        return str(int(v))
    v = float(np.float32(v))
    if math.isnan(v):
        return "nan"
    if math.isinf(v):
        return "inf" if v > 0 else "-inf"
    if v == int(v) and abs(v) < 1000 and math.copysign(1, v) * v >= 0 and str(v) != "-0.0":
        return str(int(v))
    text = v.hex()
    mantissa, exponent = text.split("p")
    if "." in mantissa:
        mantissa = mantissa.rstrip("0").rstrip(".")
    return f"{mantissa}p{int(exponent)}"


def line(kind, a):
    return f"{kind} {type_text(a)} " + " ".join(number(v, a.dtype) for v in a.reshape(-1)) + "\n"
