#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# Installs into a folder, moves it elsewhere, and builds what others would: a C program by pkg-config (shared and static), C++ and C
# programs by find_package, programs with burin_add_model. All must give the same ten numbers.
#
#   tests/package/test.sh BUILD_FOLDER
set -eu
build=$(cd "$1" && pwd)
cd "$(dirname "$0")"
here=$PWD
model=$here/../../examples/lenet.xml
work=$build/package.out
rm -rf "$work"
mkdir -p "$work"
exec 3>&1 >"$work/log" 2>&1
trap 'status=$?; [ $status = 0 ] || tail -30 "$work/log" >&3; exit $status' EXIT
fail() {
	echo "$*" >&3
	exit 1
}

cmake --install "$build" --prefix "$work/first"
mv "$work/first" "$work/prefix"
prefix=$work/prefix
libdir=$(dirname "$(find "$prefix" -name libburin_rt.so)")

# --- what is there
cd "$prefix"
for file in bin/burin include/burin.h share/man/man1/burin.1 share/bash-completion/completions/burin \
	share/zsh/site-functions/_burin share/fish/vendor_completions.d/burin.fish share/burin/burin-graph-1.xsd \
	share/burin/catalog.xml; do
	[ -s "$file" ] || fail "not installed: $file"
done
for name in libburin libburin_rt; do
	[ -s "$libdir/$name.a" ] && [ -s "$libdir/pkgconfig/$name.pc" ] || fail "$name.a or $name.pc is missing"
	[ "$(readelf -d "$libdir/$name.so" | sed -n 's/.*SONAME.*\[\(.*\)\]/\1/p')" = "$name.so.0" ] || fail "soname of $name"
	[ -e "$libdir/$name.so.0" ] || fail "no $name.so.0"
	nm -g --defined-only "$libdir/$name.a" | grep ' [A-Z] ' | grep -v ' burin_' && fail "$name.a gives other names away"
done
grep -rl "$work/first\|$here" . | grep -v '\.so\|\.a$\|bin/burin' && fail "a path of the build is in an installed file"
[ "$(bin/burin --version | cut -d' ' -f2)" = "$(sed -n 's/^Version: //p' "$libdir/pkgconfig/libburin.pc")" ] || fail "versions differ"
if command -v xmllint; then
	xmllint --noout --schema share/burin/burin-graph-1.xsd "$model"
fi

# --- pkg-config
cd "$work"
export PKG_CONFIG_PATH=$libdir/pkgconfig
PATH=$prefix/bin:$PATH burin compile "$model" -o lenet.so --bind N=1 --weights random:seed=5 --mcpu native --set cache=off --quiet
cc -Wall -Wextra -Werror "$here/consumer/run.c" -o pc $(pkg-config --cflags --libs libburin_rt) "-Wl,-rpath,$libdir"
./pc ./lenet.so >pc.txt
readelf -d pc | grep -q 'NEEDED.*libburin_rt.so.0' || fail "the program does not need libburin_rt.so.0"
cc "$here/consumer/run.c" -o pc_static $(pkg-config --cflags libburin_rt) "$libdir/libburin_rt.a" \
	$(pkg-config --static --libs-only-l libburin_rt | sed 's/-lburin_rt//') -pthread
./pc_static ./lenet.so >pc_static.txt
readelf -d pc_static | grep 'NEEDED.*burin' && fail "static, and yet it needs the library"
c++ -std=c++17 -Wall -Wextra -Werror "$here/consumer/jit.cpp" -o pc_jit $(pkg-config --cflags --libs libburin) "-Wl,-rpath,$libdir"
./pc_jit "$model" >pc_jit.txt
c++ -std=c++17 "$here/consumer/jit.cpp" -o pc_jit_static $(pkg-config --cflags libburin) "$libdir/libburin.a" \
	$(pkg-config --static --libs libburin | sed 's/-lburin\>//')
./pc_jit_static "$model" >pc_jit_static.txt

# --- CMake
cmake -S "$here/consumer" -B cmake -DCMAKE_PREFIX_PATH="$prefix" -DMODEL="$model" -DCMAKE_BUILD_TYPE=Release
cmake --build cmake
for name in run run_static; do
	"cmake/$name" ./lenet.so >"$name.txt"
done
cmake/jit "$model" >jit.txt
cmake/model >model.txt
cmake/model_shared >model_shared.txt
# an unchanged model is not compiled again
cmake --build cmake | grep 'Compiling the model' && fail "compiles an unchanged model again"

[ "$(wc -l <pc.txt)" = 10 ] || fail "ten numbers were expected"
for name in pc_static pc_jit pc_jit_static run run_static jit model model_shared; do
	cmp pc.txt "$name.txt" || fail "$name gives other numbers"
done
echo "installed, moved, found by pkg-config and CMake; 9 programs agree" >&3
