#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# tools/check_includes.sh must find each kind of violation, and nothing in a tree without.
check=$1/tools/check_includes.sh
tree=$(mktemp -d) || exit 1
trap 'rm -rf "$tree"' EXIT
failed=0

folder() { # a tree in order
	rm -rf "$tree"
	mkdir -p "$tree/base" "$tree/ir" "$tree/frontend" "$tree/passes" "$tree/codegen/llvm" \
		"$tree/runtime/cpu" "$tree/tools" "$tree/include" "$tree/tests"
	for file in base/a.h ir/a.h passes/a.h codegen/a.h runtime/a.h runtime/artifact.h frontend/a.h include/burin.h; do
		: >"$tree/$file"
	done
	printf '#include "ir/a.h"\n#include "base/a.h"\n#include <stdio.h>\n' >"$tree/passes/a.c"
	printf '#include <libxml/parser.h>\n#include "burin.h"\n' >"$tree/frontend/a.c"
	printf '#include <llvm-c/Core.h>\n#include "runtime/artifact.h"\n' >"$tree/codegen/llvm/a.c"
	printf '#include "codegen/a.h"\n#include "runtime/a.h"\n' >"$tree/tools/a.c"
}

expect() { # wanted exit status, what it is about
	"$check" "$tree" >/dev/null 2>&1
	[ $? -eq "$1" ] && return
	echo "$2: exit status is not $1"
	failed=1
}

violation() { # file, line
	folder
	echo "$2" >>"$tree/$1"
	expect 1 "$1: $2"
}

folder
expect 0 "a tree in order"
violation base/a.h '#include "ir/a.h"'
violation ir/a.h '#include "passes/a.h"'
violation ir/a.h '  #  include   "frontend/a.h"'
violation passes/a.c '#include "codegen/a.h"'
violation passes/a.c '#include "runtime/artifact.h"'
violation codegen/a.h '#include "runtime/a.h"'
violation codegen/a.h '#include "frontend/a.h"'
violation runtime/cpu/a.c '#include "ir/a.h"'
violation runtime/a.h '#include "a.h"'
violation base/a.h '#include "nowhere.h"'
violation include/burin.h '#include "base/a.h"'
violation codegen/a.c '#include <llvm-c/Core.h>'
violation ir/a.h '#include <llvm-c/Core.h>'
violation codegen/llvm/a.c '#include <llvm/IR/Module.h>'
violation tools/a.c '#include <libxml/parser.h>'
violation runtime/cpu/a.c '#include <cuda.h>'
exit $failed
