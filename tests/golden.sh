#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# Runs text tests. A test file has three parts:
#
#   # what it shows
#   # run: burin-opt --simplify
#   <input text>
#   =====
#   <expected text>
#
# Everything before the line of equal signs goes to the command's standard input, comments included, so that line numbers of messages are
# those of the file. The expected text is the standard output. When it starts with a line "error:", the command must fail, and what
# follows is its standard error.
#
#   golden.sh [--update] FILE.t ...     --update rewrites the expectations instead of comparing: read the difference
#   golden.sh --complete                fails when a row of passes/passes.def has no test that runs it last, or a folder of tests is empty
#
# Programs are looked for in $BURIN_BUILD (build/ beside tests/ by default).
here=$(cd "$(dirname "$0")" && pwd)
build=${BURIN_BUILD:-$here/../build}
PATH=$(cd "$build" && pwd):$PATH
export PATH
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
update=
failed=0

run_test() {
	command=$(sed -n '/^=====$/q; s/^# run: *//p' "$1")
	if [ -z "$command" ]; then
		echo "$1: there is no line '# run: ...'" >&2
		return 1
	fi
	sed '/^=====$/,$d' "$1" >"$work/input"
	sed '1,/^=====$/d' "$1" >"$work/expected"
	if sh -c "$command" <"$work/input" >"$work/out" 2>"$work/err"; then
		mv "$work/out" "$work/actual"
	else
		{ echo 'error:'; cat "$work/err"; } >"$work/actual"
	fi
	if [ -n "$update" ]; then
		{ cat "$work/input"; echo '====='; cat "$work/actual"; } >"$work/new"
		cmp -s "$work/new" "$1" || cp "$work/new" "$1"
		return 0
	fi
	if ! grep -q '^=====$' "$1"; then
		echo "$1: there is no line '====='" >&2
		return 1
	fi
	diff -u --label "$1: expected" --label "$1: actual" "$work/expected" "$work/actual"
}

complete() {
	for pass in $(sed -n 's/^PASS(\([a-z_0-9]*\),.*/\1/p' "$here/../passes/passes.def"); do
		grep -qE "^# run: burin-opt.* --passes=([a-z_0-9,]+,)?$pass( |$)" "$here"/golden/passes/*.t ||
			{ echo "pass '$pass' has no test in tests/golden/passes" >&2 && failed=1; }
	done
	for folder in "$here"/golden/*/; do
		ls "$folder"*.t >/dev/null 2>&1 || { echo "$folder has no tests" >&2 && failed=1; }
	done
}

[ "$1" = --complete ] && complete && exit $failed
[ "$1" = --update ] && update=yes && shift
for file; do
	run_test "$file" || failed=1
done
exit $failed
