#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The benchmarks of models, small: each runs, and its table has a row for what was asked, with nothing but numbers.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need_fuse
[ "$(id -u)" = 0 ] || skip "only root can drop the page cache"

"$python" bench/infer.py --small --build "$build" --work "$work/infer-files" --types Q4_0,BF16 --threads 1,2 --rounds 1 --mount \
	>"$work/infer" 2>"$work/err"
table infer 7 'Q4_0 | 1' 'Q4_0 | 2' 'BF16 | 1' 'BF16 | 2'
"$python" bench/cold.py --small --build "$build" --work "$work/cold-files" --models Q8_0,safetensors --rounds 1 --quiet-wait 0 \
	>"$work/cold" 2>"$work/err"
table cold 5 Q8_0 safetensors
equal nothing-left-mounted "$(grep -c " $work" /proc/self/mountinfo)" 0
finish
