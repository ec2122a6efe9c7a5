#!/bin/sh
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

[ "$1" = --update ] && update=yes && shift
for file; do
	run_test "$file" || failed=1
done
exit $failed
