#!/bin/bash
# Installs what is missing, builds, tests: optimised, then with AddressSanitizer and UndefinedBehaviorSanitizer.
#   --quick       the optimised build alone
#   --no-install  change nothing on the system: stop with the list of packages when some are missing
#   --jobs N      processes at a time (default: one per CPU)
# The exit status is 0 when everything was built and every test passed.
set -u
cd "$(dirname "$0")" || exit 2

# package: what it is for
packages='
gcc: C compiler
libc6-dev: C library headers
cmake: build
ninja-build: build
pkg-config: build
llvm-19-dev: code generation
lld-19: linker for the compiled models
libxml2-dev: reading models
zlib1g-dev: reading .npz weights
libcmocka-dev: unit tests
locales: test that a comma locale of the host changes nothing
clang-format-14: test of the formatting
ccache: faster second build
'

presets='release asan'
install=yes
jobs=$(nproc)
while [ $# -gt 0 ]; do
	case $1 in
	--quick) presets=release ;;
	--no-install) install=no ;;
	--jobs) jobs=${2:?--jobs needs a number} && shift ;;
	-h | --help) sed -n '2,6s/^# \{0,1\}//p' "$0" && exit 0 ;;
	*) echo "$0: unknown option $1 (--help lists them)" >&2 && exit 2 ;;
	esac
	shift
done

missing_packages() {
	command -v dpkg-query >/dev/null || return
	echo "$packages" | while IFS=: read -r name purpose; do
		[ -n "$name" ] || continue
		case $(dpkg-query -W -f '${db:Status-Abbrev}' "$name" 2>/dev/null) in
		ii*) ;;
		*) echo "  $name:$purpose" ;;
		esac
	done
}

install_packages() { # names
	local root=()
	[ "$(id -u)" -eq 0 ] || root=(sudo)
	"${root[@]}" apt-get update &&
		"${root[@]}" env DEBIAN_FRONTEND=noninteractive \
			apt-get install -y --no-install-recommends "$@"
}

missing=$(missing_packages)
if [ -n "$missing" ]; then
	# shellcheck disable=SC2046,SC2001
	set -- $(echo "$missing" | sed 's/:.*//')
	echo "Missing Debian packages:"
	echo "$missing"
	if [ $install = no ]; then
		echo "Install them with: sudo apt-get install --no-install-recommends $*"
		exit 1
	fi
	install_packages "$@" || { echo "Installing them failed." >&2 && exit 1; }
elif ! command -v dpkg-query >/dev/null; then
	echo "Not a Debian system: taking what is here; the build says what it misses."
fi

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
	# ctest's own last lines: the sum, and the tests that failed
	summary+="$preset: $(sed -n '/tests passed,\|No tests were found/,$p' "$log" | grep -v '^$')"$'\n'
done

echo "== summary"
printf '%s' "$summary"
exit $status
