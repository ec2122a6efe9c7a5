#!/bin/bash
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# Installs what is missing, builds, tests: optimised, then with AddressSanitizer and UndefinedBehaviorSanitizer.
#   --quick       the optimised build alone
#   --ci          also what takes longer: 2,000 random graphs, damaged files under the sanitizers, threads under ThreadSanitizer, fuzzing of the parsers,
#                 the demo in bare Debian systems
#   --no-install  change nothing on the system: stop with the list of packages when some are missing
#   --jobs N      processes at a time (default: one per CPU)
# The exit status is 0 when everything was built and every test passed.
set -u
cd "$(dirname "$0")" || exit 2

. cmake/setup.sh

presets='release asan'
install=yes
ci=
jobs=$(nproc)
while [ $# -gt 0 ]; do
	case $1 in
	--quick) presets=release ;;
	--ci) ci=yes ;;
	--no-install) install=no ;;
	--jobs) jobs=${2:?--jobs needs a number} && shift ;;
	-h | --help) sed -n '3,9s/^# \{0,1\}//p' "$0" && exit 0 ;;
	*) echo "$0: unknown option $1 (--help lists them)" >&2 && exit 2 ;;
	esac
	shift
done

setup_install "$setup_packages$setup_test_packages${ci:+$setup_ci_packages}"

# "test: reason" of everything that was skipped, from the tests' output.
not_run() { # preset
	local folder
	folder=$(sed -n "s/.*Test project //p" "build/test-$1.log" | head -1)
	[ -f "${folder:-build}/Testing/Temporary/LastTest.log" ] || return 0
	awk '$2 == "Testing:" { name = $3 } sub(/^skipped: /, "") { print "  skipped in " name ": " $0 }' \
		"${folder:-build}/Testing/Temporary/LastTest.log"
}

passed=0
failed=0
skipped=0
summary=
status=0
for preset in $presets; do
	echo "== $preset: build"
	if ! cmake --preset "$preset" || ! cmake --build --preset "$preset" -j "$jobs"; then
		summary+="$preset: does not build"$'\n'
		status=1
		continue
	fi
	echo "== $preset: tests"
	log=build/test-$preset.log
	ctest --preset "$preset" -j "$jobs" --no-tests=error 2>&1 | tee "$log"
	[ "${PIPESTATUS[0]}" -eq 0 ] || status=1
	# ctest's own last lines: "93% tests passed, 1 tests failed out of 14", and the tests that failed
	read -r bad all < <(sed -n 's/.*tests passed, \([0-9]*\) tests failed out of \([0-9]*\).*/\1 \2/p' "$log") || true
	# A test that skips something is named with its reasons, and does not count as passed.
	reasons=$(not_run "$preset")
	without=$(grep -c '\*\*\*Skipped' "$log")
	failed=$((failed + ${bad:-0}))
	skipped=$((skipped + without))
	passed=$((passed + ${all:-0} - ${bad:-0} - without))
	summary+="$preset: $(sed -n '/tests passed,\|No tests were found/,/^$/p' "$log" | grep -v '^$')"$'\n'
	summary+=$(sed -n '/The following tests FAILED/,$p' "$log" | grep -v '^$')${reasons:+$'\n'"$reasons"}$'\n'
done

# Steps of their own: each passes, fails or (status 77) is skipped as a whole.
step() { # name, command ...
	local name=$1 start=$SECONDS code=0
	shift
	echo "== $name"
	"$@" || code=$?
	case $code in
	0)
		passed=$((passed + 1))
		summary+="$name: passed, $((SECONDS - start)) s"$'\n'
		;;
	77) summary+="$name: skipped"$'\n' ;;
	*)
		failed=$((failed + 1)) status=1
		summary+="$name: FAILED"$'\n'
		;;
	esac
}

many_mutants() {
	cmake --build --preset asan -j "$jobs" --target many-mutants
}

threads() {
	cmake --preset tsan && cmake --build --preset tsan -j "$jobs" --target test_concurrent &&
		ctest --preset tsan -L threads --no-tests=error
}

fuzzing() {
	tests/fuzz/run.sh --repeatable 30000 --jobs "$jobs" 120 xml onnx safetensors text
}

random_graphs() {
	cmake --build --preset release -j "$jobs" --target more-random-graphs
}

if [ -n "$ci" ]; then
	step 'random graphs' random_graphs
	step 'damaged files' many_mutants
	step 'threads' threads
	step 'fuzzing' fuzzing
	for suite in bookworm trixie; do # Debian 12 and 13
		step "demo in a bare $suite" tests/bare.sh "$suite" ./demo.sh
	done
fi

echo "== summary"
printf '%s' "$summary"
[ $status -eq 0 ] || [ $failed -gt 0 ] || failed=1 # what does not build counts
echo "$passed passed, $failed failed, $skipped skipped"
exit $status
