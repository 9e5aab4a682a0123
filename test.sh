#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs what is missing, builds, and runs every test. Each suite has a line; the last line is "N passed, N failed".
set -u
cd "$(dirname "$0")" || exit 1

usage() {
	cat <<'END'
usage: ./test.sh [--long] [--list] [SUITE...]

Without SUITE all of them: checks release debug tsan clang fuzz cli mount infer tokenizers fault property clients bench demo
A suite of scripts may be narrowed to one: mount/reads

  --long  also what takes long: the mount tests with sanitizers, more rounds of the random ones
  --list  names the suites
END
}

all=(checks release debug tsan clang fuzz cli mount infer tokenizers fault property clients bench demo)
wanted=() long=
for argument in "$@"; do
	case $argument in
	--long) long=1 ;;
	--list) printf '%s\n' "${all[@]}"; exit 0 ;;
	-h | --help) usage; exit 0 ;;
	-*) usage >&2; exit 2 ;;
	*) wanted+=("$argument") ;;
	esac
done
[ ${#wanted[@]} -gt 0 ] || wanted=("${all[@]}")
[ -n "$long" ] && export HFFS_TEST_LONG=1

logs=build/test
mkdir -p "$logs"
passed=0 failed=0 skipped=0

# count NAME LOG STATUS SECONDS: adds up the lines of a suite's log; an exit status without a FAIL line is a failure too.
count() {
	local p f s
	p=$(grep -cE '^PASS ' "$2")
	f=$(grep -cE '^FAIL ' "$2")
	s=$(grep -cE '^SKIP ' "$2")
	if [ "$p$f$s$3" = 00077 ]; then
		echo "SKIP $1: $(tail -n 1 "$2")" >>"$2"
		s=1
	elif [ "$f" = 0 ] && [ "$3" != 0 ] && [ "$3" != 77 ]; then
		echo "FAIL $1: ended with exit code $3" | tee -a "$2"
		tail -n 15 "$2" | sed 's/^/    /'
		f=1
	elif [ "$p$f$s" = 000 ]; then
		echo "FAIL $1: no check was made" | tee -a "$2"
		f=1
	fi
	passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
	[ "$p$f" = 00 ] || grep -E '^FAIL ' "$2" | sed 's/^/  /'
	grep -E '^SKIP ' "$2" | sed 's/^/  /'
	printf '%-22s %4d passed, %d failed  (%d s)\n' "$1" "$p" "$f" "$4"
}

# suite NAME COMMAND...
suite() {
	local name=$1 log status start=$SECONDS
	shift
	log=$logs/${name//\//-}.log
	"$@" >"$log" 2>&1
	status=$?
	count "$name" "$log" "$status" $((SECONDS - start))
}

# build PRESET: configured and compiled; said as one check.
build() {
	if cmake --preset "$1" >/dev/null && cmake --build "build/$1"; then
		echo "PASS $1/build"
	else
		echo "FAIL $1/build: it does not build, see the log"
		return 1
	fi
}

# ctest's lines to ours.
ctest_lines() {
	sed -E -e 's/^ *[0-9]+\/[0-9]+ +Test +#[0-9]+: +([^ ]+) [ .]*(\*\*\*)?Skipped.*/SKIP '"$1"'\/\1/' \
		-e 's/^ *[0-9]+\/[0-9]+ +Test +#[0-9]+: +([^ ]+) [ .]+Passed.*/PASS '"$1"'\/\1/' \
		-e 's/^ *[0-9]+\/[0-9]+ +Test +#[0-9]+: +([^ ]+) [ .]+(\*\*\*.*)/FAIL '"$1"'\/\1: \2/'
}

# compiled PRESET: built, and its ctests run.
compiled() {
	build "$1" || return 1
	ctest --test-dir "build/$1" --output-on-failure --timeout 300 -j 2 | ctest_lines "$1"
}

# scripts FOLDER: each a suite of its own.
scripts() {
	local script found=
	for script in tests/"$1"/*.sh; do
		[ -e "$script" ] && [ "$(basename "$script")" != lib.sh ] || continue
		found=1
		suite "$1/$(basename "$script" .sh)" timeout 600 bash "$script"
	done
	[ -n "$found" ] || echo "$1: no scripts"
}

one_script() {
	if [ -e "tests/$1.sh" ]; then
		suite "$1" timeout 1200 bash "tests/$1.sh"
	else
		echo "there is no suite '$1'" >&2
		exit 2
	fi
}

run_demo() {
	if ./demo.sh; then echo "PASS demo"; else echo "FAIL demo: see the log"; fi
}

# The mount tests need the program; with sanitizers they are told where it is.
need_release() { [ -n "${built_release:-}" ] || { suite build build release; built_release=1; }; }

long_mounts() {
	[ -n "$long" ] || return 0
	suite build-debug build debug
	HFFS_BUILD=$PWD/build/debug scripts mount
}

suite packages sh -c './packaging/deps.sh && echo PASS packages'
for name in "${wanted[@]}"; do
	case $name in
	checks) scripts checks ;;
	release | debug | tsan | fuzz) suite "$name" compiled "$name" ;;
	clang) suite clang build clang ;;
	demo) need_release; suite demo run_demo ;;
	mount) need_release; scripts mount; long_mounts ;;
	clients)
		need_release
		suite clients bash tests/clients/clients.sh build/release/hffs
		suite mounted bash tests/clients/mounted.sh build/release/hffs
		;;
	cli | infer | tokenizers | fault | property | bench) need_release; scripts "$name" ;;
	*/*) need_release; one_script "$name" ;;
	*) usage >&2; exit 2 ;;
	esac
done
[ "$skipped" = 0 ] || echo "$skipped skipped"
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
