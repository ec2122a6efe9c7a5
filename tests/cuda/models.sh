#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# Whole models through the emulation of a GPU agree with the reference.  models.sh BUILD
build=$1
here=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
cat >"$work/mlp.xml" <<'M'
<graph name="mlp" xmlns="urn:burin:graph:1">
  <input id="x" type="f32" shape="5,70"/>
  <linear id="a" in="x" units="100"/> <gelu/>
  <linear id="b" units="33"/> <relu/>
  <linear id="c" units="10"/>
  <softmax id="y" axis="-1"/>
  <output id="p" in="y"/>
</graph>
M
cat >"$work/layer.xml" <<'M'
<graph name="layer" xmlns="urn:burin:graph:1">
  <input id="x" type="f32" shape="2,9,64"/>
  <block name="heads"> <reshape shape="0,0,4,16"/> <transpose perm="0 2 1 3"/> </block>
  <linear id="query" in="x" units="64"/> <use id="q" block="heads"/>
  <linear id="key" in="x" units="64"/> <use id="k" block="heads"/>
  <linear id="value" in="x" units="64"/> <use id="v" block="heads"/>
  <attention in="q k v"/> <transpose perm="0 2 1 3"/> <reshape shape="0,0,64"/>
  <linear id="dense" units="64"/> <add id="sum" y="x"/> <layernorm id="norm"/>
  <linear id="wide" units="200"/> <gelu/> <linear id="narrow" units="64"/>
  <add id="sum2" y="norm"/> <layernorm id="norm2"/>
  <output id="y" in="norm2"/>
</graph>
M
cat >"$work/wide.xml" <<'M'
<graph name="wide" xmlns="urn:burin:graph:1">
  <input id="x" type="f32" shape="3,20000"/> <softmax id="s" axis="-1"/> <output id="y" in="s"/>
</graph>
M
sed 's/224,224/32,32/' "$here/examples/resnet18.xml" >"$work/resnet18.xml"

verify() { # model option...
	"$build/burin" verify "$@" --device cuda-emu --inputs 1 >"$work/said" 2>&1 || { echo "$*:"; cat "$work/said"; exit 1; }
	echo "$(basename "$1"): $(grep -m1 'max abs' "$work/said")"
}

step() { # the same of a step of training; with --rtol 1e-4 nothing is excused as rounding
	verify "$@" --train
	grep 'state .* tensors' "$work/said" || exit 1
}

verify "$work/mlp.xml" --weights random:seed=1
verify "$work/mlp.xml" --weights random:seed=1 --gpu sm_90 --set emu.seed=5 --fp strict
verify "$work/mlp.xml" --weights random:seed=1 --set cuda.precision=bf16
verify "$work/layer.xml" --weights random:seed=1
verify "$work/layer.xml" --weights random:seed=1 --set cuda.precision=bf16
verify "$work/wide.xml" # a row that is too large for shared memory
verify "$work/resnet18.xml" --bind N=1 --weights random:seed=1
verify "$here/examples/face/rfb-320.onnx"

step "$here/tests/data/train/mlp.xml" --rtol 1e-4
step "$here/tests/data/train/mlp.xml" --gpu sm_75 --set emu.seed=9 --fp strict --rtol 1e-4
step "$here/tests/data/train/mlp.xml" --set cuda.precision=bf16
step "$here/tests/data/train/cnn.xml" --gpu sm_90 --rtol 1e-4
step "$here/examples/digits.xml" --bind N=4 --rtol 1e-4
step "$here/examples/digits.xml" --set cuda.precision=bf16 --bind N=4
