#!/bin/bash
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# Seconds to compile large graphs of elementwise operators:   growth.sh [BURIN]
# The goal is 10,000 operators, a chain or values that meet again, in under 3 seconds; the exit status
# is 1 where it is missed. That the cost grows as the graph does is the test test_growth.
set -eu
burin=$(realpath "${1:-$(dirname "$0")/../build/burin}")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
missed=0

# name operators goal: the model is on standard input
measure() {
	cat >"$1.xml"
	local best=
	for _ in 1 2 3; do
		local start end
		start=$(date +%s%N)
		"$burin" compile "$1.xml" --cache off -o "$1.so" >/dev/null
		end=$(date +%s%N)
		local ms=$(((end - start) / 1000000))
		[ -n "$best" ] && [ "$best" -le "$ms" ] || best=$ms
	done
	printf '%-10s %6d operators  %6d ms\n' "$1" "$2" "$best"
	[ "$3" -eq 0 ] || [ "$best" -lt "$3" ] || missed=1
}

chain() {
	echo '<graph><input id="x" shape="8,64"/>'
	echo "<repeat count=\"$1\"><tanh/></repeat><output/></graph>"
}

diamonds() {
	echo '<graph><input id="a0" shape="8,64"/>'
	for ((i = 1; i <= $1 / 2; i++)); do
		echo "<sin id=\"s$i\" in=\"a$((i - 1))\"/><add id=\"a$i\" in=\"a$((i - 1)) s$i\"/>"
	done
	echo '<output/></graph>'
}

# no two kernels are alike
mixed() {
	local operator=(tanh sigmoid relu sin cos abs neg)
	RANDOM=1
	echo '<graph><input id="x" shape="8,64"/>'
	for ((i = 0; i < $1; i++)); do echo "<${operator[RANDOM % 7]}/>"; done
	echo '<output/></graph>'
}

for n in 10000 30000; do
	goal=$((n == 10000 ? 3000 : 0))
	chain $n | measure chain $n $goal
	diamonds $n | measure diamonds $n $goal
done
mixed 1000 | measure mixed 1000 0
exit $missed
