#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# Who may include whom: fails on an include that goes against the arrows, and on a third-party header outside of its folder.
# Run from anywhere; with a folder as argument it checks that tree instead (its own test, tests/includes.sh).
cd "${1:-$(dirname "$0")/..}" || exit 2

# folder: what its files may include from the tree (the public headers of include/: everyone)
# <header: the only folders whose files may include what begins so
rules='
include:
base:      base include
ir:        ir base include
frontend:  frontend ir base include
passes:    passes ir base include
codegen:   codegen passes ir base include runtime/artifact.h runtime/cuda/program.h runtime/model.h runtime/note.h runtime/cpu/layout.h runtime/cpu/rt.h
runtime:   runtime base include
tools:     include base ir frontend passes codegen runtime tools
tests:     include base ir frontend passes codegen runtime tools tests
examples:  include base ir frontend passes codegen runtime examples
<libxml/:  frontend
<zlib.h:   frontend
<llvm-c/:  codegen/llvm tests
<llvm/:
<cuda:     codegen/cuda runtime/cuda
<nvrtc:    codegen/cuda
<cmocka.h: tests
'

folders=
for folder in include base ir frontend passes codegen runtime tools tests examples; do
	[ -d "$folder" ] && folders="$folders $folder"
done

# shellcheck disable=SC2086
{
	echo "$rules" | sed -n 's/^\([^:]*\):\(.*\)/rule \1 \2/p'
	find $folders -name '*.[ch]' -o -name '*.def' | sed 's/^/file /'
	find $folders -name '*.[ch]' -exec grep -Hno '^[[:space:]]*#[[:space:]]*include[[:space:]]*["<][^">]*' {} + |
		sed 's/^\([^:]*\):\([0-9]*\):[^"<]*\(["<]\)\(.*\)/include \1 \2 \3 \4/'
} | awk '
	function within(path, list,    n, one, i) {
		n = split(list, one, " ")
		for (i = 1; i <= n; i++)
			if (path == one[i] || index(path, one[i] "/") == 1)
				return 1
		return 0
	}
	function bad(what) {
		print $2 ":" $3 ": " what
		failed = 1
	}
	$1 == "rule" { name = $2; $1 = $2 = ""; may[name] = $0 }
	$1 == "file" { exists[$2] = 1 }
	$1 == "include" && $4 == "\"" {
		header = $5
		if (!(header in exists) && ("include/" header) in exists)
			header = "include/" header
		folder = $2
		sub("/.*", "", folder)
		if (!(header in exists) && (folder == "examples" || within($2, "tests/promises tests/package")))
			next # written by burin for the model, or lies beside
		if (!(header in exists))
			bad("\"" $5 "\" is not in the tree (paths are from its root)")
		else if (!within(header, may[folder]))
			bad(folder "/ may not include \"" header "\"")
	}
	$1 == "include" && $4 == "<" {
		for (name in may)
			if (index(name, "<") == 1 && index("<" $5, name) == 1 && !within($2, may[name]))
				bad("<" $5 "> may be included by" (may[name] ~ /[a-z]/ ? may[name] : " nobody"))
	}
	END { exit failed }
' >&2
