#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# The kernels' text compiles for GPUs: by clang, where there is one that knows NVIDIA's (NVRTC has tests of its own). No CUDA header and
# no CUDA library is needed.  text.sh BUILD
build=$1
here=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
for name in clang-19 clang; do
	command -v $name >/dev/null && $name --print-targets 2>/dev/null | grep -q nvptx64 && clang=$name && break
done
if [ -z "$clang" ]; then
	echo "skipped: no clang that knows NVPTX (Debian: apt-get install clang-19)"
	exit 77
fi

check() { # gpu model option...
	gpu=$1 model=$2
	shift 2
	"$build/burin" compile "$model" --device cuda --gpu $gpu "$@" --weights random:seed=1 -o "$work/m.cu" -q >/dev/null || exit 1
	grep -q '#include' "$work/m.cu" && sed '/^#else.*emulation/,/^#endif/d' "$work/m.cu" | grep '#include' && echo "an include" && exit 1
	"$clang" -x cuda --cuda-device-only -nocudainc -nocudalib --cuda-gpu-arch=$gpu -Wno-unknown-cuda-version -Werror \
		-O1 -S "$work/m.cu" -o "$work/m.ptx" || exit 1
	kernels=$(grep -c '^BURIN_KERNEL' "$work/m.cu")
	entries=$(grep -c '\.entry' "$work/m.ptx")
	[ "$kernels" = "$entries" ] || { echo "$model for $gpu: $kernels kernels, $entries entries"; exit 1; }
	echo "$gpu $(basename "$model") $*: $kernels kernels"
}

sed 's/224,224/32,32/' "$here/examples/resnet18.xml" >"$work/resnet18.xml"
for gpu in sm_75 sm_80 sm_90; do
	check $gpu "$here/examples/lenet.xml" --bind N=2
	check $gpu "$here/examples/bert.xml" --bind N=1 --bind S=6
	check $gpu "$here/examples/lstm.xml" --bind N=2 --bind T=3
	check $gpu "$work/resnet18.xml" --bind N=1
done
for gpu in sm_80 sm_90; do
	check $gpu "$here/examples/bert.xml" --bind N=1 --bind S=40 --set cuda.precision=bf16
	grep -q "mma.sync.aligned.m16n8k16" "$work/m.ptx" || { echo "no warp multiplies matrices"; exit 1; }
done
