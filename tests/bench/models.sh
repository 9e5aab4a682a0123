#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The benchmarks of models, small: each runs, and its table has a row for what was asked, with nothing but numbers.
# shellcheck source=../mount/lib.sh
. "$(dirname "$0")/../mount/lib.sh"
need_fuse
[ "$(id -u)" = 0 ] || skip "only root can drop the page cache"
cd "$root" || exit 1
# shellcheck source=../packages.sh
. tests/packages.sh
want_python numpy==2.4.6 gguf==0.19.0

# table NAME COLUMNS ROW...: $work/NAME has these rows, each with so many numbers behind what is given.
table() {
	local name=$1 columns=$2 row
	shift 2
	for row; do
		if grep -qE "^\| ${row//|/\\|}( \| [0-9]+(\.[0-9]+)?){$columns} \|$" "$work/$name"; then
			pass "$name/${row// /}"
		else
			fail "$name/${row// /}" "$(cat "$work/$name" "$work/err")"
		fi
	done
}

"$python" bench/infer.py --small --build "$build" --work "$work/infer-files" --types Q4_0,BF16 --threads 1,2 --rounds 1 --mount \
	>"$work/infer" 2>"$work/err"
table infer 7 'Q4_0 | 1' 'Q4_0 | 2' 'BF16 | 1' 'BF16 | 2'
"$python" bench/cold.py --small --build "$build" --work "$work/cold-files" --models Q8_0,safetensors --rounds 1 --quiet-wait 0 \
	>"$work/cold" 2>"$work/err"
table cold 5 Q8_0 safetensors
equal nothing-left-mounted "$(grep -c " $work" /proc/self/mountinfo)" 0
finish
