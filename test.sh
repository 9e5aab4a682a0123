#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs what is missing, builds, and runs every test. Each suite has a line; the last line is "N passed, N failed".
# What compiles and what waits for mounts, networks and packages run side by side.
set -u
cd "$(dirname "$0")" || exit 1

usage() {
	cat <<'END'
usage: ./test.sh [--long] [--list] [SUITE...]

Without SUITE all of them: checks release debug tsan clang fuzz cli mount infer tokenizers fault property clients bench demo
A suite of scripts may be narrowed to one: mount/reads

  --long  also what takes long: the mount tests with sanitizers, more rounds of the random ones, heavy clients
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
	*)
		if ! [[ " ${all[*]} " == *" $argument "* || ( $argument == */* && -e tests/$argument.sh ) ]]; then
			usage >&2
			exit 2
		fi
		wanted+=("$argument")
		;;
	esac
done
[ ${#wanted[@]} -gt 0 ] || wanted=("${all[@]}")
[ -n "$long" ] && export HFFS_TEST_LONG=1

logs=build/test
mkdir -p "$logs"
totals=$logs/totals # of each suite a line: passed, failed, skipped
: >"$totals"

# count NAME LOG STATUS SECONDS: adds up the lines of a suite's log; an exit status without a FAIL line is a failure too.
count() {
	local p f s said
	p=$(grep -cE '^PASS ' "$2")
	f=$(grep -cE '^FAIL ' "$2")
	s=$(grep -cE '^SKIP ' "$2")
	if [ "$p$f$s$3" = 00077 ]; then
		echo "SKIP $1: $(tail -n 1 "$2")" >>"$2"
		s=1
	elif [ "$f" = 0 ] && [ "$3" != 0 ] && [ "$3" != 77 ]; then
		echo "FAIL $1: ended with exit code $3" >>"$2"
		tail -n 15 "$2" | sed 's/^/    /'
		f=1
	elif [ "$p$f$s" = 000 ]; then
		echo "FAIL $1: no check was made" >>"$2"
		f=1
	fi
	echo "$p $f $s" >>"$totals"
	said=$(grep -E '^(FAIL|SKIP) ' "$2" | sed 's/^/  /')
	printf '%s%-22s %4d passed, %d failed  (%d s)\n' "${said:+$said$'\n'}" "$1" "$p" "$f" "$4"
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
	ctest --test-dir "build/$1" --output-on-failure --timeout 900 -j 2 | ctest_lines "$1"
}

# scripts FOLDER: each a suite of its own; NAME.long.sh only if it shall take long.
scripts() {
	local script limit
	for script in tests/"$1"/*.sh; do
		limit=600
		case $script in
		*/lib.sh) continue ;;
		*.long.sh)
			[ -n "$long" ] || continue
			limit=3600 # some build another program first
			;;
		esac
		suite "$1/$(basename "$script" .sh)" timeout "$limit" bash "$script"
	done
}

run_demo() {
	if ./demo.sh; then echo "PASS demo"; else echo "FAIL demo: see the log"; fi
}

# With sanitizers the mount tests are told where the program is.
long_mounts() {
	[ -n "$long" ] || return 0
	wait "$lane"
	suite build-debug build debug
	HFFS_BUILD=$PWD/build/debug scripts mount
}

compile() {
	local name
	for name; do
		case $name in
		clang) suite clang build clang ;;
		*) suite "$name" compiled "$name" ;;
		esac
	done
}

run_scripts() {
	local name
	for name; do
		case $name in
		demo) suite demo run_demo ;;
		mount) scripts mount; long_mounts ;;
		clients)
			suite clients bash tests/clients/clients.sh build/release/hffs
			suite mounted bash tests/clients/mounted.sh build/release/hffs
			;;
		*/*) suite "$name" timeout 3600 bash "tests/$name.sh" ;;
		*) scripts "$name" ;;
		esac
	done
}

suite packages sh -c './packaging/deps.sh && echo PASS packages'
compiled_ones=() script_ones=()
for name in "${wanted[@]}"; do
	case $name in
	release | debug | tsan | clang | fuzz) compiled_ones+=("$name") ;;
	*) script_ones+=("$name") ;;
	esac
done
[ ${#script_ones[@]} = 0 ] || [ "${script_ones[*]}" = checks ] || suite build build release

# A process group of its own, so that all of it ends with this script.
set -m
compile "${compiled_ones[@]}" &
lane=$!
set +m
trap 'kill -- -$lane 2>/dev/null' EXIT
trap 'exit 1' INT TERM
renice -n 5 -g "$lane" >/dev/null 2>&1
run_scripts "${script_ones[@]}"
wait "$lane"

read -r passed failed skipped < <(awk '{ p += $1; f += $2; s += $3 } END { print p + 0, f + 0, s + 0 }' "$totals")
[ "$skipped" = 0 ] || echo "$skipped skipped"
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
