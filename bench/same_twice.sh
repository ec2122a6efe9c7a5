#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# How often are two copies of one file called different? At most 5 times in 100.
#
#   bench/same_twice.sh [COMPARISONS] [SECONDS]       default: 50 of each kind, 0.6 s a measurement
#
# Half of the comparisons are of two files in one `burin bench`, half of two runs of it with `burin compare`; with 1 and 2 threads in turn.
set -eu
cd "$(dirname "$0")/.."
burin=$PWD/build/burin
n=${1:-50}
seconds=${2:-0.6}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$burin" compile examples/lenet.xml --bind N=1 --weights random:seed=1 -o "$work/a.so" --quiet >/dev/null
cp "$work/a.so" "$work/b.so"
for kind in "one bench" "two benches"; do
	: >"$work/verdicts"
	for i in $(seq "$n"); do
		run=("$burin" bench --seconds "$seconds" --threads $((i % 2 + 1)))
		if [ "$kind" = "one bench" ]; then
			"${run[@]}" "$work/a.so" "$work/b.so" 2>/dev/null | grep 'of the time of'
		else
			"${run[@]}" "$work/a.so" --json="$work/a.json" >/dev/null 2>&1
			"${run[@]}" "$work/a.so" --json="$work/b.json" >/dev/null 2>&1
			"$burin" compare "$work/a.json" "$work/b.json" 2>/dev/null | tail -n 1
		fi >>"$work/verdicts"
	done
	printf '%s, %d comparisons of a file with itself: %d called faster, %d slower, %d no difference, %d inconclusive\n' "$kind" "$n" \
		"$(grep -c 'faster$' "$work/verdicts")" "$(grep -c 'slower$' "$work/verdicts")" \
		"$(grep -c 'no difference$' "$work/verdicts")" "$(grep -c 'inconclusive$' "$work/verdicts")"
	grep -E 'faster$|slower$' "$work/verdicts" || true
done
