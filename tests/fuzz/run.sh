#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# Builds the libFuzzer targets with clang and AddressSanitizer and runs each for some seconds, several at a time.
#
#   tests/fuzz/run.sh [--repeatable N] [--build DIR] [--keep DIR] [--jobs N] SECONDS [TARGET...]
#
#   SECONDS     for each target; TARGET: xml onnx safetensors npz json note object text, default all
#   --repeatable N  from the committed inputs alone, N executions with a fixed seed: the same every time (SECONDS only bounds it)
#   --build DIR where to build (default build/fuzz)
#   --keep DIR  where the growing corpora and the inputs that failed lie (default: <build>/corpus; emptied where --repeatable)
#
# Begins with the committed inputs: tests/fuzz/corpus/TARGET, tests/hostile, examples. Prints one line for each target: executions,
# seconds, edges covered, inputs in the corpus; for one that failed also the fault and its input. The exit status is 0 when
# nothing failed.
set -u
cd "$(dirname "$0")/../.." || exit 2
source=$PWD
build=$PWD/build/fuzz
keep=
runs=
jobs=$(nproc)
while [ $# -gt 0 ]; do
	case $1 in
	--repeatable) runs=$2 && shift ;;
	--build) build=$2 && shift ;;
	--keep) keep=$2 && shift ;;
	--jobs) jobs=$2 && shift ;;
	-h | --help) sed -n '3,14s/^# \{0,1\}//p' "$0" && exit 0 ;;
	-*) echo "$0: unknown option $1" >&2 && exit 2 ;;
	*) break ;;
	esac
	shift
done
seconds=${1:?how many seconds for each target?}
shift
targets=${*:-xml onnx safetensors npz json note object text}
keep=${keep:-$build/${runs:+repeatable-}corpus}
[ -z "$runs" ] || rm -rf "${keep:?}"

mkdir -p "$build"
cmake -S . -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Debug -DCMAKE_C_COMPILER=clang-19 -DBURIN_SANITIZE=address,undefined \
	-DBURIN_FUZZ=ON >"$build.log" 2>&1 && cmake --build "$build" --target fuzz -j "$jobs" >>"$build.log" 2>&1 ||
	{ tail -20 "$build.log"; echo "fuzz: does not build"; exit 1; }

# Names of operators and attributes as the tables have them.
words() {
	sed -n 's/^\(OP\|MACRO\|ONNX\)(\("[^"]*", \)\{0,1\}\([A-Za-z_0-9]*\),.*/"\3"/p' ir/ops.def frontend/onnx.def
	grep -o 'F([a-z0-9]*, [a-z_0-9]*' ir/attrs.def | sed 's/.* \(.*\)/" \1=\\""/'
	printf '"%s"\n' '<graph xmlns=\"urn:burin:graph:1\">' '</graph>' '<block name=\"' '<use block=\"' '<repeat count=\"' '<input id=\"' \
		'<output id=\"' ' shape=\"' ' in=\"' ' params=\"' ' carry=\"' ' dtype=\"f16\"' 'N,' '{i}' '{i+1}' '@' '/>' '<!--' '-->' '&#x41;' \
		'dtype' 'shape' 'data_offsets' '__metadata__' 'F32' 'BF16' 'BOOL' 'PK\x01\x02' 'PK\x03\x04' 'PK\x05\x06' '\x93NUMPY' \
		"'descr'" "'fortran_order'" "'shape'" '9223372036854775807' '1099511627776' '-1' '\x7fELF'
}
mkdir -p "$keep/found" "$keep/log"
words | sort -u >"$keep/words"

# Text tests without their heads: what goes in, and the kernels that come out.
mkdir -p "$keep/texts"
for file in tests/golden/graph/*.t tests/golden/passes/*.t tests/golden/kernel*/*.t; do
	name=$(echo "$file" | tr / -)
	sed '/^=====$/,$d' "$file" >"$keep/texts/$name-in"
	sed '1,/^=====$/d' "$file" | sed '/^}/q' >"$keep/texts/$name-out"
done

seeds() { # target
	case $1 in
	xml) echo tests/hostile/xml examples ;;
	onnx) echo tests/hostile/onnx ;;
	safetensors | npz | json) echo tests/hostile/weights ;;
	text) echo "$keep/texts" ;;
	esac
	[ -d "tests/fuzz/corpus/$1" ] && echo "tests/fuzz/corpus/$1"
}

fuzz() { # target
	mkdir -p "$keep/$1"
	local start=$SECONDS fixed=
	# libFuzzer's tables depend on addresses
	[ -n "$runs" ] && setarch -R true 2>/dev/null && fixed='setarch -R'
	ASAN_OPTIONS=allocator_may_return_null=1:quarantine_size_mb=8 $fixed "$build/tests/fuzz_$1" -max_total_time="$seconds" \
		${runs:+-runs="$runs" -seed=1 -reload=0} -timeout=20 -rss_limit_mb=2048 -max_len=16384 -dict="$keep/words" -print_final_stats=1 -verbosity=1 \
		-artifact_prefix="$keep/found/$1-" "$keep/$1" $(seeds "$1") >"$keep/log/$1" 2>&1
	local status=$? done edges
	done=$(sed -n 's/^stat::number_of_executed_units: *//p' "$keep/log/$1")
	edges=$(grep -o 'cov: [0-9]*' "$keep/log/$1" | tail -1)
	printf '%-12s %9s executions %5s s  %-12s corpus %5s  %s\n' "$1" "${done:-?}" "$((SECONDS - start))" "$edges" \
		"$(ls "$keep/$1" | wc -l)" "$([ $status = 0 ] && echo ok || echo FAILED)"
	[ $status = 0 ] || grep -a -A12 'runtime error:\|ERROR: \|^SUMMARY:\|^Base64:' "$keep/log/$1" | cut -c1-8000
	return $status
}

export -f fuzz seeds
export build keep seconds runs source
printf '%s\n' $targets | xargs -P "$jobs" -I{} bash -c 'fuzz {} || exit 1'
status=$?
ls "$keep/found" | sed "s|^|$keep/found/|"
exit $((status != 0))
