#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writes examples/digits.npz: the 1,797 images of handwritten digits that scikit-learn ships (load_digits), and their labels.

x is u8[1797,8,8], ink from 0 to 16; label is u8[1797]. They are not compressed, so a C program finds them easily, and the same bytes
come out each time. What may be done with them: examples/digits.LICENSE.
Run it with scikit-learn installed:  python3 bench/export_digits.py"""
import os

import numpy as np
from sklearn.datasets import load_digits

OUT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "examples", "digits.npz")

digits = load_digits()
x, label = digits.images.astype(np.uint8), digits.target.astype(np.uint8)
assert x.shape == (1797, 8, 8) and (x == digits.images).all() and x.max() == 16
assert label.shape == (1797,) and (np.bincount(label) > 170).all()
np.savez(OUT, x=x, label=label)
print(f"{OUT}: {os.path.getsize(OUT)} bytes")
