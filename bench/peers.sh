#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# Benchmark against ONNX Runtime and OpenVINO; arguments as for peers.py.
#
#   bench/peers.sh [--threads N] [--rounds N] [MODEL...]
#
# Uses the environment of bench/setup_venv.sh (BURIN_VENV, default build/venv)
# and exports the models of the zoo that are not there yet.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
python=${BURIN_VENV:-"$root/build/venv"}/bin/python
if [ ! -x "$python" ]; then
    echo "peers.sh: no Python environment; run bench/setup_venv.sh first" >&2
    exit 2
fi
[ -f "$root/build/zoo/OPS.txt" ] || "$python" "$root/bench/zoo.py" "$root/build/zoo" --missing >&2
exec "$python" "$root/bench/peers.py" "$@"
