#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# Sets up, builds, and runs the main jobs on real input: a face detector and a voice-activity detector, compiled to plain C libraries; a
# reader of handwritten digits, trained from nothing; and the training itself as a plain C library.
#
#   ./demo.sh [--no-install]
set -euo pipefail
cd "$(dirname "$0")"
. cmake/setup.sh
[ "${1:-}" != --no-install ] || install=no

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }
out=build/demo
burin=build/burin

say "1. Build"
setup_install "$setup_packages$setup_demo_packages"
cmake --preset product >/dev/null
cmake --build --preset product
mkdir -p $out

say "2. A face detector: ONNX in, one .so and one .h out"
$burin convert examples/face/rfb-320.onnx -o $out/face.xml
$burin compile $out/face.xml -o $out/face.so --prefix face
cc -O2 -I$out examples/face/face.c $out/face.so -o $out/face -lpng -lm -Wl,-rpath,'$ORIGIN'
$out/face examples/face/astronaut.png $out/face.png
$burin verify $out/face.xml

say "3. A voice-activity detector with state: 60 s of speech, frame by frame"
$burin compile examples/vad/silero_vad_op18_ifless.onnx -o $out/vad.so --prefix vad --bind sr=16000 --bind batch=1 --bind sequence=576
cc -O2 -I$out examples/vad/vad.c $out/vad.so -o $out/vad -lm -Wl,-rpath,'$ORIGIN'
$out/vad examples/vad/test.wav
$burin verify examples/vad/silero_vad_op18_ifless.onnx --bind sr=16000 --bind batch=1 --bind sequence=576

say "4. Training: handwritten digits, a plain C program that reads them, and one that learns them itself"
rm -rf $out/digits.train
$burin train examples/digits.xml --out $out/digits.train
$burin compile examples/digits.xml --batch 1 --weights $out/digits.train/weights.safetensors -o $out/digits.so
cc -O2 -I$out -Iexamples examples/digits.c $out/digits.so -o $out/digits -Wl,-rpath,'$ORIGIN'
$out/digits examples/digits.npz
mkdir -p $out/train
$burin compile examples/digits.xml --train -o $out/train/digits.so
cc -O2 -I$out/train -Iexamples examples/digits_train.c $out/train/digits.so -o $out/digits_train -lm -Wl,-rpath,'$ORIGIN/train'
$out/digits_train examples/digits.npz

say "5. How fast"
$burin bench $out/face.so $out/vad.so --seconds 2
printf '\nThe boxed photograph is %s, the curves of the training are %s\n' "$out/face.png" "$out/digits.train/loss.svg"
