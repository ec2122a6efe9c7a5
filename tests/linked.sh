#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# What is built looks for libraries in fixed folders only, and not in the current one, which may be a stranger's; what parses files
# was compiled with the checks of stack and buffers.
#
#   tests/linked.sh BUILD_FOLDER [sanitized]
set -eu
build=$(cd "$1" && pwd)
source=$(cd "$(dirname "$0")/.." && pwd)
sanitized=${2:-}
work=$build/linked.out
rm -rf "$work"
mkdir -p "$work"
failed=0
fail() {
	echo "$*"
	failed=1
}

# Programs and libraries below a folder. Build folders in it belong to others.
elf_files() {
	find "$1" -mindepth 1 -type d -exec test -e '{}/CMakeCache.txt' \; -prune -o -type f \( -perm -u+x -o -name '*.so*' \) -print |
		while IFS= read -r file; do
			[ "$(head -c 4 "$file" | tr -d '\0')" = $'\177ELF' ] && printf '%s\n' "$file"
		done
}

# "file: path" for each place that is empty or relative.
bad_places() {
	while IFS= read -r file; do
		readelf -dW "$file" 2>/dev/null | sed -n 's/.*R\(UN\)\?PATH).*\[\(.*\)\]$/\2/p' | while IFS= read -r paths; do
			printf '%s:' "$paths" | tr ':' '\n' | grep -v '^/' | grep -v '^\$ORIGIN\(/\|$\)' |
				sed "s|^|$(basename "$file"): '|; s|\$|'|" || true
		done
	done
}

# The search finds what it is for.
mkdir "$work/bad"
for path in '/usr/lib:' ':/usr/lib' '/usr/lib::/lib' '.' 'lib' '$ORIGINAL/lib'; do
	echo 'int x;' | cc -shared -fPIC -x c - -o "$work/bad/x.so" "-Wl,-rpath,$path"
	[ -n "$(elf_files "$work/bad" | bad_places)" ] || fail "'$path' was not noticed"
done
echo 'int x;' | cc -shared -fPIC -x c - -o "$work/bad/x.so" '-Wl,-rpath,/usr/lib:$ORIGIN/lib:$ORIGIN'
[ -z "$(elf_files "$work/bad" | bad_places)" ] || fail "fixed folders were refused"
rm -r "$work/bad"

files=$(elf_files "$build")
[ "$(grep -c . <<<"$files")" -gt 5 ] || fail "nothing is built in $build"
bad=$(bad_places <<<"$files")
[ -z "$bad" ] || fail "libraries are looked for in
$bad"

# A library of that name in the current folder is left alone.
mkdir "$work/here"
cd "$work/here"
for name in libz.so.1 libxml2.so.2 libm.so.6; do
	printf '#include <unistd.h>\n__attribute__((constructor)) static void f(void) { _exit(66); }\n' |
		cc -shared -fPIC -x c - -o "$name"
done
"$build/burin" --version >/dev/null || fail "burin ends with $? where other libraries of those names are in the current folder"
model=$(find "$source/examples" -name '*.onnx' | head -1)
for name in re numpy onnxruntime; do
	echo "open('loaded', 'w')" >"$name.py"
done
if command -v python3 >/dev/null; then
	"$build/burin" verify "$model" --against onnxruntime >log 2>&1 || true
	grep -q 'ONNX Runtime' log || fail "verify --against: $(cat log)"
	[ ! -e loaded ] || fail "verify --against: Python loads modules of the current folder"
fi
cd "$work"

if [ -z "$sanitized" ]; then
	for file in burin libburin.so libburin_rt.so; do
		symbols=$(nm -D -u "$build/$file")
		grep -q '__stack_chk_fail' <<<"$symbols" || fail "$file: no protector of the stack"
		grep -q '_chk@\|_chk$' <<<"$symbols" || fail "$file: no checks of buffers"
	done
fi
for file in burin_runtime.o burin_runtime_cuda.o burin_emulator.o; do
	nm -u "$build/$file" | grep '_chk' && fail "$file, which artefacts carry, needs more than they may"
done
rm -r "$work"
exit $failed
