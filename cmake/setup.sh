# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# Sourced by demo.sh and test.sh, at the root: installs the Debian packages that are missing. Asks for sudo when not root and says what
# and why; install=no refuses with the list. A name with a question mark is taken where the distribution has it.
setup_packages='
gcc: C compiler
libc6-dev: C library headers
cmake: build
ninja-build: build
pkg-config: build
llvm-19-dev: code generation
lld-19: linker for the compiled models
libxml2-dev: reading models
zlib1g-dev: reading .npz weights
'
setup_demo_packages='
libpng-dev: the demo reads and writes pictures
'
setup_test_packages='
libcmocka-dev: unit tests
libxml2-utils: test of the XML schema
g++: test that the headers are C++
strace: test that a run makes no system call
locales: test that a comma locale of the host changes nothing
clang-format-14?: test of the formatting
clang-19: fuzzing
libclang-rt-19-dev: fuzzing and sanitizers
ccache: faster second build
'
setup_ci_packages='
debootstrap: the demo in a bare Debian
'

setup_missing() { # list
	command -v dpkg-query >/dev/null || return 0
	echo "$1" | while IFS=: read -r name purpose; do
		[ -n "$name" ] || continue
		case $(dpkg-query -W -f '${db:Status-Abbrev}' "${name%\?}" 2>/dev/null) in
		ii*) continue ;;
		esac
		case $name in
		*\?) [ -n "$(apt-cache show "${name%\?}" 2>/dev/null)" ] || continue ;;
		esac
		echo "  ${name%\?}:$purpose"
	done
}

setup_names() { sed 's/:.*//' <<<"$1"; }

# setup_install LIST: one of the lists above, or several joined
setup_install() {
	local missing root=()
	missing=$(setup_missing "$1")
	command -v dpkg-query >/dev/null ||
		echo "Not a Debian system: taking what is here; the build says what it misses."
	[ -n "$missing" ] || return 0
	echo "Missing Debian packages:"
	echo "$missing"
	if [ "${install:-yes}" = no ]; then
		echo "Install them with: sudo apt-get install --no-install-recommends" $(setup_names "$missing")
		exit 1
	fi
	[ "$(id -u)" -eq 0 ] || root=(sudo)
	"${root[@]}" apt-get update -qq &&
		missing=$(setup_missing "$1") && # now that the lists are fresh, what was unknown may be there
		"${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $(setup_names "$missing") >/dev/null ||
		{ echo "Installing them failed." >&2 && exit 1; }
}
